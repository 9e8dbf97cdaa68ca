"""Poses: named base poses, random angles around them, limits, and the bone rotations they stand for.

A pose is one row of degrees, in the order of `ANGLES`. Left and right are the person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .body import Body, Floats

# name: (at rest, spread of the random part, lowest, highest), degrees.
_TRUNK: Final = {
    "bend": (3, 5, -15, 60),  # forwards
    "twist": (0, 7, -40, 40),  # to the person's left
    "lean": (0, 3, -25, 25),  # to the person's left
    "nod": (4, 8, -30, 45),  # chin down
    "turn": (0, 18, -65, 65),  # face to the person's left
    "tilt": (0, 5, -25, 25),
}
_LIMBS: Final = {
    "arm_flex": (0, 11, -45, 170),  # upper arm forwards and up
    "arm_out": (12, 6, 3, 165),  # upper arm away from the side
    "arm_twist": (8, 14, -50, 85),  # forearm turned inwards
    "elbow": (22, 14, 2, 145),
    "hand": (0, 12, -50, 60),
    "hip_flex": (0, 5, -25, 110),  # thigh forwards and up
    "hip_out": (2, 3, -8, 40),
    "hip_twist": (4, 6, -25, 40),  # toes outwards
    "knee": (4, 4, 0, 140),
    "foot": (0, 4, -25, 40),  # toes down
}
ANGLES: Final = (*_TRUNK, *(f"{name}_{side}" for side in "LR" for name in _LIMBS))
_INDEX: Final = {name: k for k, name in enumerate(ANGLES)}
_TABLE: Final = np.array([*_TRUNK.values(), *_LIMBS.values(), *_LIMBS.values()], np.float32)

_WALK = {
    "hip_flex_L": 24,
    "hip_flex_R": -16,
    "knee_L": 10,
    "knee_R": 28,
    "arm_flex_L": -22,
    "arm_flex_R": 24,
    "foot_R": 15,
}
_RUN = {
    "bend": 12, "hip_flex_L": 62, "hip_flex_R": -14, "knee_L": 80, "knee_R": 55, "arm_flex_L": -38, "arm_flex_R": 42,
    "elbow_L": 88, "elbow_R": 95, "foot_R": 30,
}  # fmt: skip
_SIT = {"hip_flex_L": 84, "hip_flex_R": 84, "knee_L": 84, "knee_R": 84, "hip_out_L": 8, "hip_out_R": 8, "bend": 6,
        "arm_flex_L": 28, "arm_flex_R": 28, "elbow_L": 45, "elbow_R": 45}  # fmt: skip
_AKIMBO = {"arm_out_L": 42, "arm_flex_L": -8, "elbow_L": 98, "arm_twist_L": 62}
_PHONE = {"arm_flex_L": 32, "arm_out_L": 10, "elbow_L": 118, "arm_twist_L": 22, "nod": 14}

# name: (how often, angles). One-sided poses are mirrored half of the time.
BASES: Final[dict[str, tuple[float, Mapping[str, float]]]] = {
    "stand": (5, {}),
    "contrapposto": (3, {"lean": 5, "hip_out_R": 8, "knee_L": 16, "hip_flex_L": 10}),
    "walk": (6, _WALK),
    "stroll": (4, {name: 0.55 * angle for name, angle in _WALK.items()}),
    "run": (1, _RUN),
    "akimbo": (1.5, {**_AKIMBO, **{name.replace("_L", "_R"): angle for name, angle in _AKIMBO.items()}}),
    "one akimbo": (2, {**_AKIMBO, "hip_out_L": 7}),
    "phone": (2, _PHONE),
    "call": (1, {"arm_flex_L": 35, "arm_out_L": 35, "elbow_L": 140, "arm_twist_L": 0, "tilt": 6}),
    "holding": (1.5, {"elbow_L": 88, "elbow_R": 84, "arm_twist_L": 28, "arm_twist_R": 30, "arm_flex_L": 8}),
    "folded": (1.2, {"arm_flex_L": 28, "arm_flex_R": 32, "elbow_L": 100, "elbow_R": 104, "arm_twist_L": 64,
                     "arm_twist_R": 60, "arm_out_L": 6, "arm_out_R": 6}),
    "wave": (1, {"arm_out_L": 95, "elbow_L": 80, "arm_twist_L": -45}),
    "hand in hair": (1, {"arm_out_L": 110, "arm_flex_L": 20, "elbow_L": 132, "arm_twist_L": -25}),
    "arms up": (0.6, {"arm_out_L": 150, "arm_out_R": 150, "elbow_L": 20, "elbow_R": 25}),
    "arms out": (0.8, {"arm_out_L": 78, "arm_out_R": 78}),
    "reach": (1, {"arm_flex_L": 82, "elbow_L": 15, "twist": -10}),
    "pocket": (2, {"arm_out_L": 20, "arm_flex_L": -14, "elbow_L": 52, "arm_twist_L": 34}),
    "leg up": (0.8, {"hip_flex_L": 68, "knee_L": 78}),
    "step": (1, {"hip_flex_L": 38, "knee_L": 48}),
    "lunge": (0.5, {"hip_flex_L": 55, "knee_L": 62, "hip_flex_R": -18, "knee_R": 20, "foot_R": 25}),
    "crossed legs": (1, {"hip_out_L": -6, "hip_out_R": -6, "hip_flex_L": 8}),
    "wide": (1, {"hip_out_L": 17, "hip_out_R": 17}),
    "sit": (0.9, _SIT),
    "stoop": (0.5, {"bend": 36, "hip_flex_L": 22, "hip_flex_R": 22, "knee_L": 25, "knee_R": 25, "arm_flex_L": 50,
                    "arm_flex_R": 42}),
}  # fmt: skip
_NAMES: Final = tuple(BASES)
_ODDS: Final = np.array([odds for odds, _ in BASES.values()]) / sum(odds for odds, _ in BASES.values())


def sample_pose(rng: np.random.Generator) -> Floats:
    """One random pose within the limits: (26,) float32 degrees in the order of `ANGLES`."""
    angles = _TABLE[:, 0].copy()
    for name, angle in BASES[_NAMES[rng.choice(len(_NAMES), p=_ODDS)]][1].items():
        angles[_INDEX[name]] = angle
    angles += _TABLE[:, 1] * rng.standard_normal(len(ANGLES)).astype(np.float32) * rng.uniform(0.5, 1.4)
    angles = np.clip(angles, _TABLE[:, 2], _TABLE[:, 3])
    return mirror(angles) if rng.random() < 0.5 else angles


def mirror(angles: Floats) -> Floats:
    """The same pose seen in a mirror: left and right change places, sideways turns change sign."""
    out = angles.copy()
    out[6:16], out[16:26] = angles[16:26], angles[6:16]
    for name in ("twist", "lean", "turn", "tilt"):
        out[_INDEX[name]] *= -1
    return out


def rotations(body: Body, angles: Floats) -> dict[str, Floats]:
    """Bone turns of P poses.

    Args:
        body: the baked body (its mean rest pose is where the limbs start from).
        angles: (P, 26) degrees.

    Returns:
        bone name -> (P, 3, 3) float32 for `Body.transforms`.
    """
    rad = np.deg2rad(angles).astype(np.float32)
    get = {name: rad[:, k] for name, k in _INDEX.items()}
    spine = _chain(_about(Z, get["twist"] / 5), _about(Y, get["lean"] / 5), _about(X, get["bend"] / 5))
    neck = _chain(_about(Z, get["turn"] / 4), _about(Y, get["tilt"] / 4), _about(X, get["nod"] / 4))
    out = {f"spine0{k}": spine for k in range(1, 6)} | dict.fromkeys(("neck01", "neck02", "neck03", "head"), neck)
    for side in "LR":
        for name, turn in _limbs(body, {n: get[f"{n}_{side}"] for n in _LIMBS}).items():
            out[f"{name}.{side}"] = turn if side == "L" else _FLIP * turn
    return out


def _limbs(body: Body, get: dict[str, Floats]) -> dict[str, Floats]:
    """The left arm and leg; the right ones are their mirror image, with their own angles."""
    pivot = {name: body.pivots[body.index[f"{name}.L"]] for name in ("upperarm01", "lowerarm01", "wrist")}
    upper = _unit(pivot["lowerarm01"] - pivot["upperarm01"])
    lower = _unit(pivot["wrist"] - pivot["lowerarm01"])
    hinge = _unit(np.cross(upper, lower))
    bent = np.arccos(np.clip(upper @ lower, -1, 1))  # the elbow of the rest pose is not straight

    swing = _chain(_about(X, -get["arm_flex"]), _about(Y, -get["arm_out"]))
    aim = swing @ np.array([0, 0, -1], np.float32)
    # The collar bone takes a part of every high reach, or the shoulder folds in.
    high = np.clip(np.arccos(np.clip(-aim[:, 2], -1, 1)) - np.deg2rad(60), 0, None) * 0.3
    shrug = _about(Y, -high)
    aim = np.einsum("pji,pj->pi", shrug, aim)  # aim is wanted in trunk axes, the arm hangs on the collar bone
    arm = _chain(_about(aim, get["arm_twist"]), _between(np.broadcast_to(upper, aim.shape), aim))
    thigh = _chain(_about(X, -get["hip_flex"]), _about(Y, -get["hip_out"]), _about(Z, get["hip_twist"]), _STRAIGHT)
    return {
        "clavicle": shrug,
        "upperarm01": arm,
        "lowerarm01": _about(hinge, get["elbow"] - bent),
        "wrist": _about(hinge, get["hand"]),
        "upperleg01": thigh,
        "lowerleg01": _about(X, get["knee"]),
        "foot": _about(X, get["foot"]),
    }


X, Y, Z = np.eye(3, dtype=np.float32)
# Conjugation with diag(-1, 1, 1) turns a rotation of the left side into that of the right.
_FLIP: Final = np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], np.float32)


def _unit(vector: Floats) -> Floats:
    out: Floats = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return out


def _chain(*turns: Floats) -> Floats:
    """The product of rotations (P, 3, 3); the last one acts first."""
    out = turns[0]
    for turn in turns[1:]:
        out = np.matmul(out, turn)
    return out


def _about(axis: Floats, angle: NDArray[Any]) -> Floats:
    """(P, 3, 3) rotations about one axis (3,) or P axes (P, 3) by P angles (radians), after Rodrigues."""
    axis = np.broadcast_to(axis, (len(angle), 3))
    cross = np.zeros((len(angle), 3, 3), np.float32)
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    out: Floats = np.eye(3, dtype=np.float32) + sine * cross + (1 - cosine) * (cross @ cross)
    return out


def _between(start: Floats, end: Floats) -> Floats:
    """(P, 3, 3) shortest rotations that take unit vectors `start` to `end`, both (P, 3)."""
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=1)
    return _about(axis / (sine[:, None] + 1e-9), np.arctan2(sine, (start * end).sum(1)))


# The rest legs stand apart by about 8 degrees; a pose with hip_out = 0 has them parallel.
_STRAIGHT: NDArray[np.float32] = _about(Y, np.deg2rad(np.array([6.0], np.float32)))
