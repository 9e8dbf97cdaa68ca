"""Photographs on the canvas, who can be used, and where a trunk faces."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repose.estimate import Detection
from repose.person import JOINTS
from repose.research.photographs.columns import turn_class
from repose.research.photographs.crops import (
    UnusableError,
    on_canvas,
    read_crop,
    turn_between,
    yaw_of,
)

FRONT = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Rest axes (left, back, up) to camera axes (right, up, near) of somebody who faces the camera."""


def about_vertical(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def about_left(degrees: float) -> np.ndarray:
    """Bending forward, in rest axes."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


class Fixed:
    """An estimator that always finds these joints."""

    name = "fixed"

    def __init__(self, joints: torch.Tensor) -> None:
        self.joints = joints

    def people(self, image: np.ndarray) -> list[Detection]:
        return [Detection(self.joints, (10.0, 10.0, 100.0, 250.0), 1.0)]

    def crops(self, images: list[np.ndarray]) -> torch.Tensor:
        return self.joints[None].repeat(len(images), 1, 1)


def standing(mirror: bool = False) -> torch.Tensor:
    """Somebody upright on 256x176, seen from the front; mirrored, from the back."""
    places = {
        "nose": (88, 40), "neck": (88, 62), "eye": (5, 36), "ear": (10, 40), "shoulder": (24, 62), "elbow": (30, 98),
        "wrist": (32, 130), "hip": (15, 130), "knee": (16, 180), "ankle": (16, 228),
    }  # fmt: skip
    joints = torch.zeros(18, 3)
    for k, name in enumerate(JOINTS):
        side, _, joint = name.rpartition("_")
        x, y = places[joint]
        if side:  # the person's right is on the left of the picture
            x = 88 + x * (-1 if (side == "right") != mirror else 1)
        joints[k] = torch.tensor([x, y, 1])
    return joints


def picture(folder: Path, width: int = 176, height: int = 256) -> Path:
    file = folder / "a_01.png"
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def test_a_narrow_photograph_repeats_its_edges() -> None:
    columns = np.tile(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (128, 1, 3))
    placed = on_canvas(columns)
    assert placed.shape == (256, 176, 3)
    assert (placed[:, :24] == placed[:, 24:25]).all()  # (176 - 128) / 2 on each side
    assert (placed[:, 152:] == placed[:, 151:152]).all()
    assert placed[0, 24, 0] < placed[0, 88, 0] < placed[0, 151, 0]


def test_a_wide_photograph_is_cut_at_both_sides() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    assert (on_canvas(pixels) == pixels[:, 62:238]).all()


@pytest.mark.parametrize("degrees", [-150, -90, -20, 0, 45, 90, 179])
def test_yaw(degrees: float) -> None:
    assert yaw_of(about_vertical(degrees) @ FRONT) == pytest.approx(degrees, abs=1e-6)


@pytest.mark.parametrize("bend", [-40, 30, 80])
def test_whoever_bends_keeps_their_yaw(bend: float) -> None:
    assert yaw_of(about_vertical(70) @ FRONT @ about_left(bend)) == pytest.approx(70, abs=1e-6)


def test_turns_go_the_shorter_way_round() -> None:
    assert turn_between(170, -170) == pytest.approx(20)
    assert turn_between(-30, 60) == pytest.approx(90)
    assert turn_between(0, 180) == pytest.approx(180)


def test_classes_of_turns() -> None:
    classes = [turn_class(turn) for turn in (0, 29.9, 30, 89.9, 90, 180)]
    assert classes == ["under 30°", "under 30°", "30° to 90°", "30° to 90°", "over 90°", "over 90°"]


def test_front_and_back_are_a_half_turn_apart(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    file = picture(tmp_path)
    front, back = (read_crop(file, Fixed(standing(mirror))) for mirror in (False, True))
    assert abs(front.yaw) < 30
    assert turn_between(front.yaw, back.yaw) > 140
    assert front.picture.shape == (256, 176, 3)


def test_who_cannot_be_used(tmp_path: Path) -> None:
    file = picture(tmp_path)
    hipless = standing()
    hipless[JOINTS.index("left_hip")] = 0
    with pytest.raises(UnusableError, match=r"a_01.png.*left hip missing"):
        read_crop(file, Fixed(hipless))
    sparse = standing()
    for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear", "right_ankle"):
        sparse[JOINTS.index(name)] = 0
    with pytest.raises(UnusableError, match="12 joints are located, 13 are needed"):
        read_crop(file, Fixed(sparse))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "b_01.jpg"
    file.write_bytes(b"\xff\xd8\xff and then nothing")
    with pytest.raises(UnusableError, match=r"b_01\.jpg"):
        read_crop(file, Fixed(standing()))
