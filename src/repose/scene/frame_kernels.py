"""The compiled loops of `frames`: a figure laid over 8-bit pixels, a row at a time.

A table of taps says how a side of a picture is brought to another length: pixel k of the result is the sum of
`weights[:, k]` times the pixels `taps[:, k]`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from repose.body.compiled import jit


@jit
def lay_over(
    picture: Any, picture_rows: Any, picture_columns: Any, share: Any, share_rows: Any, share_columns: Any, near: Any,
    top: int, left: int, out: Any,
) -> None:  # fmt: skip
    """Lay a picture over `out`, uint8 (H, W, 3), as far as its share says.

    Args:
        picture: float32 (3, h, w) in [-1, 1]. share: float32 (a, b) in [0, 1].
        picture_rows, ...: taps int64 (k, n) and weights float32 (k, n) of the rows and columns of the region.
        near: bool (rows, columns) of the region; elsewhere nothing changes.
        top, left: of the region in `out`.
    """
    rows, columns = near.shape
    zero, one = np.float32(0), np.float32(1)
    row_taps, row_weights = picture_rows
    taps, weights = picture_columns
    share_row_taps, share_row_weights = share_rows
    share_taps, share_weights = share_columns
    part = np.empty(columns, np.float32)
    line, share_line = np.empty((3, picture.shape[2]), np.float32), np.empty(share.shape[1], np.float32)
    for y in range(rows):
        share_line[:] = 0
        for k in range(len(share_row_taps)):
            row, weight = share_row_taps[k, y], share_row_weights[k, y]
            if weight != 0:
                for x in range(len(share_line)):
                    share_line[x] += weight * share[row, x]
        low, high = len(share_line), -1
        for x in range(len(share_line)):
            if share_line[x] > 0:
                low, high = min(low, x), x
        first, last = columns, -1
        for x in range(columns):
            part[x] = 0
            if share_taps[0, x] <= high and share_taps[-1, x] >= low and near[y, x]:
                total = zero
                for k in range(len(share_taps)):
                    total += share_weights[k, x] * share_line[share_taps[k, x]]
                part[x] = min(max(total, zero), one)
                if part[x] > 0:
                    first, last = min(first, x), x
        if last < 0:
            continue
        low, high = taps[0, first], taps[0, last]
        for k in range(len(taps)):
            low = min(low, min(taps[k, first], taps[k, last]))
            high = max(high, max(taps[k, first], taps[k, last]))
        line[:, low : high + 1] = 0
        for k in range(len(row_taps)):
            row, weight = row_taps[k, y], row_weights[k, y]
            if weight != 0:
                for c in range(3):
                    for x in range(low, high + 1):
                        line[c, x] += weight * picture[c, row, x]
        for x in range(first, last + 1):
            if part[x] > 0:
                for c in range(3):
                    total = zero
                    for k in range(len(taps)):
                        total += weights[k, x] * line[c, taps[k, x]]
                    new = (min(max(total, -one), one) + one) * np.float32(127.5)
                    old = np.float32(out[top + y, left + x, c])
                    out[top + y, left + x, c] = np.uint8(np.rint(old + (new - old) * part[x]))


@jit
def keep_still(still: Any, rows: Any, columns: Any, photograph: Any, top: int, left: int, out: Any) -> None:
    """Bring the photograph back, uint8 (H, W, 3), where nothing moves.

    Args:
        still: float32 (a, b) in [0, 1]. rows, columns, top, left: as of `lay_over`.
    """
    row_taps, row_weights = rows
    taps, weights = columns
    zero, one = np.float32(0), np.float32(1)
    line = np.empty(still.shape[1], np.float32)
    for y in range(row_taps.shape[1]):
        line[:] = 0
        for k in range(len(row_taps)):
            row, weight = row_taps[k, y], row_weights[k, y]
            if weight != 0:
                for x in range(len(line)):
                    line[x] += weight * still[row, x]
        for x in range(taps.shape[1]):
            total = zero
            for k in range(len(taps)):
                total += weights[k, x] * line[taps[k, x]]
            share = min(max(total, zero), one)
            if share > 0:
                for c in range(3):
                    old = np.float32(out[top + y, left + x, c])
                    new = np.float32(photograph[top + y, left + x, c])
                    out[top + y, left + x, c] = np.uint8(np.rint(old + (new - old) * share))


__all__ = ["keep_still", "lay_over"]
