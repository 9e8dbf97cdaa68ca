"""A picture on a model's canvas, laid over a part of the photograph."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
    return lifting(picture, canvas_height, placement)(region)


def lifting(picture: Tensor, canvas_height: int, placement: Placement) -> Callable[[Region], Tensor]:
    """`lift` for many regions: a picture that is larger than its crop of the photograph is scaled down once."""
    top, left, box_height, box_width = placement.box
    scale = picture.shape[-2] / canvas_height
    t, l, h, w = (round(side * scale) for side in placement.window)  # noqa: E741
    share = len(picture) == 1
    small: Tensor | None = None
    if box_height < h or box_width < w:
        part = picture[None, :, t : t + h, l : l + w]
        small = F.interpolate(part, (box_height, box_width), mode="bilinear", align_corners=False, antialias=True)[0]

    def of(region: Region) -> Tensor:
        y, x = region
        rows, columns = _inside(y, top, box_height), _inside(x, left, box_width)
        if small is not None:
            part = small[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left].clone()
        else:
            part = picture[:, t : t + h, l : l + w]
            part = _taken(part, 1, rows.start - top, rows.stop - top, box_height, not share)
            part = _taken(part, 2, columns.start - left, columns.stop - left, box_width, not share)
        part = part.clamp_(0 if share else -1, 1)
        if (rows, columns) == region:
            return part
        out = picture.new_zeros(len(picture), y.stop - y.start, x.stop - x.start)
        out[:, rows.start - y.start : rows.stop - y.start, columns.start - x.start : columns.stop - x.start] = part
        return out

    return of


def strips(region: Region, rows: int = 64) -> Iterator[Region]:
    """A region in strips of at most so many rows, so that what is computed of it takes little memory."""
    y, x = region
    for first in range(y.start, y.stop, rows):
        yield slice(first, min(first + rows, y.stop)), x


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


# -- inside ---------------------------------------------------------------------------------------------------------


def _inside(along: slice, first: int, length: int) -> slice:
    """The part of a stretch of the photograph that lies on the crop; empty, but within the crop, if there is none."""
    start = min(max(along.start, first), first + length)
    return slice(start, max(start, min(along.stop, first + length)))


def _taken(picture: Tensor, dim: int, first: int, last: int, length: int, cubic: bool) -> Tensor:
    """The pixels `first` to `last` (excluded) of a dimension that is scaled up to `length`, as `F.interpolate` does."""
    size = picture.shape[dim]
    if size == length:
        return picture.narrow(dim, first, last - first).clone()
    at = (torch.arange(first, last, device=picture.device, dtype=torch.float32) + 0.5) * (size / length) - 0.5
    at = at if cubic else at.clamp_min(0)
    before = at.floor()
    t, whole = at - before, before.long()
    # Keys' cubic with a = -0.75, as torch's
    weights = (
        (
            ((-0.75 * (t + 1) + 3.75) * (t + 1) - 6) * (t + 1) + 3,
            (1.25 * t - 2.25) * t * t + 1,
            (1.25 * (1 - t) - 2.25) * (1 - t) * (1 - t) + 1,
            ((-0.75 * (2 - t) + 3.75) * (2 - t) - 6) * (2 - t) + 3,
        )
        if cubic
        else (1 - t, t)
    )
    taps = [(whole + k - (1 if cubic else 0)).clamp(0, size - 1) for k in range(len(weights))]
    if dim == 2:
        from repose.scene.fill_kernels import mix_columns  # needs numba

        out = picture.new_empty(*picture.shape[:2], last - first, dtype=torch.float32)
        mix_columns(
            picture.detach().float().contiguous().numpy(), torch.stack(taps).numpy(), torch.stack(weights).numpy(),
            out.numpy(),
        )  # fmt: skip
        return out
    return torch.stack(
        [picture.index_select(1, tap) * weight[:, None] for tap, weight in zip(taps, weights, strict=True)]
    ).sum(0)


__all__ = ["Region", "cover", "lift", "lifting", "ramp", "strips"]
