"""Motions of the rendered people's own body that go round without a seam: walk, turn, wave, dance.

Every frame is a pose of `repose.render.pose`: feet on the ground and hands in place are solved for on each. The joints
are those of the mean body, seen from far away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from repose.apps.motion.following import Motion
from repose.body.model import BodyModel, load_body, mean_shape
from repose.body.rig import rig_of, rotations
from repose.names import nearest
from repose.render.pose.pose_library import BASES, WAVING, Legs, walking
from repose.render.pose.poses import solved_pose
from repose.render.pose.reach import place_feet

Floats = npt.NDArray[np.float64]

Moment = tuple[Floats, tuple[float, float], float]
"""Angles of the body, the place of its pelvis (metres), and how far it is turned to its left (degrees)."""

_PIXELS: Final = 250.0  # of a metre
_FACE: Final = {0: 0.0, 14: -0.15, 15: -0.15, 16: -0.35, 17: -0.35}
"""Joint of the face -> how far the face or the ear looks away from the camera (cosine) before the joint is hidden."""

_DANCE: Final = ("dance hip out", "arm wave", "dance twist", "disco")


def loop(name: str, rate: float = 25.0) -> Motion:
    """One round of a motion; after its last frame the first one follows.

    Args:
        name: one of `MOTIONS`. rate: frames a second.

    Raises:
        ValueError: no such motion; names the nearest.
    """
    require_motion(name)
    seconds, moment = MOTIONS[name]
    count = max(8, round(seconds * rate))
    return _motion([moment(number / count) for number in range(count)], rate)


def held(name: str, count: int, rate: float = 25.0) -> Motion:
    """A pose of `repose.render.pose.pose_library`, held for so many frames. Raises KeyError for a name it has not."""
    angles = solved_pose(load_body(), BASES[name])
    return _motion([(angles, (0.0, 0.0), 0.0)] * count, rate)


def _motion(moments: list[Moment], rate: float) -> Motion:
    count = len(moments)
    angles = np.stack([angles for angles, _, _ in moments]).astype(np.float32)
    body = load_body()
    transforms = body.transforms(mean_shape(body).pivots, rotations(body, angles))
    points = body.points(mean_shape(body), transforms).astype(np.float64)  # (N, joints and anchors, 3)
    # on the ground by the lowest point of the body, and the pelvis over its place
    points[..., 2] -= points[..., 2].min(1)[:, None]
    points[..., :2] += np.array([shift for _, shift, _ in moments])[:, None]
    joints = np.stack([_seen(one, turn) for one, (_, _, turn) in zip(points[:, :18], moments, strict=True)])
    return Motion(joints, np.arange(count) / rate, np.full(count, 1 / rate))


def crossing(rounds: int = 3, turn: float = 60.0, rate: float = 25.0) -> Motion:
    """A walk to the right of the picture, feet on their spots: not a loop, for `--follow`.

    Args:
        rounds: of two steps each. turn: degrees that the walker is turned from the camera to their left.
    """
    stride, seconds = 0.33, 1.1
    count = round(seconds * rate)
    moments = [(solved_pose(load_body(), walking(number / count, stride)), (0.0, 0.0), turn) for number in range(count)]
    one = _motion(moments, rate).joints
    # a foot on the ground goes back by two strides in 0.6 of a round (`pose_library.walking`)
    step = 2 * stride / 0.6 / count * _PIXELS * float(np.sin(np.deg2rad(turn)))
    joints = np.tile(one, (rounds, 1, 1)) + step * np.arange(rounds * count)[:, None, None] * np.array([1.0, 0.0])
    joints += np.array([150.0, 520.0])
    times = np.arange(len(joints)) / rate
    return Motion(joints, times, np.full(len(joints), 1 / rate), (600, 1000))


def require_motion(name: str) -> None:
    """Check that there is a motion of this name. ValueError names the nearest."""
    if name not in MOTIONS:
        raise ValueError(f"no motion is called '{name}'; {nearest(name, MOTIONS)}")


# -- the motions ----------------------------------------------------------------------------------------------------


def _walk(share: float) -> Moment:
    base = walking(share, 0.27)
    assert base.legs is not None
    return solved_pose(load_body(), base), (0.0, 0.0), 28.0  # somebody who walks straight at the camera hardly moves


def _turn(share: float) -> Moment:
    return solved_pose(load_body(), BASES["relaxed"]), (0.0, 0.0), 360.0 * share


def _wave(share: float) -> Moment:
    swing = np.sin(2 * np.pi * 3 * share)
    x, y, z = WAVING.wrist
    arm = replace(WAVING, wrist=(x + 0.10 * swing, y, z - 0.03 * swing**2), fingers=(0.1 + 0.5 * swing, -0.05, 1.0))
    sway = 0.012 * np.sin(2 * np.pi * share)
    base = replace(BASES["relaxed"], legs=Legs(shift=(sway, 0.0)), left=arm)
    angles = solved_pose(load_body(), replace(base, angles={**base.angles, "tilt": 4.0 * np.sin(2 * np.pi * share)}))
    return angles, (sway, 0.0), 0.0


def _dance(share: float) -> Moment:
    """From pose to pose on the beat, then the same in the mirror."""
    body = load_body()
    keys = [_key(body, name, mirrored) for mirrored in (False, True) for name in _DANCE]
    at = share * len(keys)
    first = int(at)
    part = at - first
    part = 0.5 - 0.5 * np.cos(np.pi * min(1.0, part / 0.8))  # there, and a short rest
    (angles, row), (other, next_row) = keys[first], keys[(first + 1) % len(keys)]
    mixed = angles * (1 - part) + other * part
    legs = row * (1 - part) + next_row * part
    legs[10] = max(2.0, legs[10]) + 9.0 * np.sin(np.pi * (at - first)) ** 2  # knees give way between the beats
    place_feet(rig_of(body), mixed, legs)
    return mixed, (float(legs[11]), float(legs[12])), 0.0


MOTIONS: Final[dict[str, tuple[float, Callable[[float], Moment]]]] = {
    "walk": (1.2, _walk), "turn": (4.0, _turn), "wave": (2.4, _wave), "dance": (4.0, _dance),
}  # fmt: skip
"""Name of a motion -> seconds of a round, and its moment at a share of it, 0 to 1."""


# -- inside ---------------------------------------------------------------------------------------------------------


def _key(body: BodyModel, name: str, mirrored: bool) -> tuple[Floats, Floats]:
    """Angles and `Legs.row` of a pose of the library, or of its mirror image."""
    from repose.body.angles import mirror

    base = BASES[name]
    angles = solved_pose(body, base)
    row = (base.legs or Legs()).row()
    if not mirrored:
        return angles, row
    other = np.concatenate([row[5:10], row[:5], [row[10], -row[11], row[12]]])
    return mirror(angles.astype(np.float32)).astype(np.float64), other


def _seen(points: Floats, turn: float) -> Floats:
    """(18, 3) in metres -> (18, 2) in pixels, by a camera far in front of somebody turned to their left; NaN for joints
    of the face that the head hides."""
    angle = np.deg2rad(turn)
    right = points[:, 0] * np.cos(angle) - points[:, 1] * np.sin(angle)
    joints = np.stack([right, -points[:, 2]], 1) * _PIXELS
    ears = points[17] - points[16]  # towards the person's left
    ears = ears[:2] / max(1e-9, float(np.linalg.norm(ears[:2])))
    left = np.array(
        [ears[0] * np.cos(angle) - ears[1] * np.sin(angle), ears[0] * np.sin(angle) + ears[1] * np.cos(angle)]
    )
    ahead = left[0]  # the face looks at the camera where its left is the picture's right
    for joint, least in _FACE.items():
        facing = {16: -left[1], 17: left[1]}.get(joint, ahead)
        side = -facing if joint in (16, 17) else facing
        if side < least:
            joints[joint] = np.nan
    return joints
