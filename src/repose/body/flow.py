"""What the bodies of two pictures say of each other: where every pixel of one lies in the other (`flow_between`).

Both bodies are drawn with the same triangles, so a face and its barycentric coordinates are one point of the skin in
both pictures: no search, and exact to the rounding of float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.compiled import jit
from repose.body.pose_space import Floats
from repose.body.posed_body import PosedBody
from repose.body.raster import BodyMaps, raster
from repose.body.skin_mesh import skin_mesh
from repose.body.surface import normals

HIDDEN: Final = 0.03
"""Metres by which a point may lie behind what the source picture shows and still count as seen."""


@dataclass(frozen=True, eq=False)
class BodyFlow:
    """Where the points of the skin that the target picture (H x W) shows lie in the source picture.

    Attributes:
        place: (2, H, W) float32, x and y in pixels of the source; 0 where the target has no body.
        seen: (H, W) bool: the target has a body there, and the source picture shows that point.
        facing: (H, W) float32, cosine between the skin's normal in the source and the direction to its camera; below
            0 the skin is turned away, near 0 it is seen at a graze.
        stretch: (H, W) float32, pixels of the source that a pixel of the target is taken from, by the areas of the
            triangle in both pictures; below 1 the source is enlarged.
        inside: (H, W) bool: the place is within the source picture.
    """

    place: Floats
    seen: NDArray[np.bool_]
    facing: Floats
    stretch: Floats
    inside: NDArray[np.bool_]


def flow_between(
    source: PosedBody,
    target: PosedBody,
    source_maps: BodyMaps,
    target_maps: BodyMaps,
    mirrored: bool = False,
    hidden: float = HIDDEN,
) -> BodyFlow:
    """Where every pixel of the target's body lies in the source picture.

    Args:
        source, target: the bodies of both pictures; source_maps, target_maps: of `raster`, of any two sizes.
        mirrored: take the mirror image of every point instead, the right hand for the left one: a second source for
            what the first does not see.
        hidden: see `HIDDEN`.
    """
    surface = skin_mesh()
    places = source.vertices
    flat, flat_target = source.project(places), target.project(target.vertices)
    area, target_area = areas(flat, surface.faces), areas(flat_target, surface.faces)
    size = target_maps.face.shape
    place, seen, inside = np.zeros((2, *size), np.float32), np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    facing, stretch = np.zeros(size, np.float32), np.zeros(size, np.float32)
    write_flow(
        target_maps.face, target_maps.weights, source_maps.nearness, places, normals(places, surface.faces),
        surface.faces, surface.mirror_face, surface.mirror_corner, area, target_area, source.camera, mirrored,
        np.float32(hidden), 1, place, seen, facing, stretch, inside,
    )  # fmt: skip
    return BodyFlow(place, seen, facing, stretch, inside)


@jit
def areas(flat: Any, faces: Any) -> Any:
    """(F,) twice the areas of the triangles in the picture; positive towards the camera."""
    out = np.empty(len(faces), np.float32)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        out[f] = (flat[b, 1] - flat[a, 1]) * (flat[c, 0] - flat[a, 0]) - (flat[b, 0] - flat[a, 0]) * (
            flat[c, 1] - flat[a, 1]
        )
    return out


@jit
def write_flow(
    face: Any, weights: Any, near: Any, places: Any, normals: Any, faces: Any, mirror_face: Any, mirror_corner: Any,
    area: Any, target_area: Any, camera: Any, mirrored: bool, hidden: Any, every: int, place: Any, seen: Any,
    facing: Any, stretch: Any, inside: Any,
) -> None:  # fmt: skip
    """Write the fields of `BodyFlow` into its last five arguments; pixels beside the body stay as they are.

    every: only each of so many rows and columns is computed.
    """
    height, width = face.shape
    rows, columns = near.shape
    own = np.empty(3)
    for y in range(0, height, every):
        for x in range(0, width, every):
            f = face[y, x]
            if f < 0:
                continue
            g = f
            if mirrored:
                g = mirror_face[f]
                for c in range(3):
                    own[mirror_corner[f, c]] = weights[c, y, x]
            else:
                for c in range(3):
                    own[c] = weights[c, y, x]
            sx, sy, sz, nx, ny, nz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0  # the point of the skin, and its normal
            for c in range(3):
                vertex, share = faces[g, c], own[c]
                sx += share * places[vertex, 0]
                sy += share * places[vertex, 1]
                sz += share * places[vertex, 2]
                nx += share * normals[vertex, 0]
                ny += share * normals[vertex, 1]
                nz += share * normals[vertex, 2]
            factor = camera[2] / max(1 - sz / camera[3], 0.2)
            px, py = camera[0] + factor * sx, camera[1] - factor * sy
            place[0, y, x], place[1, y, x] = px, py
            dx, dy, dz = -sx, -sy, camera[3] - sz
            length = np.sqrt((dx * dx + dy * dy + dz * dz) * (nx * nx + ny * ny + nz * nz)) + 1e-12
            facing[y, x] = (dx * nx + dy * ny + dz * nz) / length
            # 1e-3: a body flows onto itself exactly, also at the border
            within = px >= -0.501 and py >= -0.501 and px <= columns - 0.499 and py <= rows - 0.499
            inside[y, x] = within
            stretch[y, x] = min(abs(area[g]) / max(abs(target_area[f]), 1e-6), 100.0)
            if within and area[g] > 0:
                r = min(max(int(np.rint(py)), 0), rows - 1)
                q = min(max(int(np.rint(px)), 0), columns - 1)
                seen[y, x] = near[r, q] <= sz + hidden
            else:
                seen[y, x] = False


__all__ = ["HIDDEN", "BodyFlow", "BodyMaps", "areas", "flow_between", "raster", "write_flow"]
