"""Refinement: the most likely body given the lifter's, and joints with known noise, by Gauss-Newton steps.

The change of a body has 97 numbers (`pose_space`): 53 degrees of freedom as rotation vectors at the lifter's turns, 40
coefficients, 4 of the camera. Its prior is a Gaussian: the covariance of the lifter's own errors. Minimised is

    change' P change + sum over joints of rho(|seen - drawn|^2 / noise^2),

P the inverse covariance and rho the identity first, then Cauchy's (robust to joints of somebody else). The derivatives
are analytic: a turn of a bone moves what hangs on it about its pivot. Everything is in the box of the joints
(`lifter.Box`): its centre is 0, the longer of its sides 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.compiled import jit
from repose.body.pose_space import (
    BONE_COUNT,
    COEFFICIENTS,
    FREEDOM_COUNT,
    JOINT_COUNT,
    SHAPE,
    STATE,
    TURN_COUNT,
    VIEW,
    Doubles,
    posed_bones,
    right_jacobian,
    shaped,
    skeleton,
    turned,
)

STEPS: Final = 4
ROBUST: Final = 3.0  # deviations from where on a joint counts less and less
_SHORTEST, _LONGEST = np.log(0.8), np.log(40.0)  # metres to the camera
_NEAREST: Final = 0.2


@dataclass(frozen=True)
class View:
    """One skeleton and the body that was lifted from it, in its box.

    Attributes:
        turns: (23, 3, 3). coefficients: (40,). camera: (4,) as of `lifter.Lifted`.
        joints: (18, 2). located: (18,) bool. noise: (18,) standard deviation of each coordinate. offsets: (18, 3)
            metres, rest axes: where the detector has each joint, from where the skeleton has it.
        precision: (97, 97) inverse covariance of the errors of what was lifted.
    """

    turns: Doubles
    coefficients: Doubles
    camera: Doubles
    joints: Doubles
    located: NDArray[np.bool_]
    noise: Doubles
    offsets: Doubles
    precision: Doubles


@dataclass(frozen=True)
class Fitted:
    """A refined body.

    Attributes:
        turns, coefficients, camera: as of `View`, refined. change: (97,) from what was lifted.
        cost: what is minimised, at the end. joints: (18, 2) where the detector would have the joints now.
        spread: (18,) expected error of each joint in space, metres.
    """

    turns: Doubles
    coefficients: Doubles
    camera: Doubles
    change: Doubles
    cost: float
    joints: Doubles
    spread: Doubles


def refine(view: View, steps: int = STEPS) -> Fitted:
    """Refine one body. steps: of Gauss-Newton; 0 gives back what was lifted."""
    return refine_together([view], steps)[0]


def refine_together(views: Sequence[View], steps: int = STEPS) -> list[Fitted]:
    """Refine the bodies of several pictures of one person, who get one shape.

    The shape starts at the mean of those that were lifted, each pose at its own. Raises ValueError without views.
    """
    if not views:
        raise ValueError("refine_together needs at least one skeleton")
    mean = np.mean([view.coefficients for view in views], 0)
    changes = [np.zeros(STATE) for _ in views]
    for view, change in zip(views, changes, strict=True):
        change[SHAPE] = mean - view.coefficients
    cost = _cost(views, changes, robust=False)
    for step in range(steps):
        robust = step >= 2
        if step == 2:
            cost = _cost(views, changes, robust)
        moves = _moves(views, changes, robust)
        size = 1.0
        for _ in range(5):  # shorter, if a whole step overshoots
            tried = [change + size * move for change, move in zip(changes, moves, strict=True)]
            for view, change in zip(views, tried, strict=True):
                limit = np.clip(view.camera[3] + change[STATE - 1], _SHORTEST, _LONGEST)
                change[STATE - 1] = limit - view.camera[3]
            now = _cost(views, tried, robust)
            if now <= cost:
                changes, cost = tried, now
                break
            size /= 3
        else:
            break
    return [_fitted(view, change) for view, change in zip(views, changes, strict=True)]


def slopes(
    base: Doubles, change: Doubles, coefficients: Doubles, camera: Doubles, offsets: Doubles | None = None
) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Where the joints are after a change of a body, and how that changes with it.

    Args:
        base: (23, 3, 3), change: (97,), of which the degrees of freedom alone are applied here.
        coefficients: (40,), camera: (4,), after the change. offsets: as of `View`; 0 without.

    Returns:
        (18, 2) in the box; (18, 2, 97) its derivatives; (18, 3) metres; (18, 3, 97) its derivatives.
    """
    arrays = skeleton()
    pivots = shaped(arrays.pivots, arrays.pivots_basis, coefficients)
    rest = _rest(coefficients, offsets)
    turns = turned(base, change[:FREEDOM_COUNT], arrays.axes, arrays.start)
    space, space_slopes = _space_slopes(
        turns, change, pivots, arrays.pivots_basis, arrays.parents, arrays.turn_of, arrays.axes, arrays.start,
        arrays.point, arrays.bone, rest, arrays.share, arrays.place_basis,
    )  # fmt: skip
    flat, flat_slopes = _projected(space, space_slopes, camera)
    return flat, flat_slopes, space, space_slopes


def difference(
    turns: Doubles,
    coefficients: Doubles,
    camera: Doubles,
    to_turns: Doubles,
    to_coefficients: Doubles,
    to_camera: Doubles,
) -> Doubles:
    """(N, 97) the changes that take N bodies to others; all arguments as of `View`, with N in front."""
    arrays = skeleton()
    relative = np.swapaxes(turns, -1, -2) @ to_turns
    vectors = _rotation_vectors(relative)  # (N, 23, 3)
    out = np.empty((len(turns), STATE))
    for g in range(TURN_COUNT):
        first, last = arrays.start[g], arrays.start[g + 1]
        out[:, first:last] = vectors[:, g] @ arrays.axes[g, :, : last - first]
    out[:, SHAPE] = to_coefficients - coefficients
    out[:, VIEW] = to_camera - camera
    return out


def mirror_change(change: Doubles) -> Doubles:
    """The change (..., 97) of the mirror image; the freedoms of the sides are counted in mirrored axes already."""
    out = change.copy()
    side = (FREEDOM_COUNT - 15) // 2
    out[..., 15 : 15 + side], out[..., 15 + side : FREEDOM_COUNT] = (
        change[..., 15 + side : FREEDOM_COUNT],
        change[..., 15 : 15 + side],
    )
    out[..., :15] *= np.tile([1.0, -1, -1], 5)
    out[..., VIEW.start] *= -1
    return out


def _rotation_vectors(turns: Doubles) -> Doubles:
    """(..., 3) logarithms of rotations (..., 3, 3), radians."""
    sine = np.stack(
        [turns[..., 2, 1] - turns[..., 1, 2], turns[..., 0, 2] - turns[..., 2, 0], turns[..., 1, 0] - turns[..., 0, 1]],
        -1,
    ) / 2  # fmt: skip
    length = np.linalg.norm(sine, axis=-1)
    cosine = (np.trace(turns, axis1=-2, axis2=-1) - 1) / 2
    angle = np.arctan2(length, cosine)
    out: Doubles = sine * np.where(length > 1e-9, angle / np.maximum(length, 1e-9), 1.0)[..., None]
    return out


def _parts(view: View, change: Doubles) -> tuple[Doubles, Doubles]:
    return view.coefficients + change[SHAPE], view.camera + change[VIEW]


def _weights(view: View, flat: Doubles, robust: bool) -> tuple[Doubles, Doubles, float]:
    """Residuals (18, 2), their weights (18,) and their cost."""
    left = np.where(view.located[:, None], view.joints - flat, 0.0)
    weight = view.located / view.noise**2
    square = (left**2).sum(1) * weight
    if not robust:
        return left, weight, float(square.sum())
    cost = float((ROBUST**2 * np.log1p(square / ROBUST**2)).sum())
    return left, weight / (1 + square / ROBUST**2), cost


def _cost(views: Sequence[View], changes: Sequence[Doubles], robust: bool) -> float:
    total = 0.0
    for view, change in zip(views, changes, strict=True):
        coefficients, camera = _parts(view, change)
        flat = _flat(view.turns, change, coefficients, camera, view.offsets)
        total += _weights(view, flat, robust)[2] + float(change @ view.precision @ change)
    return total


def _rest(coefficients: Doubles, offsets: Doubles | None) -> Doubles:
    """(N, 3) the terms of the joints at rest (`Skeleton.place`)."""
    arrays = skeleton()
    rest: Doubles = shaped(arrays.place, arrays.place_basis, coefficients)
    if offsets is not None:
        own = arrays.point < JOINT_COUNT
        rest[own] += arrays.share[own, None] * offsets[arrays.point[own]]
    return rest


def _flat(
    base: Doubles, change: Doubles, coefficients: Doubles, camera: Doubles, offsets: Doubles | None = None
) -> Doubles:
    arrays = skeleton()
    pivots = shaped(arrays.pivots, arrays.pivots_basis, coefficients)
    rest = _rest(coefficients, offsets)
    turns = turned(base, change[:FREEDOM_COUNT], arrays.axes, arrays.start)
    turn, place = posed_bones(turns, pivots, arrays.parents, arrays.turn_of)
    out: Doubles = _drawn(turn, place, pivots, arrays.point, arrays.bone, rest, arrays.share, camera)
    return out


def _moves(views: Sequence[View], changes: Sequence[Doubles], robust: bool) -> list[Doubles]:
    """The Gauss-Newton step of every view; the coefficients move together."""
    if len(views) == 1:
        information, pull = _normal_equations(views[0], changes[0], robust)
        return [_solved(information, pull)]
    pose = np.array([*range(FREEDOM_COUNT), *range(FREEDOM_COUNT + COEFFICIENTS, STATE)])
    own = len(pose)
    size = COEFFICIENTS + own * len(views)
    matrix: Doubles = np.zeros((size, size))
    vector: Doubles = np.zeros(size)
    for k, (view, change) in enumerate(zip(views, changes, strict=True)):
        information, pull = _normal_equations(view, change, robust)
        at = np.arange(COEFFICIENTS + own * k, COEFFICIENTS + own * (k + 1))
        place = np.empty(STATE, np.int64)
        place[SHAPE], place[pose] = np.arange(COEFFICIENTS), at
        matrix[np.ix_(place, place)] += information
        vector[place] += pull
    step = _solved(matrix, vector)
    out = []
    for k in range(len(views)):
        move = np.empty(STATE)
        move[SHAPE], move[pose] = step[:COEFFICIENTS], step[COEFFICIENTS + own * k : COEFFICIENTS + own * (k + 1)]
        out.append(move)
    return out


def _solved(matrix: Doubles, vector: Doubles) -> Doubles:
    return np.linalg.solve(matrix, vector).astype(np.float64, copy=False)


def _normal_equations(view: View, change: Doubles, robust: bool) -> tuple[Doubles, Doubles]:
    """(97, 97) and (97,): the step is the solution."""
    coefficients, camera = _parts(view, change)
    flat, derivative, _, _ = slopes(view.turns, change, coefficients, camera, view.offsets)
    left, weight, _ = _weights(view, flat, robust)
    rows = derivative.reshape(-1, STATE)
    scaled = rows * np.repeat(weight, 2)[:, None]
    return view.precision + rows.T @ scaled, scaled.T @ left.reshape(-1) - view.precision @ change


def _fitted(view: View, change: Doubles) -> Fitted:
    arrays = skeleton()
    coefficients, camera = _parts(view, change)
    flat, derivative, _, space_derivative = slopes(view.turns, change, coefficients, camera, view.offsets)
    _, weight, cost = _weights(view, flat, robust=True)
    rows = derivative.reshape(-1, STATE)
    information = view.precision + rows.T @ (rows * np.repeat(weight, 2)[:, None])
    space = space_derivative.reshape(-1, STATE)
    variance = (space.T * np.linalg.solve(information, space.T)).sum(0).reshape(JOINT_COUNT, 3).sum(1)
    turns = turned(view.turns, change[:FREEDOM_COUNT], arrays.axes, arrays.start)
    cost += float(change @ view.precision @ change)
    return Fitted(turns, coefficients, camera, change, cost, flat, np.sqrt(np.maximum(variance, 0)))


@jit
def _drawn(turn: Any, place: Any, pivots: Any, point: Any, bone: Any, rest: Any, share: Any, camera: Any) -> Any:
    """(18, 2) joints in the box."""
    space = np.zeros((18, 3))
    for t in range(len(point)):
        if point[t] < 18:
            b, s = bone[t], share[t]
            for i in range(3):
                total = s * place[b, i]
                for j in range(3):
                    total += turn[b, i, j] * (rest[t, j] - s * pivots[b, j])
                space[point[t], i] += total
    out = np.empty((18, 2))
    scale, inverse = np.exp(camera[2]), np.exp(-camera[3])
    for k in range(18):
        factor = scale / max(1 - space[k, 2] * inverse, 0.2)
        out[k, 0] = camera[0] + factor * space[k, 0]
        out[k, 1] = camera[1] - factor * space[k, 1]
    return out


@jit
def _space_slopes(
    turns: Any, change: Any, pivots: Any, pivots_basis: Any, parents: Any, turn_of: Any, axes: Any, start: Any,
    point: Any, bone: Any, rest: Any, share: Any, place_basis: Any,
) -> Any:  # fmt: skip
    """Joints (18, 3), metres, and their derivatives (18, 3, 97); `turns` are those after the change."""
    bones, freedoms, shapes = len(parents), start[-1], len(pivots_basis)
    turn, place = posed_bones(turns, pivots, parents, turn_of)
    part, mass = np.zeros((bones, 18, 3)), np.zeros((bones, 18))
    for t in range(len(point)):
        if point[t] >= 18:
            continue
        b, s = bone[t], share[t]
        mass[b, point[t]] += s
        for i in range(3):
            total = s * place[b, i]
            for j in range(3):
                total += turn[b, i, j] * (rest[t, j] - s * pivots[b, j])
            part[b, point[t], i] += total
    for b in range(bones - 1, 0, -1):  # what hangs on a bone, its children's with it
        p = parents[b]
        for k in range(18):
            mass[p, k] += mass[b, k]
            for i in range(3):
                part[p, k, i] += part[b, k, i]
    out = np.zeros((18, 3, freedoms + shapes + 4))
    for b in range(bones):
        g = turn_of[b]
        count = start[g + 1] - start[g]
        v = np.zeros(3)
        for k in range(count):
            for i in range(3):
                v[i] += axes[g, i, k] * change[start[g] + k]
        inner = right_jacobian(v[0], v[1], v[2])
        for k in range(count):
            own, axis = np.zeros(3), np.zeros(3)
            for i in range(3):
                for j in range(3):
                    own[i] += inner[i, j] * axes[g, j, k]
            for i in range(3):
                for j in range(3):
                    axis[i] += turn[b, i, j] * own[j]
            at = start[g] + k
            for n in range(18):
                x = part[b, n, 0] - mass[b, n] * place[b, 0]
                y = part[b, n, 1] - mass[b, n] * place[b, 1]
                z = part[b, n, 2] - mass[b, n] * place[b, 2]
                out[n, 0, at] += axis[1] * z - axis[2] * y
                out[n, 1, at] += axis[2] * x - axis[0] * z
                out[n, 2, at] += axis[0] * y - axis[1] * x
    moved = np.zeros((bones, 3))
    for c in range(shapes):
        at = freedoms + c
        for b in range(1, bones):
            p = parents[b]
            for i in range(3):
                moved[b, i] = moved[p, i]
                for j in range(3):
                    moved[b, i] += turn[p, i, j] * (pivots_basis[c, b, j] - pivots_basis[c, p, j])
        for t in range(len(point)):
            if point[t] >= 18:
                continue
            b, s = bone[t], share[t]
            for i in range(3):
                total = s * moved[b, i]
                for j in range(3):
                    total += turn[b, i, j] * (place_basis[c, t, j] - s * pivots_basis[c, b, j])
                out[point[t], i, at] += total
    return part[0].copy(), out


@jit
def _projected(space: Any, space_slopes: Any, camera: Any) -> Any:
    """Joints in the box (18, 2) and their derivatives (18, 2, 97)."""
    size = space_slopes.shape[2]
    flat, out = np.empty((18, 2)), np.zeros((18, 2, size))
    scale, inverse = np.exp(camera[2]), np.exp(-camera[3])
    for k in range(18):
        x, y, z = space[k, 0], space[k, 1], space[k, 2]
        near = 1 - z * inverse
        inside = near > 0.2
        near = max(near, 0.2)
        factor = scale / near
        slope = factor / near * inverse if inside else 0.0
        flat[k, 0], flat[k, 1] = camera[0] + factor * x, camera[1] - factor * y
        for n in range(size - 4):
            deep = slope * space_slopes[k, 2, n]
            out[k, 0, n] = factor * space_slopes[k, 0, n] + deep * x
            out[k, 1, n] = -factor * space_slopes[k, 1, n] - deep * y
        out[k, 0, size - 4], out[k, 1, size - 3] = 1.0, 1.0
        out[k, 0, size - 2], out[k, 1, size - 2] = factor * x, -factor * y
        # d factor / d log distance = -factor z / (distance near)
        bend = -slope * z
        out[k, 0, size - 1], out[k, 1, size - 1] = bend * x, -bend * y
    return flat, out


__all__ = ["BONE_COUNT", "JOINT_COUNT", "Fitted", "View", "difference", "refine", "refine_together", "slopes"]
