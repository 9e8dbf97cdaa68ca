"""A posed body drawn into maps without OpenGL: a z-buffer over the triangles of the mesh, in numba.

A pixel belongs to the triangle that is nearest to the camera at its centre. Its barycentric coordinates are those on
the triangle in space, not in the picture, so face and coordinates name a point of the skin (`flow.flow_between`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.atlas import CROWN, HEAD_Y, NAPE, SEGMENTS, TRUNK_BOTTOM, TRUNK_TOP, TRUNK_Y
from repose.body.compiled import jit
from repose.body.pose_space import Floats
from repose.body.posed_body import PosedBody
from repose.body.skin_mesh import skin_mesh
from repose.body.surface import normals

BEHIND: Final = np.float32(-1e9)
"""The nearness of a pixel without body."""


@dataclass(frozen=True, eq=False)
class BodyMaps:
    """What a picture of H x W pixels shows of a body; all 0 beside it except `face` and `nearness`.

    Attributes:
        iuv: (3, H, W) float32, DensePose's part 1 to 24, 0 beside; u and v in [0, 1] of the charts of `atlas`.
        canon: (3, H, W) float32, the same point on the mean body at rest, metres.
        depth: (H, W) float32, metres from the camera along its axis.
        normal: (3, H, W) float32, unit length, camera axes (x right, y up, z towards the camera).
        face: (H, W) int32, row of `SkinMesh.faces`, -1 beside.
        weights: (3, H, W) float32, barycentric coordinates in that face, in space; they sum to 1.
        nearness: (H, W) float32, metres towards the camera from the root's pivot, `BEHIND` beside.
    """

    iuv: Floats
    canon: Floats
    depth: Floats
    normal: Floats
    face: NDArray[np.int32]
    weights: Floats
    nearness: Floats

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W): where the body is."""
        return self.face >= 0


def raster(body: PosedBody, height: int, width: int) -> BodyMaps:
    """Draw a body into maps of a picture.

    Args:
        body: its pixels are those of the picture (`PosedBody.scaled` changes to another size).
        height, width: of the picture, pixels.

    Raises:
        ValueError: the picture has no pixel.
    """
    if height < 1 or width < 1:
        raise ValueError(f"raster: a picture of at least 1x1 pixels is wanted, got {height}x{width}")
    surface = skin_mesh()
    places = body.vertices
    flat = body.project(places)
    distance = float(body.camera[3])
    face, weights, nearness = draw_faces(flat, surface.faces, distance, height, width)
    of_vertices = normals(places, surface.faces)
    iuv, canon, normal = (np.zeros((3, height, width), np.float32) for _ in range(3))
    depth = np.zeros((height, width), np.float32)
    fill_skin(face, weights, nearness, surface.faces, surface.canon, of_vertices, distance, canon, normal, depth)
    _label(face, weights, surface.faces, surface.along, surface.region, canon, _SEGMENTS, _CHART, iuv)
    return BodyMaps(iuv, canon, depth, normal, face, weights, nearness)


def iuv_of_faces(face: NDArray[np.int32], weights: Floats) -> Floats:
    """DensePose's part, u and v of points of the skin: float32 (3, H, W) as `BodyMaps.iuv`.

    Args:
        face: (H, W), rows of `SkinMesh.faces`, -1 for none. weights: (3, H, W), barycentric coordinates in that face.
    """
    surface = skin_mesh()
    canon, unused, iuv = (np.zeros((3, *face.shape), np.float32) for _ in range(3))
    near, depth = (np.zeros(face.shape, np.float32) for _ in range(2))
    fill_skin(face, weights, near, surface.faces, surface.canon, surface.canon, 0.0, canon, unused, depth)
    _label(face, weights, surface.faces, surface.along, surface.region, canon, _SEGMENTS, _CHART, iuv)
    return iuv


_LIMBS: Final = ("UPPER_ARM", "LOWER_ARM", "HAND", "UPPER_LEG", "LOWER_LEG")
_SEGMENTS: Final = np.array([[start, *frame] for start, frame in (SEGMENTS[name] for name in _LIMBS)])
"""(5, 4, 3): origin, axis, front and inner side of arm, forearm, hand, thigh and shank, canon space."""

_CHART: Final = np.array([TRUNK_TOP, TRUNK_BOTTOM, CROWN, NAPE, TRUNK_Y, HEAD_Y])


@jit
def draw_faces(flat: Any, faces: Any, distance: float, height: int, width: int) -> Any:
    """Face (H, W), barycentric coordinates in space (3, H, W) and nearness (H, W).

    flat: (V, 3) pixel x and y, nearness.
    """
    near = np.full((height, width), np.float32(-1e9), np.float32)
    face = np.full((height, width), -1, np.int32)
    weights = np.zeros((3, height, width), np.float32)
    far = np.float32(distance)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = flat[a, 0], flat[a, 1], flat[b, 0], flat[b, 1], flat[c, 0], flat[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area > -1e-9:  # seen from behind: y runs down, so faces towards the camera are negative
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(width - 1, int(np.floor(max(ax, bx, cx))))
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy))))
        if left > right or top > bottom:
            continue
        inverse = np.float32(1) / area
        # One over the depth is linear in the picture; so are the coordinates over the depth.
        ia, ib, ic = 1 / (far - flat[a, 2]), 1 / (far - flat[b, 2]), 1 / (far - flat[c, 2])
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * inverse
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * inverse
                w = 1 - u - v
                if u < 0 or v < 0 or w < 0:
                    continue
                u, v, w = u * ia, v * ib, w * ic
                total = np.float32(1) / (u + v + w)
                z = far - total
                if z > near[y, x]:
                    near[y, x], face[y, x] = z, f
                    weights[0, y, x], weights[1, y, x], weights[2, y, x] = u * total, v * total, w * total
    return face, weights, near


@jit
def _turn(x: float, y: float, z: float, segment: Any) -> float:
    """Angle round a left limb, 0 at its front, positive towards its inner side."""
    x, y, z = x - segment[0, 0], y - segment[0, 1], z - segment[0, 2]
    across = x * segment[3, 0] + y * segment[3, 1] + z * segment[3, 2]
    ahead = x * segment[2, 0] + y * segment[2, 1] + z * segment[2, 2]
    return math.atan2(across, ahead)


@jit
def chart(x: float, y: float, z: float, along: Any, region: Any, segments: Any, borders: Any) -> Any:
    """Part, u and v of a point of canon space: `atlas.iuv_of`, for one point and compiled."""
    pi = np.pi
    top, bottom, crown, nape, torso_y, head_y = borders[0], borders[1], borders[2], borders[3], borders[4], borders[5]
    left = x > 0
    side = abs(x)
    if region[0] > 0.5 and along[0] >= 2:
        turn = _turn(side, y, z, segments[2])
        part, u, v = (4.0 if left else 3.0), turn / (2 * pi) + 0.5, (along[0] - 2) / 1.2
    elif region[0] > 0.5 or (region[1] > 0.5 and region[3] <= 0.5):
        arm = region[0] > 0.5
        at = along[0] if arm else along[1]
        turn = _turn(side, y, z, segments[(0 if arm else 3) + (0 if at < 1 else 1)])
        front = abs(turn) < pi / 2
        u = turn / pi + 0.5 if front else (turn / pi - 0.5 if turn > 0 else turn / pi + 1.5)
        v = (at + 0.3) / 1.3 if at < 1 else at - 1
        if arm:
            part = (15.0 if at < 1 else 19.0) + (0.0 if front else 2.0) + (0.0 if left else 1.0)
        else:
            part = (7.0 if at < 1 else 11.0) + (2.0 if front else 0.0) + (1.0 if left else 0.0)
    elif region[3] > 0.5:
        part = 5.0 if left else 6.0
        u = np.arctan2(side - 0.19, z + 0.79) / (2 * pi) + 0.5
        v = (0.08 - y) / 0.32
    elif region[2] > 0.5:
        part = 24.0 if left else 23.0
        u = 1 - np.arctan2(side, head_y - y) / pi  # turned over once more below for the right half
        v = (crown - z) / (crown - nape)
    else:
        turn = np.arctan2(x, torso_y - y)
        front = abs(turn) < pi / 2
        part = 2.0 if front else 1.0
        u = turn / pi + 0.5 if front else np.arctan2(x, y - torso_y) / pi + 0.5
        v = (top - z) / (top - bottom)
        left = True
    if not left:
        u = 1 - u
    return part, min(max(u, 0.0), 1.0), min(max(v, 0.0), 1.0)


@jit
def fill_skin(
    face: Any, weights: Any, near: Any, faces: Any, canon: Any, normals: Any, distance: float, place: Any, normal: Any,
    depth: Any,
) -> None:  # fmt: skip
    """Write canonical place and normal (3, H, W) and depth (H, W) of drawn faces; pixels beside the body stay."""
    height, width = face.shape
    n = np.empty(3)
    for y in range(height):
        for x in range(width):
            f = face[y, x]
            if f < 0:
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            u, v, w = weights[0, y, x], weights[1, y, x], weights[2, y, x]
            depth[y, x] = distance - near[y, x]
            for i in range(3):
                place[i, y, x] = u * canon[a, i] + v * canon[b, i] + w * canon[c, i]
                n[i] = u * normals[a, i] + v * normals[b, i] + w * normals[c, i]
            length = np.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2) + 1e-12
            for i in range(3):
                normal[i, y, x] = n[i] / length


@jit
def _label(
    face: Any, weights: Any, faces: Any, along: Any, region: Any, place: Any, segments: Any, borders: Any, iuv: Any
) -> None:
    """Write IUV (3, H, W) of drawn faces. place: (3, H, W) canonical."""
    height, width = face.shape
    at, zone = np.empty(2), np.empty(4)
    for y in range(height):
        for x in range(width):
            f = face[y, x]
            if f < 0:
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            u, v, w = weights[0, y, x], weights[1, y, x], weights[2, y, x]
            for i in range(2):
                at[i] = u * along[a, i] + v * along[b, i] + w * along[c, i]
            for i in range(4):
                zone[i] = u * region[a, i] + v * region[b, i] + w * region[c, i]
            part, s, t = chart(place[0, y, x], place[1, y, x], place[2, y, x], at, zone, segments, borders)
            iuv[0, y, x], iuv[1, y, x], iuv[2, y, x] = part, s, t


__all__ = ["BEHIND", "BodyMaps", "chart", "draw_faces", "fill_skin", "iuv_of_faces", "raster"]
