"""HPN in the loop: cut off in any half level it goes on as if it was not, and what has not grown yet does not move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from repose.data import Store
from repose.models import build_generator, recipe
from repose.models.hpn.network import HPN, HPNConfig
from repose.models.hpn.objective import HPNObjectiveConfig
from repose.models.weights import load_generator
from repose.recipes import DataConfig, Recipe, override
from repose.represent.canvas import CANVASES
from tests.train import toy
from tests.train.runs import assert_same, broken_off, last, one_thread, run_here

IMAGES, BATCH = 72, 4  # three levels of 24, halves of 12


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(CANVASES, "toy", toy.SMALL["toy"])
    with one_thread():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return toy.store(tmp_path_factory.mktemp("hpn") / "store")


def tiny(**changes: object) -> Recipe:
    small = recipe("hpn-s")
    made = replace(
        small,
        network=HPNConfig(width=16, levels=3, trained=3, sigma=1.0),
        objective=HPNObjectiveConfig(
            shares=(1.0, 1.0, 1.0),
            descriptors=(18, 31, 44),
            weight_pixels=1.0,
            weight_local=0.1,
            perceptual="none",
        ),
        canvas="toy",
        data=DataConfig(batch=BATCH, flip="mirror"),
        schedule=replace(small.schedule, warmup=4),
        images=IMAGES,
        tick=BATCH,
        ema=16,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def unbroken(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    with one_thread(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(CANVASES, "toy", toy.SMALL["toy"])
        run_here(tiny(), store, folder)
    return folder


@pytest.mark.parametrize("images", [8, 16, 24, 32, 40, 48, 56, 64])
def test_cut_off_in_any_half_level(images: int, store: Store, unbroken: Path, tmp_path: Path) -> None:
    assert broken_off(tiny(), store, tmp_path / "run", images + BATCH)["images"] == images
    run_here(tiny(), store, tmp_path / "run")
    assert_same(last(tmp_path / "run"), last(unbroken))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["network.trained=1"],
            r"network\.trained=1 trains in level0, not in 'level1'; objective\.shares has one number for each",
        ),
        (
            ["objective.descriptors=[]", "objective.shares=[1]"],
            r"wants a picture 32 high, the generator gives 8; network\.trained must be 1, one .* objective\.shares",
        ),
    ],
)
def test_configs_that_do_not_fit_stop_the_first_step(
    store: Store, tmp_path: Path, words: list[str], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        run_here(override(tiny(), words), store, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_what_has_not_grown_yet_does_not_move(store: Store, tmp_path: Path) -> None:
    """Neither weights, nor running statistics, nor moments; and the averaged weights stand at the run's level."""
    made = tiny()
    torch.manual_seed(made.seed)
    fresh = build_generator(made).state_dict()
    names = [name for name, _ in build_generator(made).named_parameters()]
    for level, images in enumerate((20, 44, 68)):
        tree = broken_off(made, store, tmp_path / "run", images + BATCH)
        weights, average, moments = (tree[key] for key in ("generator", "average", "optimisers"))
        assert int(weights["grown"]) == int(average["grown"]) == level
        seen = {names[int(key)] for key in moments["generator"]["state"]}
        for name, value in fresh.items():
            part, _, rest = name.partition(".")
            moved = part == "middle" or (rest and int(rest.split(".")[0]) <= level)
            if name == "grown":
                continue
            assert torch.equal(weights[name], value) is not moved, name
            assert torch.equal(average[name], value) is not moved, name
            if name in names:
                assert (name in seen) is moved, name
        generator, _ = load_generator(tmp_path / "run")
        assert isinstance(generator, HPN)
        assert generator.level == level
