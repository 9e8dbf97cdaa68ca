"""The shadow on the ground at somebody's feet."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.represent.canvas import canvas
from repose.represent.retarget import person_size
from repose.scene import Scene
from repose.scene.shadow import shadow
from tests.scene.people import photograph

JOINTS = photograph(bottom=340).keypoints
assert JOINTS is not None
SIZE = float(person_size(JOINTS))
FEET = (320, 344)
"""Between the shoes, x and y."""


def ground(height: int = 420, width: int = 640) -> Tensor:
    """Light brown with noise, and brighter to the right; (3, height, width) in [0, 1]."""
    noise = torch.rand(1, height, width, generator=torch.Generator().manual_seed(0)) * 0.06
    light = torch.linspace(0.92, 1.08, width)
    return ((torch.tensor([0.6, 0.5, 0.42]).view(3, 1, 1) + noise) * light).clamp(0, 1)


def figure(height: int = 420, width: int = 640) -> Tensor:
    """Where two legs and a trunk are, (1, height, width)."""
    mask = torch.zeros(1, height, width)
    mask[:, 100:345, 300:316] = mask[:, 100:345, 326:342] = mask[:, 100:230, 300:342] = 1
    return mask


def ellipse(x: float, y: float, wide: float, high: float, height: int = 420, width: int = 640) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (((columns - x) / wide).square() + ((rows - y) / high).square() < 1)[None]


def found(light: Tensor, hidden: Tensor | None = None, keypoints: Tensor = JOINTS) -> Tensor:
    """The shadow that is seen in a photograph of these levels, with a figure of another colour in it."""
    hidden = figure() if hidden is None else hidden
    red = torch.tensor([0.8, 0.05, 0.05]).view(3, 1, 1)
    return shadow((light * (1 - hidden) + red * hidden) * 2 - 1, hidden, keypoints)


@pytest.mark.parametrize(("x", "wide"), [(320, 70), (365, 60), (275, 60)])
@pytest.mark.parametrize("strength", [0.5, 0.75])
def test_a_darker_ellipse_at_the_feet_is_found(x: float, wide: float, strength: float) -> None:
    dark = ellipse(x, FEET[1] + 4, wide, 15)
    light = ground() * torch.where(dark, strength, 1.0)
    seen = found(light)
    assert seen.shape == (1, 420, 640)
    assert 0 <= seen.min() <= seen.max() <= 1
    on_ground = dark & (figure() == 0)
    assert (seen[on_ground] > 0.5).float().mean() > 0.85
    near = F.max_pool2d(dark[None].float(), 31, 1, 15)[0] > 0
    assert not seen[~near].any()


def test_ground_without_a_shadow() -> None:
    assert not found(ground()).any()


@pytest.mark.parametrize("tint", [(0.4, 0.7, 1.0), (1.0, 0.5, 0.4), (0.75, 0.75, 0.2)])
def test_a_patch_of_another_colour_is_none(tint: tuple[float, ...]) -> None:
    """A doormat is darker, too."""
    dark = ellipse(*FEET, 70, 15)
    assert found(ground() * torch.where(dark, 0.6, 1.0)).any()
    assert not found(ground() * torch.where(dark, torch.tensor(tint).view(3, 1, 1), 1.0)).any()


def test_a_brighter_patch_is_none() -> None:
    assert not found((ground() * torch.where(ellipse(*FEET, 70, 15), 1.4, 1.0)).clamp(0, 1)).any()


def test_what_does_not_touch_the_figure_is_none() -> None:
    away, touching = (torch.zeros(1, 420, 640, dtype=torch.bool) for _ in range(2))
    away[:, 330:356, 385:430] = True
    touching[:, 330:356, 342:430] = True
    assert not found(ground() * torch.where(away, 0.6, 1.0)).any()
    assert (found(ground() * torch.where(touching, 0.6, 1.0)) > 0.5).sum() > 0.7 * touching.sum()


def test_thin_lines_are_none() -> None:
    """Joints of boards and kerbs touch the feet, and run on."""
    line = torch.zeros(1, 420, 640, dtype=torch.bool)
    line[:, 340:346] = True
    assert not found(ground() * torch.where(line, 0.5, 1.0)).any()


def test_a_dark_wall_above_the_ground_is_none() -> None:
    wall = torch.zeros(1, 420, 640, dtype=torch.bool)
    wall[:, :280] = True
    assert not found(ground() * torch.where(wall, 0.5, 1.0)).any()


def test_without_ankles_there_is_none() -> None:
    dark = ellipse(*FEET, 70, 15)
    light = ground() * torch.where(dark, 0.6, 1.0)
    bare = JOINTS.clone()  # type: ignore[union-attr]
    bare[[10, 13]] = 0
    assert not found(light, keypoints=bare).any()
    bare[10] = JOINTS[10]  # type: ignore[index]
    assert found(light, keypoints=bare).any(), "one is enough"


@pytest.mark.parametrize("move", [(0.0, 75.0), (0.0, 300.0), (5000.0, 0.0), (-319.0, 0.0)])
def test_feet_at_the_border_and_beyond(move: tuple[float, float]) -> None:
    joints = JOINTS + torch.tensor([*move, 0.0])
    seen = found(ground() * torch.where(ellipse(*FEET, 70, 15), 0.6, 1.0), keypoints=joints)
    assert seen.shape == (1, 420, 640)
    assert seen.isfinite().all()
    if max(move) >= 300:
        assert not seen.any()


def test_the_same_in_a_photograph_of_three_times_the_size() -> None:
    dark = ellipse(*FEET, 70, 15)
    small = found(ground() * torch.where(dark, 0.6, 1.0))

    def large(x: Tensor) -> Tensor:
        return F.interpolate(x[None].float(), scale_factor=3.0, mode="nearest")[0]

    seen = found(
        large(ground()) * torch.where(large(dark) > 0, 0.6, 1.0),
        large(figure()),
        JOINTS * torch.tensor([3.0, 3.0, 1.0]),
    )
    assert (F.avg_pool2d(seen, 3) - small).abs().sum() < 0.2 * small.sum()


def test_a_scene_fills_what_the_shadow_was() -> None:
    """Without the shadow in the hole, it stays in the photograph, and darkens what is filled."""
    dark = ellipse(*FEET, 70, 15)
    hidden = figure()
    image = (ground() * torch.where(dark, 0.55, 1.0) * (1 - hidden)) * 2 - 1 + hidden * 0.2
    person = replace(photograph(420, 640, bottom=340), image=image, mask=hidden)
    scene = Scene(person, canvas("fashion"))
    on_ground = dark & (hidden == 0)
    assert (scene.matte[on_ground] > 0.5).float().mean() > 0.85
    left = scene.background[0][on_ground[0]]
    assert float(left.mean()) == pytest.approx(float((ground() * 2 - 1)[0][on_ground[0]].mean()), abs=0.12)
