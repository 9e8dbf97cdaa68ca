"""The person mask: around a network that sees a colour, where everything is known; the real network on photographs."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.estimate.base import MaskEstimator
from repose.estimate.movenet import MoveNet
from repose.estimate.selfie import SIDE, Selfie
from repose.represent.keypoints import from_skeleton
from tests.estimate import fakes


@pytest.fixture(params=[False, True], ids=["plain", "flip"])
def selfie(request: pytest.FixtureRequest) -> Selfie:
    return Selfie(network=fakes.person_network, flip=request.param)


def keypoints(points: np.ndarray, width: int, height: int) -> torch.Tensor:
    """COCO's 17 joints (17, 2) as the 18, those outside the picture missing."""
    inside = ((points >= 0) & (points < (width, height))).all(1)
    return from_skeleton(torch.from_numpy(np.where(inside[:, None], np.c_[points, np.ones(17)], 0.0)), "coco17")


def overlap(mask: torch.Tensor, true: np.ndarray) -> float:
    """Intersection over union."""
    seen = mask[0].numpy() > 0.5
    return float((seen & true).sum() / (seen | true).sum())


@pytest.mark.parametrize(("width", "height", "tall"), [(200, 400, 320), (90, 120, 100), (1600, 900, 700)])
def test_a_person_is_where_they_are(selfie: Selfie, width: int, height: int, tall: float) -> None:
    points = fakes.joints(0.3 * width, 0.1 * height, tall)
    image, (true,) = fakes.figure(width, height, [points])
    mask = selfie.mask(image, keypoints(points, width, height))
    assert mask.shape == (1, height, width)
    assert mask.dtype == torch.float32
    assert overlap(mask, true) > 0.95
    assert torch.equal((mask * 255).round() / 255, mask)
    shifted = np.roll(true, 4 * tall // 100, 1)
    assert overlap(mask, shifted) < 0.9, "the measure tells small shifts"


def test_joints_tell_which_person(selfie: Selfie) -> None:
    people = [fakes.joints(30, 40, 320), fakes.joints(430, 60, 300)]
    image, masks = fakes.figure(660, 400, people)
    for points, true, other in zip(people, masks, masks[::-1], strict=True):
        mask = selfie.mask(image, keypoints(points, 660, 400))
        assert overlap(mask, true) > 0.95
        assert not mask[0].numpy()[other].any()


@pytest.mark.parametrize("upside_down", [False, True])
def test_a_person_cut_off_by_the_picture(selfie: Selfie, upside_down: bool) -> None:
    """Of somebody from the hips up, and of legs alone, all that is there is found."""
    points = fakes.joints(60, 30, 500)
    image, (true,) = fakes.figure(400, 330, [points])
    if upside_down:
        points = np.c_[points[:, 0], 329 - points[:, 1]]
        image, true = image[::-1].copy(), true[::-1]
    assert overlap(selfie.mask(image, keypoints(points, 400, 330)), true) > 0.95


def test_a_portrait(selfie: Selfie) -> None:
    """Only half a face is located: the square reaches far enough for the trunk."""
    points = fakes.joints(60, 30, 200)
    image, (true,) = fakes.figure(240, 75, [points])
    joints = keypoints(points, 240, 75)
    joints[1:14] = joints[[14, 16]] = 0
    assert (joints[:, 2] > 0).sum() == 3
    assert overlap(selfie.mask(image, joints), true) > 0.9


def test_without_a_joint_there_is_nobody(selfie: Selfie) -> None:
    image, _ = fakes.figure(100, 200, [fakes.joints(20, 20, 160)])
    assert not selfie.mask(image, torch.zeros(18, 3)).any()


def test_one_joint_is_enough(selfie: Selfie) -> None:
    points = fakes.joints(60, 20, 160)
    image, (true,) = fakes.figure(200, 200, [points])
    joints = torch.zeros(18, 3)
    joints[4] = keypoints(points, 200, 200)[4]
    assert overlap(selfie.mask(image, joints), true) > 0.95
    assert not selfie.mask(np.zeros((200, 100, 3), np.uint8), joints).any()


def test_the_network_is_asked_three_times_at_most() -> None:
    asked = 0

    def counting(square: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += 1
        assert square.shape == (SIDE, SIDE, 3)
        assert square.dtype == np.float32
        assert 0 <= square.min() <= square.max() <= 1
        return fakes.person_network(square)

    points = fakes.joints(20, 20, 160)
    image, _ = fakes.figure(140, 200, [points])
    for flip, times in ((False, 2), (True, 3)):
        asked = 0
        Selfie(network=counting, flip=flip).mask(image, keypoints(points, 140, 200))
        assert asked == times


def test_names_tell_settings_apart() -> None:
    pair = [Selfie(network=fakes.person_network, flip=flip) for flip in (False, True)]
    assert pair[0].name != pair[1].name
    assert isinstance(pair[0], MaskEstimator)


# -- the file, and photographs --------------------------------------------------------------------------------------


def test_another_network(shared: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(ValueError, match="is not MediaPipe's selfie segmentation"):
        Selfie(shared / "models" / "movenet_lightning.tflite")


@pytest.fixture(scope="module")
def real(shared: Path) -> Selfie:
    pytest.importorskip("ai_edge_litert")
    return Selfie(shared / "models" / "selfie_segmentation.tflite")


def test_joints_lie_within_the_masks_of_photographs(real: Selfie, shared: Path, market: Path) -> None:
    """Of Market-1501's people: the mask covers their joints, and little of the picture's border."""
    movenet = MoveNet(shared / "models" / "movenet_lightning.tflite")
    covered, beside = [], []
    for path in sorted((market / "bounding_box_test").glob("*.jpg"))[::15]:
        with PIL.Image.open(path) as file:
            image = np.array(file.convert("RGB"))
        joints = movenet.crops([image])[0]
        mask = real.mask(image, joints)[0]
        trunk = joints[[1, 2, 5, 8, 11, 9, 12]]
        x, y, _ = trunk[trunk[:, 2] > 0].round().long().T
        covered.append(float((mask[y, x] > 0.5).float().mean()))
        beside.append(float(mask[:, [0, -1]].mean()))
    assert len(covered) == 20
    assert np.mean(covered) > 0.85
    assert np.mean(beside) < 0.3
