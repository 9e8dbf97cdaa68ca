"""Skeletons drawn in OpenPose's colours are read back as the pose they were drawn from."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from repose.person import JOINTS
from repose.represent.pose_files.drawing import (
    colour,
    draw_openpose,
    is_drawing,
    read_drawing,
)
from repose.represent.pose_files.strokes import LIMBS, PALETTES, Palette
from tests.represent.poses import REFERENCE, SIZE

H, W = SIZE
HIPLESS = (
    REFERENCE * torch.tensor([1.0 if "knee" not in name and "ankle" not in name else 0.0 for name in JOINTS])[:, None]
)


def lines(joints: Tensor, width: int, disc: float, dim: float, palette: Palette, ground: int = 0) -> np.ndarray:
    """A skeleton of straight lines, drawn by Pillow."""
    picture = Image.new("RGB", (W, H), (ground,) * 3)
    pen = ImageDraw.Draw(picture)
    place = [(float(x), float(y)) for x, y, _ in joints]
    for number, (a, b) in enumerate(LIMBS):
        if joints[a, 2] and joints[b, 2]:
            pen.line([place[a], place[b]], fill=colour(palette.limbs[number], dim), width=width)
    for number, (x, y) in enumerate(place):
        if joints[number, 2] and disc:
            pen.ellipse([x - disc, y - disc, x + disc, y + disc], fill=colour(palette.joints[number]))
    return np.asarray(picture)


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def errors(pixels: np.ndarray, joints: Tensor = REFERENCE) -> Tensor:
    """How far every joint is off, pixels; infinite where one is missing or invented."""
    assert is_drawing(pixels)
    found = read_drawing(pixels).keypoints
    assert found is not None
    off = (found[:, :2] - joints[:, :2]).norm(dim=1)
    return torch.where((found[:, 2] > 0) == (joints[:, 2] > 0), off, torch.inf)


def test_the_colours_are_those_of_controlnet() -> None:
    assert colour(0) == (255, 0, 0)
    assert colour(1) == (255, 85, 0)
    assert colour(5) == (85, 255, 0)
    assert colour(8) == (0, 255, 170)
    assert colour(13) == (85, 0, 255)
    assert colour(17) == (255, 0, 85)
    assert colour(17, 0.6) == (153, 0, 51)


@pytest.mark.parametrize("joints", [REFERENCE, HIPLESS])
@pytest.mark.parametrize("thickness", [2, 4, 6])
def test_there_and_back(thickness: float, joints: Tensor) -> None:
    assert errors(draw_openpose(joints, H, W, thickness), joints).max() < 1


@pytest.mark.parametrize("quality", [95, 75, 50, 30])
def test_jpeg(quality: int) -> None:
    assert errors(as_jpeg(draw_openpose(REFERENCE, H, W), quality)).max() < 3


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize(("width", "disc", "dim"), [(2, 0, 1), (3, 3, 1), (5, 4, 0.6), (5, 5, 1), (8, 8, 1)])
def test_lines_of_any_width_with_and_without_discs(width: int, disc: float, dim: float, palette: Palette) -> None:
    if dim == 1 or palette is PALETTES[0]:
        assert errors(lines(REFERENCE, width, disc, dim, palette)).max() < 3 + width


def test_on_white() -> None:
    assert errors(lines(REFERENCE, 8, 6, 1, PALETTES[0], ground=255)).max() < 8


@pytest.mark.parametrize("scale", [0.5, 3])
def test_other_sizes(scale: float) -> None:
    small = Image.fromarray(draw_openpose(REFERENCE, H, W)).resize(
        (int(W * scale), int(H * scale)), Image.Resampling.BICUBIC
    )
    found = read_drawing(np.asarray(small))
    assert found.size == (int(H * scale), int(W * scale))
    assert found.keypoints is not None
    wanted = (REFERENCE[:, :2] + 0.5) * scale - 0.5
    assert float((found.keypoints[:, :2] - wanted).norm(dim=1).max()) < 3
    assert found.keypoints[:, 2].min() == 1


def test_one_of_two_people() -> None:
    small = REFERENCE * torch.tensor([0.4, 0.4, 1]) + torch.tensor([360, 300, 0])
    both = np.maximum(draw_openpose(REFERENCE, H, 640), draw_openpose(small, H, 640))
    for which, nose in (("largest", REFERENCE[0]), (1, small[0]), ("right", small[0]), ("left", REFERENCE[0])):
        found = read_drawing(both, which).keypoints  # type: ignore[arg-type]
        assert found is not None
        assert float((found[0, :2] - nose[:2]).norm()) < 2, which
    with pytest.raises(ValueError, match="person 2 was asked for, but 2 found in this drawing"):
        read_drawing(both, 2)
    with pytest.raises(ValueError, match="there are no scores in this drawing"):
        read_drawing(both, "best")


def test_hands_and_a_face_do_not_count() -> None:
    picture = Image.fromarray(draw_openpose(REFERENCE, H, W))
    pen = ImageDraw.Draw(picture)
    for wrist, side in (("right_wrist", -1), ("left_wrist", 1)):
        x, y, _ = REFERENCE[JOINTS.index(wrist)].tolist()
        for finger in range(5):
            for part in range(4):
                start = (x + side * 9 * part, y + 6 * finger - 12)
                end = (start[0] + side * 9, start[1])
                pen.line([start, end], fill=colour(finger * 4 + part), width=2)
                pen.ellipse([end[0] - 3, end[1] - 3, end[0] + 3, end[1] + 3], fill=(0, 0, 255))
    for number in range(17):  # the chin
        x, y = 226 + 60 * number / 16, 135 - 15 * abs(number - 8) / 8
        pen.ellipse([x - 2, y - 2, x + 2, y + 2], fill=(255, 255, 255))
    assert errors(np.asarray(picture)).max() < 6


def test_what_is_no_drawing() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (200, 150, 3), dtype=np.uint8)
    black = np.zeros((200, 150, 3), np.uint8)
    stripes = np.zeros((200, 150, 3), np.uint8)
    for number in range(18):
        stripes[10 * number : 10 * number + 4, 20:120] = colour(number)
    grey = np.broadcast_to(np.arange(150, dtype=np.uint8)[None, :, None], (200, 150, 3)).copy()
    for pixels in (noise, black, grey):
        assert not is_drawing(pixels)
    for pixels in (noise, black, grey, stripes):
        with pytest.raises(ValueError, match=r"no drawing of a skeleton in OpenPose's colours.*`repose estimate`"):
            read_drawing(pixels)
