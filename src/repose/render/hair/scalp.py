"""The skull of a person and where hair grows on it.

A point of the skull is a direction, a unit vector (3,) from the middle of the head; tables give its place and normal.
`scalp_field` tints the skin below the hair.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from repose.body.model import BodyModel, Floats, Shape
from repose.render.pieces import Looks

MIDDLE: Final = np.array([0.0, -0.052, 0.845], np.float32)  # of the skull, canon
_TURNS, _TILTS, _LOWEST = 64, 40, 2.75  # the table of the skull: azimuths, polar angles, the largest polar angle
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
class Skull:
    """Where the skull of one person is: tables over polar angle and azimuth, (_TILTS, _TURNS + 1, 6): place, normal."""

    canon: Floats
    rest: Floats
    scale: float


def scalp_field(body: BodyModel, looks: Looks) -> Floats:
    """(V_body,) float32 in [0, 1]: how much the hair's colour covers the skin at each vertex of the body."""
    canon = body.canon
    out: Floats = np.zeros(len(canon), np.float32)
    head = (body.attributes[:, 4] > 0.5) & (canon[:, 2] > 0.74)
    inside = inside_hairline(canon[head], looks)
    ear = np.abs(canon[head][:, 0]) > 0.0765
    # A little before the first hairs the skin is already darker, else the hairline looks cut out.
    much = {"bald": 0.16, "balding": 0.62, "buzz": 0.8}.get(looks.hair, 0.95)
    soft = ramp(inside, -0.005, 0.008) * much
    if looks.hair == "balding":
        soft = np.maximum(soft, 0.12 * ramp(inside_hairline(canon[head], looks, receded=False), -0.004, 0.01))
    out[head] = np.where(ear, 0, soft)
    return out


def inside_hairline(canon: Floats, looks: Looks, receded: bool = True) -> Floats:
    """(V,) metres by which points of the skull lie inside the hairline, negative outside.

    receded: leave out the bare top of a balding head.
    """
    turn = np.degrees(np.abs(np.arctan2(canon[..., 0], MIDDLE[1] - canon[..., 1])))
    man = 1.0 if looks.gender < 0.5 else 0.0
    line = _LINE_MALE * man + _LINE_FEMALE * (1 - man)
    # Old men lose the corners first. Everybody's hairline is a bit different.
    own = ((int(looks.seed) * 2654435761) % 1000) / 1000 - 0.5
    corner = np.exp(-(((_LINE_AT - 33) / 12) ** 2))
    line = line + 0.010 * own * (_LINE_AT < 60) + corner * man * 0.022 * max(0.0, looks.age - 0.55) / 0.4
    inside = canon[..., 2] - np.interp(turn, _LINE_AT, line)
    if receded and looks.hair == "balding":
        top = 0.905 - 0.03 * ramp(-canon[..., 1], 0.02, 0.12)
        inside = np.minimum(inside, top - canon[..., 2])
    out: Floats = inside.astype(np.float32)
    return out


def find_skull(body: BodyModel, shape: Shape) -> Skull:
    """The skull of one person, and how large it is compared to the mean one."""
    rays = _rays(body)
    canon, rest = (_table(rays @ place) for place in (body.canon, shape.vertices))
    upper = slice(0, _TILTS // 2)
    size = [
        float(np.linalg.norm(t[upper, :, :3] - t[upper, :, :3].mean((0, 1)), axis=-1).mean()) for t in (canon, rest)
    ]
    return Skull(canon, rest, size[1] / size[0])


def direction(turn: Any, tilt: Any) -> Floats:
    """(..., 3) directions: `turn` radians from the front to the person's left, `tilt` radians from the top."""
    return np.stack([np.sin(tilt) * np.sin(turn), -np.sin(tilt) * np.cos(turn), np.cos(tilt)], -1).astype(np.float32)


def lookup(table: Floats, dirs: Floats) -> Floats:
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


@cache
def _rays(body: BodyModel) -> Any:
    """(_TILTS * _TURNS, V_body) sparse: the place on the skull in each direction as a mean of vertices of the body."""
    corner = body.canon[body.faces["body"].astype(np.int64)]
    middle = corner.mean(1)
    head = body.attributes[:, 4][body.faces["body"]].min(1) > 0.3
    ear = (np.abs(middle[:, 0]) > 0.0745) & (middle[:, 2] < 0.872)
    chosen = np.flatnonzero(head & ~ear & (middle[:, 2] > 0.68))
    tilt, turn = np.meshgrid(np.linspace(0, _LOWEST, _TILTS), np.arange(_TURNS) / _TURNS * 2 * np.pi, indexing="ij")
    dirs = direction(turn, tilt).reshape(-1, 3).astype(np.float64)
    hit, share = _cast(MIDDLE.astype(np.float64), dirs, corner[chosen].astype(np.float64))
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
    for row, filled in zip(grid, known, strict=True):
        at = np.flatnonzero(filled)
        for k in np.flatnonzero(~filled):
            if len(at) == 0:
                break
            after = at[np.argmin((at - k) % _TURNS)]
            before = at[np.argmin((k - at) % _TURNS)]
            a, b = (k - before) % _TURNS, (after - k) % _TURNS
            row[k] = (row[before] * b + row[after] * a) / (a + b)


def _table(places: Reals) -> Floats:
    grid = places.reshape(_TILTS, _TURNS, 3)
    # Neither single triangles nor the border of the ears should show.
    grid[1:-1] = (2 * grid[1:-1] + np.roll(grid, 1, 1)[1:-1] + np.roll(grid, -1, 1)[1:-1]) / 4
    down = np.gradient(grid, axis=0)
    round_ = np.roll(grid, -1, 1) - np.roll(grid, 1, 1)
    normal = np.cross(down, round_)
    normal[0] = normal[1].mean(0)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    out = np.concatenate([grid, normal], -1)
    return np.concatenate([out, out[:, :1]], 1).astype(np.float32)


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


def ramp(x: Reals, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    out: Floats = (t * t * (3 - 2 * t)).astype(np.float32)
    return out


def bumps(points: Reals, rng: np.random.Generator, size: float, waves: int = 14) -> Floats:
    """(...) smooth noise about -1 to 1 with lumps of `size` metres at `points` (..., 3)."""
    k = rng.normal(size=(3, waves))
    k *= 2 * np.pi / (2 * size) / np.linalg.norm(k, axis=0) * rng.uniform(0.6, 1.4, waves)
    phase = rng.uniform(0, 2 * np.pi, waves)
    total = np.cos(points @ k.astype(np.float32) + phase.astype(np.float32)).sum(-1)
    out: Floats = (total * np.sqrt(2 / waves) * 0.7).astype(np.float32)
    return out


def ridges(columns: Reals, along: Reals, rng: np.random.Generator, locks: float) -> Floats:
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


def slerp(start: Reals, end: Reals, share: Reals) -> Floats:
    """Unit vectors on the great circle from `start` to `end`, both (..., 3), at `share` (...)."""
    angle = np.arccos(np.clip((start * end).sum(-1), -1, 1))[..., None]
    sine = np.sin(angle)
    t = share[..., None]
    flat = sine < 1e-4
    sine = np.where(flat, 1, sine)
    out = np.where(flat, start, (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / sine)
    return out.astype(np.float32)
