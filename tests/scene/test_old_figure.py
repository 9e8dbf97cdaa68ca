"""The hole that an old figure leaves: what is in it, and how large it is in photographs of any shape."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from repose.person import Person
from repose.represent.canvas import canvas
from repose.represent.figure import figure_mask
from repose.represent.retarget import person_size
from repose.scene import Scene
from repose.scene.figure import old_figure, seam
from tests.represent.test_retarget import stick
from tests.scene.people import grass, painted, photograph

PERSON = photograph()
assert PERSON.keypoints is not None
assert PERSON.image is not None
JOINTS: Tensor = PERSON.keypoints
SIZE = float(person_size(JOINTS))


def disc(x: float, y: float, radius: float) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(480), torch.arange(640), indexing="ij")
    return ((columns - x).square() + (rows - y).square() < radius**2)[None]


def hole(mask: Tensor) -> Tensor:
    assert PERSON.image is not None
    return old_figure(PERSON.image, JOINTS, mask)


def test_what_a_mask_encloses_is_hidden_too() -> None:
    """A ball before a leg is not the person, and it goes with them; a wide gap shows the background."""
    trunk = torch.zeros(1, 480, 640)
    trunk[:, 200:420, 240:400] = 1
    ball, window = disc(320, 250, 0.045 * SIZE), disc(320, 350, 0.2 * SIZE)
    mask = trunk * (1 - ball.float()) * (1 - window.float())
    hidden = hole(mask)
    assert hidden.shape == (1, 480, 640)
    assert (hidden[ball] == 1).all()
    assert (hidden[disc(320, 350, 0.2 * SIZE - seam(JOINTS) - 0.05 * SIZE)] == 0).all()
    assert (hidden >= mask).all()


def test_a_seam_goes_around_and_nothing_further() -> None:
    mask = (figure_mask(JOINTS, 480, 640, 0.9) > 0.5).float()
    hidden = hole(mask)
    assert (hidden >= mask).all()
    near = torch.nn.functional.max_pool2d(mask[None], 5, 1, 2)[0] > 0
    assert (hidden[near] > 0.9).all(), "two pixels at least"
    far = torch.nn.functional.max_pool2d(mask[None], 51, 1, 25)[0] == 0
    assert not hidden[far].any()
    assert float((hidden > 0).sum()) < 1.4 * float(mask.sum())


def test_a_part_without_a_mask_is_without_a_hole() -> None:
    mask = torch.zeros(1, 480, 640)
    mask[:, 100:200, 100:180] = 1
    hidden = hole(mask)
    assert not hidden[:, 250:].any()
    assert not hole(torch.zeros(1, 480, 640)).any()


def narrow(height: int, width: int) -> Person:
    """A person who is nearly as tall as the photograph, arms hanging, in clothes that are no wider than the body."""
    points = stick(arms=4)
    low, high = points[:, :2].amin(0), points[:, :2].amax(0)
    scale = 0.8 * height / float((high - low)[1])
    keypoints = points.clone()
    keypoints[:, :2] = (points[:, :2] - (low + high) / 2) * scale + torch.tensor([width / 2, height * 0.51])
    mask = figure_mask(keypoints, height, width, 0.6)
    red = torch.tensor([0.9, -0.9, -0.9]).view(3, 1, 1)
    return Person(image=grass(height, width) * (1 - mask) + red * mask, keypoints=keypoints, mask=mask)


SHAPES = [(256, 99), (128, 64), (256, 144), (256, 176), (400, 400)]


@pytest.mark.parametrize("size", SHAPES)
def test_the_hole_is_the_person_in_a_photograph_of_any_shape(size: tuple[int, int]) -> None:
    person = narrow(*size)
    assert person.mask is not None
    scene = Scene(person, canvas("fashion"))
    share, own = float((scene.matte > 0.5).float().mean()), float((person.mask > 0.5).float().mean())
    assert share < 0.6
    assert own < share < 1.6 * own + 0.02


def test_without_a_mask_it_is_much_more_of_a_narrow_one() -> None:
    """What the mask is for: by joints and colours alone the hole has few surroundings."""
    person = narrow(256, 99)
    masked, bare = (Scene(one, canvas("fashion")).matte for one in (person, person.only("image", "keypoints")))
    assert (bare > 0.5).float().mean() > 1.2 * (masked > 0.5).float().mean()


@pytest.mark.parametrize("size", SHAPES)
def test_the_border_of_a_photograph_stays_in_its_own_pose(size: tuple[int, int]) -> None:
    """Of the pixels at the left, right and upper border that show no person, few change by more than 25 levels."""
    person = narrow(*size)
    assert person.image is not None
    assert person.keypoints is not None
    assert person.mask is not None
    scene, pose, picture, shown = painted(person, person.keypoints, canvas("fashion"))
    # a model's outline as narrow as the person
    assert pose.target.keypoints is not None
    shown = figure_mask(pose.target.keypoints, 256, 176, 0.6)
    whole = scene.compose(picture, pose, shown)
    changed = ((whole - person.image).abs().mean(0) > 25 / 127.5) & (person.mask[0] < 0.1)
    edge = torch.zeros(size, dtype=torch.bool)
    edge[:, :8] = edge[:, -8:] = edge[:16] = True
    assert changed[edge].float().mean() < 0.05


@pytest.mark.parametrize("size", [(256, 99), (128, 64), (300, 60)])
def test_beyond_a_narrow_photograph_its_border_is_repeated(size: tuple[int, int]) -> None:
    """What a model sees holds no white; in a photograph of one colour there is nothing else."""
    person = narrow(*size)
    assert person.image is not None
    plain = replace(person, image=torch.full_like(person.image, -0.3))
    for name in ("fashion", "market", "fashion-square"):
        scene = Scene(plain, canvas(name))
        assert scene.source.image is not None
        top, left, height, width = scene.canvas.window
        inside = scene.source.image[:, top : top + height, left : left + width]
        assert (inside + 0.3).abs().max() < 1e-3
        assert (scene.enlarged(2)[:, 2 * top : 2 * (top + height), 2 * left : 2 * (left + width)] + 0.3).abs().max() < (
            1e-3
        )
        assert scene.source.mask is not None
        box_left, box_width = scene.placement.box[1], scene.placement.box[3]
        assert box_left < 0 or box_left + box_width > size[1] or name != "fashion-square", "the crop reaches beyond"


def test_a_narrow_photograph_is_not_brighter_in_its_own_pose() -> None:
    """A model that takes over what it sees as the background, without telling where its figure is."""
    person = narrow(248, 96)
    assert person.image is not None
    assert person.keypoints is not None
    scene = Scene(person, canvas("fashion"))
    pose = scene.pose(person.keypoints)
    for background in ("keep", "generated"):
        whole = scene.compose(scene.enlarged(pose.times), pose, None, background)  # type: ignore[arg-type]
        brighter = (whole - person.image).mean(0) > 40 / 127.5
        assert brighter.float().mean() < 0.1
        assert (whole.amin(0) < 0.9).all(), "nothing is white"
