"""Outlines of the mean body and of clothes on it, along which shoes, belts and straps are laid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
from scipy.spatial import ConvexHull, cKDTree

from repose.body.model import Floats, load_body
from repose.body.surface import Ints, normals
from repose.render.mesh import edges
from repose.render.wear.attach import skin_mask
from repose.render.wear.outfits import WornItem
from repose.render.wear.solids import Doubles

UPPER_KINDS: Final = ("top", "coat", "dress", "jumpsuit")


def cloth_room(garments: Sequence[WornItem], kinds: Sequence[str], share: float) -> float:
    """Metres of cloth over the skin: each layer, and `share` of the widest ease; in steps of 5 mm."""
    ease = [float(g.cut.get("ease", 0.01)) for g in garments if g.kind in kinds]
    return round((0.010 * len(ease) + share * max(ease, default=0.0)) / 0.005) * 0.005


def widest_ease(garments: Sequence[WornItem]) -> float:
    """How wide the widest thing on the trunk is cut, metres, in steps of 1 cm."""
    return round(max([float(g.cut.get("ease", 0.01)) for g in garments if g.kind in UPPER_KINDS], default=0.0), 2)


def outline(points: Doubles, margin: float, harmonics: int = 9) -> Doubles:
    """(192, 2) smooth convex curve round 2D points, at least about `margin` metres from them."""
    hull = points[ConvexHull(points).vertices]
    middle = (hull.min(0) + hull.max(0)) / 2
    angle = np.arange(192) * 2 * math.pi / 192
    normal = np.stack([np.cos(angle), np.sin(angle)], 1)
    support = ((hull - middle) @ normal.T).max(0)
    spectrum = np.fft.rfft(support)
    order = np.arange(len(spectrum))
    spectrum *= np.exp(-((order / harmonics) ** 2))  # a positive kernel: the curve stays convex
    smooth = np.fft.irfft(spectrum, 192)
    smooth += margin + max(0.0, 0.35 * float((support - smooth).max()))
    slope = np.fft.irfft(np.fft.rfft(smooth) * 1j * order, 192)
    curve: Doubles = middle + smooth[:, None] * normal + slope[:, None] * np.stack([-normal[:, 1], normal[:, 0]], 1)
    return curve


def evenly_round(curve: Doubles, count: int, start: float = math.pi / 2) -> Doubles:
    """(count, 2) points of a closed convex curve at even angles round its middle, clockwise from `start`."""
    middle = (curve.min(0) + curve.max(0)) / 2
    turn = np.unwrap(np.arctan2(curve[:, 1] - middle[1], curve[:, 0] - middle[0]))
    radius = np.linalg.norm(curve - middle, axis=1)
    if turn[-1] < turn[0]:
        turn, radius = turn[::-1], radius[::-1]
    angle = start - np.arange(count) * 2 * math.pi / count
    r = np.interp((angle - turn[0]) % (2 * math.pi), turn - turn[0], radius, period=2 * math.pi)
    out: Doubles = middle + r[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return out


@cache
def _edges_of(mask: str) -> Ints:
    """(E, 2) edges of the mean body inside a mask."""
    body = load_body()
    faces = body.faces["body"].astype(np.int32)
    return edges(faces[skin_mask(body, mask)[faces].all(1)])


def cross_section(mask: str, origin: Sequence[float], normal: Sequence[float]) -> Doubles:
    """(N, 3) where the plane crosses the edges of the mean body inside `mask`."""
    canon, pairs = load_body().canon.astype(np.float64), _edges_of(mask)
    height = (canon - np.asarray(origin)) @ np.asarray(normal)
    a, b = pairs[height[pairs[:, 0]] * height[pairs[:, 1]] < 0].T
    t = (height[a] / (height[a] - height[b]))[:, None]
    out: Doubles = canon[a] * (1 - t) + canon[b] * t
    return out


@cache
def part_normals(part: str) -> tuple[Any, Floats, Floats]:
    """A tree of the vertices of a part of the skin (see `skin_mask`) in canon space, their places and normals."""
    body = load_body()
    chosen = skin_mask(body, part)
    out = normals(body.canon, body.faces["body"].astype(np.int32))
    return cKDTree(body.canon[chosen]), body.canon[chosen], out[chosen]


def snapped(path: Doubles, off: float) -> tuple[Doubles, Doubles]:
    """A path, (N, 3), laid on the trunk `off` metres away from the skin, and the skin's normals there."""
    tree, place, normal = part_normals("trunk")
    out = np.zeros_like(path)
    for _ in range(5):
        near = tree.query(path, k=12)[1]
        out = normal[near].mean(1).astype(np.float64)
        out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
        lift = (((path[:, None] - place[near]) * out[:, None]).sum(-1)).mean(1)
        path = path + (off - lift)[:, None] * out
        path[1:-1] = 0.5 * path[1:-1] + 0.25 * (path[:-2] + path[2:])
    return path, out


@lru_cache(maxsize=16)
def _hung_radius(ease: float) -> tuple[Doubles, Doubles]:
    """(L,) canon heights downwards and (L, 64) how far from (0, -0.03) a garment hangs, by angle: straight down from
    the chest if it is wide, with the body if it is tight."""
    slope = float(np.interp(ease, [0.002, 0.01, 0.02, 0.04], [0.75, 0.30, 0.12, 0.02]))
    levels = np.arange(0.56, 0.0, -0.04)
    wide: list[Doubles] = []
    for k, z in enumerate(levels):
        cut = cross_section("trunk", (0, 0, z), (0, 0, 1))[:, :2] - [0, -0.03]
        curve = outline(cut, 0.0)
        turn = np.arctan2(curve[:, 1], curve[:, 0])
        order = np.argsort(turn)
        angle = -math.pi + np.arange(64) * 2 * math.pi / 64
        own = np.interp(angle, turn[order], np.linalg.norm(curve, axis=1)[order], period=2 * math.pi)
        wide.append(np.maximum(own, wide[-1] - slope * 0.04) if k > 2 else own)
    return levels, np.stack(wide) + 0.85 * ease


def over_clothes(path: Doubles, ease: float, off: float) -> Doubles:
    """The points of a path moved outwards, level, to `off` metres outside a garment of this ease."""
    levels, wide = _hung_radius(ease)
    flat = path[:, :2] - [0, -0.03]
    radius = np.linalg.norm(flat, axis=1)
    row = np.clip((levels[0] - path[:, 2]) / 0.04, 0, len(levels) - 1.001)
    column = (np.arctan2(flat[:, 1], flat[:, 0]) + math.pi) / (2 * math.pi) * 64
    i, j = row.astype(int), column.astype(int)
    f, g = row - i, column - j
    low, high = (wide[k, j % 64] * (1 - g) + wide[k, (j + 1) % 64] * g for k in (i, i + 1))
    need = low * (1 - f) + high * f + off
    share = np.clip((0.58 - path[:, 2]) / 0.05, 0, 1)
    grow = 1 + share * np.clip(need / radius - 1, 0, 0.6)
    out: Doubles = np.concatenate([flat * grow[:, None] + [0, -0.03], path[:, 2:]], 1)
    return out
