"""A picture on a model's canvas, laid over a part of the photograph."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.represent.canvas import Placement

Region = tuple[slice, slice]
"""Rows and columns of a photograph."""


def lift(picture: Tensor, canvas_height: int, placement: Placement, region: Region) -> Tensor:
    """A picture of the canvas, at any size -> what it shows in a region of the photograph; 0 beside the crop.

    One channel is a share in [0, 1], three are a picture in [-1, 1]; cubic curves would overshoot at a share's border.

    Args:
        picture: (C, k canvas_height, k W). placement: of the crop. region: of the photograph.

    Returns:
        (C, rows, columns) of the region.
    """
    top, left, box_height, box_width = placement.box
    scale = picture.shape[-2] / canvas_height
    t, l, h, w = (round(side * scale) for side in placement.window)  # noqa: E741
    part = picture[None, :, t : t + h, l : l + w]
    smaller = box_height < h or box_width < w
    share = len(picture) == 1
    mode = "bilinear" if smaller or share else "bicubic"
    part = F.interpolate(part, (box_height, box_width), mode=mode, align_corners=False, antialias=smaller)[0]
    part = part.clamp(0 if share else -1, 1)
    y, x = region
    if top <= y.start and y.stop <= top + box_height and left <= x.start and x.stop <= left + box_width:
        return part[:, y.start - top : y.stop - top, x.start - left : x.stop - left]
    out = picture.new_zeros(len(picture), y.stop - y.start, x.stop - x.start)
    first_row, last_row = max(top, y.start), min(top + box_height, y.stop)
    first, last = max(left, x.start), min(left + box_width, x.stop)
    if first_row < last_row and first < last:
        out[:, first_row - y.start : last_row - y.start, first - x.start : last - x.start] = part[
            :, first_row - top : last_row - top, first - left : last - left
        ]
    return out


def cover(probability: Tensor) -> Tensor:
    """Probabilities as shares of a cover: what is hardly the person is not, what nearly surely is, is."""
    return ((probability - 0.15) / 0.7).clamp(0, 1)


def ramp(placement: Placement, region: Region) -> Tensor:
    """(1, rows, columns) of a region inside the crop: 1, falling to 0 at the crop's border over 8 % of it.

    It does not fall where the photograph ends there, too.
    """
    (height, width), (top, left, box_height, box_width) = placement.size, placement.box

    def line(along: slice, length: int, first: int, extent: int) -> Tensor:
        at = torch.arange(along.start, along.stop, dtype=torch.float32)
        soft = 0.08 * extent
        from_start = (at - first + 0.5) / soft if first > 0 else torch.ones(len(at))
        to_end = (first + extent - at - 0.5) / soft if first + extent < length else torch.ones(len(at))
        share = torch.minimum(from_start, to_end).clamp(0, 1)
        return share * share * (3 - 2 * share)

    return (line(region[0], height, top, box_height)[:, None] * line(region[1], width, left, box_width))[None]


__all__ = ["Region", "cover", "lift", "ramp"]
