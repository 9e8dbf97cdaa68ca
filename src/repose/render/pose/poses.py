"""Poses: named base poses, random ones around them, and the bone rotations they stand for.

A pose is one row of degrees, in the order of `angles.ANGLES`. Left and right are the person's. The library
(`pose_library`) says where feet stand and what hands touch; the angles are solved for (`reach`), so that feet stay on
the ground and hands on hips however the rest of the pose is varied. `free` and `repair` find and undo limbs that run
through the body, which they know as capsules round the bones (`rig`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..figure.body import Body, Floats, Shape, load_body
from .angles import INDEX, LIMB_COUNT, LIMITS, TABLE, TRUNK_COUNT, mirror, rounded
from .kinematics import bone_turns, free_up
from .pose_library import BASES, HANDS, LIBRARY, Base
from .reach import place_feet, place_hand
from .rig import BONES, rig_of

_TOLERANCE: Final = 0.015  # metres that limbs may be in each other: skin gives way
_FINGERS: Final = ("thumb", "index", "middle", "ring", "little")
_ODDS: Final = np.cumsum(np.array([base.odds for base in LIBRARY], np.float64), axis=0)  # (poses, 3 styles)


@dataclass(frozen=True)
class Pose:
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


def sample_pose(rng: np.random.Generator, style: str = "mixed", girth: float = 1.0) -> Pose:
    """One random pose.

    Args:
        rng: everything random comes from it.
        style: "street", "fashion", or any other for a mixture that has dance and sport too.
        girth: how much thicker than the mean body the person is: keeps hands out of it.
    """
    pose = _drawn(rng, style, girth)
    for _ in range(4):  # few poses cannot be repaired: draw another one
        if free(load_body(), pose.angles, girth=girth) < _TOLERANCE:
            break
        pose = _drawn(rng, style, girth)
    return pose


def base_pose(body: Body, name: str) -> Pose:
    """A pose of the library as it is, unvaried. Raises KeyError for a name it does not have."""
    base = BASES[name]
    angles = _solved(body, base, None, 0.0, None if base.legs is None else base.legs.row())
    _freed(body, angles, None, 1.0, 0.012, 12)
    return Pose(name, rounded(angles), base.seat)


def rotations(body: Body, angles: Floats) -> dict[str, Floats]:
    """Bone turns of P poses.

    Args:
        body: the baked body (its mean rest pose is where the limbs start from).
        angles: (P, A) degrees.

    Returns:
        bone name -> (P, 3, 3) float32 for `Body.transforms`.
    """
    vec = rig_of(body).vec
    turns = np.stack([bone_turns(row.astype(np.float64), vec) for row in angles]).astype(np.float32)
    return {name: turns[:, k] for k, name in enumerate(BONES)}


def free(body: Body, angles: Floats, shape: Shape | None = None, girth: float = 1.0) -> float:
    """How deep, in metres, limbs of one pose run into the body or each other; 0 if none does.

    Args:
        body: the baked body. angles: (A,) degrees.
        shape: the person whose skeleton it is; the mean body if None. girth: how much thicker than the mean body.
    """
    return _freed(body, angles.astype(np.float64), shape, girth, 0.0, 0)


def repair(
    body: Body, angles: Floats, shape: Shape | None = None, girth: float = 1.0, allowed: float = 0.012, steps: int = 12
) -> Floats:
    """The pose with arms and legs moved apart until nothing is deeper than `allowed` metres in anything else.

    At most `steps` moves; arguments as of `free`. Returns (A,) float32 degrees within the limits.
    """
    out = angles.astype(np.float64)
    _freed(body, out, shape, girth, allowed, steps)
    return rounded(out)


def _freed(
    body: Body, angles: NDArray[np.float64], shape: Shape | None, girth: float, allowed: float, steps: int
) -> float:
    rig = rig_of(body)
    heads = rig.heads if shape is None else shape.heads.astype(np.float64)
    depth = free_up(
        angles, rig.vec, heads, rig.parents, rig.slot, rig.limbs, rig.bone, rig.offset, rig.radius, rig.pairs,
        girth, allowed, steps, LIMITS.astype(np.float64),
    )  # fmt: skip
    return float(max(depth, 0.0))


def _drawn(rng: np.random.Generator, style: str, girth: float) -> Pose:
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
    _freed(body, angles, None, girth, 0.012, 12)
    out = rounded(angles)
    mirrored = bool(rng.random() < 0.5)
    return Pose(name, mirror(out) if mirrored else out, base.seat, mirrored)


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
    body: Body, base: Base, rng: np.random.Generator | None, amount: float, legs: NDArray[np.float64] | None
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
    base = BASES[name]
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
