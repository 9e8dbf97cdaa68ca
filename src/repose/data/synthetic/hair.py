"""Hair and beards as geometry: caps with locks over the scalp, hair that hangs, tails, braids, strands at the edges.

Everything is described by where on the skull a point grows from (a direction from the middle of the head), how far it
stands off there and how far it hangs from it, so that it fits any head. `scalp_field` tints the skin below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from .body import Body, Floats, Shape
from .surface import Piece, Surface, body_surface, clip, compact

if TYPE_CHECKING:
    from .outfits import Looks

STYLES: Final = ("bald", "balding", "buzz", "short", "parted", "quiff", "curly", "afro", "bob", "long", "wavy",
                 "ponytail", "bun", "braids")  # fmt: skip
_MIDDLE: Final = np.array([0.0, -0.052, 0.845], np.float32)  # of the skull, canon
_TURNS, _TILTS, _LOWEST = 64, 40, 2.75  # the table of the skull: azimuths, polar angles, the largest polar angle
_HAIR, _FACE = (2, 2), (13, 13)  # LIP
_HEAD_ONLY: Final = np.array([[0, 0, 1, 0]], np.float32)
_LEAVE: Final = 1.66  # polar angle at which long hair leaves the skull
# The hairline: degrees from the front, canon z, for a woman and a man.
_LINE_AT: Final = np.array([0, 20, 36, 48, 57, 63, 68, 74, 90, 108, 118, 128, 150, 180.0])
_LINE_FEMALE: Final = np.array(
    [0.914, 0.914, 0.908, 0.893, 0.872, 0.852, 0.848, 0.862, 0.868, 0.856, 0.82, 0.785, 0.768, 0.762]
)
_LINE_MALE: Final = np.array(
    [0.914, 0.916, 0.914, 0.899, 0.872, 0.832, 0.828, 0.860, 0.868, 0.856, 0.825, 0.80, 0.782, 0.778]
)

Bools = NDArray[np.bool_]
Reals = NDArray[Any]  # float32 or float64: parts are made float32 when they are joined


@dataclass(frozen=True)
class _Skull:
    """Where the skull of one person is: tables over polar angle and azimuth, (_TILTS, _TURNS + 1, 6): place, normal."""

    canon: Floats
    rest: Floats
    scale: float


@dataclass(frozen=True)
class _Part:
    """A mesh in terms of the skull.

    Attributes:
        dirs: (V, 3) unit directions on the skull. height: (V,) metres off it. offset: (V, 3) metres added to that.
        shade: (V,). run: (V, 2) across and along the strands. keep: (V,) the part is cut away where it is 0 or less.
        faces: (F, 3).
    """

    dirs: Reals
    height: Reals
    offset: Reals
    shade: Reals
    run: Reals
    keep: Reals
    faces: NDArray[Any]


def build_hair(
    body: Body,
    shape: Shape,
    looks: Looks,
    hidden_by_hat: Callable[[Floats], Any] | None = None,
    clear: float = 0.012,
) -> list[Piece]:
    """The hair and beard of a person; an empty list for a bald one without a beard.

    Args:
        body, shape: the person. looks: what grows; `looks.seed` decides everything random.
        hidden_by_hat: canon points (V, 3) -> (V,), above 0 where a hat covers them: hair is cut there.
        clear: metres that long hair keeps from the body below the neck, where clothes are.

    Raises:
        ValueError: the style is unknown.
    """
    if looks.hair not in STYLES:
        raise ValueError(f"unknown hair {looks.hair!r}; known are {', '.join(STYLES)}")
    rng = np.random.default_rng([int(looks.seed), 71])
    pieces = []
    skull = _skull(body, shape)
    parts = _BUILDERS[looks.hair](looks, rng, skull) if looks.hair != "bald" else []
    if parts:
        surface = _carried(body, shape, skull, _joined(parts), clear, hidden_by_hat)
        fuzz = {"afro": 0.014, "curly": 0.012, "buzz": 0.002, "balding": 0.003}.get(looks.hair, 0.005)
        if len(surface.faces):
            pieces.append(Piece("hair", surface, None, _HAIR, double=True, fuzz=fuzz, kind="hair"))
    if looks.beard > 0.02 and looks.beard_style in ("short", "full", "moustache"):
        pieces.append(
            Piece("beard", _beard(body, shape, looks, rng), None, _FACE, double=True, fuzz=0.004, kind="hair")
        )
    return pieces


def scalp_field(body: Body, looks: Looks) -> Floats:
    """(V_body,) float32 in [0, 1]: how much the hair's colour covers the skin at each vertex of the body."""
    canon = body.canon
    out: Floats = np.zeros(len(canon), np.float32)
    head = (body.attributes[:, 4] > 0.5) & (canon[:, 2] > 0.74)
    inside = _inside(canon[head], looks)
    ear = np.abs(canon[head][:, 0]) > 0.0765
    # A little before the first hairs the skin is already darker, else the hairline looks cut out.
    much = {"bald": 0.16, "balding": 0.62, "buzz": 0.8}.get(looks.hair, 0.95)
    soft = _ramp(inside, -0.005, 0.008) * much
    if looks.hair == "balding":
        soft = np.maximum(soft, 0.12 * _ramp(_inside(canon[head], looks, receded=False), -0.004, 0.01))
    out[head] = np.where(ear, 0, soft)
    return out


# -- the skull ------------------------------------------------------------------------------------------------------


def _unit(turn: Any, tilt: Any) -> Floats:
    """(..., 3) directions: `turn` radians from the front to the person's left, `tilt` radians from the top."""
    return np.stack([np.sin(tilt) * np.sin(turn), -np.sin(tilt) * np.cos(turn), np.cos(tilt)], -1).astype(np.float32)


@cache
def _rays(body: Body) -> Any:
    """(_TILTS * _TURNS, V_body) sparse: the place on the skull in each direction as a mean of vertices of the body."""
    corner = body.canon[body.faces["body"].astype(np.int64)]
    middle = corner.mean(1)
    head = body.attributes[:, 4][body.faces["body"]].min(1) > 0.3
    ear = (np.abs(middle[:, 0]) > 0.0745) & (middle[:, 2] < 0.872)
    chosen = np.flatnonzero(head & ~ear & (middle[:, 2] > 0.68))
    tilt, turn = np.meshgrid(np.linspace(0, _LOWEST, _TILTS), np.arange(_TURNS) / _TURNS * 2 * np.pi, indexing="ij")
    dirs = _unit(turn, tilt).reshape(-1, 3).astype(np.float64)
    hit, share = _cast(_MIDDLE.astype(np.float64), dirs, corner[chosen].astype(np.float64))
    rows = np.flatnonzero(hit >= 0)
    vertex = body.faces["body"][chosen[hit[rows]]].astype(np.int64)
    table = np.zeros((len(dirs), len(body.canon)), np.float32)
    np.add.at(table, (rows[:, None], vertex), share[rows])
    grid = table.reshape(_TILTS, _TURNS, -1)
    known = (hit >= 0).reshape(_TILTS, _TURNS)
    _fill(grid, known)
    return csr_matrix(grid.reshape(len(dirs), -1))


def _fill(grid: Floats, known: Bools) -> None:
    """Directions without skull (ears are left out) take the mean of the nearest known ones of the same height."""
    for row, found in zip(grid, known, strict=True):
        at = np.flatnonzero(found)
        for k in np.flatnonzero(~found):
            if len(at) == 0:
                break
            after = at[np.argmin((at - k) % _TURNS)]
            before = at[np.argmin((k - at) % _TURNS)]
            a, b = (k - before) % _TURNS, (after - k) % _TURNS
            row[k] = (row[before] * b + row[after] * a) / (a + b)


def _skull(body: Body, shape: Shape) -> _Skull:
    rays = _rays(body)
    canon, rest = (_table(rays @ place) for place in (body.canon, shape.vertices))
    upper = slice(0, _TILTS // 2)
    size = [
        float(np.linalg.norm(t[upper, :, :3] - t[upper, :, :3].mean((0, 1)), axis=-1).mean()) for t in (canon, rest)
    ]
    return _Skull(canon, rest, size[1] / size[0])


def _table(places: Reals) -> Floats:
    grid = places.reshape(_TILTS, _TURNS, 3)
    for _ in range(1):  # neither single triangles nor the border of the ears should show
        grid[1:-1] = (2 * grid[1:-1] + np.roll(grid, 1, 1)[1:-1] + np.roll(grid, -1, 1)[1:-1]) / 4
    down = np.gradient(grid, axis=0)
    round_ = np.roll(grid, -1, 1) - np.roll(grid, 1, 1)
    normal = np.cross(down, round_)
    normal[0] = normal[1].mean(0)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    out = np.concatenate([grid, normal], -1)
    return np.concatenate([out, out[:, :1]], 1).astype(np.float32)


def _at(table: Floats, dirs: Floats) -> Floats:
    """(..., 6) places and normals of the skull in directions (..., 3)."""
    tilt = np.arccos(np.clip(dirs[..., 2], -1, 1)) * ((_TILTS - 1) / _LOWEST)
    turn = (np.arctan2(dirs[..., 0], -dirs[..., 1]) % (2 * np.pi)) * (_TURNS / (2 * np.pi))
    i = np.clip(tilt.astype(np.int32), 0, _TILTS - 2)
    j = np.clip(turn.astype(np.int32), 0, _TURNS - 1)
    a = np.clip(tilt - i, 0, 1)[..., None].astype(np.float32)
    b = (turn - j)[..., None].astype(np.float32)
    upper = table[i, j] * (1 - b) + table[i, j + 1] * b
    lower = table[i + 1, j] * (1 - b) + table[i + 1, j + 1] * b
    return (upper * (1 - a) + lower * a).astype(np.float32)


@njit(cache=True)
def _cast(start: Any, dirs: Any, corners: Any) -> Any:
    """The farthest triangle that each ray meets, -1 for none, and the shares of its corners there."""
    hit = np.full(len(dirs), -1, np.int64)
    share = np.zeros((len(dirs), 3), np.float32)
    for r in range(len(dirs)):
        best = 0.0
        d = dirs[r]
        for f in range(len(corners)):
            a, e, g = corners[f, 0], corners[f, 1] - corners[f, 0], corners[f, 2] - corners[f, 0]
            px, py, pz = d[1] * g[2] - d[2] * g[1], d[2] * g[0] - d[0] * g[2], d[0] * g[1] - d[1] * g[0]
            det = e[0] * px + e[1] * py + e[2] * pz
            if abs(det) < 1e-14:
                continue
            sx, sy, sz = start[0] - a[0], start[1] - a[1], start[2] - a[2]
            u = (sx * px + sy * py + sz * pz) / det
            if u < 0 or u > 1:
                continue
            qx, qy, qz = sy * e[2] - sz * e[1], sz * e[0] - sx * e[2], sx * e[1] - sy * e[0]
            v = (d[0] * qx + d[1] * qy + d[2] * qz) / det
            t = (g[0] * qx + g[1] * qy + g[2] * qz) / det
            if v >= 0 and u + v <= 1 and t > best:
                best = t
                hit[r] = f
                share[r, 0], share[r, 1], share[r, 2] = 1 - u - v, u, v
    return hit, share


# -- where hair grows -----------------------------------------------------------------------------------------------


def _ramp(x: Reals, low: float, high: float) -> Floats:
    t = np.clip((x - low) / (high - low), 0, 1)
    out: Floats = (t * t * (3 - 2 * t)).astype(np.float32)
    return out


def _inside(canon: Floats, looks: Looks, receded: bool = True) -> Floats:
    """(V,) metres by which points of the skull lie inside the hairline, negative outside.

    receded: leave out the bare top of a balding head.
    """
    turn = np.degrees(np.abs(np.arctan2(canon[..., 0], _MIDDLE[1] - canon[..., 1])))
    man = 1.0 if looks.gender < 0.5 else 0.0
    line = _LINE_MALE * man + _LINE_FEMALE * (1 - man)
    # Old men lose the corners first. Everybody's hairline is a bit different.
    own = ((int(looks.seed) * 2654435761) % 1000) / 1000 - 0.5
    corner = np.exp(-(((_LINE_AT - 33) / 12) ** 2))
    line = line + 0.010 * own * (_LINE_AT < 60) + corner * man * 0.022 * max(0.0, looks.age - 0.55) / 0.4
    inside = canon[..., 2] - np.interp(turn, _LINE_AT, line)
    if receded and looks.hair == "balding":
        top = 0.905 - 0.03 * _ramp(-canon[..., 1], 0.02, 0.12)
        inside = np.minimum(inside, top - canon[..., 2])
    out: Floats = inside.astype(np.float32)
    return out


def _bumps(points: Reals, rng: np.random.Generator, size: float, waves: int = 14) -> Floats:
    """(...) smooth noise about -1 to 1 with lumps of `size` metres at `points` (..., 3)."""
    k = rng.normal(size=(3, waves))
    k *= 2 * np.pi / (2 * size) / np.linalg.norm(k, axis=0) * rng.uniform(0.6, 1.4, waves)
    phase = rng.uniform(0, 2 * np.pi, waves)
    total = np.cos(points @ k.astype(np.float32) + phase.astype(np.float32)).sum(-1)
    out: Floats = (total * np.sqrt(2 / waves) * 0.7).astype(np.float32)
    return out


def _ridges(columns: Reals, along: Reals, rng: np.random.Generator, locks: float) -> Floats:
    """(M, N) noise, -1 to 1, of about `locks` ridges round the head that run along the strands and drift a little.

    columns: (M,) 0 to 1 round the head. along: (N,) 0 to 1 along the strands.
    """
    total = np.zeros((len(columns), len(along)), np.float32)
    waves = 7
    for _ in range(waves):
        turns = round(locks * rng.uniform(0.45, 1.5))
        drift, phase = rng.normal(0, 1.6), rng.uniform(0, 2 * np.pi)
        total += np.cos(2 * np.pi * turns * columns[:, None] + drift * along[None] + phase)
    out: Floats = np.clip(total * np.sqrt(2 / waves) * 0.65, -1, 1).astype(np.float32)
    return out


def _slerp(start: Reals, end: Reals, share: Reals) -> Floats:
    """Unit vectors on the great circle from `start` to `end`, both (..., 3), at `share` (...)."""
    angle = np.arccos(np.clip((start * end).sum(-1), -1, 1))[..., None]
    sine = np.sin(angle)
    t = share[..., None]
    flat = sine < 1e-4
    sine = np.where(flat, 1, sine)
    out = np.where(flat, start, (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / sine)
    return out.astype(np.float32)


# -- meshes ---------------------------------------------------------------------------------------------------------


def _grid_faces(columns: int, rows: int, closed: bool) -> NDArray[np.int32]:
    """(F, 3) of a grid whose vertex (column, row) is column * rows + row; columns run to the person's left."""
    j, i = np.meshgrid(np.arange(columns if closed else columns - 1), np.arange(rows - 1), indexing="ij")
    a, b = j * rows + i, (j + 1) % columns * rows + i
    both = np.stack([np.stack([a, a + 1, b + 1], -1), np.stack([a, b + 1, b], -1)], 2)
    return both.reshape(-1, 3).astype(np.int32)


def _sheet(
    dirs: Reals, height: Reals, offset: Reals | None, shade: Reals, keep: Reals | None = None, closed: bool = True
) -> _Part:
    """A grid of (M, N) points, column by column, as a part."""
    columns, rows = dirs.shape[:2]
    across = np.linspace(0, 1, columns) if not closed else 1 - np.abs(2 * np.arange(columns) / columns - 1)
    run = np.stack(np.meshgrid(across * (0.5 if closed else 1), np.linspace(0, 1, rows), indexing="ij"), -1)
    zero = np.zeros((columns, rows, 3), np.float32)
    return _Part(
        dirs.reshape(-1, 3), height.reshape(-1), (zero if offset is None else offset).reshape(-1, 3), shade.reshape(-1),
        run.reshape(-1, 2), np.ones(columns * rows, np.float32) if keep is None else keep.reshape(-1),
        _grid_faces(columns, rows, closed),
    )  # fmt: skip


def _strips(skull: _Skull, dirs: Reals, height: Reals, offset: Reals | None, width: Reals, shade: Reals) -> _Part:
    """K flat locks along paths of n points: dirs (K, n, 3), height, width, shade (K, n), offset (K, n, 3)."""
    count, rows = dirs.shape[:2]
    offset = np.zeros_like(dirs) if offset is None else offset
    on = _at(skull.canon, dirs)
    path = on[..., :3] + on[..., 3:] * height[..., None] + offset
    ahead = np.gradient(path, axis=1)
    side = np.cross(on[..., 3:], ahead)
    side *= (width / 2 / (np.linalg.norm(side, axis=-1) + 1e-9))[..., None]
    both = np.stack([offset - side, offset + side], 1)  # (K, 2, n, 3)
    pair = _grid_faces(2, rows, False)
    faces = pair[None] + (np.arange(count) * 2 * rows)[:, None, None]
    across = np.arange(count)[:, None, None] * 0.37 + np.array([0, 0.02])[None, :, None]
    run = np.stack(np.broadcast_arrays(across, np.linspace(0, 1, rows)), -1)
    many = count * 2 * rows
    return _Part(
        np.repeat(dirs[:, None], 2, 1).reshape(-1, 3), np.repeat(height[:, None], 2, 1).reshape(-1),
        both.reshape(-1, 3).astype(np.float32), np.repeat(shade[:, None], 2, 1).reshape(-1),
        run.reshape(-1, 2), np.ones(many, np.float32), faces.reshape(-1, 3),
    )  # fmt: skip


def _tubes(middle: Reals, radius: Reals, dirs: Reals, shade: Reals, sides: int) -> _Part:
    """K round ropes along offset paths `middle` (K, n, 3) from the direction `dirs` (K, 3); radius, shade (K, n)."""
    count, rows = middle.shape[:2]
    ahead = np.gradient(middle, axis=1)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True) + 1e-9
    left = np.cross(ahead, np.array([0.23, 0.96, 0.16]))
    left /= np.linalg.norm(left, axis=-1, keepdims=True) + 1e-9
    up = np.cross(ahead, left)
    angle = -np.arange(sides) / sides * 2 * np.pi
    ring = left[:, None] * np.cos(angle)[None, :, None, None] + up[:, None] * np.sin(angle)[None, :, None, None]
    points = middle[:, None] + ring * radius[:, None, :, None]
    faces = _grid_faces(sides, rows, True)[None] + (np.arange(count) * sides * rows)[:, None, None]
    many = count * sides * rows
    grooves = shade[:, None] * (0.9 + 0.1 * np.cos(angle * 3))[None, :, None]
    run = np.stack(np.broadcast_arrays((np.arange(sides) / sides)[None, :, None] + np.zeros((count, 1, 1)),
                                       np.linspace(0, 1, rows)), -1)  # fmt: skip
    return _Part(
        np.broadcast_to(dirs[:, None, None], (count, sides, rows, 3)).reshape(-1, 3).astype(np.float32),
        np.zeros(many, np.float32), points.reshape(-1, 3).astype(np.float32), grooves.reshape(-1).astype(np.float32),
        run.reshape(-1, 2), np.ones(many, np.float32), faces.reshape(-1, 3),
    )  # fmt: skip


def _joined(parts: list[_Part]) -> _Part:
    start = np.cumsum([0, *(len(p.dirs) for p in parts)])
    names = ("dirs", "height", "offset", "shade", "run", "keep")
    values = [np.concatenate([getattr(p, n) for p in parts]).astype(np.float32) for n in names]
    faces = np.concatenate([p.faces + s for p, s in zip(parts, start, strict=False)])
    return _Part(values[0], values[1], values[2], values[3], values[4], values[5], faces)


def _carried(
    body: Body, shape: Shape, skull: _Skull, part: _Part, clear: float, hat: Callable[[Floats], Any] | None
) -> Surface:
    """A part on the person's own head, pushed out of the body, with the bones that move it."""
    low, own = _at(skull.canon, part.dirs), _at(skull.rest, part.dirs)
    canon = low[:, :3] + low[:, 3:] * part.height[:, None] + part.offset
    rest = own[:, :3] + (own[:, 3:] * part.height[:, None] + part.offset) * np.float32(skull.scale)
    hangs = (np.abs(part.offset).max(1) > 0.015) & (canon[:, 2] < 0.88)
    rest[hangs] = _pushed(body, shape, rest[hangs], clear)
    chin, base = (shape.heads[body.index[name], 2] for name in ("neck03", "neck01"))
    turn = _ramp(rest[:, 2], base - 0.05, chin)
    index = np.zeros((len(rest), 4), np.uint8)
    index[:, 0], index[:, 1], index[:, 2] = body.index["head"], body.index["neck02"], body.index["spine01"]
    weight = np.zeros((len(rest), 4), np.float32)
    weight[:, 1] = 0.5 * turn * (1 - turn)
    weight[:, 0], weight[:, 2] = turn - weight[:, 1] / 2, 1 - turn - weight[:, 1] / 2
    region = np.zeros((len(rest), 4), np.float32)
    region[:, 2] = canon[:, 2] > 0.66
    surface = Surface(
        rest.astype(np.float32), canon.astype(np.float32), part.run, region, part.shade, index, weight,
        part.faces.astype(np.int32),
    )  # fmt: skip
    keep = part.keep
    if hat is not None:
        keep = np.minimum(keep, -hat(surface.canon).astype(np.float32))
    return clip(surface, keep) if (keep > 0).any() else compact(replace(surface, faces=surface.faces[:0]))


def _pushed(body: Body, shape: Shape, points: Floats, clear: float) -> Floats:
    """Points moved out of the person's trunk, neck and head, and off their clothes."""
    if len(points) == 0:
        return points
    near = _obstacles(body)
    tree = cKDTree(shape.vertices[near], balanced_tree=False, compact_nodes=False)
    scalp = body.canon[near, 2] > 0.70
    for _ in range(2):
        distance, found = tree.query(points)
        vertex = near[found]
        gap = ((points - shape.vertices[vertex]) * shape.normals[vertex]).sum(1)
        lack = np.clip(np.where(scalp[found], 0.003, clear) - gap, 0, 0.06)
        lack *= np.clip(2 - distance / 0.04, 0, 1)  # far from all of it means nothing: better to stay
        points = points + shape.normals[vertex] * lack[:, None].astype(np.float32)
    return points


@cache
def _obstacles(body: Body) -> NDArray[np.int64]:
    vertices = np.unique(body.faces["shell"]).astype(np.int64)
    skin = np.unique(body.faces["body"]).astype(np.int64)
    canon, arm = body.canon, body.attributes
    shell = vertices[(canon[vertices, 2] > 0.1) & (arm[vertices, 0] < 0.45)]
    neck = skin[(canon[skin, 2] > 0.60) & (canon[skin, 2] < 0.84) & (arm[skin, 0] < 0.3) & (canon[skin, 1] > -0.15)]
    return np.unique(np.concatenate([shell, neck]))


# -- styles ---------------------------------------------------------------------------------------------------------


def _cap(
    looks: Looks,
    rng: np.random.Generator,
    skull: _Skull,
    thick: Callable[[Floats], Any],
    front: Floats,
    crown: Floats,
    locks: float = 26,
    rough: float = 0.25,
    columns: int = 72,
    rows: int = 22,
    ragged: float = 0.005,
    lumps: float = 0.0,
    end: float = 2.6,
    tied: bool = False,
) -> _Part:
    """Hair that lies on the scalp, flowing from the line between two directions outwards, cut at the hairline.

    thick: canon places of the scalp -> metres. rough: share of the thickness by which locks differ. ragged: metres by
    which the hairline wanders. lumps: size of round lumps in metres (curls) instead of ridges. end: last polar angle,
    from the top of the head or, if `tied`, from `crown`, where all strands come together.
    """
    share = np.arange(columns) / columns
    turn = (share * 2 * np.pi).astype(np.float32)
    back = _ramp(np.minimum(share, 1 - share) * 2, 0.15, 0.8)[:, None]
    root = front * (1 - back) + crown * back
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    along = np.linspace(0.0, 1, rows).astype(np.float32) ** 0.9
    bend = 0.25 * looks.part * np.sin(along * np.pi)[None] * (1 if lumps == 0 else 0)
    ends = _unit(turn[:, None] + bend, np.full((columns, rows), end))
    if tied:
        ends = ends @ _turned(crown).T
    dirs = _slerp(np.repeat(root[:, None], rows, 1), ends, np.broadcast_to(along, (columns, rows)))
    scalp = _at(skull.canon, dirs)
    place = scalp[..., :3]
    inside = _inside(place, looks) + ragged * _bumps(place, rng, 0.006)
    ridge = _bumps(place, rng, lumps) if lumps else _ridges(share, along, rng, locks)
    height: Reals = thick(place)
    # Near the hairline hair lies flat, so that the cap has no edge like a helmet.
    height = 0.0022 + height * _ramp(inside, -0.008, 0.024) * (1 + rough * ridge)
    streak = rng.normal(0, 0.07, (columns, 1)).astype(np.float32)
    shade = 0.94 + 0.16 * ridge + (streak if not lumps else 0)
    shade = shade * (0.75 + 0.25 * _ramp(inside, 0.0, 0.02)) * (0.8 + 0.2 * _ramp(along, 0, 0.12))[None]
    return _sheet(dirs, height.astype(np.float32), None, shade.astype(np.float32), inside)


def _turned(top: Floats) -> Floats:
    """(3, 3) the rotation about the x axis that takes the top of the head to `top`, a direction with x = 0."""
    y, z = float(top[1]), float(top[2])
    return np.array([[1, 0, 0], [0, z, y], [0, -y, z]], np.float32)


def _tufts(
    looks: Looks,
    rng: np.random.Generator,
    skull: _Skull,
    thick: Callable[[Floats], Any],
    crown: Floats,
    count: int,
    length: float,
    lift: float,
    width: float = 0.009,
    sweep: tuple[float, float, float] = (0.0, 0.0, 0.0),
    curl: float = 0.0,
    where: tuple[float, float] = (0.0, 2.4),
    points: int = 4,
) -> list[_Part]:
    """Short locks all over the scalp that follow its flow and stand off at their tips.

    sweep: a direction added to the flow away from the crown. where: polar angles of the roots.
    """
    tilt = np.arccos(rng.uniform(np.cos(where[1]), np.cos(where[0]), count * 2)).astype(np.float32)
    dirs = _unit(rng.uniform(-np.pi, np.pi, count * 2).astype(np.float32), tilt)
    inside = _inside(_at(skull.canon, dirs)[:, :3], looks)
    dirs = dirs[inside > 0.003][:count]
    if len(dirs) == 0:
        return []
    # The shorter, the nearer to the hairline.
    near = _inside(_at(skull.canon, dirs)[:, :3], looks)
    step = (
        length
        / 0.095
        / (points - 1)
        * rng.uniform(0.7, 1.3, (len(dirs), 1))
        * (0.25 + 0.75 * _ramp(near, 0.0, 0.06))[:, None]
    )
    turn = rng.normal(0, 0.35, (len(dirs), 1))
    path = [dirs]
    for k in range(points - 1):
        here = path[-1]
        flow = here - crown + np.asarray(sweep, np.float32)
        flow -= here * (flow * here).sum(1, keepdims=True)
        flow /= np.linalg.norm(flow, axis=1, keepdims=True) + 1e-6
        angle = turn + curl * k
        flow = flow * np.cos(angle) + np.cross(here, flow) * np.sin(angle)
        there = here + flow * step
        path.append((there / np.linalg.norm(there, axis=1, keepdims=True)).astype(np.float32))
    dirs = np.stack(path, 1)
    place = _at(skull.canon, dirs)[..., :3]
    inside = _inside(place, looks)
    tip = np.linspace(0, 1, points).astype(np.float32)
    up = lift * rng.uniform(0.2, 1.3, (len(dirs), 1)) * tip**1.6
    height = 0.0015 + thick(place) * _ramp(inside, -0.008, 0.024) * (0.72 + 0.32 * tip) + up
    size = width * rng.uniform(0.6, 1.3, (len(dirs), 1)) * np.array([0.55, 1, *[0.9] * (points - 3), 0.12])
    shade = (0.88 + rng.normal(0, 0.06, (len(dirs), 1)) + 0.12 * tip).astype(np.float32)
    return [_strips(skull, dirs, height.astype(np.float32), None, size.astype(np.float32), shade)]


def _fringe(
    looks: Looks, rng: np.random.Generator, skull: _Skull, low: float, count: int = 26, lift: float = 0.010
) -> _Part:
    """Locks that fall over the forehead down to canon height `low`, swept to one side."""
    turn = np.linspace(-0.95, 0.95, count) + rng.normal(0, 0.03, count)
    rows = 7
    along = np.linspace(0, 1, rows)
    sweep = -np.sign(looks.part or 1.0) * (0.15 + 0.5 * abs(looks.part))
    tilt_end = np.pi / 2 - np.arctan2(low + rng.normal(0, 0.004, count) - 0.845, 0.098)
    tilt = 0.55 + (tilt_end - 0.55)[:, None] * along
    turns = turn[:, None] * (0.75 + 0.25 * along) + sweep * along**1.5 + rng.normal(0, 0.05, (count, 1)) * along
    dirs = _unit(turns.astype(np.float32), tilt.astype(np.float32))
    height = 0.004 + lift * np.sin(np.pi * (0.15 + 0.65 * along)) * rng.uniform(0.8, 1.25, (count, 1))
    width = 0.013 * np.array([1, 1, 1, 1, 0.9, 0.7, 0.2]) * rng.uniform(0.8, 1.3, (count, 1))
    shade = 0.8 + 0.24 * along + rng.normal(0, 0.09, (count, 1))
    return _strips(skull, dirs, height.astype(np.float32), None, width.astype(np.float32), shade.astype(np.float32))


def _layers(top: float, side: float) -> Callable[[Floats], Any]:
    """Thickness of short hair: `side` metres at the sides and nape, `top` on top."""

    def thick(place: Floats) -> Floats:
        return side * (0.35 + 0.65 * _ramp(place[..., 2], 0.775, 0.85)) + (top - side) * _ramp(
            place[..., 2], 0.862, 0.925
        )

    return thick


_CROWN: Final = _unit(np.float32(np.pi), np.float32(0.38))


def _whorl(looks: Looks) -> Floats:
    """Where the hair of the crown turns: at the back, beside the middle."""
    turned = _CROWN + np.array([-0.12 * np.sign(looks.part or 1), 0, 0], np.float32)
    out: Floats = (turned / np.linalg.norm(turned)).astype(np.float32)
    return out


def _buzz(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    thick = _layers(0.004, 0.0025)
    crown = _whorl(looks)
    cap = _cap(looks, rng, skull, thick, crown, crown, rough=0.12, columns=60, rows=22, ragged=0.003)
    return [replace(cap, run=cap.run * [3, 40])]  # too short for strands: speckles


def _balding(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    thick = _layers(0.008, 0.008)
    crown = _whorl(looks)
    cap = _cap(looks, rng, skull, thick, crown, crown, rough=0.3, columns=64, rows=26, ragged=0.006)
    return [cap, *_tufts(looks, rng, skull, thick, crown, 110, 0.022, 0.003, 0.006)]


def _short(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    top = 0.010 + float(np.clip(looks.volume, 0, 0.03)) * 0.6
    thick = _layers(top, 0.005 + rng.uniform(0, 0.004))
    crown = _whorl(looks)
    parts = [_cap(looks, rng, skull, thick, crown, crown, rough=0.3)]
    sweep = (0.8 * looks.part, -0.6, 0.0)
    parts += _tufts(looks, rng, skull, thick, crown, 240, 0.032, 0.006, sweep=sweep)
    if looks.fringe > 0.35:
        parts.append(_fringe(looks, rng, skull, 0.915 - 0.035 * looks.fringe, 20, 0.008))
    return parts


def _part_line(part: float) -> tuple[Floats, Floats]:
    """The two ends of the parting: at the forehead and towards the crown."""
    side = 0.42 * part
    front = np.array([side, -0.70, 0.72])
    crown = np.array([side * 0.75, 0.12, 0.98])
    return (front / np.linalg.norm(front)).astype(np.float32), (crown / np.linalg.norm(crown)).astype(np.float32)


def _parted(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    front, crown = _part_line(looks.part)
    side = np.sign(looks.part or 1.0)
    base = _layers(0.013 + 0.5 * float(np.clip(looks.volume, 0, 0.03)), 0.006)

    def thick(place: Floats) -> Floats:
        # Hair is combed over to the side away from the parting, where it is thick.
        over = _ramp(-side * place[..., 0], -0.05, 0.05)
        out: Floats = base(place) * (0.6 + 0.5 * over)
        return out

    parts = [_cap(looks, rng, skull, thick, front, crown, rough=0.22, locks=22)]
    parts += _tufts(
        looks, rng, skull, thick, crown, 130, 0.045, 0.004, sweep=(-1.4 * side, -0.5, 0.0), where=(0.0, 1.2)
    )
    parts += _tufts(looks, rng, skull, thick, crown, 110, 0.024, 0.003, 0.007, where=(1.2, 2.4))
    return parts


def _quiff(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    high = 0.022 + 0.6 * float(np.clip(looks.volume, 0, 0.03))
    base = _layers(0.012, 0.0035)

    def thick(place: Floats) -> Floats:
        ahead = _ramp(-place[..., 1], 0.02, 0.11) * _ramp(place[..., 2], 0.895, 0.93)
        ahead = ahead * _ramp(-np.abs(place[..., 0]), -0.062, -0.035)
        out: Floats = base(place) + high * ahead
        return out

    front = _unit(np.float32(0.0), np.float32(0.95))
    parts = [_cap(looks, rng, skull, thick, front, _whorl(looks), rough=0.25, locks=22)]
    back = (0.5 * looks.part, 1.2, 0.6)  # combed up and back
    parts += _tufts(looks, rng, skull, thick, front, 150, 0.045, 0.010, 0.011, sweep=back, where=(0.0, 0.95))
    parts += _tufts(looks, rng, skull, thick, _whorl(looks), 90, 0.015, 0.001, 0.006, where=(1.0, 2.4))
    return parts


def _curly(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    if looks.length > 0.11:
        return _hanging(looks, rng, skull)
    thick = _layers(0.024 + 0.5 * float(np.clip(looks.volume, 0, 0.04)), 0.014)
    crown = _whorl(looks)
    cap = _cap(looks, rng, skull, thick, crown, crown, rough=0.36, lumps=0.009, columns=84, rows=26, ragged=0.012)
    return [cap, *_tufts(looks, rng, skull, thick, crown, 220, 0.026, 0.008, 0.006, curl=1.3, points=5)]


def _afro(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    size = 0.028 + 1.2 * float(np.clip(looks.volume, 0, 0.05))
    round_ = _layers(size, size * 0.8)
    crown = _unit(np.float32(0.0), np.float32(0.0))

    def thick(place: Floats) -> Floats:
        out: Floats = round_(place) * (1 - 0.35 * _ramp(-place[..., 1], 0.09, 0.14))
        return out

    cap = _cap(looks, rng, skull, thick, crown, crown, rough=0.13, lumps=0.007, columns=90, rows=34, ragged=0.006)
    return [cap, *_tufts(looks, rng, skull, thick, crown, 110, 0.018, 0.006, 0.006, curl=1.6)]


def _fall(
    looks: Looks, rng: np.random.Generator, turn: Floats, length: Floats, rows: int, volume: float, wave: float
) -> tuple[Reals, Reals, Reals, Reals]:
    """Strands that grow from the parting, run over the skull and hang from it.

    Args:
        turn: (M,) where they leave the skull, radians from the front, 0 to 2 pi. length: (M,) metres from there.
        rows: points a strand. volume: metres off the skull. wave: metres to and fro.

    Returns:
        dirs (M, N, 3), height (M, N), offset (M, N, 3), and (N,) 0 to 1 along the strands.
    """
    front, crown = _part_line(looks.part)
    around = np.minimum(turn, 2 * np.pi - turn)
    back = _ramp(around, 0.9, 2.9)[:, None]
    root = front * (1 - back) + crown * back
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    on = 9
    share = np.concatenate([np.linspace(0, 1, on), np.ones(rows - on)]).astype(np.float32)
    down = np.concatenate([np.zeros(on), np.arange(1, rows - on + 1) / (rows - on)]).astype(np.float32)
    leave = _unit(turn, np.full_like(turn, _LEAVE))
    dirs = _slerp(
        np.repeat(root[:, None], rows, 1), np.repeat(leave[:, None], rows, 1), np.broadcast_to(share, (len(turn), rows))
    )
    # Flat at the face, else the edge stands off like a visor.
    face = _ramp(around - around.min(), 0.0, 0.9)[:, None]
    height = 0.0025 + (volume * (0.2 + 0.8 * face)) * (0.75 * _ramp(share, 0.0, 0.4) + 0.25 * share)[None]
    ear = np.exp(-(((around - 1.55) / 0.42) ** 2))[:, None] * _ramp(share + down * length.max() / 0.05, 0.55, 1.0)
    height = height + 0.011 * ear
    offset = np.zeros((len(turn), rows, 3), np.float32)
    offset[..., 2] = -down * length[:, None]
    out = np.stack([np.sin(turn), -np.cos(turn)], -1)[:, None]  # away from the axis of the head
    drop = -offset[..., 2]
    # The back of the head recedes to the nape and the hair follows it part of the way.
    into = 0.024 * _ramp(drop, 0.02, 0.11) * (0.5 + 0.5 * _ramp(around, 1.2, 2.6)[:, None])
    if looks.hair == "bob":
        into = into + 0.016 * down**2
    offset[..., :2] -= out * into[..., None]
    level = 0.838 - drop
    low = _ramp(-level, -0.745, -0.635)
    before = np.sin(looks.seed * np.array([1.3, 2.1])) > -0.1  # the sides, left and right, that hang in front
    ahead = (around < 1.85) & np.where(turn < np.pi, before[0], before[1])
    y = -np.cos(turn) * 0.09 + _MIDDLE[1]
    offset[..., 1] += low * np.where(ahead, np.minimum(0, -0.115 - y), np.maximum(0, 0.035 - y))[:, None]
    offset[..., 0] += low * np.where(ahead, np.sign(np.sin(turn)) * (0.01 + 0.035 * (around - 1.1)), 0)[:, None]
    if wave > 0:
        locks = np.round(turn * 5.5)
        phase = np.sin(locks * 12.9898) * 43.7 + 1.5 * np.sin(turn * 3)
        swing = (
            np.sin(drop * (2 * np.pi / 0.062) + share * 4 + phase[:, None]) * wave * _ramp(share + drop / 0.1, 0.5, 1.1)
        )
        height = height + swing * 0.7
        tangent = np.stack([np.cos(turn), np.sin(turn)], -1)[:, None]
        offset[..., :2] += tangent * (np.gradient(swing, axis=1) * 1.2)[..., None]
    return dirs, height.astype(np.float32), offset, np.linspace(0, 1, rows).astype(np.float32)


def _hanging(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    """Bob, long, wavy and long curly hair: an outer and an inner sheet, locks over them, and perhaps a fringe."""
    curly = looks.hair == "curly"
    # The first part of a strand lies on the skull; curls are measured as they hang.
    length = float(np.clip(looks.length - (0.0 if curly else 0.12), 0.05, 0.45))
    wave = {"wavy": 0.007, "curly": 0.010}.get(looks.hair, 0.0012)
    volume = 0.011 + float(np.clip(looks.volume, 0, 0.04)) * 0.6 + (0.012 if curly else 0)
    edge = 1.9 if rng.random() < 0.2 else 1.03 + 0.14 * rng.random()  # behind the ears, or over them
    columns, rows = 78, 24
    share = np.arange(columns) / (columns - 1)
    turn = (edge + (2 * np.pi - 2 * edge) * share).astype(np.float32)
    ends = rng.normal(0, 0.055, columns) + 0.07 * np.cos(share * 2 * np.pi * rng.integers(14, 20) + rng.random())
    ends += -0.12 * np.cos(share * 2 * np.pi)  # longest at the back
    sizes = (length * (1 + ends)).astype(np.float32)
    parts = []
    for inner in (False, True):
        pick = slice(None, None, 2) if inner else slice(None)
        dirs, height, offset, along = _fall(
            looks, rng, turn[pick], sizes[pick] * (0.94 if inner else 1), rows, volume, wave
        )
        ridge = _ridges(share[pick], along, rng, 20)
        if curly:
            place = _at(skull.canon, dirs)[..., :3] + offset
            ridge = 0.4 * ridge + 1.1 * _bumps(place, rng, 0.011)
        ridge = ridge * _ramp(along, 0.05, 0.3)
        if inner:
            height = height * 0.5
            shade = np.broadcast_to(0.55 + 0.1 * ridge, height.shape)
        else:
            height = height * (1 + 0.22 * ridge) + 0.003 * ridge * _ramp(along, 0.3, 0.6)
            streak = rng.normal(0, 0.08, (columns, 1))
            shade = 0.9 + 0.15 * ridge + streak + 0.08 * along - 0.25 * (1 - _ramp(along, 0, 0.09))
        part = _sheet(dirs, height.astype(np.float32), offset, np.asarray(shade, np.float32), closed=False)
        parts.append(replace(part, faces=_unsplit(part)))
    if edge > 1.5:
        front, crown = _part_line(looks.part)
        parts.append(
            _cap(looks, rng, skull, _layers(0.005, 0.003), front, crown, columns=40, rows=12, locks=16, end=2.0)
        )
    parts.append(_loose(looks, rng, skull, edge, length, volume, wave))
    if (looks.hair != "curly" and looks.fringe > 0.6) or (curly and looks.fringe > 0.75):
        parts.append(_fringe(looks, rng, skull, 0.895 - 0.035 * looks.fringe, 26, volume * 0.7))
    return parts


def _unsplit(part: _Part) -> NDArray[Any]:
    """The faces of a sheet without those that hair before and hair behind a shoulder would tear."""
    corner = part.offset[part.faces]
    y = part.dirs[part.faces][..., 1] * 0.09 + corner[..., 1]
    torn = np.ptp(y, axis=1) > 0.055
    kept: NDArray[Any] = part.faces[~torn]
    return kept


def _loose(
    looks: Looks, rng: np.random.Generator, skull: _Skull, edge: float, length: float, volume: float, wave: float
) -> _Part:
    """Single locks over hanging hair, most of them at the face and the ends."""
    count = 48
    around = rng.beta(0.8, 1.2, count) * (np.pi - edge) + edge
    turn = np.where(rng.random(count) < 0.5, around, 2 * np.pi - around).astype(np.float32)
    sizes = (length * (1 - 0.12 * np.cos(turn - np.pi) * -1) * rng.uniform(0.72, 1.1, count)).astype(np.float32)
    dirs, height, offset, along = _fall(looks, rng, turn, sizes, 14, volume, wave * 1.3)
    height = height * rng.uniform(1.0, 1.3, (count, 1)) + 0.002
    offset[..., 0] += rng.normal(0, 0.006, (count, 1)) * along**2
    offset[..., 1] += rng.normal(0, 0.006, (count, 1)) * along**2
    width = rng.uniform(0.004, 0.014, (count, 1)) * np.minimum(1, 0.3 + 5 * along) * np.minimum(1, (1.02 - along) * 5)
    shade = 0.86 + rng.normal(0, 0.12, (count, 1)) + 0.12 * along
    return _strips(skull, dirs, height.astype(np.float32), offset, width.astype(np.float32), shade.astype(np.float32))


def _tied(looks: Looks, rng: np.random.Generator, skull: _Skull, tie: Floats) -> list[_Part]:
    """Hair combed back flat to where it is tied."""
    thick = _layers(0.011 + 0.3 * float(np.clip(looks.volume, 0, 0.03)), 0.008)
    parts = [_cap(looks, rng, skull, thick, tie, tie, locks=30, rough=0.22, rows=26, ragged=0.004, end=2.5, tied=True)]
    if looks.fringe > 0.6:
        parts.append(_fringe(looks, rng, skull, 0.895 - 0.035 * looks.fringe, 24))
    # Strands that came loose at the temples and the nape.
    count = 14
    side = np.where(rng.random(count) < 0.5, 1, -1)
    turn = (side * rng.choice([1.0, 1.12, 2.6, 2.9], count) + rng.normal(0, 0.06, count)).astype(np.float32)
    tilt = np.where(np.abs(turn) > 2, 2.2, 1.15)[:, None] + np.linspace(0, 0.35, 6)
    dirs = _unit(np.repeat(turn[:, None], 6, 1), tilt.astype(np.float32))
    height = 0.002 + 0.007 * rng.random((count, 1)) * np.linspace(0, 1, 6)
    offset = np.zeros((count, 6, 3), np.float32)
    offset[..., 2] = -rng.uniform(0, 0.05, (count, 1)) * np.linspace(0, 1, 6)
    width = np.full((count, 6), 0.003) * np.linspace(1, 0.3, 6)
    parts.append(
        _strips(
            skull,
            dirs,
            height.astype(np.float32),
            offset,
            width.astype(np.float32),
            np.full((count, 6), 0.95, np.float32),
        )
    )
    return parts


def _tie(looks: Looks) -> Floats:
    """Where a tail or bun sits: low at the nape up to high on the crown."""
    high = (np.sin(looks.seed * 1.7) + 1) / 2
    return _unit(np.float32(np.pi), np.float32(1.75 - 1.05 * high))


def _ponytail(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    tie = _tie(looks)
    parts = _tied(looks, rng, skull, tie)
    length = float(np.clip(looks.length, 0.12, 0.42))
    rows = 16
    t = np.linspace(0, 1, rows)
    path = np.zeros((1, rows, 3))
    # Out of the tie first, then down.
    path[0, :, 1] = (
        (0.012 + 0.03 * max(0.0, float(tie[2]))) * (1 - np.exp(-t * 5)) - 0.012 * t + 0.008 * np.sin(t * 5 + looks.seed)
    )
    path[0, :, 2] = -length * np.maximum(0, t - 0.02) ** 1.1 + 0.015 * np.sin(np.minimum(t * 6, np.pi)) * max(
        0.2, float(tie[2])
    )
    path[0, :, 0] = 0.02 * looks.part * t**2
    thick = 0.014 + 0.013 * np.sin(np.pi * np.minimum(1, t * 1.25)) ** 0.8
    thick = thick * np.minimum(1, (1.04 - t) * 3.5)
    parts.append(_tubes(path, thick[None], tie[None], 0.85 + 0.12 * t[None], 14))
    count, n = 60, 12
    s = np.linspace(0, 1, n)
    angle = rng.uniform(0, 2 * np.pi, (count, 1)) + rng.normal(0, 0.5, (count, 1)) * s
    far = np.interp(s, t, thick) * rng.uniform(0.85, 1.3, (count, 1))
    stretch = rng.uniform(0.75, 1.12, (count, 1)) * s
    offset = np.stack([np.interp(np.minimum(stretch, 1), t, path[0, :, k]) for k in range(3)], -1)
    offset[..., 2] -= np.maximum(stretch - 1, 0) * length
    offset[..., 0] += far * np.cos(angle)
    offset[..., 1] += far * np.sin(angle)
    dirs = np.broadcast_to(tie, (count, n, 3)).astype(np.float32)
    width = rng.uniform(0.005, 0.012, (count, 1)) * np.minimum(1, (1.03 - s) * 4)
    shade = 0.9 + rng.normal(0, 0.13, (count, 1)) + 0.1 * s
    parts.append(
        _strips(
            skull,
            dirs,
            np.zeros((count, n), np.float32),
            offset.astype(np.float32),
            width.astype(np.float32),
            shade.astype(np.float32),
        )
    )
    return parts


def _bun(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    tie = _tie(looks)
    parts = _tied(looks, rng, skull, tie)
    size = 0.028 + 0.3 * float(np.clip(looks.volume, 0, 0.04)) + 0.006 * rng.random()
    columns, rows = 36, 16
    turn = (np.arange(columns) / columns * 2 * np.pi).astype(np.float32)
    tilt = np.linspace(0, 2.6, rows).astype(np.float32)
    twist = turn[:, None] + 0.0 * tilt
    ball = _unit(twist, np.broadcast_to(tilt, (columns, rows)).astype(np.float32))
    swirl = np.cos(3 * turn[:, None] + 4.2 * tilt[None] + rng.uniform(0, 6)) + 0.5 * _bumps(ball, rng, 0.25)
    radius = size * (1 + 0.09 * swirl)
    # The ball's own top looks away from the head.
    side = np.array([1.0, 0, 0])
    other = np.cross(tie, side)
    offset = (ball[..., :1] * side + ball[..., 1:2] * other + ball[..., 2:] * tie * 0.85) * radius[..., None]
    offset = offset + tie * size * 0.75
    dirs = np.broadcast_to(tie, offset.shape).astype(np.float32)
    shade = 0.9 + 0.14 * swirl - 0.25 * _ramp(tilt, 1.6, 2.3)[None]
    part = _sheet(dirs, np.zeros(offset.shape[:2], np.float32), offset.astype(np.float32), shade.astype(np.float32))
    parts.append(part)
    return parts


def _braids(looks: Looks, rng: np.random.Generator, skull: _Skull) -> list[_Part]:
    front, crown = _part_line(0.0)
    thick = _layers(0.010, 0.009)
    parts = [_cap(looks, rng, skull, thick, front, crown, locks=34, rough=0.25, ragged=0.004)]
    length = float(np.clip(looks.length, 0.18, 0.40))
    rows = 30
    t = np.linspace(0, 1, rows)
    for side in (-1.0, 1.0):
        start = _unit(np.float32(side * 2.05), np.float32(1.95))
        path = np.zeros((3, rows, 3))
        path[..., 2] = -length * t
        path[..., 1] = -0.105 * _ramp(t * length, 0.05, 0.17) + 0.01
        path[..., 0] = side * (0.012 + 0.03 * _ramp(t * length, 0.03, 0.12))
        for k in range(3):
            beat = t * length / 0.042 * 2 * np.pi + k * 2 * np.pi / 3
            path[k, :, 0] += 0.0085 * np.cos(beat) * (1 - 0.35 * t)
            path[k, :, 1] += 0.0055 * np.sin(2 * beat) * (1 - 0.35 * t)
        radius = np.repeat((0.0095 * (1 - 0.4 * t) * np.minimum(1, (1.02 - t) * 8))[None], 3, 0)
        shade = 0.9 + 0.14 * np.sin(t[None] * length / 0.042 * 4 * np.pi + np.arange(3)[:, None] * 4 * np.pi / 3)
        parts.append(_tubes(path, radius, np.repeat(start[None], 3, 0), shade, 7))
    if looks.fringe > 0.6:
        parts.append(_fringe(looks, rng, skull, 0.895 - 0.035 * looks.fringe, 24))
    return parts


_BUILDERS: Final[dict[str, Callable[[Any, np.random.Generator, _Skull], list[_Part]]]] = {
    "balding": _balding, "buzz": _buzz, "short": _short, "parted": _parted, "quiff": _quiff, "curly": _curly,
    "afro": _afro, "bob": _hanging, "long": _hanging, "wavy": _hanging, "ponytail": _ponytail, "bun": _bun,
    "braids": _braids,
}  # fmt: skip


# -- beards ---------------------------------------------------------------------------------------------------------


def _beard(body: Body, shape: Shape, looks: Looks, rng: np.random.Generator) -> Surface:
    """A beard as the skin of jaw and lip once more, moved outwards and cut raggedly."""
    skin = _face(body, shape)
    field, depth = beard_field(skin.canon, looks.beard_style)
    field = field + 0.004 * _bumps(skin.canon, rng, 0.004)
    lips = skin.special[:, 0] if skin.special is not None else 0
    field = field - 0.03 * _ramp(np.asarray(lips, np.float32), 0.1, 0.5)
    skin = replace(skin, shade=(0.86 + 0.16 * _bumps(skin.canon * [1.6, 1.6, 0.5], rng, 0.004)).astype(np.float32))
    skin = clip(replace(skin, special=field[:, None].repeat(3, 1).astype(np.float32)), field.astype(np.float32))
    field = skin.special[:, 0] if skin.special is not None else field
    _, depth = beard_field(skin.canon, looks.beard_style)
    more = 0.6 + 0.8 * float(looks.beard)
    out = depth * more * (0.1 + 0.9 * _ramp(field, 0.0, 0.012)) * (1 + 0.35 * _bumps(skin.canon, rng, 0.006)) + 0.0006
    normal = _near_normals(body, shape, skin)
    rest = skin.rest + normal * out[:, None].astype(np.float32)
    if looks.beard_style == "full":
        rest[:, 2] -= out * 0.7  # it hangs
    run = np.stack([skin.canon[:, 0] * 3 - skin.canon[:, 1] * 1.5, skin.canon[:, 2] * 5], 1).astype(np.float32)
    return replace(
        skin, rest=rest.astype(np.float32), along=run, region=_HEAD_ONLY[np.zeros(len(skin), int)], special=None
    )


def beard_field(canon: Floats, style: str) -> tuple[Floats, Floats]:
    """Where a beard of this style grows, (V,) above 0, and how far it stands off, (V,) metres."""
    x, y, z = np.abs(canon[:, 0]), canon[:, 1], canon[:, 2]
    lip = np.minimum(0.0095 - np.abs(z - 0.7795 + 0.25 * x), 0.030 - x)
    if style == "moustache":
        return np.where(y < -0.13, lip, -0.01), np.full(len(canon), 0.004, np.float32)
    # The upper edge runs from the corner of the mouth to the ear; the lower one below the jaw.
    upper = 0.757 + 0.55 * np.maximum(0, x - 0.026) + 0.25 * np.maximum(0, y + 0.10)
    jaw = np.minimum(upper - z, z - (0.705 + 0.30 * np.maximum(0, y + 0.11)))
    side = np.minimum(0.012 - np.abs(y + 0.080), np.minimum(0.85 - z, x - 0.055))
    corner = np.minimum(0.010 - np.abs(x - 0.030), np.minimum(0.782 - z, z - 0.745))
    field = np.maximum(np.maximum(jaw, side), np.where(y < -0.12, np.maximum(lip, corner), -0.01))
    field = np.where(y > -0.052, -0.01, field)
    full = style == "full"
    depth = np.where(z < 0.757, 0.013 if full else 0.004, 0.005 if full else 0.003)
    return field, depth.astype(np.float32)


@cache
def _face_faces(body: Body) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    faces = body.faces["body"].astype(np.int64)
    canon = body.canon
    # The skin alone: not eyes, teeth or the inside of the mouth.
    ok = (canon[:, 2] > 0.69) & (canon[:, 2] < 0.86) & (canon[:, 1] < -0.04) & (np.abs(canon[:, 0]) < 0.0725)
    ok &= body.attributes[:, 7] < 0.5
    chosen = faces[ok[faces].all(1)]
    used, index = np.unique(chosen, return_inverse=True)
    return used, index.reshape(-1, 3).astype(np.int32)


def _face(body: Body, shape: Shape) -> Surface:
    used, faces = _face_faces(body)
    whole = body_surface(body, shape, "body")
    place = np.searchsorted(np.unique(body.faces["body"]), used)
    return compact(replace(whole, faces=place[faces].astype(np.int32)))


def _near_normals(body: Body, shape: Shape, surface: Surface) -> Floats:
    used, _ = _face_faces(body)
    _, found = cKDTree(shape.vertices[used]).query(surface.rest)
    out: Floats = shape.normals[used[found]]
    return out
