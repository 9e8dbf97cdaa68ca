"""Where clothes and hair come from: pixels beside the skin move with the bone of the nearest skin (`flow_around`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from repose.body.compiled import jit
from repose.body.flow import BodyFlow
from repose.body.pose_space import Floats
from repose.body.posed_body import NEAREST, PosedBody
from repose.body.raster import BodyMaps
from repose.body.skin_mesh import skin_mesh

REACH: Final = 0.3
"""Metres from the skin that clothes and hair reach, at most."""


@dataclass(frozen=True, eq=False)
class FlowAround:
    """A `BodyFlow` continued beside the skin, for all pixels of the target picture (H x W).

    Attributes:
        place: (2, H, W) float32, x and y in pixels of the source. On the body that of the flow; within `REACH` of it,
            the place beside the same bone of the source; further away the pixel's own place.
        distance: (H, W) float32, metres from the skin in the target picture, 0 on it, `REACH` at most.
        canon: (3, H, W) float32, the point of the nearest skin on the mean body, metres; 0 further away.
        agreement: (H, W) float32 in [0, 1]: 1 where the source shows, at that place, the same skin (or the same skin is
            the nearest one there); near 0 where it shows another limb, or the skin is not seen.
    """

    place: Floats
    distance: Floats
    canon: Floats
    agreement: Floats


def flow_around(
    source: PosedBody,
    target: PosedBody,
    source_maps: BodyMaps,
    target_maps: BodyMaps,
    flow: BodyFlow,
    reach: float = REACH,
) -> FlowAround:
    """Continue the flow between two bodies beside their skin.

    Args:
        source, target: the bodies of both pictures; source_maps, target_maps: of `raster`.
        flow: of `flow_between`, not mirrored. reach: metres from the skin.
    """
    surface = skin_mesh()
    rows, columns = nearest_skin(target_maps.face)
    source_rows, source_columns = nearest_skin(source_maps.face)
    turn = np.einsum("bij,bkj->bik", source.bones[0], target.bones[0])  # target's camera axes to the source's, by bone
    size = target_maps.face.shape
    place, point = np.zeros((2, *size), np.float32), np.zeros((3, *size), np.float32)
    distance, agreement = np.zeros(size, np.float32), np.zeros(size, np.float32)
    write_around(
        target_maps.face, target_maps.weights, target_maps.nearness, target_maps.canon, rows, columns, flow.place,
        flow.seen, source_maps.nearness, source_maps.canon, source_rows, source_columns, surface.faces, surface.bone,
        turn, target.camera, source.camera, reach, place, distance, point, agreement,
    )  # fmt: skip
    return FlowAround(place, distance, point, agreement)


@jit
def nearest_skin(face: Any) -> Any:
    """Row and column (H, W) int32 of the nearest pixel with a face; -1 everywhere if there is none.

    Two sweeps with vectors (Danielsson 1980, "Euclidean distance mapping"): right to a fraction of a pixel.
    """
    height, width = face.shape
    row = np.full((height, width), -1, np.int32)
    column = np.full((height, width), -1, np.int32)
    best = np.full((height, width), np.float32(1e12), np.float32)
    for y in range(height):
        for x in range(width):
            if face[y, x] >= 0:
                row[y, x], column[y, x], best[y, x] = y, x, 0.0
    for sweep in range(2):
        down = sweep == 0
        for step in range(height):
            y = step if down else height - 1 - step
            other = y - 1 if down else y + 1
            if 0 <= other < height:
                for x in range(width):
                    for dx in range(-1, 2):
                        if 0 <= x + dx < width and row[other, x + dx] >= 0:
                            r, c = row[other, x + dx], column[other, x + dx]
                            d = np.float32((y - r) ** 2 + (x - c) ** 2)
                            if d < best[y, x]:
                                row[y, x], column[y, x], best[y, x] = r, c, d
            for x in range(1, width):
                if row[y, x - 1] >= 0:
                    r, c = row[y, x - 1], column[y, x - 1]
                    d = np.float32((y - r) ** 2 + (x - c) ** 2)
                    if d < best[y, x]:
                        row[y, x], column[y, x], best[y, x] = r, c, d
            for x in range(width - 2, -1, -1):
                if row[y, x + 1] >= 0:
                    r, c = row[y, x + 1], column[y, x + 1]
                    d = np.float32((y - r) ** 2 + (x - c) ** 2)
                    if d < best[y, x]:
                        row[y, x], column[y, x], best[y, x] = r, c, d
    return row, column


@jit
def write_around(
    face: Any, weights: Any, near: Any, canon: Any, row: Any, column: Any, place: Any, seen: Any, source_near: Any,
    source_canon: Any, source_row: Any, source_column: Any, faces: Any, bone: Any, turn: Any, camera: Any,
    source_camera: Any, reach: float, out: Any, distance: Any, point: Any, agreement: Any,
) -> None:  # fmt: skip
    """Write the fields of `FlowAround` into its last four arguments, of which the last two hold zeros.

    `point` may be `canon`.
    """
    height, width = face.shape
    rows, columns = source_row.shape
    for y in range(height):
        for x in range(width):
            out[0, y, x], out[1, y, x], distance[y, x] = x, y, reach
            r, c = row[y, x], column[y, x]
            if r < 0:
                continue
            px, py = place[0, r, c], place[1, r, c]
            hidden = np.float32(0.0) if seen[r, c] else np.float32(0.25)  # as if so much further away
            away = np.float32(0.0)
            if face[y, x] < 0:
                factor = camera[2] / max(1 - near[r, c] / camera[3], NEAREST)
                ox, oy = (x - c) / factor, -(y - r) / factor
                away = np.float32(np.sqrt(ox * ox + oy * oy))
                if away >= reach:
                    continue
                f = face[r, c]
                corner = 0
                for k in range(1, 3):
                    if weights[k, r, c] > weights[corner, r, c]:
                        corner = k
                b = bone[faces[f, corner], 0]
                sx = turn[b, 0, 0] * ox + turn[b, 0, 1] * oy
                sy = turn[b, 1, 0] * ox + turn[b, 1, 1] * oy
                q, p = int(np.rint(px)), int(np.rint(py))
                nearness = source_near[p, q] if 0 <= q < columns and 0 <= p < rows else np.float32(-1e9)
                factor = source_camera[2]
                if nearness > -1e8:  # the skin there, or what hides it: nearly as near
                    factor /= max(1 - nearness / source_camera[3], NEAREST)
                px, py = px + factor * sx, py - factor * sy
            out[0, y, x], out[1, y, x], distance[y, x] = px, py, away
            for k in range(3):
                point[k, y, x] = canon[k, r, c]
            q, p = int(np.rint(px)), int(np.rint(py))
            if 0 <= q < columns and 0 <= p < rows and source_row[p, q] >= 0:
                sr, sc = source_row[p, q], source_column[p, q]
                apart = 0.0
                for k in range(3):
                    apart += (canon[k, r, c] - source_canon[k, sr, sc]) ** 2
                apart = (np.sqrt(apart) + hidden) / 0.1  # metres
                if apart < 6:  # else 0 to the rounding of float32
                    agreement[y, x] = np.exp(-apart * apart / 2)


__all__ = ["REACH", "FlowAround", "flow_around", "nearest_skin", "write_around"]
