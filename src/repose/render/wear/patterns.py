"""The two patterns that every garment is cut from, each made once in canon space.

The "gown" is trunk, arms, and below the hips one tube round both legs; the "suit" is trunk, arms, and a tube round
each leg.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from repose.body.model import BodyModel, Floats, mean_shape
from repose.body.surface import Ints, Surface, body_surface
from repose.render.mesh import clip, edges, merge, subdivide, take
from repose.render.wear.cuts import LEG_METRE, armness, smoothstep
from repose.render.wear.sections import on_sections, trunk_sections

_RING: Final = 0.14  # canon z where the gown becomes a tube
_LOW: Final = -0.76
_ANKLE: Final = -0.725  # canon z where the legs of the suit go straight on
_CUFF: Final = 0.04
_ROW: Final = 0.028
_COLUMNS: Final = 112
_AXIS: Final = -0.03  # canon y of the trunk's middle


@dataclass(frozen=True)
class Pattern:
    """A garment before it is cut.

    Attributes:
        surface: on the mean body. source: (V, V_body) sparse, the rest place as a mean of vertices of the asset.
        tube: (V,) bool, vertices of the tube round both legs; turn: (V,) their angle.
        trunk, arm, leg: (V,) how far the cross-section of each decides where a vertex lies.
        start, around: the neighbours of v are around[start[v]:start[v + 1]]. near: (V,) the vertex of the skin below.
        much: (V,) how much the cloth is smoothed. even: canon and along as smooth as that, to cut straight lines by.
        drop: (V,) metres below the place that `source` gives.
    """

    surface: Surface
    source: Any
    tube: NDArray[np.bool_]
    turn: Floats
    trunk: Floats
    arm: Floats
    leg: Floats
    start: Ints
    around: Ints
    near: Ints
    much: Floats
    even: tuple[Floats, Floats]
    drop: Floats | None = None


@cache
def suit_pattern(body: BodyModel) -> Pattern:
    """Trunk, arms, and a tube round each leg."""
    fine, source = _fine_shell(body)
    field = (fine.canon[:, 2] - _ANKLE).astype(np.float32)
    upper = clip(fine, field)
    place = _same_points(fine, source, field, upper)
    ring = _border(upper.faces, np.abs(upper.canon[:, 2] - _ANKLE) < 1e-4)
    parts, rows, faces, count = [upper], [place], [upper.faces], len(upper)
    for left in (True, False):
        own = ring[(upper.canon[ring, 0] > 0) == left]
        off = upper.canon[own] - (upper.canon[own].min(0) + upper.canon[own].max(0)) / 2
        own = own[np.argsort(np.arctan2(off[:, 1], off[:, 0]))]
        cuff = take(upper, own)
        canon = cuff.canon - np.array([0, 0, _CUFF], np.float32)
        parts.append(replace(cuff, canon=canon, along=cuff.along + np.array([0, _CUFF / LEG_METRE], np.float32)))
        rows.append(place[own])
        new = count + np.arange(len(own))
        right, below = np.roll(own, -1), np.roll(new, -1)
        faces += [np.stack([own, new, right], 1), np.stack([right, new, below], 1)]
        count += len(own)
    both = replace(merge([replace(p, faces=np.zeros((0, 3), np.int32)) for p in parts]),
                   faces=np.concatenate(faces).astype(np.int32))  # fmt: skip
    none = np.zeros(len(both), np.float32)
    pattern = _pattern(body, both, sparse.vstack(rows).tocsr(), none > 0, none, legs=True)
    return replace(pattern, drop=np.where(np.arange(count) < len(upper), 0, _CUFF).astype(np.float32))


@cache
def gown_pattern(body: BodyModel) -> Pattern:
    """Trunk, arms, and one tube round both legs."""
    fine, source = _fine_shell(body)
    field = (fine.canon[:, 2] - _RING).astype(np.float32)
    upper = clip(fine, field)
    place = _same_points(fine, source, field, upper)
    tube, turn = _tube(body, upper)
    ring = _border(upper.faces, np.abs(upper.canon[:, 2] - _RING) < 1e-4)
    ring = ring[np.argsort(_angle(upper.canon[ring]))]
    first = (len(upper) + np.arange(_COLUMNS)).astype(np.int32)
    both = merge([replace(upper, special=None), tube])
    seam = _strip(ring, _angle(both.canon[ring]), first, turn[:_COLUMNS])
    both = replace(both, faces=np.concatenate([both.faces, seam]).astype(np.int32))
    where = sparse.vstack([place, sparse.csr_matrix((len(tube), body.count), dtype=np.float32)]).tocsr()
    is_tube = np.arange(len(both)) >= len(upper)
    angle = np.concatenate([np.zeros(len(upper), np.float32), turn])
    return _pattern(body, both, where, is_tube, angle, legs=False)


def _fine_shell(body: BodyModel) -> tuple[Surface, Any]:
    mean = mean_shape(body)
    shell = replace(body_surface(body, mean, "shell"), special=None)
    used = np.unique(body.faces["shell"])
    fine = subdivide(replace(shell, rest=shell.canon))
    faces = shell.faces
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    middle = np.unique(pairs, axis=0)  # the order in which `subdivide` appends
    one = sparse.csr_matrix((np.ones(len(used), np.float32), (np.arange(len(used)), used)), (len(used), body.count))
    return fine, sparse.vstack([one, 0.5 * (one[middle[:, 0]] + one[middle[:, 1]])]).tocsr()


def _same_points(fine: Surface, source: Any, field: Floats, cut: Surface) -> Any:
    """The rows of `source` for the vertices of `cut`, which `clip` made of `fine` by `field`."""
    pair = edges(fine.faces)
    a, b = pair[(field[pair[:, 0]] > 0) != (field[pair[:, 1]] > 0)].T
    t = (field[a] / (field[a] - field[b])).astype(np.float32)[:, None]
    points = np.concatenate([fine.canon, fine.canon[a] * (1 - t) + fine.canon[b] * t])
    rows = sparse.vstack([source, source[a].multiply(1 - t) + source[b].multiply(t)]).tocsr()
    return rows[cKDTree(points).query(cut.canon)[1]]


def _border(faces: Ints, among: NDArray[np.bool_]) -> Ints:
    """Vertices of `among` on edges that belong to one face alone."""
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    unique, many = np.unique(pairs, axis=0, return_counts=True)
    border = np.unique(unique[many == 1])
    out: Ints = border[among[border]].astype(np.int32)
    return out


def _angle(points: Floats) -> Floats:
    out: Floats = np.arctan2(points[:, 1] - _AXIS, points[:, 0]).astype(np.float32)
    return out


def _strip(top: Ints, top_turn: Floats, low: Ints, low_turn: Floats) -> Ints:
    """Triangles between two rings sorted by angle, seen counter-clockwise from outside."""
    faces, i, j, n, m = [], 0, 0, len(top), len(low)
    while i < n or j < m:
        next_top = top_turn[i + 1] if i + 1 < n else top_turn[(i + 1) % n] + 2 * np.pi
        next_low = low_turn[j + 1] if j + 1 < m else low_turn[(j + 1) % m] + 2 * np.pi
        if j >= m or (i < n and next_top < next_low):
            faces.append((top[i % n], low[j % m], top[(i + 1) % n]))
            i += 1
        else:
            faces.append((top[i % n], low[j % m], low[(j + 1) % m]))
            j += 1
    return np.array(faces, np.int32)


def _tube(body: BodyModel, upper: Surface) -> tuple[Surface, Floats]:
    """The part of the gown below the ring, bound to both legs; and the angle of each vertex."""
    mean = mean_shape(body)
    round_both = trunk_sections(body, mean.vertices, ())
    rows = np.arange(_RING - 0.02, _LOW, -_ROW, dtype=np.float32)
    turn = (np.arange(_COLUMNS) / _COLUMNS * 2 * np.pi - np.pi).astype(np.float32)
    z, angle = np.repeat(rows, _COLUMNS), np.tile(turn, len(rows))
    canon = on_sections(round_both, round_both.support + 0.01, z, angle)
    canon[:, 2] = z
    grid = np.arange(len(z), dtype=np.int32).reshape(len(rows), _COLUMNS)
    right = np.roll(grid, -1, 1)
    a, b, c, d = grid[:-1].ravel(), right[:-1].ravel(), grid[1:].ravel(), right[1:].ravel()
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    index, weight = _tube_weights(body, upper, canon)
    along = np.zeros((len(z), 2), np.float32)
    along[:, 0] = -1
    along[:, 1] = np.interp(-z, [-0.12, 0.30, 0.74], [0, 1, 2])
    region = np.zeros((len(z), 4), np.float32)
    surface = Surface(canon, canon, along, region, np.ones(len(z), np.float32), index, weight, faces)
    return surface, angle


def _tube_weights(body: BodyModel, upper: Surface, canon: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Bones of the tube: those of the leg at that height, of the left one on the left, mixed between."""
    skin = np.unique(body.faces["body"])
    attributes = body.attributes[skin].astype(np.float32)
    leg = skin[(attributes[:, 3] > 0.5) & (attributes[:, 5] < 0.3)]
    count = len(body.bones)
    dense = np.zeros((len(leg), count), np.float32)
    for k in range(4):
        np.add.at(dense, (np.arange(len(leg)), body.bone_index[leg, k]), body.bone_weight[leg, k])
    left = body.canon[leg, 0] > 0
    share = smoothstep(-0.10, 0.10, canon[:, 0])
    total = np.zeros((len(canon), count), np.float32)
    for side, own in ((left, share), (~left, 1 - share)):
        places, weights = body.canon[leg[side], 2], dense[side]
        levels = np.arange(-0.74, 0.05, 0.02)
        near_level = [np.abs(places - z) < 0.03 for z in levels]
        profile = np.stack([weights[own_level].mean(0) for own_level in near_level])
        for bone in np.nonzero(profile.any(0))[0]:
            total[:, bone] += own * np.interp(canon[:, 2], levels, profile[:, bone])
    near = cKDTree(upper.canon).query(canon)[1]
    above = np.zeros_like(total)
    for k in range(4):
        np.add.at(above, (np.arange(len(canon)), upper.bone_index[near, k]), upper.bone_weight[near, k])
    mix = smoothstep(0.0, _RING, canon[:, 2])[:, None]
    total = total * (1 - mix) + above * mix
    best = np.argsort(-total, axis=1, kind="stable")[:, :4]
    weight = np.take_along_axis(total, best, 1)
    return best.astype(np.uint8), (weight / weight.sum(1, keepdims=True)).astype(np.float32)


def _pattern(
    body: BodyModel, surface: Surface, source: Any, tube: NDArray[np.bool_], turn: Floats, legs: bool
) -> Pattern:
    canon = surface.canon
    start, around = _neighbours(edges(surface.faces), len(canon))
    arm = armness(canon)
    low = smoothstep(0.06, 0.13, canon[:, 2]) if legs else 1.0
    trunk = np.where(tube, 1, smoothstep(0.53, 0.44, canon[:, 2]) * (1 - arm) * low).astype(np.float32)
    on_arm = (arm * smoothstep(0.15, 0.40, surface.along[:, 0])).astype(np.float32)
    on_leg = (smoothstep(0.10, -0.02, canon[:, 2]) * (1 - arm) if legs else np.zeros(len(canon))).astype(np.float32)
    trunk, on_arm = (np.where(tube, w, _smooth_field(w, start, around, 4)) for w in (trunk, on_arm))
    surface = replace(surface, special=None)
    some = np.clip(1 - np.maximum.reduce([trunk, on_arm, on_leg]), 0, 1)
    # Sections are smooth already; smoothing would draw wide rings of few vertices together.
    much = np.where(tube, 0.0, 0.6 * np.clip(3 * some, 0, 1)).astype(np.float32)
    wide = np.concatenate([surface.along, surface.along[:, :1]], 1)
    even = (smoothed(canon, start, around, much, 6), smoothed(wide, start, around, much, 6)[:, :2])
    return Pattern(
        surface, source, tube, turn, trunk, on_arm, on_leg, start, around, skin_below(body, canon), much, even
    )


@cache
def _skin_tree(body: BodyModel) -> tuple[Any, NDArray[np.int64]]:
    skin = np.unique(body.faces["body"]).astype(np.int64)
    return cKDTree(body.canon[skin]), skin


def skin_below(body: BodyModel, canon: Floats) -> Ints:
    """(V,) the vertex of the skin nearest to each point of canon space."""
    tree, skin = _skin_tree(body)
    out: Ints = skin[tree.query(canon)[1]].astype(np.int32)
    return out


def _neighbours(pairs: Ints, count: int) -> tuple[Ints, Ints]:
    both = np.concatenate([pairs, pairs[:, ::-1]])
    order = np.argsort(both[:, 0], kind="stable")
    start = np.searchsorted(both[order, 0], np.arange(count + 1))
    return start.astype(np.int32), np.ascontiguousarray(both[order, 1], np.int32)


def _smooth_field(value: Floats, start: Ints, around: Ints, rounds: int) -> Floats:
    wide = np.repeat(value[:, None], 3, 1).astype(np.float32)
    out: Floats = smoothed(wide, start, around, np.full(len(value), 0.5, np.float32), rounds)[:, 0]
    return out


@njit(cache=True)
def smoothed(place: Any, start: Any, around: Any, much: Any, rounds: Any) -> Any:
    """Laplacian smoothing, each vertex `much` of the way to the mean of its neighbours."""
    now = place.copy()
    for _ in range(rounds):
        then = now.copy()
        for v in range(len(now)):
            if much[v] > 0 and start[v + 1] > start[v]:
                for i in range(3):
                    total = np.float32(0)
                    for k in range(start[v], start[v + 1]):
                        total += then[around[k], i]
                    now[v, i] += much[v] * (total / (start[v + 1] - start[v]) - then[v, i])
    return now
