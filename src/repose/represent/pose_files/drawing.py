"""Drawings of skeletons in OpenPose's colours, such as ControlNet takes: drawn, recognised, and read as poses.

Joint number j of the 18 has the hue 20 j degrees, limb number l the hue 20 l at 0.6 of the brightness (ControlNet), or
the hue of its second joint (OpenPose itself). A drawing is read from these colours: every limb is the largest patch of
its hue, its ends are joints, and which end is which follows from the limbs that meet there and from the discs drawn on
the joints. So line width, size and losses of JPEG hardly matter; hands and faces, thinner and brighter or white, do not
count.
"""

from __future__ import annotations

import colorsys
from typing import Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageDraw
import torch
from torch import Tensor

from repose.person import FOOT_POINTS, HAND_POINTS, Person
from repose.represent.choosing import Which, choose_person
from repose.represent.pose_files.figures import boxes_of
from repose.represent.pose_files.patches import DARK, HUES, Patches, coloured_pixels, nearest_hues
from repose.represent.pose_files.strokes import LEAST, LIMBS, PALETTES, people_drawn

HAND_BONES: Final = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4)
)
"""Pairs of the 21 points of a hand that a bone joins, OpenPose's order: from the wrist out, finger by finger."""

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


def draw_extra(picture: npt.NDArray[np.uint8], extra: Tensor, thickness: float | None = None) -> npt.NDArray[np.uint8]:
    """Hands and feet over a picture, in place, in OpenPose's colours: each bone of a finger has a hue of its own.

    The 20 bones of a hand take the hues from red to magenta in their order, as in OpenPose and ControlNet, with blue
    discs on the points; a foot is three lines from the heel in the hue of its ankle.

    Args:
        picture: uint8 (H, W, 3), such as of `draw_openpose`. extra: (48, 3) as `Person.extra_keypoints`.
        thickness: of a line, pixels; None: 2 for 512 pixels, and in proportion.

    Returns:
        The picture.
    """
    height, width = picture.shape[:2]
    thick = thickness or max(1.0, 2 * min(height, width) / 512)
    canvas = PIL.Image.fromarray(picture)
    pen = PIL.ImageDraw.Draw(canvas)
    points = extra.detach().cpu().double().tolist()

    def line(first: int, second: int, rgb: tuple[int, int, int]) -> None:
        (ax, ay, one), (bx, by, two) = points[first], points[second]
        if one > 0 and two > 0:
            pen.line([(ax, ay), (bx, by)], fill=rgb, width=max(1, round(thick)))

    for side, hue in enumerate((13, 10)):  # the ankles of the 18 joints, left and right
        for toe in (0, 1):
            line(3 * side + 2, 3 * side + toe, colour(hue))
    for start in (len(FOOT_POINTS), len(FOOT_POINTS) + len(HAND_POINTS)):
        for number, (first, second) in enumerate(HAND_BONES):
            red, green, blue = colorsys.hsv_to_rgb(number / len(HAND_BONES), 1, 1)
            line(start + first, start + second, (round(255 * red), round(255 * green), round(255 * blue)))
        for x, y, seen in points[start : start + len(HAND_POINTS)]:
            if seen > 0:
                pen.ellipse((x - thick, y - thick, x + thick, y + thick), fill=(0, 0, 255))
    picture[:] = np.asarray(canvas)
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
