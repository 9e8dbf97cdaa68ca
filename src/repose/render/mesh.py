"""Meshes tied to the body: carried onto a person, cut, thinned out, refined, merged.

A mesh is modelled in canon space, which is the mean body at rest (`BodyModel.canon`); `bind` carries it onto a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from repose.body.model import BodyModel, Floats, Shape
from repose.body.surface import Ints, Surface

_NEIGHBOURS = 4  # body vertices that carry one bound point
_COLUMNS = ("rest", "canon", "along", "region", "shade", "special")
_NAMES = (*_COLUMNS, "bone_index", "bone_weight")


def bind(
    body: BodyModel,
    shape: Shape,
    canon_points: Floats,
    faces: NDArray[Any],
    among: NDArray[np.bool_] | None = None,
    rigid: str | None = None,
) -> Surface:
    """Carry a mesh modelled in canon space onto a person.

    Args:
        body, shape: the person. canon_points: (V, 3) metres. faces: (F, 3).
        among: (V_body,) which vertices of the body it may be bound to; all of the skin if None.
        rigid: the bone that alone moves it (a hat follows "head"); it is then scaled as that part of the person is.
    """
    points = np.ascontiguousarray(canon_points, np.float32)
    tree, vertices = _tree(body, among)
    distance, closest = tree.query(points, k=_NEIGHBOURS)
    near = vertices[closest]
    share = 1 / (distance.astype(np.float32) + 1e-4) ** 2
    share /= share.sum(1, keepdims=True)
    attributes = body.attributes.astype(np.float32)
    index, weight = _strongest(body.bone_index[near], body.bone_weight[near] * share[..., None])
    if rigid is None:
        offset = (points[:, None] - body.canon[near]) * shape.scale[near][..., None]
        rest = ((shape.vertices[near] + offset) * share[..., None]).sum(1)
    else:
        bone = body.index[rigid]
        own = (body.bone_index == bone) & (body.bone_weight > 0.5)
        low, high = body.canon[own.any(1)], shape.vertices[own.any(1)]
        grow = high.std(0) / low.std(0)
        rest = (points - low.mean(0)) * grow + high.mean(0)
        index, weight = np.zeros_like(index), np.zeros_like(weight)
        index[:, 0], weight[:, 0] = bone, 1
    return Surface(
        rest=rest.astype(np.float32),
        canon=points,
        along=(attributes[near, 0:2] * share[..., None]).sum(1),
        region=(attributes[near, 2:6] * share[..., None]).sum(1),
        shade=np.ones(len(points), np.float32),
        bone_index=index,
        bone_weight=weight,
        faces=np.ascontiguousarray(faces, np.int32),
    )


def clip(surface: Surface, field: Floats) -> Surface:
    """The part of a surface where `field`, (V,), is above 0; triangles across the border are cut exactly there."""
    if (field > 0).all():
        return surface
    inside = field > 0
    count = inside[surface.faces].sum(1)
    whole, one, two = (surface.faces[count == n] for n in (3, 1, 2))
    one, two = _rotated(one, inside, True), _rotated(two, inside, False)
    pairs = np.concatenate([one[:, [0, 1]], one[:, [0, 2]], two[:, [1, 0]], two[:, [2, 0]]])
    a, b, place = _edges_once(pairs, len(surface))
    share: Floats = (field[a] / np.where(field[a] == field[b], 1, field[a] - field[b])).astype(np.float32)
    both = _appended(surface, a, b, share)
    new = len(surface) + place.reshape(-1)
    n, m = len(one), len(two)
    p, q, r, s = new[:n], new[n : 2 * n], new[2 * n : 2 * n + m], new[2 * n + m :]
    faces = np.concatenate(
        [whole, np.stack([one[:, 0], p, q], 1), np.stack([r, two[:, 1], two[:, 2]], 1), np.stack([r, two[:, 2], s], 1)]
    )
    return compact(replace(both, faces=faces.astype(np.int32)))


def compact(surface: Surface) -> Surface:
    """The same surface without vertices that no face uses."""
    used = np.zeros(len(surface), np.bool_)
    used[surface.faces] = True
    place = np.cumsum(used, dtype=np.int32) - 1
    return replace(take(surface, used), faces=place[surface.faces])


def coarse(surface: Surface, cell: float, once: bool = False) -> Ints:
    """(F', 3) the faces with all vertices of one cell of canon space, `cell` metres wide, merged into one of them.

    Args:
        surface: which. cell: metres.
        once: to look at, not for shadows: faces that become the same are kept once, none is turned over, and each cell
            keeps the vertex next to the middle of its own instead of its first.
    """
    grid = np.floor(surface.canon * np.float32(1 / cell)) if once else np.floor(surface.canon / np.float32(cell))
    grid = grid.astype(np.int32)
    if once:  # what is sewn on (collars, pockets: darker) stays a layer of its own
        grid[:, 1] = 4 * grid[:, 1] + (surface.shade < 0.99) + (surface.shade < 0.85)
    out: Ints = _coarse(surface.canon, grid, surface.faces, once)
    return out


def take(surface: Surface, vertices: NDArray[Any]) -> Surface:
    """Some vertices with all they carry; faces are left as they are."""
    return replace(surface, **{n: value[vertices] for n in _NAMES if (value := getattr(surface, n)) is not None})


def subdivide(surface: Surface) -> Surface:
    """Every triangle becomes four."""
    faces = surface.faces
    first, second, place = _edges_once(_sides(faces), len(surface))
    both = _appended(surface, first, second, np.full(len(first), 0.5, np.float32))
    ab, bc, ca = (len(surface) + place.reshape(3, -1)).astype(np.int32)
    a, b, c = faces.T
    parts = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return replace(both, faces=np.concatenate([np.stack(p, 1) for p in parts]).astype(np.int32))


def merge(surfaces: Sequence[Surface]) -> Surface:
    """Several surfaces as one; they stay unconnected. Raises ValueError if there is none."""
    if not surfaces:
        raise ValueError("merge needs at least one surface")
    start = np.cumsum([0, *(len(s) for s in surfaces)])
    bare = any(s.special is None for s in surfaces)
    names = [name for name in _NAMES if name != "special" or not bare]
    together = {name: np.concatenate([getattr(s, name) for s in surfaces]) for name in names}
    faces = np.concatenate([s.faces + k for s, k in zip(surfaces, start, strict=False)])
    return Surface(**together, faces=faces.astype(np.int32))


def edges(faces: Ints) -> Ints:
    """(E, 2) every edge of a mesh once, the smaller vertex first."""
    if not len(faces):
        return np.zeros((0, 2), np.int32)
    first, second, _ = _edges_once(_sides(faces), int(faces.max()) + 1)
    return np.stack([first, second], 1).astype(np.int32)


def _sides(faces: Ints) -> Ints:
    """(3 F, 2) the three sides of every face."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def _edges_once(pairs: Ints, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Every edge among `pairs` (N, 2) once, as its lower and its higher vertex, and where each pair is among them."""
    low, high = pairs.min(1).astype(np.int64), pairs.max(1).astype(np.int64)
    key, place = np.unique(low * count + high, return_inverse=True)
    return key // count, key % count, place.reshape(-1)


def _rotated(faces: Ints, inside: NDArray[np.bool_], alone: bool) -> Ints:
    """Faces turned so that their first vertex is the only one that is inside (`alone`) or outside."""
    turn = np.argmax(inside[faces] == alone, axis=1)
    return np.take_along_axis(faces, (np.arange(3) + turn[:, None]) % 3, axis=1)


def _appended(surface: Surface, a: NDArray[Any], b: NDArray[Any], t: Floats) -> Surface:
    """The surface with new vertices at share `t` of the way from `a` to `b` behind the old ones; faces unchanged."""
    t = t.astype(np.float32)
    out: dict[str, Any] = {}
    for name in _COLUMNS:
        value = getattr(surface, name)
        if value is None:
            continue
        share = t if value.ndim == 1 else t[:, None]
        out[name] = np.concatenate([value, value[a] * (1 - share) + value[b] * share])
    index = np.stack([surface.bone_index[a], surface.bone_index[b]], 1)
    weight = np.stack([surface.bone_weight[a] * (1 - t[:, None]), surface.bone_weight[b] * t[:, None]], 1)
    new_index, new_weight = _strongest(index, weight)
    out["bone_index"] = np.concatenate([surface.bone_index, new_index])
    out["bone_weight"] = np.concatenate([surface.bone_weight, new_weight])
    return Surface(**out, faces=surface.faces)


def _strongest(index: NDArray[np.uint8], weight: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """(V, K, 4) bones and weights summed by bone, the four strongest kept and their weights made to sum to 1."""
    many = index.shape[1] * index.shape[2]
    flat_index, flat_weight = index.reshape(len(index), many), weight.reshape(len(weight), many)
    strongest: tuple[NDArray[np.uint8], Floats] = _strongest_of(
        np.ascontiguousarray(flat_index), np.ascontiguousarray(flat_weight, np.float32)
    )
    return strongest


@cache
def _whole_tree(body: BodyModel) -> tuple[Any, NDArray[np.int64]]:
    vertices = np.unique(body.faces["body"]).astype(np.int64)
    return cKDTree(body.canon[vertices]), vertices


def _tree(body: BodyModel, among: NDArray[np.bool_] | None) -> tuple[Any, NDArray[np.int64]]:
    if among is None:
        return _whole_tree(body)
    return _some_tree(body, among.tobytes())


@cache
def _some_tree(body: BodyModel, among: bytes) -> tuple[Any, NDArray[np.int64]]:
    whole = _whole_tree(body)[1]
    vertices = whole[np.frombuffer(among, np.bool_)[whole]]
    return cKDTree(body.canon[vertices]), vertices


@njit(cache=True)
def _coarse(canon: Any, grid: Any, faces: Any, once: Any) -> Any:
    count, many = len(canon), len(faces)
    size = 16
    while size < 2 * max(count, many if once else 0):
        size *= 2
    # Open addressing, twice as many slots as there can be entries.
    slots, kept = np.full(size, -1, np.int32), np.empty(count, np.int32)
    for v in range(count):
        x, y, z = grid[v, 0], grid[v, 1], grid[v, 2]
        at = (x * 73856093 ^ y * 19349663 ^ z * 83492791) & (size - 1)
        while slots[at] >= 0:
            o = slots[at]
            if grid[o, 0] == x and grid[o, 1] == y and grid[o, 2] == z:
                break
            at = (at + 1) & (size - 1)
        if slots[at] < 0:
            slots[at] = v
        kept[v] = slots[at]
    if once:
        total, number = np.zeros((count, 3), np.float32), np.zeros(count, np.float32)
        for v in range(count):
            number[kept[v]] += 1
            for i in range(3):
                total[kept[v], i] += canon[v, i]
        best, closest = np.full(count, np.float32(1e9), np.float32), np.arange(count).astype(np.int32)
        for v in range(count):
            far = np.float32(0)
            for i in range(3):
                far += (canon[v, i] - total[kept[v], i] / number[kept[v]]) ** 2
            if far < best[kept[v]]:
                best[kept[v]], closest[kept[v]] = far, v
        for v in range(count):
            kept[v] = closest[kept[v]]
        slots[:] = -1
    out, new = np.empty((many, 3), np.int32), 0
    for f in range(many):
        a, b, c = kept[faces[f, 0]], kept[faces[f, 1]], kept[faces[f, 2]]
        if a in (b, c) or b == c:
            continue
        out[new, 0], out[new, 1], out[new, 2] = a, b, c
        if once:
            if _turned_over(canon, faces[f, 0], faces[f, 1], faces[f, 2], a, b, c):
                out[new, 1], out[new, 2] = c, b
            # Turned so that the smallest vertex comes first: the same face the other way round is another one.
            while out[new, 0] > min(a, b, c):
                out[new, 0], out[new, 1], out[new, 2] = out[new, 1], out[new, 2], out[new, 0]
            a, b, c = out[new, 0], out[new, 1], out[new, 2]
            at = (a * 73856093 ^ b * 19349663 ^ c * 83492791) & (size - 1)
            while slots[at] >= 0:
                o = slots[at]
                if out[o, 0] == a and out[o, 1] == b and out[o, 2] == c:
                    break
                at = (at + 1) & (size - 1)
            if slots[at] >= 0:
                continue
            slots[at] = new
        new += 1
    return out[:new].copy()


@njit(cache=True)
def _turned_over(place: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """Whether the triangle d e f looks away from where the triangle a b c looks."""
    total = np.float32(0)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        first = (place[b, j] - place[a, j]) * (place[c, k] - place[a, k])
        first -= (place[b, k] - place[a, k]) * (place[c, j] - place[a, j])
        second = (place[e, j] - place[d, j]) * (place[f, k] - place[d, k])
        second -= (place[e, k] - place[d, k]) * (place[f, j] - place[d, j])
        total += first * second
    return total < 0


@njit(cache=True)
def _strongest_of(index: Any, weight: Any) -> Any:
    count, many = index.shape
    new_index = np.zeros((count, 4), np.uint8)
    new_weight = np.zeros((count, 4), np.float32)
    for v in range(count):
        total = np.zeros(256, np.float32)
        for k in range(many):
            total[index[v, k]] += weight[v, k]
        whole = np.float32(0)
        for k in range(4):
            best = 0
            for j in range(many):
                if total[index[v, j]] > total[best]:
                    best = index[v, j]
            new_index[v, k], new_weight[v, k] = best, total[best]
            whole += total[best]
            total[best] = 0
        for k in range(4):
            new_weight[v, k] /= whole
    return new_index, new_weight
