"""Joints as arrays: (N, 2 | 3) or (people, N, 2 | 3) in NumPy, nested lists, tensors and .npy files.

N says the skeleton: 17 (COCO), 18 (OpenPose), 25 (BODY-25 or BODY-25B), 26 (Halpe), 33 (MediaPipe), 133, 136. The third
column is a score, or visible (0, 0.5, 1), or COCO's v (0, 1, 2); of MediaPipe's points it may be z, which is left out.
NaN is a missing joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.person import Person
from repose.represent.choosing import Which, choose_person
from repose.represent.pose_files.figures import (
    COUNTS,
    KNOWN,
    Figure,
    Floats,
    best_scores,
    boxes_of,
    checked,
    figure,
    joints_of,
    normalised,
)
from repose.represent.pose_files.openpose import as_body25b
from repose.represent.pose_files.settings import MIN_SCORE

ArrayLike = npt.NDArray[np.generic] | Tensor | Sequence[Any]
"""What may hold joints: an array, a tensor, a nested list."""

UNIT: tuple[int, int] = (1, 1)
"""The size of a pose whose coordinates are shares of a picture that is not known yet."""


def is_joints(value: object) -> bool:
    """Whether something is an array of joints and not a picture.

    A tensor whose last side is 2 or 3 is, as no picture is so narrow. An array is where it has two axes, or numbers
    that no picture is of and a number of points that is known.
    """
    if isinstance(value, list | tuple):
        value = _from_list(value)
        return value is not None and value.ndim in (2, 3)
    if not isinstance(value, Tensor | np.ndarray) or value.ndim not in (2, 3) or value.shape[-1] not in (2, 3, 4):
        return False
    if isinstance(value, Tensor):
        return value.shape[-1] != 4 or value.shape[-2] == 33
    if value.ndim == 2 or value.shape[-1] == 2 or value.shape[0] == 1:
        return True
    return value.dtype.kind in "fi" and value.shape[-2] in COUNTS


def array_people(value: ArrayLike, what: str = "the pose") -> list[Figure]:
    """An array of joints -> the people in it.

    Raises:
        ValueError: another shape (names those that are known), or numbers that are infinite or absurd.
    """
    points = _numbers(value, what)
    shape = tuple(points.shape)
    if points.ndim == 2:
        points = points[None]
    if points.ndim != 3 or points.shape[-2] not in COUNTS or points.shape[-1] not in (2, 3, 4):
        raise ValueError(
            f"{what} has the shape {shape}; joints are (N, 2), (N, 3) or (people, N, 2 | 3) with N one of {KNOWN}; "
            "repose.represent.keypoints.from_skeleton converts one skeleton to Repose's 18 joints"
        )
    if points.shape[-1] == 4 and points.shape[-2] != 33:
        points = points[..., :3]
    return [_figure(one, what) for one in points]


def read_array(
    value: ArrayLike,
    which: Which = "largest",
    size: tuple[int, int] | None = None,
    min_score: float = MIN_SCORE,
    what: str = "the pose",
    shares: bool = False,
) -> tuple[Person, int]:
    """Joints of an array -> one person, and how many of their joints were dropped for their score.

    Args:
        value: see the module's text.
        which: of several people.
        size: (height, width) of their picture: needed where the coordinates are shares of it (0 to 1).
        min_score: a joint with a lower score is missing.
        what: names the array in errors.
        shares: accept shares without a size; the person then has the size `UNIT`.

    Raises:
        ValueError: see `array_people`; shares without a size; there is no such person.
    """
    people = array_people(value, what)
    as_body25b(people)
    try:
        part = normalised(people)
    except ValueError as error:
        raise ValueError(f"{what} has {error}") from None
    if part and size is None:
        if not shares:
            raise ValueError(
                f"{what} has normalised coordinates (0 to 1): give size=(height, width) of its picture "
                "(`repose.transfer` calls it target_size), or give pixels"
            )
        size = UNIT
    if part:
        assert size is not None
        scale_shares(people, size)
    joints, dropped = joints_of(people, min_score)
    seen = np.flatnonzero((joints[..., 2] > 0).any(1))
    if not len(seen):
        return Person(keypoints=torch.from_numpy(joints[0]), size=size), int(dropped.sum())
    scores = best_scores([people[number] for number in seen])
    width = None if size is None else float(size[1])
    chosen = seen[choose_person(boxes_of(joints[seen]), scores, which, width, f"in {what}")]
    return Person(keypoints=torch.from_numpy(joints[chosen]), size=size), int(dropped[chosen])


def scale_shares(people: Sequence[Figure], size: tuple[int, int]) -> None:
    """Shares of a picture of `size` -> pixel indices, 0 and 1 being the edges of the picture. Marks of missing joints
    stay as they are."""
    for one in people:
        one.points = _scaled(one.points, size)
        one.extra = None if one.extra is None else _scaled(one.extra, size)
        one.marked = False


# -- inside ---------------------------------------------------------------------------------------------------------


def _scaled(points: Floats, size: tuple[int, int]) -> Floats:
    missing = (points[:, 2] <= 0) | ((points[:, 0] == points[:, 1]) & np.isin(points[:, 0], (0, -1)))
    scaled = points[:, :2] * (size[1], size[0]) - 0.5
    return np.column_stack([np.where(missing[:, None], 0, scaled), np.where(missing, 0, points[:, 2])])


def _figure(points: Floats, what: str) -> Figure:
    """(N, 2 | 3 | 4) -> a person; what the third column is shows in its values."""
    points, width = points.copy(), points.shape[1]
    absent = np.isnan(points).any(axis=1)
    points[absent] = 0
    scored = width >= 3
    if width == 2:
        points = np.column_stack([points, ~absent])
    elif width == 4:  # MediaPipe's x, y, z, visibility
        points = points[:, [0, 1, 3]]
    elif len(points) == 33 and points[:, 2].min() < 0:  # MediaPipe's x, y, z
        points[:, 2] = ~absent
        scored = False
    third = points[:, 2]
    if set(np.unique(third)) <= {0.0, 0.5, 1.0}:
        scored = False  # visible
    elif set(np.unique(third)) <= {0.0, 1.0, 2.0}:
        points[:, 2], scored = third / 2, False  # COCO's v
    checked(points, what)
    return figure(points, what, scored)


def _numbers(value: ArrayLike, what: str) -> Floats:
    if isinstance(value, Tensor):
        return value.detach().double().cpu().numpy()
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiub":
            raise ValueError(f"{what} is an array of {value.dtype}; numbers are needed")
        return value.astype(np.float64)
    array = _from_list(value)
    if array is None:
        raise ValueError(f"{what} is a list that is no array of numbers: lists of equal length are needed")
    return array


def _from_list(value: Sequence[Any]) -> Floats | None:
    """A nested list of numbers (or a list of arrays of one shape) as an array; None where it is none."""
    if not len(value) or isinstance(value[0], str | bytes | dict | int | float) or value[0] is None:
        return None
    try:
        rows = [one.detach().cpu().numpy() if isinstance(one, Tensor) else one for one in value]
        return np.array(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
