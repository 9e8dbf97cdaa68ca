"""Feet and hands in pose files: read, written, and drawn; the joints are what they are without them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.person import EXTRA_POINTS, FOOT_POINTS, JOINTS, Person
from repose.represent.keypoints import SKELETONS, to_skeleton
from repose.represent.pose_files import read_poses, write_keypoints
from repose.represent.pose_files.drawing import HAND_BONES, draw_extra, draw_openpose, is_drawing, read_drawing
from repose.represent.pose_files.text import flat
from repose.represent.pose_files.writing import WRITERS

SIZE = (400, 300)


def joints() -> torch.Tensor:
    """18 joints of a standing person, all seen."""
    x = [150, 150, 115, 105, 100, 185, 195, 200, 130, 128, 126, 170, 172, 174, 143, 157, 135, 165]
    y = [60, 95, 95, 145, 190, 95, 145, 190, 200, 270, 340, 200, 270, 340, 52, 52, 56, 56]
    return torch.tensor([x, y, [1] * 18], dtype=torch.float32).T


def extra() -> torch.Tensor:
    """48 points near wrists and ankles; left small toe and left thumb's tip are missing, the right heel is hidden."""
    points = torch.zeros(48, 3)
    rng = np.random.default_rng(5)
    for number, name in enumerate(EXTRA_POINTS):
        side, _, part = name.partition("_")
        centre = joints()[JOINTS.index(f"{side}_{'wrist' if part.startswith('hand') else 'ankle'}"), :2]
        points[number, :2] = centre + torch.from_numpy(rng.integers(1, 15, 2)).float()
        points[number, 2] = 1
    points[EXTRA_POINTS.index("left_small_toe")] = 0
    points[EXTRA_POINTS.index("left_hand_thumb_4")] = 0
    points[EXTRA_POINTS.index("right_heel"), 2] = 0.5
    return points


def person() -> Person:
    return Person(keypoints=joints(), extra_keypoints=extra(), size=SIZE)


def seen(points: torch.Tensor) -> torch.Tensor:
    """With every located point seen: files of scores know no occlusion."""
    return torch.cat([points[:, :2], (points[:, 2:] > 0).float()], 1)


@pytest.mark.parametrize("format", ["repose", "coco-wholebody"])
def test_formats_that_keep_all(tmp_path: Path, format: str) -> None:
    path = tmp_path / "pose.json"
    write_keypoints(path, {"a": person(), "b": Person(keypoints=joints(), size=SIZE)}, format)  # type: ignore[arg-type]
    back = read_poses(path)
    assert back["a"].extra_keypoints is not None
    torch.testing.assert_close(back["a"].extra_keypoints, extra())
    torch.testing.assert_close(back["a"].keypoints, joints())
    assert back["b"].extra_keypoints is None


@pytest.mark.parametrize(("format", "feet"), [("openpose", 0), ("openpose-body25", 6), ("openpose-body25b", 6)])
def test_openpose(tmp_path: Path, format: str, feet: int) -> None:
    path = tmp_path / "a_keypoints.json"
    write_keypoints(path, {"a": person()}, format)  # type: ignore[arg-type]
    (back,) = read_poses(path).values()
    expected = seen(extra())
    if not feet:
        expected[: len(FOOT_POINTS)] = 0
    elif back.extra_keypoints is not None:  # OpenPose's third number is a score: 0.5 passes as it is
        assert back.extra_keypoints[5, 2] == 1
    torch.testing.assert_close(back.extra_keypoints, expected)
    torch.testing.assert_close(back.keypoints, joints())


def test_controlnet_holds_hands(tmp_path: Path) -> None:
    path = tmp_path / "frames.json"
    write_keypoints(path, {"a": person()}, "controlnet")
    (back,) = read_poses(path).values()
    torch.testing.assert_close(back.extra_keypoints[6:], seen(extra())[6:])  # type: ignore[index]
    write_keypoints(path, {"a": joints()}, "controlnet")
    assert json.loads(path.read_text())[0]["people"][0]["hand_left_keypoints_2d"] is None


@pytest.mark.parametrize("format", [name for name, writer in WRITERS.items() if writer.whole is None])
def test_other_formats_lose_them(tmp_path: Path, format: str) -> None:
    with_points, without = tmp_path / "one.x", tmp_path / "two.x"
    write_keypoints(with_points, {"a": person()}, format, SIZE)  # type: ignore[arg-type]
    write_keypoints(without, {"a": Person(keypoints=joints(), size=SIZE)}, format, SIZE)  # type: ignore[arg-type]
    assert with_points.read_bytes() == without.read_bytes()


@pytest.mark.parametrize("format", ["repose", "openpose", "openpose-body25", "controlnet"])
def test_files_without_them_are_as_before(tmp_path: Path, format: str) -> None:
    path = tmp_path / "pose.json"
    write_keypoints(path, {"a": Person(keypoints=joints(), size=SIZE)}, format)  # type: ignore[arg-type]
    assert "extra" not in path.read_text()
    (back,) = read_poses(path).values()
    assert back.extra_keypoints is None


def test_133_points_of_a_result(tmp_path: Path) -> None:
    """COCO-WholeBody's order: 17 joints, 6 of the feet, 68 of the face, 21 of each hand; low scores are missing."""
    points = torch.zeros(133, 3)
    points[:17] = to_skeleton(joints(), "coco17")
    points[17:23], points[91:] = seen(extra())[:6], seen(extra())[6:]
    points[23:91] = torch.tensor([150, 60, 0.9])
    points[95, 2] = 0.1  # left_hand_thumb_4 is missing already: this is 91 + 4
    points[91 + 8, 2] = 0.1
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"image_id": "a.jpg", "keypoints": flat(points), "score": 0.9}]))
    back = read_poses(path)["a.jpg"].extra_keypoints
    expected = seen(extra())
    expected[6 + 8] = 0
    torch.testing.assert_close(back, expected)


def test_feet_of_other_skeletons(tmp_path: Path) -> None:
    names = SKELETONS["halpe26"]
    points = to_skeleton(joints(), "halpe26")
    points[names.index("right_big_toe")] = torch.tensor([120.0, 355, 0.8])
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"image_id": "a.jpg", "keypoints": flat(points), "score": 0.9}]))
    back = read_poses(path)["a.jpg"].extra_keypoints
    assert back is not None
    assert back[FOOT_POINTS.index("right_big_toe")].tolist() == [120, 355, 1]
    assert int((back[:, 2] > 0).sum()) == 1


def test_shares_become_pixels(tmp_path: Path) -> None:
    height, width = SIZE
    wide = torch.tensor([width, height, 1.0])
    half = torch.tensor([0.5, 0.5, 0.0])
    body, hand = ((seen(points) + half) / wide for points in (joints(), extra()[6:27]))
    people = [{"pose_keypoints_2d": body.flatten().tolist(), "hand_left_keypoints_2d": hand.flatten().tolist()}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"people": people, "canvas_width": width, "canvas_height": height}))
    (back,) = read_poses(path).values()
    there = extra()[6:27, 2] > 0
    torch.testing.assert_close(back.extra_keypoints[6:27][there], extra()[6:27][there], atol=1e-3, rtol=0)  # type: ignore[index]


@pytest.mark.parametrize("hand", [[1, 2, 3], [1.0] * 62, ["a"] * 63, "hand", None, []])
def test_what_is_no_hand_is_left_out(tmp_path: Path, hand: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": flat(joints()), "hand_left_keypoints_2d": hand}]}))
    (back,) = read_poses(path).values()
    torch.testing.assert_close(back.keypoints, joints())
    assert back.extra_keypoints is None


@pytest.mark.parametrize("rows", [[[1, 2, 3]] * 47, "points", [[1, 2]] * 48, [[1, 2, float("inf")]] * 48])
def test_a_damaged_own_file_names_the_place(tmp_path: Path, rows: object) -> None:
    path = tmp_path / "pose.json"
    write_keypoints(path, {"a": person()})
    data = json.loads(path.read_text())
    data["extra_keypoints"]["a"] = rows
    path.write_text(json.dumps(data).replace("Infinity", "1e999"))
    with pytest.raises(ValueError, match=r"extra_keypoints of a|pose\.json"):
        read_poses(path)


def test_hands_and_feet_are_drawn() -> None:
    bare = draw_openpose(joints(), *SIZE)
    drawn = draw_extra(bare.copy(), extra())
    assert (drawn != bare).any()
    for number, (x, y, there) in enumerate(extra().tolist()):
        if there and number >= len(FOOT_POINTS):
            assert tuple(drawn[round(y), round(x)]) == (0, 0, 255)
    assert np.array_equal(draw_extra(bare.copy(), torch.zeros(48, 3)), bare)
    assert len(HAND_BONES) == 20
    assert {point for bone in HAND_BONES for point in bone} == set(range(21))
    assert HAND_BONES[:5] == ((0, 1), (1, 2), (2, 3), (3, 4), (0, 5))
    assert is_drawing(drawn)
    body = read_drawing(drawn).keypoints
    assert body is not None
    near = (body[2:14, :2] - joints()[2:14, :2]).norm(dim=1)
    assert float(near.max()) < 6, "the body is read as before"
