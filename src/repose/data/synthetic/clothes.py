"""Clothes as geometry: tops, coats, dresses, skirts, trousers and jumpsuits with outlines of their own.

A garment is cut from one of two patterns in canon space, each made once: the "gown" (trunk, arms, and below the hips
one tube round both legs) and the "suit" (trunk, arms, and a tube round each leg). On a person its cross-sections are
the convex hulls of the body and of what is worn below, widened by the ease, and hang straight down from the widest
place above: cloth bridges what skin does not.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from .body import Body, Floats, Shape
from .cloth import Cloth
from .surface import Ints, Piece, Surface, body_surface, clip, edges, merge, normals, subdivide, take

if TYPE_CHECKING:
    from .outfits import Garment, Outfit

Cut = Mapping[str, float | str]

KINDS: Final = ("top", "coat", "dress", "skirt", "trousers", "jumpsuit")
_LABELS: Final = {"top": 5, "dress": 6, "coat": 7, "trousers": 9, "jumpsuit": 10, "skirt": 12}

_RING: Final = 0.14  # canon z where the gown becomes a tube
_LOW: Final = -0.76
_ANKLE: Final = -0.725  # canon z where the legs of the suit go straight on
_CUFF: Final = 0.04
_ROW: Final = 0.028
_COLUMNS: Final = 112
_ARM_METRE, _LEG_METRE = 0.27, 0.43  # how long a unit of `along` is
_FLAPS: Final = 48  # directions in which a cross-section is measured
_TURN: Final = (np.arange(_FLAPS) * 2 * np.pi / _FLAPS).astype(np.float32)
_AXIS: Final = -0.03  # canon y of the trunk's middle
_GAP: Final = 0.005  # metres between two layers
# Canon z of the trunk's levels; arm and leg levels are positions along the limb.
_TRUNK_LEVELS: Final = np.arange(-0.80, 0.601, 0.025, dtype=np.float32)
_LEG_LEVELS: Final = np.arange(0.15, 2.151, 0.05, dtype=np.float32)
_ARM_LEVELS: Final = np.arange(0.10, 2.151, 0.08, dtype=np.float32)


def _step(low: float, high: float, value: Any) -> Any:
    """0 at `low`, 1 at `high`, smooth between; `low` may be above `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


# --------------------------------------------------------------------------------------------------------------------
# Patterns in canon space


@dataclass(frozen=True)
class _Pattern:
    """A garment before it is cut.

    Attributes:
        surface: on the mean body. source: (V, V_body) sparse, the rest place as a mean of vertices of the asset.
        tube: (V,) bool, vertices of the tube round both legs; turn: (V,) their angle.
        trunk, arm, leg: (V,) how far the cross-section of each decides where a vertex lies.
        start, around: the neighbours of v are around[start[v]:start[v + 1]]. near: (V,) the vertex of the skin below.
        much: (V,) how much the cloth is smoothed. even: canon and along as smooth as the cloth, to
            cut straight lines by.
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


def _on_arm(canon: Floats, along: Floats) -> Any:
    """As `_armness`, but sure of the underside of the arm below the armpit, where borders of sleeves run."""
    below = _step(0.3, 0.5, along[:, 0])
    t = np.clip((np.abs(canon[:, 0]) + canon[:, 2] - (0.64 - 0.02 * below)) / (0.06 - 0.02 * below), 0, 1)
    return t * t * (3 - 2 * t)


def _armness(canon: Floats) -> Any:
    """How surely a point of canon space belongs to an arm: the trunk is nearer to the middle and lower."""
    return _step(0.64, 0.70, np.abs(canon[:, 0]) + canon[:, 2])


@cache
def _suit(body: Body) -> _Pattern:
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
        parts.append(replace(cuff, canon=canon, along=cuff.along + np.array([0, _CUFF / _LEG_METRE], np.float32)))
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
def _gown(body: Body) -> _Pattern:
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


def _fine_shell(body: Body) -> tuple[Surface, Any]:
    mean = body.shape(np.zeros(body.coefficients.shape[1], np.float32))
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
    found = np.unique(unique[many == 1])
    out: Ints = found[among[found]].astype(np.int32)
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


def _tube(body: Body, upper: Surface) -> tuple[Surface, Floats]:
    """The part of the gown below the ring, bound to both legs; and the angle of each vertex."""
    mean = body.shape(np.zeros(body.coefficients.shape[1], np.float32))
    round_both = _trunk_sections(body, mean.vertices, ())
    rows = np.arange(_RING - 0.02, _LOW, -_ROW, dtype=np.float32)
    turn = (np.arange(_COLUMNS) / _COLUMNS * 2 * np.pi - np.pi).astype(np.float32)
    z, angle = np.repeat(rows, _COLUMNS), np.tile(turn, len(rows))
    canon = _on_sections(round_both, round_both.support + 0.01, z, angle)
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


def _tube_weights(body: Body, upper: Surface, canon: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Bones of the tube: those of the leg at that height, of the left one on the left, mixed between."""
    skin = np.unique(body.faces["body"])
    attributes = body.attributes[skin].astype(np.float32)
    leg = skin[(attributes[:, 3] > 0.5) & (attributes[:, 5] < 0.3)]
    count = len(body.bones)
    dense = np.zeros((len(leg), count), np.float32)
    for k in range(4):
        np.add.at(dense, (np.arange(len(leg)), body.bone_index[leg, k]), body.weights[leg, k])
    left = body.canon[leg, 0] > 0
    share = _step(-0.10, 0.10, canon[:, 0])
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
    mix = _step(0.0, _RING, canon[:, 2])[:, None]
    total = total * (1 - mix) + above * mix
    best = np.argsort(-total, axis=1, kind="stable")[:, :4]
    weight = np.take_along_axis(total, best, 1)
    return best.astype(np.uint8), (weight / weight.sum(1, keepdims=True)).astype(np.float32)


def _pattern(body: Body, surface: Surface, source: Any, tube: NDArray[np.bool_], turn: Floats, legs: bool) -> _Pattern:
    canon = surface.canon
    start, around = _neighbours(edges(surface.faces), len(canon))
    arm = _armness(canon)
    low = _step(0.06, 0.13, canon[:, 2]) if legs else 1.0
    trunk = np.where(tube, 1, _step(0.53, 0.44, canon[:, 2]) * (1 - arm) * low).astype(np.float32)
    on_arm = (arm * _step(0.15, 0.40, surface.along[:, 0])).astype(np.float32)
    on_leg = (_step(0.10, -0.02, canon[:, 2]) * (1 - arm) if legs else np.zeros(len(canon))).astype(np.float32)
    trunk, on_arm = (np.where(tube, w, _smooth_field(w, start, around, 4)) for w in (trunk, on_arm))
    surface = replace(surface, special=None)
    some = np.clip(1 - np.maximum.reduce([trunk, on_arm, on_leg]), 0, 1)
    # Sections are smooth already; smoothing would draw wide rings of few vertices together.
    much = np.where(tube, 0.0, 0.6 * np.clip(3 * some, 0, 1)).astype(np.float32)
    wide = np.concatenate([surface.along, surface.along[:, :1]], 1)
    even = (_smooth(canon, start, around, much, 6), _smooth(wide, start, around, much, 6)[:, :2])
    return _Pattern(surface, source, tube, turn, trunk, on_arm, on_leg, start, around, _below(body, canon), much, even)


@cache
def _skin_tree(body: Body) -> tuple[Any, NDArray[np.int64]]:
    skin = np.unique(body.faces["body"]).astype(np.int64)
    return cKDTree(body.canon[skin]), skin


def _below(body: Body, canon: Floats) -> Ints:
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
    out: Floats = _smooth(wide, start, around, np.full(len(value), 0.5, np.float32), rounds)[:, 0]
    return out


# --------------------------------------------------------------------------------------------------------------------
# Cross-sections of a person


@dataclass(frozen=True)
class _Sections:
    """Convex cross-sections along the trunk or a limb.

    Attributes:
        levels: (K,) where. centre, along, first, second: (K, 3), the middle, the direction of the limb, and the axes of
            the section. support: (K, A) metres from the middle to the tangent in each direction `_TURN`.
        apart: (K,) metres from the level before.
    """

    levels: Floats
    centre: Floats
    along: Floats
    first: Floats
    second: Floats
    support: Floats
    apart: Floats


@cache
def _trunk_members(body: Body) -> tuple[NDArray[np.int64], Floats]:
    """Vertices of the skin that the trunk's sections run round, and their canon z."""
    skin = np.unique(body.faces["body"]).astype(np.int64)
    attributes = body.attributes[skin].astype(np.float32)
    keep = (attributes[:, 2] < 0.05) & (attributes[:, 4] < 0.5) & (attributes[:, 5] < 0.5)
    keep &= _armness(body.canon[skin]) < 0.5
    return skin[keep], body.canon[skin[keep], 2]


@cache
def _limb_members(body: Body, column: int, left: bool) -> tuple[NDArray[np.int64], Floats]:
    """Vertices of one arm (column 0) or leg (1) and their position along it."""
    skin = np.unique(body.faces["body"]).astype(np.int64)
    attributes = body.attributes[skin].astype(np.float32)
    keep = (body.canon[skin, 0] > 0) == left
    if column == 0:
        keep &= (_armness(body.canon[skin]) > 0.5) & (attributes[:, 0] > 0) & (attributes[:, 0] < 2.2)
    else:
        keep &= (attributes[:, 3] > 0.5) & (attributes[:, 5] < 0.3)
    return skin[keep], attributes[keep, column]


def _trunk_sections(body: Body, vertices: Floats, more: Sequence[tuple[Floats, Floats]]) -> _Sections:
    members, level = _trunk_members(body)
    points = vertices[members]
    centre = _means(points, level, _TRUNK_LEVELS)
    centre[:, 0] = 0
    centre[:, :2] = _blurred(centre[:, :2], 2)
    count = len(_TRUNK_LEVELS)
    up, left, back = (np.broadcast_to(np.eye(3, dtype=np.float32)[k], (count, 3)) for k in (2, 0, 1))
    points, level = _joined(points, level, more)
    return _measured(_TRUNK_LEVELS, centre, up, left, back, points, level)


def _limb_sections(
    body: Body, vertices: Floats, column: int, left: bool, more: Sequence[tuple[Floats, Floats]]
) -> _Sections:
    members, level = _limb_members(body, column, left)
    levels = (_ARM_LEVELS, _LEG_LEVELS)[column]
    points = vertices[members]
    shaft = level < 1.8  # heels and thumbs would bend the axis
    centre = _blurred(_means(points[shaft], level[shaft], levels), 1)
    last = int(np.searchsorted(levels, 1.7))
    ahead = np.arange(len(levels) - last, dtype=np.float32)[:, None]
    centre[last:] = centre[last] + ahead * (centre[last] - centre[last - 4]) / np.float32(4)
    along = np.gradient(centre, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = 1.0 if left else -1.0
    reference = np.array([0.7 * side, 0, 0.7] if column == 0 else [1, 0, 0], np.float32)
    first = reference - (along @ reference)[:, None] * along
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(along, first)
    points, level = _joined(points, level, more)
    return _measured(levels, centre, along, first, second, points, level)


def _joined(points: Floats, level: Floats, more: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    return np.concatenate([points, *(p for p, _ in more)]), np.concatenate([level, *(k for _, k in more)])


def _means(points: Floats, level: Floats, levels: Floats) -> Floats:
    """(K, 3) middle of the box round the points near each level, continued straight where there are none."""
    step = levels[1] - levels[0]
    box = _boxes(points.astype(np.float32), ((level - levels[0]) / step).astype(np.float32), len(levels))
    full = np.nonzero(box[:, 1, 0] > -1e8)[0]
    middle = box.mean(1)
    ranks = np.arange(len(levels))
    out: Floats = np.stack([np.interp(ranks, full, middle[full, k]) for k in range(3)], 1).astype(np.float32)
    for k in range(full[-1] + 1, len(levels)):
        out[k] = 2 * out[k - 1] - out[k - 2]
    for k in range(full[0] - 1, -1, -1):
        out[k] = 2 * out[k + 1] - out[k + 2]
    return out


def _blurred(values: NDArray[Any], rounds: int) -> Floats:
    for _ in range(rounds):
        wide = np.concatenate([2 * values[:1] - values[1:2], values, 2 * values[-1:] - values[-2:-1]])
        values = 0.25 * wide[:-2] + 0.5 * wide[1:-1] + 0.25 * wide[2:]
    out: Floats = values.astype(np.float32)
    return out


def _measured(
    levels: Floats, centre: Floats, along: Floats, first: Floats, second: Floats, points: Floats, level: Floats
) -> _Sections:
    place = ((level - levels[0]) / (levels[1] - levels[0])).astype(np.float32)
    f, s = np.ascontiguousarray(first, np.float32), np.ascontiguousarray(second, np.float32)
    support = _supports(points.astype(np.float32), place, centre.astype(np.float32), f, s, np.cos(_TURN), np.sin(_TURN))
    empty = support.max(1) < -1e8
    full = np.nonzero(~empty)[0]
    nearest = full[np.abs(np.arange(len(levels))[:, None] - full).argmin(1)]
    support = support[nearest]
    apart = np.linalg.norm(np.diff(centre, axis=0, prepend=centre[:1]), axis=1)
    return _Sections(levels, centre, np.ascontiguousarray(along, np.float32), f, s, support, apart.astype(np.float32))


def _hung(sections: _Sections, support: Floats, slope: float, down: bool, begin: float = -9.0) -> Floats:
    """Sections that shrink by at most `slope` a metre on the way down from level `begin`: cloth hangs.

    `down`: the way down runs towards larger levels (limbs); the trunk's levels rise.
    """
    out = support.copy()
    order = range(1, len(out)) if down else range(len(out) - 2, -1, -1)
    for k in order:
        before = k - 1 if down else k + 1
        if (sections.levels[before] >= begin) if down else (sections.levels[before] <= begin):
            out[k] = np.maximum(out[k], out[before] - slope * sections.apart[max(k, before)])
    return out


def _on_sections(sections: _Sections, support: Floats, level: Floats, angle: Floats) -> Floats:
    """(V, 3) the points of a hull at levels and angles."""
    step = sections.levels[1] - sections.levels[0]
    place = np.clip((level - sections.levels[0]) / step, 0, len(sections.levels) - 1.001).astype(np.float32)
    out: Floats = _hull_points(
        place, angle.astype(np.float32), sections.centre, sections.first, sections.second,
        support.astype(np.float32), np.cos(_TURN), np.sin(_TURN),
    )  # fmt: skip
    return out


def _drawn_to(sections: _Sections, support: Floats, level: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Points moved within their sections onto the hull; and their angles."""
    step = sections.levels[1] - sections.levels[0]
    place = np.clip((level - sections.levels[0]) / step, 0, len(sections.levels) - 1.001).astype(np.float32)
    low = place.astype(np.int64)
    t = (place - low)[:, None]
    axes = (sections.centre, sections.along, sections.first, sections.second)
    centre, along, first, second = (a[low] * (1 - t) + a[low + 1] * t for a in axes)
    off = points - centre
    angle = np.arctan2((off * second).sum(1), (off * first).sum(1)).astype(np.float32)
    hull = _on_sections(sections, support, level, angle)
    return hull + (off * along).sum(1)[:, None] * along, angle


@njit(cache=True)
def _boxes(points: Any, place: Any, count: Any) -> Any:
    out = np.empty((count, 2, 3), np.float32)
    out[:, 0], out[:, 1] = 1e9, -1e9
    for v in range(len(points)):
        for k in range(int(np.ceil(place[v] - 0.8)), int(np.floor(place[v] + 0.8)) + 1):
            if 0 <= k < count:
                for i in range(3):
                    out[k, 0, i] = min(out[k, 0, i], points[v, i])
                    out[k, 1, i] = max(out[k, 1, i], points[v, i])
    return out


@njit(cache=True)
def _supports(points: Any, place: Any, centre: Any, first: Any, second: Any, cosine: Any, sine: Any) -> Any:
    count = len(centre)
    out = np.full((count, len(cosine)), np.float32(-1e9), np.float32)
    for v in range(len(points)):
        for k in range(int(np.ceil(place[v] - 0.8)), int(np.floor(place[v] + 0.8)) + 1):
            if 0 <= k < count:
                x = y = np.float32(0)
                for i in range(3):
                    x += (points[v, i] - centre[k, i]) * first[k, i]
                    y += (points[v, i] - centre[k, i]) * second[k, i]
                for a in range(len(cosine)):
                    out[k, a] = max(out[k, a], x * cosine[a] + y * sine[a])
    return out


@njit(cache=True)
def _hull_points(
    place: Any, angle: Any, centre: Any, first: Any, second: Any, support: Any, cosine: Any, sine: Any
) -> Any:
    out = np.empty((len(place), 3), np.float32)
    flaps = len(cosine)
    for v in range(len(place)):
        low = int(place[v])
        t = place[v] - low
        c, s = np.cos(angle[v]), np.sin(angle[v])
        middle = int(np.round(angle[v] * flaps / (2 * np.pi)))
        radius = np.float32(1e9)
        for d in range(-flaps // 4 + 1, flaps // 4):
            a = (middle + d) % flaps
            facing = c * cosine[a] + s * sine[a]
            if facing > 0.05:
                radius = min(radius, (support[low, a] * (1 - t) + support[low + 1, a] * t) / facing)
        for i in range(3):
            base = centre[low, i] * (1 - t) + centre[low + 1, i] * t
            x = first[low, i] * (1 - t) + first[low + 1, i] * t
            y = second[low, i] * (1 - t) + second[low + 1, i] * t
            out[v, i] = base + radius * (c * x + s * y)
    return out


@njit(cache=True)
def _smooth(place: Any, start: Any, around: Any, much: Any, rounds: Any) -> Any:
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


# --------------------------------------------------------------------------------------------------------------------
# What a garment covers


_NECK_WIDTH: Final = {"crew": 0.078, "scoop": 0.100, "vee": 0.082, "collar": 0.072}
_SHOULDER: Final = 0.672  # canon z of the shoulder line beside the neck


def _number(cut: Cut, name: str, default: float) -> float:
    return float(cut.get(name, default))


def _neck_field(canon: Floats, cut: Cut) -> Floats:
    """Metres, above 0 below the neckline."""
    style = str(cut.get("neck", "crew"))
    x, y, z = np.abs(canon[:, 0]), canon[:, 1], canon[:, 2]
    if style == "high":
        high: Floats = 0.70 + 0.25 * (y - 0.0) - z
        return high
    width = _NECK_WIDTH.get(style, 0.078)
    depth = max(_number(cut, "neck_depth", 0.02), 0.0)
    front = _SHOULDER - 0.64 + max(depth, 0.005)
    back = 0.035 if style != "scoop" else 0.05
    low = np.where(y < 0, front, back) + (back - front) * _step(-0.05, 0.02, y) * (y < 0.02) * (y < 0)
    across, fall = x / width, np.maximum(_SHOULDER - z, 0) / low
    round_ = across + fall if style == "vee" else np.sqrt(across**2 + fall**2)
    # Metres along the ray from the middle of the opening.
    field = np.hypot(x, np.maximum(_SHOULDER - z, 0)) * (1 - 1 / np.maximum(round_, 0.2))
    field = np.where(round_ < 0.2, -0.1, field)
    out: Floats = np.minimum(field, 0.72 - z)
    return out


def _coverage(kind: str, cut: Cut, canon: Floats, along: Floats) -> Floats:
    """(V,) about how many metres inside a garment's borders each point of canon space lies; below 0 outside."""
    arm = _on_arm(canon, along)
    z = canon[:, 2]
    waves = 0.004 * np.sin(3 * np.arctan2(canon[:, 1], canon[:, 0]) + 1)
    parts = []
    if kind in ("skirt", "trousers"):
        parts.append(_number(cut, "waist", 0.25) - z - 2 * arm)
    else:
        sleeve = _number(cut, "sleeve", 0.5)
        if sleeve > 0:
            parts.append((sleeve - along[:, 0]) * _ARM_METRE + 3 * (1 - arm))
        else:  # an armhole that widens towards the armpit
            wide = 0.128 + 0.10 * _step(0.58, 0.46, z) + 2 * _step(0.45, 0.40, z) * (1 - arm)
            parts.append(wide - np.abs(canon[:, 0]))
        parts.append(_neck_field(canon, cut))
    if kind in ("trousers", "jumpsuit"):
        # Planes across the legs: `along` of the heel and the instep is not that of the ankle.
        parts.append(z + 0.30 + 0.44 * (_number(cut, "end", 2.0) - 1))
    else:
        parts.append(z - _hem(kind, cut) - waves + 2 * arm)
    if kind == "coat":
        parts.append(np.abs(canon[:, 0]) - _opening(cut, z) + 0.6 * _step(-0.05, 0.0, canon[:, 1]))
    out: Floats = np.minimum.reduce(parts).astype(np.float32)
    return out


def _opening(cut: Cut, z: Floats) -> Floats:
    """(V,) half the width by which a coat is open in front, metres; below 0 where it is shut."""
    gap = _number(cut, "gap", 0.0)
    if gap > 0:
        out: Floats = gap + 0.22 * np.maximum(z - 0.42, 0) + 0.04 * np.maximum(0.15 - z, 0)
        return out
    shut: Floats = 0.42 * (z - 0.47) if str(cut.get("collar", "none")) == "lapel" else np.full_like(z, -1)
    return shut


def _hem(kind: str, cut: Cut) -> float:
    hem = _number(cut, "hem", 0.05)
    if kind == "top" and _number(cut, "tucked", 0) > 0.5:
        hem = max(hem, 0.1)
    return float(hem)


# --------------------------------------------------------------------------------------------------------------------
# Rest shapes


@dataclass(frozen=True)
class _Person:
    body: Body
    shape: Shape


def _placed(person: _Person, pattern: _Pattern, kind: str, cut: Cut, under: Sequence[_Worn], seed: int) -> Surface:
    """The whole pattern, uncut, as it lies on the person."""
    body, vertices = person.body, person.shape.vertices
    surface = pattern.surface
    canon, along = surface.canon, surface.along
    # The ease of a cut is room over the body: what is worn below takes its part.
    inner = max((_number(w.cut, "ease", 0.01) for w in under if w.kind not in ("trousers", "skirt")), default=0.0)
    ease = max(_number(cut, "ease", 0.02) - inner, min(_number(cut, "ease", 0.02), 0.008))
    rng = np.random.default_rng(seed)
    rest = np.asarray(pattern.source @ vertices, np.float32)
    if pattern.drop is not None:
        rest[:, 2] -= pattern.drop * np.ptp(vertices[:, 2]) / np.ptp(body.canon[:, 2])
    trunk = _trunk_sections(body, vertices, _worn(under, "trunk"))
    support = _trunk_cut(trunk, kind, cut, ease)
    tube = pattern.tube
    rest[tube] = _on_sections(trunk, support, canon[tube, 2], pattern.turn[tube])
    out = rest + normals(rest, surface.faces) * _shoulder_lift(kind, ease, under, rest, surface.faces)[:, None]
    hull, turn = _drawn_to(trunk, support, canon[:, 2], rest)
    turn[tube] = pattern.turn[tube]
    hull[tube] = rest[tube]
    hull[:, :2] += _trunk_waves(kind, cut, ease, canon, turn, rng)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    out += pattern.trunk[:, None] * (hull - out)
    for left in (True, False):
        side = (canon[:, 0] > 0) == left
        for column, weight in ((0, pattern.arm), (1, pattern.leg)):
            own = np.nonzero(side & (weight > 0))[0]
            if len(own) and not (column == 0 and kind in ("skirt", "trousers")):
                limb = _limb_sections(body, vertices, column, left, _worn(under, "arm" if column == 0 else "leg", left))
                wide = (_sleeve_cut if column == 0 else _leg_cut)(limb, kind, cut, ease)
                target, angle = _drawn_to(limb, wide, along[own, column], rest[own])
                waves = _limb_waves(column, ease, along[own, column], angle, cut, rng)
                outward = target - _middle(limb, along[own, column])
                outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6
                out[own] += weight[own, None] * (target + outward * waves[:, None] - out[own])
    out = _smooth(out.astype(np.float32), pattern.start, pattern.around, pattern.much, 6)
    _lifted(out, person.shape.vertices, person.shape.normals, pattern.near, _clearance(kind, under), tube)
    return replace(surface, rest=out, shade=np.ones(len(out), np.float32))


def _clearance(kind: str, under: Sequence[_Worn]) -> float:
    """Metres a garment keeps from the skin where the sections do not say more."""
    below = 0.010 * sum(p.kind in ("top", "dress", "jumpsuit", "coat") for p in under)
    return below + (0.003 if kind == "trousers" else 0.006)


@njit(cache=True)
def _lifted(place: Any, body: Any, normal: Any, near: Any, gap: Any, tube: Any) -> None:
    for v in range(len(place)):
        b = near[v]
        if not tube[v]:
            deep = gap
            for i in range(3):
                deep -= (place[v, i] - body[b, i]) * normal[b, i]
            if 0 < deep < 0.05:
                for i in range(3):
                    place[v, i] += deep * normal[b, i]


def _middle(limb: _Sections, level: Floats) -> Floats:
    return np.stack([np.interp(level, limb.levels, limb.centre[:, k]) for k in range(3)], 1).astype(np.float32)


def _worn(under: Sequence[_Worn], part: str, left: bool = True) -> list[tuple[Floats, Floats]]:
    """Places and levels of what is worn below, on the trunk, an arm or a leg."""
    out = []
    for piece in under:
        s = piece.surface
        arm = _armness(s.canon) > 0.5
        if part == "trunk":
            keep, level = ~arm & (s.canon[:, 2] < 0.55), s.canon[:, 2]
        elif part == "arm":
            keep, level = arm & ((s.canon[:, 0] > 0) == left), s.along[:, 0]
        else:
            keep, level = ~arm & (s.canon[:, 2] < 0.08) & ((s.canon[:, 0] > 0) == left), s.along[:, 1]
        out.append((s.rest[keep], level[keep]))
    return out


def _shoulder_lift(kind: str, ease: float, under: Sequence[_Worn], rest: Floats, faces: Ints) -> Floats:
    """How far the cloth lies off the shell where no section decides: it rests on the shoulders and stands off below."""
    layers = sum(p.kind in ("top", "dress", "jumpsuit", "coat") for p in under)
    up = np.clip(normals(rest, faces)[:, 2], 0, 1)
    thick = 0.004 if kind == "coat" else 0.0
    out: Floats = (thick + 0.011 * layers + 0.45 * ease * (1 - up)).astype(np.float32)
    return out


def _slope(ease: float) -> float:
    """How fast a garment of this ease follows the body inwards on the way down, metres a metre."""
    return float(np.interp(ease, [0.002, 0.008, 0.018, 0.04], [0.75, 0.40, 0.14, 0.02]))


def _trunk_cut(trunk: _Sections, kind: str, cut: Cut, ease: float) -> Floats:
    levels = trunk.levels
    base = trunk.support + _GAP + (0.004 if kind == "coat" else 0.0)
    if kind in ("trousers", "skirt"):
        room = np.clip(ease, 0.002, 0.02) * _step(_number(cut, "waist", 0.25), 0.05, levels) + 0.002
        wide = base + room[:, None] + 0.004  # a shirt may be tucked in
        slope = 0.5 if kind == "trousers" else _skirt_slope(cut)
        wide = _hung(trunk, wide, slope, False, _number(cut, "waist", 0.25))
    elif kind == "dress" and _number(cut, "waist", 9) < 1:
        waist = _number(cut, "waist", 0.25)
        near = _step(waist - 0.12, waist, levels) * _step(waist + 0.12, waist, levels)
        room = ease * (1 - 0.75 * near)
        wide = _hung(trunk, base + room[:, None], 0.6, False, 0.48)
        wide = _hung(trunk, wide, _skirt_slope(cut), False, waist)
    else:
        wide = _hung(trunk, base + 0.8 * ease, _slope(_number(cut, "ease", 0.02)), False, 0.48)
        wide = _gathered(wide, base, kind, cut, ease, levels)
    if kind in ("skirt", "dress"):
        wide = wide + _flare(kind, cut, levels)[:, None]
    elif kind == "coat":
        hem = _number(cut, "hem", 0.0)
        wide = wide + (0.10 * np.clip(0.2 - levels, 0, 1) * (hem < 0.05))[:, None]
    out: Floats = np.maximum(_blurred(wide, 2), base)
    return out


def _skirt_slope(cut: Cut) -> float:
    """Tight skirts follow the thighs inwards, wide ones hang from the seat."""
    return float(np.interp(_number(cut, "flare", 0.02) + _number(cut, "ease", 0.01), [0.01, 0.05], [0.25, 0.0]))


def _flare(kind: str, cut: Cut, levels: Floats) -> Floats:
    waist = _number(cut, "waist", 0.25)
    top = waist if waist < 1 else 0.40
    down = np.clip((top - levels) / (top - _number(cut, "hem", -0.3)), 0, 1.2)
    out: Floats = _number(cut, "flare", 0.0) * down**1.2
    return out


def _gathered(wide: Floats, base: Floats, kind: str, cut: Cut, ease: float, levels: Floats) -> Floats:
    """Ribbed hems draw a top in; a tucked one ends inside the waistband and blouses over it."""
    hem = _hem(kind, cut)
    if kind == "top" and _number(cut, "tucked", 0) > 0.5:
        share = _step(hem + 0.14, hem + 0.05, levels)[:, None]
    elif _number(cut, "cuff", 0) > 0.5 and ease > 0.02 and str(cut.get("collar", "none")) in ("none", "hood", "stand"):
        share = 0.8 * _step(hem + 0.08, hem + 0.02, levels)[:, None]
    else:
        return wide
    out: Floats = wide * (1 - share) + base * share
    return out


def _sleeve_cut(limb: _Sections, kind: str, cut: Cut, ease: float) -> Floats:
    sleeve = _number(cut, "sleeve", 0.5)
    base = limb.support + _GAP + (0.004 if kind == "coat" else 0.0)
    room = ease * (0.5 - 0.12 * np.clip(limb.levels, 0, 2))
    wide = _hung(limb, base + room[:, None], 0.5 * _slope(ease) + 0.02, True)
    if sleeve < 1.3 and ease > 0.01:
        wide = wide + 0.005 * _step(0, max(sleeve, 0.3), limb.levels)[:, None]
    if _number(cut, "cuff", 0) > 0.5 and sleeve > 1.3:
        share = _step(sleeve - 0.22, sleeve - 0.10, limb.levels)[:, None]
        wide = wide * (1 - share) + (base + 0.004) * share
    out: Floats = np.maximum(_blurred(wide, 1), base)
    return out


def _leg_cut(limb: _Sections, kind: str, cut: Cut, ease: float) -> Floats:
    end = _number(cut, "end", 2.0)
    base = limb.support + 0.004
    wide = _hung(limb, base + ease, float(np.interp(ease, [0.004, 0.012, 0.03], [0.7, 0.22, 0.0])), True)
    flare = _number(cut, "flare", 0.0) * _step(min(0.9, end - 0.3), end, limb.levels)
    out: Floats = np.maximum(_blurred(wide + flare[:, None], 1), base)
    return out


def _trunk_waves(kind: str, cut: Cut, ease: float, canon: Floats, turn: Floats, rng: np.random.Generator) -> Floats:
    """Folds that run down the cloth and grow towards the hem, metres outwards."""
    phase = rng.uniform(0, 2 * np.pi, 6)
    z = canon[:, 2]
    if kind == "trousers":
        return np.zeros(len(z), np.float32)
    hem = _hem(kind, cut) if kind != "jumpsuit" else 0.0
    if kind in ("skirt", "dress"):
        top = min(_number(cut, "waist", 0.25), 0.3)
        flare = _number(cut, "flare", 0.02)
        high = 0.003 + 0.28 * min(flare, 0.14)
        count = int(rng.integers(7, 12))
    else:
        top, high, count = 0.42, 0.002 + 0.14 * ease, int(rng.integers(5, 9))
    grown = np.clip((top - z) / max(top - hem, 0.1), 0, 1.3) ** 1.3
    if kind == "top" and _number(cut, "cuff", 0) > 0.5:
        grown = grown * _step(hem + 0.01, hem + 0.1, z)
    drift = 0.5 * np.sin(z * 9 + phase[2])
    wave = np.sin(count * turn + phase[0] + drift) + 0.6 * np.sin((count + 4) * turn + phase[1] - drift)
    wave += 0.5 * np.sin(3 * turn + phase[3] + z * 5)
    out: Floats = (high * grown * (wave + 1.2) * 0.6).astype(np.float32)
    return out


def _limb_waves(column: int, ease: float, along: Floats, turn: Floats, cut: Cut, rng: np.random.Generator) -> Floats:
    """Folds that lie across a sleeve or a trouser leg, more of them at the bend and the end, metres outwards."""
    phase = rng.uniform(0, 2 * np.pi, 4)
    end = _number(cut, "sleeve" if column == 0 else "end", 1.9)
    metre = _ARM_METRE if column == 0 else _LEG_METRE
    reach = along * metre
    where = 0.2 + 0.8 * np.exp(-(((along - 1) / 0.2) ** 2)) + 0.9 * np.exp(-(((along - end + 0.12) / 0.2) ** 2))
    wave = np.sin(reach * 75 + 1.2 * np.sin(turn + phase[0]) + phase[1])
    wave *= 0.6 + 0.4 * np.sin(turn * 2 + phase[2] + reach * 9)
    wave += 0.6 * np.sin(reach * 48 + 2 * turn + phase[3])
    high = 0.08 * min(ease, 0.05) if column == 0 else 0.07 * min(ease, 0.025)
    out: Floats = (high * where * wave).astype(np.float32)
    return out


# --------------------------------------------------------------------------------------------------------------------
# Garments


def build_clothes(body: Body, shape: Shape, outfit: Outfit) -> tuple[list[Piece], Floats]:
    """Tops, coats, dresses, skirts, trousers and jumpsuits of an outfit on a person.

    Returns:
        The pieces, inner ones first, and (V_body,) float32, metres, above 0 where skin is surely covered.
    """
    person = _Person(body, shape)
    canon, along = body.canon, body.attributes[:, :2].astype(np.float32)
    hidden = np.full(body.count, -1.0, np.float32)
    worn: list[_Worn] = []
    for garment in _in_order(outfit.garments):
        cut = _settled(garment, outfit.garments)
        under = [w for w in worn if not _tucked_in(w.kind, w.cut, garment.kind)]
        worn.append(_made(person, garment, cut, under))
        hidden = np.maximum(hidden, _surely(garment.kind, cut, canon, along))
    seen = [_trimmed(w, worn[k + 1 :]) for k, w in enumerate(worn)]
    return [_finished(person, w) for w in seen if len(w.surface.faces)], hidden


@dataclass(frozen=True)
class _Worn:
    """A garment in the making: its cloth, what is sewn onto it, and what it is worn over."""

    kind: str
    cut: Cut
    fabric: Any
    surface: Surface
    patches: tuple[Surface, ...]
    under: tuple[_Worn, ...]


def _in_order(garments: Sequence[Garment]) -> list[Garment]:
    """From the inside out: a tucked top below the trousers, any other above them, coats last."""
    def rank(garment: Garment) -> float:
        if garment.kind == "top":
            return 0 if _number(garment.cut, "tucked", 0) > 0.5 else 2
        return {"trousers": 1, "skirt": 1, "jumpsuit": 1, "dress": 2, "coat": 3}[garment.kind]

    return sorted((g for g in garments if g.kind in KINDS), key=rank)


def _settled(garment: Garment, garments: Sequence[Garment]) -> Cut:
    """The cut, its tucked hem put below the waistband there is."""
    cut = dict(garment.cut)
    if garment.kind == "top" and _number(cut, "tucked", 0) > 0.5:
        waists = [_number(g.cut, "waist", 0.25) for g in garments if g.kind in ("trousers", "skirt")]
        cut["hem"] = max(waists, default=0.25) - 0.015
    return cut


def _tucked_in(kind: str, cut: Cut, over: str) -> bool:
    return kind == "top" and _number(cut, "tucked", 0) > 0.5 and over in ("trousers", "skirt")


def _surely(kind: str, cut: Cut, canon: Floats, along: Floats, margin: float = 0.025) -> Floats:
    """Metres inside what a garment covers from all sides: wide hems are looked into."""
    field = _coverage(kind, cut, canon, along) - margin
    if kind not in ("trousers", "jumpsuit"):
        room = 0.03 + 0.8 * _number(cut, "flare", 0.0) + 0.8 * _number(cut, "ease", 0.02)
        room = min(room, 0.05) if _hem(kind, cut) < -0.45 else room  # nobody looks up a long skirt
        low = np.minimum(canon[:, 2] - _hem(kind, cut) - margin - room, 1) + 2 * _armness(canon)
        field = np.minimum(field, np.where(canon[:, 2] < 0.45, low, field))
        if kind == "coat":  # tails swing
            field = np.minimum(field, canon[:, 2] - 0.12 + 2 * _armness(canon))
    if kind in ("trousers", "jumpsuit"):
        room = 0.02 + 0.8 * _number(cut, "ease", 0.01) + _number(cut, "flare", 0.0)
        end = canon[:, 2] + 0.30 + 0.44 * (_number(cut, "end", 2.0) - 1) - margin - room
        field = np.minimum(field, end)
    sleeve = _number(cut, "sleeve", 0)
    if sleeve > 0:
        room = 0.01 + 0.6 * _number(cut, "ease", 0.02)
        field = np.minimum(field, (sleeve - along[:, 0]) * _ARM_METRE - margin - room + 3 * (1 - _on_arm(canon, along)))
    out: Floats = field.astype(np.float32)
    return out


def _trimmed(worn: _Worn, over: Sequence[_Worn]) -> _Worn:
    """A garment without what outer ones surely cover."""

    def rest(surface: Surface) -> Surface:
        field = np.minimum.reduce([-_surely(w.kind, w.cut, surface.canon, surface.along, 0.03) for w in over])
        return _cut_out(surface, field) if (field <= 0).any() else surface

    if not over:
        return worn
    patches = tuple(p for p in map(rest, worn.patches) if len(p.faces))
    return replace(worn, surface=rest(worn.surface), patches=patches)


def _made(person: _Person, garment: Garment, cut: Cut, under: Sequence[_Worn]) -> _Worn:
    kind = garment.kind
    pattern = _suit(person.body) if kind in ("trousers", "jumpsuit") else _gown(person.body)
    seed = zlib.crc32(repr((kind, sorted(cut.items()))).encode())
    whole = _placed(person, pattern, kind, cut, under, seed)
    surface = _cut_out(whole, _coverage(kind, cut, *pattern.even))
    return _Worn(kind, cut, garment.fabric, surface, tuple(_patches(kind, cut, surface)), tuple(under))


def _finished(person: _Person, worn: _Worn) -> Piece:
    surface, count = worn.surface, len(worn.surface)
    follow, portion = np.full((count, 3), -1, np.int32), np.zeros((count, 3), np.float32)
    if worn.patches:
        added = merge(worn.patches)
        far, near = cKDTree(surface.canon).query(added.canon, k=3)
        share = 1 / (far + 1e-4) ** 2
        follow = np.concatenate([follow, near.astype(np.int32)])
        portion = np.concatenate([portion, (share / share.sum(1, keepdims=True)).astype(np.float32)])
        surface = merge([surface, added])
    cloth = _cloth(person, surface, count, (follow, portion), worn.kind, worn.cut, worn.under)
    wrap = "body" if worn.kind in ("skirt", "dress") else "limbs"
    return Piece(worn.kind, surface, worn.fabric, (_LABELS[worn.kind],) * 2, wrap, True, cloth)


def _cut_out(whole: Surface, field: Floats) -> Surface:
    """The part of `whole` where `field`, (V,), is above 0, at no cost for what is far from it."""
    faces = whole.faces[(field > 0)[whole.faces].any(1)]
    used = np.zeros(len(whole), bool)
    used[faces] = True
    rank = np.cumsum(used, dtype=np.int32) - 1
    kept = np.nonzero(used)[0]
    return clip(replace(take(whole, kept), faces=rank[faces].astype(np.int32)), field[kept])


def _patches(kind: str, cut: Cut, surface: Surface) -> list[Surface]:
    """Second layers sewn onto a garment: bands, collars, plackets, pockets."""
    canon, along = surface.canon, surface.along
    arm, z, x = _armness(canon), canon[:, 2], canon[:, 0]
    front = canon[:, 1] < -0.03
    fields: list[tuple[NDArray[Any], Any, float]] = []  # where, metres it lies off, shade
    neck = _neck_field(canon, cut) if kind not in ("skirt", "trousers") else None
    style = str(cut.get("neck", "")) if kind != "coat" else str(cut.get("collar", "none"))
    if kind in ("skirt", "trousers") and _number(cut, "ease", 0.01) > 0.0035:
        fields.append((z - _number(cut, "waist", 0.25) + 0.035 - 2 * arm, 0.003, 0.92))
    if kind == "trousers" and 0.004 < _number(cut, "ease", 0.01) < 0.03:
        pocket = np.minimum(0.058 - np.abs(np.abs(x) - 0.092), 0.065 - np.abs(z - _number(cut, "waist", 0.25) + 0.125))
        fields.append((np.where(front, -1, pocket), 0.003, 0.95))
    if _number(cut, "cuff", 0) > 0.5 and _number(cut, "sleeve", 0) > 1.0:
        fields.append(((along[:, 0] - _number(cut, "sleeve", 0) + 0.24) * _ARM_METRE - (1 - arm), 0.003, 0.94))
    if neck is not None and style == "collar":
        tips = 0.040 + 0.02 * np.clip(1 - np.abs(np.abs(x) - 0.055) / 0.04, 0, 1) * front
        leaf = np.minimum(tips - neck, np.where(front, np.abs(x) - 0.006, 1))
        fields.append((leaf, 0.006, 0.97))
    elif neck is not None and style in ("crew", "scoop", "vee", "high") and _number(cut, "ease", 0) > 0.006:
        fields.append((0.018 - neck, 0.004, 0.95))
    if _number(cut, "placket", 0) > 0.5:
        strip = np.where(front, 0.016 - np.abs(x - 0.004), -1) - arm
        fields.append((strip, 0.004, 0.96))
    if neck is not None and (_number(cut, "hood", 0) > 0.5 or (kind == "coat" and style == "hood")):
        deep = np.minimum(0.16 - neck - 1.3 * np.maximum(np.abs(x) - 0.045, 0), 1.5 * (canon[:, 1] + 0.03))
        fields.append((deep, 0.006 + 0.045 * np.sin(np.clip(deep / 0.16, 0, 1) * np.pi) ** 0.7, 0.97))
    if kind == "coat":
        fields += _coat_patches(cut, canon, neck, style, front)
    made = [_patch(surface, f.astype(np.float32), lift, shade) for f, lift, shade in fields]
    stands = style in ("collar", "lapel", "stand", "hood")
    return [_raised(p, cut) if stands else p for p in made if p is not None]


def _raised(patch: Surface, cut: Cut) -> Surface:
    """Collars stand at the neckline and fall outwards; other patches are too far from the neck to change."""
    neck = _neck_field(patch.canon, cut)
    up = 0.009 * np.clip(1 - neck / 0.045, 0, 1) * _step(-0.12, -0.05, patch.canon[:, 1])
    rest = patch.rest.copy()
    rest[:, 2] += up.astype(np.float32)
    return replace(patch, rest=rest)


def _coat_patches(
    cut: Cut, canon: Floats, neck: Floats | None, style: str, front: NDArray[np.bool_]
) -> list[tuple[NDArray[Any], Any, float]]:
    x, z = np.abs(canon[:, 0]), canon[:, 2]
    gap = _number(cut, "gap", 0.0)
    edge = np.maximum(_opening(cut, z), 0)
    out: list[tuple[NDArray[Any], Any, float]] = []
    if style == "lapel":
        width = 0.075 * np.clip((z - 0.30) / 0.20, 0, 1) + 0.02 * _step(0.55, 0.56, z) * _step(0.60, 0.58, z)
        out.append((np.where(front, np.minimum(width - (x - edge), 0.66 - z), -1), 0.008, 0.95))
        if neck is not None:
            out.append((np.where(canon[:, 1] > -0.05, 0.045 - neck, -1), 0.008, 0.95))
    elif style in ("stand", "hood") and neck is not None:
        out.append((0.04 - neck, 0.006, 0.93))
    if gap > 0 and style != "lapel":
        out.append((np.where(front, 0.018 - (x - edge), -1), 0.003, 0.93))
    pocket_z = max(_number(cut, "hem", 0.0) + 0.12, 0.06)
    pocket = np.minimum(0.06 - np.abs(x - gap - 0.10), 0.055 - np.abs(z - pocket_z))
    if _hem("coat", cut) < 0.1:
        out.append((np.where(front, pocket, -1), 0.004, 0.95))
    return out


_SEAM: Final = 0.004  # metres, the dark line along the rim of what is sewn on


def _patch(surface: Surface, field: Floats, lift: Any, shade: float) -> Surface | None:
    """A copy of the surface where `field` > 0, `lift` metres off it, its rim darker as a seam is."""
    if (field > 0).sum() < 3:
        return None
    up = normals(surface.rest, surface.faces) * np.reshape(lift, (-1, 1)).astype(np.float32)
    # The field travels in `shade` through the first cut, for the second needs it at the new vertices.
    part = _cut_out(replace(surface, rest=surface.rest + up, shade=field), field)
    if not len(part.faces):
        return None
    parts = [
        replace(p, shade=np.full(len(p), tone, np.float32))
        for p, tone in ((clip(part, part.shade - _SEAM), shade), (clip(part, _SEAM - part.shade), 0.72 * shade))
        if len(p.faces)
    ]
    return merge(parts) if parts else None


def _cloth(
    person: _Person, surface: Surface, count: int, follow: tuple[Ints, Floats], kind: str, cut: Cut,
    under: Sequence[_Worn],
) -> Cloth:  # fmt: skip
    """How the first `count` vertices of a garment hang; the others follow them."""
    body, canon, rest = person.body, surface.canon, surface.rest
    own = surface.faces[(surface.faces < count).all(1)]
    pairs = _edges(own, count)
    length = np.linalg.norm(rest[pairs[:, 0]] - rest[pairs[:, 1]], axis=1).astype(np.float32)
    keep = length > 1e-4
    pairs, length = pairs[keep], length[keep]
    parent = _hung_from(pairs, rest, len(surface))
    ease, z, arm = _number(cut, "ease", 0.02), canon[:, 2], _armness(canon)
    gown = kind not in ("trousers", "jumpsuit")
    fall, hold, sag, limit = _freedom(kind, cut, ease, z, arm, surface.along)
    near = np.where((z > 0.02) | (not gown) | (arm > 0.5), _below(body, canon), -1).astype(np.int32)
    gap = np.full(len(z), _clearance(kind, under), np.float32)
    free = (z < 0.05) & (arm < 0.5) & gown
    bones, ends, radii = _capsules(person, under, rest[free])
    down = np.where(parent[:, None] >= 0, rest - rest[np.maximum(parent, 0)], 0).astype(np.float32)
    order = np.argsort(-z[:count], kind="stable").astype(np.int32)
    return Cloth(pairs, length, order, parent, down, fall, hold, sag, limit, near, gap, bones, ends, radii, free,
                 *follow, body.index["root"])  # fmt: skip


def _freedom(
    kind: str, cut: Cut, ease: float, z: Floats, arm: Floats, along: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """How much each vertex falls, holds, sags and may move; see `Cloth`."""
    flare = _number(cut, "flare", 0.0)
    zeros = np.zeros(len(z))
    loose = float(np.clip(ease / 0.03, 0, 1))
    hold = np.full(len(z), 0.5 - 0.3 * loose)
    hold = np.maximum(hold, 0.8 * _step(0.45, 0.56, z) * (1 - arm))
    sag = arm * _step(0.2, 0.7, along[:, 0]) * 0.35 * ease
    limit = 0.02 + 1.2 * ease + zeros
    fall = zeros
    if kind in ("trousers", "jumpsuit"):
        sag = sag + 0.3 * ease * _step(0.05, -0.15, z)
        hold = np.maximum(hold, 0.9 * _step(0.1, 0.2, z) * (kind == "trousers"))
    else:
        top = 0.05 if kind in ("skirt", "dress") else 0.08
        share = {"skirt": 0.1 + 5 * flare, "dress": 0.1 + 5 * flare, "coat": 0.75, "top": 0.3 + 8 * ease}[kind]
        below = np.clip(top - z, 0, None) * (1 - arm)
        fall = np.clip(share, 0.1, 0.85) * _step(top, top - 0.16, z) * (1 - arm)
        hold = np.where(below > 0, hold + (0.06 - hold) * _step(0, 0.15, below), hold)
        limit = limit + 1.0 * below
    if kind == "skirt":
        hold = np.maximum(hold, 0.95 * _step(_number(cut, "waist", 0.25) - 0.06, _number(cut, "waist", 0.25) - 0.02, z))
    return tuple(a.astype(np.float32) for a in (fall, hold, sag, limit))  # type: ignore[return-value]


def _capsules(person: _Person, under: Sequence[_Worn], cloth: Floats) -> tuple[Ints, Floats, Floats]:
    """Thighs and shins: bones, ends at rest, radii with what is worn on them, at most what lets `cloth` rest."""
    body, shape = person.body, person.shape
    worn = max((float(p.surface.rest.shape[0] > 0) * 0.012 for p in under if p.kind == "trousers"), default=0.0)
    bones, ends, radii = [], [], []
    for side in "LR":
        members, along = _limb_members(body, 1, side == "L")
        places = shape.vertices[members]
        heads = [shape.heads[body.index[f"{name}.{side}"]] for name in ("upperleg01", "lowerleg01", "foot")]
        for k, name in enumerate(("upperleg01", "lowerleg01")):
            axis = heads[k + 1] - heads[k]
            off = places - heads[k]
            t = off @ axis / (axis @ axis)
            far = np.linalg.norm(off - t[:, None] * axis, axis=1)
            spans = ((0.25, 0.45), (0.85, 1.0)) if k == 0 else ((0.1, 0.35), (0.75, 0.95))
            wide = [np.percentile(far[(along > k + a) & (along < k + b)], 70) + 0.006 + worn for a, b in spans]
            off = cloth - heads[k]
            t = off @ axis / (axis @ axis)
            room = np.linalg.norm(off - t[:, None] * axis, axis=1)[(t > 0) & (t < 1)]
            most = np.percentile(room, 5) if len(room) else 1.0
            radii.append([min(r, max(most, 0.8 * r)) for r in wide])
            bones.append(body.index[f"{name}.{side}"])
            ends.append([heads[k] + (0.1 if k == 0 else 0.0) * axis, heads[k + 1]])
    return np.array(bones, np.int32), np.array(ends, np.float32), np.array(radii, np.float32)


def _edges(faces: Ints, count: int) -> Ints:
    """Every edge once; faster than `surface.edges`, which sorts rows."""
    a, b = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64).T
    key = np.unique(np.minimum(a, b) * count + np.maximum(a, b))
    return np.stack([key // count, key % count], 1).astype(np.int32)


@njit(cache=True)
def _hung_from(pairs: Any, place: Any, count: Any) -> Any:
    """(V,) the neighbour most straight above each vertex, -1 if none is."""
    parent, best = np.full(count, -1, np.int32), np.full(count, np.float32(0.7), np.float32)
    for e in range(len(pairs)):
        a, b = pairs[e, 0], pairs[e, 1]
        if place[a, 2] < place[b, 2]:
            a, b = b, a
        x, y, z = place[a, 0] - place[b, 0], place[a, 1] - place[b, 1], place[a, 2] - place[b, 2]
        steep = z / (np.sqrt(x * x + y * y + z * z) + np.float32(1e-9))
        if steep > best[b]:
            parent[b], best[b] = a, steep
    return parent
