"""Repose's own JSON: names, x, y, visible. The only format that loses no joint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from repose.person import EXTRA_POINTS, JOINTS
from repose.represent.pose_files.errors import FormatError
from repose.represent.pose_files.figures import (
    Figure,
    Floats,
    Picture,
    PictureSize,
    Record,
    array,
    checked,
    size_of,
    triples,
)
from repose.represent.pose_files.text import dumps


def is_own(data: object) -> bool:
    """Whether parsed JSON is a file of this format."""
    return isinstance(data, dict) and data.get("format") == "repose-keypoints"


def own_pictures(file: Path, data: Mapping[str, Any]) -> Iterator[Record]:
    """The people of a file, a picture each; FormatError where the version or the size is a wrong one."""
    if data.get("version") != 1 or not isinstance(data.get("people"), dict):
        raise FormatError(
            file, None, f"version {data.get('version')!r} of repose-keypoints is not known; this Repose reads version 1"
        )
    sides = data.get("size")
    if sides is not None and not (isinstance(sides, list) and len(sides) == 2):
        raise FormatError(file, None, f"size is {str(sides)[:60]}; it must be [height, width] or null")
    try:
        size = None if sides is None else size_of({"height": sides[0], "width": sides[1]}, "height", "width")
    except ValueError as error:
        raise FormatError(file, None, str(error)) from None
    beyond = data.get("extra_keypoints") or {}
    if not isinstance(beyond, dict):
        raise FormatError(file, None, f"extra_keypoints is {str(beyond)[:60]}; an object of names is needed")
    for name, rows in data["people"].items():
        try:
            numbers = [value for point in rows for value in point] if isinstance(rows, list) else None
            points, three = triples(numbers, name, (18,))
            if not three:
                raise ValueError(f"{name} holds 36 numbers, 54 (openpose18) are needed")
            checked(points, name)
            extra = _extra(beyond[name], f"extra_keypoints of {name}") if name in beyond else None
        except (TypeError, ValueError) as error:
            yield FormatError(file, None, str(error), name)
            continue
        for values in (points, extra):
            if values is not None:
                values[:, 2] = np.where(values[:, 2] >= 1, 1.0, np.where(values[:, 2] > 0, 0.5, 0.0))
        yield Picture(name, [Figure(points, "openpose18", scored=False, marked=False, extra=extra)], size, pixels=True)


def _extra(rows: Any, where: str) -> Floats:
    """(48, 3) of a file's lists. ValueError where they are something else."""
    points = array(rows, where) if isinstance(rows, list) else np.zeros(0)
    if points.shape != (len(EXTRA_POINTS), 3):
        raise ValueError(f"{where}: {len(EXTRA_POINTS)} lists of x, y, visible are needed")
    checked(points, where)
    return points


def own_text(
    people: Mapping[str, Tensor], sizes: Mapping[str, PictureSize], extras: Mapping[str, Tensor] | None = None
) -> str:
    """A file of name -> (18, 3), of the size if all pictures have the same, and of name -> (48, 3) where there is."""
    size = next(iter(sizes.values())) if len(set(sizes.values())) == 1 else None
    rows = {name: keypoints.tolist() for name, keypoints in people.items()}
    head = {"format": "repose-keypoints", "version": 1, "joints": list(JOINTS), "size": size}
    if not extras:
        return dumps({**head, "people": rows})
    beyond = {name: points.tolist() for name, points in extras.items()}
    return dumps({**head, "people": rows, "extra_points": list(EXTRA_POINTS), "extra_keypoints": beyond})
