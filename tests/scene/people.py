"""Drawn people in photographs, which the tests of scenes share."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.person import Person
from repose.represent.canvas import Canvas
from repose.represent.figure import figure_mask
from repose.represent.retarget import anchor
from repose.scene import Pose, Scene
from tests.represent.test_retarget import stick


def grass(height: int, width: int) -> Tensor:
    """A green wall of noise that gets brighter to the right."""
    random = torch.Generator().manual_seed(0)
    noise = torch.rand(1, height, width, generator=random) * 0.3
    light = torch.linspace(-0.2, 0.2, width)
    return torch.cat([noise - 0.7, noise + light, noise - 0.8]).clamp(-1, 1)


def photograph(
    height: int = 480, width: int = 640, scale: float = 1.6, x: float = 320, bottom: float = 440, **body: float
) -> Person:
    """A red person of a stick body on grass, with their mask."""
    points = stick(**body)
    keypoints = points.clone()
    keypoints[:, :2] = (points[:, :2] - anchor(points)) * scale + torch.tensor([x, bottom])
    mask = figure_mask(keypoints, height, width)
    red = torch.tensor([0.9, -0.9, -0.9]).view(3, 1, 1)
    return Person(image=grass(height, width) * (1 - mask) + red * mask, keypoints=keypoints, mask=mask)


def portrait() -> Person:
    """The red person's face and shoulders, with the legs and the hips below the border."""
    person = photograph(scale=8, bottom=1430)
    assert person.keypoints is not None
    shown = person.crop(0, 0, 480, 640)
    assert shown.keypoints is not None
    assert (shown.keypoints[[0, 1, 2, 5], 2] > 0).all()
    assert (shown.keypoints[8:14, 2] == 0).all()
    return shown


def redness(image: Tensor) -> Tensor:
    """Where a picture (3, H, W) is red, (H, W)."""
    return (image[0] > 0.1) & (image[1] < 0)


def painted(
    person: Person,
    target: Tensor | Person,
    onto: Canvas,
    colour: tuple[float, ...] = (0.9, -0.9, -0.9),
    **words: object,
) -> tuple[Scene, Pose, Tensor, Tensor]:
    """A scene, a pose, a perfect model's picture of it on grey, and the mask of its figure on the canvas."""
    scene = Scene(person, onto, **words)  # type: ignore[arg-type]
    pose = scene.pose(target)
    assert pose.target.keypoints is not None
    shown = figure_mask(pose.target.keypoints, *onto.size)
    grey = torch.zeros_like(scene.enlarged(pose.times))
    large = torch.nn.functional.interpolate(shown[None], grey.shape[1:], mode="bilinear")[0]
    return scene, pose, grey * (1 - large) + torch.tensor(colour).view(3, 1, 1) * large, shown
