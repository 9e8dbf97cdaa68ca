"""The skeleton as arrays for the kernels of `kinematics`, capsules round its bones, and poses as bone rotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from repose.body.kinematics import bone_turns
from repose.body.model import BodyModel, Floats

BONES: Final = (
    "root", "spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "neck02", "neck03", "head",
    *(f"{name}.{side}" for side in "LR" for name in (
        "clavicle", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist",
        *(f"finger{k}-{j}" for k in range(1, 6) for j in range(1, 4)),
        "upperleg01", "lowerleg01", "foot")),
)  # fmt: skip
# Capsules round the bones: bone and canon point of both ends, radius (metres). Limbs are given for the left side.
_Capsule = tuple[str, tuple[float, float, float], str, tuple[float, float, float], float]
_TORSO: Final[tuple[_Capsule, ...]] = (
    ("root", (-0.085, -0.025, 0.06), "root", (0.085, -0.025, 0.06), 0.098),
    ("root", (-0.06, -0.03, 0.15), "root", (0.06, -0.03, 0.15), 0.108),
    ("spine03", (-0.05, -0.042, 0.28), "spine03", (0.05, -0.042, 0.28), 0.098),
    ("spine02", (-0.05, -0.045, 0.41), "spine02", (0.05, -0.045, 0.41), 0.102),
    ("spine01", (-0.06, -0.04, 0.51), "spine01", (0.06, -0.04, 0.51), 0.108),
    ("spine01", (-0.08, -0.02, 0.60), "spine01", (0.08, -0.02, 0.60), 0.065),
    ("neck01", (0, -0.03, 0.66), "neck03", (0, -0.055, 0.76), 0.055),
    ("head", (0, -0.065, 0.77), "head", (0, -0.062, 0.86), 0.088),
)
_LIMB: Final[tuple[_Capsule, ...]] = (
    ("upperarm01", (0.215, -0.028, 0.555), "lowerarm01", (0.35, -0.035, 0.404), 0.042),
    ("lowerarm01", (0.362, -0.035, 0.391), "wrist", (0.488, -0.203, 0.265), 0.032),
    ("wrist", (0.492, -0.215, 0.258), "wrist", (0.532, -0.288, 0.211), 0.024),
    ("finger3-1", (0.534, -0.286, 0.211), "finger3-3", (0.547, -0.335, 0.152), 0.016),
    ("upperleg01", (0.128, -0.038, -0.10), "lowerleg01", (0.146, -0.038, -0.28), 0.068),
    ("lowerleg01", (0.146, -0.035, -0.32), "lowerleg01", (0.166, -0.015, -0.52), 0.055),
    ("lowerleg01", (0.166, -0.015, -0.52), "foot", (0.19, -0.004, -0.72), 0.042),
    ("foot", (0.19, 0.01, -0.78), "foot", (0.188, -0.17, -0.79), 0.034),
)
_UPPER, _FORE, _HAND, _TIPS, _THIGH, _CALF, _SHIN, _FOOT = range(8)


@dataclass(frozen=True, eq=False)
class Rig:
    """Arrays of one skeleton for the kernels.

    Attributes:
        vec: (8, 3) of `_rest_vectors`. pivots: (J, 3) pivots at rest, metres. parents: (J,) indices.
        slot: (J,) row of `BONES`, -1 for bones that do not turn on their own.
        limbs: chest; wrist, elbow, shoulder, each left and right; the four pivots of the left arm, of the right arm.
        bone, offset, radius: (K, 2), (K, 2, 3), (K,) capsules, ends relative to the pivots, metres.
        pairs: of `_pairs`. index: bone name -> index.
    """

    vec: NDArray[np.float64]
    pivots: NDArray[np.float64]
    parents: NDArray[np.int64]
    slot: NDArray[np.int64]
    limbs: NDArray[np.int64]
    bone: NDArray[np.int64]
    offset: NDArray[np.float64]
    radius: NDArray[np.float64]
    pairs: NDArray[np.float64]
    index: Mapping[str, int]

    def arm(self) -> NDArray[np.float64]:
        """(4, 3) pivots of the left clavicle, upper arm, lower arm and wrist."""
        return self.pivots[self.limbs[7:11]]

    def leg(self) -> NDArray[np.float64]:
        """(3, 3) pivots of the left hip, knee and ankle."""
        return self.pivots[[self.index[n] for n in ("upperleg01.L", "lowerleg01.L", "foot.L")]]


@cache
def rig_of(body: BodyModel) -> Rig:
    """The arrays of the mean body, computed once."""
    slot = np.array([BONES.index(n) if n in BONES else -1 for n in body.bones])
    names = ["spine01"] + [f"{n}.{s}" for n in ("wrist", "lowerarm01", "upperarm01") for s in "LR"]
    names += [f"{n}.{s}" for s in "LR" for n in ("clavicle", "upperarm01", "lowerarm01", "wrist")]
    pivots = body.pivots.astype(np.float64)
    bones, offsets, radii = [], [], []
    for side, sign in (("", 1), (".L", 1), (".R", -1)):
        for a, p, b, q, radius in _LIMB if side else _TORSO:
            pair = [body.index[a + side], body.index[b + side]]
            bones.append(pair)
            offsets.append(np.array([p, q]) * [sign, 1, 1] - pivots[pair])
            radii.append(radius)
    return Rig(
        _rest_vectors(body), pivots, np.array(body.parents), slot, np.array([body.index[n] for n in names]),
        np.array(bones), np.array(offsets), np.array(radii), _pairs(), body.index,
    )  # fmt: skip


def rotations(body: BodyModel, angles: Floats) -> dict[str, Floats]:
    """Bone rotations of P poses.

    Args:
        body: the body model; angles count from its mean body at rest.
        angles: (P, A) degrees, in the order of `angles.ANGLES`.

    Returns:
        bone name -> (P, 3, 3) float32 for `BodyModel.transforms`.
    """
    vec = rig_of(body).vec
    turns = np.stack([bone_turns(row.astype(np.float64), vec) for row in angles]).astype(np.float32)
    return {name: turns[:, k] for k, name in enumerate(BONES)}


def _pairs() -> NDArray[np.float64]:
    """Rows: first capsule, second, how deep they may be in each other anyway, side of the first, what to move."""
    rows: list[tuple[float, ...]] = []
    torso, limb = len(_TORSO), len(_LIMB)
    for side in (0, 1):
        own, other = torso + limb * side, torso + limb * (1 - side)
        for part in (_FORE, _HAND, _TIPS):
            rows += [(own + part, k, 0.0, side, 0) for k in range(torso)]
            rows += [(own + part, own + k, 0.0, side, 0) for k in (_THIGH, _CALF, _SHIN)]
            rows += [(own + part, other + k, 0.0, side, 0) for k in (_UPPER, _THIGH, _CALF, _SHIN)]
            if side == 0:
                rows += [(own + part, other + k, 0.0, side, 0) for k in (_FORE, _HAND, _TIPS)]
        rows += [(own + _UPPER, k, 0.022 if k > 2 else 0.0, side, 1) for k in (1, 2, 3, 6, 7)]
        for part in (_CALF, _SHIN, _FOOT):
            rows += [(own + part, other + k, 0.0, side, 2) for k in (_CALF, _SHIN, _FOOT)]
    rows.append((torso + _THIGH, torso + limb + _THIGH, 0.012, 0, 2))
    return np.array(rows, np.float64)


def _rest_vectors(body: BodyModel) -> NDArray[np.float64]:
    """(8, 3): upper arm, forearm, elbow hinge, axis of curling, out of the palm, thumb's axis, (elbow's bend at rest,
    angle that makes the legs vertical, 0), fingers; unit vectors of the left side at rest."""
    pivot = {n: body.pivots[body.index[f"{n}.L"]].astype(np.float64) for n in (
        "upperarm01", "lowerarm01", "wrist", "finger1-2", "finger1-3", "finger2-1", "finger3-1", "finger3-2",
        "finger3-3", "finger5-1", "upperleg01", "foot")}  # fmt: skip
    upper = _norm(pivot["lowerarm01"] - pivot["upperarm01"])
    lower = _norm(pivot["wrist"] - pivot["lowerarm01"])
    fingers = _norm(pivot["finger3-1"] - pivot["wrist"])
    palm = np.cross(fingers, pivot["finger5-1"] - pivot["finger2-1"])
    palm *= np.sign(palm @ (pivot["finger3-3"] - pivot["finger3-2"]))
    normal = _norm(palm - lower * (palm @ lower))
    across = np.cross(lower, normal)  # turning about it takes the fingers towards the palm
    thumb = _norm(pivot["finger1-3"] - pivot["finger1-2"])
    to = _norm(normal + 0.6 * _norm(pivot["finger5-1"] - pivot["finger2-1"]))
    leg = pivot["foot"] - pivot["upperleg01"]
    bent = np.arccos(np.clip(upper @ lower, -1, 1))
    return np.array([
        upper, lower, _norm(np.cross(upper, lower)), across, normal, _norm(np.cross(thumb, to)),
        [bent, np.arctan2(leg[0], -leg[2]), 0], fingers,
    ])  # fmt: skip


def _norm(v: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = v / np.linalg.norm(v)
    return out
