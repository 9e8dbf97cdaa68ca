"""A square of a photograph as a network's input, and what the network says of it back in the photograph's pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PIL.Image

from repose.estimate.base import Image


@dataclass(frozen=True)
class Square:
    """A square window of a photograph; it may reach beyond it.

    Attributes:
        x, y: its centre, pixels of the photograph; 0 is the outer edge of the first pixel.
        side: its side, pixels of the photograph.
    """

    x: float
    y: float
    side: float

    @property
    def left(self) -> float:
        """The left edge, pixels of the photograph."""
        return self.x - self.side / 2

    @property
    def top(self) -> float:
        """The upper edge, pixels of the photograph."""
        return self.y - self.side / 2

    def cut(self, picture: PIL.Image.Image, pixels: int, fill: int = 0) -> Image:
        """What it shows, uint8 (pixels, pixels, 3); grey of the value `fill` beyond the picture's border.

        Exactly those pixels show the picture that lie wholly in it, so that a square of a long strip takes no more
        memory than the result.
        """
        scale = pixels / self.side
        columns = max(0, math.ceil(-self.left * scale)), min(pixels, math.floor((picture.width - self.left) * scale))
        rows = max(0, math.ceil(-self.top * scale)), min(pixels, math.floor((picture.height - self.top) * scale))
        square = np.full((pixels, pixels, 3), fill, np.uint8)
        if columns[0] < columns[1] and rows[0] < rows[1]:
            part = picture.resize(
                (columns[1] - columns[0], rows[1] - rows[0]),
                PIL.Image.Resampling.BILINEAR,
                box=(
                    max(0.0, self.left + columns[0] / scale),
                    max(0.0, self.top + rows[0] / scale),
                    min(float(picture.width), self.left + columns[1] / scale),
                    min(float(picture.height), self.top + rows[1] / scale),
                ),
            )
            square[slice(*rows), slice(*columns)] = np.asarray(part)
        return square

    def paste(self, values: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """A map (n, n) of this square -> (H, W) of the photograph of this size (W, H); 0 beside the square.

        Bilinear, and averaged over a pixel where the map is the finer of the two.
        """
        width, height = size
        out = np.zeros((height, width), np.float32)
        left, right = max(0, math.ceil(self.left)), min(width, math.floor(self.left + self.side))
        top, bottom = max(0, math.ceil(self.top)), min(height, math.floor(self.top + self.side))
        if left < right and top < bottom:
            scale, most = len(values) / self.side, float(len(values))
            box = (
                max(0.0, (left - self.left) * scale),
                max(0.0, (top - self.top) * scale),
                min(most, (right - self.left) * scale),
                min(most, (bottom - self.top) * scale),
            )
            part = PIL.Image.fromarray(values).resize(
                (right - left, bottom - top), PIL.Image.Resampling.BILINEAR, box=box
            )
            out[top:bottom, left:right] = np.asarray(part)
        return out
