"""Hats, headscarves and glasses; and which hair a hat hides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Final

import numpy as np

from repose.body.model import BodyModel, Floats, Shape, load_body
from repose.body.surface import Ints, normals
from repose.render.pieces import Piece
from repose.render.wear.attach import LABELS, CanonMesh, carry, make_mesh
from repose.render.wear.contours import UPPER_KINDS, cloth_room, part_normals
from repose.render.wear.outfits import Outfit, WornItem
from repose.render.wear.solids import (
    Doubles,
    Grid,
    cut_mesh,
    grid_faces,
    joined,
    lofted,
    mirrored,
    outwards,
    ribbon,
    tube_along,
)

_HEAD: Final = (-0.056, 0.0755, 0.102)  # the skull without ears: canon y of its middle, half its width, half its length
# style: canon z of the edge, its slope along y, room round the skull, height of the crown above the edge, how square.
_HATS: Final[Mapping[str, tuple[float, float, float, float, float]]] = {
    "cap": (0.868, -0.10, 0.010, 0.108, 2.4),
    "beanie": (0.856, -0.22, 0.010, 0.138, 2.5),
    "brim": (0.866, -0.10, 0.010, 0.128, 3.6),
    "headscarf": (0.64, 0.0, 0.014, 0.33, 2.3),
}


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


def make_hat(
    body: BodyModel, shape: Shape, garment: WornItem, others: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    """The hat, and its trim where it has one; it hides no skin. Raises KeyError: no such style."""
    style = str(garment.cut.get("style", "cap"))
    main, trim = _hat_meshes(style, cloth_room(others, UPPER_KINDS, 0.3) if style == "headscarf" else 0.0)
    pieces = [Piece("hat", carry(main, body, shape), garment.fabric, LABELS["hat"], "body", double=True)]
    if trim is not None:
        pieces.append(Piece("hat trim", carry(trim, body, shape), garment.fabric, LABELS["hat"], kind="sole"))
    return pieces, None


@lru_cache(maxsize=32)
def _hat_meshes(style: str, room: float) -> tuple[CanonMesh, CanonMesh | None]:
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
        parts = [lofted(grid, first=False), _brim()]
        turn = np.arange(33) * 2 * math.pi / 32
        band = _edge(style, turn, 0.0015) + np.array([0, 0, 0.014])
        out = np.stack([np.sin(turn), -np.cos(turn), 0 * turn], 1)
        trim = [ribbon(band, out, 0.026, 0.002)]
        shades = [np.append(shade.ravel(), 1.0), np.ones(len(parts[1][0]))]
    elif style == "beanie":
        cuff = np.clip((0.040 - (grid[..., 2] - grid[:1, :, 2])) / 0.004, 0, 1)
        away = grid - [0, _HEAD[0], 0]
        away[..., 2] = 0
        grid += 0.005 * cuff[..., None] * away / (np.linalg.norm(away, axis=-1, keepdims=True) + 1e-9)
        ribs = np.where(np.arange(40) % 2 == 0, 1.03, 0.88)[None]
        shade = ribs * np.where((cuff > 0.02) & (cuff < 0.98), 0.7, 1.0) * (0.94 + 0.06 * cuff)
        parts = [lofted(grid, first=False)]
        shades = [np.append(shade.ravel(), 1.0)]
    else:
        seams = np.where(np.arange(32) % 8 == 4, 0.86, 1.0)[None] * shade
        parts = [lofted(grid, first=False), _visor()]
        shades = [np.append(seams.ravel(), 0.8), np.ones(len(parts[1][0]))]
    points, faces = joined(parts)
    main = make_mesh(points, faces, np.concatenate(shades), fits=("head",), rigid="head")
    if not trim:
        return main, None
    return main, make_mesh(*joined(trim), fits=("head",), rigid="head")


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
    points, faces = grid.reshape(-1, 3), grid_faces(len(grid), 15, wrap=False)
    return points, outwards(points, faces)


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
    points, faces = grid.reshape(-1, 3), grid_faces(len(grid), columns)
    return points, outwards(points, faces)


def _headscarf(room: float) -> CanonMesh:
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
    lines = np.linspace(0, len(levels) - 1, 22)
    k = np.minimum(lines.astype(int), len(levels) - 2)
    f = (lines - k)[:, None, None]
    grid = grid[k] * (1 - f) + grid[k + 1] * f
    folds = 0.004 * np.sin(turn * 9 + 14 * grid[:, :1, 2]) * np.clip((0.75 - grid[:, :1, 2]) / 0.05, 0, 1)
    grid[..., :2] *= 1 + folds[..., None] * 8
    points, faces = lofted(grid, last=False)
    points = _lifted(points, room + 0.018, 0.72)
    x, y, z = points.T
    face = 1 - (x / 0.070) ** 2 - ((z - 0.808) / np.where(z > 0.808, 0.088, 0.094)) ** 2
    points, faces = cut_mesh(points, faces, np.where(y < -0.03, -face, 1.0) * 0.05)
    shade = 1 - 0.12 * np.sin(6 * np.arctan2(points[:, 0], -points[:, 1] - 0.05) + 40 * points[:, 2]) ** 8
    solid = np.clip((points[:, 2] - 0.70) / 0.06, 0, 1)
    mesh = make_mesh(points, faces, shade, "all", ("head",), solid[None])
    surface = mesh.surface
    head = load_body().index["head"]
    index, weight = surface.bone_index.copy(), surface.bone_weight * (1 - solid)[:, None].astype(np.float32)
    weakest = weight.argmin(1)
    rows = np.arange(len(points))
    index[rows, weakest] = np.where(solid > 0, head, index[rows, weakest])
    weight[rows, weakest] += solid.astype(np.float32)
    weight /= weight.sum(1, keepdims=True)
    return replace(mesh, surface=replace(surface, bone_index=index, bone_weight=weight))


def _lifted(points: Doubles, off: float, below: float) -> Doubles:
    """Points below a canon height pushed out of the trunk, to at least `off` metres from the skin."""
    tree, place, normal = part_normals("trunk")
    for _ in range(4):
        near = tree.query(points, k=6)[1]
        out = normal[near].mean(1)
        out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
        lift = ((points[:, None] - place[near]) * out[:, None]).sum(-1).mean(1)
        share = np.clip((below - points[:, 2]) / 0.03, 0, 1)
        points = points + (share * np.clip(off - lift, 0, 0.05))[:, None] * out
    return points


def make_glasses(
    body: BodyModel, shape: Shape, garment: WornItem, _: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    """The frame, and dark lenses of sunglasses; they hide no skin. Raises KeyError: no such style."""
    frame, lens = _glasses_meshes(str(garment.cut.get("style", "square")))
    sun = float(garment.cut.get("sun", 0)) > 0.5
    label = (4, 4) if sun else (13, 13)
    pieces = [Piece("glasses", carry(frame, body, shape), garment.fabric, label, kind="leather")]
    if sun:
        pieces.append(Piece("lenses", carry(lens, body, shape), None, label, double=True, kind="glass"))
    return pieces, None


@cache
def _glasses_meshes(style: str) -> tuple[CanonMesh, CanonMesh]:
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
    parts = [tube_along(ring, thick, 5, closed=True), tube_along(temple, thick, 4)]
    frame = [p for part in parts for p in (part, mirrored(part))] + [tube_along(bridge, thick, 4)]
    fan = np.concatenate([ring, [[0.0335, float(_before(np.array([0.0335]))[0]) - 0.001, 0.836]]])
    disc = np.stack([np.arange(22), (np.arange(22) + 1) % 22, np.full(22, 22)], 1).astype(np.int32)
    lens = (fan, disc if _faces_front(fan, disc) else np.ascontiguousarray(disc[:, ::-1]))
    return (
        make_mesh(*joined(frame), fits=("face",), rigid="head"),
        make_mesh(*joined([lens, mirrored(lens)]), fits=("face",), rigid="head"),
    )


def _before(x: Doubles) -> Doubles:
    """Canon y of spectacles at x."""
    out: Doubles = -0.165 + 3.6 * x**2
    return out


def _faces_front(points: Doubles, faces: Ints) -> bool:
    return bool(normals(points.astype(np.float32), faces)[:, 1].mean() < 0)
