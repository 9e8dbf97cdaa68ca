"""Meshes of simple solids: tubes, ribbons, pillows. A mesh is points (V, 3) float64, metres, and faces (F, 3) int32."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from repose.body.surface import Ints, Surface
from repose.render.mesh import clip

Doubles = NDArray[np.float64]
Grid = NDArray[np.float64]  # (rows, columns, 3)


def grid_faces(rows: int, columns: int, wrap: bool = True) -> Ints:
    """Triangles of a grid of points; its columns close to a ring if `wrap`."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns if wrap else columns - 1), indexing="ij")
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, b, d], -1), np.stack([a, d, c], -1)]).reshape(-1, 3).astype(np.int32)


def lofted(grid: Grid, first: bool = True, last: bool = True) -> tuple[Doubles, Ints]:
    """A tube of rings, (rows, columns, 3), closed by a point amid its first and last ring, faces outwards."""
    rows, columns = grid.shape[:2]
    points = [grid.reshape(-1, 3)]
    faces = [grid_faces(rows, columns)]
    ring = np.arange(columns)
    for wanted, row in ((first, 0), (last, rows - 1)):
        if wanted:
            middle = sum(len(p) for p in points)
            points.append(grid[row].mean(0, keepdims=True))
            fan = np.stack([np.full(columns, middle), (ring + 1) % columns + row * columns, ring + row * columns], 1)
            faces.append((fan if row == 0 else fan[:, ::-1]).astype(np.int32))
    both, all_faces = np.concatenate(points), np.concatenate(faces)
    return both, outwards(both, all_faces)


def outwards(points: Doubles, faces: Ints) -> Ints:
    """The faces, turned round if the volume they enclose is negative."""
    a, b, c = (points[faces[:, k]] - points.mean(0) for k in range(3))
    return faces if np.einsum("ij,ij->", a, np.cross(b, c)) > 0 else np.ascontiguousarray(faces[:, ::-1])


def joined(parts: Sequence[tuple[Doubles, Ints]]) -> tuple[Doubles, Ints]:
    """Several meshes as one."""
    start = np.cumsum([0, *(len(p) for p, _ in parts)])
    faces = np.concatenate([f + k for (_, f), k in zip(parts, start, strict=False)])
    return np.concatenate([p for p, _ in parts]), faces.astype(np.int32)


def mirrored(part: tuple[Doubles, Ints]) -> tuple[Doubles, Ints]:
    """The same on the other side of the body."""
    return part[0] * [-1, 1, 1], np.ascontiguousarray(part[1][:, ::-1])


def cut_mesh(points: Doubles, faces: Ints, field: Doubles) -> tuple[Doubles, Ints]:
    """The part of a mesh where `field` is above 0."""
    n = len(points)
    place = points.astype(np.float32)
    flat = Surface(place, place, np.zeros((n, 2), np.float32), np.zeros((n, 4), np.float32), np.ones(n, np.float32),
                   np.zeros((n, 4), np.uint8), np.full((n, 4), 0.25, np.float32), faces)  # fmt: skip
    kept = clip(flat, field.astype(np.float32))
    return kept.canon.astype(np.float64), kept.faces


def tube_along(path: Doubles, radius: float, sides: int = 5, closed: bool = False) -> tuple[Doubles, Ints]:
    """A tube of `radius` metres along a path, (N, 3)."""
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-12
    other = np.where(np.abs(ahead[:, 2:]) > 0.8, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
    if closed:
        other = np.broadcast_to([[0.0, 1.0, 0.0]], path.shape)  # rings of spectacles lie across y
    side = np.cross(ahead, other)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    up = np.cross(side, ahead)
    angle = np.arange(sides) * 2 * math.pi / sides
    grid = path[:, None] + radius * (np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * up[:, None])
    if closed:
        points, faces = grid.reshape(-1, 3), grid_faces(len(path) + 1, sides) % grid[..., 0].size
        inner = np.repeat(path, sides, 0)
        a, b, c = (points[faces[:, k]] for k in range(3))
        out = np.einsum("ij,ij->", np.cross(b - a, c - a), a - inner[faces[:, 0]])
        return points, (faces if out > 0 else np.ascontiguousarray(faces[:, ::-1])).astype(np.int32)
    return lofted(grid)


def ribbon(path: Doubles, out: Doubles, width: float | Doubles, thick: float) -> tuple[Doubles, Ints]:
    """A flat band along a path, (N, 3), whose outer side looks along `out`, (N, 3); closed at both ends."""
    ahead = np.gradient(path, axis=0)
    side = np.cross(ahead, out)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    half = np.broadcast_to(np.asarray(width, np.float64) / 2, len(path))[:, None]
    grid = np.stack([path - side * half, path - side * half * 0.85 + out * thick, path + out * thick * 1.3,
                     path + side * half * 0.85 + out * thick, path + side * half], 1)  # fmt: skip
    return lofted(grid)


def pillow(size: Sequence[float], square: float = 0.35, rows: int = 10, columns: int = 20) -> tuple[Doubles, Ints]:
    """A box of (x, y, z) metres with round edges about the origin; `square` 0 is a box, 1 an ellipsoid."""
    polar = np.linspace(0.04, math.pi - 0.04, rows)[:, None]
    turn = np.arange(columns)[None] * 2 * math.pi / columns

    def bend(value: Doubles) -> Doubles:
        return np.sign(value) * np.abs(value) ** square

    ring = np.sin(polar) ** square
    grid = np.stack([ring * bend(np.cos(turn)), ring * bend(np.sin(turn)), bend(np.cos(polar)) + 0 * turn], -1)
    return lofted(grid * np.asarray(size) / 2)


def smooth_path(points: Sequence[Sequence[float]], count: int) -> Doubles:
    """(count, 3) a smooth curve through a few points (Catmull-Rom, then even steps)."""
    p = np.asarray(points, np.float64)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, len(p) - 3 - 1e-9, count * 3)
    k, f = t.astype(int), (t % 1)[:, None]
    a, b, c, d = p[k], p[k + 1], p[k + 2], p[k + 3]
    fine = 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    even = np.linspace(0, way[-1], count)
    return np.stack([np.interp(even, way, fine[:, j]) for j in range(3)], 1)
