"""OpenPose's JSON, and that of ControlNet, ComfyUI and their pose editors.

- OpenPose: `people[].pose_keypoints_2d`, x, y, score of BODY-25, BODY-25B or COCO-18; score 0 is a missing joint;
- ControlNet and ComfyUI: the same with `canvas_height` and `canvas_width`, also as a list of frames, in pixels or in
  shares of the canvas;
- editors: `width`, `height` and `keypoints`: 18 points [x, y], of one person or a list of people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from repose.person import FOOT_POINTS, HAND_POINTS
from repose.represent.keypoints import SKELETONS
from repose.represent.pose_files.errors import FormatError
from repose.represent.pose_files.figures import (
    Figure,
    Floats,
    Picture,
    Record,
    beside,
    figure,
    marked,
    size_of,
    triples,
)

_BODY: Final = (18, 25)
_BODY_KEYS: Final = ("pose_keypoints_2d", "pose_keypoints", "joints", "keypoints")
_NAMES: Final = ("image_name", "file_name", "filename", "image", "image_id", "name")
HAND_KEYS: Final = ("hand_left_keypoints_2d", "hand_right_keypoints_2d")
_OTHER_KEYS: Final = ("face_keypoints_2d", *HAND_KEYS)
_SIZE_KEYS: Final = (("canvas_height", "canvas_width"), ("height", "width"), ("image_height", "image_width"))

_BONES: Final = (
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("right_hip", "right_knee"), ("right_knee", "right_ankle"),
    ("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"), ("right_eye", "right_ear"),
    ("left_ankle", "left_heel"), ("right_ankle", "right_heel"), ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
)  # fmt: skip


def is_frame(data: object) -> bool:
    """Whether parsed JSON is one picture of OpenPose's format."""
    return isinstance(data, dict) and "people" in data and "annotations" not in data


def is_editor(data: object) -> bool:
    """Whether parsed JSON is an editor's: keypoints without names beside the size of the canvas."""
    return (
        isinstance(data, dict)
        and isinstance(data.get("keypoints"), list)
        and any({height, width} <= set(data) for height, width in _SIZE_KEYS)
        and not any(isinstance(entry, dict) for entry in data["keypoints"])
    )


def frame_picture(file: Path, data: Mapping[str, Any], name: str, key: str = "people") -> Iterator[Record]:
    """One picture: `data[key]` are its people. People without a body are left out, a picture of nobody has none.

    Raises:
        FormatError: the size is a wrong one, or the people have hands and faces alone.
    """
    people = data[key]
    if not isinstance(people, list):
        yield FormatError(file, None, f"{key} is {str(people)[:60]}, a list is needed", name)
        return
    size = size_beside(file, data)
    figures, bare = [], []
    for number, entry in enumerate(people):
        where = f"{key}[{number}]"
        label = next((label for label in _BODY_KEYS if isinstance(entry, dict) and label in entry), _BODY_KEYS[0])
        body = entry.get(label) if isinstance(entry, dict) else None
        if isinstance(entry, dict) and not body:
            bare.append(f"{where}.{label} is {'empty' if body == [] else 'not a list of numbers'}")
            continue
        try:
            one = _body(body, f"{where}.{label}")
            one.extra = _hands(entry) if isinstance(entry, dict) else None
            figures.append(one)
        except ValueError as error:
            yield FormatError(file, None, str(error), name)
    if bare and not figures:
        held = sorted({part for entry in people if isinstance(entry, dict) for part in _OTHER_KEYS if entry.get(part)})
        only = f": the file has no body, only {', '.join(held)}" if held else ": the file has no body"
        yield FormatError(file, None, f"{bare[0]}{only}. Estimate the body, too", name)
        return
    model = data.get("model_pose")
    if model == "BODY_25B":
        for one in figures:
            one.skeleton = "body25b" if one.skeleton == "body25" else one.skeleton
    elif model != "BODY_25":
        as_body25b(figures)
    yield Picture(name, figures, size)


def frames(file: Path, data: Sequence[Any]) -> Iterator[Record]:
    """A list of pictures: the frames of a video, or what ComfyUI saves. One frame has the name of the file."""
    for number, entry in enumerate(data):
        told = next((entry[key] for key in _NAMES if isinstance(entry, dict) and isinstance(entry.get(key), str)), None)
        name = told or (stem(file) if len(data) == 1 else f"frame_{number}")
        if not is_frame(entry):
            yield FormatError(file, None, f"entry {number} of the list has no people: {str(entry)[:60]}", name)
            continue
        yield from frame_picture(file, entry, name)


def editor_picture(file: Path, data: Mapping[str, Any]) -> Iterator[Record]:
    """An editor's file: one person or several, of 18 or 25 points each."""
    name, size, points = stem(file), size_beside(file, data), data["keypoints"]
    several = bool(points) and all(
        isinstance(entry, list) and bool(entry) and (isinstance(entry[0], list | None) or len(entry) > 4)
        for entry in points
    )
    figures = []
    for number, entry in enumerate(points if several else [points] if points else []):
        try:
            figures.append(_body(entry, f"keypoints[{number}]" if several else "keypoints"))
        except ValueError as error:
            yield FormatError(file, None, str(error), name)
    as_body25b(figures)
    yield Picture(name, figures, size)


def stem(file: Path) -> str:
    """The name of the picture that a file of one picture is of: OpenPose writes <picture>_keypoints.json."""
    return file.stem.removesuffix("_keypoints")


def size_beside(file: Path, data: Mapping[str, Any]) -> tuple[int, int] | None:
    """The size that stands in a file beside its people; FormatError where it is a wrong one."""
    try:
        return next((size for keys in _SIZE_KEYS if (size := size_of(data, *keys)) is not None), None)
    except ValueError as error:
        raise FormatError(file, None, str(error)) from None


def _body(points: object, where: str) -> Figure:
    if isinstance(points, list) and list not in set(map(type, points)) and len(points) % 3:
        raise ValueError(
            f"{where} holds {len(points)} numbers, and each point has three: x, y, score; it may be cut off"
        )
    rows, scored = triples(points, where, _BODY)
    return figure(rows, where, scored, counts=_BODY)


def _hands(entry: Mapping[str, Any]) -> Floats | None:
    """Feet (missing) and both hands (48, 3) that stand beside a body; None where there are none.

    A list of another length than 21 points, or with something else than numbers, is no hand and is left out.
    """
    whole = beside(entry, {"": len(FOOT_POINTS), **dict.fromkeys(HAND_KEYS, len(HAND_POINTS))})
    return whole if whole.any() else None


# -- BODY-25 and BODY-25B -------------------------------------------------------------------------------------------


def as_body25b(people: Sequence[Figure]) -> None:
    """Call people of 25 points BODY-25B where they are: both models of OpenPose have 25 points in different orders.

    In BODY-25, point 1 is the middle of the shoulders (2, 5), and point 8 of the hips (9, 12). BODY-25B has neither:
    its points 1 and 8 are an eye and an elbow. The lengths of the bones decide where the middles are missing: in the
    wrong order they cross the whole figure.
    """
    several = [one for one in people if one.skeleton == "body25"]
    if not several:
        return
    right = sum(_strain(one.points, "body25") for one in several)
    if sum(_strain(one.points, "body25b") for one in several) < right:
        for one in several:
            one.skeleton = "body25b"


def _strain(points: Floats, skeleton: str) -> float:
    """How badly 25 points fit an order: the mean length of the bones and of what the middles are off."""
    names = SKELETONS[skeleton]
    there = (points[:, 2] > 0) & ~marked(points)
    place = {name: points[number, :2] for number, name in enumerate(names) if there[number]}
    off = [float(np.hypot(*(place[a] - place[b]))) for a, b in _BONES if a in place and b in place]
    for middle, first, second in (("neck", "left_shoulder", "right_shoulder"), ("mid_hip", "left_hip", "right_hip")):
        if {middle, first, second} <= set(place):
            off.append(float(np.hypot(*(place[middle] - (place[first] + place[second]) / 2))))
    return float(np.mean(off)) if off else 0.0
