"""Which part of a photograph the model sees, and which part its picture of a new pose covers."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from repose.models.base import Needs
from repose.person import Person
from repose.represent.canvas import CANVASES, Placement, canvas
from repose.represent.framing import place_maps, place_source, target_box
from repose.represent.retarget import person_size
from repose.scene import Scene
from tests import surface
from tests.represent.test_retarget import stick
from tests.scene.people import photograph, portrait


def on_canvas(keypoints: Tensor, placement: Placement) -> Tensor:
    """x and y (18, 2) of joints of the photograph, on the canvas."""
    (top, left, height, width), (first_row, first, rows, columns) = placement.box, placement.window
    x = (keypoints[:, 0] - left + 0.5) * columns / width - 0.5 + first
    y = (keypoints[:, 1] - top + 0.5) * rows / height - 0.5 + first_row
    return torch.stack([x, y], 1)


@pytest.mark.parametrize("name", list(CANVASES))
@pytest.mark.parametrize("arms", [15, 90])
def test_each_figure_is_in_its_crop(name: str, arms: float) -> None:
    person = photograph()
    scene = Scene(person, canvas(name))
    pose = scene.pose(stick(arms=arms))
    assert scene.source.size == pose.target.size == canvas(name).size
    assert scene.source.keypoints is not None
    assert pose.target.keypoints is not None
    assert (scene.source.keypoints[:, 2] > 0).all()
    assert (pose.target.keypoints[:, 2] > 0).all()
    _, _, height, width = pose.placement.box
    _, _, window_height, window_width = canvas(name).window
    assert pose.times >= 2 or height <= 1.25 * window_height
    large = scene.enlarged(pose.times)
    assert tuple(large.shape[1:]) == tuple(pose.times * side for side in canvas(name).size)
    assert height / width == pytest.approx(window_height / window_width, rel=0.02)
    assert pose.times * window_height >= 0.75 * height, "the photograph's own pixels are not lost"
    # one geometry: the canvas is the large crop, made small
    small = torch.nn.functional.interpolate(large[None], canvas(name).size, mode="area")[0]
    assert scene.source.image is not None
    assert (small - scene.source.image).abs().mean() < 0.03
    assert person.keypoints is not None
    assert pose.coarser == pytest.approx(height / scene.placement.box[2])
    for joints, whole, placement in (
        (scene.source.keypoints, person.keypoints, scene.placement),
        (pose.target.keypoints, pose.keypoints, pose.placement),
    ):
        torch.testing.assert_close(joints[:, :2], on_canvas(whole, placement), atol=0.01, rtol=0)
    moved = (pose.target.keypoints[:, :2] * pose.coarser).diff(dim=0) - scene.source.keypoints[:, :2].diff(dim=0)
    wanted = (pose.keypoints - person.keypoints)[:, :2].diff(dim=0) * window_height / scene.placement.box[2]
    torch.testing.assert_close(moved, wanted, atol=0.2, rtol=0.02)


def test_memory_has_a_cap_and_small_photographs_are_not_blown_up() -> None:
    fashion = canvas("fashion")
    assert Scene(photograph(1400, 1000, 6, 500, 1200), fashion, most_pixels=200_000).pose(stick()).times == 2
    assert Scene(photograph(200, 200, 0.8, 100, 180), fashion).pose(stick()).times == 1


def test_a_filled_photograph_is_taken_whole() -> None:
    person = photograph(256, 128, 1.2, 64, 240)
    scene = Scene(person, canvas("market"))
    pose = scene.pose(stick(arms=10))
    assert scene.placement.box == pose.placement.box == (0, 0, 256, 128)
    assert pose.times == 2
    assert torch.equal(scene.enlarged(2), person.image)  # type: ignore[arg-type]


def test_a_crop_stays_inside_the_photograph() -> None:
    for x in (60, 580):
        top, left, height, width = Scene(photograph(x=x), canvas("market")).pose(stick()).placement.box
        assert min(top, left) >= 0
        assert top + height <= 480
        assert left + width <= 640
    person = photograph(bottom=560)  # the legs leave the photograph
    scene = Scene(person.crop(0, 0, 480, 640), canvas("fashion"))
    top, _, height, _ = scene.placement.box
    assert top + height <= 480


@pytest.mark.parametrize("joints", [[0, 14, 15, 16, 17], [0, 1, 14, 15, 16, 17], list(range(18))])
def test_the_whole_head_is_in_the_crop(joints: list[int]) -> None:
    person = photograph()
    assert person.keypoints is not None
    head = torch.zeros(18, 3)
    head[joints] = person.keypoints[joints]
    given, size = replace(person, keypoints=head), float(person_size(person.keypoints))
    if len(joints) < 18:
        with pytest.warns(UserWarning, match=f"only {len(joints)} joints .* less than a trunk"):
            scene = Scene(given, canvas("fashion"))
    else:
        scene = Scene(given, canvas("fashion"))
    x, y = person.keypoints[[0, 14, 15, 16, 17], :2].mean(0).tolist()
    for top, left, height, width in (scene.placement.box, scene.pose(given).placement.box):
        assert y - top > 0.15 * size, "the crown"
        assert top + height - y > 0.15 * size, "the chin"
        assert min(x - left, left + width - x) > 0.1 * size


# -- the target's box -----------------------------------------------------------------------------------------------


def rising(**where: float) -> list[tuple[int, int, int, int]]:
    """The boxes of a standing person whose arms rise, a degree a time; of a scene that is told `where` it is."""
    scene = Scene(photograph(**where), canvas("fashion"))  # type: ignore[arg-type]
    return [scene.placement.box, *(scene.pose(stick(arms=arms)).placement.box for arms in range(10, 180))]


def test_the_source_stays_while_an_arm_rises() -> None:
    scene = Scene(photograph(), canvas("fashion"))
    given, box = scene.source, scene.placement.box
    assert given.image is not None
    assert given.keypoints is not None
    image, keypoints = given.image.clone(), given.keypoints.clone()
    boxes = []
    for arms in (10, 60, 110, 140, 170):
        boxes.append(scene.pose(stick(arms=arms)).placement.box)
        assert torch.equal(scene.source.image, image)  # type: ignore[arg-type]
        assert torch.equal(scene.source.keypoints, keypoints)  # type: ignore[arg-type]
        assert scene.placement.box == box
    assert boxes[0] == box, "the arms hang, as in the photograph"
    assert len(set(boxes)) == 5, "and then they leave the crop"


@pytest.mark.parametrize("bottom", [440, 290, 220])  # the arms stay in the photograph, and leave it
def test_the_box_grows_pixel_by_pixel(bottom: float) -> None:
    source, *boxes = rising(bottom=bottom)
    assert boxes[0] == source
    assert boxes[-1] != source
    ratio = source[2] / source[3]
    for before, (top, left, height, width) in itertools.pairwise(boxes):
        assert top <= source[0]
        assert left <= source[1]
        assert top + height >= source[0] + source[2]
        assert left + width >= source[1] + source[3]
        assert height / width == pytest.approx(ratio, rel=0.01)
        assert max(abs(height - before[2]), abs(top - before[0]), abs(left - before[1])) < 8, (
            "a degree moves a wrist by 2"
        )
    heights = torch.tensor([float(box[2]) for box in boxes])
    assert heights.max() > 1.2 * source[2]


@pytest.mark.parametrize("name", ["market", "fashion"])
def test_a_pose_inside_the_crop_has_the_very_same_box(name: str) -> None:
    for x, bottom in ((320, 440), (60, 440), (580, 475), (320, 300)):
        person = photograph(x=x, bottom=bottom, arms=80)
        scene = Scene(person, canvas(name))
        assert person.keypoints is not None
        for pose in (person.keypoints, stick(arms=80), stick(arms=30), stick(sit=60), stick(yaw=90)):
            placed = scene.pose(pose)
            assert placed.placement.box == scene.placement.box
            assert placed.coarser == 1


def test_joints_a_little_outside_the_photograph_are_seen_and_others_are_not() -> None:
    person = photograph(bottom=260)  # the head is near the upper border
    scene = Scene(person, canvas("fashion"))
    pose = scene.pose(stick(arms=170))
    wrists = [4, 7]
    assert (pose.keypoints[wrists, 1] < -10).all()
    assert pose.target.keypoints is not None
    assert (pose.target.keypoints[wrists, 2] > 0).all()
    with pytest.warns(UserWarning, match="less than a trunk"):
        scene = Scene(portrait(), canvas("fashion"))
    pose = scene.pose(stick(arms=40))
    assert (pose.keypoints[[10, 13], 1] > 900).all()
    assert pose.target.keypoints is not None
    assert (pose.target.keypoints[[10, 13], 2] == 0).all()
    assert scene.person.keypoints is not None
    box, further = scene.placement.box, scene.person.keypoints.clone()
    boxes = []
    for row in (490, 515, 540, 1430):
        further[10] = torch.tensor([320.0, row, 1.0])
        boxes.append(target_box(box, scene.person.keypoints, further, (480, 640)))
    assert boxes[0][2] < boxes[1][2] > boxes[2][2], "it lets go of what leaves"
    assert boxes[3] == box


def test_a_figure_without_joints_extends_nothing() -> None:
    assert target_box((3, 4, 50, 40), stick(), torch.zeros(18, 3), (100, 100)) == (3, 4, 50, 40)


# -- maps -----------------------------------------------------------------------------------------------------------


def with_surface(keypoints: Tensor, height: int, width: int) -> Person:
    """Joints with the IUV and the labels of a body of capsules."""
    drawn = torch.from_numpy(surface.iuv(keypoints.numpy(), height, width)).movedim(-1, 0).float()
    iuv = drawn / torch.tensor([1.0, 255.0, 255.0]).view(3, 1, 1)
    return Person(keypoints=keypoints, iuv=iuv, parsing=(drawn[0] > 0).long() * 5, mask=(drawn[:1] > 0).float())


@pytest.mark.parametrize("name", ["fashion", "fashion-square", "market"])
@pytest.mark.parametrize("retarget", [True, False])
def test_maps_move_with_the_joints(name: str, retarget: bool) -> None:
    target = with_surface(stick(arms=70, shin=52.0) * torch.tensor([1.5, 1.5, 1]), 500, 640)
    scene = Scene(photograph(), canvas(name), Needs(("image",), ("iuv", "parsing")))
    pose = scene.pose(target, retarget)
    seen = pose.target
    assert seen.size == canvas(name).size
    assert seen.keypoints is not None
    assert seen.iuv is not None
    assert seen.parsing is not None
    assert seen.mask is None, "the model does not need it"
    wanted = with_surface(seen.keypoints, *canvas(name).size)
    assert wanted.iuv is not None
    body, there = wanted.iuv[0] > 0, seen.iuv[0] > 0
    overlap = float((body & there).sum() / (body | there).sum())
    assert overlap > (0.75 if name == "market" else 0.85)
    assert torch.equal(seen.parsing == 5, there)
    both = body & there
    same = wanted.iuv[0][both] == seen.iuv[0][both]
    assert same.float().mean() > 0.95
    difference = (wanted.iuv - seen.iuv)[1:, both][:, same].abs()
    assert difference.mean() < 0.06
    plain = Scene(photograph(), canvas(name)).pose(target, retarget=False)
    torch.testing.assert_close(pose.keypoints, plain.keypoints)  # limbs keep their lengths
    built = Scene(photograph(), canvas(name)).pose(target, retarget=True)
    assert (built.keypoints - plain.keypoints).abs().max() > 1
    assert built.target.iuv is None


def test_maps_lie_where_they_are_told_to_the_pixel() -> None:
    image = torch.arange(12.0).reshape(1, 3, 4).expand(3, -1, -1) / 12
    person = Person(image=image, parsing=torch.arange(12).reshape(3, 4), mask=torch.ones(1, 3, 4))
    onto = canvas("market")
    # a pixel of the target at twice its size from (10, 20) on, and the canvas shows the photograph pixel by pixel
    placement = Placement((300, 300), (15, 5, 128, 64), onto.window)
    seen = place_maps(person, ("image", "parsing", "mask"), 2.0, torch.tensor([10.5, 20.5]), placement, onto)
    assert seen.parsing is not None
    assert seen.image is not None
    assert seen.mask is not None
    twice = person.parsing.repeat_interleave(2, 0).repeat_interleave(2, 1)  # type: ignore[union-attr]
    assert torch.equal(seen.parsing[5:11, 5:13], twice)
    beside = torch.ones(128, 64, dtype=torch.bool)
    beside[5:11, 5:13] = False
    assert (seen.parsing[beside] == 0).all()
    assert (seen.mask[0, 6:10, 6:12] == 1).all()
    beside[4:12, 4:14] = False
    assert (seen.mask[0][beside] == 0).all()
    assert (seen.image[:, beside] == 1).all(), "white"
    torch.testing.assert_close(
        seen.image[0, 7, 7],
        0.75 * (0.75 * image[0, 1, 1] + 0.25 * image[0, 1, 0]) + 0.25 * (0.75 * image[0, 0, 1] + 0.25 * image[0, 0, 0]),
    )


def test_the_crop_encloses_feet() -> None:
    """A shoe ends below its ankle; a crouching figure, whose joints extend little, has it cut off otherwise."""
    keypoints = stick()
    crouching = keypoints.clone()
    crouching[:, 1] = keypoints[:, 1].max() - (keypoints[:, 1].max() - keypoints[:, 1]) * 0.4
    crouching[:, :2] += torch.tensor([400.0, 300.0])
    person = Person(image=torch.zeros(3, 900, 1200), keypoints=crouching)
    _, placement = place_source(person, canvas("fashion"))
    top, _, height, _ = placement.box
    lowest, size = float(crouching[[10, 13], 1].max()), float(person_size(crouching))
    assert top + height >= min(899, lowest + 0.15 * size)
