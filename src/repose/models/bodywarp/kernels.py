"""The compiled loops of `geometry` that no other user of the bodies has; they write into the rows of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from repose.body.compiled import jit


@jit
def write_beside(face: Any, row: Any, column: Any, scale: float, reach: float, point: Any, away: Any) -> None:
    """Continue a body's own maps beside its skin.

    Args:
        face, row, column: (H, W) of `raster.draw_faces` and `around.nearest_skin`. scale: pixels of a metre.
        point: (3, H, W) the point on the mean body, written beside the skin within `reach` metres.
        away: (H, W) metres from the skin, written everywhere, `reach` at most.
    """
    height, width = face.shape
    for y in range(height):
        for x in range(width):
            r, c = row[y, x], column[y, x]
            if face[y, x] >= 0:
                away[y, x] = 0
            elif r < 0:
                away[y, x] = reach
            else:
                far = np.sqrt(float((y - r) ** 2 + (x - c) ** 2)) / scale
                away[y, x] = min(far, reach)
                if away[y, x] < np.float32(reach):
                    for k in range(3):
                        point[k, y, x] = point[k, r, c]


@jit
def finish_maps(face: Any, distance: float, reach: float, maps: Any) -> None:
    """Maps (9, H, W) with depth from the camera and distance in metres -> as `PairGeometry.source` has them."""
    height, width = face.shape
    metres = np.float32(distance)
    for y in range(height):
        for x in range(width):
            if face[y, x] >= 0:
                maps[6, y, x] -= metres
                maps[7, y, x] = 1
            maps[8, y, x] /= reach


@jit
def finish_flow(face: Any, seen: Any, mirrored_seen: Any, still: Any, flow: Any, mirrored: Any, traits: Any) -> None:
    """Both flows (2, H, W) in pixels -> from -1 to 1; the traits (7, H, W) that are not there yet.

    still: (h, w) of `stillness`, brought to H x W bilinearly.
    """
    height, width = face.shape
    rows, columns = still.shape
    half, one = np.float32(0.5), np.float32(1)
    across, down_by = np.float32(2 / width), np.float32(2 / height)
    left, along = np.empty(width, np.int64), np.empty(width, np.float32)
    for x in range(width):
        u = min(max((x + 0.5) * columns / width - 0.5, 0.0), columns - 1.0)
        left[x] = int(u)
        along[x] = u - left[x]
    line = np.empty(columns + 1, np.float32)  # one row of `still`
    for y in range(height):
        v = min(max((y + 0.5) * rows / height - 0.5, 0.0), rows - 1.0)
        above = int(v)
        below, down = min(above + 1, rows - 1), np.float32(v - above)
        for j in range(columns):
            line[j] = still[above, j] + (still[below, j] - still[above, j]) * down
        line[columns] = line[columns - 1]
        for x in range(width):
            if face[y, x] < 0:
                mirrored[0, y, x], mirrored[1, y, x] = x, y
            else:
                traits[0, y, x], traits[4, y, x] = seen[y, x], mirrored_seen[y, x]
                traits[2, y, x] = min(traits[2, y, x], np.float32(1))
            j = left[x]
            traits[6, y, x] = line[j] + (line[j + 1] - line[j]) * along[x]
        for field in (flow, mirrored):
            for x in range(width):
                field[0, y, x] = (field[0, y, x] + half) * across - one
                field[1, y, x] = (field[1, y, x] + half) * down_by - one


@jit
def stillness(
    face: Any, place: Any, seen: Any, source_face: Any, back: Any, back_seen: Any, every: int, most: float, reach: int
) -> Any:
    """Where neither body moves, of each `every`-th row and column: 1, falling to 0 at a movement of `most` pixels.

    Args:
        face, place, seen: (H, W), (2, H, W), (H, W) of the target's body and its flow. source_face, back, back_seen:
            of the source's, and the flow back. reach: cells around that must stand still, too.
    """
    height, width = face.shape
    rows, columns = (height + every - 1) // every, (width + every - 1) // every
    own, wide = np.empty((rows, columns), np.float32), np.empty((rows, columns), np.float32)
    for i in range(rows):
        for j in range(columns):
            y, x = i * every, j * every
            moved = 0.0
            if face[y, x] >= 0:
                moved = np.hypot(place[0, y, x] - x, place[1, y, x] - y) if seen[y, x] else most
            if source_face[y, x] >= 0:
                step = np.hypot(back[0, y, x] - x, back[1, y, x] - y) if back_seen[y, x] else most
                moved = max(moved, step)
            own[i, j] = min(max(1.25 * (1 - min(moved, most) / most), 0.0), 1.0)
    for i in range(rows):
        for j in range(columns):
            least = own[i, j]
            for k in range(max(0, i - reach), min(rows, i + reach + 1)):
                least = min(least, own[k, j])
            wide[i, j] = least
    for i in range(rows):
        for j in range(columns):
            least = wide[i, j]
            for k in range(max(0, j - reach), min(columns, j + reach + 1)):
                least = min(least, wide[i, k])
            own[i, j] = least
    return own


__all__ = ["finish_flow", "finish_maps", "stillness", "write_beside"]
