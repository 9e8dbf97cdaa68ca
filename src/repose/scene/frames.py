"""The pictures of a sequence as 8-bit pixels: what `Scene.compose` gives, where only the figure's box is computed.

The photograph without its person is kept as pixels. A frame is a copy of them, over which the figure is laid.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.represent.canvas import Placement, to_uint8
from repose.scene.blending import Region

Pixels = npt.NDArray[np.uint8]
Taps = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]

_TABLES: Final = 64
_STRIP: Final = 256  # rows that are converted at a time, for memory


def to_pixels(picture: Tensor) -> Pixels:
    """A picture (3, H, W) or (4, H, W) in [-1, 1] -> uint8 (H, W, 3), or (H, W, 4) with opacity."""
    if len(picture) == 3:
        return to_uint8(picture)
    pixels = np.empty((*picture.shape[1:], 4), np.uint8)
    for top in range(0, len(pixels), _STRIP):
        part = picture[:, top : top + _STRIP]
        opacity = ((part[3:] + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)
        pixels[top : top + _STRIP, :, :3] = to_uint8(part[:3])
        pixels[top : top + _STRIP, :, 3:] = opacity.movedim(0, -1).numpy()
    return pixels


def lay_over(
    pixels: Pixels, picture: Tensor, share: Tensor, near: Tensor, canvas_height: int, placement: Placement,
    region: Region,
) -> None:  # fmt: skip
    """Lay a picture of the canvas over a region of pixels, as `Scene.compose` does with `blending.lift`.

    Args:
        pixels: uint8 (height, width, 3), changed. picture: (3, k H, k W) in [-1, 1]. share: (1, h, w) in [0, 1].
        near: bool (rows, columns) or (1, rows, columns) of the region, where the figure may be.
        canvas_height: rows of the canvas. placement: of the crop. region: of the photograph, within the crop.
    """
    from repose.scene import frame_kernels as kernels  # needs numba

    y, x = region
    picture, picture_rows, picture_columns = _shown(picture, canvas_height, placement, region, cubic=True)
    share, share_rows, share_columns = _shown(share, canvas_height, placement, region, cubic=False)
    beside = near.reshape(near.shape[-2:]).contiguous().numpy()
    kernels.lay_over(
        picture.numpy(), picture_rows, picture_columns, share[0].numpy(), share_rows, share_columns, beside, y.start,
        x.start, pixels,
    )  # fmt: skip


def keep_still(
    pixels: Pixels, photograph: Pixels, still: Tensor, canvas_height: int, placement: Placement, region: Region
) -> None:
    """Bring back the photograph where nothing moves; arguments as of `lay_over`, still (1, h, w)."""
    from repose.scene import frame_kernels as kernels  # needs numba

    still, rows, columns = _shown(still, canvas_height, placement, region, cubic=False)
    kernels.keep_still(still[0].numpy(), rows, columns, photograph, region[0].start, region[1].start, pixels)


# -- inside ---------------------------------------------------------------------------------------------------------


def _shown(
    picture: Tensor, canvas_height: int, placement: Placement, region: Region, cubic: bool
) -> tuple[Tensor, Taps, Taps]:
    """The part of a picture (C, k H, k W) that the crop shows, float32, and the taps of a region's rows and columns."""
    top, left, box_height, box_width = placement.box
    scale = picture.shape[-2] / canvas_height
    t, l, h, w = (round(side * scale) for side in placement.window)  # noqa: E741
    part = picture[:, t : t + h, l : l + w].detach().float().contiguous()
    kind = "mean" if box_height < h or box_width < w else ("cubic" if cubic else "linear")
    (y, x), (rows, columns) = region, (_taps(h, box_height, kind), _taps(w, box_width, kind))
    return part, _sliced(rows, y, top), _sliced(columns, x, left)


def _sliced(table: Taps, along: slice, first: int) -> Taps:
    """The taps of a stretch of the photograph, of a table that begins at `first`."""
    part = slice(along.start - first, along.stop - first)
    return np.ascontiguousarray(table[0][:, part]), np.ascontiguousarray(table[1][:, part])


@lru_cache(maxsize=_TABLES)
def _taps(size: int, length: int, kind: str) -> Taps:
    """Which pixels of a side of `size` give each of `length` pixels, int64 (k, length), and their weights.

    Args:
        kind: "mean", as `F.interpolate` does bilinearly with antialias; "linear"; "cubic", as it does bicubically.
    """
    if size == length:
        return np.arange(length)[None], np.ones((1, length), np.float32)
    scale = size / length
    place = (np.arange(length) + 0.5) * scale
    if kind == "mean":
        reach = max(scale, 1.0)
        first = np.maximum((place - reach + 0.5).astype(np.int64), 0)
        end = np.minimum((place + reach + 0.5).astype(np.int64), size)
        taps = first + np.arange(int((end - first).max()))[:, None]
        weights = np.maximum(1 - np.abs(taps + 0.5 - place) / reach, 0) * (taps < end)
        weights /= weights.sum(0)
    elif kind == "linear":
        at = np.maximum(place - 0.5, 0)
        taps = np.floor(at).astype(np.int64) + np.arange(2)[:, None]
        weights = np.stack([1 - (at - taps[0]), at - taps[0]])
    else:
        at = place - 0.5
        taps = np.floor(at).astype(np.int64) + np.arange(-1, 3)[:, None]
        t = at - np.floor(at)
        # Keys' cubic with a = -0.75, as torch's
        weights = np.stack(
            [
                ((-0.75 * (t + 1) + 3.75) * (t + 1) - 6) * (t + 1) + 3,
                (1.25 * t - 2.25) * t * t + 1,
                (1.25 * (1 - t) - 2.25) * (1 - t) * (1 - t) + 1,
                ((-0.75 * (2 - t) + 3.75) * (2 - t) - 6) * (2 - t) + 3,
            ]
        )
    return taps.clip(0, size - 1), weights.astype(np.float32)


__all__ = ["Pixels", "keep_still", "lay_over", "to_pixels"]
