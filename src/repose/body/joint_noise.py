"""How wrong a detector's joints are: measured on rendered people, told per joint and score, and replayed in training.

scripts/measure_joint_errors.py writes the measurements. Lengths are in sides of the box of the joints in the picture
(`lifter.Box`): MoveNet's errors grow with the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.pose_space import JOINT_COUNT, Doubles, Floats
from repose.body.samples import Samples
from repose.person import MIRROR

SCORES: Final = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
"""The scores at which `JointNoise` knows the deviation; between them it is interpolated."""

EXACT: Final = 0.002
"""Standard deviation of joints that are believed as they are: rendered ones."""

FEWEST: Final = 5
"""Located joints that a body needs."""

THRESHOLD: Final = 0.25  # a joint with a lower score is missing, as in version 1 of `repose.estimate.movenet`
_PAIRS: Final = ([0], [1], [2, 5], [3, 6], [4, 7], [8, 11], [9, 12], [10, 13], [14, 15], [16, 17])
_FLIP: Final = np.array([-1.0, 1, 1])
_BODY, _LEGS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], [9, 10, 12, 13]
_TURNS_OF_TRUNK: Final = np.array([-0.5, 0.0, 0.5])  # borders of four classes of the cosine to the camera


@dataclass(frozen=True)
class JointNoise:
    """How a detector's joints differ from those of the skeleton.

    Attributes:
        by_score: (18, 9) standard deviation of each coordinate, in sides of the box, at the scores `SCORES`.
        unknown: (18,) the same where there is no score.
        offsets: (18, 3) metres, rest axes: where the detector has each joint, from where the skeleton has it. MoveNet
            has shoulders and hips further out.
    """

    by_score: Doubles
    unknown: Doubles
    offsets: Doubles

    def of(self, scores: NDArray[Any] | None) -> Doubles:
        """(..., 18) deviations; of one skeleton without a score for None."""
        if scores is None:
            return self.unknown
        columns = [np.interp(scores[..., k], SCORES, self.by_score[k]) for k in range(JOINT_COUNT)]
        return np.stack(columns, -1)


@dataclass(frozen=True, eq=False)
class JointErrors:
    """What a detector said of N rendered people, beside the truth.

    Attributes:
        residual: (N, 18, 2) found less true place, of the joint itself or, where `mirrored`, of its left or right twin.
        mirrored: (N, 18) bool: the detector found the twin. score: (N, 18).
        inside: (N, 18) bool: the true joint is in the picture.
        street: (N,) bool. turn: (N,) class of the trunk's turn to the camera, 0 (from behind) to 3 (from the front).
        reading: (N,) 0 as named, 1 left and right exchanged, 2 legs exchanged.
        frame: (N, 18, 2, 3) what a step of a joint in rest axes, metres, becomes in the picture, in sides of the box.
    """

    residual: Floats
    mirrored: NDArray[np.bool_]
    score: Floats
    inside: NDArray[np.bool_]
    street: NDArray[np.bool_]
    turn: NDArray[np.int64]
    reading: NDArray[np.int64]
    frame: Floats

    def __len__(self) -> int:
        return len(self.score)

    @cached_property
    def noise(self) -> JointNoise:
        """The offsets, and the deviations from there: the 68 % quantile of the errors over 1.51, that of a Gaussian.

        Left and right are one; a score with fewer than 20 errors is taken with its neighbours.
        """
        offsets = self._offsets()
        length = np.linalg.norm(self.residual - np.einsum("njab,jb->nja", self.frame, offsets), axis=-1)
        by_score, unknown = np.empty((JOINT_COUNT, len(SCORES))), np.empty(JOINT_COUNT)
        ok = self.inside & (self.reading == 0)[:, None]
        for rows in _PAIRS:
            own = ok[:, rows]
            errors, scores = length[:, rows][own], self.score[:, rows][own]
            for k, centre in enumerate(SCORES):
                reach = 0.05
                while reach < 1 and (np.abs(scores - centre) <= reach).sum() < 20:
                    reach += 0.05
                by_score[rows, k] = np.quantile(errors[np.abs(scores - centre) <= reach], 0.68) / 1.51
            unknown[rows] = np.quantile(errors[scores >= THRESHOLD], 0.68) / 1.51
        return JointNoise(np.maximum(by_score, 0.004), np.maximum(unknown, 0.004), offsets)

    def _offsets(self) -> Doubles:
        """Least squares over the joints that were found well; left and right are one."""
        out = np.zeros((JOINT_COUNT, 3))
        ok = self.inside & (self.reading == 0)[:, None] & ~self.mirrored & (self.score > 0.4)
        ok &= np.linalg.norm(self.residual, axis=-1) < 0.08
        for rows in _PAIRS:
            flips = [_FLIP if k == rows[0] and len(rows) > 1 else np.ones(3) for k in rows]  # right joints come first
            left = np.concatenate([self.residual[ok[:, k], k].reshape(-1) for k in rows])
            steps = np.concatenate(
                [(self.frame[ok[:, k], k] * f).reshape(-1, 3) for k, f in zip(rows, flips, strict=True)]
            )
            if len(rows) == 1:
                steps = steps * [0, 1, 1]  # on the middle plane
            offset = np.linalg.solve(steps.T @ steps + 1e-3 * len(steps) * np.eye(3) * steps.std() ** 2, steps.T @ left)
            for k, f in zip(rows, flips, strict=True):
                out[k] = offset * f * ([0, 1, 1] if len(rows) == 1 else [1, 1, 1])
        return out


def read_errors(path: Path) -> JointErrors:
    """The file that scripts/measure_joint_errors.py writes (pictures of 256x176 pixels)."""
    with np.load(path) as file:
        truth, found, score = file["truth"], file["found"], file["score"]
        street, front = file["street"] > 0.5, file["front"]
        frame = file["frame"][:, :, :2] * file["metre"][..., None, None] * np.array([1, -1], np.float32)[:, None]
    inside = (truth >= -0.5).all(-1) & (truth[..., 0] < 175.5) & (truth[..., 1] < 255.5)
    few = inside.sum(1) < 5
    truth, found, score, street, front, frame = (a[~few] for a in (truth, found, score, street, front, frame))
    inside = inside[~few]
    far = np.where(inside[..., None], truth, np.nan)
    side = (np.nanmax(far, 1) - np.nanmin(far, 1)).max(1)
    twin = list(MIRROR)
    own, other = found - truth, found - truth[:, twin]
    a, b = np.linalg.norm(own, axis=-1), np.linalg.norm(other, axis=-1)
    mirrored = (b < a) & (a > 0.05 * side[:, None]) & (b < 0.08 * side[:, None]) & inside & inside[:, twin]
    residual = np.where(mirrored[..., None], other, own) / side[:, None, None]
    reading = np.where(mirrored[:, _LEGS].sum(1) >= 3, 2, 0)
    reading = np.where(mirrored[:, _BODY].sum(1) >= 7, 1, reading)
    return JointErrors(
        residual.astype(np.float32), mirrored, score.astype(np.float32), inside, street,
        np.searchsorted(_TURNS_OF_TRUNK, front), reading,
        (frame / side[:, None, None, None]).astype(np.float32),
    )  # fmt: skip


@dataclass(frozen=True)
class Detections:
    """Joints as something found them.

    Attributes:
        joints: (B, 18, 2) pixels. located: (B, 18) bool. noise: (B, 18) in sides of the box.
        inside: (B, 18) bool: the true joint lies in the picture.
        reading: (B,) index of `lifter.READINGS`. learn: (B,) 1 where the pose can be learnt from them.
    """

    joints: Floats
    located: NDArray[np.bool_]
    noise: Floats
    inside: NDArray[np.bool_]
    reading: NDArray[np.int64]
    learn: Floats


def detect(
    rng: np.random.Generator,
    samples: Samples,
    errors: JointErrors,
    odds: tuple[float, float, float],
    change: bool = True,
) -> Detections:
    """Joints of samples as rendered, shaken, or as the detector would have found them.

    Args:
        odds: of exact joints, of Gaussian noise up to 3 % of the box, of the detector's errors.
        change: some are also cut, dropped, thrown away or named wrongly; False for the odds alone.
    """
    count = len(samples)
    truth = samples.joints.astype(np.float64)
    height, width = samples.size[:, :1].astype(np.float64), samples.size[:, 1:].astype(np.float64)
    inside = (truth >= -0.5).all(-1) & (truth[..., 0] < width - 0.5) & (truth[..., 1] < height - 0.5)
    side = _side(truth, inside)[:, None]
    kind = rng.choice(3, size=count, p=odds)
    joints, located = truth.copy(), inside.copy()
    level = rng.random((count, 1)) ** 2 * 0.03
    shaken = kind == 1
    joints[shaken] += (rng.standard_normal(truth.shape) * (level * side)[..., None])[shaken]
    noise = np.where(shaken[:, None], np.maximum(level * np.exp(0.3 * rng.standard_normal((count, 1))), EXACT), EXACT)
    noise = np.broadcast_to(noise, (count, JOINT_COUNT)).copy()
    reading = np.zeros(count, np.int64)
    found = np.flatnonzero(kind == 2)
    if len(found):
        joints[found], located[found], noise[found], reading[found] = _replayed(
            rng, samples[found], truth[found], inside[found], side[found], errors
        )
    learn = np.ones(count, np.float32)
    if change:
        located = _fewer(rng, joints, located)
        _outliers(rng, joints, located, noise, side)
        draw = rng.random(count)
        whole, legs = (draw < 0.06) & (reading == 0), (draw > 0.95) & (reading == 0)
        twin = np.array(MIRROR)
        legs_twin = np.arange(JOINT_COUNT)
        legs_twin[[8, 9, 10, 11, 12, 13]] = [11, 12, 13, 8, 9, 10]
        for rows, order, name in ((whole, twin, 1), (legs, legs_twin, 2)):
            reading[rows], learn[rows] = name, 0
            for values in (joints, located, noise):
                values[rows] = values[rows][:, order]
    learn[located.sum(1) < FEWEST] = 0
    return Detections(joints.astype(np.float32), located, noise.astype(np.float32), inside, reading, learn)


def turn_of_trunk(points: Floats) -> Floats:
    """(N,) cosine between where the trunk faces and the direction to the camera; points (N, 18+, 3), camera axes."""
    across = points[:, 5] - points[:, 2]
    up = points[:, 1] - (points[:, 8] + points[:, 11]) / 2
    facing = -np.cross(up, across)
    out: Floats = facing[:, 2] / np.maximum(np.linalg.norm(facing, axis=1), 1e-6)
    return out


def _side(joints: Doubles, inside: NDArray[np.bool_]) -> Doubles:
    few = inside.sum(1) == 0
    on = (inside | few[:, None])[..., None]
    high = np.where(on, joints, -np.inf).max(1)
    low = np.where(on, joints, np.inf).min(1)
    out: Doubles = np.maximum((high - low).max(1), 1.0)
    return out


def _replayed(
    rng: np.random.Generator, samples: Samples, truth: Doubles, inside: NDArray[np.bool_], side: Doubles,
    errors: JointErrors,
) -> tuple[Doubles, NDArray[np.bool_], Doubles, NDArray[np.int64]]:  # fmt: skip
    """The errors of a picture of the same style and turn, laid on the true joints."""
    turn = np.searchsorted(_TURNS_OF_TRUNK, turn_of_trunk(samples.points))
    pick = np.empty(len(truth), np.int64)
    for street in (False, True):
        for k in range(len(_TURNS_OF_TRUNK) + 1):
            rows = np.flatnonzero((samples.street.astype(bool) == street) & (turn == k))
            pool = np.flatnonzero((errors.street == street) & (errors.turn == k))
            pool = pool if len(pool) else np.arange(len(errors))
            pick[rows] = pool[rng.integers(len(pool), size=len(rows))]
    known = errors.inside[pick]
    row = np.broadcast_to(pick[:, None], known.shape).copy()
    for joint in range(JOINT_COUNT):  # a joint that is outside there takes the error of another picture
        pool = np.flatnonzero(errors.inside[:, joint] & (errors.reading == 0))
        lost = np.logical_not(known[:, joint])
        row[lost, joint] = pool[rng.integers(len(pool), size=int(lost.sum()))]
    column = np.arange(JOINT_COUNT)[None]
    mirrored, residual, score = errors.mirrored[row, column], errors.residual[row, column], errors.score[row, column]
    joints = np.where(mirrored[..., None], truth[:, list(MIRROR)], truth) + residual * side[..., None]
    outside = np.logical_not(inside)
    height, width = samples.size[:, :1], samples.size[:, 1:]
    edge = np.stack([np.clip(truth[..., 0], 0, width - 1), np.clip(truth[..., 1], 0, height - 1)], -1)
    edge += rng.standard_normal(edge.shape) * (0.04 * side[..., None])
    joints = np.where(outside[..., None], edge, joints)
    score = np.where(outside, np.where(rng.random(score.shape) < 0.2, rng.uniform(0.25, 0.45, score.shape), 0), score)
    located = score >= np.where(rng.random((len(score), 1)) < 0.7, THRESHOLD, rng.uniform(0.1, 0.35, (len(score), 1)))
    located &= (joints >= -0.5).all(-1) & (joints[..., 0] < width - 0.5) & (joints[..., 1] < height - 0.5)
    table = errors.noise
    told = rng.random((len(score), 1)) < 0.7
    noise = np.where(told, table.of(score), table.unknown)
    return joints, located, noise, errors.reading[pick]


def _fewer(rng: np.random.Generator, joints: Doubles, located: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Some skeletons are cut, or lose joints; never below 5."""
    count = len(located)
    keep = located.copy()
    middle = np.median(joints, axis=1)
    low = np.where(located, joints[..., 1], middle[:, 1:]).min(1)
    high = np.where(located, joints[..., 1], middle[:, 1:]).max(1)
    cut = rng.random(count) < 0.15
    line = low + (high - low) * rng.uniform(0.15, 0.9, count)
    keep &= ~(cut[:, None] & (joints[..., 1] > line[:, None]))
    beside = rng.random(count) < 0.04
    keep &= ~(beside[:, None] & (joints[..., 0] > middle[:, :1]))
    some = rng.random((count, 1)) < 0.3
    keep &= ~(some & (rng.random(located.shape) < 0.3 * rng.random((count, 1))))
    faceless = rng.random(count) < 0.08
    keep[faceless] &= ~np.isin(np.arange(JOINT_COUNT), [0, 14, 15, 16, 17])
    few = keep.sum(1) < FEWEST
    keep[few] = located[few]
    return keep


def _outliers(
    rng: np.random.Generator, joints: Doubles, located: NDArray[np.bool_], noise: Doubles, side: Doubles
) -> None:
    """A few skeletons have a joint anywhere (of somebody else); noise says what its score would."""
    rows = np.flatnonzero(rng.random(len(joints)) < 0.05)
    which = rng.integers(2, 14, size=len(rows))
    joints[rows, which] += rng.standard_normal((len(rows), 2)) * 0.25 * side[rows]
    noise[rows, which] = np.maximum(noise[rows, which], rng.uniform(0.01, 0.06, len(rows)))
