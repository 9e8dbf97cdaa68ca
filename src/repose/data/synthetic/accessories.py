"""Things that people wear besides clothes: shoes, socks, hats, glasses, bags, scarves, gloves and belts, as geometry.

Everything is modelled once in canon space and kept (`_Model`); for a person only the places of its vertices are made.
Solid things (hats, glasses, shoes, bags) follow the affine map that carries their part of the mean body onto the
person's, so that they keep smooth outlines; soft things are tied to the nearest points of the skin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

from .body import Body, Floats, Shape, load_body
from .surface import Ints, Piece, Surface, bind, body_surface, clip, edges, normals

if TYPE_CHECKING:
    from .outfits import Garment, Outfit

Doubles = NDArray[np.float64]
Grid = NDArray[np.float64]  # (rows, columns, 3)

_GROUND: Final = -0.8185  # canon z of the soles
_AROUND: Final = 24  # points round a shoe
_PIVOT: Final = (-0.075, -0.700)  # canon y, z before the ankle, about which the sections of a shoe turn
_HEAD: Final = (-0.056, 0.0755, 0.102)  # the skull without ears: canon y of its middle, half its width, half its length
_GRIP: Final = (0.548, -0.290, 0.172)  # canon, where the fingers of the left hand hold something
_LABELS: Final = {"socks": (8, 8), "shoes": (18, 19), "hat": (1, 1), "scarf": (11, 11), "gloves": (3, 3), "bag": (0, 0)}


@dataclass(frozen=True)
class HangingPiece(Piece):
    """A piece that hangs straight down from a bone, whatever way the bone is turned; see `hang`.

    Attributes:
        bone: index of the bone that holds it. pivot: (3,) float32, rest place of the point it hangs from.
        across: (3,) float32, direction at rest, along the length of the thing, that it keeps to as seen from above.
        size: metres: half its depth, half its length, from the pivot down to its bottom.
        solids: what it may not enter: two bones, (2, 3) rest places on them, radius in metres.
    """

    bone: int = 0
    pivot: Floats | None = None
    across: Floats | None = None
    size: tuple[float, float, float] = (0.05, 0.15, 0.3)
    solids: tuple[tuple[int, int, Floats, float], ...] = ()


# --------------------------------------------------------------------------------------------------------------------
# What other modules call


def build_accessories(body: Body, shape: Shape, outfit: Outfit) -> tuple[list[Piece], Floats]:
    """All socks, shoes, hats, glasses, bags, scarves, gloves and belts of an outfit.

    Returns:
        The pieces, inner ones first, and (V_body,) float32, above 0 where they surely cover the skin.

    Raises:
        KeyError: a garment has an unknown style.
    """
    pieces: list[Piece] = []
    hidden = np.full(body.count, -1.0, np.float32)
    garments = list(outfit.garments)
    for garment in garments:
        make = _MAKERS.get(garment.kind)
        if make is None:
            continue
        more, covered = make(body, shape, garment, garments)
        pieces += more
        if covered is not None:
            hidden = np.maximum(hidden, covered)
    return pieces, hidden


def hang(piece: Piece, positions: Floats, transforms: Floats) -> Floats:
    """Let a hanging piece hang; other pieces are returned as they are.

    Args:
        piece: any piece. positions: (V, 3) its posed vertices, metres. transforms: (J, 3, 4) of the pose.
    """
    if not isinstance(piece, HangingPiece) or piece.pivot is None or piece.across is None:
        return positions
    turn, place = transforms[piece.bone, :, :3], transforms[piece.bone, :, 3]
    held = turn @ piece.pivot + place
    # Seen from above, the thing keeps to the hand; where the hand points up or down there, to the pelvis.
    flat = (turn @ piece.across)[:2] + 0.35 * transforms[0, :2, :3] @ piece.across
    rest = piece.across[:2]
    angle = math.atan2(flat[1], flat[0]) - math.atan2(rest[1], rest[0])
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    local = piece.surface.rest - piece.pivot
    out = np.stack([cos * local[:, 0] - sin * local[:, 1], sin * local[:, 0] + cos * local[:, 1], local[:, 2]], 1)
    along = np.array([cos * rest[0] - sin * rest[1], sin * rest[0] + cos * rest[1]])
    push = _clearance(piece, held, along / (np.linalg.norm(along) + 1e-9), transforms)
    out[:, :2] += push * np.clip(-local[:, 2:3] / (0.6 * piece.size[2]), 0, 1)
    placed: Floats = (out + held).astype(np.float32)
    return placed


def hat_of(outfit: Outfit) -> str | None:
    """The style of the hat, None without one."""
    return next((str(g.cut.get("style", "cap")) for g in outfit.garments if g.kind == "hat"), None)


def hat_line(style: str, canon: Floats) -> Floats:
    """(V,) float32 metres by which canon points, (V, 3), lie above the edge of a hat. KeyError: no such hat."""
    if style == "headscarf":
        return np.full(len(canon), 1.0, np.float32)
    low, slope = _HATS[style][:2]
    return (canon[:, 2] - low - slope * (canon[:, 1] - _HEAD[0])).astype(np.float32)


def hair_hidden(outfit: Outfit, canon_points: Floats) -> Floats:
    """(V,) float32, above 0 where a hat covers the hair at `canon_points`, (V, 3); -1 everywhere without a hat."""
    style = hat_of(outfit)
    if style is None:
        return np.full(len(canon_points), -1.0, np.float32)
    return hat_line(style, canon_points) - np.float32(0.006)


# --------------------------------------------------------------------------------------------------------------------
# Models: meshes of canon space, and how they are carried onto a person


@dataclass(frozen=True)
class _Model:
    """A mesh in canon space with everything that does not depend on the person.

    Attributes:
        surface: with canon places as `rest`. near, share: (V, 4) the skin that carries each vertex. fits: names of the
            affine maps used. weight: (len(fits), V) share of each; what is left of 1 follows the skin.
    """

    surface: Surface
    near: NDArray[np.int64]
    share: Floats
    fits: tuple[str, ...]
    weight: Floats


@cache
def _mean_shape(body: Body) -> Shape:
    return body.shape(np.zeros(body.coefficients.shape[1], np.float32))


@cache
def _mask(body: Body, name: str) -> NDArray[np.bool_]:
    """(V_body,) the vertices of the skin that carry a kind of thing."""
    canon, attributes = body.canon, body.attributes.astype(np.float32)
    used: NDArray[np.bool_] = np.zeros(body.count, np.bool_)
    used[np.unique(body.faces["body"])] = True
    arm, foot = attributes[:, 2] > 0.5, attributes[:, 5] > 0.5
    x, z = canon[:, 0], canon[:, 2]
    trunk = ~arm & (z < 0.69) & (np.abs(x) < 0.2)
    kept = {
        "foot.L": foot & (x > 0),
        "foot.R": foot & (x < 0),
        "lower leg.L": (x > 0.04) & (z < -0.2),
        "head": (z > 0.80) & (np.abs(x) < 0.0775),  # without the ears
        "face": (z > 0.80) & (z < 0.88) & (canon[:, 1] < 0.0),
        "trunk": trunk & (z > -0.05),
        "back": trunk & (z > 0.1) & (canon[:, 1] > -0.02),
        "front": ~arm & (z > 0.1) & (z < 0.735) & (np.abs(x) < 0.2),
        "neck": ~arm & (z > 0.5) & (z < 0.735),
        "all": used,
    }
    return used & kept[name]


@cache
def _solver(body: Body, name: str) -> tuple[NDArray[np.intp], Doubles]:
    """Vertices, and the matrix that makes the (4, 3) affine map from the places of these vertices on a person."""
    chosen = np.flatnonzero(_mask(body, name))
    ones = np.concatenate([body.canon[chosen], np.ones((len(chosen), 1))], 1)
    return chosen, np.asarray(np.linalg.pinv(ones.astype(np.float64)), np.float64)


def _affine(body: Body, shape: Shape, name: str) -> Doubles:
    """(4, 3): (canon point, 1) @ it is the point on the person."""
    chosen, solve = _solver(body, name)
    fit: Doubles = solve @ shape.vertices[chosen]
    return fit


def _model(
    canon: Doubles | Floats, faces: Ints, shade: Floats | Doubles | None = None, among: str = "all",
    fits: tuple[str, ...] = (), weight: Floats | Doubles | None = None, rigid: str | None = None,
) -> _Model:  # fmt: skip
    """Prepare a mesh; with `fits` but no `weight` the (only) map carries all of it. `rigid` names its only bone."""
    body = load_body()
    mask = _mask(body, among)
    surface = bind(body, _mean_shape(body), np.ascontiguousarray(canon, np.float32), faces, mask)
    if rigid is not None:
        index, share = np.zeros_like(surface.bone_index), np.zeros_like(surface.bone_weight)
        index[:, 0], share[:, 0] = body.index[rigid], 1
        surface = replace(surface, bone_index=index, bone_weight=share)
    if shade is not None:
        surface = replace(surface, shade=np.asarray(shade, np.float32))
    vertices = np.flatnonzero(mask)
    distance, found = cKDTree(body.canon[vertices]).query(surface.canon, k=4)
    near_share = 1 / (distance + 1e-3) ** 2
    near_share /= near_share.sum(1, keepdims=True)
    if weight is None:
        weight = np.ones((len(fits), len(surface)), np.float32)
    return _Model(surface, vertices[found], near_share.astype(np.float32), fits, weight.astype(np.float32))


def _carry(model: _Model, body: Body, shape: Shape) -> Surface:
    """The model on a person."""
    canon = model.surface.canon
    rest = np.zeros_like(canon)
    bound = 1 - model.weight.sum(0)
    if (bound > 1e-4).any():
        grow = np.float32(abs(np.linalg.det(_affine(body, shape, "trunk")[:3])) ** (1 / 3))
        offset = canon - (body.canon[model.near] * model.share[..., None]).sum(1)
        at = (shape.vertices[model.near] * model.share[..., None]).sum(1)
        rest += bound[:, None] * (at + grow * offset)
    for name, weight in zip(model.fits, model.weight, strict=True):
        fit = _affine(body, shape, name)
        rest += weight[:, None] * (canon @ fit[:3] + fit[3]).astype(np.float32)
    return replace(model.surface, rest=rest.astype(np.float32))


def _closed_faces(rows: int, columns: int, wrap: bool = True) -> Ints:
    """Triangles of a grid of points; its columns close to a ring if `wrap`."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns if wrap else columns - 1), indexing="ij")
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, b, d], -1), np.stack([a, d, c], -1)]).reshape(-1, 3).astype(np.int32)


def _solid(grid: Grid, first: bool = True, last: bool = True) -> tuple[Doubles, Ints]:
    """A tube of rings, (rows, columns, 3), closed by a point amid its first and last ring, faces outwards."""
    rows, columns = grid.shape[:2]
    points = [grid.reshape(-1, 3)]
    faces = [_closed_faces(rows, columns)]
    ring = np.arange(columns)
    for wanted, row in ((first, 0), (last, rows - 1)):
        if wanted:
            middle = sum(len(p) for p in points)
            points.append(grid[row].mean(0, keepdims=True))
            fan = np.stack([np.full(columns, middle), (ring + 1) % columns + row * columns, ring + row * columns], 1)
            faces.append((fan if row == 0 else fan[:, ::-1]).astype(np.int32))
    both, all_faces = np.concatenate(points), np.concatenate(faces)
    return both, _outwards(both, all_faces)


def _outwards(points: Doubles, faces: Ints) -> Ints:
    """The faces, turned round if the volume they enclose is negative."""
    a, b, c = (points[faces[:, k]] - points.mean(0) for k in range(3))
    return faces if np.einsum("ij,ij->", a, np.cross(b, c)) > 0 else np.ascontiguousarray(faces[:, ::-1])


def _joined(parts: Sequence[tuple[Doubles, Ints]]) -> tuple[Doubles, Ints]:
    """Several meshes as one."""
    start = np.cumsum([0, *(len(p) for p, _ in parts)])
    faces = np.concatenate([f + k for (_, f), k in zip(parts, start, strict=False)])
    return np.concatenate([p for p, _ in parts]), faces.astype(np.int32)


def _mirrored(part: tuple[Doubles, Ints]) -> tuple[Doubles, Ints]:
    """The same on the other side of the body."""
    return part[0] * [-1, 1, 1], np.ascontiguousarray(part[1][:, ::-1])


def _cut(points: Doubles, faces: Ints, field: Doubles) -> tuple[Doubles, Ints]:
    """The part of a mesh where `field` is above 0."""
    n = len(points)
    place = points.astype(np.float32)
    flat = Surface(place, place, np.zeros((n, 2), np.float32), np.zeros((n, 4), np.float32), np.ones(n, np.float32),
                   np.zeros((n, 4), np.uint8), np.full((n, 4), 0.25, np.float32), faces)  # fmt: skip
    kept = clip(flat, field.astype(np.float32))
    return kept.canon.astype(np.float64), kept.faces


def _tube(path: Doubles, radius: float, sides: int = 5, closed: bool = False) -> tuple[Doubles, Ints]:
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
        points, faces = grid.reshape(-1, 3), _closed_faces(len(path) + 1, sides) % grid[..., 0].size
        inner = np.repeat(path, sides, 0)
        a, b, c = (points[faces[:, k]] for k in range(3))
        out = np.einsum("ij,ij->", np.cross(b - a, c - a), a - inner[faces[:, 0]])
        return points, (faces if out > 0 else np.ascontiguousarray(faces[:, ::-1])).astype(np.int32)
    return _solid(grid)


def _ribbon(path: Doubles, out: Doubles, width: float | Doubles, thick: float) -> tuple[Doubles, Ints]:
    """A flat band along a path, (N, 3), whose outer side looks along `out`, (N, 3); closed at both ends."""
    ahead = np.gradient(path, axis=0)
    side = np.cross(ahead, out)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    half = np.broadcast_to(np.asarray(width, np.float64) / 2, len(path))[:, None]
    grid = np.stack([path - side * half, path - side * half * 0.85 + out * thick, path + out * thick * 1.3,
                     path + side * half * 0.85 + out * thick, path + side * half], 1)  # fmt: skip
    return _solid(grid)


def _pillow(size: Sequence[float], square: float = 0.35, rows: int = 10, columns: int = 20) -> tuple[Doubles, Ints]:
    """A box of (x, y, z) metres with round edges about the origin; `square` 0 is a box, 1 an ellipsoid."""
    polar = np.linspace(0.04, math.pi - 0.04, rows)[:, None]
    turn = np.arange(columns)[None] * 2 * math.pi / columns

    def bend(value: Doubles) -> Doubles:
        return np.sign(value) * np.abs(value) ** square

    ring = np.sin(polar) ** square
    grid = np.stack([ring * bend(np.cos(turn)), ring * bend(np.sin(turn)), bend(np.cos(polar)) + 0 * turn], -1)
    return _solid(grid * np.asarray(size) / 2)


# --------------------------------------------------------------------------------------------------------------------
# Outlines of the body, from which shoes, belts and straps are made


def _outline(points: Doubles, margin: float, harmonics: int = 9) -> Doubles:
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


def _polar(curve: Doubles, count: int, start: float = math.pi / 2) -> Doubles:
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
    return edges(faces[_mask(body, mask)[faces].all(1)])


def _section(mask: str, origin: Sequence[float], normal: Sequence[float]) -> Doubles:
    """(N, 3) where the plane crosses the edges of the mean body inside `mask`."""
    canon, pairs = load_body().canon.astype(np.float64), _edges_of(mask)
    height = (canon - np.asarray(origin)) @ np.asarray(normal)
    a, b = pairs[height[pairs[:, 0]] * height[pairs[:, 1]] < 0].T
    t = (height[a] / (height[a] - height[b]))[:, None]
    out: Doubles = canon[a] * (1 - t) + canon[b] * t
    return out


# --------------------------------------------------------------------------------------------------------------------
# Shoes and socks


@dataclass(frozen=True)
class _Last:
    """The volume of a shoe. margin: metres off the skin. tip: metres the toe reaches beyond the toes. point: 0 round to
    1 pointed toe. box: metres of room above the toes. shaft: canon z where it ends."""

    margin: float
    tip: float
    point: float
    box: float
    shaft: float


@cache
def _sole_line(margin: float, tip: float, point: float) -> Doubles:
    """(192, 2) the left sole seen from above, x and y."""
    body = load_body()
    foot = body.canon[_mask(body, "foot.L")].astype(np.float64)
    flat = foot[foot[:, 2] < -0.755][:, :2]
    end = [[0.186 + dx, flat[:, 1].min() - tip] for dx in ((-0.014, 0.014) if point < 0.5 else (-0.003, 0.003))]
    return _outline(np.concatenate([flat, end]), margin, 12)


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
def _upper(last: _Last) -> tuple[Grid, Doubles]:
    """Rings of the left shoe from toe to the end of its shaft, (rows, _AROUND, 3), and (rows,) how far along it is."""
    line = _sole_line(last.margin, last.tip, last.point)
    tip = line[:, 1].min()
    rings = [_toe_ring(line, last, y, tip) for y in _toe_rows(tip)]
    for y in (-0.145, -0.125, -0.108, -0.09, _PIVOT[0]):
        cut = _section("foot.L", (0, y, 0), (0, 1, 0))
        cut = cut[cut[:, 2] < _PIVOT[1] + 0.004][:, [0, 2]]
        flat = _polar(_outline(cut, last.margin), _AROUND)
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
    return grid, np.linspace(0, 1, len(grid))


@cache
def _leg_normals() -> tuple[Any, Floats, Floats]:
    """A tree of the left lower leg's vertices in canon space, their places and outward normals."""
    body = load_body()
    chosen = _mask(body, "lower leg.L")
    out = normals(body.canon, body.faces["body"].astype(np.int32))
    return cKDTree(body.canon[chosen]), body.canon[chosen], out[chosen]


def _off_skin(grid: Grid, margin: float) -> Grid:
    """The points pushed out where they lie less than `margin` metres from the skin of the left foot."""
    tree, place, normal = _leg_normals()
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
    cut = _section("lower leg.L", tuple(origin), (0, math.cos(beta), math.sin(beta)))
    tall = (cut - origin) @ up
    cut = cut[(tall < 0.004) & (cut[:, 2] < -0.6)]
    flat = _polar(_outline(np.stack([cut[:, 0], (cut - origin) @ up], 1), last.margin), _AROUND)
    ring: Doubles = flat[:, :1] * [1, 0, 0] + origin + flat[:, 1:] * up
    return ring


def _shaft_ring(last: _Last, z: float) -> Doubles:
    """A level section of the leg; the front is its first point."""
    cut = _section("lower leg.L", (0, 0, z), (0, 0, 1))
    flat = _polar(_outline(np.stack([cut[:, 0], -cut[:, 1]], 1), last.margin + 0.001), _AROUND)
    return np.stack([flat[:, 0], -flat[:, 1], np.full(_AROUND, z)], 1)


def _level(along: float) -> float:
    """Canon z of a position along the lower leg."""
    return -0.30 - 0.44 * (along - 1)


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


@lru_cache(maxsize=64)
def _shoe_models(style: str, shaft: float, sole: float) -> tuple[_Model, _Model]:
    """Both shoes without, and both soles with laces."""
    last = _LASTS[style]
    if style in _HIGH:
        last = replace(last, shaft=shaft)
    grid, _ = _upper(last)
    points, faces = _solid(grid, last=False)
    points, faces = _cut(points, faces, _top_line(style, points))
    shade = _shoe_shade(style, points)
    parts = [_sole(last, style, sole)]
    if style in _LACED and shaft < 0.1 and not -0.5 < shaft < -0.1:  # tall boots have a zip
        parts += _laces(grid, style)
    whole = _joined([(points, faces), _mirrored((points, faces))])
    under = _joined([p for part in parts for p in (part, _mirrored(part))])
    return _foot_model(*whole, np.concatenate([shade, shade])), _foot_model(*under, None)


def _foot_model(points: Doubles, faces: Ints, shade: Doubles | None) -> _Model:
    """Feet follow the map of each foot, the leg above the ankle its skin."""
    solid = np.clip((-0.665 - points[:, 2]) / 0.05, 0, 1)
    left = points[:, 0] > 0
    return _model(points, faces, shade, fits=("foot.L", "foot.R"), weight=np.stack([solid * left, solid * ~left]))


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
    return _solid(np.stack(rings))


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
        out.append(_ribbon(path + away * 0.0005, away, 0.006, 0.0025))
    return out


def _shoes(body: Body, shape: Shape, garment: Garment, others: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
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
    upper, sole = _shoe_models(style, shaft, thick)
    pieces = [
        Piece("shoes", _carry(upper, body, shape), garment.fabric, _LABELS["shoes"], double=True, kind="leather"),
        Piece("sole", _carry(sole, body, shape), garment.fabric, _LABELS["shoes"], kind="leather"),
    ]
    canon = body.canon.astype(np.float64)
    below = shaft - canon[:, 2] if high else np.minimum(_top_line(style, canon), -0.70 - canon[:, 2])
    return pieces, _leg_only(body, below - 0.012)


def _leg_only(body: Body, field: Doubles) -> Floats:
    """A field that is kept on lower legs and feet and -1 elsewhere."""
    return np.where(body.canon[:, 2] < -0.25, field, -1.0).astype(np.float32)


def _sandals(body: Body, shape: Shape, garment: Garment, thick: float) -> tuple[list[Piece], None]:
    """A sole, and straps that lie on the foot."""
    straps, sole = (_carry(m, body, shape) for m in (_strap_model(), _sandal_sole(thick)))
    return [
        Piece("shoes", straps, garment.fabric, _LABELS["shoes"], double=True, kind="leather"),
        Piece("sole", sole, garment.fabric, _LABELS["shoes"], kind="leather"),
    ], None


@lru_cache(maxsize=16)
def _sandal_sole(thick: float) -> _Model:
    part = _sole(_Last(0.003, 0.006, 0.0, 0.0, -0.7), "sandal", thick)
    return _foot_model(*_joined([part, _mirrored(part)]), None)


@dataclass(frozen=True)
class _Skin:
    """A part of the skin, cut once in canon space: each vertex lies between two vertices of the body.

    Attributes:
        surface: with canon places. a, b: (V,) vertices of the body, t: (V,) how far from a to b.
    """

    surface: Surface
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    t: Floats


def _skin_part(field: Callable[[Floats, Floats], Doubles | Floats]) -> _Skin:
    """The skin where `field`, of canon places and the positions along the limbs, is above 0."""
    body = load_body()
    whole = replace(body_surface(body, _mean_shape(body), "body"), special=None)
    used = np.unique(body.faces["body"]).astype(np.int64)
    kept = clip(whole, np.asarray(field(whole.canon, whole.along), np.float32))
    tree = cKDTree(whole.canon)  # a cut edge's ends are the vertices nearest to the cut
    near = tree.query(kept.canon, k=2)[1]
    a, b = whole.canon[near[:, 0]], whole.canon[near[:, 1]]
    t = np.einsum("ij,ij->i", kept.canon - a, b - a) / (np.einsum("ij,ij->i", b - a, b - a) + 1e-12)
    return _Skin(kept, used[near[:, 0]], used[near[:, 1]], np.clip(t, 0, 1).astype(np.float32))


def _grown(part: _Skin, shape: Shape, thick: float) -> Surface:
    """The part on a person, `thick` metres off the skin."""
    place, normal, t = shape.vertices, shape.normals, part.t[:, None]
    rest = (1 - t) * (place[part.a] + thick * normal[part.a]) + t * (place[part.b] + thick * normal[part.b])
    return replace(part.surface, rest=rest.astype(np.float32))


@cache
def _strap_model() -> _Model:
    """Two straps over the front of the foot and one round the ankle."""
    parts = []
    for y, z, lean, width in ((-0.150, -0.79, 0.25, 0.024), (-0.098, -0.77, -0.45, 0.018)):
        up = np.array([0.0, -lean, 1.0]) / math.hypot(lean, 1.0)
        origin = np.array([0.0, y, z])
        cut = _section("foot.L", (0, y, z), (0, up[2], -up[1]))
        flat = _polar(_outline(np.stack([cut[:, 0], (cut - origin) @ up], 1), 0.001, 10), 40)
        flat = np.roll(flat, 13, 0)[:27]  # from one edge of the sole over the foot to the other
        path = flat[:, :1] * [1, 0, 0] + origin + flat[:, 1:] * up
        parts.append(_ribbon(path, _away(flat, up), width, 0.0025))
    up, origin = np.array([0.0, -0.953, 0.302]), np.array([0, 0.0, -0.715])
    cut = _section("lower leg.L", tuple(origin), (0, up[2], -up[1]))
    cut = cut[cut[:, 2] < -0.6]
    flat = _polar(_outline(np.stack([cut[:, 0], (cut - origin) @ up], 1), 0.001, 10), 33)
    flat = np.concatenate([flat, flat[:1]])
    path = flat[:, :1] * [1, 0, 0] + origin + flat[:, 1:] * up
    parts.append(_ribbon(path, _away(flat, up), 0.014, 0.0025))
    left = _joined(parts)
    return _foot_model(*_joined([left, _mirrored(left)]), None)


def _away(flat: Doubles, up: Doubles) -> Doubles:
    """(N, 3) directions from the middle of a section, (N, 2) in x and `up`, to its points."""
    out = flat - (flat.min(0) + flat.max(0)) / 2
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    both: Doubles = out[:, :1] * [1, 0, 0] + out[:, 1:] * up
    return both


@lru_cache(maxsize=32)
def _sock_model(shaft: float) -> _Model:
    grid, _ = _upper(replace(_LASTS["sock"], shaft=shaft))
    part = _solid(grid, last=False)
    shade = np.where(part[0][:, 2] > shaft - 0.025, 0.9, 1.0)
    return _foot_model(*_joined([part, _mirrored(part)]), np.concatenate([shade, shade]))


def _socks(body: Body, shape: Shape, garment: Garment, _: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
    shaft = round(_level(min(float(garment.cut.get("top", 1.8)), 1.9)), 2)
    surface = _carry(_sock_model(shaft), body, shape)
    piece = Piece("socks", surface, garment.fabric, _LABELS["socks"], double=True)
    return [piece], _leg_only(body, shaft - 0.015 - body.canon[:, 2].astype(np.float64))


# --------------------------------------------------------------------------------------------------------------------
# Hats

# style: canon z of the edge, its slope along y, room round the skull, height of the crown above the edge, how square.
_HATS: Final[Mapping[str, tuple[float, float, float, float, float]]] = {
    "cap": (0.868, -0.10, 0.010, 0.108, 2.4),
    "beanie": (0.856, -0.22, 0.010, 0.138, 2.5),
    "brim": (0.866, -0.10, 0.010, 0.128, 3.6),
    "headscarf": (0.64, 0.0, 0.014, 0.33, 2.3),
}


def _edge(style: str, turn: Doubles, grow: float = 0.0) -> Doubles:
    """(N, 3) the edge of a hat at angles round the head, 0 in front, towards the person's left."""
    low, slope, room = _HATS[style][:3]
    middle, half, long = _HEAD
    y = middle - (long + room + grow) * np.cos(turn)
    return np.stack([(half + room + grow) * np.sin(turn), y, low + slope * (y - middle)], -1)


def _dome(style: str, columns: int = 32, rows: int = 9) -> Grid:
    """(rows, columns, 3) the crown of a hat, from the edge upwards."""
    tall, square = _HATS[style][3:]
    turn = np.arange(columns) * 2 * math.pi / columns
    edge = _edge(style, turn)
    rise = np.linspace(0, 0.97, rows)[:, None] * math.pi / 2
    size, up = np.cos(rise) ** (2 / square), np.sin(rise) ** (2 / square)
    top = _HATS[style][0] + tall
    grid = np.empty((rows, columns, 3))
    grid[..., 0] = edge[:, 0] * size
    grid[..., 1] = _HEAD[0] + (edge[:, 1] - _HEAD[0]) * size
    grid[..., 2] = edge[:, 2] + (top - edge[:, 2]) * up
    return grid


@lru_cache(maxsize=32)
def _hat_models(style: str, room: float) -> tuple[_Model, _Model | None]:
    """The hat, and what of it has the colour of its trim."""
    if style == "headscarf":
        return _headscarf(room), None
    trim: list[tuple[Doubles, Ints]] = []
    grid = _dome(style, 40 if style == "beanie" else 32, 12 if style == "beanie" else 9)
    shade = np.ones(grid.shape[:2])
    if style == "brim":
        front = np.clip((_HEAD[0] - grid[..., 1]) / 0.09, 0, 1)
        high = np.clip((grid[..., 2] - 0.94) / 0.05, 0, 1)
        grid[..., 2] -= 0.020 * high * np.exp(-((grid[..., 0] / 0.022) ** 2))  # the crease along the crown
        grid[..., 0] *= 1 - 0.22 * high * front
        parts = [_solid(grid, first=False), _brim()]
        turn = np.arange(33) * 2 * math.pi / 32
        band = _edge(style, turn, 0.0015) + np.array([0, 0, 0.014])
        out = np.stack([np.sin(turn), -np.cos(turn), 0 * turn], 1)
        trim = [_ribbon(band, out, 0.026, 0.002)]
        shades = [np.append(shade.ravel(), 1.0), np.ones(len(parts[1][0]))]
    elif style == "beanie":
        cuff = np.clip((0.040 - (grid[..., 2] - grid[:1, :, 2])) / 0.004, 0, 1)
        away = grid - [0, _HEAD[0], 0]
        away[..., 2] = 0
        grid += 0.005 * cuff[..., None] * away / (np.linalg.norm(away, axis=-1, keepdims=True) + 1e-9)
        ribs = np.where(np.arange(40) % 2 == 0, 1.03, 0.88)[None]
        shade = ribs * np.where((cuff > 0.02) & (cuff < 0.98), 0.7, 1.0) * (0.94 + 0.06 * cuff)
        parts = [_solid(grid, first=False)]
        shades = [np.append(shade.ravel(), 1.0)]
    else:
        seams = np.where(np.arange(32) % 8 == 4, 0.86, 1.0)[None] * shade
        parts = [_solid(grid, first=False), _visor()]
        shades = [np.append(seams.ravel(), 0.8), np.ones(len(parts[1][0]))]
    points, faces = _joined(parts)
    main = _model(points, faces, np.concatenate(shades), fits=("head",), rigid="head")
    if not trim:
        return main, None
    return main, _model(*_joined(trim), fits=("head",), rigid="head")


def _visor() -> tuple[Doubles, Ints]:
    """The shade of a cap: a curved sheet before the forehead."""
    turn = np.linspace(-1.12, 1.12, 15)
    inner = _edge("cap", turn, -0.002)
    rows = []
    for share in np.linspace(0, 1, 5):
        reach = 0.066 * share * np.cos(turn / 1.12 * math.pi / 2) ** 0.55
        row = inner + np.stack([0.25 * reach * np.sin(turn), -reach, 0 * turn], 1)
        row[:, 2] += 0.002 - 0.16 * reach - 3.0 * reach / 0.066 * row[:, 0] ** 2
        rows.append(row)
    top = np.stack(rows)
    grid = np.concatenate([top, top[::-1] - [0, 0, 0.003]])
    points, faces = grid.reshape(-1, 3), _closed_faces(len(grid), 15, wrap=False)
    return points, _outwards(points, faces)


def _brim() -> tuple[Doubles, Ints]:
    """The brim of a hat, curled up at the sides."""
    columns = 32
    turn = np.arange(columns) * 2 * math.pi / columns
    rows = []
    for share in np.linspace(0, 1, 4):
        row = _edge("brim", turn, 0.066 * share - 0.001)
        row[:, 2] = _edge("brim", turn)[:, 2] - 0.006 * share + 0.024 * share**2 * np.sin(turn) ** 2 - 0.010 * share**2
        rows.append(row)
    top = np.stack(rows)
    grid = np.concatenate([top, top[::-1] - [0, 0, 0.003]])
    points, faces = grid.reshape(-1, 3), _closed_faces(len(grid), columns)
    return points, _outwards(points, faces)


def _headscarf(room: float) -> _Model:
    """A cloth round head, neck and shoulders with an opening for the face."""
    columns = 40
    turn = np.arange(columns) * 2 * math.pi / columns
    levels = [(0.972, 0.012, 0.02, -0.055), (0.965, 0.036, 0.048, -0.055), (0.945, 0.064, 0.080, -0.055),
              (0.915, 0.080, 0.104, -0.055), (0.875, 0.090, 0.117, -0.056), (0.83, 0.096, 0.118, -0.057),
              (0.785, 0.094, 0.112, -0.060), (0.745, 0.086, 0.098, -0.062), (0.71, 0.080, 0.084, -0.052),
              (0.685, 0.086, 0.084, -0.044), (0.66, 0.105, 0.092, -0.035), (0.635, 0.128, 0.104, -0.030),
              (0.61, 0.146, 0.116, -0.030)]  # fmt: skip
    grid = np.stack([
        np.stack([a * np.sin(turn), y - b * np.cos(turn), np.full(columns, z)], 1) for z, a, b, y in levels
    ])  # fmt: skip
    lines = np.interp(np.linspace(0, len(levels) - 1, 22), np.arange(len(levels)), np.arange(len(levels)))
    k = np.minimum(lines.astype(int), len(levels) - 2)
    f = (lines - k)[:, None, None]
    grid = grid[k] * (1 - f) + grid[k + 1] * f
    folds = 0.004 * np.sin(turn * 9 + 14 * grid[:, :1, 2]) * np.clip((0.75 - grid[:, :1, 2]) / 0.05, 0, 1)
    grid[..., :2] *= 1 + folds[..., None] * 8
    points, faces = _solid(grid, last=False)
    points = _lifted(points, room + 0.018, 0.72)
    x, y, z = points.T
    face = 1 - (x / 0.070) ** 2 - ((z - 0.808) / np.where(z > 0.808, 0.088, 0.094)) ** 2
    points, faces = _cut(points, faces, np.where(y < -0.03, -face, 1.0) * 0.05)
    shade = 1 - 0.12 * np.sin(6 * np.arctan2(points[:, 0], -points[:, 1] - 0.05) + 40 * points[:, 2]) ** 8
    solid = np.clip((points[:, 2] - 0.70) / 0.06, 0, 1)
    model = _model(points, faces, shade, "all", ("head",), solid[None])
    surface = model.surface
    head = load_body().index["head"]
    index, weight = surface.bone_index.copy(), surface.bone_weight * (1 - solid)[:, None].astype(np.float32)
    weakest = weight.argmin(1)
    rows = np.arange(len(points))
    index[rows, weakest] = np.where(solid > 0, head, index[rows, weakest])
    weight[rows, weakest] += solid.astype(np.float32)
    weight /= weight.sum(1, keepdims=True)
    return replace(model, surface=replace(surface, bone_index=index, bone_weight=weight))


def _lifted(points: Doubles, off: float, below: float) -> Doubles:
    """Points below a canon height pushed out of the trunk, to at least `off` metres from the skin."""
    tree, place, normal = _trunk_normals()
    for _ in range(4):
        near = tree.query(points, k=6)[1]
        out = normal[near].mean(1)
        out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
        lift = ((points[:, None] - place[near]) * out[:, None]).sum(-1).mean(1)
        share = np.clip((below - points[:, 2]) / 0.03, 0, 1)
        points = points + (share * np.clip(off - lift, 0, 0.05))[:, None] * out
    return points


def _hat(body: Body, shape: Shape, garment: Garment, others: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
    style = str(garment.cut.get("style", "cap"))
    main, trim = _hat_models(style, _room(others, _UPPER, 0.3) if style == "headscarf" else 0.0)
    pieces = [Piece("hat", _carry(main, body, shape), garment.fabric, _LABELS["hat"], "body", double=True)]
    if trim is not None:
        pieces.append(Piece("hat trim", _carry(trim, body, shape), garment.fabric, _LABELS["hat"], kind="sole"))
    return pieces, None


# --------------------------------------------------------------------------------------------------------------------
# Glasses


@cache
def _glasses_models(style: str) -> tuple[_Model, _Model]:
    """Frame and lenses."""
    half, tall, square, thick = {
        "round": (0.0235, 0.0235, 2.0, 0.0016), "square": (0.027, 0.0195, 3.6, 0.0020),
        "wayfarer": (0.0275, 0.0215, 3.0, 0.0026),
    }[style]  # fmt: skip
    angle = np.arange(22) * 2 * math.pi / 22
    c, s = np.cos(angle), np.sin(angle)
    x = 0.0335 + half * np.sign(c) * np.abs(c) ** (2 / square)
    z = 0.836 + tall * np.sign(s) * np.abs(s) ** (2 / square)
    if style == "wayfarer":  # wider above than below
        x = 0.0335 + (x - 0.0335) * (1 + 0.10 * s)
    ring = np.stack([x, _before(x), z], 1)
    arc = np.linspace(-1, 1, 7)
    inner = x.min()
    bridge = np.stack([arc * inner, -0.166 + 0.004 * arc**2, 0.841 + 0.004 * (1 - arc**2)], 1)
    hinge = np.array([x.max() - 0.001, float(_before(np.array([x.max()]))[0]), 0.843])
    temple = np.stack([hinge, hinge + np.array([0.006, 0.006, 0.001]), [0.0765, -0.115, 0.843], [0.0795, -0.075, 0.843],
                       [0.0800, -0.040, 0.842], [0.0800, -0.018, 0.834], [0.0790, -0.006, 0.818]])  # fmt: skip
    parts = [_tube(ring, thick, 5, closed=True), _tube(temple, thick, 4)]
    frame = [p for part in parts for p in (part, _mirrored(part))] + [_tube(bridge, thick, 4)]
    fan = np.concatenate([ring, [[0.0335, float(_before(np.array([0.0335]))[0]) - 0.001, 0.836]]])
    disc = np.stack([np.arange(22), (np.arange(22) + 1) % 22, np.full(22, 22)], 1).astype(np.int32)
    lens = (fan, disc if _faces_front(fan, disc) else np.ascontiguousarray(disc[:, ::-1]))
    return (
        _model(*_joined(frame), fits=("face",), rigid="head"),
        _model(*_joined([lens, _mirrored(lens)]), fits=("face",), rigid="head"),
    )


def _before(x: Doubles) -> Doubles:
    """Canon y of spectacles at x."""
    out: Doubles = -0.165 + 3.6 * x**2
    return out


def _faces_front(points: Doubles, faces: Ints) -> bool:
    return bool(normals(points.astype(np.float32), faces)[:, 1].mean() < 0)


def _glasses(body: Body, shape: Shape, garment: Garment, _: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
    frame, lens = _glasses_models(str(garment.cut.get("style", "square")))
    sun = float(garment.cut.get("sun", 0)) > 0.5
    label = (4, 4) if sun else (13, 13)
    pieces = [Piece("glasses", _carry(frame, body, shape), garment.fabric, label, kind="leather")]
    if sun:
        pieces.append(Piece("lenses", _carry(lens, body, shape), None, label, double=True, kind="glass"))
    return pieces, None


# --------------------------------------------------------------------------------------------------------------------
# Bags


def _room(garments: Sequence[Garment], kinds: Sequence[str], share: float) -> float:
    """Metres of cloth over the skin: each layer, and `share` of the widest ease; in steps of 5 mm."""
    ease = [float(g.cut.get("ease", 0.01)) for g in garments if g.kind in kinds]
    return round((0.010 * len(ease) + share * max(ease, default=0.0)) / 0.005) * 0.005


def _ease(garments: Sequence[Garment]) -> float:
    """How wide the widest thing on the trunk is cut, metres, in steps of 1 cm."""
    return round(max([float(g.cut.get("ease", 0.01)) for g in garments if g.kind in _UPPER], default=0.0), 2)


_UPPER: Final = ("top", "coat", "dress", "jumpsuit")


@cache
def _trunk_normals() -> tuple[Any, Floats, Floats]:
    """A tree of the trunk's vertices in canon space, their places and outward normals."""
    body = load_body()
    chosen = _mask(body, "trunk")
    out = normals(body.canon, body.faces["body"].astype(np.int32))
    return cKDTree(body.canon[chosen]), body.canon[chosen], out[chosen]


def _snapped(path: Doubles, off: float) -> tuple[Doubles, Doubles]:
    """A path, (N, 3), laid on the trunk `off` metres away from the skin, and the skin's normals there."""
    tree, place, normal = _trunk_normals()
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
        cut = _section("trunk", (0, 0, z), (0, 0, 1))[:, :2] - [0, -0.03]
        curve = _outline(cut, 0.0)
        turn = np.arctan2(curve[:, 1], curve[:, 0])
        order = np.argsort(turn)
        angle = -math.pi + np.arange(64) * 2 * math.pi / 64
        own = np.interp(angle, turn[order], np.linalg.norm(curve, axis=1)[order], period=2 * math.pi)
        wide.append(np.maximum(own, wide[-1] - slope * 0.04) if k > 2 else own)
    return levels, np.stack(wide) + 0.85 * ease


def _over_clothes(path: Doubles, ease: float, off: float) -> Doubles:
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


def _curve(points: Sequence[Sequence[float]], count: int) -> Doubles:
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


@lru_cache(maxsize=32)
def _backpack_models(room: float, ease: float) -> list[_Model]:
    """Bag, pocket and straps."""
    back = 0.078 + room + 0.5 * ease
    box = _pillow((0.29, 0.125, 0.42), 0.45, 12, 24)[0]
    faces = _pillow((0.29, 0.125, 0.42), 0.45, 12, 24)[1]
    box = box * np.stack([1 - 0.10 * np.clip(box[:, 2] / 0.21, 0, 1)] * 2 + [np.ones(len(box))], 1)
    box += [0, back + 0.058, 0.40]
    pocket = _pillow((0.22, 0.07, 0.17), 0.4, 8, 16)
    pocket = (pocket[0] + [0, back + 0.112, 0.30], pocket[1])
    shade = np.where(np.abs(box[:, 1] - back - 0.058) < 0.008, 0.72, 1.0)
    handle = _tube(_curve([(0.03, back + 0.02, 0.60), (0.02, back + 0.02, 0.63), (-0.02, back + 0.02, 0.63),
                           (-0.03, back + 0.02, 0.60)], 9), 0.006, 5)  # fmt: skip
    parts = [(box, faces), pocket, handle]
    shades = np.concatenate([shade, np.full(len(pocket[0]), 0.92), np.full(len(handle[0]), 0.8)])
    main = _model(*_joined(parts), shades, "back", ("back",), rigid="spine02")
    path, out = _snapped(_curve([(0.07, 0.085, 0.56), (0.085, 0.05, 0.645), (0.098, -0.01, 0.685),
                                 (0.108, -0.085, 0.63), (0.118, -0.14, 0.52), (0.138, -0.12, 0.40),
                                 (0.158, -0.02, 0.30), (0.12, 0.065, 0.25)], 26), room + 0.006)  # fmt: skip
    path = _over_clothes(path, ease, room + 0.004)
    width = np.interp(np.linspace(0, 1, 26), [0, 0.12, 0.55, 0.65, 1], [0.045, 0.055, 0.05, 0.026, 0.024])
    strap = _ribbon(path, out, width, 0.008)
    return [main, _model(*_joined([strap, _mirrored(strap)]), among="trunk")]


@lru_cache(maxsize=32)
def _shoulder_models(room: float, ease: float, across: bool) -> list[_Model]:
    """A bag at the left hip with its strap over the right (`across`) or the left shoulder."""
    hip = max(room + ease, 0.012)
    size = (0.09, 0.27, 0.20)
    x, z = 0.192 + hip + size[0] / 2, 0.06
    bag = _pillow(size, 0.35, 10, 20)
    points = bag[0] * np.stack([1 - 0.25 * bag[0][:, 2] / size[2], 1 - 0.08 * bag[0][:, 2] / size[2],
                                np.ones(len(bag[0]))], 1)  # fmt: skip
    flap = _pillow((0.02, 0.262, 0.115), 0.3, 6, 14)
    place = np.array([x, -0.025, z])
    parts = [(points + place, bag[1]), (flap[0] + place + [size[0] * 0.42, 0, 0.045], flap[1])]
    buckle = _pillow((0.012, 0.03, 0.022), 0.3, 6, 10)
    parts.append((buckle[0] + place + [size[0] * 0.42 + 0.010, 0, 0.0], buckle[1]))
    shades = np.concatenate([np.ones(len(points)), np.full(len(flap[0]), 0.9), np.full(len(buckle[0]), 0.55)])
    main = _model(*_joined(parts), shades, "trunk", ("trunk",), rigid="root")
    side = -1.0 if across else 1.0
    front = [(0.085 * side, -0.01, 0.69), (0.080 * side, -0.10, 0.60), (0.03 * side, -0.16, 0.46),
             (0.06, -0.155, 0.32), (0.13, -0.12, 0.20), (0.185, -0.065, 0.15)]  # fmt: skip
    rear = [(0.085 * side, -0.01, 0.69), (0.075 * side, 0.06, 0.60), (0.03 * side, 0.075, 0.46),
            (0.06, 0.06, 0.32), (0.13, 0.055, 0.20), (0.185, 0.03, 0.15)]  # fmt: skip
    if not across:
        front = [front[0], (0.105, -0.10, 0.60), (0.135, -0.135, 0.46), (0.165, -0.10, 0.32), (0.185, -0.07, 0.16)]
        rear = [rear[0], (0.105, 0.06, 0.60), (0.135, 0.06, 0.46), (0.155, 0.045, 0.32), (0.185, 0.03, 0.16)]
    path, out = _snapped(np.concatenate([_curve(front[::-1], 18)[:-1], _curve(rear, 18)]), room + 0.005)
    path = _over_clothes(path, ease, room + 0.003 + 0.25 * ease)
    ends = [np.array([x - 0.01, y, z + 0.085]) for y in (-0.11, 0.06)]
    path = np.concatenate([[ends[0]], path, [ends[1]]])
    out = np.concatenate([[[1.0, 0, 0]], out, [[1.0, 0, 0]]])
    strap = _ribbon(path, out, 0.028, 0.003)
    return [main, _model(*strap, among="trunk")]


@cache
def _hand_models(style: str) -> list[_Model]:
    """A bag that hangs from the left hand; its point of suspension is `_GRIP`."""
    long, deep, tall, drop = (0.27, 0.11, 0.19, 0.10) if style == "handbag" else (0.36, 0.10, 0.36, 0.17)
    square = 0.4 if style == "handbag" else 0.25
    box = _pillow((deep, long, tall), square, 10, 22)
    points = box[0]
    narrow = 1 - (0.5 if style == "handbag" else 0.55) * (points[:, 2] / tall + 0.5)  # gathers towards the opening
    points = points * np.stack([narrow, 1 + 0.06 * points[:, 2] / tall, np.ones(len(points))], 1)
    points[:, 2] -= drop + tall / 2
    parts = [(points, box[1])]
    shades = [np.where(points[:, 2] > -drop - 0.025, 0.8, 1.0)]
    for x in (-0.016, 0.016):
        arc = _curve([(x, -long * 0.24, -drop - 0.03), (x * 0.9, -long * 0.20, -drop * 0.5), (x * 0.2, -0.03, 0.0),
                      (x * 0.2, 0.03, 0.0), (x * 0.9, long * 0.20, -drop * 0.5),
                      (x, long * 0.24, -drop - 0.03)], 15)  # fmt: skip
        tube = _tube(arc, 0.0055, 5)
        parts.append(tube)
        shades.append(np.full(len(tube[0]), 0.8))
    points, faces = _joined(parts)
    return [_model(points + _GRIP, faces, np.concatenate(shades), "all", ("trunk",), rigid="wrist.L")]


def _mirror_model(model: _Model) -> _Model:
    """The model on the other side of the body."""
    s = model.surface
    body = load_body()
    swap = np.arange(len(body.bones), dtype=np.uint8)
    for name, k in body.index.items():
        other = {"L": "R", "R": "L"}.get(name[-1]) if name[-2] == "." else None
        if other:
            swap[k] = body.index[name[:-1] + other]
    mirror = np.array([-1, 1, 1], np.float32)
    flipped = replace(s, rest=s.rest * mirror, canon=s.canon * mirror, bone_index=swap[s.bone_index],
                      faces=np.ascontiguousarray(s.faces[:, ::-1]))  # fmt: skip
    twin = _twins(body)
    return replace(model, surface=flipped, near=twin[model.near])


@cache
def _twins(body: Body) -> NDArray[np.int64]:
    """(V_body,) the vertex at the mirrored place."""
    used = np.unique(body.faces["body"]).astype(np.int64)
    found = cKDTree(body.canon[used]).query(body.canon * np.array([-1, 1, 1], np.float32))[1]
    out: NDArray[np.int64] = used[found]
    return out


@lru_cache(maxsize=64)
def _bag_models(style: str, room: float, ease: float, right: bool) -> list[_Model]:
    if style == "backpack":
        return _backpack_models(room, ease)
    models = _shoulder_models(room, ease, ease < 0.035) if style == "shoulder" else _hand_models(style)
    return [_mirror_model(m) for m in models] if right else models


def _bag(body: Body, shape: Shape, garment: Garment, others: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
    style, right = str(garment.cut.get("style", "backpack")), str(garment.cut.get("side", "L")) == "R"
    if style not in ("backpack", "shoulder", "handbag", "tote"):
        raise KeyError(f"no such bag: {style}")
    worn = style in ("backpack", "shoulder")
    room, ease = (_room(others, _UPPER, 0.25), _ease(others)) if worn else (0.0, 0.0)
    surfaces = [_carry(m, body, shape) for m in _bag_models(style, room, ease, right)]
    pieces = [Piece("bag", s, garment.fabric, _LABELS["bag"], "planar", kind="leather") for s in surfaces]
    if style in ("handbag", "tote"):
        pieces = [_hung(body, shape, pieces[0], "R" if right else "L", others)]
    return pieces, None


def _hung(body: Body, shape: Shape, piece: Piece, side: str, others: Sequence[Garment]) -> HangingPiece:
    """The piece held by the hand of a side: moved there, with what `hang` needs to know."""
    mirror = np.array([-1 if side == "R" else 1, 1, 1], np.float32)
    wrist, knuckle = body.index[f"wrist.{side}"], body.index[f"finger3-1.{side}"]
    held = np.asarray(_GRIP, np.float32) * mirror
    start, end = body.pivots[wrist], body.pivots[knuckle]
    # Along the hand as on the mean body, in lengths of this person's palm.
    grow = np.linalg.norm(shape.heads[knuckle] - shape.heads[wrist]) / np.linalg.norm(end - start)
    pivot = (shape.heads[knuckle] + (held - end) * grow).astype(np.float32)
    fit = _affine(body, shape, "trunk")
    moved = (held @ fit[:3] + fit[3]).astype(np.float32)
    surface = replace(piece.surface, rest=piece.surface.rest - moved + pivot)
    index, little = (body.index[f"finger{k}-1.{side}"] for k in (2, 5))
    across = shape.heads[little] - shape.heads[index]
    across = (across / np.linalg.norm(across)).astype(np.float32)
    wide = max([float(g.cut.get("flare", 0.0)) * 0.5 for g in others] + [0.0])
    local = surface.rest - pivot
    deep, long = (float(np.ptp(local[:, :2] @ axis)) / 2 for axis in (np.array([1, 0]), np.array([0, 1])))
    return HangingPiece(
        piece.name, surface, piece.fabric, piece.label, piece.wrap, kind=piece.kind, bone=wrist, pivot=pivot,
        across=across, size=(deep, long, -float(local[:, 2].min())), solids=_solids(body, shape, wide),
    )  # fmt: skip


def _solids(body: Body, shape: Shape, wide: float) -> tuple[tuple[int, int, Floats, float], ...]:
    """Capsules of trunk and legs; `wide` metres of skirt are added to the thighs."""
    grow = float(np.ptp(shape.vertices[:, 2]) / np.ptp(body.canon[:, 2]))
    chains = [("root", "spine01", 0.155), *(
        (f"{a}.{side}", f"{b}.{side}", radius) for side in "LR"
        for a, b, radius in (("upperleg01", "lowerleg01", 0.082 + wide), ("lowerleg01", "foot", 0.06)))]  # fmt: skip
    ends = [(body.index[a], body.index[b], radius * grow) for a, b, radius in chains]
    return tuple((a, b, shape.heads[[a, b]].astype(np.float32), radius) for a, b, radius in ends)


def _clearance(piece: HangingPiece, held: Floats, along: Doubles, transforms: Floats) -> Floats:
    """(2,) how far, in x and y, the thing swings sideways from trunk and legs, metres; `along` its length, (2,)."""
    side = np.array([along[1], -along[0]])
    middle = transforms[0, :2, :3] @ piece.solids[0][2][0] + transforms[0, :2, 3]
    if (held[:2] - middle) @ side < 0:
        side = -side
    deep, long, drop = piece.size
    push = 0.0
    for a, b, rest, radius in piece.solids:
        start, end = (transforms[k, :, :3] @ p + transforms[k, :, 3] for k, p in ((a, rest[0]), (b, rest[1])))
        points = start + (end - start) * np.linspace(0, 1, 9)[:, None]
        from_held = points[:, :2] - held[:2]
        beside = np.abs(from_held @ along) < long + 0.7 * radius
        level = (points[:, 2] < held[2] - 0.08 + radius) & (points[:, 2] > held[2] - drop - 0.5 * radius)
        need = (from_held @ side + radius + deep)[beside & level]
        push = max(push, float(need.max(initial=0.0)))
    return (side * min(push, 0.13)).astype(np.float32)


# --------------------------------------------------------------------------------------------------------------------
# Scarf, gloves, belt


@lru_cache(maxsize=32)
def _scarf_model(room: float, ease: float, long: bool) -> _Model:
    """Two turns of cloth round the neck, and perhaps an end that hangs down in front."""
    columns, around = 32, 10
    turn = np.arange(columns) * 2 * math.pi / columns
    section = np.arange(around) * 2 * math.pi / around
    parts, shades = [], []
    for z, a, b, tall, lean in ((0.665, 0.094, 0.086, 0.030, 0.10), (0.695, 0.083, 0.078, 0.027, 0.16)):
        wave = 0.004 * np.sin(3 * turn + 40 * z) + 0.003 * np.sin(7 * turn + 9 * z)
        radius = np.stack([(a + 0.4 * room + wave) * np.sin(turn), -0.038 - (b + 0.4 * room + wave) * np.cos(turn)], 1)
        out = np.stack([np.sin(turn), -np.cos(turn)], 1)
        thick = 0.022 + 0.004 * np.sin(5 * turn + 30 * z)
        grid = np.empty((columns, around, 3))
        grid[..., :2] = radius[:, None] + out[:, None] * (thick[:, None] * np.cos(section))[..., None]
        grid[..., 2] = z + lean * (radius[:, None, 1] + 0.038) + tall * np.sin(section)
        # Folds run round the neck: every other line of the section lies deeper.
        grid[..., :2] -= out[:, None] * (0.003 * (np.arange(around) % 2))[None, :, None]
        points = grid.reshape(-1, 3)
        faces = _closed_faces(columns + 1, around) % len(points)
        parts.append((points, _outwards(points, faces.astype(np.int32))))
        shades.append(np.tile(np.where(np.arange(around) % 2 == 0, 1.0, 0.84), columns))
    among = "neck"
    if long:
        path, out3 = _snapped(_curve([(0.03, -0.10, 0.64), (0.045, -0.14, 0.55), (0.055, -0.17, 0.45),
                                      (0.055, -0.16, 0.34), (0.055, -0.155, 0.24)], 16), room + 0.014)  # fmt: skip
        path = _over_clothes(path, ease, room + 0.010 + 0.1 * ease)
        end = _ribbon(path, out3, np.interp(np.linspace(0, 1, 16), [0, 0.3, 1], [0.06, 0.11, 0.125]), 0.008)
        parts.append(end)
        shades.append(np.ones(len(end[0])))
        among = "front"
    points, faces = _joined(parts)
    return _model(points, faces, np.concatenate(shades), among)


def _scarf(body: Body, shape: Shape, garment: Garment, others: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
    long = float(garment.cut.get("long", 0)) > 0.5
    surface = _carry(_scarf_model(_room(others, _UPPER, 0.3), _ease(others), long), body, shape)
    return [Piece("scarf", surface, garment.fabric, _LABELS["scarf"], "body")], None


@cache
def _glove_model() -> _Skin:
    return _skin_part(lambda canon, along: np.where(np.abs(canon[:, 0]) > 0.3, along[:, 0] - 1.86, -1.0))


def _gloves(body: Body, shape: Shape, garment: Garment, _: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
    surface = _grown(_glove_model(), shape, 0.0018)
    arm = body.attributes[:, 0].astype(np.float32) - 1.92
    hidden = np.where(np.abs(body.canon[:, 0]) > 0.3, arm, -1.0).astype(np.float32)
    return [Piece("gloves", surface, garment.fabric, _LABELS["gloves"], double=True, kind="leather")], hidden


@lru_cache(maxsize=32)
def _belt_models(z: float, room: float) -> tuple[_Model, _Model]:
    """The band, and its buckle."""
    rows = []
    for height, off in ((-0.017, 0.0), (-0.0165, 0.003), (0.0165, 0.003), (0.017, 0.0)):
        cut = _section("trunk", (0, 0, z + height), (0, 0, 1))
        flat = _polar(_outline(np.stack([cut[:, 0], -cut[:, 1]], 1), room + off), 48)
        rows.append(np.stack([flat[:, 0], -flat[:, 1], np.full(48, z + height)], 1))
    points, faces = np.concatenate(rows), _closed_faces(4, 48)
    front = rows[1][0, 1]
    buckle = _pillow((0.046, 0.008, 0.040), 0.25, 8, 16)
    buckle = (buckle[0] + [0, front - 0.003, z], buckle[1])
    return _model(points, _outwards(points, faces), among="trunk"), _model(*buckle, among="trunk")


def _belt(body: Body, shape: Shape, garment: Garment, others: Sequence[Garment]) -> tuple[list[Piece], Floats | None]:
    z = round(float(garment.cut.get("z", 0.22)), 2)
    kinds = {g.kind for g in others}
    label = 12 if "skirt" in kinds else 6 if "dress" in kinds else 10 if "jumpsuit" in kinds else 9
    room = min(_room(others, ("trousers", "skirt", "dress", "jumpsuit"), 0.3), 0.02) + 0.005
    band, buckle = _belt_models(z, room)
    return [
        Piece("belt", _carry(band, body, shape), garment.fabric, (label, label), "body", double=True, kind="leather"),
        Piece("buckle", _carry(buckle, body, shape), garment.fabric, (label, label), kind="sole"),
    ], None


_Maker = Callable[[Body, Shape, "Garment", "Sequence[Garment]"], "tuple[list[Piece], Floats | None]"]
_MAKERS: Final[Mapping[str, _Maker]] = {
    "socks": _socks, "shoes": _shoes, "hat": _hat, "glasses": _glasses, "bag": _bag, "scarf": _scarf,
    "gloves": _gloves, "belt": _belt,
}  # fmt: skip
