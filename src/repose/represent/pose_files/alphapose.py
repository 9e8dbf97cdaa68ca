"""AlphaPose with --format cmu or open: an object of pictures, each with `bodies[].joints` or `people`.

Both have the 18 joints of OpenPose's COCO model, x, y, score. The folder sep-json holds a file for each picture,
without its name. AlphaPose's default format is a list like COCO's results, which `repose.represent.pose_files.coco`
reads. Scores of joints lie between 0 and 1, of older models they pass it; AlphaPose draws a joint from 0.4 on, its
maintainers advise 0.2 to 0.3. The score of a person, 0.5 to 3, is of another scale and is compared among people alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repose.represent.pose_files.errors import FormatError
from repose.represent.pose_files.figures import Record
from repose.represent.pose_files.openpose import frame_picture, stem


def is_bodies(data: object) -> bool:
    """Whether parsed JSON is one picture of --format cmu."""
    return isinstance(data, dict) and "bodies" in data


def is_pictures(data: object) -> bool:
    """Whether parsed JSON is an object of pictures by name."""
    return (
        isinstance(data, dict)
        and bool(data)
        and all(isinstance(one, dict) and ("bodies" in one or "people" in one) for one in data.values())
    )


def bodies(file: Path, data: Mapping[str, Any]) -> Iterator[Record]:
    """One picture of --format cmu."""
    return frame_picture(file, data, stem(file), "bodies")


def pictures(file: Path, data: Mapping[str, Any]) -> Iterator[Record]:
    """An object of pictures by name, of either format."""
    for name, one in data.items():
        try:
            yield from frame_picture(file, one, name, "bodies" if "bodies" in one else "people")
        except FormatError as error:
            yield error
