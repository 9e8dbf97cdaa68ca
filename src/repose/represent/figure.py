"""About where a person is, by their joints alone: limbs as thick as limbs are."""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.represent.canvas import Box
from repose.represent.retarget import person_size

FACE: Final = (0, 14, 15, 16, 17)
"""The joints of a face."""

_REACH: Final = 0.25
"""No part of a figure is further from a joint's bone, in units of trunk + thigh + shin: a head over a face is 0.21."""

_STRIP: Final = 256  # rows

_LIMBS: Final = (
    (1, 0, 0.07, 0.07), (2, 5, 0.06, 0.06), (2, 8, 0.085, 0.09), (5, 11, 0.085, 0.09), (1, 8, 0.08, 0.1),
    (1, 11, 0.08, 0.1), (8, 11, 0.1, 0.1), (2, 3, 0.075, 0.065), (3, 4, 0.065, 0.05), (5, 6, 0.075, 0.065),
    (6, 7, 0.065, 0.05), (8, 9, 0.115, 0.085), (9, 10, 0.085, 0.06), (11, 12, 0.115, 0.085), (12, 13, 0.085, 0.06),
)  # fmt: skip
"""Two joints and how thick the body is there, with clothes, in units of trunk + thigh + shin."""

LEAST_COVERED: Final = 0.3
"""The share of the middles of a person's limbs that a mask covers, at least; else it is empty, or another person's."""


def figure_mask(
    keypoints: Tensor, height: int, width: int, loose: float = 1.0, within: tuple[slice, slice] | None = None
) -> Tensor:
    """About where the person with these joints is, with clothes and hair: limbs as thick as limbs are, soft borders.

    Args:
        keypoints: (18, 3), in pixels of the picture; may lie outside.
        height, width: of the picture.
        loose: how many times thicker than usual.
        within: rows and columns of the picture; None: all of it.

    Returns:
        float32 (1, H, W) in [0, 1], or these rows and columns of it.
    """
    y, x = within or (slice(0, height), slice(0, width))
    whole = torch.zeros(1, y.stop - y.start, x.stop - x.start)
    coarse, (top, left, bottom, right), times = _coarse(keypoints, height, width, loose)
    first_row, last_row = max(top, y.start), min(bottom, y.stop)
    first, last = max(left, x.start), min(right, x.stop)
    if first_row < last_row and first < last:
        if times > 1:
            coarse = F.interpolate(coarse, scale_factor=float(times), mode="bilinear", align_corners=False)
        part = coarse[0, :, first_row - top : last_row - top, first - left : last - left]
        whole[:, first_row - y.start : last_row - y.start, first - x.start : last - x.start] = part
    return whole


def near_figure(keypoints: Tensor, height: int, width: int, loose: float, within: tuple[slice, slice]) -> Tensor:
    """Where `figure_mask` is above 0, bool (1, rows, columns) of a part of the picture; in strips, for memory."""
    y, x = within
    near = torch.zeros(1, y.stop - y.start, x.stop - x.start, dtype=torch.bool)
    coarse, (top, left, bottom, right), times = _coarse(keypoints, height, width, loose)
    first, last = max(left, x.start), min(right, x.stop)
    step = max(1, _STRIP // times)
    for cell in range(0, coarse.shape[-2], step):
        low = max(0, cell - 1)  # bilinear: a cell looks at the one before and the one after
        part = coarse[..., low : cell + step + 1, :]
        if times > 1:
            part = F.interpolate(part, scale_factor=float(times), mode="bilinear", align_corners=False)
        start = top + low * times  # the picture's row of the part's first one
        first_row = max(top + cell * times, y.start)
        last_row = min(top + (cell + step) * times, bottom, y.stop)
        if first_row < last_row and first < last:
            seen = part[0, :, first_row - start : last_row - start, first - left : last - left] > 0
            near[:, first_row - y.start : last_row - y.start, first - x.start : last - x.start] = seen
    return near


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


def _coarse(keypoints: Tensor, height: int, width: int, loose: float) -> tuple[Tensor, Box, int]:
    """A figure's mask (1, 1, h, w) in cells of so many pixels, and (top, left, bottom, right) of what it covers.

    Its first cell begins at top, left. The box is empty without joints.
    """
    size = size_of(keypoints) * loose
    points = keypoints.float().cpu()
    top, left, bottom, right = reach(points, height, width, loose)
    if top >= bottom or left >= right:
        return torch.zeros(1, 1, 1, 1), (0, 0, 0, 0), 1
    times = max(1, int(size / loose) // 60)  # thick limbs need no fine grid
    top, left = top // times * times, left // times * times
    rows, columns = -(-(bottom - top) // times), -(-(right - left) // times)
    inside = torch.full((rows, columns), torch.inf)  # distance from the body, negative within it
    limbs = _limbs_of(points.tolist(), size)
    if limbs:
        from repose.represent.figure_kernels import nearest_limb  # needs numba

        nearest_limb(np.array(limbs, np.float32), np.float32(size), top, left, times, inside.numpy())
    soft = size * 0.02 + 0.5
    return (0.5 - inside / (2 * soft)).clamp(0, 1)[None, None], (top, left, bottom, right), times


def _limbs_of(points: list[list[float]], size: float) -> list[tuple[float, ...]]:
    """The limbs of a person (18 joints of x, y, visible) as `figure_kernels.nearest_limb` takes them."""
    out: list[tuple[float, ...]] = []

    def limb(a: tuple[float, float], b: tuple[float, float], thick: float, thick_end: float) -> None:
        dx, dy = b[0] - a[0], b[1] - a[1]
        out.append((*a, dx, dy, max(dx * dx + dy * dy, 1e-6), thick, thick_end - thick))

    def place(joint: int) -> tuple[float, float]:
        return points[joint][0], points[joint][1]

    def beyond(first: int, end: int, by: float, otherwise: tuple[float, float]) -> tuple[float, float]:
        """The place that lies `by` sizes beyond the end of a limb."""
        (x, y), (dx, dy) = place(end), otherwise
        if points[first][2] > 0:
            dx, dy = x - points[first][0], y - points[first][1]
        share = size * by / max(math.hypot(dx, dy), 1e-6)
        return x + dx * share, y + dy * share

    for first, second, thick, thick_end in _LIMBS:
        if points[first][2] > 0 and points[second][2] > 0:
            limb(place(first), place(second), thick, thick_end)
    for elbow, wrist in ((3, 4), (6, 7)):
        if points[wrist][2] > 0:
            limb(place(wrist), beyond(elbow, wrist, 0.1, (0.0, 0.0)), 0.05, 0.06)
    for knee, ankle in ((9, 10), (12, 13)):
        if points[ankle][2] > 0:
            limb(place(ankle), beyond(knee, ankle, 0.06, (0.0, 1.0)), 0.06, 0.13)
    face = [place(joint) for joint in FACE if points[joint][2] > 0]
    if face:
        x, y = (sum(values) / len(face) for values in zip(*face, strict=True))
        right, up = 0.0, -1.0
        if points[1][2] > 0:
            right, up = x - points[1][0], y - points[1][1]
            length = max(math.hypot(right, up), 1e-6)
            right, up = right / length, up / length
        low, high = -0.02 * size, 0.07 * size
        limb((x + low * right, y + low * up), (x + high * right, y + high * up), 0.115, 0.12)
    return out


@functools.lru_cache(64)
def _size_of(values: bytes) -> float:
    return float(person_size(torch.frombuffer(bytearray(values), dtype=torch.float32).reshape(-1, 3)))


def limbs_covered(mask: Tensor, keypoints: Tensor) -> float:
    """The share of the middles of a person's limbs that a mask covers, 0 to 1; 1 where no limb is located.

    Args:
        mask: (1, H, W) in [0, 1]. keypoints: (18, 3) in its pixels.
    """
    height, width = (int(side) for side in mask.shape[-2:])
    y, x = within = box_of(keypoints, height, width, 0.6)
    bones = figure_mask(keypoints, height, width, 0.6, within).to(mask.device) > 0.5
    return float((mask[:, y, x][bones] > 0.5).float().mean()) if bool(bones.any()) else 1.0


def box_of(keypoints: Tensor, height: int, width: int, loose: float) -> tuple[slice, slice]:
    """Rows and columns of `reach`."""
    top, left, bottom, right = reach(keypoints, height, width, loose)
    return slice(top, max(top, bottom)), slice(left, max(left, right))


__all__ = ["FACE", "box_of", "figure_mask", "near_figure", "reach", "size_of"]
