"""Each stage of a run moves its own generator alone, and a run broken off in any stage goes on to the same bits."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from repose import models
from repose.data import Store
from repose.recipes import Recipe, override
from repose.represent.canvas import CANVASES
from repose.train import run_files
from repose.train.log import Log
from tests.models.pinet import drawn
from tests.train import toy
from tests.train.runs import broken_off, last, one_thread, run_here

WORDS = [
    *("network.width=8", "objective.alone=[0.3333,0.6667]", "images=96", "tick=8"),
    *("objective.perceptual=none", "objective.adversarial_from=0", "objective.discriminator.width=4"),
    *("objective.discriminator.blocks=1", "canvas=toy", "ema=20", "network.gamma=0.1"),
]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(CANVASES, "toy", toy.SMALL["toy"])
    with one_thread():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return drawn.store(tmp_path_factory.mktemp("labelled") / "store")


@pytest.fixture(scope="module")
def unbroken(store: Store, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """All checkpoints of a run that nothing disturbed, by images."""
    trees: dict[int, dict[str, Any]] = {}
    with one_thread(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(CANVASES, "toy", toy.SMALL["toy"])
        patch.setattr(run_files, "save_checkpoint", lambda folder, tree, images: trees.update({images: deepcopy(tree)}))
        go(store, tmp_path_factory.mktemp("unbroken") / "run")
    return trees


def made(*words: str) -> Recipe:
    return override(models.recipe("pinet-s"), [*WORDS, *words])


def go(store: Store, run: Path, *words: str) -> dict[str, float]:
    return run_here(made(*words), store, run).losses


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """Which networks differ in a single bit, running statistics included; the pools hold nothing."""
    assert before.keys() == after.keys()
    tensors = {name: value for name, value in before.items() if isinstance(value, Tensor)}
    ours = {name for name, value in tensors.items() if not torch.equal(value, after[name])}
    return {".".join(name.split(".")[: 2 if name.startswith("networks") else 1]) for name in ours}


def test_only_the_part_of_a_stage_moves(unbroken: dict[int, dict[str, Any]]) -> None:
    """Checkpoints of 8 and 24 images are in the first stage, of 40 and 56 in the second, of 72 and 88 in the third."""
    judges, none = {"networks.appearance", "networks.shape"}, set[str]()
    wanted = {8: ({"parsing"}, none), 40: ({"image"}, judges), 72: ({"parsing", "image"}, judges)}
    for images, (parts, networks) in wanted.items():
        one, other = unbroken[images], unbroken[images + 16]
        assert moved(one["generator"], other["generator"]) == parts
        assert moved(one["objective"], other["objective"]) == networks


@pytest.mark.parametrize("images", [16, 48, 80])
def test_broken_off_in_any_stage(
    store: Store, unbroken: dict[int, dict[str, Any]], tmp_path: Path, images: int
) -> None:
    assert broken_off(made(), store, tmp_path, images + 8)["images"] == images
    go(store, tmp_path)
    one, other = last(tmp_path), unbroken[96]
    for part in ("generator", "average", "objective"):
        assert not moved(one[part], other[part])


def test_every_stage_learns(store: Store, tmp_path: Path) -> None:
    losses: list[dict[str, float]] = []
    line = Log.line

    def kept(self: Log, now: int, seconds: float, rates: Any, found: dict[str, float]) -> None:
        line(self, now, seconds, rates, found)
        losses.append(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "line", kept)
        steady = ("schedule.kind=constant", "schedule.warmup=0", "objective.adversarial_from=1")
        go(store, tmp_path, "images=720", "tick=80", *steady)
    for term, share in (("parsing/cross_entropy", 0.9), ("image-plain/l1", 0.9), ("joint-plain/l1", 0.97)):
        values = [found[term] for found in losses if term in found]
        assert len(values) >= 3
        assert values[-1] < share * values[0], term


def test_one_stage_needs_no_labels_and_two_say_who_has_them(store: Store, tmp_path: Path) -> None:
    bare = toy.store(tmp_path / "store")
    with pytest.raises(ValueError, match=r"parsing.*synthetic"):
        go(bare, tmp_path / "two")
    losses = go(bare, tmp_path / "one", "network.stages=1", "objective.alone=[0,0]", "images=16")
    assert "joint/l1" in losses
    assert not [name for name in losses if "labels" in name or "entropy" in name]
    with pytest.raises(ValueError, match=r"network\.stages=1 trains in joint, not in 'parsing'; .*objective\.alone"):
        go(bare, tmp_path / "other", "network.stages=1", "images=16")


def test_sheets_show_the_whole_network_without_averaged_weights(store: Store, tmp_path: Path) -> None:
    """In the first stage the network itself draws the contact sheet."""
    recipe = replace(made("ema=0", "images=16", "objective.alone=[1,1]"), tick=16)
    run_here(recipe, store, tmp_path)
    assert len(list((tmp_path / "sheets").glob("*.png"))) == 1
