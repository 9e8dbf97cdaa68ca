"""Poses: named base poses, random ones around them, joint limits, and the bone rotations they stand for.

A pose is one row of degrees, in the order of `ANGLES`. Left and right are the person's.

The library says where feet stand and what hands touch; the angles are solved for (two-bone inverse kinematics), so
that feet stay on the ground and hands on hips however the rest of the pose is varied. `free` and `repair` find and
undo limbs that run through the body, which they know as capsules round the bones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .body import Body, Floats, Shape, load_body

# name: (at rest, spread of the random part, lowest, highest), degrees.
_TRUNK: Final = {
    "pelvis_tilt": (0, 2, -30, 90),  # forwards
    "pelvis_lean": (0, 1.5, -30, 30),  # to the person's left
    "pelvis_yaw": (0, 3, -40, 40),  # front turned to the person's left
    "bend": (1, 3, -20, 50),  # the waist: forwards
    "twist": (0, 4, -30, 30),  # to the person's left
    "lean": (0, 2, -25, 25),  # to the person's left
    "chest_bend": (1, 2.5, -20, 35),
    "chest_twist": (0, 3, -25, 25),
    "chest_lean": (0, 1.5, -15, 15),
    "neck": (2, 4, -25, 40),  # forwards
    "nod": (2, 5, -30, 35),  # chin down
    "turn": (0, 13, -70, 70),  # face to the person's left
    "tilt": (0, 4, -30, 30),
}
_LIMBS: Final = {
    "shrug": (0, 2, -8, 30),  # shoulder up
    "collar": (0, 3, -20, 30),  # shoulder forwards
    "arm_flex": (0, 8, -65, 180),  # upper arm forwards and up
    "arm_out": (10, 4, -50, 175),  # upper arm away from the side
    "arm_twist": (8, 8, -120, 110),  # forearm turned inwards
    "elbow": (20, 8, 2, 150),
    "roll": (0, 10, -90, 90),  # hand turned thumb inwards (pronation)
    "hand": (0, 7, -70, 75),  # towards the palm
    "hand_side": (0, 4, -40, 28),  # towards the thumb
    "thumb": (5, 6, -15, 55),
    "index": (13, 8, -20, 95),
    "middle": (18, 8, -20, 95),
    "ring": (21, 8, -20, 95),
    "little": (22, 9, -20, 95),
    "hip_flex": (0, 3, -30, 125),  # thigh forwards and up
    "hip_out": (2, 2, -25, 60),
    "hip_twist": (6, 4, -35, 60),  # toes outwards
    "knee": (5, 3, 0, 150),
    "foot": (0, 4, -35, 60),  # toes down
    "foot_side": (0, 2, -25, 25),  # sole outwards
    "spread": (4, 4, 0, 30),  # fingers apart; about 30 is how the mesh was made
}
ANGLES: Final = (*_TRUNK, *(f"{name}_{side}" for side in "LR" for name in _LIMBS))
_INDEX: Final = {name: k for k, name in enumerate(ANGLES)}
_TABLE: Final = np.array([*_TRUNK.values(), *_LIMBS.values(), *_LIMBS.values()], np.float32)
LIMITS: Final = _TABLE[:, 2:]
_TOLERANCE: Final = 0.015  # metres that limbs may be in each other: skin gives way
_T, _L = len(_TRUNK), len(_LIMBS)
_FLIPPED: Final = np.array(
    [_INDEX[n] for n in ("pelvis_lean", "pelvis_yaw", "twist", "lean", "chest_twist", "chest_lean", "turn", "tilt")]
)
# The kernels count on this order: trunk 0..12, left 13..33 (arm from 0, leg from 14), right 34..54.
_FINGERS: Final = ("thumb", "index", "middle", "ring", "little")

_BONES: Final = (
    "root", "spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "neck02", "neck03", "head",
    *(f"{name}.{side}" for side in "LR" for name in (
        "clavicle", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist",
        *(f"finger{k}-{j}" for k in range(1, 6) for j in range(1, 4)),
        "upperleg01", "lowerleg01", "foot")),
)  # fmt: skip

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


# --------------------------------------------------------------------------------------------------------------------
# What the library is written in


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


# --------------------------------------------------------------------------------------------------------------------
# Kinematics (numba). Vectors of the rig, left side, canon axes; the right side is the mirror image.

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


def _jit(function: _Kernel) -> _Kernel:
    return cast(_Kernel, njit(cache=True)(function))


@_jit
def _about(x: float, y: float, z: float, angle: float) -> Any:
    """(3, 3) rotation about a unit axis, radians."""
    c, s = np.cos(angle), np.sin(angle)
    k = 1 - c
    out = np.empty((3, 3))
    out[0, 0], out[0, 1], out[0, 2] = c + x * x * k, x * y * k - z * s, x * z * k + y * s
    out[1, 0], out[1, 1], out[1, 2] = y * x * k + z * s, c + y * y * k, y * z * k - x * s
    out[2, 0], out[2, 1], out[2, 2] = z * x * k - y * s, z * y * k + x * s, c + z * z * k
    return out


@_jit
def _spin(axis: Any, angle: float) -> Any:
    return _about(axis[0], axis[1], axis[2], angle)


@_jit
def _mul(a: Any, b: Any) -> Any:
    out = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
    return out


@_jit
def _apply(a: Any, v: Any) -> Any:
    out = np.empty(3)
    for i in range(3):
        out[i] = a[i, 0] * v[0] + a[i, 1] * v[1] + a[i, 2] * v[2]
    return out


@_jit
def _cross(a: Any, b: Any) -> Any:
    out = np.empty(3)
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]
    return out


@_jit
def _dot(a: Any, b: Any) -> float:
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


@_jit
def _unit(a: Any) -> Any:
    return a / (np.sqrt(_dot(a, a)) + 1e-12)


@_jit
def _between(a: Any, b: Any) -> Any:
    """The shortest rotation that takes unit vector a to b."""
    axis = _cross(a, b)
    sine = np.sqrt(_dot(axis, axis))
    return _spin(axis / (sine + 1e-12), np.arctan2(sine, _dot(a, b)))


@_jit
def _clavicle(aim_z: float, shrug: float, collar: float) -> Any:
    """The collar bone takes a part of every high reach, or the shoulder folds in."""
    high = np.arccos(min(1.0, max(-1.0, -aim_z))) - 1.047
    return _mul(_about(0.0, 1.0, 0.0, -max(high, 0.0) * 0.3 - shrug), _about(0.0, 0.0, 1.0, -collar))


@_jit
def _aim(flex: float, out: float) -> Any:
    """Direction of the left upper arm in chest axes."""
    return np.array([np.sin(out), -np.cos(out) * np.sin(flex), -np.cos(out) * np.cos(flex)])


@_jit
def _side(rad: Any, at: int, vec: Any, out: Any, to: int) -> None:
    """Turns of a left arm and leg from the angles of one side (radians), into out[to:]."""
    upper, lower, hinge, bent = vec[0], vec[1], vec[2], vec[6, 0]
    aim = _aim(rad[at + 2], rad[at + 3])
    clavicle = _clavicle(aim[2], rad[at], rad[at + 1])
    aim = _apply(clavicle.T, aim)  # wanted in chest axes, but the arm hangs on the collar bone
    half = rad[at + 4] / 2
    out[to] = clavicle
    out[to + 1] = _mul(_between(upper, aim), _spin(upper, half))
    out[to + 2] = _spin(upper, half)
    out[to + 3] = _spin(hinge, rad[at + 5] - bent)
    out[to + 4] = _spin(lower, 0.6 * rad[at + 6])
    turn = _mul(_spin(lower, 0.4 * rad[at + 6]), _spin(vec[3], rad[at + 7]))
    out[to + 5] = _mul(turn, _spin(vec[4], rad[at + 8]))
    for k in range(5):
        for j in range(3):
            share = (0.7 if j == 0 else 0.5) if k == 0 else (1.0 if j < 2 else 0.7)
            turn = _spin(vec[5] if k == 0 else vec[3], rad[at + 9 + k] * share)
            if k > 0 and j == 0:  # fingers closer together than the mesh has them
                fan = -1.0 if k == 1 else (-0.3 if k == 2 else (0.35 if k == 3 else 1.0))
                turn = _mul(_spin(vec[4], fan * (0.25 - 0.5 * rad[at + 20])), turn)
            out[to + 6 + 3 * k + j] = turn
    straight = _about(0.0, 1.0, 0.0, vec[6, 1])
    thigh = _mul(_about(1.0, 0.0, 0.0, -rad[at + 14]), _about(0.0, 1.0, 0.0, -rad[at + 15]))
    out[to + 21] = _mul(_mul(thigh, _about(0.0, 0.0, 1.0, rad[at + 16])), straight)
    out[to + 22] = _mul(_mul(straight.T, _about(1.0, 0.0, 0.0, rad[at + 17])), straight)
    foot = _mul(_about(1.0, 0.0, 0.0, rad[at + 18]), _about(0.0, 1.0, 0.0, rad[at + 19]))
    out[to + 23] = _mul(straight.T, foot)


@_jit
def _zyx(z: float, y: float, x: float) -> Any:
    return _mul(_mul(_about(0.0, 0.0, 1.0, z), _about(0.0, 1.0, 0.0, y)), _about(1.0, 0.0, 0.0, x))


@_jit
def _turns(degrees: Any, vec: Any) -> Any:
    """(B, 3, 3) turns of `_BONES` relative to their parents, from one pose."""
    rad = degrees * (np.pi / 180)
    out = np.zeros((58, 3, 3))
    out[0] = _zyx(rad[2], rad[1], rad[0])
    waist = _zyx(rad[4] / 3, rad[5] / 3, rad[3] / 3)
    chest = _zyx(rad[7] / 2, rad[8] / 2, rad[6] / 2)
    for k in range(1, 4):
        out[k] = waist
    out[4] = chest
    out[5] = chest
    base = _zyx(rad[11] / 4, rad[12] / 4, rad[9] / 2)
    top = _zyx(rad[11] / 4, rad[12] / 4, rad[10] / 2)
    out[6], out[7], out[8], out[9] = base, base, top, top
    _side(rad, 13, vec, out, 10)
    _side(rad, 34, vec, out, 34)
    for k in range(34, 58):  # conjugation with diag(-1, 1, 1) turns the left side into the right one
        for j in (1, 2):
            out[k, 0, j] = -out[k, 0, j]
            out[k, j, 0] = -out[k, j, 0]
    return out


@_jit
def _forward(degrees: Any, vec: Any, heads: Any, parents: Any, slot: Any) -> Any:
    """World turn (J, 3, 3) and pivot (J, 3) of every bone of the body."""
    local = _turns(degrees, vec)
    count = len(parents)
    turn = np.empty((count, 3, 3))
    place = np.empty((count, 3))
    for k in range(count):
        p = parents[k]
        if p < 0:
            turn[k] = local[slot[k]]
            place[k] = heads[k]
            continue
        turn[k] = turn[p] if slot[k] < 0 else _mul(turn[p], local[slot[k]])
        place[k] = _apply(turn[p], heads[k] - heads[p]) + place[p]
    return turn, place


@_jit
def _solve_arm(degrees: Any, at: int, wrist: Any, pole: Any, hand: Any, vec: Any, arm: Any, limits: Any) -> None:
    """Angles of an arm whose wrist is at `wrist` (chest axes, own side to +x), elbow towards `pole`.

    arm: pivots of clavicle, upper arm, lower arm, wrist at rest. hand: fingers and palm directions in chest axes, zeros
    to leave the wrist as it is. Writes into degrees[at:], within the limits.
    """
    shoulder0 = arm[1] - arm[0]
    a = np.sqrt(_dot(arm[2] - arm[1], arm[2] - arm[1]))
    b = np.sqrt(_dot(arm[3] - arm[2], arm[3] - arm[2]))
    grad = np.pi / 180
    shrug, collar = degrees[at] * grad, degrees[at + 1] * grad
    aim = _aim(degrees[at + 2] * grad, degrees[at + 3] * grad)
    clavicle = _clavicle(aim[2], shrug, collar)
    elbow, ahead = 0.0, aim
    for _ in range(4):
        clavicle = _clavicle(aim[2], shrug, collar)
        d = wrist - (arm[0] + _apply(clavicle, shoulder0))
        length = np.sqrt(_dot(d, d))
        reach = min(max(length, abs(a - b) + 0.02), (a + b) * 0.9995)
        unit = d / (length + 1e-9)
        elbow = np.arccos(min(1.0, max(-1.0, (reach * reach - a * a - b * b) / (2 * a * b))))
        elbow = min(elbow, limits[at + 5, 1] * grad)
        side = _unit(pole - unit * _dot(pole, unit))
        # the corner at the shoulder
        c = min(1.0, max(-1.0, (a + b * np.cos(elbow)) / (np.sqrt(a * a + b * b + 2 * a * b * np.cos(elbow)) + 1e-9)))
        aim = unit * c + side * np.sqrt(max(0.0, 1 - c * c))
        ahead = _unit(unit * reach - aim * a)
    out = np.arcsin(min(1.0, max(-1.0, aim[0])))
    flex = np.arctan2(-aim[1], -aim[2])
    if flex > 2.6 or flex < -1.13:  # arms up: swung up at the side rather than in front
        flex = flex - np.pi if flex > 0 else flex + np.pi
        out = np.pi - out
    degrees[at + 2], degrees[at + 3], degrees[at + 5] = flex / grad, out / grad, elbow / grad
    base = _between(vec[0], _apply(clavicle.T, aim))
    plain = _apply(clavicle, _apply(base, _apply(_spin(vec[2], elbow - vec[6, 0]), vec[1])))
    want = ahead - aim * _dot(ahead, aim)
    have = plain - aim * _dot(plain, aim)
    degrees[at + 4] = np.arctan2(_dot(_cross(have, want), aim), _dot(have, want)) / grad
    for k in range(2, 6):
        degrees[at + k] = min(limits[at + k, 1], max(limits[at + k, 0], degrees[at + k]))
    if _dot(hand[0], hand[0]) < 1e-6:
        return
    # The turn of the forearm as it came out, and the hand relative to it.
    rad = degrees * grad
    clavicle = _clavicle(_aim(rad[at + 2], rad[at + 3])[2], shrug, collar)
    base = _mul(clavicle, _between(vec[0], _apply(clavicle.T, _aim(rad[at + 2], rad[at + 3]))))
    fore = _mul(_mul(base, _spin(vec[0], rad[at + 4])), _spin(vec[2], rad[at + 5] - vec[6, 0]))
    fingers = _unit(_apply(fore.T, hand[0]))
    palm = _apply(fore.T, hand[1])
    palm = _unit(palm - fingers * _dot(palm, fingers))
    # rest hand in the basis: along the forearm, across (curl axis), out of the palm
    along, across, normal = vec[1], vec[3], vec[4]
    f0 = _unit(vec[7])
    n0 = _unit(normal - f0 * _dot(normal, f0))
    x0, x1 = _cross(n0, f0), _cross(palm, fingers)
    q = np.empty((3, 3))
    basis = np.empty((3, 3))
    basis[:, 0], basis[:, 1], basis[:, 2] = along, across, -normal  # right-handed
    for i in range(3):
        for j in range(3):
            q[i, j] = fingers[i] * f0[j] + palm[i] * n0[j] + x1[i] * x0[j]
    m = _mul(_mul(basis.T, q), basis)  # = Rx(roll) Ry(hand) Rz(-side)
    degrees[at + 7] = np.arcsin(min(1.0, max(-1.0, m[0, 2]))) / grad
    degrees[at + 6] = np.arctan2(-m[1, 2], m[2, 2]) / grad
    degrees[at + 8] = np.arctan2(m[0, 1], m[0, 0]) / grad
    for k in range(6, 9):
        degrees[at + k] = min(limits[at + k, 1], max(limits[at + k, 0], degrees[at + k]))


@_jit
def _solve_leg(degrees: Any, at: int, ankle: Any, yaw: float, lift: float, pelvis: Any, leg: Any, vec: Any) -> None:
    """Angles of a leg whose ankle is at `ankle` (own side to +x, hip pivot at the origin), sole level or heel lifted.

    pelvis: (3, 3) turn of the pelvis, for the own side. leg: pivots of hip, knee, ankle at rest.
    """
    grad = np.pi / 180
    straight = _about(0.0, 1.0, 0.0, vec[6, 1])
    u, v = _apply(straight, leg[1] - leg[0]), _apply(straight, leg[2] - leg[1])
    d = _apply(pelvis.T, ankle)
    p, q = u[1] * v[1] + u[2] * v[2], u[2] * v[1] - u[1] * v[2]
    m = np.sqrt(p * p + q * q)
    want = (_dot(d, d) - _dot(u, u) - _dot(v, v)) / 2 - u[0] * v[0]
    knee = np.arctan2(q, p) + np.arccos(min(1.0, max(-1.0, want / m)))
    knee = min(150 * grad, max(0.0, knee))
    bend = _about(1.0, 0.0, 0.0, knee)
    w = _apply(_about(0.0, 0.0, 1.0, yaw), u + _apply(bend, v))
    m = np.sqrt(w[0] * w[0] + w[2] * w[2])
    out = -np.arccos(min(1.0, max(-1.0, d[0] / m))) - np.arctan2(w[2], w[0])
    out = (out + np.pi) % (2 * np.pi) - np.pi
    w = _apply(_about(0.0, 1.0, 0.0, -out), w)
    flex = np.arctan2(w[2], w[1]) - np.arctan2(d[2], d[1])
    flex = (flex + np.pi) % (2 * np.pi) - np.pi
    thigh = _mul(_about(1.0, 0.0, 0.0, -flex), _about(0.0, 1.0, 0.0, -out))
    shin = _mul(_mul(pelvis, _mul(thigh, _about(0.0, 0.0, 1.0, yaw))), bend)
    up = np.array([shin[2, 0], shin[2, 1], shin[2, 2]])
    side = np.arcsin(min(1.0, max(-1.0, up[0])))
    degrees[at + 14], degrees[at + 15], degrees[at + 16] = flex / grad, out / grad, yaw / grad
    degrees[at + 17] = knee / grad
    degrees[at + 18] = np.arctan2(-up[1], up[2]) / grad + lift
    degrees[at + 19] = side / grad


@_jit
def _capsules(turn: Any, place: Any, bone: Any, offset: Any, radius: Any, girth: float) -> Any:
    """(K, 2, 3) ends of the capsules of a posed body."""
    out = np.empty((len(radius), 2, 3))
    for k in range(len(radius)):
        for e in range(2):
            b = bone[k, e]
            out[k, e] = _apply(turn[b], offset[k, e] * girth) + place[b]
    return out


@_jit
def _closest(p: Any, q: Any) -> Any:
    """Nearest points of two segments (2, 3): their difference q - p and the places along both, 0..1."""
    d1, d2, r = p[1] - p[0], q[1] - q[0], p[0] - q[0]
    a, e, f = _dot(d1, d1) + 1e-12, _dot(d2, d2) + 1e-12, _dot(d2, r)
    c, b = _dot(d1, r), _dot(d1, d2)
    det = a * e - b * b
    s = min(1.0, max(0.0, (b * f - c * e) / det)) if det > 1e-12 else 0.0
    t = (b * s + f) / e
    if t < 0:
        t, s = 0.0, min(1.0, max(0.0, -c / a))
    elif t > 1:
        t, s = 1.0, min(1.0, max(0.0, (b - c) / a))
    return q[0] + d2 * t - p[0] - d1 * s, s, t


@_jit
def _worst(ends: Any, radius: Any, pairs: Any, girth: float) -> Any:
    """Deepest pair of capsules: depth (metres), row of `pairs`, unit direction that frees its first capsule."""
    best, row = -1.0, 0
    away = np.zeros(3)
    for k in range(len(pairs)):
        i, j = int(pairs[k, 0]), int(pairs[k, 1])
        gap, _, _ = _closest(ends[i], ends[j])
        length = np.sqrt(_dot(gap, gap))
        depth = (radius[i] + radius[j]) * girth - length - pairs[k, 2]
        if depth > best:
            best, row = depth, k
            away = -gap / (length + 1e-9)
    return best, row, away


@_jit
def _free_up(
    degrees: Any, vec: Any, heads: Any, parents: Any, slot: Any, limbs: Any, bone: Any, offset: Any, radius: Any,
    pairs: Any, girth: float, allowed: float, steps: int, limits: Any,
) -> float:  # fmt: skip
    """Move limbs out of the body until no pair is deeper than `allowed`; returns the depth that is left."""
    depth = 0.0
    for step in range(steps + 1):
        turn, place = _forward(degrees, vec, heads, parents, slot)
        ends = _capsules(turn, place, bone, offset, radius, girth)
        depth, row, away = _worst(ends, radius, pairs, girth)
        if depth <= allowed or step == steps:
            break
        side, what = int(pairs[row, 3]), int(pairs[row, 4])  # 0 left, 1 right; 0 forearm or hand, 1 upper arm, 2 leg
        at = 13 + 21 * side
        sign = 1.0 if side == 0 else -1.0
        if what == 2:
            for other in (13, 34):
                degrees[other + 15] = min(limits[other + 15, 1], degrees[other + 15] + max(1.0, depth * 60))
            continue
        if what == 1:
            degrees[at + 3] = min(limits[at + 3, 1], degrees[at + 3] + max(1.5, depth * 300))
            continue
        chest, wrist, elbow = limbs[0], limbs[1 + side], limbs[3 + side]
        move = away * (depth + 0.003)
        target = _apply(turn[chest].T, place[wrist] + move - place[chest]) + heads[chest]
        middle = (place[wrist] + place[limbs[5 + side]]) / 2
        pole = _apply(turn[chest].T, place[elbow] + 0.5 * move - middle)
        target[0] *= sign
        pole[0] *= sign
        hand = np.zeros((2, 3))
        if step % 3 != 2:  # the hand keeps the way it looks, unless that does not help
            way = turn[chest].T
            hand[0] = _apply(way, _apply(turn[wrist], _mirrored(vec[7], sign)))
            hand[1] = _apply(way, _apply(turn[wrist], _mirrored(vec[4], sign)))
            hand[:, 0] *= sign
        arm = np.empty((4, 3))
        for k in range(4):
            arm[k] = _mirrored(heads[limbs[7 + 4 * side + k]], sign)
        _solve_arm(degrees, at, target, pole, hand, vec, arm, limits)
    return depth


@_jit
def _mirrored(v: Any, sign: float) -> Any:
    out = v.copy()
    out[0] *= sign
    return out


# --------------------------------------------------------------------------------------------------------------------
# The body as the kernels want it

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
class _Rig:
    """Arrays of one skeleton for the kernels."""

    vec: NDArray[np.float64]
    heads: NDArray[np.float64]
    parents: NDArray[np.int64]
    slot: NDArray[np.int64]
    limbs: NDArray[np.int64]
    bone: NDArray[np.int64]
    offset: NDArray[np.float64]
    radius: NDArray[np.float64]
    pairs: NDArray[np.float64]
    index: Mapping[str, int]

    def arm(self) -> NDArray[np.float64]:
        return self.heads[self.limbs[7:11]]

    def leg(self) -> NDArray[np.float64]:
        return self.heads[[self.index[n] for n in ("upperleg01.L", "lowerleg01.L", "foot.L")]]


@cache
def _rig(body: Body) -> _Rig:
    slot = np.array([_BONES.index(n) if n in _BONES else -1 for n in body.bones])
    names = ["spine01"] + [f"{n}.{s}" for n in ("wrist", "lowerarm01", "upperarm01") for s in "LR"]
    names += [f"{n}.{s}" for s in "LR" for n in ("clavicle", "upperarm01", "lowerarm01", "wrist")]
    heads = body.pivots.astype(np.float64)
    bones, offsets, radii = [], [], []
    for side, sign in (("", 1), (".L", 1), (".R", -1)):
        for a, p, b, q, radius in _LIMB if side else _TORSO:
            pair = [body.index[a + side], body.index[b + side]]
            bones.append(pair)
            offsets.append(np.array([p, q]) * [sign, 1, 1] - heads[pair])
            radii.append(radius)
    return _Rig(
        _rest_vectors(body), heads, np.array(body.parents), slot, np.array([body.index[n] for n in names]),
        np.array(bones), np.array(offsets), np.array(radii), _pairs(), body.index,
    )  # fmt: skip


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


def _rest_vectors(body: Body) -> NDArray[np.float64]:
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


# --------------------------------------------------------------------------------------------------------------------
# What the rest of the package uses


def rotations(body: Body, angles: Floats) -> dict[str, Floats]:
    """Bone turns of P poses.

    Args:
        body: the baked body (its mean rest pose is where the limbs start from).
        angles: (P, A) degrees.

    Returns:
        bone name -> (P, 3, 3) float32 for `Body.transforms`.
    """
    vec = _rig(body).vec
    turns = np.stack([_turns(row.astype(np.float64), vec) for row in angles]).astype(np.float32)
    return {name: turns[:, k] for k, name in enumerate(_BONES)}


def mirror(angles: Floats) -> Floats:
    """The same pose seen in a mirror: left and right change places, sideways turns change sign."""
    out = angles.copy()
    out[_T : _T + _L], out[_T + _L :] = angles[_T + _L :], angles[_T : _T + _L]
    out[_FLIPPED] *= -1
    return out


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
    return _rounded(out)


def _freed(
    body: Body, angles: NDArray[np.float64], shape: Shape | None, girth: float, allowed: float, steps: int
) -> float:
    rig = _rig(body)
    heads = rig.heads if shape is None else shape.heads.astype(np.float64)
    depth = _free_up(
        angles, rig.vec, heads, rig.parents, rig.slot, rig.limbs, rig.bone, rig.offset, rig.radius, rig.pairs,
        girth, allowed, steps, LIMITS.astype(np.float64),
    )  # fmt: skip
    return float(max(depth, 0.0))


def _rounded(angles: NDArray[np.float64]) -> Floats:
    """Within the limits and to a 64th of a degree, so that the last bits of a sine do not matter."""
    out: Floats = np.clip(np.round(angles * 64) / 64, LIMITS[:, 0], LIMITS[:, 1]).astype(np.float32)
    return out


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
            _stand(_rig(body), angles, legs * (1 - share) + more * share)
        name = base.name if other is base else f"{base.name} + {other.name}"
    angles = np.clip(angles, LIMITS[:, 0], LIMITS[:, 1]).astype(np.float64)
    _freed(body, angles, None, girth, 0.012, 12)
    out = _rounded(angles)
    mirrored = bool(rng.random() < 0.5)
    return Pose(name, mirror(out) if mirrored else out, base.seat, mirrored)


def base_pose(body: Body, name: str) -> Pose:
    """A pose of the library as it is, unvaried. Raises KeyError for a name it does not have."""
    base = LIBRARY[_NAMES[name]]
    angles = _solved(body, base, None, 0.0, None if base.legs is None else base.legs.row())
    _freed(body, angles, None, 1.0, 0.012, 12)
    return Pose(name, _rounded(angles), base.seat)


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
    rig = _rig(body)
    angles = _plain(base)
    if rng is not None:
        # Half of the spread of a joint is shared by left and right.
        noise = rng.standard_normal(len(angles))
        both = rng.standard_normal(_L)
        noise[_T:] = 0.8 * noise[_T:] + 0.6 * np.tile(both, 2)
        angles += amount * noise * _TABLE[:, 1]
        angles = np.clip(angles, LIMITS[:, 0], LIMITS[:, 1]).astype(np.float64)
    if legs is not None:
        _stand(rig, angles, legs)
    for side, arm in enumerate((base.left, base.right)):
        if arm is not None:
            _reach(rig, angles, side, arm, rng, amount)
    return angles


@cache
def _plain_of(name: str) -> NDArray[np.float64]:
    base = LIBRARY[_NAMES[name]]
    angles = _TABLE[:, 0].astype(np.float64)
    for key, value in base.angles.items():
        for full in (key,) if key in _INDEX else (f"{key}_L", f"{key}_R"):
            angles[_INDEX[full]] = value
    for side, arm in zip("LR", (base.left, base.right), strict=True):
        if arm is not None:
            for finger, value in zip(_FINGERS, HANDS[arm.hand], strict=True):
                angles[_INDEX[f"{finger}_{side}"]] = value
            if arm.hand in ("spread", "peace"):
                angles[_INDEX[f"spread_{side}"]] = 24
    return angles


def _plain(base: Base) -> NDArray[np.float64]:
    return _plain_of(base.name).copy()


def _stand(rig: _Rig, angles: NDArray[np.float64], row: NDArray[np.float64]) -> None:
    """Put the feet where `Legs.row` says; the pelvis gets as high as the knees allow."""
    rad = np.deg2rad(angles[:3])
    pelvis = _zyx(rad[2], rad[1], rad[0])
    leg = rig.leg()
    root = rig.heads[rig.index["root"]]
    straight = _about(0.0, 1.0, 0.0, rig.vec[6, 1])
    u, v = straight @ (leg[1] - leg[0]), straight @ (leg[2] - leg[1])
    reach = float(np.linalg.norm(u + _about(1.0, 0.0, 0.0, np.deg2rad(row[10])) @ v))
    feet, ground = [], -9.0
    for side, sign in enumerate((1, -1)):
        x, y, _, lift, height = row[5 * side : 5 * side + 5]
        hip = pelvis @ ((leg[0] - root) * [sign, 1, 1]) + root
        tilt = np.deg2rad(abs(lift))
        rise = (0.16 if lift > 0 else 0.04) * np.sin(tilt) + 0.075 * np.cos(tilt) + height
        dx, dy = sign * x - row[11] - hip[0], y - row[12] - 0.006 - hip[1]
        if height < 0.03:
            ground = max(ground, hip[2] - np.sqrt(max(reach**2 - dx**2 - dy**2, 0.01)) - rise)
        feet.append((dx, dy, rise - hip[2]))
    for side, sign in enumerate((1, -1)):
        dx, dy, rise = feet[side]
        yaw = np.deg2rad(row[5 * side + 2]) - sign * rad[2]
        turned = pelvis * np.outer([sign, 1, 1], [sign, 1, 1])
        _solve_leg(angles, _T + _L * side, np.array([sign * dx, dy, ground + rise]), yaw, row[5 * side + 3], turned,
                   leg, rig.vec)  # fmt: skip
        np.clip(angles, LIMITS[:, 0], LIMITS[:, 1], out=angles)


def _reach(
    rig: _Rig, angles: NDArray[np.float64], side: int, arm: Arm, rng: np.random.Generator | None, amount: float
) -> None:
    """Put a wrist where `Arm` says."""
    turn, place = _forward(angles, rig.vec, rig.heads, rig.parents, rig.slot)
    name = {"thigh": "upperleg01", "shin": "lowerleg01"}.get(arm.bone, arm.bone)
    bone = rig.index[name if name in rig.index else f"{name}.{'LR'[side]}"]
    chest = rig.index["spine01"]
    flip = np.array([1, 1, 1]) if side == 0 else np.array([-1, 1, 1])
    wrist, pole = np.array(arm.wrist), np.array(arm.pole)
    if rng is not None:
        wrist = wrist + amount * arm.loose * rng.standard_normal(3)
        pole = pole + amount * 0.12 * rng.standard_normal(3)
    world = turn[bone] @ (wrist * flip - rig.heads[bone]) + place[bone]
    target = (turn[chest].T @ (world - place[chest]) + rig.heads[chest]) * flip
    to_chest = turn[chest].T @ turn[bone]
    hand = np.stack([to_chest @ (np.array(d) * flip) * flip for d in (arm.fingers, arm.palm)])
    _solve_arm(angles, _T + _L * side, target, pole, hand, rig.vec, rig.arm(), LIMITS.astype(np.float64))


# --------------------------------------------------------------------------------------------------------------------
# The library. Arms are told for the arm's own side (x towards it), in canon metres.

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
_SHOE = Arm("shin", (0.19, -0.16, -0.58), (0.9, 0.5, 0), (-0.2, -0.1, -1), (-0.4, 0.9, 0), "cup", 0.02)
_SEAT = Arm("root", (0.26, 0.06, 0.06), (0.8, 0.7, 0), (0.35, -0.6, -0.6), (0, 0, -1), "flat", 0.02)
_PROP = Arm("root", (0.26, 0.26, 0.02), (0.5, 1, 0.3), (0.4, 0.7, -0.4), (0, 0.2, -1), "flat", 0.02)

_Spot = tuple[float, float, float, float, float]


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
_NAMES: Final = {base.name: k for k, base in enumerate(LIBRARY)}
_ODDS: Final = np.cumsum(np.array([base.odds for base in LIBRARY], np.float64), axis=0)
