"""Poses: named base poses, and random ones around them.

A pose is one row of degrees, in the order of `angles.ANGLES`. Left and right are the person's. The library
(`pose_library`) says where feet stand and what hands touch; the angles are solved for (`reach`), so that feet stay on
the ground and hands on hips however the rest of the pose is varied. Limbs that run through the body are moved out of
it (`repose.body.limbs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from repose.body.angles import INDEX, LIMB_COUNT, LIMITS, TABLE, TRUNK_COUNT, mirror, rounded
from repose.body.limbs import penetration, separate
from repose.body.model import BodyModel, Floats, load_body
from repose.body.rig import rig_of
from repose.render.pose.pose_library import BASES, HANDS, LIBRARY, Base
from repose.render.pose.reach import place_feet, place_hand

_TOLERANCE: Final = 0.015  # metres that limbs may be in each other: skin gives way
_FINGERS: Final = ("thumb", "index", "middle", "ring", "little")
_ODDS: Final = np.cumsum(np.array([base.odds for base in LIBRARY], np.float64), axis=0)  # (poses, 3 styles)


@dataclass(frozen=True)
class BodyPose:
    """One pose.

    Attributes:
        name: of the base pose; "a + b" of a blend.
        angles: (A,) float32 degrees in the order of `ANGLES`.
        seat: the person sits on something that is not there: draw it, or draw such poses rarely.
        mirrored: left and right are changed against the library.
    """

    name: str
    angles: Floats
    seat: bool = False
    mirrored: bool = False


def sample_pose(rng: np.random.Generator, style: str = "mixed", girth: float = 1.0) -> BodyPose:
    """One random pose.

    Args:
        rng: everything random comes from it.
        style: "street", "fashion", or any other for a mixture that has dance and sport too.
        girth: how much thicker than the mean body the person is: keeps hands out of it.
    """
    pose = _drawn(rng, style, girth)
    for _ in range(4):  # few poses cannot be repaired: draw another one
        if penetration(load_body(), pose.angles, girth=girth) < _TOLERANCE:
            break
        pose = _drawn(rng, style, girth)
    return pose


def base_pose(body: BodyModel, name: str) -> BodyPose:
    """A pose of the library as it is, unvaried. Raises KeyError for a name it does not have."""
    base = BASES[name]
    angles = _solved(body, base, None, 0.0, None if base.legs is None else base.legs.row())
    separate(body, angles)
    return BodyPose(name, rounded(angles), base.seat)


def solved_pose(body: BodyModel, base: Base) -> NDArray[np.float64]:
    """(A,) float64 angles of a pose that need not be of the library, unvaried: the frames of a motion."""
    angles = _written(base)
    if base.legs is not None:
        place_feet(rig_of(body), angles, base.legs.row())
    for side, arm in enumerate((base.left, base.right)):
        if arm is not None:
            place_hand(rig_of(body), angles, side, arm, None, 0.0)
    separate(body, angles)
    return np.clip(angles, LIMITS[:, 0], LIMITS[:, 1]).astype(np.float64)


def _drawn(rng: np.random.Generator, style: str, girth: float) -> BodyPose:
    body = load_body()
    column = {"street": 0, "fashion": 1}.get(style, 2)
    base = LIBRARY[_pick(rng, column)]
    amount = float(rng.uniform(0.4, 1.2))
    legs = None if base.legs is None else _varied_legs(rng, base.legs.row(), amount)
    angles = _solved(body, base, rng, amount, legs)
    name = base.name
    if rng.random() < 0.25:
        other = _partner(rng, base, column)
        share = float(rng.uniform(0.15, 0.85))
        more = None if other.legs is None else other.legs.row()
        angles = angles * (1 - share) + _solved(body, other, rng, amount, more) * share
        if legs is not None and more is not None:
            place_feet(rig_of(body), angles, legs * (1 - share) + more * share)
        name = base.name if other is base else f"{base.name} + {other.name}"
    angles = np.clip(angles, LIMITS[:, 0], LIMITS[:, 1]).astype(np.float64)
    separate(body, angles, girth=girth)
    out = rounded(angles)
    mirrored = bool(rng.random() < 0.5)
    return BodyPose(name, mirror(out) if mirrored else out, base.seat, mirrored)


def _pick(rng: np.random.Generator, column: int) -> int:
    return int(np.searchsorted(_ODDS[:, column], rng.random() * _ODDS[-1, column], side="right"))


def _partner(rng: np.random.Generator, base: Base, column: int) -> Base:
    """Another pose that can be mixed with it."""
    alike = [b for b in LIBRARY if b.kind == base.kind and b.odds[column] > 0 and b.seat == base.seat]
    return alike[int(rng.integers(len(alike)))] if alike else base


def _varied_legs(rng: np.random.Generator, row: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    spread = np.array([0.012, 0.025, 5, 1, 0, 0.012, 0.025, 5, 1, 0, 2, 0.006, 0.008])
    row = row + amount * spread * rng.standard_normal(len(row))
    row[10] = max(row[10], 2)
    return row


def _solved(
    body: BodyModel, base: Base, rng: np.random.Generator | None, amount: float, legs: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """(A,) float64 angles of a pose of the library, varied by `amount` if there is an rng."""
    rig = rig_of(body)
    angles = _plain(base.name).copy()
    if rng is not None:
        # Half of the spread of a joint is shared by left and right.
        noise = rng.standard_normal(len(angles))
        both = rng.standard_normal(LIMB_COUNT)
        noise[TRUNK_COUNT:] = 0.8 * noise[TRUNK_COUNT:] + 0.6 * np.tile(both, 2)
        angles += amount * noise * TABLE[:, 1]
        angles = np.clip(angles, LIMITS[:, 0], LIMITS[:, 1]).astype(np.float64)
    if legs is not None:
        place_feet(rig, angles, legs)
    for side, arm in enumerate((base.left, base.right)):
        if arm is not None:
            place_hand(rig, angles, side, arm, rng, amount)
    return angles


@cache
def _plain(name: str) -> NDArray[np.float64]:
    return _written(BASES[name])


def _written(base: Base) -> NDArray[np.float64]:
    """The angles that a pose names; where its feet and hands go is not solved for yet."""
    angles = TABLE[:, 0].astype(np.float64)
    for key, value in base.angles.items():
        for full in (key,) if key in INDEX else (f"{key}_L", f"{key}_R"):
            angles[INDEX[full]] = value
    for side, arm in zip("LR", (base.left, base.right), strict=True):
        if arm is not None:
            for finger, value in zip(_FINGERS, HANDS[arm.hand], strict=True):
                angles[INDEX[f"{finger}_{side}"]] = value
            if arm.hand in ("spread", "peace"):
                angles[INDEX[f"spread_{side}"]] = 24
    return angles
