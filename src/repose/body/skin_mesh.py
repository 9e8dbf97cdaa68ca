"""The mesh that lifted bodies are drawn with: the skin of the body model in fewer triangles, and nothing else.

It is exactly mirror-symmetric, has a relaxed hand, and moves with the 28 bones of `pose_space`. `surface.Surface` is
any mesh of the renderer (skin, clothes, hair) at full detail, bound to all bones and to one person's shape.

Its triangles never change, so a face and barycentric coordinates name the same point of the skin in every picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.angles import TABLE
from repose.body.compiled import jit
from repose.body.kinematics import bone_turns
from repose.body.model import BodyModel, load_body
from repose.body.pose_space import (
    BONE_COUNT,
    COEFFICIENTS,
    Doubles,
    Floats,
    mirror_of_bones,
    skeleton,
    space_of,
)
from repose.body.rig import BONES, rig_of

CELL: Final = 0.014
"""Vertices of the asset within a cube of this side, metres, are one vertex here (hands, face and feet are finer)."""


@dataclass(frozen=True, eq=False)
class SkinMesh:
    """V vertices and F triangles, counter-clockwise seen from outside.

    Attributes:
        mean, basis: (V, 3) and (40, V, 3) float32: rest places relative to the root's pivot, metres; those of a person
            are `mean + coefficients @ basis`.
        bone, weight: (V, 4) int64 rows of `pose_space.MOVING_BONES` and float32 weights that sum to 1.
        faces: (F, 3) int32.
        canon: (V, 3) float32 places on the mean body at rest, metres. along: (V, 2) float32 position along arm and leg.
            region: (V, 4) float32 how much arm, leg, head, foot; what `atlas.iuv_of` takes.
        mirror: (V,) int64 the mirror image of each vertex. mirror_face: (F,) int64 likewise; its corners are in the
            order `mirror_corner`, (F, 3) int64: corner c of face f mirrors that corner of mirror_face[f].
    """

    mean: Floats
    basis: Floats
    bone: NDArray[np.int64]
    weight: Floats
    faces: NDArray[np.int32]
    canon: Floats
    along: Floats
    region: Floats
    mirror: NDArray[np.int64]
    mirror_face: NDArray[np.int64]
    mirror_corner: NDArray[np.int64]


@cache
def skin_mesh(cell: float = CELL) -> SkinMesh:
    """The surface of the shipped body, built once. cell: see `CELL`."""
    body = load_body()
    used = np.unique(body.faces["body"]).astype(np.int64)
    canon = body.canon[used].astype(np.float64)
    twin = _twins(canon)
    kept, place = _merged(canon, twin, cell)
    faces = place[np.searchsorted(used, body.faces["body"].astype(np.int64))]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces = np.unique(_first_smallest(faces[whole]), axis=0)
    mirror = place[twin[kept]]
    mirror_face, mirror_corner = _mirrored_faces(faces, mirror)
    rows = used[kept]
    mean, basis = _relaxed(body, rows)
    origin, origin_basis = (values[..., body.count, :] for values in space_of(body))
    flip = np.array([-1.0, 1, 1])
    # The asset's two sides differ by rounding and some millimetres; here by nothing.
    mean, basis, places = (
        (values + values[..., mirror, :] * flip) / 2
        for values in (mean - origin, basis - origin_basis[:, None], body.canon[rows].astype(np.float64))
    )
    attributes = body.attributes[rows].astype(np.float32)
    attributes = (attributes + attributes[mirror]) / 2
    bone, weight = _bones(body, rows, mirror)
    return SkinMesh(
        mean.astype(np.float32), np.ascontiguousarray(basis, np.float32), bone, weight, faces.astype(np.int32),
        places.astype(np.float32), attributes[:, 0:2].copy(), attributes[:, 2:6].copy(), mirror, mirror_face,
        mirror_corner,
    )  # fmt: skip


@jit
def pose_skin(
    mean: Any, basis: Any, coefficients: Any, bone: Any, weight: Any, turn: Any, place: Any, pivots: Any
) -> Any:
    """(V, 3) float32 vertices of a person in a pose: linear blend skinning, camera axes, relative to the root's pivot.

    turn (28, 3, 3), place (28, 3): of `pose_space.posed_bones`. pivots: (28, 3) pivots at rest.
    """
    count = len(turn)
    move = np.empty((count, 3, 4), np.float32)
    for b in range(count):
        for i in range(3):
            move[b, i, 3] = place[b, i] - (
                turn[b, i, 0] * pivots[b, 0] + turn[b, i, 1] * pivots[b, 1] + turn[b, i, 2] * pivots[b, 2]
            )
            for j in range(3):
                move[b, i, j] = turn[b, i, j]
    rest = mean.copy()
    flat = rest.reshape(-1)
    for c in range(len(coefficients)):
        a = np.float32(coefficients[c])
        row = basis[c].reshape(-1)
        for n in range(len(flat)):
            flat[n] += a * row[n]
    out = np.zeros_like(rest)
    for v in range(len(rest)):
        x, y, z = rest[v, 0], rest[v, 1], rest[v, 2]
        for k in range(4):
            w = weight[v, k]
            if w > 0:
                m = move[bone[v, k]]
                for i in range(3):
                    out[v, i] += w * (m[i, 0] * x + m[i, 1] * y + m[i, 2] * z + m[i, 3])
    return out


def _twins(canon: Any) -> Any:
    """(V,) the vertex nearest to the mirror image of each; the asset's two sides differ by less than 0.1 mm."""
    order = np.argsort(canon[:, 2])
    height = canon[order, 2]
    first, last = (np.searchsorted(height, canon[:, 2] + near) for near in (-1e-4, 1e-4))
    return _nearest_mirrored(canon, order, first, last)


@jit
def _nearest_mirrored(canon: Any, order: Any, first: Any, last: Any) -> Any:
    """`_twins`, of vertex v among `order[first[v]:last[v]]`. (NumPy sorts: numba's sorting would load SciPy.)"""
    out = np.zeros(len(canon), np.int64)
    for v in range(len(canon)):
        best = 1e9
        for k in range(first[v], last[v]):
            o = order[k]
            away = (canon[o, 0] + canon[v, 0]) ** 2 + (canon[o, 1] - canon[v, 1]) ** 2
            if away < best:
                best, out[v] = away, o
    return out


def _merged(canon: Doubles, twin: NDArray[np.int64], cell: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The vertices that stay, and for every vertex which of them (as a place in that list) it became.

    The cells of the right side are the mirror images of the left ones; the middle line has cells of its own.
    """
    middle = np.abs(canon[:, 0]) < 1e-3
    left = np.flatnonzero((canon[:, 0] > 0) & ~middle)
    grid = np.floor(canon / cell).astype(np.int64)
    grid[middle, 0] = -1
    stays = np.arange(len(canon))
    for rows in (left, np.flatnonzero(middle)):
        _, cells = np.unique(grid[rows], axis=0, return_inverse=True)
        cells = cells.reshape(-1)
        size = np.bincount(cells)
        centre = np.stack([np.bincount(cells, canon[rows, k]) / size for k in range(3)], 1)
        away = np.linalg.norm(canon[rows] - centre[cells], axis=1)
        order = np.lexsort((away, cells))
        first = order[np.searchsorted(cells[order], np.arange(len(size)))]
        stays[rows] = rows[first][cells]
    stays[twin[left]] = twin[stays[left]]
    kept, place = np.unique(stays, return_inverse=True)
    return kept, place.reshape(-1)


def _first_smallest(faces: NDArray[Any]) -> NDArray[Any]:
    """Faces turned so that their smallest vertex comes first: the same face is the same row."""
    turn = (np.arange(3) + faces.argmin(1)[:, None]) % 3
    return np.take_along_axis(faces, turn, axis=1)


def _mirrored_faces(faces: NDArray[Any], mirror: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """See `SkinMesh.mirror_face` and `SkinMesh.mirror_corner`."""
    rows = {tuple(face): k for k, face in enumerate(faces.tolist())}
    face_of = np.empty(len(faces), np.int64)
    corner_of = np.empty((len(faces), 3), np.int64)
    for k, face in enumerate(mirror[faces][:, ::-1].tolist()):  # a mirrored face runs the other way round
        smallest = min(range(3), key=face.__getitem__)
        turned = face[smallest:] + face[:smallest]
        face_of[k] = rows[tuple(turned)]
        corner_of[k] = [turned.index(face[2 - c]) for c in range(3)]
    return face_of, corner_of


def _bones(body: BodyModel, rows: NDArray[np.int64], mirror: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """The moving bones of some vertices, the strongest first."""
    total = np.zeros((len(rows), BONE_COUNT), np.float32)
    for k in range(body.bone_index.shape[1]):
        np.add.at(total, (np.arange(len(rows)), skeleton().row_of[body.bone_index[rows, k]]), body.bone_weight[rows, k])
    total[:] = (total + total[mirror][:, mirror_of_bones()]) / 2
    bone = np.argsort(-total, axis=1, kind="stable")[:, :4]
    weight = np.take_along_axis(total, bone, axis=1)
    return bone, weight / weight.sum(1, keepdims=True)


def _relaxed(body: BodyModel, rows: NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Rest places of some vertices with the fingers as in a relaxed hand: mean (V, 3), basis (40, V, 3)."""
    mean, basis = space_of(body)
    turns = bone_turns(TABLE[:, 0].astype(np.float64), rig_of(body).vec)
    fingers = {name: turns[k] for k, name in enumerate(BONES) if name.startswith("finger")}
    bent = _bent(body, rows, fingers, np.concatenate([mean[None], basis[:COEFFICIENTS]]))
    return bent[0], bent[1:]


def _bent(body: BodyModel, rows: NDArray[np.int64], fingers: dict[str, Doubles], places: Doubles) -> Doubles:
    """(N, V, 3) vertices of N rest shapes (N, V + J, 3) after the fingers turned; linear in those shapes."""
    pivots = places[:, body.count :]
    turn, place = np.empty((len(body.bones), 3, 3)), np.empty_like(pivots)
    for k, (name, parent) in enumerate(zip(body.bones, body.parents, strict=True)):
        own = fingers.get(name)
        if parent < 0:
            turn[k], place[:, k] = np.eye(3) if own is None else own, pivots[:, k]
        else:
            turn[k] = turn[parent] if own is None else turn[parent] @ own
            moved = np.einsum("ij,nj->ni", turn[parent], pivots[:, k] - pivots[:, parent])
            place[:, k] = place[:, parent] + moved
    bones, weights = body.bone_index[rows], body.bone_weight[rows].astype(np.float64)
    # what no finger moves stays where it is: only the hands take long
    out: Doubles = places[:, rows] * weights.sum(1)[:, None]
    moving = (turn != np.eye(3)).any((1, 2)) | (place != pivots).any((0, 2))
    hands = np.flatnonzero((moving[bones] & (weights > 0)).any(1))
    rest, sums = places[:, rows[hands]], np.zeros((len(places), len(hands), 3))
    for bone, weight in zip(bones[hands].T, weights[hands].T, strict=True):
        sums += (np.einsum("vij,nvj->nvi", turn[bone], rest - pivots[:, bone]) + place[:, bone]) * weight[:, None]
    out[:, hands] = sums
    return out
