"""Compiled loops over posed vertices: what is written to OpenGL's buffers, and the box round a person."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def packed(place: Any, normal: Any, strain: Any, used: Any) -> Any:
    """(N, 7) float32: place, normal and strain of the N vertices `used`."""
    out = np.empty((len(used), 7), np.float32)
    for k in range(len(used)):
        v = used[k]
        for i in range(3):
            out[k, i] = place[v, i]
            out[k, 3 + i] = normal[v, i]
        out[k, 6] = strain[v]
    return out


@njit(cache=True)
def bounds(points: Any) -> Any:
    """(2, 3) the smallest and the largest of each coordinate of `points`, (V, 3)."""
    out = np.empty((2, 3), points.dtype)
    for i in range(3):
        out[0, i] = out[1, i] = points[0, i]
    for v in range(len(points)):
        for i in range(3):
            out[0, i] = min(out[0, i], points[v, i])
            out[1, i] = max(out[1, i], points[v, i])
    return out
