"""One person of a JSON list, in the spellings that the tools have for `keypoints`.

`keypoints` is a flat list of numbers, a list of [x, y] or [x, y, score], a list of objects with x, y and a score, or an
object of three lists (x, y, visible: Ultralytics). mmpose 1.x puts the scores beside, as `keypoint_scores`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from repose.represent.keypoints import SKELETONS, Skeleton
from repose.represent.pose_files.figures import COUNTS, Figure, Floats, array, checked, figure, finite, numbers, triples

_SCORES: Final = ("score", "visibility", "confidence", "conf", "visible", "inFrameLikelihood", "presence")
_NAMES: Final = ("name", "part", "bodyPart", "label", "type")
_PERSON_SCORES: Final = ("score", "bbox_score", "confidence")


def entry_figure(entry: Mapping[str, Any], where: str, counts: Iterable[int] = COUNTS) -> Figure:
    """The person of an object that has `keypoints`.

    Raises:
        ValueError: the points are no known skeleton's, or are no finite numbers.
    """
    points = entry["keypoints"]
    sure = next((_number(entry[key]) for key in _PERSON_SCORES if key in entry), None)
    where = f"{where}.keypoints" if where else "keypoints"
    if isinstance(points, dict):
        rows, scored = _columns(points, where)
    elif isinstance(points, list) and dict in set(map(type, points)):
        return objects(points, where, sure)
    else:
        rows, scored = triples(points, where, counts)
    if "keypoint_scores" in entry:
        scores = numbers(entry["keypoint_scores"], f"{where[:-9]}keypoint_scores")
        if len(scores) != len(rows):
            raise ValueError(f"{where} holds {len(rows)} points, keypoint_scores {len(scores)}; as many are needed")
        rows, scored = rows.copy(), True
        rows[:, 2] = array(scores, where)
    return figure(rows, where, scored, sure, counts)


def objects(points: Sequence[Any], where: str, score: float | None = None) -> Figure:
    """A list of objects with x, y, a score and perhaps a name (MediaPipe, tfjs, PoseNet) -> a person.

    Points with the names of joints may come in any order, and some may be absent.
    """
    rows, names, scored = [], [], False
    for number, point in enumerate(points):
        if not isinstance(point, dict):
            raise ValueError(f"{where}[{number}] is {str(point)[:60]}; an object with x and y is needed")
        place: dict[str, Any] = point["position"] if isinstance(point.get("position"), dict) else point
        if "x" not in place or "y" not in place:
            raise ValueError(f"{where}[{number}] has no x and y: {str(point)[:60]}")
        key = next((key for key in _SCORES if point.get(key) is not None), None)
        scored |= key is not None
        third = 1.0 if key is None else finite(point[key], f"{where}[{number}].{key}")
        rows.append([*(finite(place[axis], f"{where}[{number}].{axis}") for axis in "xy"), third])
        names.append(next((joint_name(str(point[key])) for key in _NAMES if isinstance(point.get(key), str)), None))
    array_ = array(rows, where)
    if scored and len(array_) and float(array_[:, 2].min()) < 0:  # some of MediaPipe's models give the logit
        array_[:, 2] = 1 / (1 + np.exp(-array_[:, 2].clip(-50, 50)))
    if any(name is not None for name in names):
        return named(array_, names, where, scored, score)
    return figure(array_, where, scored, score)


def named(points: Floats, names: Sequence[str | None], where: str, scored: bool, score: float | None) -> Figure:
    """Points with names of joints, in any order -> a person in the order of COCO's 17, or of 18 with a neck.

    Raises:
        ValueError: no name is that of a joint, or one comes twice.
    """
    checked(points, where)
    skeleton: Skeleton = "openpose18" if "neck" in names else "coco17"
    rows = np.zeros((len(SKELETONS[skeleton]), 3))
    place = {name: number for number, name in enumerate(SKELETONS[skeleton])}
    known = [(place[name], number) for number, name in enumerate(names) if name in place]
    if not known:
        raise ValueError(f"{where}: none of its names is that of a joint: {', '.join(map(str, names[:4]))}")
    if len({joint for joint, _ in known}) < len(known):
        raise ValueError(f"{where}: a joint comes twice")
    for joint, number in known:
        rows[joint] = points[number]
    return Figure(rows, skeleton, scored, score)


def joint_name(text: str) -> str | None:
    """A name of any spelling ("leftShoulder", "LShoulder", "left shoulder") as Repose spells it; None of no joint."""
    word = re.sub(r"[^a-z]", "", text.lower())
    return _SPELLINGS.get(word)


def _spellings() -> dict[str, str]:
    words = {}
    for names in SKELETONS.values():
        for name in names:
            side, _, part = name.partition("_")
            words[name.replace("_", "")] = name
            if side in ("left", "right"):
                words[side[0] + part.replace("_", "")] = name
                words[part.replace("_", "") + side] = name
    return words


_SPELLINGS: Final = _spellings()


def _columns(points: Mapping[str, Any], where: str) -> tuple[Floats, bool]:
    """{"x": [...], "y": [...], "visible": [...]} -> (N, 3)."""
    if not {"x", "y"} <= set(points):
        raise ValueError(f"{where} is an object without lists x and y")
    x, y = (numbers(points[axis], f"{where}.{axis}") for axis in "xy")
    key = next((key for key in _SCORES if isinstance(points.get(key), list)), None)
    third = [1.0] * len(x) if key is None else numbers(points[key], f"{where}.{key}")
    if not len(x) == len(y) == len(third):
        raise ValueError(f"{where}: its lists hold {len(x)}, {len(y)} and {len(third)} numbers; as many are needed")
    return np.stack([array(column, where) for column in (x, y, third)], axis=1), key is not None


def _number(value: object) -> float | None:
    """A score of a person; a list of one number, as mmpose writes it, is that number."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    try:
        return finite(value, "the score")
    except ValueError:
        return None
