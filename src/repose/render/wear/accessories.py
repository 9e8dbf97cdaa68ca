"""Things that people wear besides clothes: shoes, socks, hats, glasses, bags, scarves, gloves and belts, as geometry.

Everything is modelled once in canon space and kept (`attach.CanonMesh`); for a person only the places of its vertices
are computed. Shoes, hats and bags have files of their own; scarves, gloves and belts are here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

import numpy as np

from repose.body.model import BodyModel, Floats, Shape
from repose.render.pieces import Piece
from repose.render.wear.attach import LABELS, CanonMesh, SkinPart, carry, grown, make_mesh, skin_part
from repose.render.wear.bags import make_bag
from repose.render.wear.contours import (
    UPPER_KINDS,
    cloth_room,
    cross_section,
    evenly_round,
    outline,
    over_clothes,
    snapped,
    widest_ease,
)
from repose.render.wear.headwear import make_glasses, make_hat
from repose.render.wear.outfits import Outfit, WornItem
from repose.render.wear.shoes import make_shoes, make_socks
from repose.render.wear.solids import grid_faces, joined, outwards, pillow, ribbon, smooth_path


def build_accessories(body: BodyModel, shape: Shape, outfit: Outfit) -> tuple[list[Piece], Floats]:
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


@lru_cache(maxsize=32)
def _scarf_mesh(room: float, ease: float, long: bool) -> CanonMesh:
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
        faces = grid_faces(columns + 1, around) % len(points)
        parts.append((points, outwards(points, faces.astype(np.int32))))
        shades.append(np.tile(np.where(np.arange(around) % 2 == 0, 1.0, 0.84), columns))
    among = "neck"
    if long:
        path, out3 = snapped(smooth_path([(0.03, -0.10, 0.64), (0.045, -0.14, 0.55), (0.055, -0.17, 0.45),
                                      (0.055, -0.16, 0.34), (0.055, -0.155, 0.24)], 16), room + 0.014)  # fmt: skip
        path = over_clothes(path, ease, room + 0.010 + 0.1 * ease)
        end = ribbon(path, out3, np.interp(np.linspace(0, 1, 16), [0, 0.3, 1], [0.06, 0.11, 0.125]), 0.008)
        parts.append(end)
        shades.append(np.ones(len(end[0])))
        among = "front"
    points, faces = joined(parts)
    return make_mesh(points, faces, np.concatenate(shades), among)


def _scarf(
    body: BodyModel, shape: Shape, garment: WornItem, others: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    long = float(garment.cut.get("long", 0)) > 0.5
    surface = carry(_scarf_mesh(cloth_room(others, UPPER_KINDS, 0.3), widest_ease(others), long), body, shape)
    return [Piece("scarf", surface, garment.fabric, LABELS["scarf"], "body")], None


@cache
def _glove_mesh() -> SkinPart:
    return skin_part(lambda canon, along: np.where(np.abs(canon[:, 0]) > 0.3, along[:, 0] - 1.86, -1.0))


def _gloves(
    body: BodyModel, shape: Shape, garment: WornItem, _: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    surface = grown(_glove_mesh(), shape, 0.0018)
    arm = body.attributes[:, 0].astype(np.float32) - 1.92
    hidden = np.where(np.abs(body.canon[:, 0]) > 0.3, arm, -1.0).astype(np.float32)
    return [Piece("gloves", surface, garment.fabric, LABELS["gloves"], double=True, kind="leather")], hidden


@lru_cache(maxsize=32)
def _belt_meshes(z: float, room: float) -> tuple[CanonMesh, CanonMesh]:
    """The band, and its buckle."""
    rows = []
    for height, off in ((-0.017, 0.0), (-0.0165, 0.003), (0.0165, 0.003), (0.017, 0.0)):
        cut = cross_section("trunk", (0, 0, z + height), (0, 0, 1))
        flat = evenly_round(outline(np.stack([cut[:, 0], -cut[:, 1]], 1), room + off), 48)
        rows.append(np.stack([flat[:, 0], -flat[:, 1], np.full(48, z + height)], 1))
    points, faces = np.concatenate(rows), grid_faces(4, 48)
    front = rows[1][0, 1]
    buckle = pillow((0.046, 0.008, 0.040), 0.25, 8, 16)
    buckle = (buckle[0] + [0, front - 0.003, z], buckle[1])
    return make_mesh(points, outwards(points, faces), among="trunk"), make_mesh(*buckle, among="trunk")


def _belt(
    body: BodyModel, shape: Shape, garment: WornItem, others: Sequence[WornItem]
) -> tuple[list[Piece], Floats | None]:
    z = round(float(garment.cut.get("z", 0.22)), 2)
    kinds = {g.kind for g in others}
    label = 12 if "skirt" in kinds else 6 if "dress" in kinds else 10 if "jumpsuit" in kinds else 9
    room = min(cloth_room(others, ("trousers", "skirt", "dress", "jumpsuit"), 0.3), 0.02) + 0.005
    band, buckle = _belt_meshes(z, room)
    return [
        Piece("belt", carry(band, body, shape), garment.fabric, (label, label), "body", double=True, kind="leather"),
        Piece("buckle", carry(buckle, body, shape), garment.fabric, (label, label), kind="sole"),
    ], None


_Maker = Callable[[BodyModel, Shape, "WornItem", "Sequence[WornItem]"], "tuple[list[Piece], Floats | None]"]
_MAKERS: Final[Mapping[str, _Maker]] = {
    "socks": make_socks, "shoes": make_shoes, "hat": make_hat, "glasses": make_glasses, "bag": make_bag,
    "scarf": _scarf, "gloves": _gloves, "belt": _belt,
}  # fmt: skip
