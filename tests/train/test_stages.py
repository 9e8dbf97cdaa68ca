"""Training in stages: parts of a generator train alone, and a run cut off in any stage goes on as if it was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from repose.data import Store
from repose.models import MODELS
from repose.models.base import Output, Phase, Progress, Term
from repose.person import Pair
from repose.recipes import Recipe
from tests.train import toy
from tests.train.runs import broken_off, last, one_thread, run_here

STAGES = ("first", "last", "all")


def stage(progress: Progress) -> int:
    """Thirds of the run."""
    return min(2, 3 * progress.images // progress.total)


class Staged(toy.Toy):
    """Its first layer trains alone, then its last, then all; `stage` is remembered by the weights."""

    def __init__(self, config: toy.ToyConfig) -> None:
        super().__init__(config)
        self.register_buffer("stage", torch.zeros((), dtype=torch.int64))

    def set_stage(self, stage: str) -> None:
        if stage not in STAGES:
            raise ValueError(f"Staged has the stages {', '.join(STAGES)}, not '{stage}'")
        self.get_buffer("stage").fill_(STAGES.index(stage))


class InStages(toy.ToyObjective):
    views = 2

    def phases(self, progress: Progress) -> Sequence[Phase]:
        parts = ("generator.net.0",), ("generator.net.6",), ("generator",)
        name = STAGES[stage(progress)]
        return [Phase(name, parts[stage(progress)], name), Phase("judge", ("judge",), name)]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        if phase.name == "judge":
            return super().losses(phase, pair, output)
        several = [pair.target, *pair.views]
        assert len(several) == 3
        means: list[Tensor] = [
            (output.image - person.image).abs().mean() for person in several if person.image is not None
        ]
        return {"views": Term(torch.stack(means).mean())}


class Unknown(toy.ToyObjective):
    def phases(self, progress: Progress) -> Sequence[Phase]:
        return [Phase("generator", (self.config.order,))]


class Odd(toy.ToyObjective):
    """Names of stages that the generator does not have, or that are not one."""

    def phases(self, progress: Progress) -> Sequence[Phase]:
        one, _, other = self.config.order.partition(" ")
        return [Phase("generator", ("generator",), one), Phase("judge", ("judge",), other or one)]


class Demanding(toy.ToyObjective):
    requires = ("parsing",)


@contextmanager
def registered() -> Iterator[None]:
    """The models of this file, on one thread."""
    entry = toy.ENTRY
    where = "tests.train.test_stages"
    objectives = {"staged": "InStages", "odd": "Odd", "unknown": "Unknown", "demanding": "Demanding"}
    with pytest.MonkeyPatch.context() as patch, one_thread():
        for name, objective in objectives.items():
            generator = f"{where}:Staged" if name in ("staged", "odd") else entry.generator
            declaration = replace(entry, generator=generator, objective=f"{where}:{objective}")
            patch.setitem(MODELS, name, declaration)
        yield


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with registered():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return toy.store(tmp_path_factory.mktemp("staged") / "store")


def staged(**changes: Any) -> Recipe:
    return toy.recipe(model="staged", images=240, tick=8, **changes)


@pytest.fixture(scope="module")
def unbroken(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whole run that every test of this file compares with; none writes into it."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    with registered():
        run_here(staged(), store, folder)
    return folder


def weights(run: Path) -> dict[str, Tensor]:
    kept: dict[str, Tensor] = last(run)["generator"]
    return kept


def test_only_the_part_of_a_stage_moves(store: Store, unbroken: Path, tmp_path: Path) -> None:
    """What a stage does not name keeps its very bits."""
    made = staged()
    states = {}
    for name, images in (("a", 8), ("b", 80), ("c", 160)):  # one run, which goes on
        states[name] = broken_off(made, store, tmp_path / "run", images + 8)["generator"]
    states["d"] = weights(unbroken)
    first, middle, final = "net.0.weight", "net.4.weight", "net.6.weight"
    moved = {
        pair: [key for key in (first, middle, final) if not torch.equal(states[pair[0]][key], states[pair[1]][key])]
        for pair in ("ab", "bc", "cd")
    }
    assert moved == {"ab": [first], "bc": [final], "cd": [first, middle, final]}
    assert [int(states[name]["stage"]) for name in "abcd"] == [0, 0, 1, 2]


@pytest.mark.parametrize("images", [40, 120, 200])
def test_broken_off_in_any_stage(store: Store, unbroken: Path, tmp_path: Path, images: int) -> None:
    assert broken_off(staged(), store, tmp_path / "run", images)["images"] == images - 8
    run_here(staged(), store, tmp_path / "run")
    one, other = weights(tmp_path / "run"), weights(unbroken)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_averaged_weights_know_the_stage(unbroken: Path) -> None:
    assert int(last(unbroken)["average"]["stage"]) == 2


@pytest.mark.parametrize(
    ("trains", "error"),
    [("painter", "trains 'painter', but there is only generator, judge"), ("generator.eye", "has no part 'eye'")],
)
def test_a_phase_that_trains_nothing_known(store: Store, tmp_path: Path, trains: str, error: str) -> None:
    made = toy.recipe(model="unknown", objective=toy.ToyObjectiveConfig(order=trains))
    with pytest.raises(ValueError, match=error):
        run_here(made, store, tmp_path / "run")


@pytest.mark.parametrize(
    ("stages", "error"),
    [
        ("first last", "must be of one stage: 'generator' is of 'first', 'judge' is of 'last'"),
        ("second", "Staged has the stages first, last, all, not 'second'"),
    ],
)
def test_stages_that_do_not_fit_stop_the_first_step(store: Store, tmp_path: Path, stages: str, error: str) -> None:
    made = toy.recipe(model="odd", objective=toy.ToyObjectiveConfig(order=stages))
    with pytest.raises(ValueError, match=error):
        run_here(made, store, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_data_without_a_field_that_the_terms_need(store: Store, tmp_path: Path) -> None:
    made = toy.recipe(model="demanding", name="demanding")
    with pytest.raises(ValueError, match=r"demanding trains on 'parsing', which .* does not have; .*synthetic"):
        run_here(made, store, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()
