"""How a pattern lies on a person at rest: as wide as the cut says, over what is worn below, hanging from the widest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numba import njit

from repose.body.model import BodyModel, Floats, Shape
from repose.body.surface import Ints, Surface, normals
from repose.render.pieces import Fabric
from repose.render.wear.cuts import ARM_METRE, LEG_METRE, Cut, armness, hem_of, number, smoothstep
from repose.render.wear.patterns import Pattern, smoothed
from repose.render.wear.sections import (
    Sections,
    drawn_to,
    hung,
    limb_sections,
    on_sections,
    smoothed_sections,
    trunk_sections,
)

_GAP: Final = 0.005  # metres between two layers


@dataclass(frozen=True)
class Worn:
    """A garment in the making: its cloth, what is sewn onto it, and what it is worn over."""

    kind: str
    cut: Cut
    fabric: Fabric
    surface: Surface
    patches: tuple[Surface, ...]
    under: tuple[Worn, ...]


def fitted(
    body: BodyModel, shape: Shape, pattern: Pattern, kind: str, cut: Cut, under: Sequence[Worn], seed: int
) -> Surface:
    """The whole pattern, uncut, as it lies on the person."""
    vertices = shape.vertices
    surface = pattern.surface
    canon, along = surface.canon, surface.along
    # The ease of a cut is room over the body: what is worn below takes its part.
    inner = max((number(w.cut, "ease", 0.01) for w in under if w.kind not in ("trousers", "skirt")), default=0.0)
    ease = max(number(cut, "ease", 0.02) - inner, min(number(cut, "ease", 0.02), 0.008))
    rng = np.random.default_rng(seed)
    rest = np.asarray(pattern.source @ vertices, np.float32)
    if pattern.drop is not None:
        rest[:, 2] -= pattern.drop * np.ptp(vertices[:, 2]) / np.ptp(body.canon[:, 2])
    trunk = trunk_sections(body, vertices, _worn(under, "trunk"))
    support = _trunk_cut(trunk, kind, cut, ease)
    tube = pattern.tube
    rest[tube] = on_sections(trunk, support, canon[tube, 2], pattern.turn[tube])
    out = rest + normals(rest, surface.faces) * _shoulder_lift(kind, ease, under, rest, surface.faces)[:, None]
    hull, turn = drawn_to(trunk, support, canon[:, 2], rest)
    turn[tube] = pattern.turn[tube]
    hull[tube] = rest[tube]
    hull[:, :2] += _trunk_waves(kind, cut, ease, canon, turn, rng)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    out += pattern.trunk[:, None] * (hull - out)
    for left in (True, False):
        side = (canon[:, 0] > 0) == left
        for column, weight in ((0, pattern.arm), (1, pattern.leg)):
            own = np.nonzero(side & (weight > 0))[0]
            if len(own) and not (column == 0 and kind in ("skirt", "trousers")):
                limb = limb_sections(body, vertices, column, left, _worn(under, "arm" if column == 0 else "leg", left))
                wide = _sleeve_cut(limb, kind, cut, ease) if column == 0 else _leg_cut(limb, cut, ease)
                target, angle = drawn_to(limb, wide, along[own, column], rest[own])
                waves = _limb_waves(column, ease, along[own, column], angle, cut, rng)
                outward = target - _middle(limb, along[own, column])
                outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6
                out[own] += weight[own, None] * (target + outward * waves[:, None] - out[own])
    out = smoothed(out.astype(np.float32), pattern.start, pattern.around, pattern.much, 6)
    _lifted(out, vertices, shape.normals, pattern.near, clearance(kind, under), tube)
    return replace(surface, rest=out, shade=np.ones(len(out), np.float32))


def clearance(kind: str, under: Sequence[Worn]) -> float:
    """Metres a garment keeps from the skin where the sections do not say more."""
    below = 0.010 * sum(p.kind in ("top", "dress", "jumpsuit", "coat") for p in under)
    return below + (0.003 if kind == "trousers" else 0.006)


@njit(cache=True)
def _lifted(place: Any, body: Any, normal: Any, near: Any, gap: Any, tube: Any) -> None:
    for v in range(len(place)):
        b = near[v]
        if not tube[v]:
            deep = gap
            for i in range(3):
                deep -= (place[v, i] - body[b, i]) * normal[b, i]
            if 0 < deep < 0.05:
                for i in range(3):
                    place[v, i] += deep * normal[b, i]


def _middle(limb: Sections, level: Floats) -> Floats:
    return np.stack([np.interp(level, limb.levels, limb.centre[:, k]) for k in range(3)], 1).astype(np.float32)


def _worn(under: Sequence[Worn], part: str, left: bool = True) -> list[tuple[Floats, Floats]]:
    """Places and levels of what is worn below, on the trunk, an arm or a leg."""
    out = []
    for piece in under:
        s = piece.surface
        arm = armness(s.canon) > 0.5
        if part == "trunk":
            keep, level = ~arm & (s.canon[:, 2] < 0.55), s.canon[:, 2]
        elif part == "arm":
            keep, level = arm & ((s.canon[:, 0] > 0) == left), s.along[:, 0]
        else:
            keep, level = ~arm & (s.canon[:, 2] < 0.08) & ((s.canon[:, 0] > 0) == left), s.along[:, 1]
        out.append((s.rest[keep], level[keep]))
    return out


def _shoulder_lift(kind: str, ease: float, under: Sequence[Worn], rest: Floats, faces: Ints) -> Floats:
    """How far the cloth lies off the shell where no section decides: it rests on the shoulders and stands off below."""
    layers = sum(p.kind in ("top", "dress", "jumpsuit", "coat") for p in under)
    up = np.clip(normals(rest, faces)[:, 2], 0, 1)
    thick = 0.004 if kind == "coat" else 0.0
    out: Floats = (thick + 0.011 * layers + 0.45 * ease * (1 - up)).astype(np.float32)
    return out


def _slope(ease: float) -> float:
    """How fast a garment of this ease follows the body inwards on the way down, metres a metre."""
    return float(np.interp(ease, [0.002, 0.008, 0.018, 0.04], [0.75, 0.40, 0.14, 0.02]))


def _trunk_cut(trunk: Sections, kind: str, cut: Cut, ease: float) -> Floats:
    levels = trunk.levels
    base = trunk.support + _GAP + (0.004 if kind == "coat" else 0.0)
    if kind in ("trousers", "skirt"):
        room = np.clip(ease, 0.002, 0.02) * smoothstep(number(cut, "waist", 0.25), 0.05, levels) + 0.002
        wide = base + room[:, None] + 0.004  # a shirt may be tucked in
        slope = 0.5 if kind == "trousers" else _skirt_slope(cut)
        wide = hung(trunk, wide, slope, False, number(cut, "waist", 0.25))
    elif kind == "dress" and number(cut, "waist", 9) < 1:
        waist = number(cut, "waist", 0.25)
        near = smoothstep(waist - 0.12, waist, levels) * smoothstep(waist + 0.12, waist, levels)
        room = ease * (1 - 0.75 * near)
        wide = hung(trunk, base + room[:, None], 0.6, False, 0.48)
        wide = hung(trunk, wide, _skirt_slope(cut), False, waist)
    else:
        wide = hung(trunk, base + 0.8 * ease, _slope(number(cut, "ease", 0.02)), False, 0.48)
        wide = _gathered(wide, base, kind, cut, ease, levels)
    if kind in ("skirt", "dress"):
        wide = wide + _flare(cut, levels)[:, None]
    elif kind == "coat":
        hem = number(cut, "hem", 0.0)
        wide = wide + (0.10 * np.clip(0.2 - levels, 0, 1) * (hem < 0.05))[:, None]
    out: Floats = np.maximum(smoothed_sections(wide, 2), base)
    return out


def _skirt_slope(cut: Cut) -> float:
    """Tight skirts follow the thighs inwards, wide ones hang from the seat."""
    return float(np.interp(number(cut, "flare", 0.02) + number(cut, "ease", 0.01), [0.01, 0.05], [0.25, 0.0]))


def _flare(cut: Cut, levels: Floats) -> Floats:
    waist = number(cut, "waist", 0.25)
    top = waist if waist < 1 else 0.40
    down = np.clip((top - levels) / (top - number(cut, "hem", -0.3)), 0, 1.2)
    out: Floats = number(cut, "flare", 0.0) * down**1.2
    return out


def _gathered(wide: Floats, base: Floats, kind: str, cut: Cut, ease: float, levels: Floats) -> Floats:
    """Ribbed hems draw a top in; a tucked one ends inside the waistband and blouses over it."""
    hem = hem_of(kind, cut)
    if kind == "top" and number(cut, "tucked", 0) > 0.5:
        share = smoothstep(hem + 0.14, hem + 0.05, levels)[:, None]
    elif number(cut, "cuff", 0) > 0.5 and ease > 0.02 and str(cut.get("collar", "none")) in ("none", "hood", "stand"):
        share = 0.8 * smoothstep(hem + 0.08, hem + 0.02, levels)[:, None]
    else:
        return wide
    out: Floats = wide * (1 - share) + base * share
    return out


def _sleeve_cut(limb: Sections, kind: str, cut: Cut, ease: float) -> Floats:
    sleeve = number(cut, "sleeve", 0.5)
    base = limb.support + _GAP + (0.004 if kind == "coat" else 0.0)
    room = ease * (0.5 - 0.12 * np.clip(limb.levels, 0, 2))
    wide = hung(limb, base + room[:, None], 0.5 * _slope(ease) + 0.02, True)
    if sleeve < 1.3 and ease > 0.01:
        wide = wide + 0.005 * smoothstep(0, max(sleeve, 0.3), limb.levels)[:, None]
    if number(cut, "cuff", 0) > 0.5 and sleeve > 1.3:
        share = smoothstep(sleeve - 0.22, sleeve - 0.10, limb.levels)[:, None]
        wide = wide * (1 - share) + (base + 0.004) * share
    out: Floats = np.maximum(smoothed_sections(wide, 1), base)
    return out


def _leg_cut(limb: Sections, cut: Cut, ease: float) -> Floats:
    end = number(cut, "end", 2.0)
    base = limb.support + 0.004
    wide = hung(limb, base + ease, float(np.interp(ease, [0.004, 0.012, 0.03], [0.7, 0.22, 0.0])), True)
    flare = number(cut, "flare", 0.0) * smoothstep(min(0.9, end - 0.3), end, limb.levels)
    out: Floats = np.maximum(smoothed_sections(wide + flare[:, None], 1), base)
    return out


def _trunk_waves(kind: str, cut: Cut, ease: float, canon: Floats, turn: Floats, rng: np.random.Generator) -> Floats:
    """Folds that run down the cloth and grow towards the hem, metres outwards."""
    phase = rng.uniform(0, 2 * np.pi, 6)
    z = canon[:, 2]
    if kind == "trousers":
        return np.zeros(len(z), np.float32)
    hem = hem_of(kind, cut) if kind != "jumpsuit" else 0.0
    if kind in ("skirt", "dress"):
        top = min(number(cut, "waist", 0.25), 0.3)
        flare = number(cut, "flare", 0.02)
        high = 0.003 + 0.28 * min(flare, 0.14)
        count = int(rng.integers(7, 12))
    else:
        top, high, count = 0.42, 0.002 + 0.14 * ease, int(rng.integers(5, 9))
    grown = np.clip((top - z) / max(top - hem, 0.1), 0, 1.3) ** 1.3
    if kind == "top" and number(cut, "cuff", 0) > 0.5:
        grown = grown * smoothstep(hem + 0.01, hem + 0.1, z)
    drift = 0.5 * np.sin(z * 9 + phase[2])
    wave = np.sin(count * turn + phase[0] + drift) + 0.6 * np.sin((count + 4) * turn + phase[1] - drift)
    wave += 0.5 * np.sin(3 * turn + phase[3] + z * 5)
    out: Floats = (high * grown * (wave + 1.2) * 0.6).astype(np.float32)
    return out


def _limb_waves(column: int, ease: float, along: Floats, turn: Floats, cut: Cut, rng: np.random.Generator) -> Floats:
    """Folds that lie across a sleeve or a trouser leg, more of them at the bend and the end, metres outwards."""
    phase = rng.uniform(0, 2 * np.pi, 4)
    end = number(cut, "sleeve" if column == 0 else "end", 1.9)
    metre = ARM_METRE if column == 0 else LEG_METRE
    reach = along * metre
    where = 0.2 + 0.8 * np.exp(-(((along - 1) / 0.2) ** 2)) + 0.9 * np.exp(-(((along - end + 0.12) / 0.2) ** 2))
    wave = np.sin(reach * 75 + 1.2 * np.sin(turn + phase[0]) + phase[1])
    wave *= 0.6 + 0.4 * np.sin(turn * 2 + phase[2] + reach * 9)
    wave += 0.6 * np.sin(reach * 48 + 2 * turn + phase[3])
    high = 0.08 * min(ease, 0.05) if column == 0 else 0.07 * min(ease, 0.025)
    out: Floats = (high * where * wave).astype(np.float32)
    return out
