"""The small garment network learns one shirt in two pictures by heart; stopped and resumed it learns the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from repose import models
from repose.data import Store, StoreWriter
from repose.draw.panels import grid as page
from repose.draw.panels import picture
from repose.models.garment.network import GarmentFlow, on_white
from repose.models.weights import load_generator
from repose.recipes import Recipe, override
from repose.represent.canvas import to_uint8
from tests.models.garment.people import Laid, true_flow, wearing
from tests.train.runs import last, one_thread, run_here

HERE, THERE = Laid(28, 50, 30, 50, -8), Laid(36, 72, 24, 60, 12)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("shirt") / "store"
    with StoreWriter(folder, 128, 64, "one shirt") as writer:
        for name, laid in (("here", HERE), ("there", THERE)):
            person = wearing(laid, 128, 64)
            assert person.image is not None
            assert person.keypoints is not None
            assert person.parsing is not None
            parsing = person.parsing.byte().numpy()
            writer.add(name, "shirt", to_uint8(person.image), person.keypoints, parsing, split="train")
        writer.finish({"train": [("here", "there")]})
    return Store.open(folder)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def recipe(images: int, *words: str) -> Recipe:
    """Pixels only: the feature network is a file that need not be here."""
    alone = models.MODELS["garment"].without_features
    small = override(models.recipe("garment-s"), ["canvas=market", *alone, "data.flip=none", *words])
    constant = replace(small.schedule, kind="constant", warmup=0)
    return replace(small, schedule=constant, images=images, tick=images, ema=0)


def test_one_shirt_is_learnt_by_heart(pair: Store, tmp_path: Path) -> None:
    summary = run_here(recipe(300, "data.both_directions=false"), pair, tmp_path, overfit=1)
    assert summary.losses["flow/l1"] < 0.08
    learnt = load_generator(tmp_path)[0].eval()
    assert isinstance(learnt, GarmentFlow)
    here, there = pair.person([0]), pair.person([1])
    with torch.no_grad():
        output, fresh = learnt(here, there), GarmentFlow(learnt.config).eval()(here, there)
    assert there.image is not None
    mask = output.extra["garment_mask"]
    true = on_white(there.image, mask)
    drawn = [picture(image[0]) for image in (fresh.image, output.image, true)]
    Image.fromarray(page([drawn], ["start", "learnt", "true"])).save(tmp_path / "learnt.png")

    inner = (output.extra["inside"] == 1) & (fresh.extra["inside"] == 1) & (mask == 1)
    wanted = true_flow(HERE, THERE, 128, 64)[None]
    off, before = (
        float(
            ((one.extra["flow"] - wanted) * torch.tensor([32.0, 64.0]).view(1, 2, 1, 1)).norm(dim=1)[inner[:, 0]].mean()
        )
        for one in (output, fresh)
    )  # in pixels; nothing but colours told the network where they lie
    assert off < 0.5 * before, (off, before)


def test_stopped_and_resumed_equals_unbroken(pair: Store, tmp_path: Path) -> None:
    """One stage there is; stopped in its middle, the run ends with the same bits."""
    tiny = ["network.width=4", "network.blocks=1", "data.batch=2"]
    for folder, ends in (("unbroken", (48,)), ("resumed", (24, 48))):
        for end in ends:
            run_here(replace(recipe(end, *tiny), ema=100), pair, tmp_path / folder)
    one, other = (last(tmp_path / folder) for folder in ("unbroken", "resumed"))
    assert one["images"] == other["images"] == 48
    for kind in ("generator", "average"):
        for name, value in one[kind].items():
            assert torch.equal(value, other[kind][name]), f"{kind}.{name}"
