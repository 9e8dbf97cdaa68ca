"""What hair is built of, in terms of the skull: sheets, locks, ropes, caps over the scalp, tufts, fringes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.model import Floats
from repose.render.hair.scalp import Reals, Skull, bumps, direction, inside_hairline, lookup, ramp, ridges, slerp
from repose.render.pieces import Looks


@dataclass(frozen=True)
class Part:
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


def _grid_faces(columns: int, rows: int, closed: bool) -> NDArray[np.int32]:
    """(F, 3) of a grid whose vertex (column, row) is column * rows + row; columns run to the person's left."""
    j, i = np.meshgrid(np.arange(columns if closed else columns - 1), np.arange(rows - 1), indexing="ij")
    a, b = j * rows + i, (j + 1) % columns * rows + i
    both = np.stack([np.stack([a, a + 1, b + 1], -1), np.stack([a, b + 1, b], -1)], 2)
    return both.reshape(-1, 3).astype(np.int32)


def hair_sheet(
    dirs: Reals, height: Reals, offset: Reals | None, shade: Reals, keep: Reals | None = None, closed: bool = True
) -> Part:
    """A grid of (M, N) points, column by column, as a part."""
    columns, rows = dirs.shape[:2]
    across = np.linspace(0, 1, columns) if not closed else 1 - np.abs(2 * np.arange(columns) / columns - 1)
    run = np.stack(np.meshgrid(across * (0.5 if closed else 1), np.linspace(0, 1, rows), indexing="ij"), -1)
    zero = np.zeros((columns, rows, 3), np.float32)
    return Part(
        dirs.reshape(-1, 3), height.reshape(-1), (zero if offset is None else offset).reshape(-1, 3), shade.reshape(-1),
        run.reshape(-1, 2), np.ones(columns * rows, np.float32) if keep is None else keep.reshape(-1),
        _grid_faces(columns, rows, closed),
    )  # fmt: skip


def strips(skull: Skull, dirs: Reals, height: Reals, offset: Reals | None, width: Reals, shade: Reals) -> Part:
    """K flat locks along paths of n points: dirs (K, n, 3), height, width, shade (K, n), offset (K, n, 3)."""
    count, rows = dirs.shape[:2]
    offset = np.zeros_like(dirs) if offset is None else offset
    on = lookup(skull.canon, dirs)
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
    return Part(
        np.repeat(dirs[:, None], 2, 1).reshape(-1, 3), np.repeat(height[:, None], 2, 1).reshape(-1),
        both.reshape(-1, 3).astype(np.float32), np.repeat(shade[:, None], 2, 1).reshape(-1),
        run.reshape(-1, 2), np.ones(many, np.float32), faces.reshape(-1, 3),
    )  # fmt: skip


def tubes(middle: Reals, radius: Reals, dirs: Reals, shade: Reals, sides: int) -> Part:
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
    return Part(
        np.broadcast_to(dirs[:, None, None], (count, sides, rows, 3)).reshape(-1, 3).astype(np.float32),
        np.zeros(many, np.float32), points.reshape(-1, 3).astype(np.float32), grooves.reshape(-1).astype(np.float32),
        run.reshape(-1, 2), np.ones(many, np.float32), faces.reshape(-1, 3),
    )  # fmt: skip


def joined_parts(parts: list[Part]) -> Part:
    """Several parts as one, its numbers float32."""
    start = np.cumsum([0, *(len(p.dirs) for p in parts)])

    def together(values: Iterable[Reals]) -> Floats:
        return np.concatenate(list(values)).astype(np.float32)

    return Part(
        dirs=together(p.dirs for p in parts),
        height=together(p.height for p in parts),
        offset=together(p.offset for p in parts),
        shade=together(p.shade for p in parts),
        run=together(p.run for p in parts),
        keep=together(p.keep for p in parts),
        faces=np.concatenate([p.faces + s for p, s in zip(parts, start, strict=False)]),
    )


def hair_cap(
    looks: Looks,
    rng: np.random.Generator,
    skull: Skull,
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
) -> Part:
    """Hair that lies on the scalp, flowing from the line between two directions outwards, cut at the hairline.

    thick: canon places of the scalp -> metres. rough: share of the thickness by which locks differ. ragged: metres by
    which the hairline wanders. lumps: size of round lumps in metres (curls) instead of ridges. end: last polar angle,
    from the top of the head or, if `tied`, from `crown`, where all strands come together.
    """
    share = np.arange(columns) / columns
    turn = (share * 2 * np.pi).astype(np.float32)
    back = ramp(np.minimum(share, 1 - share) * 2, 0.15, 0.8)[:, None]
    root = front * (1 - back) + crown * back
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    along = np.linspace(0.0, 1, rows).astype(np.float32) ** 0.9
    bend = 0.25 * looks.part * np.sin(along * np.pi)[None] * (1 if lumps == 0 else 0)
    ends = direction(turn[:, None] + bend, np.full((columns, rows), end))
    if tied:
        ends = ends @ _turned(crown).T
    dirs = slerp(np.repeat(root[:, None], rows, 1), ends, np.broadcast_to(along, (columns, rows)))
    scalp = lookup(skull.canon, dirs)
    place = scalp[..., :3]
    inside = inside_hairline(place, looks) + ragged * bumps(place, rng, 0.006)
    ridge = bumps(place, rng, lumps) if lumps else ridges(share, along, rng, locks)
    height: Reals = thick(place)
    # Near the hairline hair lies flat, so that the cap has no edge like a helmet.
    height = 0.0022 + height * ramp(inside, -0.008, 0.024) * (1 + rough * ridge)
    streak = rng.normal(0, 0.07, (columns, 1)).astype(np.float32)
    shade = 0.94 + 0.16 * ridge + (streak if not lumps else 0)
    shade = shade * (0.75 + 0.25 * ramp(inside, 0.0, 0.02)) * (0.8 + 0.2 * ramp(along, 0, 0.12))[None]
    return hair_sheet(dirs, height.astype(np.float32), None, shade.astype(np.float32), inside)


def _turned(top: Floats) -> Floats:
    """(3, 3) the rotation about the x axis that takes the top of the head to `top`, a direction with x = 0."""
    y, z = float(top[1]), float(top[2])
    return np.array([[1, 0, 0], [0, z, y], [0, -y, z]], np.float32)


def tufts(
    looks: Looks,
    rng: np.random.Generator,
    skull: Skull,
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
) -> list[Part]:
    """Short locks all over the scalp that follow its flow and stand off at their tips.

    sweep: a direction added to the flow away from the crown. where: polar angles of the roots.
    """
    tilt = np.arccos(rng.uniform(np.cos(where[1]), np.cos(where[0]), count * 2)).astype(np.float32)
    dirs = direction(rng.uniform(-np.pi, np.pi, count * 2).astype(np.float32), tilt)
    inside = inside_hairline(lookup(skull.canon, dirs)[:, :3], looks)
    dirs = dirs[inside > 0.003][:count]
    if len(dirs) == 0:
        return []
    # The shorter, the nearer to the hairline.
    near = inside_hairline(lookup(skull.canon, dirs)[:, :3], looks)
    step = (
        length
        / 0.095
        / (points - 1)
        * rng.uniform(0.7, 1.3, (len(dirs), 1))
        * (0.25 + 0.75 * ramp(near, 0.0, 0.06))[:, None]
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
    place = lookup(skull.canon, dirs)[..., :3]
    inside = inside_hairline(place, looks)
    tip = np.linspace(0, 1, points).astype(np.float32)
    up = lift * rng.uniform(0.2, 1.3, (len(dirs), 1)) * tip**1.6
    height = 0.0015 + thick(place) * ramp(inside, -0.008, 0.024) * (0.72 + 0.32 * tip) + up
    size = width * rng.uniform(0.6, 1.3, (len(dirs), 1)) * np.array([0.55, 1, *[0.9] * (points - 3), 0.12])
    shade = (0.88 + rng.normal(0, 0.06, (len(dirs), 1)) + 0.12 * tip).astype(np.float32)
    return [strips(skull, dirs, height.astype(np.float32), None, size.astype(np.float32), shade)]


def fringe(
    looks: Looks, rng: np.random.Generator, skull: Skull, low: float, count: int = 26, lift: float = 0.010
) -> Part:
    """Locks that fall over the forehead down to canon height `low`, swept to one side."""
    turn = np.linspace(-0.95, 0.95, count) + rng.normal(0, 0.03, count)
    rows = 7
    along = np.linspace(0, 1, rows)
    sweep = -np.sign(looks.part or 1.0) * (0.15 + 0.5 * abs(looks.part))
    tilt_end = np.pi / 2 - np.arctan2(low + rng.normal(0, 0.004, count) - 0.845, 0.098)
    tilt = 0.55 + (tilt_end - 0.55)[:, None] * along
    turns = turn[:, None] * (0.75 + 0.25 * along) + sweep * along**1.5 + rng.normal(0, 0.05, (count, 1)) * along
    dirs = direction(turns.astype(np.float32), tilt.astype(np.float32))
    height = 0.004 + lift * np.sin(np.pi * (0.15 + 0.65 * along)) * rng.uniform(0.8, 1.25, (count, 1))
    width = 0.013 * np.array([1, 1, 1, 1, 0.9, 0.7, 0.2]) * rng.uniform(0.8, 1.3, (count, 1))
    shade = 0.8 + 0.24 * along + rng.normal(0, 0.09, (count, 1))
    return strips(skull, dirs, height.astype(np.float32), None, width.astype(np.float32), shade.astype(np.float32))


def layers(top: float, side: float) -> Callable[[Floats], Any]:
    """Thickness of short hair: `side` metres at the sides and nape, `top` on top."""

    def thick(place: Floats) -> Floats:
        return side * (0.35 + 0.65 * ramp(place[..., 2], 0.775, 0.85)) + (top - side) * ramp(
            place[..., 2], 0.862, 0.925
        )

    return thick


_CROWN: Final = direction(np.float32(np.pi), np.float32(0.38))


def whorl(looks: Looks) -> Floats:
    """Where the hair of the crown turns: at the back, beside the middle."""
    turned = _CROWN + np.array([-0.12 * np.sign(looks.part or 1), 0, 0], np.float32)
    out: Floats = (turned / np.linalg.norm(turned)).astype(np.float32)
    return out


def parting(part: float) -> tuple[Floats, Floats]:
    """The two ends of the parting: at the forehead and towards the crown."""
    side = 0.42 * part
    front = np.array([side, -0.70, 0.72])
    crown = np.array([side * 0.75, 0.12, 0.98])
    return (front / np.linalg.norm(front)).astype(np.float32), (crown / np.linalg.norm(crown)).astype(np.float32)
