"""Drawings of skeletons in OpenPose's colours, such as ControlNet takes: drawn, recognised, and read as poses.

Joint number j of the 18 has the hue 20 j degrees, limb number l the hue 20 l at 0.6 of the brightness (ControlNet), or
the hue of its second joint (OpenPose itself). A drawing is read from these colours: every limb is the largest patch of
its hue, its ends are joints, and which end is which follows from the limbs that meet there and from the discs drawn on
the joints. So line width, size and losses of JPEG hardly matter; hands and faces, thinner and brighter or white, do not
count.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.person import Person
from repose.represent.choosing import Which, choose_person
from repose.represent.pose_files.figures import boxes_of
from repose.represent.pose_files.patches import DARK, HUES, Patches, coloured_pixels, nearest_hues
from repose.represent.pose_files.strokes import LEAST, LIMBS, PALETTES, people_drawn

_COARSE: Final = 1024  # longer sides are read at every second pixel or fewer
_DIM: Final = 0.6


def colour(hue: int, brightness: float = 1.0) -> tuple[int, int, int]:
    """The RGB of a hue of `HUES`."""
    sixth, rest = divmod(hue % HUES, 3)
    rise = round(255 * rest / 3)
    rgb = (
        (255, rise, 0),
        (255 - rise, 255, 0),
        (0, 255, rise),
        (0, 255 - rise, 255),
        (rise, 0, 255),
        (255, 0, 255 - rise),
    )
    return tuple(int(brightness * value) for value in rgb[sixth])  # type: ignore[return-value]


def draw_openpose(keypoints: Tensor, height: int, width: int, thickness: float | None = None) -> npt.NDArray[np.uint8]:
    """A skeleton on black as ControlNet draws it: limbs as ellipses at 0.6 of the brightness, discs on the joints.

    Args:
        keypoints: (18, 3), pixels.
        height, width: of the picture.
        thickness: half the width of a limb, and the radius of a disc, pixels; None: 4 for 512 pixels, and in
            proportion.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    radius = thickness or max(2.0, 4 * min(height, width) / 512)
    picture = np.zeros((height, width, 3), np.uint8)
    points, there = keypoints[:, :2].double().numpy(), keypoints[:, 2].numpy() > 0
    down, across = np.mgrid[:height, :width].astype(np.float64)
    for number, (first, second) in enumerate(LIMBS):
        if there[first] and there[second]:
            middle, half = (points[first] + points[second]) / 2, (points[second] - points[first]) / 2
            length = max(float(np.hypot(*half)), 1e-6)
            along = ((across - middle[0]) * half[0] + (down - middle[1]) * half[1]) / length
            aside = ((across - middle[0]) * half[1] - (down - middle[1]) * half[0]) / length
            picture[(along / length) ** 2 + (aside / radius) ** 2 <= 1] = colour(number, _DIM)
    for number, (x, y) in enumerate(points):
        if there[number]:
            picture[(across - x) ** 2 + (down - y) ** 2 <= radius**2] = colour(number)
    return picture


def is_drawing(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether a picture uint8 (H, W, 3) looks like a drawing of a skeleton: saturated lines of many hues on black or
    white, without anything between. Cheap; `read_drawing` decides."""
    step = max(1, max(pixels.shape[:2]) // 512)
    small = pixels[::step, ::step].astype(np.int32)
    high, low = small.max(-1), small.min(-1)
    coloured = coloured_pixels(small)
    if float(((high <= DARK) | (low > 195)).mean()) < 0.5 or not 0.0005 < float(coloured.mean()) < 0.4:
        return False
    pure = float((high - low)[coloured].mean() / high[coloured].mean())
    shares = np.bincount(nearest_hues(small[coloured]), minlength=HUES) / coloured.sum()
    return pure > 0.7 and int((shares > 0.01).sum()) >= 6


class NotADrawingError(ValueError):
    """A picture is no drawing of a skeleton."""


def read_drawing(pixels: npt.NDArray[np.uint8], which: Which = "largest") -> Person:
    """The person of a drawing uint8 (H, W, 3), RGB, on black or white: keypoints (18, 3) and the size.

    Raises:
        NotADrawingError: it is none. NoSuchPersonError: fewer people are drawn. ValueError: "best", as a drawing has no
            scores.
    """
    step = -(-max(pixels.shape[:2]) // _COARSE)
    patches = Patches(pixels[::step, ::step])
    people = max((people_drawn(patches, palette) for palette in PALETTES), key=lambda read: read[1])[0]
    if not people:
        raise NotADrawingError(
            "this is no drawing of a skeleton in OpenPose's colours: fewer than "
            f"{LEAST} limbs that meet in joints are recognised. Give a drawing on black as ControlNet takes it, or a "
            "pose file; of a photograph `repose estimate` finds the joints"
        )
    joints = np.stack(people)
    joints[..., :2] = np.where(joints[..., 2:] > 0, joints[..., :2] * step, 0)
    joints = joints.astype(np.float32)
    chosen = choose_person(boxes_of(joints), None, which, pixels.shape[1], "in this drawing")
    return Person(keypoints=torch.from_numpy(joints[chosen]), size=(pixels.shape[0], pixels.shape[1]))
