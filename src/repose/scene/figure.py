"""Where a figure is in a picture, by its joints, by a mask, or by its colours."""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.person import Person
from repose.represent.canvas import Box
from repose.represent.retarget import person_size
from repose.scene.fill import spread
from repose.scene.framing import FACE

_LEAST_COVERED: Final = 0.3
"""The share of a person's bones that a mask of them covers, at least."""

_REACH: Final = 0.25
"""No part of a figure is further from a joint's bone, in units of trunk + thigh + shin: a head over a face is 0.21."""

_SIDE: Final = 250
"""Trunk + thigh + shin of a person on the grid where their outline is told by colours, pixels; at most twice that."""

_LIMBS: Final = (
    (1, 0, 0.07, 0.07), (2, 5, 0.06, 0.06), (2, 8, 0.085, 0.09), (5, 11, 0.085, 0.09), (1, 8, 0.08, 0.1),
    (1, 11, 0.08, 0.1), (8, 11, 0.1, 0.1), (2, 3, 0.075, 0.065), (3, 4, 0.065, 0.05), (5, 6, 0.075, 0.065),
    (6, 7, 0.065, 0.05), (8, 9, 0.115, 0.085), (9, 10, 0.085, 0.06), (11, 12, 0.115, 0.085), (12, 13, 0.085, 0.06),
)  # fmt: skip
"""Two joints and how thick the body is there, with clothes, in units of trunk + thigh + shin."""


def figure_mask(keypoints: Tensor, height: int, width: int, loose: float = 1.0) -> Tensor:
    """About where the person with these joints is, with clothes and hair: limbs as thick as limbs are, soft borders.

    Args:
        keypoints: (18, 3), in pixels of the picture; may lie outside.
        height, width: of the picture.
        loose: how many times thicker than usual.

    Returns:
        float32 (1, H, W) in [0, 1].
    """
    size = float(person_size(keypoints)) * loose
    points = keypoints.float().cpu()
    located = points[:, 2] > 0
    whole = torch.zeros(1, height, width)
    top, left, bottom, right = reach(points, height, width, loose)
    if top >= bottom or left >= right:
        return whole
    times = max(1, int(size / loose) // 60)  # thick limbs need no fine grid
    top, left = top // times * times, left // times * times
    rows, columns = -(-(bottom - top) // times), -(-(right - left) // times)
    y = (torch.arange(rows, dtype=torch.float32) * times + top + (times - 1) / 2)[:, None]
    x = (torch.arange(columns, dtype=torch.float32) * times + left + (times - 1) / 2)[None]
    inside = torch.full((rows, columns), torch.inf)  # distance from the body, negative within it

    def capsule(a: Tensor, b: Tensor, thick: float, thick_end: float) -> None:
        nonlocal inside
        (ax, ay), (dx, dy) = a.tolist(), (b - a).tolist()
        along = (((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-6)).clamp(0, 1)
        away = ((x - ax - along * dx).square() + (y - ay - along * dy).square()).sqrt()  # hypot is much slower
        inside = torch.minimum(inside, away - size * (thick + (thick_end - thick) * along))

    for first, second, thick, thick_end in _LIMBS:
        if located[first] and located[second]:
            capsule(points[first, :2], points[second, :2], thick, thick_end)
    for elbow, wrist in ((3, 4), (6, 7)):
        if located[wrist]:
            end = points[wrist, :2]
            forearm = end - points[elbow, :2] if located[elbow] else torch.zeros(2)
            hand = forearm / forearm.norm().clamp_min(1e-6) * size * 0.1
            capsule(end, end + hand, 0.05, 0.06)
    for knee, ankle in ((9, 10), (12, 13)):
        if located[ankle]:
            end = points[ankle, :2]
            shin = end - points[knee, :2] if located[knee] else torch.tensor([0.0, 1.0])
            foot = shin / shin.norm().clamp_min(1e-6) * size * 0.06
            capsule(end, end + foot, 0.06, 0.13)
    face = points[list(FACE)][located[list(FACE)], :2]
    if len(face):
        middle = face.mean(0)
        up = torch.tensor([0.0, -1.0])
        if located[1]:
            up = (middle - points[1, :2]) / (middle - points[1, :2]).norm().clamp_min(1e-6)
        capsule(middle - 0.02 * size * up, middle + 0.07 * size * up, 0.115, 0.12)
    soft = size * 0.02 + 0.5
    mask = (0.5 - inside / (2 * soft)).clamp(0, 1)[None, None]
    if times > 1:
        mask = F.interpolate(mask, scale_factor=float(times), mode="bilinear", align_corners=False)
    whole[:, top:bottom, left:right] = mask[0, :, : bottom - top, : right - left]
    return whole


def reach(keypoints: Tensor, height: int, width: int, loose: float) -> Box:
    """(top, left, bottom, right) of what `figure_mask` may cover, within the picture; empty without joints."""
    points = keypoints[keypoints[:, 2] > 0, :2].float().cpu()
    if len(points) == 0:
        return 0, 0, 0, 0
    room = _REACH * loose * float(person_size(keypoints)) + 2
    (x0, y0), (x1, y1) = points.amin(0).tolist(), points.amax(0).tolist()
    top, left = max(0, math.floor(y0 - room)), max(0, math.floor(x0 - room))
    return top, left, min(height, math.ceil(y1 + room) + 1), min(width, math.ceil(x1 + room) + 1)


def known_mask(person: Person) -> Tensor | None:
    """The person's mask with what it misses of their bones, (1, H, W) in [0, 1]; None if it is not theirs.

    A mask that covers less than 30 % of the middles of the limbs is empty, or another person's.

    Args:
        person: unbatched, with keypoints, and with a mask or without.
    """
    if person.mask is None:
        return None
    assert person.keypoints is not None
    height, width = (int(side) for side in person.mask.shape[-2:])
    mask = person.mask.float()
    bones = (figure_mask(person.keypoints, height, width, loose=0.6) > 0.5).to(mask.device)
    if bool(bones.any()) and float((mask[bones] > 0.5).float().mean()) < _LEAST_COVERED:
        return None
    return torch.maximum(mask, figure_mask(person.keypoints, height, width, loose=0.8).to(mask.device))


def old_figure(photograph: Tensor, keypoints: Tensor, mask: Tensor | None) -> Tensor:
    """What hides the background, generously: (1, H, W) in [0, 1].

    With a mask, what it covers and a seam around, for shoes and hair have soft borders. Without one, around the bones,
    and further where colours are the figure's: skirts, bags and the tips of shoes lie off the bones; their colours
    occur on the figure, and seldom around it.

    Args:
        photograph: (3, H, W) in [-1, 1], or a part of it. keypoints: (18, 3) in its pixels; may lie outside.
        mask: (1, H, W), of `known_mask`; None: there is none.
    """
    if mask is not None:
        return wider(mask, seam(keypoints))
    _, height, width = photograph.shape
    times = max(1, int(person_size(keypoints)) // _SIDE)
    if times > 1:  # a generous outline needs no fine grid
        small = F.interpolate(photograph[None], (-(-height // times), -(-width // times)), mode="area")[0]
        scale = torch.tensor([small.shape[2] / width, small.shape[1] / height])
        points = keypoints.clone()
        points[:, :2] = ((keypoints[:, :2] + 0.5) * scale - 0.5) * (keypoints[:, 2:] > 0)
        hole = old_figure(small, points, None)
        return F.interpolate(hole[None], (height, width), mode="bilinear", align_corners=False)[0]
    hole = figure_mask(keypoints, height, width, loose=1.3)
    near = figure_mask(keypoints, height, width, loose=2.2) > 0
    if not bool(near.all()):
        size = float(person_size(keypoints))
        core = figure_mask(keypoints, height, width, loose=0.8) > 0.5
        further = near & (_likely(photograph, core[0], ~near[0], size) > 0.75)
        hole = torch.maximum(hole, wider(further.float(), 1 + round(0.01 * size)))
    return hole


def new_figure(picture: Tensor, keypoints: Tensor, height: int, width: int) -> Tensor:
    """Where a generated picture shows its figure, (1, height, width): near its bones, and unlike what is behind it.

    Weak models paint a plain background, and a mask of bones alone would carry a rim of it into the photograph.

    Args:
        picture: (3, k height, k width) in [-1, 1]. keypoints: (18, 3), the figure's joints at (height, width).
    """
    small = F.interpolate(picture[None], (height, width), mode="area")[0]
    sure, perhaps = (figure_mask(keypoints, height, width, loose) for loose in (0.6, 1.2))
    behind = spread(small, (figure_mask(keypoints, height, width, 1.4) == 0).float())
    unlike = ((small - behind).abs().amax(0, keepdim=True) - 0.1) / 0.2
    unlike = F.avg_pool2d(unlike.clamp(0, 1)[None], 3, 1, 1, count_include_pad=False)[0]
    return torch.maximum(sure, perhaps * unlike)


def seam(keypoints: Tensor) -> int:
    """How far the soft border of a figure reaches, pixels."""
    return 1 + round(0.012 * float(person_size(keypoints)))


def wider(mask: Tensor, by: int) -> Tensor:
    """(1, H, W) grown by so many pixels, or a quarter more where they are many, with a soft border of one more."""
    times = by // 8
    if times > 1:  # far wider: on cells of so many pixels, a little more generously
        _, height, width = mask.shape
        small = wider(F.max_pool2d(mask[None], times, ceil_mode=True)[0], -(-by // times))
        large = F.interpolate(small[None], scale_factor=float(times), mode="bilinear", align_corners=False)
        return large[0, :, :height, :width]
    grown = F.max_pool2d(mask[None], (2 * by + 1, 1), 1, (by, 0))
    grown = F.max_pool2d(grown, (1, 2 * by + 1), 1, (0, by))
    return F.avg_pool2d(grown, 3, 1, 1, count_include_pad=False)[0]


# -- inside ---------------------------------------------------------------------------------------------------------


def _likely(photograph: Tensor, on: Tensor, off: Tensor, size: float) -> Tensor:
    """How likely a pixel is the figure's by its colour, (1, H, W).

    Args:
        photograph: (3, H, W). on, off: (H, W), the pixels that surely show the figure, and those that surely do not.
        size: of the person, pixels.
    """
    levels = ((photograph + 1) * 5.999).long().clamp(0, 11)  # (3, H, W)
    colour = (levels[0] * 12 + levels[1]) * 12 + levels[2]
    counts = [torch.bincount(colour[part], minlength=12**3).float() for part in (on, off)]
    figure, around = (count / count.sum().clamp_min(1) for count in counts)
    likely = (figure / (figure + around).clamp_min(1e-9))[colour][None]
    soft = round(0.01 * size)
    return F.avg_pool2d(likely[None], 2 * soft + 1, 1, soft, count_include_pad=False)[0]


__all__ = ["figure_mask", "known_mask", "new_figure", "old_figure", "reach", "seam", "wider"]
