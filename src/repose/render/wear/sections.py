"""Cross-sections of a person: convex outlines along the trunk and the limbs, of the body and of what is worn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from repose.body.model import BodyModel, Floats
from repose.render.wear.cuts import armness

_FLAPS: Final = 48  # directions in which a cross-section is measured
_TURN: Final = (np.arange(_FLAPS) * 2 * np.pi / _FLAPS).astype(np.float32)
# Canon z of the trunk's levels; arm and leg levels are positions along the limb.
_TRUNK_LEVELS: Final = np.arange(-0.80, 0.601, 0.025, dtype=np.float32)
_LEG_LEVELS: Final = np.arange(0.15, 2.151, 0.05, dtype=np.float32)
_ARM_LEVELS: Final = np.arange(0.10, 2.151, 0.08, dtype=np.float32)


@dataclass(frozen=True)
class Sections:
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


def trunk_sections(body: BodyModel, vertices: Floats, more: Sequence[tuple[Floats, Floats]]) -> Sections:
    """Level sections of the trunk.

    Args:
        body, vertices: the person, (V_body, 3) at rest. more: places (N, 3) and canon z (N,) of what is worn below.
    """
    members, level = _trunk_members(body)
    points = vertices[members]
    centre = _means(points, level, _TRUNK_LEVELS)
    centre[:, 0] = 0
    centre[:, :2] = smoothed_sections(centre[:, :2], 2)
    count = len(_TRUNK_LEVELS)
    up, left, back = (np.broadcast_to(np.eye(3, dtype=np.float32)[k], (count, 3)) for k in (2, 0, 1))
    points, level = _joined(points, level, more)
    return _measured(_TRUNK_LEVELS, centre, up, left, back, points, level)


def limb_sections(
    body: BodyModel, vertices: Floats, column: int, left: bool, more: Sequence[tuple[Floats, Floats]]
) -> Sections:
    """Sections across an arm (column 0) or a leg (column 1).

    Args:
        body, vertices: the person, (V_body, 3) at rest. column, left: which limb.
        more: places (N, 3) and positions along the limb (N,) of what is worn below.
    """
    members, level = limb_members(body, column, left)
    levels = (_ARM_LEVELS, _LEG_LEVELS)[column]
    points = vertices[members]
    shaft = level < 1.8  # heels and thumbs would bend the axis
    centre = smoothed_sections(_means(points[shaft], level[shaft], levels), 1)
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


@cache
def _trunk_members(body: BodyModel) -> tuple[NDArray[np.int64], Floats]:
    """Vertices of the skin that the trunk's sections run round, and their canon z."""
    skin = np.unique(body.faces["body"]).astype(np.int64)
    attributes = body.attributes[skin].astype(np.float32)
    keep = (attributes[:, 2] < 0.05) & (attributes[:, 4] < 0.5) & (attributes[:, 5] < 0.5)
    keep &= armness(body.canon[skin]) < 0.5
    return skin[keep], body.canon[skin[keep], 2]


@cache
def limb_members(body: BodyModel, column: int, left: bool) -> tuple[NDArray[np.int64], Floats]:
    """Vertices of one arm (column 0) or leg (1) and their position along it."""
    skin = np.unique(body.faces["body"]).astype(np.int64)
    attributes = body.attributes[skin].astype(np.float32)
    keep = (body.canon[skin, 0] > 0) == left
    if column == 0:
        keep &= (armness(body.canon[skin]) > 0.5) & (attributes[:, 0] > 0) & (attributes[:, 0] < 2.2)
    else:
        keep &= (attributes[:, 3] > 0.5) & (attributes[:, 5] < 0.3)
    return skin[keep], attributes[keep, column]


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


def smoothed_sections(values: NDArray[Any], rounds: int) -> Floats:
    """(K, ...) smoothed along its first axis; straight lines stay straight."""
    for _ in range(rounds):
        wide = np.concatenate([2 * values[:1] - values[1:2], values, 2 * values[-1:] - values[-2:-1]])
        values = 0.25 * wide[:-2] + 0.5 * wide[1:-1] + 0.25 * wide[2:]
    out: Floats = values.astype(np.float32)
    return out


def _measured(
    levels: Floats, centre: Floats, along: Floats, first: Floats, second: Floats, points: Floats, level: Floats
) -> Sections:
    place = ((level - levels[0]) / (levels[1] - levels[0])).astype(np.float32)
    f, s = np.ascontiguousarray(first, np.float32), np.ascontiguousarray(second, np.float32)
    support = _supports(points.astype(np.float32), place, centre.astype(np.float32), f, s, np.cos(_TURN), np.sin(_TURN))
    empty = support.max(1) < -1e8
    full = np.nonzero(~empty)[0]
    nearest = full[np.abs(np.arange(len(levels))[:, None] - full).argmin(1)]
    support = support[nearest]
    apart = np.linalg.norm(np.diff(centre, axis=0, prepend=centre[:1]), axis=1)
    return Sections(levels, centre, np.ascontiguousarray(along, np.float32), f, s, support, apart.astype(np.float32))


def hung(sections: Sections, support: Floats, slope: float, down: bool, begin: float = -9.0) -> Floats:
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


def on_sections(sections: Sections, support: Floats, level: Floats, angle: Floats) -> Floats:
    """(V, 3) the points of a hull at levels and angles."""
    step = sections.levels[1] - sections.levels[0]
    place = np.clip((level - sections.levels[0]) / step, 0, len(sections.levels) - 1.001).astype(np.float32)
    out: Floats = _hull_points(
        place, angle.astype(np.float32), sections.centre, sections.first, sections.second,
        support.astype(np.float32), np.cos(_TURN), np.sin(_TURN),
    )  # fmt: skip
    return out


def drawn_to(sections: Sections, support: Floats, level: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Points moved within their sections onto the hull; and their angles."""
    step = sections.levels[1] - sections.levels[0]
    place = np.clip((level - sections.levels[0]) / step, 0, len(sections.levels) - 1.001).astype(np.float32)
    low = place.astype(np.int64)
    t = (place - low)[:, None]
    axes = (sections.centre, sections.along, sections.first, sections.second)
    centre, along, first, second = (a[low] * (1 - t) + a[low + 1] * t for a in axes)
    off = points - centre
    angle = np.arctan2((off * second).sum(1), (off * first).sum(1)).astype(np.float32)
    hull = on_sections(sections, support, level, angle)
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
