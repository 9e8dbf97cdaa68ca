"""The mask of one person by two networks and the photograph's edges: around networks that see colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.estimate import estimator
from repose.estimate.base import Image, MaskEstimator
from repose.estimate.bodypix import BodyPix
from repose.estimate.person_mask import PersonMask, things
from repose.estimate.selfie import Selfie
from repose.represent.figure import figure_mask
from repose.represent.retarget import person_size
from tests.estimate import fakes
from tests.estimate.test_selfie import keypoints, overlap
from tests.scene.people import photograph

BALL = (230, 40, 200)
"""A colour that the selfie network of these tests takes for part of a person, and BodyPix does not."""


def selfie_network(square: np.ndarray) -> np.ndarray:
    """`fakes.person_network` that sees the colour of `BALL`, too."""
    ball = np.abs(square - np.array(BALL, np.float32) / 255).max(-1)
    seen: np.ndarray = np.maximum(fakes.person_network(square), np.clip(1 - ball / 0.2, 0, 1).astype(np.float32))
    return seen


@pytest.fixture
def selfie() -> Selfie:
    return Selfie(network=selfie_network)


@pytest.fixture
def person_mask(selfie: Selfie) -> PersonMask:
    return PersonMask(selfie, BodyPix(network=fakes.body_network))


def within(width: int, height: int, x: float, y: float, radius: float) -> np.ndarray:
    """bool (height, width), True in a circle."""
    rows, columns = np.mgrid[:height, :width]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 < radius**2)


# -- the mask -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "tall"), [(200, 400, 320), (90, 120, 100), (900, 700, 600), (131, 201, 180), (400, 330, 500)]
)
def test_a_person_is_where_they_are(person_mask: PersonMask, width: int, height: int, tall: float) -> None:
    """Large, small, of odd sizes, cut off below; the border is the photograph's."""
    points = fakes.joints(0.25 * width, 0.1 * height, tall)
    image, (true,) = fakes.figure(width, height, [points])
    mask = person_mask.mask(image, keypoints(points, width, height))
    assert mask.shape == (1, height, width)
    assert mask.dtype == torch.float32
    assert torch.equal((mask * 255).round() / 255, mask)
    assert 0 <= mask.min() < mask.max() == 1
    assert overlap(mask, true) > 0.97
    soft = ((mask > 0.1) & (mask < 0.9)).sum()
    outline = (F.max_pool2d(torch.from_numpy(true)[None, None].float(), 3, 1, 1)[0, 0].numpy() > 0) & ~true
    assert soft < 0.8 * outline.sum(), "sharp: less than a pixel of the outline is neither"


def test_joints_tell_which_person(person_mask: PersonMask) -> None:
    people = [fakes.joints(30, 40, 320), fakes.joints(430, 60, 300)]
    image, masks = fakes.figure(660, 400, people)
    for points, true, other in zip(people, masks, masks[::-1], strict=True):
        mask = person_mask.mask(image, keypoints(points, 660, 400))
        assert overlap(mask, true) > 0.97
        assert not mask[0].numpy()[other].any()


def test_the_place_in_a_large_photograph_changes_nothing(person_mask: PersonMask) -> None:
    points = fakes.joints(120, 110, 200)
    image, _ = fakes.figure(340, 420, [points])
    small = person_mask.mask(image, keypoints(points, 340, 420))
    wide = np.full((500, 900, 3), 90, np.uint8)
    wide[64:484, 480:820] = image
    large = person_mask.mask(wide, keypoints(points + np.array([480, 64]), 900, 500))
    part = large[:, 64:484, 480:820]
    assert (part - small).abs().mean() < 1e-3
    assert float(large.sum()) == pytest.approx(float(part.sum()))


def test_nobody(person_mask: PersonMask) -> None:
    image, _ = fakes.figure(100, 200, [fakes.joints(20, 20, 160)])
    mask = person_mask.mask(image, torch.zeros(18, 3))
    assert mask.shape == (1, 200, 100)
    assert not mask.any()
    far = keypoints(fakes.joints(20, 20, 160), 100, 200) + torch.tensor([5000.0, 0, 0])
    assert not person_mask.mask(image, far).any(), "beside the photograph"


def test_a_ball_before_a_leg_is_left_out_whole(person_mask: PersonMask, selfie: Selfie) -> None:
    points = fakes.joints(60, 40, 320)
    image, (body,) = fakes.figure(300, 420, [points])
    x, y = points[13] + np.array([0, 20])
    ball = within(300, 420, x, y, 26)
    image[ball] = BALL
    joints = keypoints(points, 300, 420)
    assert (selfie.mask(image, joints)[0].numpy()[ball] > 0.5).mean() > 0.9, "one network takes it for the person"
    mask = person_mask.mask(image, joints)
    assert mask[0].numpy()[within(300, 420, x, y, 23)].max() < 0.5
    assert mask[0].numpy()[ball].mean() < 0.05
    assert overlap(mask, body & ~ball) > 0.95


def test_names_tell_the_networks(person_mask: PersonMask, selfie: Selfie) -> None:
    assert isinstance(person_mask, MaskEstimator)
    assert selfie.name in person_mask.name
    plain = PersonMask(Selfie(network=selfie_network, flip=False), BodyPix(network=fakes.body_network))
    assert plain.name != person_mask.name


def test_it_is_the_default_estimator_of_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr("repose.estimate.table._build", lambda path: built.append(path))
    estimator(field="mask")
    estimator("person", field="mask")
    assert built == ["repose.estimate.person_mask:PersonMask"] * 2


# -- what is no body ------------------------------------------------------------------------------------------------

PERSON = photograph()
assert PERSON.keypoints is not None
JOINTS: Tensor = PERSON.keypoints
SIZE = float(person_size(JOINTS))
BODY = figure_mask(JOINTS, 480, 640)[0].numpy() > 0.5
SHIRT, JEANS, GREY = (200, 60, 50), (40, 60, 150), (110, 110, 110)

Drawn = tuple[Image, Tensor, Tensor]


def drawn(strange: np.ndarray, colour: tuple[int, int, int] | None, cells: bool = True) -> Drawn:
    """A person in a shirt and jeans with something of another colour, or of the body's, that BodyPix does not see:
    the picture, the figure with it, and BodyPix's logits, blurred as its cells are."""
    image = np.full((480, 640, 3), GREY, np.uint8)
    legs = np.arange(480)[:, None] > float(JOINTS[[8, 11], 1].mean())
    image[BODY & ~legs], image[BODY & legs] = SHIRT, JEANS
    if colour is not None:
        image[strange] = colour
    figure = torch.from_numpy(BODY | strange)[None]
    logits = torch.where(torch.from_numpy(BODY & ~strange), 5.0, -3.0)[None]
    if cells:
        logits = F.avg_pool2d(F.pad(logits, (4,) * 4, mode="replicate")[None], 9, 1)[0]
    return image, figure, logits


def at_joint(joint: int, radius: float, dx: float = 0, dy: float = 0) -> np.ndarray:
    x, y = JOINTS[joint, :2].tolist()
    return within(640, 480, x + dx, y + dy, radius)


@pytest.mark.parametrize("cells", [True, False])
@pytest.mark.parametrize(
    "ball", [at_joint(9, 26), at_joint(4, 24, dx=-14), at_joint(8, 25, dy=10)], ids=["knee", "hand", "hip"]
)
def test_a_ball_is_found_whole(ball: np.ndarray, cells: bool) -> None:
    image, figure, logits = drawn(ball, (240, 220, 60), cells)
    found = things(image, figure, logits, JOINTS)
    assert found.shape == (1, 480, 640)
    assert set(found.unique().tolist()) == {0.0, 1.0}
    seen = found[0].numpy() > 0
    assert seen[ball].mean() > 0.97
    assert (seen & BODY & ~ball).sum() < 0.35 * ball.sum()
    wider = within(640, 480, *(x.mean() for x in np.nonzero(ball)[::-1]), np.sqrt(ball.sum() / np.pi) + 6)
    assert not (seen & ~wider).any(), "nothing further than 3 cells of the coarse grid"


def test_a_ball_of_which_half_is_taken_for_a_body() -> None:
    """Its colour tells where it ends."""
    ball = at_joint(9, 26)
    image, figure, logits = drawn(ball, (240, 220, 60), cells=False)
    x = float(JOINTS[9, 0])
    taken = torch.from_numpy(ball & (np.arange(640)[None] > x + 2))
    logits[0][taken] = 2.0  # neither surely a body nor none
    seen = things(image, figure, logits, JOINTS)[0].numpy() > 0
    assert seen[ball].mean() > 0.98


@pytest.mark.parametrize(
    ("strange", "colour"),
    [
        (at_joint(0, 26, dy=-8), (240, 220, 60)),
        (at_joint(10, 24, dy=8), (240, 220, 60)),
        (at_joint(9, 30) & BODY, None),
        (at_joint(9, 52), (240, 220, 60)),
        (BODY & (np.abs(np.arange(480)[:, None] - 300) < 4), (240, 220, 60)),
        (np.zeros_like(BODY), None),
    ],
    ids=["hair", "a shoe", "the body's colour", "larger than 15 %", "a belt", "nothing"],
)
def test_what_stays(strange: np.ndarray, colour: tuple[int, int, int] | None) -> None:
    assert not things(*drawn(strange, colour), JOINTS).any()


def test_how_large_a_bag_may_be() -> None:
    """Up to 15 % of the figure; beyond, BodyPix is wrong."""
    outcomes: dict[bool, list[float]] = {True: [], False: []}
    for radius in range(22, 50, 4):
        bag = at_joint(4, radius, dx=-20)
        found = things(*drawn(bag, (240, 220, 60)), JOINTS)
        outcomes[bool(found.any())].append(bag.sum() / (BODY | bag).sum())
    assert outcomes[True]
    assert outcomes[False]
    assert max(outcomes[True]) < min(outcomes[False])
    assert 0.1 < max(outcomes[True]) < 0.16
    assert 0.13 < min(outcomes[False]) < 0.2


def test_what_is_beside_the_figure_is_not_looked_at() -> None:
    """A ball on the ground, which is not part of the figure."""
    image, figure, logits = drawn(np.zeros_like(BODY), None)
    image[within(640, 480, 60, 400, 40)] = (240, 220, 60)
    assert not things(image, figure, logits, JOINTS).any()


@pytest.mark.parametrize("times", [1, 3])
def test_small_and_large_photographs(times: int) -> None:
    ball = at_joint(9, 26)
    image, figure, logits = drawn(ball, (240, 220, 60))
    joints = JOINTS * torch.tensor([times / 2, times / 2, 1])
    size = (240 * times, 320 * times)

    def sized(x: Tensor) -> Tensor:
        return F.interpolate(x[None].float(), size, mode="area" if times == 1 else "nearest")[0]

    seen = things(
        sized(torch.from_numpy(image).movedim(-1, 0)).movedim(0, -1).byte().numpy(),
        sized(figure) > 0.5,
        sized(logits),
        joints,
    )
    large = sized(torch.from_numpy(ball)[None]) > 0.5
    assert seen.shape == (1, *size)
    assert float(seen[large].mean()) > 0.97
    assert float(seen[~large].sum()) < 0.5 * float(large.sum())


def _never(_: Image) -> tuple[np.ndarray, np.ndarray]:
    raise AssertionError


def test_networks_are_not_asked_for_nobody() -> None:
    mask = PersonMask(Selfie(network=_never), BodyPix(network=_never))  # type: ignore[arg-type]
    assert not mask.mask(np.zeros((40, 30, 3), np.uint8), torch.zeros(18, 3)).any()
