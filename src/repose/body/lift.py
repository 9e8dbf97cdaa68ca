"""From the 18 joints of a picture to the body that stands there: `lift`, `lift_batch`, `fit`, `fit_together`.

The network proposes a body (`lifter`), refinement moves it onto the joints as far as their noise and the network's own
errors allow (`fit`). Where the names of the joints may be exchanged, left for right, each reading is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.body.fit import STEPS, Fitted, View, refine, refine_together
from repose.body.joint_noise import EXACT, FEWEST, JointNoise
from repose.body.lifter import READINGS, Lifter, box_of, decode, encode
from repose.body.pose_space import JOINT_COUNT, STATE, Doubles
from repose.body.posed_body import PosedBody
from repose.body.raster import raster
from repose.person import JOINTS, MIRROR
from repose.tensor_files import read_shipped

Array = Tensor | npt.NDArray[Any] | Sequence[Any]

NAME: Final = "body-lifter"
_FAR: Final = 8.0  # a joint this many times the median distance from the median of all is of something else
_DOUBT: Final = 0.03  # a reading that the network finds less likely is not tried
_FITS: Final = 8.0  # names whose body fits at this cost are not doubted
_COST: Final = 0.2  # of a fit, in the logarithm of the odds: less than 0.5, for errors of joints are not Gaussian
_RARE: Final = -2.4  # logarithm of how much rarer names are exchanged than they were in training
_BLURRED: Final = -20.0
"""Added for left and right with joints that are not exact: a wrong exchange is worse than a missed one."""

_LEGS: Final = [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 8, 9, 10, 14, 15, 16, 17]
_ORDERS: Final = (list(range(JOINT_COUNT)), list(MIRROR), _LEGS)  # of the joints, by reading
_MOST_SHAPE: Final = 4.0  # standard deviations
_CLASSES: Final = 8  # of noise, between exact joints and the detector's


class LiftError(ValueError):
    """A skeleton that says too little of a body: fewer than 5 located joints, or all of them in one place."""


@dataclass(frozen=True, eq=False)
class LifterWeights:
    """What a file of weights holds.

    Attributes:
        net: the network. noise: of the detector that it was trained for, MoveNet.
        exact, noisy: (97, 97) covariances of the network's errors with exact joints and with the detector's.
        level: mean deviation of the detector's joints, in sides of the box.
    """

    net: Lifter
    noise: JointNoise
    exact: Doubles
    noisy: Doubles
    level: float


@cache
def load_lifter(path: Path | None = None) -> LifterWeights:
    """The weights of a file, or those that came with this installation.

    Raises:
        FileNotFoundError: they are not there. CheckpointError: the file is damaged, or of something else.
    """
    path, tensors, facts = read_shipped(NAME, "lifter", path)
    net = Lifter(int(facts["width"]), int(facts["blocks"]))
    net.load_state_dict({name[4:]: value.float() for name, value in tensors.items() if name.startswith("net.")})
    by_score, unknown, offsets = (
        tensors[f"noise.{name}"].double().numpy() for name in ("by_score", "unknown", "offsets")
    )
    exact, noisy = (tensors[f"covariance.{name}"].double().numpy() for name in ("exact", "noisy"))
    return LifterWeights(net.eval(), JointNoise(by_score, unknown, offsets), exact, noisy, float(unknown.mean()))


def lift(
    keypoints: Array,
    scores: Array | None = None,
    noise: Array | float | None = None,
    steps: int = STEPS,
    weights: LifterWeights | None = None,
) -> PosedBody:
    """The body of a skeleton.

    Args:
        keypoints: (18, 3) as in `repose.person`: x, y in pixels, visible (0: missing). Places may lie outside the
            picture. A coordinate that is not finite makes a joint missing, and so does a place far from all others.
        scores: (18,) the detector's score of each joint, 0 to 1. Without, each joint gets its mean noise.
        noise: standard deviation of the coordinates in place of the detector's, in sides of the box around the joints:
            a number or (18,). `joint_noise.EXACT`, 0.002, for joints that were rendered. The joints are then taken to
            be where the skeleton of the body has them, and not where the detector does.
        steps: of refinement; 0 gives what the network says.
        weights: of `load_lifter`; the shipped ones without.

    Raises:
        ValueError: wrong shapes. LiftError, which is one: fewer than 5 located joints, or all of them in one place; the
            text names them.
        FileNotFoundError: the shipped weights are missing.
    """
    points = _array(keypoints)
    if points.shape != (JOINT_COUNT, 3):
        hint = "; lift_batch takes a batch" if points.ndim == 3 else ""
        raise ValueError(f"lift: keypoints (18, 3) are wanted, got {points.shape}{hint}")
    return _lifted(_given(points[None], scores, noise, weights, "this skeleton"), steps)[0]


def lift_batch(
    keypoints: Array,
    scores: Array | None = None,
    noise: Array | float | None = None,
    steps: int = STEPS,
    weights: LifterWeights | None = None,
) -> list[PosedBody]:
    """The bodies of skeletons (B, 18, 3); scores and noise (B, 18) or for all. Else as `lift`, and faster."""
    return _lifted(_given(_array(keypoints), scores, noise, weights), steps)


def fit_together(
    keypoints: Array,
    scores: Array | None = None,
    noise: Array | float | None = None,
    steps: int = STEPS,
    weights: LifterWeights | None = None,
) -> list[PosedBody]:
    """The bodies of one person in several pictures, who have one shape.

    Arguments, shapes (B, 18, ...), and errors as of `lift`.
    """
    given = _given(_array(keypoints), scores, noise, weights)
    chosen = _choices(given, steps)
    fitted = refine_together([choice.view for choice in chosen], steps)
    return [_posed(given, k, choice, one) for k, (choice, one) in enumerate(zip(chosen, fitted, strict=True))]


def fit(
    body: PosedBody,
    keypoints: Array,
    scores: Array | None = None,
    noise: Array | float | None = None,
    steps: int = STEPS,
    weights: LifterWeights | None = None,
) -> PosedBody:
    """A body moved onto the joints of one skeleton, from where it is: its errors are taken to be those of a lifted one.

    `body` may be that of the picture before in a video. Other arguments and errors as of `lift`; the names are taken as
    they are.
    """
    given = _given(_array(keypoints)[None], scores, noise, weights, "this skeleton")
    x, y, scale, distance = body.camera
    side = given.side[0]
    camera = np.array([(x - given.centre[0, 0]) / side, (y - given.centre[0, 1]) / side, np.log(scale / side), 0.0])
    camera[3] = np.log(distance)
    view = View(
        body.turns,
        body.coefficients,
        camera,
        given.joints[0],
        given.located[0],
        (3 + _blur(given, 0)) / 2 * given.noise[0],
        given.offsets,
        _precision(given, 0),
    )
    fitted = refine(view, steps)
    return _posed(given, 0, _Choice(view, 0, 1.0, fitted), fitted)


def body_iuv(keypoints: Array, height: int, width: int, **options: Any) -> Tensor:
    """The naked body of a skeleton as `Person.iuv`: float32 (3, height, width), part 0 to 24, u and v in [0, 1].

    Args:
        keypoints: (18, 3), pixels of a picture of this height and width; options: of `lift`. A batch (B, 18, 3) gives
            (B, 3, height, width).

    Raises:
        ValueError: as `lift`.
    """
    array = _array(keypoints)
    bodies = lift_batch(array[None] if array.ndim == 2 else array, **options)
    maps = torch.stack([torch.from_numpy(raster(body, height, width).iuv) for body in bodies])
    return maps[0] if array.ndim == 2 else maps


# -- inside -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Given:
    """Checked skeletons in their boxes, and what the network says of them."""

    joints: Doubles  # (B, 18, 2) in the box
    located: npt.NDArray[np.bool_]  # (B, 18)
    noise: Doubles  # (B, 18)
    offsets: Doubles  # (18, 3)
    centre: Doubles  # (B, 2) pixels
    side: Doubles  # (B,)
    said: Sequence[Doubles]  # turns, coefficients, camera of the names as they are
    chance: Doubles  # (B, 3) of each reading
    weights: LifterWeights


@dataclass(frozen=True)
class _Choice:
    """One reading of a skeleton, the body lifted from it, and how likely it is."""

    view: View
    reading: int
    sure: float
    fitted: Fitted


def _array(values: Array) -> Doubles:
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values, np.float64)


def _given(
    points: Doubles,
    scores: Array | None,
    noise: Array | float | None,
    weights: LifterWeights | None,
    which: str = "skeleton {}",
) -> _Given:
    weights = weights or load_lifter()
    if points.ndim != 3 or points.shape[1:] != (JOINT_COUNT, 3) or not len(points):
        raise ValueError(f"lift: keypoints (B, 18, 3) are wanted, got {points.shape}")
    joints = points[..., :2]
    located = (points[..., 2] > 0) & np.isfinite(points).all(-1)
    joints = np.where(located[..., None], joints, 0.0)
    located &= ~_strays(joints, located)
    for k, own in enumerate(located):
        _check(joints[k], own, which.format(k))
    level = _noise(scores, noise, located.shape, weights)
    box = box_of(torch.from_numpy(joints), torch.from_numpy(located))
    centre, side = box.centre.numpy(), box.side.numpy()[:, 0]
    inside = np.where(located[..., None], (joints - centre[:, None]) / side[:, None, None], 0.0)
    *said, chance = _ask(weights, inside, located, level)
    offsets = weights.noise.offsets if noise is None else np.zeros((JOINT_COUNT, 3))
    return _Given(inside, located, level, offsets, centre, side, said, chance, weights)


def _ask(
    weights: LifterWeights, joints: Doubles, located: npt.NDArray[np.bool_], noise: Doubles
) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Turns, coefficients, camera and the chance of each reading, of skeletons in their boxes."""
    x = encode(torch.from_numpy(joints).float(), torch.from_numpy(located), torch.from_numpy(noise).float())
    with torch.inference_mode():
        said = decode(weights.net.both(x))
        chance = torch.softmax(said.readings.double(), 1)
    turns, coefficients, camera = (v.double().numpy() for v in (said.turns, said.coefficients, said.camera))
    return turns, coefficients, camera, chance.numpy()


def _strays(joints: Doubles, located: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(B, 18): joints far from all others."""
    out = np.zeros_like(located)
    for k, own in enumerate(located):
        if own.sum() < FEWEST:
            continue
        away = np.linalg.norm(joints[k] - np.median(joints[k][own], 0), axis=1)
        out[k] = own & (away > _FAR * max(float(np.median(away[own])), 1e-6))
        if (own & ~out[k]).sum() < FEWEST:
            out[k] = False
    return out


def _check(joints: Doubles, located: npt.NDArray[np.bool_], which: str) -> None:
    """Raise `LiftError` for a skeleton that says too little."""
    names = [name.replace("_", " ") for name, on in zip(JOINTS, located, strict=True) if on]
    if len(names) < FEWEST:
        there = f"{len(names)} of 18 joints are located ({', '.join(names)})" if names else "no joint is located"
        raise LiftError(
            f"a body cannot be lifted from {which}: {there}, and at least {FEWEST} are needed. Give a skeleton with "
            "shoulders and hips, or with the head and the shoulders"
        )
    if np.ptp(joints[located], axis=0).max() < 1:
        raise LiftError(
            f"a body cannot be lifted from {which}: its {len(names)} joints all lie within one pixel, near "
            f"({joints[located][0, 0]:.0f}, {joints[located][0, 1]:.0f}). Give joints in pixels, not in shares of the "
            "picture"
        )


def _noise(
    scores: Array | None, noise: Array | float | None, shape: tuple[int, ...], weights: LifterWeights
) -> Doubles:
    """(B, 18) deviations in sides of the box."""
    if noise is not None:
        level = np.broadcast_to(_array(noise) if not isinstance(noise, float | int) else np.float64(noise), shape)
        if not (np.isfinite(level).all() and (level > 0).all()):
            raise ValueError("lift: noise must be above 0, in sides of the box around the joints (0.02 is 2 %)")
    elif scores is None:
        level = np.broadcast_to(weights.noise.unknown, shape)
    else:
        given = _array(scores)
        given = np.broadcast_to(given, shape) if given.ndim < 2 else given
        if given.shape != shape:
            raise ValueError(f"lift: scores {shape[1:]} or {shape} are wanted, got {given.shape}")
        level = weights.noise.of(np.nan_to_num(given, nan=0.0))
    return np.maximum(level, 1e-3)


def _blur(given: _Given, k: int) -> float:
    """How noisy a skeleton is: 0 for exact joints, 1 for those of the detector and worse."""
    mean = given.noise[k][given.located[k]].mean()
    return float(np.clip((mean - EXACT) / max(given.weights.level - EXACT, 1e-6), 0, 1))


def _precision(given: _Given, k: int) -> Doubles:
    return _inverse(given.weights, round(_blur(given, k) * _CLASSES))


@lru_cache(maxsize=4 * (_CLASSES + 1))
def _inverse(weights: LifterWeights, step: int) -> Doubles:
    share = step / _CLASSES
    covariance = weights.exact * (1 - share) + weights.noisy * share
    return np.linalg.inv(covariance + 1e-7 * np.eye(STATE)).astype(np.float64, copy=False)


def _lifted(given: _Given, steps: int) -> list[PosedBody]:
    return [_posed(given, k, choice, choice.fitted) for k, choice in enumerate(_choices(given, steps))]


def _choices(given: _Given, steps: int) -> list[_Choice]:
    """The most likely reading of each skeleton, and its fit.

    The odds of a reading are what the network says, times exp(-cost of its fit, weighted), times how rare it is. Names
    whose body fits well are not doubted, nor are any without refinement.
    """
    share = np.array([_blur(given, k) for k in range(len(given.joints))])
    rare = np.stack([0 * share, _RARE + _BLURRED * share, _RARE + 0 * share], 1)
    chance = given.chance * np.exp(rare)
    chance /= chance.sum(1, keepdims=True)
    out = []
    for k in range(len(given.joints)):
        view = _view(given, k, 0, *(values[k] for values in given.said))
        out.append(_Choice(view, 0, float(chance[k, 0]), refine(view, steps)))
    doubted = [
        (k, reading)
        for k, choice in enumerate(out)
        for reading in range(1, len(READINGS))
        if steps and choice.fitted.cost >= _FITS and given.chance[k, reading] >= _DOUBT
    ]
    if not doubted:
        return out
    rows = np.array([k for k, _ in doubted])[:, None]
    orders = np.array([_ORDERS[reading] for _, reading in doubted])
    *said, _ = _ask(given.weights, given.joints[rows, orders], given.located[rows, orders], given.noise[rows, orders])
    tried: dict[int, list[_Choice]] = {}
    for i, (k, reading) in enumerate(doubted):
        view = _view(given, k, reading, *(values[i] for values in said))
        tried.setdefault(k, [out[k]]).append(_Choice(view, reading, float(chance[k, reading]), refine(view, steps)))
    for k, choices in tried.items():
        score = np.array([np.log(one.sure) - _COST * one.fitted.cost for one in choices])
        odds = np.exp(score - score.max())
        best = int(odds.argmax())
        out[k] = replace(choices[best], sure=float(odds[best] / odds.sum()))
    return out


def _view(given: _Given, k: int, reading: int, turns: Doubles, coefficients: Doubles, camera: Doubles) -> View:
    """What refinement of a reading starts from."""
    order = _ORDERS[reading]
    again = (3 + _blur(given, k)) / 2  # the network has read the same joints already: noisy ones are followed less
    return View(
        turns, coefficients, camera, given.joints[k][order], given.located[k][order], again * given.noise[k][order],
        given.offsets, _precision(given, k),
    )  # fmt: skip


def _posed(given: _Given, k: int, choice: _Choice, fitted: Fitted) -> PosedBody:
    side, centre = given.side[k], given.centre[k]
    x, y, scale, distance = fitted.camera
    camera = np.array([centre[0] + side * x, centre[1] + side * y, np.exp(scale) * side, np.exp(distance)])
    miss = np.linalg.norm(fitted.joints - choice.view.joints, axis=1) * side
    order = _ORDERS[choice.reading]
    back = np.argsort(order)  # misses belong to the joints as they were given
    miss = np.where(choice.view.located, miss, np.nan)[back]
    return PosedBody(
        fitted.turns, np.clip(fitted.coefficients, -_MOST_SHAPE, _MOST_SHAPE), camera, READINGS[choice.reading],
        choice.sure, fitted.spread, miss,
    )  # fmt: skip
