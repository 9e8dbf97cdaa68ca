"""Shoes, boots, sandals and socks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

import numpy as np

from repose.body.model import BodyModel, Floats, Shape, load_body
from repose.body.surface import Ints
from repose.render.pieces import Piece
from repose.render.wear.attach import LABELS, CanonMesh, carry, make_mesh, skin_mask
from repose.render.wear.contours import cross_section, evenly_round, outline, part_normals
from repose.render.wear.outfits import WornItem
from repose.render.wear.solids import Doubles, Grid, cut_mesh, joined, lofted, mirrored, ribbon

_GROUND: Final = -0.8185  # canon z of the soles
_AROUND: Final = 24  # points round a shoe
_PIVOT: Final = (-0.075, -0.700)  # canon y, z before the ankle, about which the sections of a shoe turn


@dataclass(frozen=True)
class _Last:
    """The volume of a shoe. margin: metres off the skin. tip: metres the toe reaches beyond the toes. point: 0 round to
    1 pointed toe. box: metres of room above the toes. shaft: canon z where it ends."""

    margin: float
    tip: float
    point: float
    box: float
    shaft: float


_LASTS: Final = {
    "sneaker": _Last(0.006, 0.012, 0.0, 0.004, -0.700),
    "high sneaker": _Last(0.006, 0.012, 0.0, 0.004, -0.68),
    "boot": _Last(0.008, 0.014, 0.0, 0.005, -0.62),
    "pump": _Last(0.003, 0.018, 1.0, 0.000, -0.715),
    "loafer": _Last(0.005, 0.012, 0.2, 0.001, -0.715),
    "sock": _Last(0.0025, 0.002, 0.0, 0.000, -0.62),
}
_HIGH: Final = ("boot", "high sneaker")
_LACED: Final = ("sneaker", "high sneaker", "boot")


def make_shoes(
    body: BodyModel, shape: Shape, garment: WornItem, others: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    """Both shoes with their soles, and (V_body,) above 0 where they cover the skin. Raises KeyError: no such style."""
    cut = garment.cut
    style, thick = str(cut.get("style", "sneaker")), round(float(cut.get("sole", 0.015)), 3)
    if style == "sandal":
        return _sandals(body, shape, garment, thick)
    if style not in _LASTS or style == "sock":
        raise KeyError(f"no such shoes: {style}")
    top = float(cut.get("top", 1.75 if style == "boot" else 1.96))
    if style == "pump":
        thick = min(thick, 0.03)  # the foot stays flat: a higher heel would be a platform
    legs = [g.cut for g in others if g.kind in ("trousers", "jumpsuit")]
    if style == "boot" and any(float(c.get("end", 2)) > 1.9 and float(c.get("ease", 0)) > 0.005 for c in legs):
        top = max(top, 1.86)  # the shaft is under the trousers: nothing of it may come through
    if style == "sneaker" and top < 1.9:
        style = "high sneaker"
    high = style in _HIGH
    shaft = round(_level(min(top, 1.86)), 2) if high else 0.0
    upper, sole = _shoe_meshes(style, shaft, thick)
    pieces = [
        Piece("shoes", carry(upper, body, shape), garment.fabric, LABELS["shoes"], double=True, kind="leather"),
        Piece("sole", carry(sole, body, shape), garment.fabric, LABELS["shoes"], kind="leather"),
    ]
    canon = body.canon.astype(np.float64)
    below = shaft - canon[:, 2] if high else np.minimum(_top_line(style, canon), -0.70 - canon[:, 2])
    return pieces, _leg_only(body, below - 0.012)


def _sandals(body: BodyModel, shape: Shape, garment: WornItem, thick: float) -> tuple[list[Piece], None]:
    """A sole, and straps that lie on the foot."""
    straps, sole = (carry(m, body, shape) for m in (_strap_mesh(), _sandal_sole(thick)))
    return [
        Piece("shoes", straps, garment.fabric, LABELS["shoes"], double=True, kind="leather"),
        Piece("sole", sole, garment.fabric, LABELS["shoes"], kind="leather"),
    ], None


def make_socks(
    body: BodyModel, shape: Shape, garment: WornItem, _: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    """Both socks, and (V_body,) above 0 where they cover the skin."""
    shaft = round(_level(min(float(garment.cut.get("top", 1.8)), 1.9)), 2)
    surface = carry(_sock_mesh(shaft), body, shape)
    piece = Piece("socks", surface, garment.fabric, LABELS["socks"], double=True)
    return [piece], _leg_only(body, shaft - 0.015 - body.canon[:, 2].astype(np.float64))


def _level(along: float) -> float:
    """Canon z of a position along the lower leg."""
    return -0.30 - 0.44 * (along - 1)


def _leg_only(body: BodyModel, field: Doubles) -> Floats:
    """A field that is kept on lower legs and feet and -1 elsewhere."""
    return np.where(body.canon[:, 2] < -0.25, field, -1.0).astype(np.float32)


@lru_cache(maxsize=64)
def _shoe_meshes(style: str, shaft: float, sole: float) -> tuple[CanonMesh, CanonMesh]:
    """Both shoes without, and both soles with laces."""
    last = _LASTS[style]
    if style in _HIGH:
        last = replace(last, shaft=shaft)
    grid = _upper(last)
    points, faces = lofted(grid, last=False)
    points, faces = cut_mesh(points, faces, _top_line(style, points))
    shade = _shoe_shade(style, points)
    parts = [_sole(last, style, sole)]
    if style in _LACED and shaft < 0.1 and not -0.5 < shaft < -0.1:  # tall boots have a zip
        parts += _laces(grid, style)
    whole = joined([(points, faces), mirrored((points, faces))])
    under = joined([p for part in parts for p in (part, mirrored(part))])
    return _foot_mesh(*whole, np.concatenate([shade, shade])), _foot_mesh(*under, None)


def _foot_mesh(points: Doubles, faces: Ints, shade: Doubles | None) -> CanonMesh:
    """Feet follow the map of each foot, the leg above the ankle its skin."""
    solid = np.clip((-0.665 - points[:, 2]) / 0.05, 0, 1)
    left = points[:, 0] > 0
    return make_mesh(points, faces, shade, fits=("foot.L", "foot.R"), weight=np.stack([solid * left, solid * ~left]))


@cache
def _sole_line(margin: float, tip: float, point: float) -> Doubles:
    """(192, 2) the left sole seen from above, x and y."""
    body = load_body()
    foot = body.canon[skin_mask(body, "foot.L")].astype(np.float64)
    flat = foot[foot[:, 2] < -0.755][:, :2]
    end = [[0.186 + dx, flat[:, 1].min() - tip] for dx in ((-0.014, 0.014) if point < 0.5 else (-0.003, 0.003))]
    return outline(np.concatenate([flat, end]), margin, 12)


def _width_at(line: Doubles, y: float) -> tuple[float, float]:
    """The lowest and highest x of a sole at canon y."""
    near = line[np.abs(line[:, 1] - y) < 0.006]
    if not len(near):
        near = line[[int(np.abs(line[:, 1] - y).argmin())]]
    inner: list[float] = []
    outer: list[float] = []
    for k in range(len(line)):
        p, q = line[k], line[(k + 1) % len(line)]
        if (p[1] - y) * (q[1] - y) <= 0 and p[1] != q[1]:
            x = p[0] + (q[0] - p[0]) * (y - p[1]) / (q[1] - p[1])
            (inner if x < line[:, 0].mean() else outer).append(x)
    return (min(inner) if inner else near[:, 0].min()), (max(outer) if outer else near[:, 0].max())


@lru_cache(maxsize=64)
def _upper(last: _Last) -> Grid:
    """Rings of the left shoe from toe to the end of its shaft, (rows, _AROUND, 3)."""
    line = _sole_line(last.margin, last.tip, last.point)
    tip = line[:, 1].min()
    rings = [_toe_ring(line, last, y, tip) for y in _toe_rows(tip)]
    for y in (-0.145, -0.125, -0.108, -0.09, _PIVOT[0]):
        cut = cross_section("foot.L", (0, y, 0), (0, 1, 0))
        cut = cut[cut[:, 2] < _PIVOT[1] + 0.004][:, [0, 2]]
        flat = evenly_round(outline(cut, last.margin), _AROUND)
        ring = np.stack([flat[:, 0], np.full(_AROUND, y), flat[:, 1]], 1)
        toe = _toe_ring(line, last, y, tip)
        rings.append(ring + (toe - ring) * np.clip((-0.10 - y) / 0.05, 0, 1))
    rings += [_fan_ring(last, math.radians(beta)) for beta in (15, 30, 45, 60, 75, 90)]
    tall = max(last.shaft - _PIVOT[1], 0.0)
    steps = max(1, round(tall / 0.05)) if tall > 0.004 else 0
    rings += [_shaft_ring(last, _PIVOT[1] + tall * (k + 1) / steps) for k in range(steps)]
    grid = np.stack(rings)
    for _ in range(3):  # smooth along the shoe and round its hind part, but outside the foot
        grid[2:-1] = 0.5 * grid[2:-1] + 0.25 * (grid[1:-2] + grid[3:])
        hind = grid[10:]
        grid[10:] = 0.6 * hind + 0.2 * (np.roll(hind, 1, 1) + np.roll(hind, -1, 1))
        grid = _off_skin(grid, last.margin)
    grid[..., 2] = np.maximum(grid[..., 2], _GROUND - 0.001)
    return grid


def _off_skin(grid: Grid, margin: float) -> Grid:
    """The points pushed out where they lie less than `margin` metres from the skin of the left foot."""
    tree, place, normal = part_normals("lower leg.L")
    points = grid.reshape(-1, 3)
    for _ in range(2):
        near = tree.query(points, k=8)[1]
        lift = ((points[:, None] - place[near]) * normal[near]).sum(-1).mean(1)
        out = normal[near].mean(1)
        out[:, 2] = 0
        out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
        # Not at the toes, which point everywhere, nor below the foot, where the sole is.
        share = np.clip((points[:, 1] + 0.12) / 0.04, 0, 1) * np.clip((points[:, 2] + 0.812) / 0.012, 0, 1)
        points = points + (share * np.clip(margin - lift, 0, 0.01))[:, None] * out
    return points.reshape(grid.shape)


def _toe_rows(tip: float) -> list[float]:
    share = np.array([0.015, 0.1, 0.26, 0.48, 0.72, 1.0])
    return list(tip + (-0.165 - tip) * share)


def _toe_ring(line: Doubles, last: _Last, y: float, tip: float) -> Doubles:
    """A section of the toe box: as wide as the sole, round above and flat below."""
    low, high = _width_at(line, y)
    top = np.interp(y, [-0.20, -0.16, -0.12, -0.10], [-0.790, -0.778, -0.763, -0.757]) + last.margin + last.box
    reach = 0.05
    bow = math.sqrt(max(0.0, 1 - max(0.0, (tip + reach - y) / reach) ** 2.2))
    spring = 0.010 * max(0.0, (-0.17 - y) / 0.06) ** 2  # soles bend up at the toes
    base = _GROUND + spring
    tall = max(0.004, (top - _GROUND) * (0.28 + 0.72 * bow) * (0.35 + 0.65 * min(1.0, (y - tip) / 0.012)) - spring)
    angle = math.pi / 2 - np.arange(_AROUND) * 2 * math.pi / _AROUND
    c, s = np.cos(angle), np.sin(angle)
    x = (low + high) / 2 + (high - low) / 2 * np.sign(c) * np.abs(c) ** 0.75
    z = base + tall * 0.42 + np.where(s > 0, 0.58, 0.42) * tall * np.sign(s) * np.abs(s) ** np.where(s > 0, 0.9, 0.5)
    return np.stack([x, np.full(_AROUND, y), z], 1)


def _fan_ring(last: _Last, beta: float) -> Doubles:
    """A section by a plane through the front of the ankle, `beta` from upright (0) to level (pi / 2)."""
    up = np.array([0.0, -math.sin(beta), math.cos(beta)])
    origin = np.array([0.0, *_PIVOT])
    cut = cross_section("lower leg.L", tuple(origin), (0, math.cos(beta), math.sin(beta)))
    tall = (cut - origin) @ up
    cut = cut[(tall < 0.004) & (cut[:, 2] < -0.6)]
    flat = evenly_round(outline(np.stack([cut[:, 0], (cut - origin) @ up], 1), last.margin), _AROUND)
    ring: Doubles = flat[:, :1] * [1, 0, 0] + origin + flat[:, 1:] * up
    return ring


def _shaft_ring(last: _Last, z: float) -> Doubles:
    """A level section of the leg; the front is its first point."""
    cut = cross_section("lower leg.L", (0, 0, z), (0, 0, 1))
    flat = evenly_round(outline(np.stack([cut[:, 0], -cut[:, 1]], 1), last.margin + 0.001), _AROUND)
    return np.stack([flat[:, 0], -flat[:, 1], np.full(_AROUND, z)], 1)


def _top_line(style: str, points: Doubles) -> Doubles:
    """(V,) metres that points of an upper lie below the edge of its opening."""
    y, z = points[:, 1], points[:, 2]
    if style == "pump":
        edge = np.interp(
            y, [-0.175, -0.155, -0.135, -0.05, 0.02, 0.06], [-0.70, -0.755, -0.790, -0.788, -0.762, -0.752]
        )
    elif style == "loafer":
        edge = np.interp(
            y, [-0.135, -0.118, -0.095, -0.03, 0.03, 0.06], [-0.65, -0.735, -0.757, -0.764, -0.748, -0.742]
        )
    elif style == "sneaker":
        edge = np.interp(y, [-0.10, -0.07, -0.04, 0.0, 0.03, 0.06], [-0.66, -0.700, -0.728, -0.738, -0.728, -0.718])
    else:
        return np.full(len(points), 1.0)
    out: Doubles = edge - z
    return out


def _shoe_shade(style: str, points: Doubles) -> Doubles:
    """(V,) seams, toe cap and heel counter a little darker."""
    y, z = points[:, 1], points[:, 2]
    shade = np.ones(len(points))
    if style.endswith("sneaker"):
        shade *= np.where((y < -0.178) & (z < -0.775), 0.86, 1.0) * np.where(y > 0.028, 0.86, 1.0)
    if style == "boot":
        shade *= np.where(y < -0.165, 0.88, 1.0)
    if style == "loafer":
        shade *= np.where((np.abs(y + 0.135) < 0.014) & (z > -0.79), 0.72, 1.0)
    return shade * (0.9 + 0.1 * np.clip((z + 0.815) / 0.03, 0, 1))


def _sole(last: _Last, style: str, thick: float) -> tuple[Doubles, Ints]:
    """The left sole: a slab with a rounded edge, bent up at the toes, hollow below the arch where there is a heel."""
    style = style.removeprefix("high ")
    edge = {"sneaker": 0.003, "boot": 0.003, "pump": 0.0005, "sandal": 0.001}.get(style, 0.002)
    wall = {"sneaker": 0.010, "boot": 0.006, "sandal": 0.000}.get(style, 0.003)
    line = _sole_line(last.margin + edge, last.tip, last.point)[::6]
    middle = line.mean(0)
    rear = np.clip((line[:, 1] + 0.02) / 0.06, 0, 1)
    line = line - (line - middle) * rear[:, None] * ([0.12, 0.045] if style in ("sneaker", "boot") else [0.17, 0.06])
    spring = 0.010 * np.clip((-0.17 - line[:, 1]) / 0.06, 0, None) ** 2
    low = np.full(len(line), _GROUND - thick)
    if style in ("pump", "boot", "loafer"):  # a heel: the arch is higher than heel and ball
        gap = np.clip(np.minimum((line[:, 1] + 0.105) / 0.03, (-0.012 - line[:, 1]) / 0.006), 0, 1)
        low += (thick - 0.004) * gap
    top = _GROUND + wall + spring + (0.0 if style == "sandal" else 0.010) * rear  # it cups the heel
    rings = [
        np.stack([*((line - middle) * 0.93 + middle).T, top], 1),
        np.stack([*line.T, top - 0.001], 1),
        np.stack([*((line - middle) * 1.012 + middle).T, (top + low) / 2], 1),
        np.stack([*((line - middle) * 0.995 + middle).T, low + spring], 1),
    ]
    return lofted(np.stack(rings))


def _laces(grid: Grid, style: str) -> list[tuple[Doubles, Ints]]:
    """Bands across the instep of the left shoe, one for each ring there."""
    rows = [6, 7, 8, 9, 10, 11] if style == "sneaker" else [7, 8, 9, 10, 11, 12, 13, 14, 16, 17]
    out = []
    middle = grid.mean(1)
    for row in rows:
        if row >= len(grid):
            continue
        half = grid[row][[-3, -2, -1, 0, 1, 2, 3]]
        share = np.linspace(0.12, 0.88, 7)
        path = np.stack([np.interp(share, np.linspace(0, 1, 7), half[:, k]) for k in range(3)], 1)
        away = path - middle[row]
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        out.append(ribbon(path + away * 0.0005, away, 0.006, 0.0025))
    return out


@lru_cache(maxsize=16)
def _sandal_sole(thick: float) -> CanonMesh:
    part = _sole(_Last(0.003, 0.006, 0.0, 0.0, -0.7), "sandal", thick)
    return _foot_mesh(*joined([part, mirrored(part)]), None)


@cache
def _strap_mesh() -> CanonMesh:
    """Two straps over the front of the foot and one round the ankle."""
    parts = []
    for y, z, lean, width in ((-0.150, -0.79, 0.25, 0.024), (-0.098, -0.77, -0.45, 0.018)):
        up = np.array([0.0, -lean, 1.0]) / math.hypot(lean, 1.0)
        origin = np.array([0.0, y, z])
        cut = cross_section("foot.L", (0, y, z), (0, up[2], -up[1]))
        flat = evenly_round(outline(np.stack([cut[:, 0], (cut - origin) @ up], 1), 0.001, 10), 40)
        flat = np.roll(flat, 13, 0)[:27]  # from one edge of the sole over the foot to the other
        path = flat[:, :1] * [1, 0, 0] + origin + flat[:, 1:] * up
        parts.append(ribbon(path, _away(flat, up), width, 0.0025))
    up, origin = np.array([0.0, -0.953, 0.302]), np.array([0, 0.0, -0.715])
    cut = cross_section("lower leg.L", tuple(origin), (0, up[2], -up[1]))
    cut = cut[cut[:, 2] < -0.6]
    flat = evenly_round(outline(np.stack([cut[:, 0], (cut - origin) @ up], 1), 0.001, 10), 33)
    flat = np.concatenate([flat, flat[:1]])
    path = flat[:, :1] * [1, 0, 0] + origin + flat[:, 1:] * up
    parts.append(ribbon(path, _away(flat, up), 0.014, 0.0025))
    left = joined(parts)
    return _foot_mesh(*joined([left, mirrored(left)]), None)


def _away(flat: Doubles, up: Doubles) -> Doubles:
    """(N, 3) directions from the middle of a section, (N, 2) in x and `up`, to its points."""
    out = flat - (flat.min(0) + flat.max(0)) / 2
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    both: Doubles = out[:, :1] * [1, 0, 0] + out[:, 1:] * up
    return both


@lru_cache(maxsize=32)
def _sock_mesh(shaft: float) -> CanonMesh:
    grid = _upper(replace(_LASTS["sock"], shaft=shaft))
    part = lofted(grid, last=False)
    shade = np.where(part[0][:, 2] > shaft - 0.025, 0.9, 1.0)
    return _foot_mesh(*joined([part, mirrored(part)]), np.concatenate([shade, shade]))
