"""What of a new figure lies beyond the photograph, and the larger photograph that holds it."""

from __future__ import annotations

import itertools
import math
import warnings

import pytest
import torch
from torch import Tensor

from repose.person import Person
from repose.pipeline import Model, untrained
from repose.represent.figure import figure_mask
from repose.represent.retarget import person_size
from repose.scene.room import parts_beyond, room_for, share_beyond, with_room
from repose.scene.shifts import choose_labels
from tests.represent.test_retarget import stick
from tests.scene.people import grass, photograph, redness

PERSON = photograph()
assert PERSON.keypoints is not None
JOINTS: Tensor = PERSON.keypoints


def inside(scale: float = 1.0) -> Tensor:
    """The figure, of which no sole reaches the lower border."""
    return shifted(0, -30 * scale, scale)


def shifted(x: float, y: float, scale: float = 1.0) -> Tensor:
    return JOINTS * torch.tensor([scale, scale, 1.0]) + torch.tensor([x, y, 0.0])


# -- how much -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.1, 1.0, 7.5])
def test_half_a_figure(scale: float) -> None:
    """The figure is symmetric about its neck."""
    size = (round(480 * scale), round(640 * scale))
    assert share_beyond(inside(scale), size) == 0
    assert share_beyond(shifted(-320 * scale, 0, scale), size) == pytest.approx(0.5, abs=0.03 + 0.003 / scale)
    assert share_beyond(shifted(320 * scale, 0, scale), size) == pytest.approx(0.5, abs=0.03 + 0.003 / scale)
    assert share_beyond(shifted(-2000 * scale, 0, scale), size) == 1


def test_the_share_is_that_of_the_figures_mask() -> None:
    whole = figure_mask(shifted(200, 200), 1000, 1000)
    for x, y in ((0, 60), (-250, -200), (280, 0), (100, -230)):
        inside = figure_mask(shifted(x, y), 480, 640)
        assert share_beyond(shifted(x, y), (480, 640)) == pytest.approx(1 - float(inside.sum() / whole.sum()), abs=0.02)


def test_it_grows_as_the_figure_leaves() -> None:
    shares = [share_beyond(shifted(x, -30), (480, 640)) for x in range(0, 600, 40)]
    assert all(one <= following + 1e-3 for one, following in itertools.pairwise(shares))
    assert shares[0] == 0
    assert shares[-1] == 1


@pytest.mark.parametrize("far", [1e4, 1e6, 1e9])
def test_far_and_huge_figures(far: float) -> None:
    for joints in (shifted(far, 0), shifted(-far, -far)):
        assert share_beyond(joints, (480, 640)) == 1
    stray = JOINTS.clone()
    stray[4, :2] = far
    for joints in (shifted(0, 0, far), shifted(-320 * far, -300 * far, far), stray):
        share = share_beyond(joints, (480, 640))
        assert math.isfinite(share)
        assert 0 <= share <= 1
        sides = room_for(joints, (480, 640))
        assert all(0 <= side <= 640 for side in sides)
    assert share_beyond(torch.zeros(18, 3), (480, 640)) == 0
    assert room_for(torch.zeros(18, 3), (480, 640)) == (0, 0, 0, 0)


def test_parts_are_named() -> None:
    assert parts_beyond(JOINTS, (480, 640)) == []
    assert parts_beyond(shifted(0, 60), (480, 640)) == ["right foot", "left foot"]
    assert parts_beyond(shifted(0, -203), (480, 640)) == ["head"]
    assert parts_beyond(shifted(-270, 0), (480, 640)) == ["right hand"]
    assert parts_beyond(shifted(270, 0), (480, 640)) == ["left hand"]
    missing = shifted(-270, 0)
    missing[4] = 0
    assert parts_beyond(missing, (480, 640)) == []


# -- the larger photograph ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "grown"),
    [
        ((0, 0), (False, False, False, False)),
        ((-300, 0), (True, False, False, False)),
        ((0, -180), (False, True, False, False)),
        ((300, 0), (False, False, True, False)),
        ((0, 60), (False, False, False, True)),
        ((-300, -180), (True, True, False, False)),
    ],
)
def test_room_encloses_the_figure(move: tuple[float, float], grown: tuple[bool, ...]) -> None:
    joints = shifted(*move)
    left, top, right, bottom = sides = room_for(joints, (480, 640))
    assert tuple(side > 0 for side in sides) == grown
    size = (480 + top + bottom, 640 + left + right)
    there = joints + torch.tensor([left, top, 0.0])
    assert share_beyond(there, size) < 0.01
    assert parts_beyond(there, size) == []
    assert sum(side for side, more in zip(sides, grown, strict=True) if more) < 330 + 0.5 * float(person_size(joints))


def test_a_photograph_grows_by_its_longer_side_at_most() -> None:
    assert room_for(shifted(0, 0, 30.0), (480, 640)) == (0, 0, 640, 640)
    assert max(room_for(shifted(-20000, 0), (480, 640))) == 640


def test_the_photographs_own_pixels_stay() -> None:
    person = photograph(arms=60, x=60, bottom=440)  # an arm is cut off
    assert person.image is not None
    assert person.mask is not None
    assert person.keypoints is not None
    hidden = (figure_mask(person.keypoints, 480, 640, 1.2) > 0).float()
    larger = with_room(person, hidden, (90, 30, 20, 50))
    assert larger.size == (560, 750)
    assert larger.image is not None
    assert larger.mask is not None
    assert torch.equal(larger.image[:, 30:510, 90:730], person.image)
    assert torch.equal(larger.mask[:, 30:510, 90:730], person.mask)
    assert float(larger.mask.sum()) == pytest.approx(float(person.mask.sum()))
    located = person.keypoints[:, 2] > 0
    assert torch.equal(
        larger.keypoints[located],
        (person.keypoints + torch.tensor([90.0, 30.0, 0.0]))[located],  # type: ignore[index]
    )
    new = torch.ones(560, 750, dtype=torch.bool)
    new[30:510, 90:730] = False
    assert redness(person.image)[:, 0].any(), "the person touches the border"
    assert not redness(larger.image)[new].any(), "nothing of them in the new pixels"
    around = larger.image[:, new]
    assert (around.mean(1) - grass(480, 640).flatten(1).mean(1)).abs().max() < 0.1
    assert around.abs().max() <= 1


def test_without_sides_it_is_the_same_person() -> None:
    assert with_room(PERSON, torch.zeros(1, 480, 640), (0, 0, 0, 0)) is PERSON


def test_what_hides_is_not_changed() -> None:
    image = PERSON.image.clone()  # type: ignore[union-attr]
    hidden = (PERSON.mask > 0).float()  # type: ignore[operator]
    before = hidden.clone()
    with_room(PERSON, hidden, (10, 0, 0, 0))
    assert torch.equal(PERSON.image, image)  # type: ignore[arg-type]
    assert torch.equal(hidden, before)


# -- of a model -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> Model:
    return untrained("carry-s", "cpu")


def tight() -> Person:
    """A person with hanging arms in a photograph that ends 12 pixels beside them."""
    whole = photograph(420, 460, x=230, bottom=380, arms=12)
    return whole.crop(100, 150, 320, 160)


def target(arms: float) -> Person:
    return Person(keypoints=stick(arms=arms))


def test_nothing_beyond_is_the_same_scene(model: Model) -> None:
    scene = model.scene(photograph(240, 320, 0.8, 160, 220))
    assert model.roomy(scene, target(12)) is scene


@pytest.mark.parametrize("arms", [90, 160])
def test_limbs_beyond_a_tight_photograph(model: Model, arms: float) -> None:
    """Spread and raised arms: a note without room; with it, a larger photograph that holds them."""
    person = tight()
    with pytest.warns(UserWarning, match=r"\d+% of the new figure lies beyond the photograph.*hand.*--room") as notes:
        cut = model.whole(person, target(arms))
    assert len([note for note in notes if "beyond the photograph" in str(note.message)]) == 1
    assert cut.shape == (3, 320, 160)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        large = model.whole(person, target(arms), room=True)
    sides = room_for(model.scene(person).pose(target(arms)).keypoints, (320, 160))
    left, top, right, bottom = sides
    assert any(sides)
    assert large.shape == (3, 320 + top + bottom, 160 + left + right)
    if arms == 90:
        assert min(left, right) > 30
    else:
        assert top > 0


@pytest.mark.parametrize("arms", [90, 160])
def test_nothing_of_the_person_is_copied_into_the_room(model: Model, arms: float) -> None:
    person = tight()
    scene = model.scene(person)
    larger = model.roomy(scene, target(arms))
    assert larger is not scene
    assert larger.person.image is not None
    left, top, _, _ = room_for(scene.pose(target(arms)).keypoints, (320, 160))
    assert torch.equal(larger.person.image[:, top : top + 320, left : left + 160], person.image)  # type: ignore[arg-type]
    beside = torch.ones(larger.person.size, dtype=torch.bool)  # type: ignore[arg-type]
    beside[top : top + 320, left : left + 160] = False
    assert not redness(larger.person.image)[beside].any()
    assert not redness(larger.background).any(), "nor where they stood"


def test_a_figure_stands_where_it_stood_in_the_larger_photograph(model: Model) -> None:
    scene = model.scene(tight())
    larger = model.roomy(scene, target(90))
    left, top, _, _ = room_for(scene.pose(target(90)).keypoints, (320, 160))
    moved = scene.pose(target(90)).keypoints + torch.tensor([left, top, 0.0])
    torch.testing.assert_close(larger.pose(target(90)).keypoints, moved, rtol=0, atol=0.6)


def test_a_source_that_is_cut_off_as_much_gives_no_note(model: Model) -> None:
    """Of a portrait, the legs are beyond the photograph before and after."""
    person = photograph(480, 640, 1.6, 320, 560)
    assert person.keypoints is not None
    assert share_beyond(person.keypoints, (480, 640)) > 0.2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.whole(person, Person(keypoints=person.keypoints), "white")


def test_a_photograph_does_not_grow_beyond_the_limit() -> None:
    large = Person(image=torch.zeros(1, 1, 1).expand(3, 8000, 7900), keypoints=PERSON.keypoints)
    with pytest.raises(ValueError, match=r"the photograph would have 9000x8000 = 72 million pixels, the limit is 64"):
        with_room(large, torch.zeros(1, 1, 1).expand(1, 8000, 7900), (1100, 0, 0, 0))


def test_a_border_takes_from_its_own_rows() -> None:
    """A shift along the row is preferred to one downwards that fits the border a little better."""
    small, free = torch.zeros(3, 30, 30), torch.ones(30, 30, dtype=torch.bool)
    free[10:20, :6] = False
    small[:, :, 12:24] = 0.15
    shifts, nodes = torch.tensor([[0, 12], [10, 0]]), torch.nonzero(~free)
    assert (choose_labels(small, free, nodes, shifts) == 1).all()
    assert (choose_labels(small, free, nodes, shifts, 1.0) == 0).all()


def test_room_beside_a_photograph_is_filled_with_its_own_rows() -> None:
    asked: list[object] = []

    def seen(image: Tensor, hole: Tensor, *words: object) -> Tensor:
        asked.extend(words)
        return image

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repose.scene.room.fill", seen)
        with_room(PERSON, figure_mask(JOINTS, 480, 640), (40, 0, 0, 0))
    assert asked == [1.0]


def test_room_of_a_photograph_of_levels() -> None:
    assert PERSON.image is not None
    levels = ((PERSON.image + 1) * 127.5).round().to(torch.uint8)
    larger = with_room(Person(image=levels, keypoints=JOINTS), figure_mask(JOINTS, 480, 640), (40, 0, 0, 20)).image
    assert larger is not None
    assert larger.dtype == torch.uint8
    assert larger.shape == (3, 500, 680)
    assert torch.equal(larger[:, :480, 40:], levels)
