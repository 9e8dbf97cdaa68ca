"""Bags: on the back, at the hip, or hanging straight down from a hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

import numpy as np

from repose.body.model import BodyModel, Floats, Shape
from repose.render.pieces import Piece
from repose.render.wear.attach import LABELS, CanonMesh, affine, carry, make_mesh, mirror_mesh
from repose.render.wear.contours import UPPER_KINDS, cloth_room, over_clothes, snapped, widest_ease
from repose.render.wear.outfits import WornItem
from repose.render.wear.solids import Doubles, joined, mirrored, pillow, ribbon, smooth_path, tube_along

_GRIP: Final = (0.548, -0.290, 0.172)  # canon, where the fingers of the left hand hold something


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


def make_bag(
    body: BodyModel, shape: Shape, garment: WornItem, others: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    """The bag; it hides no skin. Raises KeyError: no such style."""
    style, right = str(garment.cut.get("style", "backpack")), str(garment.cut.get("side", "L")) == "R"
    if style not in ("backpack", "shoulder", "handbag", "tote"):
        raise KeyError(f"no such bag: {style}")
    worn = style in ("backpack", "shoulder")
    room, ease = (cloth_room(others, UPPER_KINDS, 0.25), widest_ease(others)) if worn else (0.0, 0.0)
    surfaces = [carry(m, body, shape) for m in _bag_meshes(style, room, ease, right)]
    pieces = [Piece("bag", s, garment.fabric, LABELS["bag"], "planar", kind="leather") for s in surfaces]
    if style in ("handbag", "tote"):
        pieces = [_hung(body, shape, pieces[0], "R" if right else "L", others)]
    return pieces, None


@lru_cache(maxsize=64)
def _bag_meshes(style: str, room: float, ease: float, right: bool) -> list[CanonMesh]:
    if style == "backpack":
        return _backpack_meshes(room, ease)
    meshes = _shoulder_meshes(room, ease, ease < 0.035) if style == "shoulder" else _hand_meshes(style)
    return [mirror_mesh(m) for m in meshes] if right else meshes


@lru_cache(maxsize=32)
def _backpack_meshes(room: float, ease: float) -> list[CanonMesh]:
    """Bag, pocket and straps."""
    back = 0.078 + room + 0.5 * ease
    box, faces = pillow((0.29, 0.125, 0.42), 0.45, 12, 24)
    box = box * np.stack([1 - 0.10 * np.clip(box[:, 2] / 0.21, 0, 1)] * 2 + [np.ones(len(box))], 1)
    box += [0, back + 0.058, 0.40]
    pocket = pillow((0.22, 0.07, 0.17), 0.4, 8, 16)
    pocket = (pocket[0] + [0, back + 0.112, 0.30], pocket[1])
    shade = np.where(np.abs(box[:, 1] - back - 0.058) < 0.008, 0.72, 1.0)
    handle = tube_along(smooth_path([(0.03, back + 0.02, 0.60), (0.02, back + 0.02, 0.63), (-0.02, back + 0.02, 0.63),
                           (-0.03, back + 0.02, 0.60)], 9), 0.006, 5)  # fmt: skip
    parts = [(box, faces), pocket, handle]
    shades = np.concatenate([shade, np.full(len(pocket[0]), 0.92), np.full(len(handle[0]), 0.8)])
    main = make_mesh(*joined(parts), shades, "back", ("back",), rigid="spine02")
    path, out = snapped(smooth_path([(0.07, 0.085, 0.56), (0.085, 0.05, 0.645), (0.098, -0.01, 0.685),
                                 (0.108, -0.085, 0.63), (0.118, -0.14, 0.52), (0.138, -0.12, 0.40),
                                 (0.158, -0.02, 0.30), (0.12, 0.065, 0.25)], 26), room + 0.006)  # fmt: skip
    path = over_clothes(path, ease, room + 0.004)
    width = np.interp(np.linspace(0, 1, 26), [0, 0.12, 0.55, 0.65, 1], [0.045, 0.055, 0.05, 0.026, 0.024])
    strap = ribbon(path, out, width, 0.008)
    return [main, make_mesh(*joined([strap, mirrored(strap)]), among="trunk")]


@lru_cache(maxsize=32)
def _shoulder_meshes(room: float, ease: float, across: bool) -> list[CanonMesh]:
    """A bag at the left hip with its strap over the right (`across`) or the left shoulder."""
    hip = max(room + ease, 0.012)
    size = (0.09, 0.27, 0.20)
    x, z = 0.192 + hip + size[0] / 2, 0.06
    bag = pillow(size, 0.35, 10, 20)
    points = bag[0] * np.stack([1 - 0.25 * bag[0][:, 2] / size[2], 1 - 0.08 * bag[0][:, 2] / size[2],
                                np.ones(len(bag[0]))], 1)  # fmt: skip
    flap = pillow((0.02, 0.262, 0.115), 0.3, 6, 14)
    place = np.array([x, -0.025, z])
    parts = [(points + place, bag[1]), (flap[0] + place + [size[0] * 0.42, 0, 0.045], flap[1])]
    buckle = pillow((0.012, 0.03, 0.022), 0.3, 6, 10)
    parts.append((buckle[0] + place + [size[0] * 0.42 + 0.010, 0, 0.0], buckle[1]))
    shades = np.concatenate([np.ones(len(points)), np.full(len(flap[0]), 0.9), np.full(len(buckle[0]), 0.55)])
    main = make_mesh(*joined(parts), shades, "trunk", ("trunk",), rigid="root")
    side = -1.0 if across else 1.0
    front = [(0.085 * side, -0.01, 0.69), (0.080 * side, -0.10, 0.60), (0.03 * side, -0.16, 0.46),
             (0.06, -0.155, 0.32), (0.13, -0.12, 0.20), (0.185, -0.065, 0.15)]  # fmt: skip
    rear = [(0.085 * side, -0.01, 0.69), (0.075 * side, 0.06, 0.60), (0.03 * side, 0.075, 0.46),
            (0.06, 0.06, 0.32), (0.13, 0.055, 0.20), (0.185, 0.03, 0.15)]  # fmt: skip
    if not across:
        front = [front[0], (0.105, -0.10, 0.60), (0.135, -0.135, 0.46), (0.165, -0.10, 0.32), (0.185, -0.07, 0.16)]
        rear = [rear[0], (0.105, 0.06, 0.60), (0.135, 0.06, 0.46), (0.155, 0.045, 0.32), (0.185, 0.03, 0.16)]
    path, out = snapped(np.concatenate([smooth_path(front[::-1], 18)[:-1], smooth_path(rear, 18)]), room + 0.005)
    path = over_clothes(path, ease, room + 0.003 + 0.25 * ease)
    ends = [np.array([x - 0.01, y, z + 0.085]) for y in (-0.11, 0.06)]
    path = np.concatenate([[ends[0]], path, [ends[1]]])
    out = np.concatenate([[[1.0, 0, 0]], out, [[1.0, 0, 0]]])
    strap = ribbon(path, out, 0.028, 0.003)
    return [main, make_mesh(*strap, among="trunk")]


@cache
def _hand_meshes(style: str) -> list[CanonMesh]:
    """A bag that hangs from the left hand; its point of suspension is `_GRIP`."""
    long, deep, tall, drop = (0.27, 0.11, 0.19, 0.10) if style == "handbag" else (0.36, 0.10, 0.36, 0.17)
    square = 0.4 if style == "handbag" else 0.25
    box = pillow((deep, long, tall), square, 10, 22)
    points = box[0]
    narrow = 1 - (0.5 if style == "handbag" else 0.55) * (points[:, 2] / tall + 0.5)  # gathers towards the opening
    points = points * np.stack([narrow, 1 + 0.06 * points[:, 2] / tall, np.ones(len(points))], 1)
    points[:, 2] -= drop + tall / 2
    parts = [(points, box[1])]
    shades = [np.where(points[:, 2] > -drop - 0.025, 0.8, 1.0)]
    for x in (-0.016, 0.016):
        arc = smooth_path([(x, -long * 0.24, -drop - 0.03), (x * 0.9, -long * 0.20, -drop * 0.5), (x * 0.2, -0.03, 0.0),
                      (x * 0.2, 0.03, 0.0), (x * 0.9, long * 0.20, -drop * 0.5),
                      (x, long * 0.24, -drop - 0.03)], 15)  # fmt: skip
        tube = tube_along(arc, 0.0055, 5)
        parts.append(tube)
        shades.append(np.full(len(tube[0]), 0.8))
    points, faces = joined(parts)
    return [make_mesh(points + _GRIP, faces, np.concatenate(shades), "all", ("trunk",), rigid="wrist.L")]


def _hung(body: BodyModel, shape: Shape, piece: Piece, side: str, others: Sequence[WornItem]) -> HangingPiece:
    """The piece held by the hand of a side: moved there, with what `hang` needs to know."""
    mirror = np.array([-1 if side == "R" else 1, 1, 1], np.float32)
    wrist, knuckle = body.index[f"wrist.{side}"], body.index[f"finger3-1.{side}"]
    held = np.asarray(_GRIP, np.float32) * mirror
    start, end = body.pivots[wrist], body.pivots[knuckle]
    # Along the hand as on the mean body, in lengths of this person's palm.
    grow = np.linalg.norm(shape.pivots[knuckle] - shape.pivots[wrist]) / np.linalg.norm(end - start)
    pivot = (shape.pivots[knuckle] + (held - end) * grow).astype(np.float32)
    fit = affine(body, shape, "trunk")
    moved = (held @ fit[:3] + fit[3]).astype(np.float32)
    surface = replace(piece.surface, rest=piece.surface.rest - moved + pivot)
    index, little = (body.index[f"finger{k}-1.{side}"] for k in (2, 5))
    across = shape.pivots[little] - shape.pivots[index]
    across = (across / np.linalg.norm(across)).astype(np.float32)
    wide = max([float(g.cut.get("flare", 0.0)) * 0.5 for g in others] + [0.0])
    local = surface.rest - pivot
    deep, long = (float(np.ptp(local[:, :2] @ axis)) / 2 for axis in (np.array([1, 0]), np.array([0, 1])))
    return HangingPiece(
        piece.name, surface, piece.fabric, piece.label, piece.wrap, kind=piece.kind, bone=wrist, pivot=pivot,
        across=across, size=(deep, long, -float(local[:, 2].min())), solids=_solids(body, shape, wide),
    )  # fmt: skip


def _solids(body: BodyModel, shape: Shape, wide: float) -> tuple[tuple[int, int, Floats, float], ...]:
    """Capsules of trunk and legs; `wide` metres of skirt are added to the thighs."""
    grow = float(np.ptp(shape.vertices[:, 2]) / np.ptp(body.canon[:, 2]))
    chains = [("root", "spine01", 0.155), *(
        (f"{a}.{side}", f"{b}.{side}", radius) for side in "LR"
        for a, b, radius in (("upperleg01", "lowerleg01", 0.082 + wide), ("lowerleg01", "foot", 0.06)))]  # fmt: skip
    ends = [(body.index[a], body.index[b], radius * grow) for a, b, radius in chains]
    return tuple((a, b, shape.pivots[[a, b]].astype(np.float32), radius) for a, b, radius in ends)


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
