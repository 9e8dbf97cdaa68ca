"""Dense Pose Transfer in the loop: a run broken off in any stage goes on as if it was not; what inspection draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from repose import models
from repose.data import Store
from repose.models.densepose.inspect import panels
from repose.models.densepose.warping import InpaintingConfig
from repose.recipes import Recipe, override
from tests import surface, tiny
from tests.models.densepose.test_network import TINY, build, person
from tests.train.runs import broken_off, last, one_thread, run_here

WORDS = (
    "canvas=market", "images=96", "tick=16", "schedule.warmup=8", "ema=20", "data.batch=2",
    "objective.predictive_until=0.25", "network.width=4",
    "network.residuals=1", "network.blend_width=4", "objective.weight_perceptual=0",
    "objective.discriminator=4", "objective.adversarial_from=0.7",
)  # fmt: skip
"""All stages in 24 steps: the predictive stream to image 24, the inpainting to 43.2, all; from 67.2 adversarial."""


def recipe() -> Recipe:
    made = override(models.recipe("densepose-s"), WORDS)
    return replace(made, network=replace(made.network, inpainting=InpaintingConfig(8, (4, 4), 8)))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return surface.store(tmp_path_factory.mktemp("surface") / "store", height=128, width=64)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def unbroken(store: Store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    run = tmp_path_factory.mktemp("unbroken") / "run"
    with one_thread():
        run_here(recipe(), store, run)
    return last(run)


@pytest.mark.parametrize(
    ("images", "moved"),
    [
        (24, {"predictive"}),
        (40, {"predictive", "inpainting"}),
        (68, {"predictive", "inpainting", "blending"}),
        (84, {"predictive", "inpainting", "blending", "discriminator"}),
    ],
)
def test_broken_off_in_any_stage(
    store: Store, tmp_path: Path, unbroken: dict[str, Any], images: int, moved: set[str]
) -> None:
    tree = broken_off(recipe(), store, tmp_path / "run", images)
    assert 0 < tree["images"] < 96
    torch.manual_seed(recipe().seed)
    fresh = {"generator": models.build_generator(recipe()), "objective": models.build_objective(recipe())}
    changed = set()
    for kind, module in fresh.items():
        for name, value in module.named_parameters():
            if not torch.equal(value, tree[kind][name]):
                changed.add(name.split(".")[1 if kind == "objective" else 0])
    assert changed == moved

    run_here(recipe(), store, tmp_path / "run")
    ended = last(tmp_path / "run")
    for kind in ("generator", "average", "objective"):
        assert ended[kind].keys() == unbroken[kind].keys()
        for name, value in ended[kind].items():
            assert not isinstance(value, Tensor) or torch.equal(value, unbroken[kind][name]), name


def test_a_network_without_inpainting_says_what_to_set(store: Store, tmp_path: Path) -> None:
    made = override(recipe(), ["objective.predictive_until=0", "network.modules=warping"])
    with pytest.raises(ValueError, match=r"network\.modules=warping trains in predictive, joint, not in 'inpainting'"):
        run_here(made, store, tmp_path / "run")


def test_data_without_iuv_is_refused_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"densepose-s trains on 'iuv', which .* does not have; .*synthetic"):
        run_here(recipe(), tiny.store(tmp_path / "store"), tmp_path / "run")


@pytest.mark.parametrize(
    ("modules", "names"),
    [
        ("predictive", ["streams"]),
        ("blending", ["streams"]),
        ("warping", ["streams", "atlas", "body"]),
        ("inpainting", ["streams", "atlas", "body"]),
    ],
)
def test_panels(modules: str, names: list[str]) -> None:
    model = build(modules=modules).eval()
    source, target = person(0, batch=1), person(1, batch=1)
    with torch.inference_mode():
        drawn = {panel.name: panel for panel in panels(model, source, target)}
        less = panels(model, source, target.only("iuv"))
    assert list(drawn) == [panel.name for panel in less] == names
    assert less[0].image.shape[1] < drawn["streams"].image.shape[1]  # without the true picture
    side = TINY.inpainting.side
    if modules in ("warping", "inpainting"):
        rows = 2 if modules == "inpainting" else 1
        assert drawn["atlas"].image.shape[0] >= rows * 3 * side
        assert ("inpainted" in drawn["body"].caption) == (modules == "inpainting")
        assert drawn["body"].image.std() > 10


@pytest.mark.parametrize("modules", ["predictive", "blending", "warping"])
def test_stages_that_do_not_fit_stop_before_the_first_step(store: Store, tmp_path: Path, modules: str) -> None:
    """Not when the run comes to the stage that there is not."""
    with pytest.raises(ValueError, match="inpainting"):
        run_here(override(recipe(), [f"network.modules={modules}"]), store, tmp_path / "run")
    assert not (tmp_path / "run").exists()
