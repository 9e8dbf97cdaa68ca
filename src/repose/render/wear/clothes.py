"""Clothes as geometry: tops, coats, dresses, skirts, trousers and jumpsuits with outlines of their own.

A garment is cut (`cuts`) from one of two `patterns` of canon space. On a person its cross-sections (`sections`) are
the convex hulls of the body and of what is worn below, widened by the ease, and hang straight down from the widest
place above (`fitting`): cloth bridges what skin does not. `trimmings` sews collars and pockets on.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from repose.body.atlas import ANKLE, HIP, KNEE
from repose.body.model import BodyModel, Floats, Shape
from repose.body.surface import Ints, Surface
from repose.render.mesh import merge
from repose.render.pieces import Cloth, Piece
from repose.render.wear.cuts import KINDS, Cut, armness, coverage, cut_out, number, smoothstep, surely_covered
from repose.render.wear.fitting import Worn, clearance, fitted
from repose.render.wear.outfits import Outfit, WornItem
from repose.render.wear.patterns import gown_pattern, skin_below, suit_pattern
from repose.render.wear.sections import limb_members
from repose.render.wear.trimmings import trimmings

_LABELS: Final = {"top": 5, "dress": 6, "coat": 7, "trousers": 9, "jumpsuit": 10, "skirt": 12}


def build_clothes(body: BodyModel, shape: Shape, outfit: Outfit) -> tuple[list[Piece], Floats]:
    """Tops, coats, dresses, skirts, trousers and jumpsuits of an outfit on a person.

    Returns:
        The pieces, inner ones first, and (V_body,) float32, metres, above 0 where skin is surely covered.
    """
    canon, along = body.canon, body.attributes[:, :2].astype(np.float32)
    hidden = np.full(body.count, -1.0, np.float32)
    worn: list[Worn] = []
    for garment in _in_order(outfit.garments):
        cut = _settled(garment, outfit.garments)
        under = [w for w in worn if not _tucked_in(w.kind, w.cut, garment.kind)]
        worn.append(_made(body, shape, garment, cut, under))
        hidden = np.maximum(hidden, surely_covered(garment.kind, cut, canon, along))
    seen = [_trimmed(w, worn[k + 1 :]) for k, w in enumerate(worn)]
    return [_finished(body, shape, w) for w in seen if len(w.surface.faces)], hidden


def _in_order(garments: Sequence[WornItem]) -> list[WornItem]:
    """From the inside out: a tucked top below the trousers, any other above them, coats last."""

    def rank(garment: WornItem) -> float:
        if garment.kind == "top":
            return 0 if number(garment.cut, "tucked", 0) > 0.5 else 2
        return {"trousers": 1, "skirt": 1, "jumpsuit": 1, "dress": 2, "coat": 3}[garment.kind]

    return sorted((g for g in garments if g.kind in KINDS), key=rank)


def _settled(garment: WornItem, garments: Sequence[WornItem]) -> Cut:
    """The cut, its tucked hem put below the waistband there is."""
    cut = dict(garment.cut)
    if garment.kind == "top" and number(cut, "tucked", 0) > 0.5:
        waists = [number(g.cut, "waist", 0.25) for g in garments if g.kind in ("trousers", "skirt")]
        cut["hem"] = max(waists, default=0.25) - 0.015
    return cut


def _tucked_in(kind: str, cut: Cut, over: str) -> bool:
    return kind == "top" and number(cut, "tucked", 0) > 0.5 and over in ("trousers", "skirt")


def _trimmed(worn: Worn, over: Sequence[Worn]) -> Worn:
    """A garment without what outer ones surely cover."""

    def rest(surface: Surface) -> Surface:
        field = np.minimum.reduce([-surely_covered(w.kind, w.cut, surface.canon, surface.along, 0.03) for w in over])
        return cut_out(surface, field) if (field <= 0).any() else surface

    if not over:
        return worn
    patches = tuple(p for p in map(rest, worn.patches) if len(p.faces))
    return replace(worn, surface=rest(worn.surface), patches=patches)


def _made(body: BodyModel, shape: Shape, garment: WornItem, cut: Cut, under: Sequence[Worn]) -> Worn:
    kind = garment.kind
    pattern = suit_pattern(body) if kind in ("trousers", "jumpsuit") else gown_pattern(body)
    seed = zlib.crc32(repr((kind, sorted(cut.items()))).encode())
    whole = fitted(body, shape, pattern, kind, cut, under, seed)
    surface = cut_out(whole, coverage(kind, cut, *pattern.even))
    return Worn(kind, cut, garment.fabric, surface, tuple(trimmings(kind, cut, surface)), tuple(under))


def _finished(body: BodyModel, shape: Shape, worn: Worn) -> Piece:
    surface, count = worn.surface, len(worn.surface)
    follow, portion = np.full((count, 3), -1, np.int32), np.zeros((count, 3), np.float32)
    if worn.patches:
        added = merge(worn.patches)
        far, near = cKDTree(surface.canon).query(added.canon, k=3)
        share = 1 / (far + 1e-4) ** 2
        follow = np.concatenate([follow, near.astype(np.int32)])
        portion = np.concatenate([portion, (share / share.sum(1, keepdims=True)).astype(np.float32)])
        surface = merge([surface, added])
    cloth = _cloth(body, shape, surface, count, (follow, portion), worn.kind, worn.cut, worn.under)
    wrap = "limbs"
    if worn.kind in ("skirt", "dress", "coat"):  # one tube round both legs
        wrap, surface = "body", _above_legs(surface)
    return Piece(worn.kind, surface, worn.fabric, (_LABELS[worn.kind],) * 2, wrap, True, cloth)


def _above_legs(surface: Surface) -> Surface:
    """A skirt or coat tail marked as lying above the legs: its label in DensePose is that of the leg below it."""
    z = surface.canon[:, 2]
    low = (z < HIP[2] - 0.04) & (surface.region[:, 0] < 0.5)
    upper, lower = (HIP[2] - z) / (HIP[2] - KNEE[2]), 1 + (KNEE[2] - z) / (KNEE[2] - ANKLE[2])
    along, region = surface.along.copy(), surface.region.copy()
    along[low, 1] = np.where(z > KNEE[2], upper, lower)[low]
    region[low, 1] = 1
    return replace(surface, along=along, region=region)


def _cloth(
    body: BodyModel, shape: Shape, surface: Surface, count: int, follow: tuple[Ints, Floats], kind: str, cut: Cut,
    under: Sequence[Worn],
) -> Cloth:  # fmt: skip
    """How the first `count` vertices of a garment hang; the others follow them."""
    canon, rest = surface.canon, surface.rest
    own = surface.faces[(surface.faces < count).all(1)]
    pairs = _edges(own, count)
    length = np.linalg.norm(rest[pairs[:, 0]] - rest[pairs[:, 1]], axis=1).astype(np.float32)
    keep = length > 1e-4
    pairs, length = pairs[keep], length[keep]
    parent = _hung_from(pairs, rest, len(surface))
    ease, z, arm = number(cut, "ease", 0.02), canon[:, 2], armness(canon)
    gown = kind not in ("trousers", "jumpsuit")
    fall, hold, sag, limit = _freedom(kind, cut, ease, z, arm, surface.along)
    near = np.where((z > 0.02) | (not gown) | (arm > 0.5), skin_below(body, canon), -1).astype(np.int32)
    gap = np.full(len(z), clearance(kind, under), np.float32)
    free = (z < 0.05) & (arm < 0.5) & gown
    bones, ends, radii = _capsules(body, shape, under, rest[free])
    down = np.where(parent[:, None] >= 0, rest - rest[np.maximum(parent, 0)], 0).astype(np.float32)
    order = np.argsort(-z[:count], kind="stable").astype(np.int32)
    return Cloth(pairs, length, order, parent, down, fall, hold, sag, limit, near, gap, bones, ends, radii, free,
                 *follow, body.index["root"])  # fmt: skip


def _freedom(
    kind: str, cut: Cut, ease: float, z: Floats, arm: Floats, along: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """How much each vertex falls, holds, sags and may move; see `Cloth`."""
    flare = number(cut, "flare", 0.0)
    zeros = np.zeros(len(z))
    loose = float(np.clip(ease / 0.03, 0, 1))
    hold = np.full(len(z), 0.5 - 0.3 * loose)
    hold = np.maximum(hold, 0.8 * smoothstep(0.45, 0.56, z) * (1 - arm))
    sag = arm * smoothstep(0.2, 0.7, along[:, 0]) * 0.35 * ease
    limit = 0.02 + 1.2 * ease + zeros
    fall = zeros
    if kind in ("trousers", "jumpsuit"):
        sag = sag + 0.3 * ease * smoothstep(0.05, -0.15, z)
        hold = np.maximum(hold, 0.9 * smoothstep(0.1, 0.2, z) * (kind == "trousers"))
    else:
        top = 0.05 if kind in ("skirt", "dress") else 0.08
        share = {"skirt": 0.1 + 5 * flare, "dress": 0.1 + 5 * flare, "coat": 0.75, "top": 0.3 + 8 * ease}[kind]
        below = np.clip(top - z, 0, None) * (1 - arm)
        fall = np.clip(share, 0.1, 0.85) * smoothstep(top, top - 0.16, z) * (1 - arm)
        hold = np.where(below > 0, hold + (0.06 - hold) * smoothstep(0, 0.15, below), hold)
        limit = limit + 1.0 * below
    if kind == "skirt":
        hold = np.maximum(
            hold, 0.95 * smoothstep(number(cut, "waist", 0.25) - 0.06, number(cut, "waist", 0.25) - 0.02, z)
        )
    return tuple(a.astype(np.float32) for a in (fall, hold, sag, limit))  # type: ignore[return-value]


def _capsules(body: BodyModel, shape: Shape, under: Sequence[Worn], cloth: Floats) -> tuple[Ints, Floats, Floats]:
    """Thighs and shins: bones, ends at rest, radii with what is worn on them, at most what lets `cloth` rest."""
    worn = 0.012 if any(p.kind == "trousers" and len(p.surface) for p in under) else 0.0
    bones, ends, radii = [], [], []
    for side in "LR":
        members, along = limb_members(body, 1, side == "L")
        places = shape.vertices[members]
        heads = [shape.pivots[body.index[f"{name}.{side}"]] for name in ("upperleg01", "lowerleg01", "foot")]
        for k, name in enumerate(("upperleg01", "lowerleg01")):
            axis = heads[k + 1] - heads[k]
            off = places - heads[k]
            t = off @ axis / (axis @ axis)
            far = np.linalg.norm(off - t[:, None] * axis, axis=1)
            spans = ((0.25, 0.45), (0.85, 1.0)) if k == 0 else ((0.1, 0.35), (0.75, 0.95))
            wide = [np.percentile(far[(along > k + a) & (along < k + b)], 70) + 0.006 + worn for a, b in spans]
            off = cloth - heads[k]
            t = off @ axis / (axis @ axis)
            room = np.linalg.norm(off - t[:, None] * axis, axis=1)[(t > 0) & (t < 1)]
            most = np.percentile(room, 5) if len(room) else 1.0
            radii.append([min(r, max(most, 0.8 * r)) for r in wide])
            bones.append(body.index[f"{name}.{side}"])
            ends.append([heads[k] + (0.1 if k == 0 else 0.0) * axis, heads[k + 1]])
    return np.array(bones, np.int32), np.array(ends, np.float32), np.array(radii, np.float32)


def _edges(faces: Ints, count: int) -> Ints:
    """Every edge once; faster than `surface.edges`, which sorts rows."""
    a, b = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64).T
    key = np.unique(np.minimum(a, b) * count + np.maximum(a, b))
    return np.stack([key // count, key % count], 1).astype(np.int32)


@njit(cache=True)
def _hung_from(pairs: Any, place: Any, count: Any) -> Any:
    """(V,) the neighbour most straight above each vertex, -1 if none is."""
    parent, best = np.full(count, -1, np.int32), np.full(count, np.float32(0.7), np.float32)
    for e in range(len(pairs)):
        a, b = pairs[e, 0], pairs[e, 1]
        if place[a, 2] < place[b, 2]:
            a, b = b, a
        x, y, z = place[a, 0] - place[b, 0], place[a, 1] - place[b, 1], place[a, 2] - place[b, 2]
        steep = z / (np.sqrt(x * x + y * y + z * z) + np.float32(1e-9))
        if steep > best[b]:
            parent[b], best[b] = a, steep
    return parent
