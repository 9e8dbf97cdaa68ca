"""Poses for the page: turned, built and scaled; taken from files, photographs and by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.apps.motion.loops import held
from repose.body.lift import lift
from repose.body.posed_body import PosedBody
from repose.person import JOINTS
from repose.render.pose.pose_library import LIBRARY
from repose.represent.retarget import anchor, retarget
from repose.scene.standing import stand

SIZES: Final = (0.5, 1.5)
"""The smallest and the largest factor of a figure."""

_LONGEST: Final = 60
"""Characters of a name that are looked at: nearness is looked for word by word, in the thread of all visitors."""

_LEAST: Final = 5
"""Located joints that tell a body, which can be turned."""

_FACE: Final = {0: 0.0, 14: -0.15, 15: -0.15}
"""Joint of the face -> the cosine between the face and the camera below which the head hides it."""

_EAR: Final = 0.35
"""How far the other ear is nearer to the camera, a share of their distance, before an ear is hidden."""


def arrange(joints: Tensor, source: Tensor, build: float = 0.0, turn: float = 0.0, size: float = 1.0) -> Tensor:
    """A pose with another build, turned about its vertical axis, and scaled; it stands where it stood.

    Args:
        joints, source: (18, 3) of the pose and of the photograph's person, in pixels of the photograph.
        build: 0 leaves the limbs as they are, 1 gives them the proportions of the photograph's person.
        turn: degrees to the person's left, -180 to 180.
        size: factor, within `SIZES`.

    Raises:
        ValueError: a number out of range, or a turn of a pose that has too few joints.
    """
    if not 0 <= build <= 1 or not -180 <= turn <= 180 or not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"build is 0 to 1, turn -180 to 180 degrees, and size {SIZES[0]} to {SIZES[1]}")
    new = joints.float().clone()
    if turn:
        new = turned(new, turn)
    if build:
        there = new[:, 2:] > 0
        built = retarget(new, source.float(), "source")
        built[:, :2] += (anchor(new) - anchor(built))[0] * there
        new[:, :2] = torch.where(there, new[:, :2] + build * (built[:, :2] - new[:, :2]), new[:, :2])
    if size != 1:
        place = anchor(new)[0]
        new[:, :2] = torch.where(new[:, 2:] > 0, place + size * (new[:, :2] - place), new[:, :2])
    return new


def turned(joints: Tensor, degrees: float) -> Tensor:
    """A pose as it looks when the person turns about their vertical axis; the body is lifted from the joints.

    Joints that were missing appear where the body has them, and those of the face that the head hides disappear.

    Args:
        joints: (18, 3). degrees: to the person's left.

    Raises:
        ValueError: fewer than 5 joints, or all of them in one place (`repose.body.lift.LiftError`).
    """
    if int((joints[:, 2] > 0).sum()) < _LEAST:
        raise ValueError(f"a pose of fewer than {_LEAST} joints cannot be turned; place more of them first")
    body = _lifted(tuple(float(value) for value in joints.flatten()))
    before, after = body.joints, _about_vertical(body.joints, degrees)
    there = joints[:, 2].numpy() > 0
    # what the body does not explain of the joints stays, and fades while they turn away
    share = (1 + np.cos(np.deg2rad(degrees))) / 2
    left = np.where(there[:, None], joints[:, :2].numpy() - body.project(before)[:, :2], 0.0)
    places = body.project(after)[:, :2] + share * left
    located = np.where(there, joints[:, 2].numpy(), 1.0)
    located[[joint for joint, unseen in _hidden(after).items() if unseen]] = 0.0
    out = torch.from_numpy(np.concatenate([places, located[:, None]], 1)).float()
    out[out[:, 2] == 0] = 0.0
    return out


def pose_names() -> list[str]:
    """The named poses of the renderer's people, sorted."""
    return sorted(base.name for base in LIBRARY)


def named_pose(name: str) -> Tensor:
    """A named pose of the renderer's people, seen from the front: keypoints (18, 3), pixels of no picture.

    Args:
        name: large and small letters are the same.

    Raises:
        ValueError: no such name; names those that are near.
    """
    names = pose_names()
    known = {one.lower(): one for one in names}
    asked = " ".join(name[:_LONGEST].lower().split())
    if asked not in known:
        near = near_names(asked, names)
        advice = f"did you mean {' or '.join(repr(one) for one in near)}?" if near else "choose one of the list"
        raise ValueError(f"no pose is called '{name[:_LONGEST]}'; {advice}")
    return _named(known[asked]).clone()


def near_names(asked: str, names: Sequence[str], most: int = 3) -> list[str]:
    """Names, at most so many, that begin with a text, hold its words, or are spelled like it; the nearest first."""
    words = asked.lower().split()
    if not words:
        return []
    low = {name: name.lower() for name in names}
    there = sorted({word for known in low.values() for word in known.split()})
    corrected = [(difflib.get_close_matches(word, there, 1, 0.7) or [word])[0] for word in words]
    begin = [name for name in names if low[name].startswith(" ".join(words))]
    hold = [name for name in names if all(word in low[name] for word in words)]
    meant = [name for name in names if all(word in low[name].split() for word in corrected)]
    like = difflib.get_close_matches(asked.lower(), low.values(), most, 0.7)
    spelled = [name for name in names if low[name] in like]
    return list(dict.fromkeys([*begin, *hold, *meant, *spelled]))[:most]


def placed(target: Tensor, source: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """A pose from elsewhere, as it is, where the photograph's person stands and as large: (18, 3).

    Args:
        target, source: (18, 3). size: (height, width) of the target's picture, where it is known.
    """
    return stand(target, source, retargeting=False, size=size)


# -- inside -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _named(name: str) -> Tensor:
    places = held(name, 1).joints[0]
    return torch.from_numpy(np.concatenate([np.nan_to_num(places), np.isfinite(places[:, :1])], 1)).float()


@lru_cache(maxsize=32)
def _lifted(values: tuple[float, ...]) -> PosedBody:
    return lift(torch.tensor(values).reshape(len(JOINTS), 3))


def _about_vertical(points: npt.NDArray[np.float64], degrees: float) -> npt.NDArray[np.float64]:
    """Points (N, 3) in camera axes (x right, y up, z to the camera), turned to the person's left about the hips."""
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    # somebody who faces the camera turns to their left: to the right of the picture
    around: npt.NDArray[np.float64] = points @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    return around


def _hidden(points: npt.NDArray[np.float64]) -> dict[int, bool]:
    """Joint of the head -> whether the head hides it."""
    left = points[17] - points[16]
    left = left / max(1e-9, float(np.hypot(left[0], left[2])))
    hidden = {joint: bool(left[0] < least) for joint, least in _FACE.items()}
    return hidden | {16: bool(left[2] > _EAR), 17: bool(left[2] < -_EAR)}
