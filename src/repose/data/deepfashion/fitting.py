"""Pictures, maps and joints of DeepFashion's several sizes -> one canvas of 256x176 or of its shape.

| a picture of | how it comes onto the canvas | whose practice |
|---|---|---|
| 256x176 (height x width), or its shape | scaled, bicubic | NTED, PIDM: `img_highres`, 1101x750 |
| 256x256, or square | columns 40 to 216 of 256, scaled | PATN's `tool/generate_fashion_datasets.py` |

Both axes are scaled by themselves, so that the whole picture fits: 1101x750 is 0.9 % narrower than 256x176.
Maps of labels take the nearest pixel. A picture that is smaller than the canvas is refused: it would be blurred.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.data.packing import Refused
from repose.data.photographs import resized

FLAT: Final = (256, 176)
"""Height and width of PATN's pictures; joints of `fasion-resize-annotation-*.csv` are pixels of it."""

SQUARE: Final = (256, 256)
"""Of the original `img/`; joints of `fasion-annotation-*.csv` are pixels of it."""

MARGIN: Final = 40
"""Columns of the square left and right of the picture."""

Frame = Literal["flat", "square"]
"""Which pixels joints count: of `FLAT` or of `SQUARE`."""

_TOLERANCE: Final = 0.06
"""How much the shape may differ from 176 / 256: the pictures of `img_highres` differ by 1 to 3 %."""


def fitted(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A picture uint8 (H, W, 3) on the canvas `size` (height, width).

    Raises:
        Refused: it has another shape, or fewer rows than the canvas.
    """
    left, right = columns(image.shape[:2])
    if image.shape[0] < size[0]:
        raise Refused("too small", f"{image.shape[1]}x{image.shape[0]} pixels for a canvas of {size[1]}x{size[0]}")
    return resized(image[:, left:right], size)


def fitted_map(values: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """A map (H, W) or (H, W, C) of labels on the canvas: the nearest pixel, as `Person.resize`; raises as `fitted`."""
    left, right = columns(values.shape[:2])
    part = values[:, left:right]
    rows = ((np.arange(size[0]) + 0.5) * part.shape[0] / size[0]).astype(int)
    cols = ((np.arange(size[1]) + 0.5) * part.shape[1] / size[1]).astype(int)
    return np.ascontiguousarray(part[rows][:, cols])


def columns(size: tuple[int, ...]) -> tuple[int, int]:
    """First and last column, exclusive, of the part of a picture (height, width) that the canvas shows; raises Refused.

    >>> columns((256, 256))
    (40, 216)
    """
    height, width = size
    if height == width:
        margin = round(width * MARGIN / SQUARE[1])
        return margin, width - margin
    if abs(width / height / (FLAT[1] / FLAT[0]) - 1) > _TOLERANCE:
        raise Refused("wrong size", f"{width}x{height} pixels are neither square nor of the shape 176x256")
    return 0, width


def joints_on(joints: Tensor, frame: Frame, size: tuple[int, int]) -> Tensor:
    """Joints (18, 3) in pixels of `frame` -> pixels of the canvas `size`; a joint beside the canvas is missing.

    Raises:
        Refused: a joint lies outside the frame, so it is of a picture of another size.
    """
    height, width = FLAT if frame == "flat" else SQUARE
    located = joints[:, 2] > 0
    x, y = joints[:, 0], joints[:, 1]
    outside = located & ((x < 0) | (y < 0) | (x > width) | (y > height))
    if bool(outside.any()):
        where = ", ".join(f"({float(x[k]):g}, {float(y[k]):g})" for k in outside.nonzero().flatten().tolist()[:3])
        raise Refused("joints of another size", f"{where} lies outside {width}x{height} pixels")
    across = x - (MARGIN if frame == "square" else 0)
    across, down = (
        (at + 0.5) * new / old - 0.5 for at, new, old in ((across, size[1], FLAT[1]), (y, size[0], FLAT[0]))
    )
    seen = located & (across >= -0.5) & (across <= size[1]) & (down >= -0.5) & (down <= size[0])
    placed = torch.stack([across, down, joints[:, 2]], dim=1)
    return torch.where(seen[:, None], placed, torch.zeros_like(placed))


def joints_of_map(joints: Tensor, canvas: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Joints (18, 3) on the canvas -> pixels of a map or picture of `size` (height, width), before it was fitted."""
    left, right = columns(size)
    x = (joints[:, 0] + 0.5) * (right - left) / canvas[1] - 0.5 + left
    y = (joints[:, 1] + 0.5) * size[0] / canvas[0] - 0.5
    placed = torch.stack([x, y, joints[:, 2]], dim=1)
    return torch.where(joints[:, 2:] > 0, placed, torch.zeros_like(placed))
