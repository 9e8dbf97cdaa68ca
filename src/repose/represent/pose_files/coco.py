"""COCO's JSON: annotations with their pictures, and lists of results; AlphaPose and mmpose 0.x write such lists.

- annotations: `annotations[].keypoints`, x, y, v of 17 joints (Halpe: 136), v 0 missing, 1 occluded, 2 seen, and
  `images`;
- results: a list of `keypoints`, x, y, score, with `image_id`: AlphaPose (17, Halpe 26 and 136 points), mmpose 0.x
  (lists of [x, y, score]), and what `pycocotools` reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from repose.person import EXTRA_POINTS, FOOT_POINTS, HAND_POINTS
from repose.represent.keypoints import SKELETONS, to_skeleton
from repose.represent.pose_files.entries import entry_figure
from repose.represent.pose_files.errors import FormatError
from repose.represent.pose_files.figures import (
    Figure,
    Picture,
    PictureSize,
    Record,
    beside,
    size_of,
)
from repose.represent.pose_files.openpose import as_body25b
from repose.represent.pose_files.text import dumps, flat, short

_ANNOTATED: Final = (17, 26, 133, 136)
_RESULTS: Final = (17, 18, 25, 26, 133, 136)
_WHOLE_BODY: Final = {
    "foot_kpts": len(FOOT_POINTS), "lefthand_kpts": len(HAND_POINTS), "righthand_kpts": len(HAND_POINTS)
}  # fmt: skip
"""COCO-WholeBody's keys of feet and hands, and how many points each has; in the order of `EXTRA_POINTS`."""

_FACE: Final = 68
_NAMES: Final = ("image_id", "image_name", "file_name", "image", "img", "filename")


def is_annotations(data: object) -> bool:
    """Whether parsed JSON is a file of annotations."""
    return isinstance(data, dict) and "annotations" in data


def is_results(data: object) -> bool:
    """Whether parsed JSON is a list of results."""
    return isinstance(data, list) and bool(data) and all(isinstance(one, dict) and "keypoints" in one for one in data)


def annotated(file: Path, data: Mapping[str, Any]) -> Iterator[Record]:
    """The pictures of a file of annotations, in the order of their first person.

    Raises:
        FormatError: there are no annotations, or the list of pictures is damaged.
    """
    annotations, images = data["annotations"], data.get("images", [])
    if not isinstance(annotations, list) or not annotations:
        raise FormatError(file, None, "the file holds no people ('annotations' is empty); give a file with annotations")
    if not isinstance(images, list):
        raise FormatError(file, None, f"images must be a list, got {str(images)[:60]}")
    titles: dict[object, str] = {}
    sizes: dict[str, PictureSize] = {}
    for image in images:
        if not isinstance(image, dict) or not {"id", "file_name"} <= set(image):
            raise FormatError(file, None, f"an entry of images has no id and file_name: {str(image)[:60]}")
        if not isinstance(image["id"], str | int | float):
            raise FormatError(file, None, f"images: the id {str(image['id'])[:60]} is neither a number nor text")
        name = titles[image["id"]] = str(image["file_name"])
        try:
            sizes[name] = size_of(image, "height", "width")
        except ValueError as error:
            raise FormatError(file, None, str(error)) from None
    return _grouped(file, annotations, titles, sizes, flags=True)


def results(file: Path, data: Sequence[Any]) -> Iterator[Record]:
    """The pictures of a list of results, in the order of their first person."""
    return _grouped(file, data, {}, {}, flags=False)


def whole_body_text(
    people: Mapping[str, Tensor], sizes: Mapping[str, PictureSize], extras: Mapping[str, Tensor] | None = None
) -> str:
    """As `coco_text` with feet and hands, name -> (48, 3), as COCO-WholeBody has them beside the 17 joints."""
    return coco_text(people, sizes, extras or {})


def _flagged(points: Tensor) -> Tensor:
    """x, y, visible -> x, y, v: 2 for seen, 1 for occluded, 0 for missing."""
    third = torch.where(points[:, 2] > 0, torch.where(points[:, 2] >= 1, 2.0, 1.0), 0.0)
    return torch.cat([points[:, :2], third[:, None]], 1)


def coco_text(
    people: Mapping[str, Tensor], sizes: Mapping[str, PictureSize], extras: Mapping[str, Tensor] | None = None
) -> str:
    """A file of annotations of name -> (18, 3), and of the sizes that are known. The neck is lost.

    With `extras`, name -> (48, 3), each person has the keys of COCO-WholeBody, too; the face is missing.
    """
    images, annotations = [], []
    for number, (name, keypoints) in enumerate(people.items(), start=1):
        points = _flagged(to_skeleton(keypoints, "coco17"))
        located = points[points[:, 2] > 0, :2]
        first, last = (located.amin(0), located.amax(0)) if len(located) else (torch.zeros(2), torch.zeros(2))
        box = [short(value) for value in (*first.tolist(), *(last - first).tolist())]
        size = sizes[name]
        shape = {} if size is None else {"height": size[0], "width": size[1]}
        images.append({"id": number, "file_name": name, **shape})
        annotations.append(
            {
                "id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "bbox": box,
                "area": short(box[2] * box[3]), "num_keypoints": len(located), "keypoints": flat(points),
                **({} if extras is None else _whole_body_keys(extras.get(name))),
            }
        )  # fmt: skip
    category = {"id": 1, "name": "person", "keypoints": list(SKELETONS["coco17"]), "skeleton": []}
    return dumps({"images": images, "annotations": annotations, "categories": [category]})


def _whole_body_keys(extra: Tensor | None) -> dict[str, object]:
    """The keys that COCO-WholeBody has beside `keypoints`, of (48, 3) or of nobody's."""
    extra = torch.zeros(len(EXTRA_POINTS), 3) if extra is None else extra
    keys: dict[str, object] = {"face_kpts": [0] * 3 * _FACE, "face_valid": False}
    parts = torch.split(_flagged(extra), list(_WHOLE_BODY.values()))
    for key, points in zip(_WHOLE_BODY, parts, strict=True):
        keys |= {key: flat(points), key.replace("_kpts", "_valid"): bool((points[:, 2] > 0).any())}
    return keys


# -- inside ---------------------------------------------------------------------------------------------------------


def _grouped(
    file: Path,
    entries: Sequence[Any],
    titles: Mapping[object, str],
    sizes: Mapping[str, PictureSize],
    flags: bool,
) -> Iterator[Record]:
    groups: dict[str, list[Figure]] = {}
    for number, entry in enumerate(entries):
        where = f"annotations[{number}]"
        picture = next((entry[key] for key in _NAMES if key in entry), None) if isinstance(entry, dict) else None
        if not isinstance(picture, str | int | float | None):
            yield FormatError(file, None, f"{where}.image_id is {str(picture)[:60]}; it must be a number or text")
            continue
        name = titles.get(picture, file.stem if picture is None else str(picture))
        if not isinstance(entry, dict):
            yield FormatError(file, None, f"{where}.keypoints is not a list of numbers", name)
            continue
        if "keypoints" not in entry:
            groups.setdefault(name, [])  # a thing, or a person whose joints nobody has annotated
            continue
        try:
            one = entry_figure(entry, where, counts=_ANNOTATED if flags else _RESULTS)
            if one.extra is None:
                whole = beside(entry, _WHOLE_BODY)
                one.extra = whole if whole.any() else None
        except ValueError as error:
            yield FormatError(file, None, str(error), name)
            continue
        if _are_flags(one, flags):
            one.points[:, 2] = np.minimum(one.points[:, 2], 2) / 2
            if one.extra is not None:
                one.extra[:, 2] = np.minimum(one.extra[:, 2], 2) / 2
            one.scored = False
        groups.setdefault(name, []).append(one)
    for name, figures in groups.items():
        as_body25b(figures)
        yield Picture(name, figures, sizes.get(name), pixels=flags)


def _are_flags(one: Figure, annotations: bool) -> bool:
    """Whether the third column is COCO's v: 0, 1 or 2. Results have scores, unless a 2 stands among 0, 1 and 2."""
    values = set(one.points[:, 2].tolist())
    return values <= {0.0, 1.0, 2.0} and (annotations or 2.0 in values)
