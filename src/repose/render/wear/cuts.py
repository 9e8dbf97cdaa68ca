"""What a garment covers: its borders as fields over canon space, metres, above 0 inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from repose.body.model import Floats
from repose.body.surface import Surface
from repose.render.mesh import clip, take

Cut = Mapping[str, float | str]
KINDS: Final = ("top", "coat", "dress", "skirt", "trousers", "jumpsuit")
ARM_METRE, LEG_METRE = 0.27, 0.43  # how long a unit of `along` is
_NECK_WIDTH: Final = {"crew": 0.078, "scoop": 0.100, "vee": 0.082, "collar": 0.072}
_SHOULDER: Final = 0.672  # canon z of the shoulder line beside the neck


def number(cut: Cut, name: str, default: float) -> float:
    """A number of a cut, or its default."""
    return float(cut.get(name, default))


def hem_of(kind: str, cut: Cut) -> float:
    """Canon z of the hem; that of a tucked top lies in the waistband."""
    hem = number(cut, "hem", 0.05)
    if kind == "top" and number(cut, "tucked", 0) > 0.5:
        hem = max(hem, 0.1)
    return float(hem)


def smoothstep(low: float, high: float, value: Any) -> Any:
    """0 at `low`, 1 at `high`, smooth between; `low` may be above `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def armness(canon: Floats) -> Any:
    """How surely a point of canon space belongs to an arm: the trunk is nearer to the middle and lower."""
    return smoothstep(0.64, 0.70, np.abs(canon[:, 0]) + canon[:, 2])


def arm_share(canon: Floats, along: Floats) -> Any:
    """As `armness`, but sure of the underside of the arm below the armpit, where borders of sleeves run."""
    below = smoothstep(0.3, 0.5, along[:, 0])
    t = np.clip((np.abs(canon[:, 0]) + canon[:, 2] - (0.64 - 0.02 * below)) / (0.06 - 0.02 * below), 0, 1)
    return t * t * (3 - 2 * t)


def neck_field(canon: Floats, cut: Cut) -> Floats:
    """Metres, above 0 below the neckline."""
    style = str(cut.get("neck", "crew"))
    x, y, z = np.abs(canon[:, 0]), canon[:, 1], canon[:, 2]
    if style == "high":
        high: Floats = 0.70 + 0.25 * y - z
        return high
    width = _NECK_WIDTH.get(style, 0.078)
    depth = max(number(cut, "neck_depth", 0.02), 0.0)
    front = _SHOULDER - 0.64 + max(depth, 0.005)
    back = 0.035 if style != "scoop" else 0.05
    low = np.where(y < 0, front, back) + (back - front) * smoothstep(-0.05, 0.02, y) * (y < 0.02) * (y < 0)
    across, fall = x / width, np.maximum(_SHOULDER - z, 0) / low
    round_ = across + fall if style == "vee" else np.sqrt(across**2 + fall**2)
    # Metres along the ray from the middle of the opening.
    field = np.hypot(x, np.maximum(_SHOULDER - z, 0)) * (1 - 1 / np.maximum(round_, 0.2))
    field = np.where(round_ < 0.2, -0.1, field)
    out: Floats = np.minimum(field, 0.72 - z)
    return out


def opening(cut: Cut, z: Floats) -> Floats:
    """(V,) half the width by which a coat is open in front, metres; below 0 where it is shut."""
    gap = number(cut, "gap", 0.0)
    if gap > 0:
        out: Floats = gap + 0.22 * np.maximum(z - 0.42, 0) + 0.04 * np.maximum(0.15 - z, 0)
        return out
    shut: Floats = 0.42 * (z - 0.47) if str(cut.get("collar", "none")) == "lapel" else np.full_like(z, -1)
    return shut


def coverage(kind: str, cut: Cut, canon: Floats, along: Floats) -> Floats:
    """(V,) about how many metres inside a garment's borders each point of canon space lies; below 0 outside."""
    arm = arm_share(canon, along)
    z = canon[:, 2]
    waves = 0.004 * np.sin(3 * np.arctan2(canon[:, 1], canon[:, 0]) + 1)
    parts = []
    if kind in ("skirt", "trousers"):
        parts.append(number(cut, "waist", 0.25) - z - 2 * arm)
    else:
        sleeve = number(cut, "sleeve", 0.5)
        if sleeve > 0:
            parts.append((sleeve - along[:, 0]) * ARM_METRE + 3 * (1 - arm))
        else:  # an armhole that widens towards the armpit
            wide = 0.128 + 0.10 * smoothstep(0.58, 0.46, z) + 2 * smoothstep(0.45, 0.40, z) * (1 - arm)
            parts.append(wide - np.abs(canon[:, 0]))
        parts.append(neck_field(canon, cut))
    if kind in ("trousers", "jumpsuit"):
        # Planes across the legs: `along` of the heel and the instep is not that of the ankle.
        parts.append(z + 0.30 + 0.44 * (number(cut, "end", 2.0) - 1))
    else:
        parts.append(z - hem_of(kind, cut) - waves + 2 * arm)
    if kind == "coat":
        parts.append(np.abs(canon[:, 0]) - opening(cut, z) + 0.6 * smoothstep(-0.05, 0.0, canon[:, 1]))
    out: Floats = np.minimum.reduce(parts).astype(np.float32)
    return out


def surely_covered(kind: str, cut: Cut, canon: Floats, along: Floats, margin: float = 0.025) -> Floats:
    """Metres inside what a garment covers from all sides: wide hems are looked into."""
    field = coverage(kind, cut, canon, along) - margin
    if kind not in ("trousers", "jumpsuit"):
        room = 0.03 + 0.8 * number(cut, "flare", 0.0) + 0.8 * number(cut, "ease", 0.02)
        room = min(room, 0.05) if hem_of(kind, cut) < -0.45 else room  # the inside of a long skirt is not visible
        low = np.minimum(canon[:, 2] - hem_of(kind, cut) - margin - room, 1) + 2 * armness(canon)
        field = np.minimum(field, np.where(canon[:, 2] < 0.45, low, field))
        if kind == "coat":  # tails swing
            field = np.minimum(field, canon[:, 2] - 0.12 + 2 * armness(canon))
    if kind in ("trousers", "jumpsuit"):
        room = 0.02 + 0.8 * number(cut, "ease", 0.01) + number(cut, "flare", 0.0)
        end = canon[:, 2] + 0.30 + 0.44 * (number(cut, "end", 2.0) - 1) - margin - room
        field = np.minimum(field, end)
    sleeve = number(cut, "sleeve", 0)
    if sleeve > 0:
        room = 0.01 + 0.6 * number(cut, "ease", 0.02)
        field = np.minimum(
            field, (sleeve - along[:, 0]) * ARM_METRE - margin - room + 3 * (1 - arm_share(canon, along))
        )
    out: Floats = field.astype(np.float32)
    return out


def cut_out(whole: Surface, field: Floats) -> Surface:
    """The part of `whole` where `field`, (V,), is above 0, at no cost for what is far from it."""
    faces = whole.faces[(field > 0)[whole.faces].any(1)]
    used = np.zeros(len(whole), bool)
    used[faces] = True
    rank = np.cumsum(used, dtype=np.int32) - 1
    kept = np.nonzero(used)[0]
    return clip(replace(take(whole, kept), faces=rank[faces].astype(np.int32)), field[kept])
