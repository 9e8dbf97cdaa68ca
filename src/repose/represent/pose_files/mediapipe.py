"""MediaPipe's landmarks and the poses of TensorFlow.js: objects with x, y, a score and perhaps a name.

- MediaPipe: 33 landmarks, x and y in shares of the picture, `visibility`; `pose_landmarks`, `poseLandmarks`,
  `landmarks` or `landmark`, of one person or a list of people. World landmarks are metres and no pose of a picture;
- tfjs (MoveNet, PoseNet, BlazePose): poses with `keypoints`, x and y in pixels, `score` and `name`;
- PoseNet of before 2021: `part` and `position`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from repose.represent.pose_files.entries import entry_figure, objects
from repose.represent.pose_files.errors import FormatError
from repose.represent.pose_files.figures import Figure, Picture, Record, figure, triples
from repose.represent.pose_files.openpose import size_beside, stem

_LANDMARKS: Final = ("pose_landmarks", "poseLandmarks", "landmarks", "landmark")
_WORLD: Final = ("pose_world_landmarks", "poseWorldLandmarks", "world_landmarks", "worldLandmarks")


def is_landmarks(data: object) -> bool:
    """Whether parsed JSON holds landmarks or a pose of TensorFlow.js."""
    if isinstance(data, dict):
        if any(key in data for key in (*_LANDMARKS, *_WORLD)):
            return True
        return _has_objects(data.get("keypoints")) or isinstance(data.get("keypoints"), dict)
    if not isinstance(data, list) or not data:
        return False
    first = data[0]
    if isinstance(first, list):
        return bool(first) and _is_point(first[0])
    if isinstance(first, dict) and (_has_objects(first.get("keypoints")) or isinstance(first.get("keypoints"), dict)):
        return True
    return _is_point(first)


def landmarks(file: Path, data: Any) -> Iterator[Record]:
    """The picture of a file.

    Raises:
        FormatError: it holds world landmarks alone, or a wrong size.
    """
    size = None
    if isinstance(data, dict) and "keypoints" not in data:
        size = size_beside(file, data)
        key = next((key for key in _LANDMARKS if data.get(key)), None)
        if key is None:
            raise FormatError(
                file, None, "the file holds no landmarks in the picture: world landmarks are metres around the hips; "
                "give pose_landmarks"
            )  # fmt: skip
        data = data[key]
        if isinstance(data, dict):  # a message of protobuf: {"landmark": [...]}
            data = data.get("landmark", [])
    elif isinstance(data, dict):
        size, data = size_beside(file, data), [data]
    name = stem(file)
    figures = []
    for number, one in enumerate(_people(data)):
        where = f"[{number}]"
        try:
            figures.append(_figure(one, where))
        except ValueError as error:
            yield FormatError(file, None, str(error), name)
    yield Picture(name, figures, size)


def _people(data: Any) -> Sequence[Any]:
    """A person's points, or a list of people's, -> a list of people."""
    if not isinstance(data, list):
        return [data]
    if data and (_is_point(data[0]) or (isinstance(data[0], list) and bool(data[0]) and _is_number(data[0][0]))):
        return [data]
    return data


def _figure(one: Any, where: str) -> Figure:
    if isinstance(one, dict) and "keypoints" in one:
        return entry_figure(one, where)
    if isinstance(one, dict) and "landmark" in one:
        one = one["landmark"]
    if isinstance(one, list) and one and isinstance(one[0], dict):
        return objects(one, where)
    if isinstance(one, list) and one and all(isinstance(point, list) and len(point) == 4 for point in one):
        rows, _ = triples([[point[0], point[1], point[3]] for point in one], where)  # x, y, z, visibility
        return figure(rows, where)
    rows, scored = triples(one, where)
    return figure(rows, where, scored)


def _has_objects(points: object) -> bool:
    return isinstance(points, list) and bool(points) and _is_point(points[0])


def _is_point(value: object) -> bool:
    return isinstance(value, dict) and ({"x", "y"} <= set(value) or isinstance(value.get("position"), dict))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
