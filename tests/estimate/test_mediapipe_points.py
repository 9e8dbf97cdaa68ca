"""Feet and hands by MediaPipe's networks: the arithmetic around networks that are functions, and the real ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.estimate import CachedExtraKeypoints, ExtraKeypointEstimator, complete
from repose.estimate.mediapipe_points import (
    MediaPipePoints,
    Networks,
    body_square,
    forearm_square,
    nearest_palm,
    palm_anchors,
)
from repose.estimate.turned_squares import TurnedSquare
from repose.person import EXTRA_POINTS, JOINTS, Person

HEIGHT, WIDTH = 400, 300


def joints() -> torch.Tensor:
    """A standing person who faces us: their left is on the picture's right."""
    x = [150, 150, 115, 105, 100, 185, 195, 200, 130, 128, 126, 170, 172, 174, 143, 157, 135, 165]
    y = [60, 90, 95, 145, 190, 95, 145, 190, 200, 270, 340, 200, 270, 340, 52, 52, 56, 56]
    return torch.tensor([x, y, [1] * 18], dtype=torch.float32).T


class Seeing:
    """Networks that find a spot of colour in their square: red the right hand, green the left one, blue the hips."""

    def __init__(self, trust: float = 0.9, feet_crossed: bool = False, body_trust: float = 0.9) -> None:
        self.trust, self.feet_crossed, self.body_trust = trust, feet_crossed, body_trust
        self.networks = Networks(self.palm, self.hand, self.body)

    def palm(self, square: np.ndarray) -> list[np.ndarray]:
        return [np.zeros((1, 2016, 18), np.float32), np.full((1, 2016, 1), -9, np.float32)]

    def hand(self, square: np.ndarray) -> list[np.ndarray]:
        assert square.shape == (1, 224, 224, 3)
        spot = (square[0].max(-1) > 0.5) & (square[0, ..., 2] < 0.5)
        if not spot.any():
            return [np.zeros((1, 63), np.float32), np.zeros((1, 1), np.float32)]
        y, x = (float(values.mean()) + 0.5 for values in np.nonzero(spot))
        points = np.tile([x, y, 0], (21, 1)).astype(np.float32)
        points[8, 1] -= 60  # the index finger is stretched towards the upper side of the square
        return [points.reshape(1, 63), np.full((1, 1), self.trust, np.float32)]

    def body(self, square: np.ndarray) -> list[np.ndarray]:
        assert square.shape == (1, 256, 256, 3)
        points = np.zeros((39, 5), np.float32)
        points[:, 3:] = 9
        area = body_square(joints().double().numpy())
        for number, joint in ((27, 13), (28, 10)):
            x, y = (joints()[joint, :2].numpy() + 0.5 - [area.x, area.y]) / area.side * 256 + 128
            other = {27: 28, 28: 27}[number] if self.feet_crossed else number
            points[other, :2] = x, y
            points[other + 2, :2], points[other + 4, :2] = (x - 2, y + 3), (x + 4, y + 5)
        points[32, 3] = -9  # hidden
        return [points.reshape(1, 195), np.full((1, 1), self.body_trust, np.float32)]


def picture() -> np.ndarray:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for joint, colour in ((4, (255, 0, 0)), (7, (0, 255, 0))):
        x, y = joints()[joint, :2].int().tolist()
        image[y - 2 : y + 3, x - 2 : x + 3] = colour
    return image


def test_points_of_hands_and_feet_are_where_the_networks_see_them() -> None:
    network = MediaPipePoints(Seeing().networks)
    assert isinstance(network, ExtraKeypointEstimator)
    points = network.extra_keypoints(picture(), joints())
    assert (points.shape, points.dtype) == ((48, 3), torch.float32)
    named = dict(zip(EXTRA_POINTS, points.tolist(), strict=True))
    for side in ("left", "right"):
        wrist = joints()[JOINTS.index(f"{side}_wrist")].tolist()
        assert named[f"{side}_hand_wrist"] == pytest.approx(wrist, abs=1)
        index = named[f"{side}_hand_index_4"]
        assert index[1] > wrist[1] + 8, "along the forearm, which points down"
        ankle = joints()[JOINTS.index(f"{side}_ankle")].tolist()
        assert named[f"{side}_small_toe"] == [0, 0, 0]
        assert 0 < named[f"{side}_heel"][1] - ankle[1] < 12
        assert named[f"{side}_heel"][0] < ankle[0] < named[f"{side}_big_toe"][0]
    assert named["right_big_toe"][2] == 0.5
    assert named["left_big_toe"][2] == 1


def test_exchanged_feet_are_told_by_the_ankles() -> None:
    straight, crossed = (
        MediaPipePoints(Seeing(feet_crossed=crossed).networks).extra_keypoints(picture(), joints())
        for crossed in (False, True)
    )
    torch.testing.assert_close(straight[:6, :2], crossed[:6, :2])


def test_a_hand_that_is_not_trusted_is_missing() -> None:
    points = MediaPipePoints(Seeing(trust=0.49).networks).extra_keypoints(picture(), joints())
    assert not points[6:].any()
    assert points[:6].any()
    points = MediaPipePoints(Seeing(body_trust=0.4).networks).extra_keypoints(picture(), joints())
    assert not points[:6].any()
    assert points[6:].any()


def test_missing_joints_have_neither_hands_nor_feet() -> None:
    network = MediaPipePoints(Seeing().networks)
    assert not network.extra_keypoints(picture(), torch.zeros(18, 3)).any()
    some = joints()
    some[[JOINTS.index("left_wrist"), JOINTS.index("right_ankle")]] = 0
    points = network.extra_keypoints(picture(), some)
    assert not points[6:27].any()
    assert points[27:].any()
    assert not points[3:6].any()
    assert points[:3].any()


def test_one_hand_of_two_wrists_belongs_to_the_nearer() -> None:
    both = joints()
    both[JOINTS.index("left_wrist"), :2] = both[JOINTS.index("right_wrist"), :2] + torch.tensor([9.0, 0.0])
    both[JOINTS.index("left_elbow"), :2] = both[JOINTS.index("right_elbow"), :2] + torch.tensor([9.0, 0.0])
    image = picture()
    x, y = joints()[7, :2].int().tolist()
    image[y - 2 : y + 3, x - 2 : x + 3] = 0
    points = MediaPipePoints(Seeing().networks).extra_keypoints(image, both)
    assert points[27:].any()
    assert not points[6:27].any()


def test_a_small_person_has_no_hands() -> None:
    small = np.asarray(PIL.Image.fromarray(picture()).resize((WIDTH // 8, HEIGHT // 8), PIL.Image.Resampling.BOX))
    points = joints() * torch.tensor([1 / 8, 1 / 8, 1])
    assert not MediaPipePoints(Seeing().networks).extra_keypoints(small, points)[6:].any()


# -- squares --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 0.6, -2.2, math.pi])
@pytest.mark.parametrize("side", [60.0, 240.0, 1000.0])
def test_a_turned_square_and_its_points(angle: float, side: float) -> None:
    """What is seen at a place of the square is what the photograph has at the place that it gives."""
    y, x = np.mgrid[:600, :500]
    image = np.stack([x / 500 * 255, y / 600 * 255, np.full_like(x, 200)], -1).round().astype(np.uint8)
    square = TurnedSquare(260.0, 310.0, side, angle)
    seen = square.cut(image, 64).astype(float)
    assert seen.shape == (64, 64, 3)
    rows, columns = np.mgrid[4:64:9, 4:64:9]
    places = square.place((np.stack([columns, rows], -1).reshape(-1, 2) + 0.5) / 64)
    for (px, py), row, column in zip(places, rows.ravel(), columns.ravel(), strict=True):
        if 20 < px < 480 and 20 < py < 580:
            assert seen[row, column, 0] == pytest.approx(px / 500 * 255, abs=3.5)
            assert seen[row, column, 1] == pytest.approx(py / 600 * 255, abs=3.5)
        elif not (-20 < px < 520 and -20 < py < 620):
            assert not seen[row, column].any()


def test_a_square_beside_the_photograph_is_black() -> None:
    image = np.full((50, 40, 3), 200, np.uint8)
    assert not TurnedSquare(900.0, 20.0, 30.0, 0.3).cut(image, 32).any()


def test_the_trunk_is_upright_in_the_bodys_square() -> None:
    lying = joints().double().numpy()
    lying[:, 0], lying[:, 1] = joints()[:, 1].numpy(), 300 - joints()[:, 0].numpy()  # head to the left
    square = body_square(lying)
    assert square.angle == pytest.approx(-math.pi / 2, abs=0.1)
    upright = body_square(joints().double().numpy())
    assert upright.angle == pytest.approx(0, abs=0.05)
    assert upright.side == pytest.approx(square.side)
    corners = upright.place(np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert (corners[0] < joints()[:, :2].numpy().min(0)).all()
    assert (corners[1] > joints()[:, :2].numpy().max(0)).all()


def test_a_hands_square_lies_beyond_the_wrist() -> None:
    square = forearm_square(np.array([100.0, 100.0]), np.array([1.0, 0.0]), 300.0)
    assert square.x > 110
    assert square.y == pytest.approx(100.5)
    assert square.angle == pytest.approx(math.pi / 2), "the fingers are up in it"


def test_anchors() -> None:
    anchors = palm_anchors()
    assert anchors.shape == (2016, 2)
    assert anchors[0].tolist() == anchors[1].tolist() == pytest.approx([0.5 / 24] * 2)
    assert anchors[1152].tolist() == anchors[1157].tolist() == pytest.approx([0.5 / 12] * 2)
    assert anchors[-1].tolist() == pytest.approx([11.5 / 12] * 2)


def test_the_palm_nearest_to_the_wrist_is_taken() -> None:
    look = TurnedSquare(200.0, 200.0, 96.0)
    boxes, scores = np.zeros((1, 2016, 18), np.float32), np.full((1, 2016, 1), -9, np.float32)

    def palm(anchor: int, wrist: tuple[float, float], middle: tuple[float, float], score: float) -> None:
        at = palm_anchors()[anchor] * 192
        boxes[0, anchor, 2:4] = 40
        boxes[0, anchor, 4:6], boxes[0, anchor, 8:10] = wrist - at, middle - at
        scores[0, anchor, 0] = score

    centre = 12 * 24 * 2 + 24  # row 12, column 12
    assert palm_anchors()[centre].tolist() == pytest.approx([12.5 / 24] * 2)
    palm(centre, (100.0, 110.0), (100.0, 90.0), 2.0)
    palm(0, (4.0, 20.0), (4.0, 2.0), 5.0)
    wrist = look.place(np.array([[100 / 192, 110 / 192]]))[0]
    square = nearest_palm(boxes, scores, look, wrist, 10.0)
    assert square is not None
    assert square.angle == pytest.approx(0)
    assert square.side == pytest.approx(2.6 * 40 / 192 * 96)
    at = look.place(np.array([[12.5 / 24, 12.5 / 24]]))[0] + 0.5
    assert square.x == pytest.approx(at[0])
    assert square.y == pytest.approx(at[1] - 0.5 * 40 / 192 * 96)
    assert nearest_palm(boxes, scores, look, wrist + 40, 10.0) is None
    scores[:] = -0.1
    assert nearest_palm(boxes, scores, look, wrist, 10.0) is None


# -- around the estimator -------------------------------------------------------------------------------------------


def test_complete_and_the_cache(tmp_path: Path) -> None:
    network = MediaPipePoints(Seeing().networks)
    image = torch.from_numpy(picture()).movedim(-1, 0) / 127.5 - 1
    person, origin = complete(Person(image=image, keypoints=joints()), "extra_keypoints", {"extra_keypoints": network})
    assert origin == {"extra_keypoints": network.name}
    expected = network.extra_keypoints(picture(), joints())
    torch.testing.assert_close(person.extra_keypoints, expected)
    cached = CachedExtraKeypoints(network, tmp_path)
    first = cached.extra_keypoints(picture(), joints())
    cached.estimator = MediaPipePoints(Seeing(trust=0).networks)
    torch.testing.assert_close(cached.extra_keypoints(picture(), joints()), first)
    torch.testing.assert_close(first, expected)


def test_the_real_networks_find_feet(shared: Path, market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On photographs of Market-1501 most located ankles have a heel beside them; the hands are too small there."""
    pytest.importorskip("ai_edge_litert")
    for name in ("hand_landmark_full.tflite", "palm_detection_full.tflite", "pose_landmark_full.tflite"):
        if not (shared / "models" / name).is_file():
            pytest.skip(f"{name} is not here")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    from repose.estimate.movenet import MoveNet

    network, detector = MediaPipePoints(), MoveNet(shared / "models" / "movenet_lightning.tflite")
    ankles, near, hands = 0, 0, 0
    for path in sorted((market / "bounding_box_test").glob("*.jpg"))[:120:6]:
        with PIL.Image.open(path) as image:
            pixels = np.array(image.convert("RGB"))
        found = detector.crops([pixels])[0]
        points = network.extra_keypoints(pixels, found)
        assert points.shape == (48, 3)
        assert not points[points[:, 2] == 0].any()
        hands += bool(points[6:].any())
        for start, joint in ((0, JOINTS.index("left_ankle")), (3, JOINTS.index("right_ankle"))):
            if found[joint, 2] > 0:
                ankles += 1
                heel = points[start + 2]
                near += bool(heel[2] > 0 and (heel[:2] - found[joint, :2]).norm() < 12)
    assert ankles > 20
    assert near / ankles > 0.7
    assert hands <= 2, "somebody who fills the picture has hands of 16 pixels"
