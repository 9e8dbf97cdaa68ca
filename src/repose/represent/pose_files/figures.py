"""What every pose file is read into: pictures of people, whose points are numbers in the order of a known skeleton.

The modules of the formats make `Picture`s of `Figure`s; `joints_of` turns figures into Repose's 18 joints, and
`normalised` says whether their coordinates are shares of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from repose.person import EXTRA_POINTS, FOOT_POINTS, JOINTS
from repose.represent.keypoints import SKELETONS, Skeleton, from_skeleton
from repose.represent.pose_files.errors import FormatError

Floats = npt.NDArray[np.float64]

PictureSize = tuple[int, int] | None
"""(height, width) of the picture, where the file says it."""

FAR: Final = 1e6
"""A coordinate beyond this many pixels lies outside every picture: the number is garbage."""


MOST_PIXELS: Final = 500_000_000
"""Pixels of the picture of a pose at most."""


@dataclass(slots=True)
class Figure:
    """One person as a file holds them.

    Attributes:
        points: (N, 3): x, y, and a score, or (not `scored`) 1 for a located joint, 0.5 for an occluded one, else 0.
        skeleton: whose order the points have: a key of `SKELETONS`.
        scored: whether the third column is a score, which `min_score` is compared with.
        score: of the whole person, where the file has one.
        marked: whether (0, 0) and (-1, -1) mark missing joints, whatever stands beside them.
        extra: (48, 3), feet and hands in the order of `repose.person.EXTRA_POINTS`, as the points; None where the file
            has none beside the points. Feet that are among the points of the skeleton need not be in it.
    """

    points: Floats
    skeleton: Skeleton
    scored: bool = True
    score: float | None = None
    marked: bool = True
    extra: Floats | None = None


@dataclass(slots=True)
class Picture:
    """One picture of a file.

    Attributes:
        name: the file name of the picture, or the stem of the pose file, or frame_N.
        people: in the order of the file.
        size: see `PictureSize`.
        line: of a CSV, counted from 1.
        pixels: the format says that coordinates are pixels, so shares of the picture are never looked for.
        shares: the format says that coordinates are shares of the picture.
    """

    name: str
    people: list[Figure]
    size: PictureSize = None
    line: int | None = None
    pixels: bool = False
    shares: bool = False


Record = Picture | FormatError

COUNTS: Final[dict[int, Skeleton]] = {
    17: "coco17",
    18: "openpose18",
    25: "body25",
    26: "halpe26",
    33: "blazepose33",
    133: "coco17",
    136: "halpe26",
}
"""Number of points -> skeleton of the body. COCO-WholeBody's 133 begin with COCO's 17, Halpe's 136 with Halpe's 26."""

KNOWN: Final = ", ".join(f"{count} ({name})" for count, name in COUNTS.items())


def figure(
    points: Floats, where: str, scored: bool = True, score: float | None = None, counts: Iterable[int] = COUNTS
) -> Figure:
    """Points (N, 3) whose number says their skeleton.

    Raises:
        ValueError: no known skeleton has so many points, or a number is not finite or absurd.
    """
    count = len(points)
    if count not in counts:
        known = ", ".join(f"{number} ({COUNTS[number]})" for number in counts)
        hint = "" if count not in (21, 42, 68, 70) else "; these are the points of hands or a face, not of a body"
        raise ValueError(f"{where} holds {count} points, no known skeleton; known are {known}{hint}")
    checked(points, where)
    skeleton = COUNTS[count]
    body = points if count not in (133, 136) else points[: len(SKELETONS[skeleton])]
    return Figure(body, skeleton, scored, score, extra=whole_body_extra(points))


def whole_body_extra(points: Floats) -> Floats | None:
    """Feet and hands (48, 3) of COCO-WholeBody's 133 points, hands of Halpe's 136; None of other numbers of points."""
    hands = len(EXTRA_POINTS) - len(FOOT_POINTS)
    if len(points) == 133:
        return np.concatenate([points[17:23], points[-hands:]])
    if len(points) == 136:
        return np.concatenate([np.zeros((len(FOOT_POINTS), 3)), points[-hands:]])
    return None


def beside(entry: Mapping[str, Any], counts: Mapping[str, int]) -> Floats:
    """Points that stand beside a body under keys of their own: (N, 3), the keys in order, N the sum of their counts.

    A key that is absent gives missing points; so does one that has another number of points, or something else than
    finite numbers: it is nothing that could be drawn, and the body is read all the same.
    """
    parts = []
    for key, count in counts.items():
        points = np.zeros((count, 3))
        given = entry.get(key)
        if isinstance(given, list) and len(given) == 3 * count:
            try:
                points = array(numbers(given, key), key).reshape(-1, 3)
                checked(points, key)
            except ValueError:
                points = np.zeros((count, 3))
        parts.append(points)
    return np.concatenate(parts)


def checked(points: Floats, where: str) -> None:
    """ValueError where a number is not finite, or a coordinate lies outside every picture."""
    if np.abs(points).max(initial=0) <= FAR:  # False with a NaN, too
        return
    bad = points[~np.isfinite(points)]
    if len(bad):
        raise ValueError(f"{where} holds {bad[0]}, which is not a finite number")
    worst = points.flat[np.abs(points).argmax()]
    raise ValueError(f"{where} holds {worst:g}, which lies outside every picture; the file is damaged")


def numbers(value: object, where: str) -> list[float]:
    """A JSON list of finite numbers; null is 0. ValueError that says what it is instead."""
    if not isinstance(value, list):
        raise ValueError(f"{where} is not a list of numbers")
    if not set(map(type, value)) <= {int, float}:
        return [0.0 if entry is None else finite(entry, where) for entry in value]
    return value


def finite(value: object, where: str) -> float:
    """A finite number, also from text. Any other value is a ValueError."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{where} holds {value!r:.60}, which is not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{where} holds {value!r}, which is not a finite number")
    return number


def array(value: Sequence[Any], where: str) -> Floats:
    """Numbers as float64, where an int of hundreds of digits is an error as well."""
    try:
        return np.array(value, np.float64)
    except (OverflowError, TypeError, ValueError):
        bad = next((entry for entry in value if isinstance(entry, int) and abs(entry) > 10**300), value)
        raise ValueError(f"{where} holds {bad!r:.60}, which is not a number") from None


def triples(value: object, where: str, counts: Mapping[int, str] | Iterable[int] = COUNTS) -> tuple[Floats, bool]:
    """Points in any spelling -> (N, 3), and whether the third column stood in the file (otherwise it is 1).

    Read are a flat list of x, y, score or of x, y, and a list of [x, y], [x, y, score] or [x, y, score, index], with
    null for a missing point. A flat list is read as the known number of points that it fits.

    Raises:
        ValueError: it is none of them.
    """
    if not isinstance(value, list):
        raise ValueError(f"{where} is not a list of numbers")
    if list in set(map(type, value)):
        return _nested(value, where)
    flat = array(numbers(value, where), where)
    known = set(counts)
    for width in (3, 2):
        if len(flat) % width == 0 and len(flat) // width in known:
            points = flat.reshape(-1, width)
            return (points, True) if width == 3 else (with_column(points), False)
    wanted = " or ".join(f"{3 * count} ({COUNTS[count]})" for count in counts)
    other = {len(joints): name for name, joints in SKELETONS.items()}.get(len(flat) // 3 if len(flat) % 3 == 0 else 0)
    hint = "" if other is None else f"; {other} has so many, repose.represent.keypoints.from_skeleton converts it"
    raise ValueError(f"{where} holds {len(flat)} numbers, {wanted} are needed{hint}")


def _nested(value: list[object], where: str) -> tuple[Floats, bool]:
    widths = {len(entry) for entry in value if isinstance(entry, list)}
    if len(widths) != 1 or not widths <= {2, 3, 4}:
        raise ValueError(f"{where} holds lists of {sorted(widths)} numbers; 2, 3 or 4 are needed: x, y, score")
    (width,) = widths
    rows = []
    for entry in value:
        if entry is None:
            rows.append([0.0] * width)
        elif isinstance(entry, list):
            rows.append(numbers(entry, where))
        else:
            raise ValueError(f"{where} holds {entry!r:.60} among its points")
    points = array(rows, where)
    if width == 2:
        points = with_column(points)
        points[[entry is None for entry in value], 2] = 0
        return points, False
    return points[:, :3], True


def with_column(points: Floats) -> Floats:
    """(N, 2) -> (N, 3) with 1 in the third column."""
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


def size_of(data: Mapping[str, object], height: str, width: str) -> PictureSize:
    """(height, width) from two entries, None if both are absent or empty. ValueError if they are not a size."""
    given = {key: data.get(key) for key in (height, width)}
    if all(value is None for value in given.values()):
        return None
    sides = {key: finite(value, key) for key, value in given.items()}
    for key, side in sides.items():
        if side < 1 or side != int(side) or side > FAR:
            raise ValueError(f"{key} is {side:g}, a whole number of pixels is wanted")
    if sides[height] * sides[width] > MOST_PIXELS:
        told = f"{height} is {sides[height]:g} and {width} is {sides[width]:g}"
        raise ValueError(f"{told}: a picture has at most {MOST_PIXELS:,} pixels")
    return int(sides[height]), int(sides[width])


# -- figures into joints --------------------------------------------------------------------------------------------


def marked(points: Floats) -> npt.NDArray[np.bool_]:
    """Which points (..., 3) are at (0, 0) or (-1, -1), where tools put what they have not found; bool (...)."""
    x, y = points[..., 0], points[..., 1]
    at_mark: npt.NDArray[np.bool_] = (x == y) & ((x == 0) | (x == -1))
    return at_mark


def normalised(people: Sequence[Figure], sized: bool = False) -> bool:
    """Whether the coordinates of a picture's people are shares of it (0 to 1) and not pixels.

    All located points of all people decide together, as a point may lie outside the picture: shares if at least three
    quarters of the coordinates lie within -1 and 2. A person in pixels reaches over more than three of them.

    Args:
        people: of one picture.
        sized: whether the size of the picture stands beside them: tools that write it put 0 to 1 inside the picture,
            and OpenPose, which has a scale from -1 to 1, does not write it.

    Raises:
        ValueError: the coordinates run from -1 to 1, as OpenPose writes them with keypoint_scale 4.
    """
    chosen = [one.points[(one.points[:, 2] > 0) & ~marked(one.points)][:, :2] for one in people]
    points = np.concatenate(chosen) if chosen else np.zeros((0, 2))
    if len(points) < 3 or float(((points >= -1) & (points <= 2)).mean()) < 0.75:
        return False
    if float((points < (-0.5 if sized else -0.1)).any(axis=1).mean()) >= 0.25:
        raise ValueError("coordinates from -1 to 1; write them with keypoint_scale 0 or 3")
    return True


def joints_of(people: Sequence[Figure], min_score: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """People of any skeletons -> their 18 joints (M, 18, 3), and how many of each were dropped for their score (M,)."""
    joints = np.zeros((len(people), len(JOINTS), 3), np.float32)
    dropped = np.zeros(len(people), np.int64)
    for skeleton in {one.skeleton for one in people}:
        rows = [row for row, one in enumerate(people) if one.skeleton == skeleton]
        points = np.stack([people[row].points for row in rows])  # (M, N, 3)
        scored = np.array([people[row].scored for row in rows])[:, None]
        places = np.array([people[row].marked for row in rows])[:, None]
        located = (points[..., 2] > 0) & ~(places & marked(points))
        low = located & scored & (points[..., 2] < min_score - 1e-9)
        points[..., 2] = np.where(located & ~low, np.where(scored, 1.0, points[..., 2]), 0.0)
        ours = np.array([name in JOINTS for name in SKELETONS[skeleton]])
        dropped[rows] = (low & ours).sum(1)
        joints[rows] = from_skeleton(torch.from_numpy(points), skeleton, seen=1.0).numpy()
    return joints, dropped


_TOES: Final = {"left_foot_index": "left_big_toe", "right_foot_index": "right_big_toe"}
"""BlazePose's names -> those of `FOOT_POINTS`."""


def extra_of(one: Figure, min_score: float) -> npt.NDArray[np.float32] | None:
    """Feet and hands of a figure: (48, 3) as `Person.extra_keypoints`; None where none is located."""
    points = np.zeros((len(EXTRA_POINTS), 3)) if one.extra is None else one.extra.astype(np.float64)
    for number, name in enumerate(SKELETONS[one.skeleton]):
        foot = _TOES.get(name, name)
        if foot in FOOT_POINTS:
            points[FOOT_POINTS.index(foot)] = one.points[number]
    located = (points[:, 2] > 0) & ~(one.marked & marked(points))
    if one.scored:
        located &= points[:, 2] >= min_score - 1e-9
    if not located.any():
        return None
    seen = np.where(one.scored | (points[:, 2] >= 1), 1.0, 0.5)
    whole = np.stack([points[:, 0], points[:, 1], seen], 1) * located[:, None]
    return whole.astype(np.float32)


def best_scores(people: Sequence[Figure]) -> Floats | None:
    """How sure the file is of each person (M,): the mean of their points' scores, or the person's own score.

    None where the file has no scores, or the same one, 1, for every point of several people, as editors write.
    """
    if all(one.scored for one in people):
        means = np.array([np.where(marked(one.points), 0, one.points[:, 2]).mean() for one in people])
        every = np.concatenate([one.points[one.points[:, 2] > 0, 2] for one in people])
        if len(people) == 1 or not (every == 1).all():
            return means
    if all(one.score is not None for one in people):
        return np.array([one.score for one in people], np.float64)
    return None


def boxes_of(joints: npt.NDArray[np.floating]) -> Floats:
    """(M, 18, 3) with a located joint each -> (M, 4): left, top, right, bottom, widened by half a pixel."""
    there = joints[..., 2:] > 0
    low = np.where(there, joints[..., :2], np.inf).min(1) - 0.5
    high = np.where(there, joints[..., :2], -np.inf).max(1) + 0.5
    return np.concatenate([low, high], axis=1).astype(np.float64)
