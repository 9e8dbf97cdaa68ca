"""Dense Pose Transfer's streams, what they are told, its modules and its stages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from repose import models
from repose.models.base import Progress, stage_of
from repose.models.densepose.network import CHANNELS, DensePoseConfig, DensePoseTransfer, Discriminator, pose_planes
from repose.models.densepose.objective import DensePoseObjectiveConfig
from repose.models.densepose.warping import InpaintingConfig, from_atlas, to_atlas
from repose.person import Person
from tests import surface

TINY = DensePoseConfig(width=4, residuals=1, blend_width=4, inpainting=InpaintingConfig(16, (4, 4), 8))


def person(seed: int = 0, batch: int = 2, height: int = 64, width: int = 32) -> Person:
    """Drawn people with joints and IUV; each in clothes of his own."""
    random = np.random.default_rng(seed)
    made = []
    for one in range(batch):
        keypoints = surface.joints(random, height, width)
        iuv = surface.iuv(keypoints, height, width)
        image = torch.from_numpy(surface.dressed(iuv, one)).movedim(-1, 0) / 127.5 - 1
        scale = torch.tensor([1, 255, 255]).view(3, 1, 1)
        made.append(Person(image, torch.from_numpy(keypoints), iuv=torch.from_numpy(iuv).movedim(-1, 0) / scale))
    return Person.stack(made)


def build(**changes: Any) -> DensePoseTransfer:
    torch.manual_seed(0)
    return DensePoseTransfer(replace(TINY, **changes))


def test_sizes_of_the_text() -> None:
    """Read off the text: 9 x 256 x 256 -> 256 x 64 x 64 -> six blocks -> 3 x 256 x 256; blending at full size."""
    with torch.device("meta"):
        model = DensePoseTransfer()
    predictive, blending = model.predictive, model.blending
    assert predictive.stem.conv.weight.shape == (64, 9, 3, 3)
    assert len(predictive.blocks) == 6
    assert len(blending.blocks) == 3
    x = torch.empty(1, 9, 256, 256, device="meta")
    code = predictive.downs(predictive.stem(x))
    assert code.shape == (1, 256, 64, 64)
    assert predictive(x).shape == blending(x).shape == (1, 3, 256, 256)
    kernels = [value for name, value in predictive.blocks.named_parameters() if name.endswith("conv.weight")]
    assert [value.shape for value in kernels] == 12 * [(256, 256, 3, 3)]
    assert model.inpainting.down_projection.weight.numel() == 786_432 * 256
    assert Discriminator()([torch.empty(1, 3, 256, 256)] * 3).shape == (1, 1, 30, 30)  # 70x70 patches


@pytest.mark.parametrize(
    ("kind", "channels", "text"), [("mask", 1, 4), ("parts", 24, 27), ("keypoints", 18, 21), ("iuv", 3, 6)]
)
def test_planes_that_tell_a_pose(kind: str, channels: int, text: int) -> None:
    """4, 27 and 21 planes in 4.4 are a picture and one pose; 9 with IUV are a picture and two."""
    (planes,) = pose_planes(person(), kind, "point", 6.0)
    assert planes.shape == (2, channels, 64, 32)
    assert channels == CHANNELS[kind] == text - 3
    assert 0 <= planes.min() < planes.max() <= 1
    both = DensePoseTransfer(replace(TINY, modules="predictive", source_pose=kind, target_pose=kind))  # type: ignore[arg-type]
    assert both.predictive.stem.conv.in_channels == 3 + 2 * channels
    one = DensePoseTransfer(replace(TINY, modules="predictive", source_pose="none", target_pose=kind))  # type: ignore[arg-type]
    assert one.predictive.stem.conv.in_channels == text


def test_planes_hold_what_they_say() -> None:
    people = person()
    assert people.iuv is not None
    part = people.iuv[:, 0].long()
    (hot,) = pose_planes(people, "parts", "point", 6.0)
    assert torch.equal((hot * torch.arange(1, 25).view(1, -1, 1, 1)).sum(1).long(), part)
    (onehot,) = pose_planes(people, "onehot", "point", 6.0)
    assert torch.equal(onehot, torch.cat([hot, people.iuv[:, 1:]], 1))
    (mask,) = pose_planes(people, "mask", "point", 6.0)
    assert torch.equal(mask[:, 0] == 1, part > 0)
    (iuv,) = pose_planes(people, "iuv", "point", 6.0)
    torch.testing.assert_close(iuv * torch.tensor([24, 1, 1]).view(1, 3, 1, 1), people.iuv)
    (points,) = pose_planes(people, "keypoints", "point", 6.0)
    assert torch.equal(points.sum((2, 3)), torch.ones(2, 18))


@pytest.mark.parametrize(
    ("changes", "source", "target"),
    [
        ({}, ("image", "iuv"), ("iuv",)),
        ({"modules": "predictive", "source_pose": "none"}, ("image",), ("iuv",)),
        ({"modules": "predictive", "source_pose": "mask", "target_pose": "parts"}, ("image", "iuv"), ("iuv",)),
        ({"modules": "predictive", "source_pose": "keypoints"}, ("image", "keypoints"), ("iuv",)),
        ({"modules": "blending", "target_pose": "keypoints"}, ("image", "iuv"), ("keypoints",)),
        ({"source_pose": "keypoints", "target_pose": "mask"}, ("image", "keypoints", "iuv"), ("iuv",)),
    ],
)  # fmt: skip
def test_needs_follow_the_config(changes: dict[str, Any], source: tuple[str, ...], target: tuple[str, ...]) -> None:
    model = build(**changes).eval()
    assert (model.needs.source, model.needs.target) == (source, target)
    everything = person()
    output = model(everything.only(*source), person(1).only(*target))
    assert output.image.shape == (2, 3, 64, 32)


def test_without_iuv_the_error_says_where_it_comes_from() -> None:
    model = build()
    for role, people in (
        ("source", (person().only("image"), person(1))),
        ("target", (person(), person(1).only("image"))),
    ):
        with pytest.raises(ValueError, match=rf"{role}\.iuv, which is missing; .*DensePose"):
            model(*people)


def test_modules_are_the_rows_of_table_4() -> None:
    channels = {}
    for modules in ("predictive", "blending", "warping", "inpainting"):
        model = build(modules=modules)
        output = model(person(), person(1))
        channels[modules] = [*dict(model.named_children())], sorted(output.extra)
    assert channels == {
        "predictive": (["predictive"], []),
        "blending": (["predictive", "blending"], ["predicted", "residual"]),
        "warping": (["predictive", "blending"], ["predicted", "residual", "warped"]),
        "inpainting": (["predictive", "inpainting", "blending"], ["inpainted", "predicted", "residual", "warped"]),
    }


def test_the_blending_is_a_residual_on_the_predictive_stream() -> None:
    model = build()
    people = person(), person(1)
    for training in (True, False):
        output = model.train(training)(*people)
        whole = output.extra["predicted"] + output.extra["residual"]
        torch.testing.assert_close(output.image, whole if training else whole.clamp(-1, 1))
    assert output.extra["residual"].abs().max() < 0.2  # it begins near nothing
    assert model.blending.first.conv.in_channels == 9


def test_the_warped_picture_is_the_source_carried_over_the_surface() -> None:
    """Without inpainting, a person put into his own pose comes back where he was."""
    model, people = build(modules="warping").eval(), person()
    assert people.image is not None
    assert people.iuv is not None
    warped = model(people, people).extra["warped"]
    body = people.iuv[:, :1] > 0
    assert ((warped - people.image).abs() * body).sum() / (3 * body.sum()) < 0.1
    assert (warped * ~body).abs().max() == 0
    texture, _ = to_atlas(people.image, people.iuv, 16)
    torch.testing.assert_close(warped, from_atlas(texture, people.iuv)[0])


@pytest.mark.parametrize("keep", [False, True])
def test_what_is_seen_stays_or_is_painted(keep: bool) -> None:
    model = build(keep_seen=keep).eval()
    people, other = person(), person(1)
    given, wanted, iuv, texture, seen = model.encode(people, other)
    output = model.synthesise(given, wanted, iuv, texture, seen)
    surface_then = torch.where(seen > 0, texture, output.extra["inpainted"]) if keep else output.extra["inpainted"]
    torch.testing.assert_close(output.extra["warped"], from_atlas(surface_then, iuv)[0])


def test_stages() -> None:
    model = build().train()
    people = person(), person(1)
    ran = {}
    for stage in ("predictive", "inpainting", "joint"):
        model.set_stage(stage)
        model.zero_grad()
        output = model(*people)
        sum(value.square().sum() for value in (output.image, *output.extra.values())).backward()
        alive = {name for name, child in model.named_children() for p in child.parameters() if p.grad is not None}
        ran[stage] = sorted(alive), len(model.encode(*people))
    assert ran == {
        "predictive": (["predictive"], 2),
        "inpainting": (["inpainting"], 5),
        "joint": (["blending", "inpainting", "predictive"], 5),
    }

    model.set_stage("predictive")
    assert "residual" in model.eval()(*people).extra  # in use it always runs whole


def test_bad_stages_and_sizes() -> None:
    with pytest.raises(ValueError, match=r"rise from 0 to 1 are wanted, got 0\.5 and 0\.4"):
        DensePoseObjectiveConfig(predictive_until=0.5, inpainting_until=0.4)
    with pytest.raises(ValueError, match="blend_width: at least 1"):
        replace(TINY, blend_width=0)
    with pytest.raises(ValueError, match=r"trains in predictive, inpainting, joint, not in 'level0'"):
        build().set_stage("level0")
    with pytest.raises(
        ValueError, match=r"not in 'inpainting'; .* objective\.inpainting_until is objective\.predictive"
    ):
        build(modules="warping").set_stage("inpainting")


@pytest.mark.parametrize("name", [name for name in models.RECIPES if name.startswith("densepose")])
def test_every_recipe_builds_and_its_stages_fit_its_modules(name: str) -> None:
    recipe = models.recipe(name)
    assert recipe.name == name
    with torch.device("meta"):
        model = models.build_generator(recipe)
    objective = models.build_objective(recipe)
    for images in range(0, recipe.images, recipe.images // 20):
        now = Progress(images, recipe.images)
        phases = objective.phases(now)
        model.set_stage(stage_of(phases))
        for phase in phases:
            for trains in phase.trains:
                root, _, part = trains.partition(".")
                module: Any = model if root == "generator" else objective.networks[root]
                assert next(module.get_submodule(part).parameters()) is not None


def test_folding_keeps_the_place_of_every_pixel() -> None:
    """A folded network still moves with the picture, two pixels at a time."""
    model = build(fold=2, downs=1, modules="predictive", norm="batch").eval()
    x: Tensor = torch.rand(1, 9, 64, 64)
    near = model.predictive(x)[..., 24:36, 24:36]
    moved = model.predictive(x.roll((4, 4), (2, 3)))[..., 28:40, 28:40]
    torch.testing.assert_close(near, moved, rtol=0, atol=1e-5)
    assert near.std() > 1e-3
