"""Kernels from angles to bones and back: turns of bones, arms and legs that reach a place, limbs that run into others.

All of them are compiled by numba and cached on disk. They are in one file because a cached kernel is not compiled
again when another file changes. Vectors are of the left side, in canon axes; the right side is the mirror image.
`rig.py` computes the arrays that they take; `vec` is that of `Rig`. A row of angles holds the trunk (13), then 21 of
the left side (arm from 0, leg from 14), then 21 of the right side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from repose.body.compiled import jit


@jit
def about(x: float, y: float, z: float, angle: float) -> Any:
    """(3, 3) rotation about a unit axis, radians."""
    c, s = np.cos(angle), np.sin(angle)
    k = 1 - c
    out = np.empty((3, 3))
    out[0, 0], out[0, 1], out[0, 2] = c + x * x * k, x * y * k - z * s, x * z * k + y * s
    out[1, 0], out[1, 1], out[1, 2] = y * x * k + z * s, c + y * y * k, y * z * k - x * s
    out[2, 0], out[2, 1], out[2, 2] = z * x * k - y * s, z * y * k + x * s, c + z * z * k
    return out


@jit
def _spin(axis: Any, angle: float) -> Any:
    return about(axis[0], axis[1], axis[2], angle)


@jit
def _mul(a: Any, b: Any) -> Any:
    out = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
    return out


@jit
def _apply(a: Any, v: Any) -> Any:
    out = np.empty(3)
    for i in range(3):
        out[i] = a[i, 0] * v[0] + a[i, 1] * v[1] + a[i, 2] * v[2]
    return out


@jit
def _cross(a: Any, b: Any) -> Any:
    out = np.empty(3)
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]
    return out


@jit
def _dot(a: Any, b: Any) -> float:
    return float(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


@jit
def _unit(a: Any) -> Any:
    return a / (np.sqrt(_dot(a, a)) + 1e-12)


@jit
def _between(a: Any, b: Any) -> Any:
    """The shortest rotation that takes unit vector a to b."""
    axis = _cross(a, b)
    sine = np.sqrt(_dot(axis, axis))
    return _spin(axis / (sine + 1e-12), np.arctan2(sine, _dot(a, b)))


@jit
def _clavicle(aim_z: float, shrug: float, collar: float) -> Any:
    """The collar bone takes a part of every high reach, or the shoulder folds in."""
    high = np.arccos(min(1.0, max(-1.0, -aim_z))) - 1.047
    return _mul(about(0.0, 1.0, 0.0, -max(high, 0.0) * 0.3 - shrug), about(0.0, 0.0, 1.0, -collar))


@jit
def _aim(flex: float, out: float) -> Any:
    """Direction of the left upper arm in chest axes."""
    return np.array([np.sin(out), -np.cos(out) * np.sin(flex), -np.cos(out) * np.cos(flex)])


@jit
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
    straight = about(0.0, 1.0, 0.0, vec[6, 1])
    thigh = _mul(about(1.0, 0.0, 0.0, -rad[at + 14]), about(0.0, 1.0, 0.0, -rad[at + 15]))
    out[to + 21] = _mul(_mul(thigh, about(0.0, 0.0, 1.0, rad[at + 16])), straight)
    out[to + 22] = _mul(_mul(straight.T, about(1.0, 0.0, 0.0, rad[at + 17])), straight)
    foot = _mul(about(1.0, 0.0, 0.0, rad[at + 18]), about(0.0, 1.0, 0.0, rad[at + 19]))
    out[to + 23] = _mul(straight.T, foot)


@jit
def zyx(z: float, y: float, x: float) -> Any:
    """(3, 3) turn about x, then y, then z, radians."""
    return _mul(_mul(about(0.0, 0.0, 1.0, z), about(0.0, 1.0, 0.0, y)), about(1.0, 0.0, 0.0, x))


@jit
def bone_turns(degrees: Any, vec: Any) -> Any:
    """(B, 3, 3) turns of `BONES` relative to their parents, from one pose."""
    rad = degrees * (np.pi / 180)
    out = np.zeros((58, 3, 3))
    out[0] = zyx(rad[2], rad[1], rad[0])
    waist = zyx(rad[4] / 3, rad[5] / 3, rad[3] / 3)
    chest = zyx(rad[7] / 2, rad[8] / 2, rad[6] / 2)
    for k in range(1, 4):
        out[k] = waist
    out[4] = chest
    out[5] = chest
    base = zyx(rad[11] / 4, rad[12] / 4, rad[9] / 2)
    top = zyx(rad[11] / 4, rad[12] / 4, rad[10] / 2)
    out[6], out[7], out[8], out[9] = base, base, top, top
    _side(rad, 13, vec, out, 10)
    _side(rad, 34, vec, out, 34)
    for k in range(34, 58):  # conjugation with diag(-1, 1, 1) turns the left side into the right one
        for j in (1, 2):
            out[k, 0, j] = -out[k, 0, j]
            out[k, j, 0] = -out[k, j, 0]
    return out


@jit
def forward(degrees: Any, vec: Any, pivots: Any, parents: Any, slot: Any) -> Any:
    """World turn (J, 3, 3) and pivot (J, 3) of every bone of the body."""
    local = bone_turns(degrees, vec)
    count = len(parents)
    turn = np.empty((count, 3, 3))
    place = np.empty((count, 3))
    for k in range(count):
        p = parents[k]
        if p < 0:
            turn[k] = local[slot[k]]
            place[k] = pivots[k]
            continue
        turn[k] = turn[p] if slot[k] < 0 else _mul(turn[p], local[slot[k]])
        place[k] = _apply(turn[p], pivots[k] - pivots[p]) + place[p]
    return turn, place


@jit
def solve_arm(degrees: Any, at: int, wrist: Any, pole: Any, hand: Any, vec: Any, arm: Any, limits: Any) -> None:
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


@jit
def solve_leg(degrees: Any, at: int, ankle: Any, yaw: float, lift: float, pelvis: Any, leg: Any, vec: Any) -> None:
    """Angles of a leg whose ankle is at `ankle` (own side to +x, hip pivot at the origin), sole level or heel lifted.

    pelvis: (3, 3) turn of the pelvis, for the own side. leg: pivots of hip, knee, ankle at rest.
    """
    grad = np.pi / 180
    straight = about(0.0, 1.0, 0.0, vec[6, 1])
    u, v = _apply(straight, leg[1] - leg[0]), _apply(straight, leg[2] - leg[1])
    d = _apply(pelvis.T, ankle)
    p, q = u[1] * v[1] + u[2] * v[2], u[2] * v[1] - u[1] * v[2]
    m = np.sqrt(p * p + q * q)
    want = (_dot(d, d) - _dot(u, u) - _dot(v, v)) / 2 - u[0] * v[0]
    knee = np.arctan2(q, p) + np.arccos(min(1.0, max(-1.0, want / m)))
    knee = min(150 * grad, max(0.0, knee))
    bend = about(1.0, 0.0, 0.0, knee)
    w = _apply(about(0.0, 0.0, 1.0, yaw), u + _apply(bend, v))
    m = np.sqrt(w[0] * w[0] + w[2] * w[2])
    out = -np.arccos(min(1.0, max(-1.0, d[0] / m))) - np.arctan2(w[2], w[0])
    out = (out + np.pi) % (2 * np.pi) - np.pi
    w = _apply(about(0.0, 1.0, 0.0, -out), w)
    flex = np.arctan2(w[2], w[1]) - np.arctan2(d[2], d[1])
    flex = (flex + np.pi) % (2 * np.pi) - np.pi
    thigh = _mul(about(1.0, 0.0, 0.0, -flex), about(0.0, 1.0, 0.0, -out))
    shin = _mul(_mul(pelvis, _mul(thigh, about(0.0, 0.0, 1.0, yaw))), bend)
    up = np.array([shin[2, 0], shin[2, 1], shin[2, 2]])
    side = np.arcsin(min(1.0, max(-1.0, up[0])))
    degrees[at + 14], degrees[at + 15], degrees[at + 16] = flex / grad, out / grad, yaw / grad
    degrees[at + 17] = knee / grad
    degrees[at + 18] = np.arctan2(-up[1], up[2]) / grad + lift
    degrees[at + 19] = side / grad


@jit
def _capsules(turn: Any, place: Any, bone: Any, offset: Any, radius: Any, girth: float) -> Any:
    """(K, 2, 3) ends of the capsules of a posed body."""
    out = np.empty((len(radius), 2, 3))
    for k in range(len(radius)):
        for e in range(2):
            b = bone[k, e]
            out[k, e] = _apply(turn[b], offset[k, e] * girth) + place[b]
    return out


@jit
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


@jit
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


@jit
def free_up(
    degrees: Any, vec: Any, pivots: Any, parents: Any, slot: Any, limbs: Any, bone: Any, offset: Any, radius: Any,
    pairs: Any, girth: float, allowed: float, steps: int, limits: Any,
) -> float:  # fmt: skip
    """Move limbs out of the body until no pair is deeper than `allowed`; returns the depth that is left."""
    depth = 0.0
    for step in range(steps + 1):
        turn, place = forward(degrees, vec, pivots, parents, slot)
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
        target = _apply(turn[chest].T, place[wrist] + move - place[chest]) + pivots[chest]
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
            arm[k] = _mirrored(pivots[limbs[7 + 4 * side + k]], sign)
        solve_arm(degrees, at, target, pole, hand, vec, arm, limits)
    return depth


@jit
def _mirrored(v: Any, sign: float) -> Any:
    out = v.copy()
    out[0] *= sign
    return out
