"""Dress Code's keypoints: {"keypoints": 18 x [x, y, score, index]}, OpenPose's order, (-1, -1) for a missing joint.

The coordinates are of a picture of 384 x 512 pixels, half the size of the data set's pictures: its own reader
multiplies them by width / 384 and height / 512.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from repose.represent.pose_files.errors import FormatError
from repose.represent.pose_files.figures import Picture, Record, figure, marked, triples
from repose.represent.pose_files.openpose import stem

SIZE: Final = (512, 384)
"""(height, width) that the coordinates are of."""


def is_dress_code(data: object) -> bool:
    """Whether parsed JSON is a file of Dress Code, or a bare list of points under `keypoints`."""
    return isinstance(data, dict) and set(data) == {"keypoints"} and isinstance(data["keypoints"], list)


def dress_code_picture(file: Path, data: Mapping[str, Any]) -> Iterator[Record]:
    """The picture of a file; its size is `SIZE` where every joint lies inside."""
    name, points = stem(file), data["keypoints"]
    try:
        rows, scored = triples(points, "keypoints")
        one = figure(rows, "keypoints", scored)
    except ValueError as error:
        yield FormatError(file, None, str(error), name)
        return
    four = isinstance(points[0], list) and len(points[0]) == 4
    there = rows[(rows[:, 2] > 0) & ~marked(rows)]
    inside = bool((there[:, 0] < SIZE[1]).all() and (there[:, 1] < SIZE[0]).all())
    yield Picture(name, [one], SIZE if four and inside else None)
