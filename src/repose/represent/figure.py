"""About where a person is, by their joints alone: limbs as thick as limbs are."""

from __future__ import annotations

import functools
import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.represent.canvas import Box
from repose.represent.retarget import person_size

FACE: Final = (0, 14, 15, 16, 17)
"""The joints of a face."""

_REACH: Final = 0.25
"""No part of a figure is further from a joint's bone, in units of trunk + thigh + shin: a head over a face is 0.21."""

_LIMBS: Final = (
    (1, 0, 0.07, 0.07), (2, 5, 0.06, 0.06), (2, 8, 0.085, 0.09), (5, 11, 0.085, 0.09), (1, 8, 0.08, 0.1),
    (1, 11, 0.08, 0.1), (8, 11, 0.1, 0.1), (2, 3, 0.075, 0.065), (3, 4, 0.065, 0.05), (5, 6, 0.075, 0.065),
    (6, 7, 0.065, 0.05), (8, 9, 0.115, 0.085), (9, 10, 0.085, 0.06), (11, 12, 0.115, 0.085), (12, 13, 0.085, 0.06),
)  # fmt: skip
"""Two joints and how thick the body is there, with clothes, in units of trunk + thigh + shin."""

LEAST_COVERED: Final = 0.3
"""The share of the middles of a person's limbs that a mask covers, at least; else it is empty, or another person's."""


def figure_mask(keypoints: Tensor, height: int, width: int, loose: float = 1.0) -> Tensor:
    """About where the person with these joints is, with clothes and hair: limbs as thick as limbs are, soft borders.

    Args:
        keypoints: (18, 3), in pixels of the picture; may lie outside.
        height, width: of the picture.
        loose: how many times thicker than usual.

    Returns:
        float32 (1, H, W) in [0, 1].
    """
    size = size_of(keypoints) * loose
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
    limbs: list[tuple[float, ...]] = []  # both ends, the way between them, how thick it is at either

    def capsule(a: Tensor, b: Tensor, thick: float, thick_end: float) -> None:
        (ax, ay), (dx, dy) = a.tolist(), (b - a).tolist()
        limbs.append((ax, ay, dx, dy, max(dx * dx + dy * dy, 1e-6), thick, thick_end - thick))

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
    inside = torch.full((rows, columns), torch.inf)  # distance from the body, negative within it
    if limbs:  # all at once: many small steps take longer
        ax, ay, dx, dy, square, thick, thicker = torch.tensor(limbs).T[:, :, None, None]
        along = (((x - ax) * dx + (y - ay) * dy) / square).clamp_(0, 1)  # (limbs, rows, columns)
        away = (x - ax - along * dx).square_().add_((y - ay - along * dy).square_()).sqrt_()  # hypot is much slower
        inside = away.sub_(along.mul_(thicker).add_(thick).mul_(size)).amin(0)
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
    room = _REACH * loose * size_of(keypoints) + 2
    (x0, y0), (x1, y1) = points.amin(0).tolist(), points.amax(0).tolist()
    top, left = max(0, math.floor(y0 - room)), max(0, math.floor(x0 - room))
    return top, left, min(height, math.ceil(y1 + room) + 1), min(width, math.ceil(x1 + room) + 1)


def size_of(keypoints: Tensor) -> float:
    """`repose.represent.retarget.person_size` of one person (18, 3); joints that were asked for lately are not measured
    again."""
    return _size_of(keypoints.detach().float().cpu().contiguous().numpy().tobytes())


@functools.lru_cache(64)
def _size_of(values: bytes) -> float:
    return float(person_size(torch.frombuffer(bytearray(values), dtype=torch.float32).reshape(-1, 3)))


def limbs_covered(mask: Tensor, keypoints: Tensor) -> float:
    """The share of the middles of a person's limbs that a mask covers, 0 to 1; 1 where no limb is located.

    Args:
        mask: (1, H, W) in [0, 1]. keypoints: (18, 3) in its pixels.
    """
    bones = figure_mask(keypoints, int(mask.shape[-2]), int(mask.shape[-1]), loose=0.6).to(mask.device) > 0.5
    return float((mask[bones] > 0.5).float().mean()) if bool(bones.any()) else 1.0


__all__ = ["FACE", "figure_mask", "reach", "size_of"]
