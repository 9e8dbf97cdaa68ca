"""The compiled loop of `figure`: how far each pixel is from the nearest limb."""

from __future__ import annotations

from typing import Any

import numpy as np

from repose.compiled import jit


@jit
def nearest_limb(limbs: Any, size: Any, top: int, left: int, times: int, out: Any) -> None:
    """Write the distance from the surface of the nearest limb, negative within it, into `out`, float32 (h, w).

    Args:
        limbs: float32 (n, 7): x and y of one end, the way to the other end (2), its length squared, how thick the limb
            is at the first end, how much thicker at the other.
        size: float32, what thickness is multiplied by.
        top, left, times: cell (i, j) stands for the middle of `times` x `times` pixels from row top + i times and
            column left + j times on.
    """
    rows, columns = out.shape
    middle = np.float32((times - 1) / 2)
    zero, one = np.float32(0), np.float32(1)
    for i in range(rows):
        y = np.float32(top + i * times) + middle
        for j in range(columns):
            out[i, j] = np.inf
        for n in range(len(limbs)):
            x0, across, down, square = limbs[n, 0], limbs[n, 2], limbs[n, 3], limbs[n, 4]
            thick, thicker, low = limbs[n, 5], limbs[n, 6], y - limbs[n, 1]
            for j in range(columns):
                right = np.float32(left + j * times) + middle - x0
                along = min(max((right * across + low * down) / square, zero), one)
                dx, dy = right - along * across, low - along * down
                out[i, j] = min(out[i, j], np.sqrt(dx * dx + dy * dy) - size * (thick + thicker * along))


__all__ = ["nearest_limb"]
