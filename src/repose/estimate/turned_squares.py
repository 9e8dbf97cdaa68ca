"""A square of a photograph that may be turned: a network's input, and the network's points in the photograph."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PIL.Image

from repose.estimate.base import Image

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TurnedSquare:
    """A square window of a photograph; it may reach beyond it.

    Attributes:
        x, y: its centre, pixels of the photograph; 0 is the outer edge of the first pixel.
        side: its side, pixels of the photograph.
        angle: radians by which it is turned clockwise in the picture; 0 is upright.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def cut(self, image: Image, pixels: int) -> Image:
        """What it shows, uint8 (pixels, pixels, 3); black beyond the photograph.

        Args:
            image: uint8 (H, W, 3).
        """
        reach = self.side * (abs(math.cos(self.angle)) + abs(math.sin(self.angle))) / 2 + 2
        left, top = max(0, math.floor(self.x - reach)), max(0, math.floor(self.y - reach))
        part = image[top : max(top, math.ceil(self.y + reach)), left : max(left, math.ceil(self.x + reach))]
        if 0 in part.shape:
            return np.zeros((pixels, pixels, 3), np.uint8)
        picture = PIL.Image.fromarray(np.ascontiguousarray(part))
        times = max(1, int(self.side / pixels))  # a mean of pixels first: the transform does not average
        if times > 1:
            picture = picture.reduce(times)
        scale = self.side / pixels / times
        c, s = scale * math.cos(self.angle), scale * math.sin(self.angle)
        x, y = (self.x - left) / times, (self.y - top) / times
        half = pixels / 2
        matrix = (c, -s, x - (c - s) * half, s, c, y - (s + c) * half)
        seen = picture.transform(
            (pixels, pixels), PIL.Image.Transform.AFFINE, matrix, PIL.Image.Resampling.BILINEAR, fillcolor=(0, 0, 0)
        )
        return np.asarray(seen)

    def place(self, points: npt.NDArray[np.floating]) -> Points:
        """Points (N, 2) of the square, in shares of its side from its upper left corner, in pixel index units."""
        away = (np.asarray(points, np.float64) - 0.5) * self.side
        c, s = math.cos(self.angle), math.sin(self.angle)
        x = self.x + away[:, 0] * c - away[:, 1] * s - 0.5
        y = self.y + away[:, 0] * s + away[:, 1] * c - 0.5
        return np.stack([x, y], 1)


__all__ = ["TurnedSquare"]
