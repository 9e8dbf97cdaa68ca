"""The named poses, as data: where feet stand, what hands touch, and the angles of the rest.

Arms are described for the arm's own side (x towards it), in canon metres, so that both arms may share one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HANDS: Final[dict[str, tuple[float, float, float, float, float]]] = {
    "relaxed": (6, 11, 15, 18, 18),
    "flat": (-5, -12, -12, -12, -10),
    "spread": (-12, -8, -10, -10, -12),
    "fist": (45, 78, 82, 82, 80),
    "grip": (25, 45, 50, 52, 52),
    "pointing": (35, -10, 75, 80, 80),
    "peace": (45, -8, -8, 80, 80),
    "cup": (10, 28, 32, 34, 34),
    "phone": (0, 20, 28, 32, 34),
}
"""Hand shapes: degrees each joint of thumb, index, middle, ring and little finger is curled beyond the rest hand."""


@dataclass(frozen=True)
class Arm:
    """What a hand does, for either arm: x counts towards the arm's own side, so both arms may share one.

    Attributes:
        bone: what the hand touches or moves with: "root", "spine01" (chest), "head", "thigh", "shin" of its side.
        wrist: where the wrist is, as a point of canon space near that bone, metres.
        pole: where the elbow points to, in chest axes.
        fingers, palm: where fingers and palm look to, in axes of the bone.
        hand: a shape out of `HANDS`.
        loose: how far, metres, the wrist may wander when the pose is varied.
    """

    bone: str
    wrist: tuple[float, float, float]
    pole: tuple[float, float, float] = (1, 0.5, 0)
    fingers: tuple[float, float, float] = (0, 0, -1)
    palm: tuple[float, float, float] = (-1, 0, 0)
    hand: str = "relaxed"
    loose: float = 0.012


@dataclass(frozen=True)
class Legs:
    """Feet on the ground.

    Attributes:
        left, right: ankle x (towards the own side), y (back), yaw (toes outwards, degrees), lift of the heel (toes for
            negative ones, degrees), height above the ground. Metres; the pelvis rests over (0, 0).
        knee: how far the straighter of the legs that carry is bent. shift: of the pelvis, x to the left and y back.
    """

    left: tuple[float, float, float, float, float] = (0.10, 0, 7, 0, 0)
    right: tuple[float, float, float, float, float] = (0.10, 0, 7, 0, 0)
    knee: float = 4
    shift: tuple[float, float] = (0, 0)

    def row(self) -> NDArray[np.float64]:
        return np.array([*self.left, *self.right, self.knee, *self.shift], np.float64)


@dataclass(frozen=True)
class Base:
    """One pose of the library: odds of the styles street, fashion and any other; kind says what it blends with."""

    name: str
    kind: str
    odds: tuple[float, float, float]
    angles: Mapping[str, float] = field(default_factory=dict)
    legs: Legs | None = None
    left: Arm | None = None
    right: Arm | None = None
    seat: bool = False


_HIP = Arm("root", (0.245, 0.00, 0.195), (1, 0.45, 0), (-0.35, -0.85, -0.3), (-0.9, 0.3, -0.2), "relaxed")
_HIP_FIST = Arm("root", (0.24, -0.02, 0.20), (1, 0.45, 0), (-0.55, -0.6, -0.3), (-0.2, 0.4, -1), "fist")
_HIP_BACK = Arm("root", (0.215, 0.09, 0.20), (1, 0.3, -0.2), (-0.7, 0.35, -0.5), (-0.5, -0.8, 0), "flat")
_POCKET = Arm("root", (0.205, -0.075, 0.125), (0.75, 1, 0), (-0.2, 0.1, -1), (-0.9, 0.35, 0), "relaxed")
_BACK_POCKET = Arm("root", (0.13, 0.135, 0.15), (0.6, 1, 0), (-0.15, -0.1, -1), (-0.1, -1, 0), "relaxed")
_JACKET = Arm("root", (0.17, -0.165, 0.21), (1, 0.8, 0), (-0.6, 0.15, -0.7), (-0.4, 0.8, 0.2), "relaxed")
_BEHIND = Arm("root", (0.05, 0.15, 0.15), (1, 0.4, -0.2), (-0.8, 0.15, -0.5), (-0.1, 1, 0), "cup")
_BEHIND_UNDER = Arm("root", (0.06, 0.185, 0.12), (1, 0.4, -0.2), (-0.8, 0.1, -0.5), (-0.1, 1, 0), "cup")
_FOLD_IN = Arm("spine02", (-0.08, -0.185, 0.375), (0.8, 0.1, -1), (-1, 0.05, 0.2), (0.05, 1, 0.1), "relaxed")
_FOLD_OUT = Arm("spine02", (-0.05, -0.245, 0.395), (0.8, 0.1, -1), (-1, 0.3, 0.15), (0.2, 1, 0), "relaxed")
_HOLD_ELBOW = Arm("spine03", (-0.13, -0.165, 0.30), (0.8, 0.3, -1), (-1, 0.4, 0), (0.3, 1, 0.1), "grip")
_NAPE = Arm("head", (0.155, 0.075, 0.80), (1, -0.25, 0.35), (-0.9, 0.25, 0.25), (-0.2, -1, 0), "relaxed")
_HAIR = Arm("head", (0.175, -0.03, 0.89), (1, -0.3, 0.4), (-0.75, 0.45, 0.4), (-0.7, 0, -0.8), "spread")
_BROW = Arm("head", (0.155, -0.16, 0.86), (1, -0.2, 0.1), (-1, 0.05, 0.1), (0.05, 0.5, -1), "flat")
_CHIN = Arm("head", (0.02, -0.205, 0.635), (0.35, -0.1, -1), (-0.05, 0.3, 1), (-0.3, 0.9, -0.3), "fist", 0.006)
_CHEEK = Arm("head", (0.085, -0.165, 0.66), (0.5, 0, -1), (0.0, 0.35, 1), (-0.9, 0.3, 0), "relaxed", 0.006)
_CALL = Arm("head", (0.135, -0.105, 0.715), (0.7, 0, -1), (-0.1, 0.35, 0.9), (-1, -0.1, 0), "phone", 0.006)
_LOOK = Arm("spine01", (0.05, -0.33, 0.43), (0.5, 0.35, -1), (-0.25, -0.6, 0.7), (-0.1, 0.75, 0.6), "phone", 0.025)
_LOOK_LOW = Arm("spine01", (0.07, -0.30, 0.33), (0.5, 0.5, -1), (-0.25, -0.8, 0.4), (-0.2, 0.4, 0.8), "phone", 0.025)
_CUP = Arm("spine01", (0.13, -0.29, 0.40), (0.6, 0.4, -1), (-0.3, -1, 0.1), (-1, 0.3, 0), "grip", 0.03)
_SIP = Arm("head", (0.06, -0.27, 0.70), (0.7, 0, -1), (-0.4, 0.1, 0.6), (-0.9, 0.5, 0), "grip", 0.006)
_LAPEL = Arm("spine02", (0.115, -0.21, 0.42), (0.8, 0.5, -1), (-0.45, 0.15, 0.8), (-0.3, 0.9, 0), "grip")
_COLLAR = Arm("spine01", (0.10, -0.165, 0.55), (1, 0, -0.7), (-0.35, 0.45, 0.8), (-0.5, 0.8, 0), "grip")
_STRAP = Arm("spine01", (0.125, -0.185, 0.47), (0.7, 0.2, -1), (-0.25, 0.3, 0.9), (-0.2, 1, 0), "fist")
_CUFF = Arm("spine02", (-0.02, -0.30, 0.32), (0.8, 0.4, -1), (-0.7, -0.5, 0.1), (-0.2, 0.3, -1), "grip", 0.015)
_CUFFED = Arm("spine02", (0.07, -0.27, 0.27), (0.8, 0.4, -1), (-0.6, -0.75, 0.1), (-0.2, 0.3, -1), "cup", 0.01)
_HEART = Arm("spine02", (0.075, -0.19, 0.44), (0.8, 0.2, -1), (-0.9, 0.1, 0.35), (0.1, 1, 0), "flat")
_GLASSES = Arm("head", (0.165, -0.20, 0.745), (0.9, 0, -0.8), (-0.3, 0.25, 0.9), (-0.9, 0.4, -0.1), "cup", 0.005)
_CLAP = Arm("spine01", (0.05, -0.33, 0.42), (0.9, 0.2, -1), (-0.12, -0.6, 0.8), (-1, 0, 0), "flat", 0.015)
_PRAY = Arm("spine01", (0.055, -0.26, 0.43), (1, 0, -0.7), (-0.14, -0.15, 1), (-1, 0, 0), "flat", 0.006)
_JOIN_IN = Arm("root", (0.06, -0.185, 0.10), (0.9, 0.5, 0), (-0.5, -0.1, -0.8), (-0.3, 0.9, 0), "relaxed", 0.008)
_JOIN_OUT = Arm("root", (0.065, -0.245, 0.12), (0.9, 0.5, 0), (-0.55, -0.05, -0.8), (-0.3, 0.9, 0), "relaxed", 0.008)
_SELFIE = Arm("head", (0.30, -0.50, 0.74), (0.7, 0.2, -1), (-0.1, -0.25, 0.9), (-0.2, 0.95, 0.2), "phone", 0.03)
_CARRY = Arm("spine02", (0.16, -0.34, 0.27), (0.8, 0.6, -0.6), (-0.1, -0.95, 0.1), (-0.9, 0.1, 0.3), "cup", 0.02)
_BABY = Arm("spine02", (-0.04, -0.24, 0.33), (0.9, 0.2, -0.8), (-1, -0.1, 0.25), (0.1, 0.9, 0.5), "cup", 0.015)
_HANDBAG = Arm("spine02", (0.16, -0.24, 0.42), (0.6, 0.5, -1), (-0.3, -0.6, 0.7), (-0.6, 0.5, 0.5), "cup", 0.02)
_TOTE = Arm("spine01", (0.215, -0.19, 0.45), (0.5, 0.6, -1), (-0.2, 0.0, 0.95), (-0.5, 0.8, 0), "fist")
_WAVE = Arm("spine01", (0.36, -0.16, 0.83), (0.8, 0.2, -1), (0.15, -0.05, 1), (0, -1, 0), "spread", 0.04)
_WAVE_HIGH = Arm("spine01", (0.30, -0.10, 1.04), (0.9, 0.2, -0.4), (0.1, -0.05, 1), (0, -1, 0), "spread", 0.04)
_POINT = Arm("spine01", (0.16, -0.50, 0.60), (0.7, 0.2, -1), (0, -1, 0.05), (-0.3, 0, -1), "pointing", 0.05)
_POINT_OUT = Arm("spine01", (0.66, -0.16, 0.62), (0, 0.3, -1), (1, -0.1, 0.05), (0, -0.4, -1), "pointing", 0.05)
_POINT_UP = Arm("spine01", (0.28, -0.18, 0.96), (0.9, 0.1, -0.6), (0, -0.1, 1), (-0.2, -1, 0), "pointing", 0.04)
_FRONT = Arm("spine01", (0.15, -0.52, 0.62), (0.8, 0.2, -0.8), (-0.05, -1, 0), (-0.2, 0, -1), "flat", 0.04)
_PUSH = Arm("spine01", (0.17, -0.46, 0.52), (0.8, 0.3, -0.8), (-0.05, -0.25, 0.95), (0, -1, -0.1), "flat", 0.03)
_PULL = Arm("spine01", (0.08, -0.46, 0.38), (0.8, 0.3, -0.8), (0, -1, 0), (-1, 0, 0), "fist", 0.03)
_UP = Arm("spine01", (0.21, -0.06, 1.12), (1, 0.3, 0.1), (0.02, -0.05, 1), (-0.6, -0.8, 0), "relaxed", 0.04)
_VEE = Arm("spine01", (0.48, -0.08, 0.98), (0.6, 0.4, -0.6), (0.5, -0.05, 0.9), (-0.3, -1, 0), "spread", 0.04)
_CROWN = Arm("spine01", (0.13, -0.12, 1.06), (1, -0.2, 0), (-0.75, 0, 0.5), (-0.2, -0.2, -1), "relaxed", 0.02)
_OUT = Arm("spine01", (0.68, -0.06, 0.60), (0.1, 0.6, -1), (1, 0, 0), (0, -0.2, -1), "flat", 0.03)
_GUARD = Arm("spine01", (0.125, -0.285, 0.66), (0.55, 0.1, -1), (-0.15, -0.35, 1), (-0.8, 0.5, 0), "fist", 0.02)
_PEACE = Arm("head", (0.20, -0.19, 0.70), (0.7, 0.1, -1), (0, -0.05, 1), (0, -1, 0), "peace", 0.02)
_THUMB = Arm("spine01", (0.20, -0.34, 0.47), (0.7, 0.4, -1), (-0.4, -0.9, 0.1), (-1, 0.4, 0), "fist", 0.03)
_SHRUGGED = Arm("spine01", (0.36, -0.24, 0.42), (0.1, 0.8, -1), (0.75, -0.65, 0.1), (0, 0.1, 1), "spread", 0.03)
_KNEE = Arm("thigh", (0.145, -0.135, -0.14), (0.9, 0.5, -0.3), (-0.05, 0.1, -1), (0, 1, 0), "relaxed", 0.02)
_LAP = Arm("thigh", (0.11, -0.155, -0.04), (0.9, 0.6, -0.2), (-0.5, 0.05, -0.9), (-0.1, 1, 0), "relaxed", 0.015)
_ON_KNEE = Arm("thigh", (0.14, -0.135, -0.20), (1, 0.2, -0.1), (-0.05, 0.15, -1), (0, 1, 0), "cup", 0.012)
_KNEES_LOW = Arm("thigh", (0.14, -0.15, -0.21), (1, 0.1, 0.1), (-0.1, 0.2, -1), (0, 1, 0), "cup", 0.01)
_SEAT = Arm("root", (0.26, 0.06, 0.06), (0.8, 0.7, 0), (0.35, -0.6, -0.6), (0, 0, -1), "flat", 0.02)
_PROP = Arm("root", (0.26, 0.26, 0.02), (0.5, 1, 0.3), (0.4, 0.7, -0.4), (0, 0.2, -1), "flat", 0.02)


def _feet(
    left: tuple[float, ...], right: tuple[float, ...], knee: float = 4, shift: tuple[float, float] = (0, 0)
) -> Legs:
    """`Legs` with what is left out of a foot's x, y, yaw, lift, height at its usual value."""
    usual = (0.1, 0.0, 7.0, 0.0, 0.0)
    whole = [tuple(foot) + usual[len(foot) :] for foot in (left, right)]
    return Legs(whole[0], whole[1], knee, shift)  # type: ignore[arg-type]


def _walk(name: str, odds: tuple[float, float, float], phase: float, stride: float, **more: Any) -> Base:
    """A moment of walking: phase 0 is the left heel's strike, 0.5 the right one's.

    more: swing (arms, degrees), narrow (feet's distance from the line, m), hips (degrees of turn), elbow, left, right.
    """
    swing, narrow = more.pop("swing", 24.0), more.pop("narrow", 0.055)
    hips, elbow = more.pop("hips", 5.0), more.pop("elbow", 14.0)
    feet = []
    for start in (phase, phase + 0.5):
        t = start % 1.0
        if t < 0.6:
            y, height = stride * (2 * t / 0.6 - 1), 0.0
            lift = -18 * max(0.0, 1 - t / 0.1) + 38 * max(0.0, (t - 0.4) / 0.2)
        else:
            s = (t - 0.6) / 0.4
            y, height = stride * np.cos(np.pi * s), 0.05 * np.sin(np.pi * s)
            lift = 38 * (1 - s) ** 2 - 18 * s**2
        feet.append((narrow, float(y), 6.0, float(lift), float(height)))
    wave = float(np.cos(2 * np.pi * phase))
    side = float(np.sin(2 * np.pi * phase))
    angles = {
        "arm_flex_L": -swing * wave - 2, "arm_flex_R": swing * wave - 2, "arm_out": 8,
        "elbow_L": elbow + 12 * max(0, -wave), "elbow_R": elbow + 12 * max(0, wave),
        "pelvis_yaw": -hips * wave, "twist": 0.8 * hips * wave, "chest_twist": 0.6 * hips * wave,
        "turn": -0.4 * hips * wave, "pelvis_lean": -2.5 * side, "lean": 2.5 * side, "bend": 2,
        **more.pop("angles", {}),
    }  # fmt: skip
    legs = Legs(feet[0], feet[1], more.pop("knee", 5.0), (0.018 * side, -0.12 * stride * wave * wave))
    return Base(name, "walk", odds, angles, legs, **more)


def walking(phase: float, stride: float = 0.33) -> Base:
    """A moment of a walk: phase 0 to 1 of two steps, from the left heel's strike on; stride in metres."""
    return _walk("walking", (0, 0, 0), phase % 1.0, stride)


WAVING: Final = _WAVE_HIGH
"""An arm that waves: the hand is above the shoulder, the palm looks ahead."""


def _stand_pose(name: str, odds: tuple[float, float, float], legs: Legs | None = None, **more: Any) -> Base:
    left, right, kind = more.pop("left", None), more.pop("right", None), more.pop("kind", "stand")
    return Base(name, kind, odds, more, legs or Legs(), left, right)


_WEIGHT_LEFT = _feet((0.06, 0.0, 9), (0.17, -0.05, 18), 3, (0.045, 0.0))  # the right knee follows from the distance
_HIP_LEFT = {"pelvis_lean": -6, "lean": 6, "chest_lean": 3, "tilt": -2}  # the hip over the standing leg is the higher
_CROSSED_FRONT = _feet((0.05, 0.02, 6), (-0.07, -0.13, 14), 4, (0.03, 0.0))
_MODEL = _feet((0.05, 0.03, 10), (0.05, -0.17, 14, 12), 4, (0.03, 0.02))
_SIT: Mapping[str, float] = {"hip_flex": 82, "knee": 84, "hip_out": 6, "hip_twist": 4, "bend": 4, "foot": 0}
LIBRARY: Final[tuple[Base, ...]] = (
    # standing
    _stand_pose("relaxed", (6, 5, 3)),
    _stand_pose("contrapposto", (3, 6, 3), _WEIGHT_LEFT, **_HIP_LEFT),
    _stand_pose("attention", (0.3, 1, 0.7), _feet((0.06, 0, 12), (0.06, 0, 12), 2), arm_out=5, elbow=10, bend=-2,
                chest_bend=-3, arm_twist=4),
    _stand_pose("at ease", (0.8, 0.6, 0.8), _feet((0.16,), (0.16,)), left=_BEHIND, right=_BEHIND_UNDER),
    _stand_pose("feet together", (1, 2, 1), _feet((0.055, 0, 4), (0.055, 0, 4), 3), arm_out=7),
    _stand_pose("wide", (0.8, 2, 1), _feet((0.24, 0, 14), (0.24, 0, 14), 3), arm_out=14),
    _stand_pose("one knee bent", (2, 4, 2), _feet((0.07, 0.02, 8), (0.11, -0.10, 10, 18), 3, (0.035, 0)), **_HIP_LEFT),
    _stand_pose("weight on one leg", (3, 4, 2), _feet((0.05, 0, 8), (0.22, -0.02, 22), 3, (0.055, 0)),
                pelvis_lean=-8, lean=7, chest_lean=3, arm_out_L=14, tilt=-3),
    _stand_pose("step stance", (2, 3, 2), _feet((0.08, -0.14, 6), (0.09, 0.12, 14), 4), pelvis_yaw=-6, twist=5),
    _stand_pose("leaning back", (0.8, 1, 1), _feet((0.10, -0.16, 8), (0.11, -0.14, 8), 8, (0, 0.05)), pelvis_tilt=-6,
                bend=-2, chest_bend=4, neck=10),
    _stand_pose("leaning sideways", (0.3, 1, 1), _feet((0.08, 0, 8), (0.15, -0.05, 15), 4, (0.03, 0)), lean=-14,
                chest_lean=-7, tilt=-6, arm_out_L=14, arm_out_R=16),
    _stand_pose("slouching", (1.5, 0.5, 1), pelvis_tilt=-4, bend=8, chest_bend=12, neck=14, collar=10, arm_flex=8),
    _stand_pose("looking down", (1.5, 1.5, 1), neck=14, nod=22, bend=3),
    _stand_pose("looking up", (0.3, 0.5, 0.8), neck=-10, nod=-20, chest_bend=-4),
    _stand_pose("looking aside", (2.5, 2.5, 1.5), _WEIGHT_LEFT, turn=52, chest_twist=8, **_HIP_LEFT),
    _stand_pose("looking over the shoulder", (1, 2.5, 1), _feet((0.07, 0, 8), (0.10, -0.10, 10, 12), 3), turn=62,
                twist=18, chest_twist=14, pelvis_yaw=6, neck=4, arm_flex_L=-12),
    # arms
    _stand_pose("akimbo", (1, 3, 1.5), _feet((0.15,), (0.15,)), left=_HIP, right=_HIP),
    _stand_pose("akimbo fists", (0.3, 1, 0.6), _feet((0.14,), (0.14,)), left=_HIP_FIST, right=_HIP_FIST),
    _stand_pose("akimbo back", (0.4, 0.8, 0.5), left=_HIP_BACK, right=_HIP_BACK, bend=-3),
    _stand_pose("hand on hip", (1.2, 6, 2), _WEIGHT_LEFT, left=_HIP, **_HIP_LEFT),
    _stand_pose("hand on hip free side", (0.6, 4, 1.5), _WEIGHT_LEFT, right=_HIP, **_HIP_LEFT),
    _stand_pose("folded arms", (2, 2, 1.5), left=_FOLD_IN, right=_FOLD_OUT),
    _stand_pose("holding the elbow", (0.6, 1.2, 0.6), _WEIGHT_LEFT, left=_HOLD_ELBOW, arm_out_R=6, elbow_R=12,
                **_HIP_LEFT),
    _stand_pose("hands in pockets", (2.5, 4, 1.5), _feet((0.12,), (0.12, -0.03, 10)), left=_POCKET, right=_POCKET),
    _stand_pose("hand in pocket", (2.5, 5, 1.5), _WEIGHT_LEFT, right=_POCKET, **_HIP_LEFT),
    _stand_pose("hands in jacket", (2, 1.5, 1), left=_JACKET, right=_JACKET),
    _stand_pose("hands in back pockets", (0.3, 1, 0.5), _WEIGHT_LEFT, left=_BACK_POCKET, right=_BACK_POCKET),
    _stand_pose("hands behind", (1.2, 1, 0.8), left=_BEHIND, right=_BEHIND_UNDER),
    _stand_pose("hands behind the head", (0.2, 0.6, 0.8), left=_NAPE, right=_NAPE),
    _stand_pose("hand in hair", (0.5, 1.5, 1), _WEIGHT_LEFT, right=_HAIR, tilt=6, **{
        k: v for k, v in _HIP_LEFT.items() if k != "tilt"}),
    _stand_pose("both hands in hair", (0.1, 0.7, 0.6), left=_HAIR, right=_HAIR),
    _stand_pose("shading the eyes", (0.4, 0.3, 0.6), left=_BROW, turn=12),
    _stand_pose("hand on chin", (0.6, 1, 0.9), left=_CHIN, right=_HOLD_ELBOW, nod=6),
    _stand_pose("hand on cheek", (0.3, 0.8, 0.5), left=_CHEEK, tilt=7, nod=4),
    _stand_pose("phone at ear", (3, 0.5, 1.2), left=_CALL, tilt=4),
    _stand_pose("phone at ear and pocket", (1.2, 0.4, 0.6), _WEIGHT_LEFT, left=_CALL, right=_POCKET),
    _stand_pose("looking at phone", (4, 0.8, 1.5), left=_LOOK, nod=18, neck=14, turn=6),
    _stand_pose("phone in both hands", (2, 0.4, 1), left=_LOOK_LOW, right=_LOOK_LOW, nod=20, neck=16),
    _stand_pose("pointing", (0.6, 0.2, 1), left=_POINT),
    _stand_pose("pointing aside", (0.5, 0.3, 1), left=_POINT_OUT, turn=38),
    _stand_pose("pointing up", (0.2, 0.2, 0.7), left=_POINT_UP, neck=-4, nod=-12),
    _stand_pose("waving", (0.8, 0.4, 1.2), left=_WAVE),
    _stand_pose("waving high", (0.3, 0.3, 0.8), left=_WAVE_HIGH),
    _stand_pose("reaching up", (0.3, 0.4, 1), _feet((0.09, 0, 7, 14), (0.09, 0, 7, 14), 2), left=_UP, neck=-8, nod=-14),
    _stand_pose("reaching forward", (0.5, 0.3, 1), left=_FRONT, bend=6),
    _stand_pose("reaching sideways", (0.4, 0.4, 1), left=_OUT, lean=6, turn=24),
    _stand_pose("arms up", (0.1, 0.5, 1), left=_UP, right=_UP),
    _stand_pose("arms in a vee", (0.1, 0.4, 1), _feet((0.16,), (0.16,)), left=_VEE, right=_VEE),
    _stand_pose("arms in a T", (0.1, 0.4, 1), left=_OUT, right=_OUT),
    _stand_pose("A pose", (0.2, 0.8, 1), _feet((0.13,), (0.13,)), arm_out=34, elbow=10),
    _stand_pose("arms forward", (0.1, 0.2, 0.7), left=_FRONT, right=_FRONT),
    _stand_pose("carrying a bag", (4, 1.5, 1.2), arm_out_L=9, elbow_L=8, lean=-3, index_L=55, middle_L=60, ring_L=62,
                little_L=60, thumb_L=30, shrug_L=-3),
    _stand_pose("two bags", (2, 0.5, 0.8), arm_out=9, elbow=8, index=55, middle=60, ring=62, little=60, thumb=30),
    _stand_pose("bag on the forearm", (1.2, 1.8, 0.8), _WEIGHT_LEFT, left=_HANDBAG, **_HIP_LEFT),
    _stand_pose("holding a strap", (3, 1.2, 1), left=_STRAP),
    _stand_pose("holding both straps", (1.5, 0.4, 0.6), left=_STRAP, right=_STRAP),
    _stand_pose("holding a tote", (1.5, 0.8, 0.6), left=_TOTE),
    _stand_pose("holding a cup", (1.5, 0.8, 1), left=_CUP),
    _stand_pose("drinking", (0.7, 0.2, 0.7), left=_SIP, nod=-4),
    _stand_pose("holding lapels", (0.3, 1.5, 0.7), left=_LAPEL, right=_LAPEL),
    _stand_pose("hand on collar", (0.2, 1.5, 0.6), _WEIGHT_LEFT, left=_COLLAR, right=_POCKET),
    _stand_pose("adjusting a cuff", (0.2, 1.5, 0.6), left=_CUFF, right=_CUFFED, nod=14, neck=6),
    _stand_pose("hand on heart", (0.1, 0.5, 0.6), left=_HEART),
    _stand_pose("adjusting glasses", (0.5, 0.8, 0.7), left=_GLASSES),
    _stand_pose("clapping", (0.1, 0.1, 0.7), left=_CLAP, right=_CLAP),
    _stand_pose("praying hands", (0.05, 0.1, 0.5), left=_PRAY, right=_PRAY),
    _stand_pose("hands joined in front", (1.5, 2.5, 1.2), left=_JOIN_IN, right=_JOIN_OUT),
    _stand_pose("shrug", (0.2, 0.2, 0.9), left=_SHRUGGED, right=_SHRUGGED, shrug=18, tilt=6),
    _stand_pose("selfie", (0.8, 0.4, 0.9), _WEIGHT_LEFT, right=_SELFIE, turn=-10, tilt=5),
    _stand_pose("selfie with peace sign", (0.2, 0.1, 0.6), left=_PEACE, right=_SELFIE, tilt=7),
    _stand_pose("peace sign", (0.2, 0.2, 0.7), left=_PEACE),
    _stand_pose("thumb up", (0.2, 0.1, 0.6), left=_THUMB, thumb_L=-15),
    _stand_pose("carrying a box", (0.8, 0.1, 0.9), left=_CARRY, right=_CARRY, bend=-4),
    _stand_pose("carrying in both arms", (0.7, 0.1, 0.7), left=_BABY, right=_BABY, bend=-2, nod=8),
    # catalogue
    _stand_pose("model", (0.3, 5, 1), _MODEL, pelvis_yaw=-8, twist=5, pelvis_lean=-4, lean=4),
    _stand_pose("model hand on hip turned", (0.2, 4, 1), _MODEL, pelvis_yaw=-18, twist=10, chest_twist=4, turn=12,
                pelvis_lean=-4, lean=4, left=_HIP),
    _stand_pose("model three quarter", (0.3, 4, 1), _feet((0.06, 0.04, 4), (0.08, -0.13, 20, 8), 4, (0.03, 0)),
                pelvis_yaw=-12, twist=-4, turn=22, pelvis_lean=-5, lean=5, arm_flex_L=-10),
    _stand_pose("legs crossed standing", (0.5, 3, 1), _CROSSED_FRONT, pelvis_lean=-3, lean=3),
    _stand_pose("legs crossed and pockets", (0.2, 2, 0.6), _CROSSED_FRONT, left=_POCKET, right=_POCKET),
    _stand_pose("legs crossed hand on hip", (0.1, 2, 0.6), _CROSSED_FRONT, left=_HIP, pelvis_lean=-4, lean=4),
    _stand_pose("hip out", (0.3, 2.5, 1), _feet((0.04, 0.02, 8), (0.24, -0.04, 25), 3, (0.075, 0)), pelvis_lean=-12,
                lean=11, chest_lean=5, tilt=-5, right=_HIP),
    _stand_pose("one leg forward", (0.5, 3, 1), _feet((0.06, 0.06, 12), (0.06, -0.24, 8, 4), 4, (0.02, 0.04)),
                pelvis_yaw=5, twist=-5),
    _stand_pose("leg out to the side", (0.1, 1.5, 0.7), _feet((0.05, 0, 6), (0.32, -0.04, 25, 6), 3, (0.04, 0)),
                pelvis_lean=-4, lean=5),
    _stand_pose("back turned looking back", (0.3, 2, 0.7), _feet((0.06, 0, 8), (0.10, 0.10, 10, 18), 3, (0.03, 0)),
                turn=66, twist=20, chest_twist=16, pelvis_yaw=8, nod=4, left=_HIP),
    _stand_pose("playing with a sleeve", (0.1, 1, 0.4), left=_CUFF, right=_CUFFED, turn=20),
    # walking
    _walk("walk heel strike", (6, 1.5, 2), 0.0, 0.34),
    _walk("walk loading", (5, 1.5, 1.5), 0.08, 0.33),
    _walk("walk foot flat", (5, 1, 1.5), 0.16, 0.33),
    _walk("walk mid stance", (5, 1, 1.5), 0.28, 0.33),
    _walk("walk heel off", (5, 1, 1.5), 0.40, 0.33),
    _walk("walk swing start", (4, 1, 1.2), 0.62, 0.33),
    _walk("walk swing", (4, 1, 1.2), 0.76, 0.33),
    _walk("walk reach", (5, 1.5, 1.5), 0.94, 0.34),
    _walk("walk fast", (4, 0.6, 1.5), 0.0, 0.42, swing=36, elbow=24, hips=8, knee=6),
    _walk("walk fast swing", (3, 0.4, 1), 0.76, 0.42, swing=36, elbow=24, hips=8, knee=8),
    _walk("walk slow", (4, 1, 1), 0.05, 0.22, swing=12),
    _walk("walk slow swing", (3, 0.6, 0.8), 0.72, 0.22, swing=12),
    _walk("strolling", (4, 1, 1), 0.02, 0.26, swing=14),
    _walk("strolling in pockets", (3, 1.5, 0.8), 0.10, 0.26, left=_POCKET, right=_POCKET),
    _walk("catwalk", (0.3, 4, 1), 0.0, 0.36, swing=16, narrow=0.0, hips=9, elbow=8, angles={"pelvis_lean": -3}),
    _walk("catwalk passing", (0.2, 2.5, 0.8), 0.30, 0.34, swing=16, narrow=0.012, hips=9, elbow=8,
          angles={"pelvis_lean": -6, "lean": 5}),
    _walk("catwalk hand on hip", (0.1, 2, 0.6), 0.02, 0.34, swing=14, narrow=0.0, hips=8, left=_HIP),
    _walk("walking towards the camera", (0.5, 4, 1), 0.03, 0.28, swing=13, narrow=0.03, right=_POCKET),
    _walk("walking on the phone", (3, 0.3, 0.8), 0.05, 0.28, left=_CALL),
    _walk("walking looking at phone", (3.5, 0.3, 0.8), 0.12, 0.26, left=_LOOK,
          angles={"nod": 18, "neck": 14}),
    _walk("walking with a bag", (4, 0.8, 1), 0.0, 0.31, swing=13, angles={
        "index_L": 55, "middle_L": 60, "ring_L": 62, "little_L": 60, "arm_flex_L": -3, "lean": -3}),
    _walk("walking with a strap", (3, 0.8, 0.8), 0.06, 0.31, left=_STRAP),
    _walk("walking with two straps", (2, 0.2, 0.6), 0.94, 0.31, left=_STRAP, right=_STRAP),
    _walk("walking with a cup", (1.5, 0.4, 0.6), 0.04, 0.28, left=_CUP),
    _walk("walking arms folded", (1, 0.2, 0.4), 0.04, 0.24, left=_FOLD_IN, right=_FOLD_OUT),
    _walk("walking with a box", (0.6, 0.05, 0.6), 0.06, 0.24, left=_CARRY, right=_CARRY),
    Base("stairs step", "walk", (0.6, 0.8, 1), {"arm_flex_L": -14, "arm_flex_R": 16, "pelvis_tilt": 4, "bend": 3},
         _feet((0.09, -0.24, 5, 0, 0.17), (0.08, 0.10, 6, 16), 6, (0.0, 0.0))),
    Base("pushing", "stand", (0.3, 0.05, 0.8), {"pelvis_tilt": 14, "bend": 6},
         _feet((0.09, -0.14, 5), (0.09, 0.42, 6, 22), 10, (0, 0.02)), _PUSH, _PUSH),
    Base("pulling", "stand", (0.2, 0.05, 0.7), {"pelvis_tilt": -6, "bend": 6},
         _feet((0.10, -0.42, 5), (0.11, -0.02, 16), 22, (0, 0.0)), _PULL, _PULL),
    # running
    Base("run drive", "run", (0.6, 0.1, 1), {
        "pelvis_tilt": 9, "bend": 5, "hip_flex_L": 62, "knee_L": 92, "hip_flex_R": -18, "knee_R": 14, "foot_R": 38,
        "arm_flex_L": -42, "elbow_L": 85, "arm_flex_R": 38, "elbow_R": 95, "hip_twist": 2, "pelvis_yaw": -7,
        "twist": 6, "chest_twist": 5, "index": 60, "middle": 65, "ring": 65, "little": 62}),
    Base("run flight", "run", (0.5, 0.1, 1), {
        "pelvis_tilt": 8, "bend": 5, "hip_flex_L": 52, "knee_L": 52, "hip_flex_R": -20, "knee_R": 62, "foot_R": 30,
        "arm_flex_L": -46, "elbow_L": 80, "arm_flex_R": 42, "elbow_R": 98, "hip_twist": 2, "pelvis_yaw": -8,
        "twist": 7, "chest_twist": 6, "index": 60, "middle": 65, "ring": 65, "little": 62}),
    Base("run landing", "run", (0.5, 0.1, 1), {
        "pelvis_tilt": 7, "bend": 4, "hip_flex_L": 32, "knee_L": 18, "foot_L": -4, "hip_flex_R": -4, "knee_R": 98,
        "foot_R": 25, "arm_flex_L": -30, "elbow_L": 82, "arm_flex_R": 26, "elbow_R": 92, "hip_twist": 2,
        "index": 55, "middle": 60, "ring": 60, "little": 58}),
    Base("run mid stance", "run", (0.5, 0.1, 1), {
        "pelvis_tilt": 8, "bend": 4, "hip_flex_L": 20, "knee_L": 40, "foot_L": -20, "hip_flex_R": 30, "knee_R": 115,
        "foot_R": 20, "arm_flex_L": -2, "elbow_L": 88, "arm_flex_R": 2, "elbow_R": 88, "hip_twist": 2,
        "index": 55, "middle": 60, "ring": 60, "little": 58}),
    Base("jogging", "run", (1, 0.2, 1), {
        "pelvis_tilt": 5, "bend": 3, "hip_flex_L": 36, "knee_L": 58, "hip_flex_R": -10, "knee_R": 16, "foot_R": 26,
        "arm_flex_L": -24, "elbow_L": 78, "arm_flex_R": 18, "elbow_R": 85, "hip_twist": 3, "index": 50, "middle": 55,
        "ring": 55, "little": 55}),
    # sitting and near the ground
    Base("sitting", "sit", (0.5, 0.5, 1), _SIT, None, _KNEE, _KNEE, True),
    Base("sitting hands in lap", "sit", (0.4, 0.5, 0.8), {**_SIT, "hip_out": 2}, None, _LAP, _LAP, True),
    Base("sitting back", "sit", (0.3, 0.3, 0.8), {**_SIT, "pelvis_tilt": -22, "hip_flex": 66, "knee": 70, "bend": 8,
         "chest_bend": 6, "neck": 12}, None, _LAP, _KNEE, True),
    Base("sitting legs crossed", "sit", (0.3, 0.6, 0.8), {
        **_SIT, "hip_flex_L": 99, "hip_out_L": -13, "hip_twist_L": 0, "knee_L": 74, "foot_L": 16, "hip_out_R": 3,
        "hip_twist_R": 2}, None, _ON_KNEE, _LAP, True),
    Base("sitting ankle on knee", "sit", (0.2, 0.3, 0.6), {
        **_SIT, "hip_flex_L": 94, "hip_out_L": 22, "hip_twist_L": 60, "knee_L": 96, "hip_out_R": 10}, None, _ON_KNEE,
        _KNEE, True),
    Base("sitting on the edge", "sit", (0.3, 0.5, 0.8), {**_SIT, "hip_flex": 70, "knee": 66, "pelvis_tilt": 2,
         "foot": 4, "hip_out": 4}, None, _SEAT, _SEAT, True),
    Base("sitting elbows on knees", "sit", (0.3, 0.2, 0.6), {**_SIT, "pelvis_tilt": 16, "bend": 22, "chest_bend": 14,
         "hip_flex": 96, "hip_out": 12, "neck": -8, "arm_flex": 62, "elbow": 60, "arm_out": 6, "arm_twist": 38},
         None, None, None, True),
    Base("sitting on the floor", "floor", (0.1, 0.5, 0.8), {
        "pelvis_tilt": -18, "bend": 8, "hip_flex": 62, "knee": 6, "hip_out": 6, "foot": 14, "chest_bend": 4},
        None, _PROP, _PROP),
    Base("sitting knees up", "floor", (0.1, 0.4, 0.7), {
        "pelvis_tilt": -14, "bend": 16, "chest_bend": 10, "hip_flex": 100, "knee": 110, "hip_out": 5, "foot": 8},
        None, _KNEES_LOW, _KNEES_LOW),
    Base("sitting cross legged", "floor", (0.05, 0.4, 0.8), {
        "pelvis_tilt": -6, "bend": 8, "hip_flex_L": 78, "hip_flex_R": 84, "hip_out": 42, "hip_twist": 44,
        "knee_L": 122, "knee_R": 116, "foot": 20}, None, _KNEE, _KNEE),
    Base("kneeling on one knee", "floor", (0.2, 0.6, 0.9), {
        "hip_flex_L": 88, "knee_L": 90, "hip_out_L": 8, "hip_flex_R": -4, "knee_R": 92, "foot_R": 32}, None, _KNEE),
    Base("kneeling", "floor", (0.05, 0.4, 0.7), {"hip_flex": 0, "knee": 92, "foot": 52, "hip_out": 4}),
    Base("sitting on heels", "floor", (0.05, 0.4, 0.7), {
        "hip_flex": 62, "knee": 146, "foot": 56, "hip_out": 6, "pelvis_tilt": -6}, None, _KNEE, _KNEE),
    Base("squatting", "floor", (0.2, 0.4, 0.9), {"pelvis_tilt": 22, "bend": 14, "arm_flex": 55, "elbow": 55,
         "arm_twist": 40, "neck": -8}, _feet((0.16, 0, 22), (0.16, 0, 22), 128, (0, 0.16))),
    Base("crouching", "floor", (0.2, 0.5, 0.9), {"pelvis_tilt": 20, "bend": 14, "neck": -8},
         _feet((0.10, -0.18, 8), (0.11, 0.16, 10, 48), 108, (0, 0.06)), _KNEE, _LAP),
    Base("half squat", "sport", (0.1, 0.1, 0.8), {"pelvis_tilt": 28, "bend": 8, "neck": -12},
         _feet((0.17, 0, 18), (0.17, 0, 18), 78, (0, 0.14)), _FRONT, _FRONT),
    Base("bowing", "sport", (0.2, 0.1, 0.7), {"pelvis_tilt": 38, "bend": 18, "chest_bend": 8, "arm_flex": 34,
         "neck": 6}, _feet((0.07,), (0.07,), 4, (0, 0.10))),
    Base("bending to the ground", "sport", (0.3, 0.1, 0.8), {"pelvis_tilt": 66, "bend": 32, "chest_bend": 18,
         "arm_flex": 95, "arm_out": 4, "elbow": 8, "neck": -6}, _feet((0.12,), (0.12,), 22, (0, 0.12))),
    Base("tying a shoe", "floor", (0.2, 0.1, 0.6), {"pelvis_tilt": 24, "bend": 34, "chest_bend": 22, "hip_flex_L": 104,
         "knee_L": 96, "hip_flex_R": 14, "knee_R": 92, "foot_R": 44, "hip_out_L": 6, "arm_flex": 76, "elbow": 14,
         "arm_out": 2, "arm_twist": 20, "nod": 14}),
    Base("hands on knees", "sport", (0.2, 0.1, 0.7), {"pelvis_tilt": 36, "bend": 16, "neck": -14},
         _feet((0.14, 0, 12), (0.14, 0, 12), 42, (0, 0.13)), _KNEES_LOW, _KNEES_LOW),
    # dance
    Base("arabesque", "dance", (0, 0.3, 1), {
        "pelvis_tilt": 24, "bend": -12, "chest_bend": -10, "neck": -12, "hip_flex_L": 24, "knee_L": 2,
        "hip_out_L": 0, "hip_twist_L": 20, "hip_flex_R": -30, "hip_out_R": 8, "hip_twist_R": 30, "knee_R": 4,
        "foot_R": 55, "arm_flex_L": 84, "arm_out_L": 8, "elbow_L": 10, "arm_out_R": 84, "elbow_R": 10,
        "arm_flex_R": 0}),
    Base("ballet fifth", "dance", (0, 0.3, 0.9), {"bend": -2}, _feet((0.045, 0.05, 40), (0.03, -0.06, 40), 3),
         _CROWN, _CROWN),
    Base("on tiptoe", "dance", (0.05, 0.4, 0.9), {"bend": -2}, _feet((0.06, 0, 14, 48), (0.06, -0.03, 14, 48), 2),
         _VEE, _OUT),
    Base("pirouette", "dance", (0, 0.2, 0.8), {
        "hip_flex_L": 58, "hip_out_L": 32, "hip_twist_L": 52, "knee_L": 118, "foot_L": 50, "hip_flex_R": 0,
        "knee_R": 2, "foot_R": 46, "hip_out_R": 0, "turn": 20}, None, _CROWN, _CROWN),
    Base("arm wave", "dance", (0.05, 0.3, 1), {"lean": 8, "hip_out_R": 8, "turn": 20}, _feet((0.08,), (0.2, -0.05, 18)),
         _VEE, _OUT),
    Base("dance hip out", "dance", (0.05, 0.6, 1), {"pelvis_lean": -14, "lean": 13, "chest_lean": 6, "tilt": -8},
         _feet((0.07, 0, 10), (0.24, -0.06, 22, 14), 14, (0.07, 0)), _HIP, _UP),
    Base("jump", "dance", (0.05, 0.3, 1), {"hip_flex_L": 22, "knee_L": 62, "foot_L": 35, "hip_flex_R": 8, "knee_R": 78,
         "foot_R": 40, "bend": -5}, None, _VEE, _VEE),
    Base("jump apart", "dance", (0.02, 0.2, 0.8), {"hip_out": 30, "hip_flex": 18, "knee": 12, "foot": 38}, None, _VEE,
         _VEE),
    Base("dance twist", "dance", (0.05, 0.4, 1), {
        "pelvis_yaw": 26, "twist": -22, "chest_twist": -16, "turn": -8, "arm_flex_L": 32, "elbow_L": 86,
        "arm_flex_R": -20, "elbow_R": 80, "arm_out": 24}, _feet((0.13, 0.03, 22, 20), (0.13, -0.05, 0, 16), 30)),
    Base("leap", "dance", (0, 0.2, 0.8), {"hip_flex_L": 72, "knee_L": 12, "foot_L": 40, "hip_flex_R": -30, "knee_R": 24,
         "foot_R": 48, "pelvis_tilt": 6, "bend": -8}, None, _VEE, _OUT),
    Base("disco", "dance", (0, 0.3, 0.8), {"lean": -8, "turn": 25}, _feet((0.10,), (0.26, -0.06, 20, 8), 8, (0.03, 0)),
         _VEE, _HIP),
    # sport
    Base("boxing guard", "sport", (0.05, 0.3, 1), {
        "pelvis_yaw": -20, "turn": 18, "chest_bend": 8, "shrug": 6, "nod": 8},
         _feet((0.11, -0.20, 0), (0.13, 0.18, 30, 14), 18), _GUARD, _GUARD),
    Base("punch", "sport", (0, 0.1, 0.8), {"pelvis_yaw": 16, "twist": 12, "chest_twist": 10, "turn": -26},
         _feet((0.11, -0.22, 0), (0.12, 0.22, 10, 26), 20), _GUARD,
         replace(_FRONT, hand="fist", wrist=(0.06, -0.56, 0.60))),
    Base("throwing", "sport", (0.05, 0.1, 1), {
        "pelvis_yaw": -18, "twist": -18, "chest_twist": -14, "turn": 40, "bend": -6, "arm_flex_R": -20, "arm_out_R": 98,
        "arm_twist_R": -55, "elbow_R": 96, "index_R": 40, "middle_R": 44, "ring_R": 44, "little_R": 44},
        _feet((0.08, -0.34, 4), (0.10, 0.20, 26, 10), 16), _FRONT),
    Base("kicking", "sport", (0.05, 0.1, 1), {
        "pelvis_tilt": -12, "bend": 10, "hip_flex_L": 72, "knee_L": 16, "foot_L": 34, "hip_flex_R": -8, "knee_R": 14,
        "foot_R": 4, "arm_out_L": 40, "arm_flex_L": -30, "arm_out_R": 62, "arm_flex_R": 20, "elbow": 28}),
    Base("kick back swing", "sport", (0.05, 0.1, 0.7), {
        "pelvis_tilt": 8, "hip_flex_L": -24, "knee_L": 78, "foot_L": 30, "hip_flex_R": 16, "knee_R": 18, "foot_R": 0,
        "arm_out_R": 70, "arm_flex_L": 30, "elbow": 30, "arm_out_L": 40}),
    Base("lunge", "sport", (0.1, 0.5, 1), {"bend": 2}, _feet((0.10, -0.42, 4), (0.09, 0.42, 4, 42), 30, (0, 0.0)), _HIP,
         _HIP),
    Base("deep lunge", "sport", (0.05, 0.3, 0.8), {"pelvis_tilt": 10}, _feet(
        (0.10, -0.42, 4), (0.09, 0.46, 4, 48), 48), _ON_KNEE),
    Base("side lunge", "sport", (0.02, 0.3, 0.8), {"pelvis_tilt": 18, "bend": 6}, _feet(
        (0.34, -0.02, 20), (0.46, 0.0, 10), 4, (0.24, 0.06)), _ON_KNEE, _HIP),
    Base("yoga tree", "sport", (0, 0.3, 0.9), {
        "hip_flex_L": 46, "hip_out_L": 46, "hip_twist_L": 50, "knee_L": 128, "foot_L": 24, "hip_flex_R": 0,
        "hip_out_R": -3, "knee_R": 2, "pelvis_lean": -3, "lean": 3}, None, _PRAY, _PRAY),
    Base("warrior", "sport", (0, 0.3, 0.9), {"turn": 60}, _feet(
        (0.52, -0.02, 60), (0.48, 0.04, 5), 6, (0.12, 0)), _OUT, _OUT),
    Base("stretching sideways", "sport", (0.05, 0.3, 1), {"lean": -24, "chest_lean": -14, "tilt": -8},
         _feet((0.17,), (0.17,), 3), _UP, _HIP),
    Base("stretching up", "sport", (0.05, 0.3, 0.8), {"bend": -6, "chest_bend": -6, "neck": -6},
         _feet((0.09, 0, 8, 16), (0.09, 0, 8, 16), 2), _UP, _UP),
    Base("stretching a leg", "sport", (0.05, 0.2, 0.7), {
        "hip_flex_L": -8, "knee_L": 134, "foot_L": 30, "hip_flex_R": 2, "knee_R": 4, "hip_out": 2,
        "arm_flex_L": -30, "elbow_L": 22, "index_L": 50, "middle_L": 50, "ring_L": 50, "arm_out_R": 52}),
    Base("leg up", "sport", (0.1, 0.6, 0.9), {"hip_flex_L": 84, "knee_L": 92, "foot_L": 18, "hip_flex_R": 0,
         "knee_R": 3, "arm_flex_L": -18, "arm_flex_R": 34, "elbow_R": 60}),
    Base("balancing", "sport", (0.02, 0.2, 0.8), {"hip_flex_L": 12, "hip_out_L": 24, "knee_L": 30, "foot_L": 15,
         "hip_out_R": -2, "knee_R": 4, "lean": -8, "hip_flex_R": 0}, None, _OUT, _OUT),
)  # fmt: skip
BASES: Final[Mapping[str, Base]] = {base.name: base for base in LIBRARY}
