"""Keypoint files and pair lists: read and write any of six formats.

    people = read_keypoints("market-annotation-test.csv")   # name -> (18, 3)
    write_keypoints("pose.json", {"me": keypoints}, size=(400, 300))
    people = read_poses("pose.json")                        # name -> Person, with the size of its picture

| format | file | missing joint | size |
|---|---|---|---|
| patn | CSV `name:keypoints_y:keypoints_x`, two JSON lists a row | -1 | not held |
| roy | CSV `file_id,img_h,img_w,p0_x,p0_y,..,p17_x,p17_y` | -1 | of each picture |
| openpose, openpose-body25 | JSON of a picture: `people[].pose_keypoints_2d`, x, y, score | score 0 | `canvas_height` |
| coco | JSON: `annotations[].keypoints`, x, y, v with v 1 occluded, 2 seen | v 0 | `images[].height` |
| repose | JSON: names, x, y, visible; the only one that loses no joint | visible 0 | one for all |

A joint is missing in a CSV if either coordinate is below -0.5, as that lies outside every picture. The CSVs do not
distinguish occluded from seen. Coordinates are pixel indices.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor

from repose.files import replacing
from repose.names import nearest
from repose.person import JOINTS, Person
from repose.represent.keypoints import SKELETONS, from_skeleton, to_skeleton

Format = Literal["patn", "roy", "openpose", "openpose-body25", "coco", "repose"]
FORMATS: Final = ("patn", "roy", "openpose", "openpose-body25", "coco", "repose")

Choice = int | Literal["largest"]
"""Which of several people in one picture: by place in the file, or the one whose joints span the largest area."""


class FormatError(ValueError):
    """A file, or one record of it, that cannot be read.

    Attributes:
        path: the file.
        line: of a CSV, counted from 1 with the header; None for an error of the whole file or of a JSON record.
        name: of the picture that the record is about, if it could be read.
        problem: what is wrong and what to do.
    """

    def __init__(self, path: Path, line: int | None, problem: str, name: str | None = None) -> None:
        self.path, self.line, self.problem, self.name = path, line, problem, name
        super().__init__(f"{path}{'' if line is None else f', line {line}'}: {problem}")


OnError = Literal["raise"] | Callable[[FormatError], object]


def read_keypoints(
    path: str | os.PathLike[str],
    on_error: OnError = "raise",
    person: Choice = "largest",
    size: tuple[int, int] | None = None,
) -> dict[str, Tensor]:
    """The joints alone of `read_poses`: name of the picture -> float32 (18, 3)."""
    people = read_poses(path, on_error, person, size)
    return {name: one.keypoints for name, one in people.items() if one.keypoints is not None}


def read_poses(
    path: str | os.PathLike[str],
    on_error: OnError = "raise",
    person: Choice = "largest",
    size: tuple[int, int] | None = None,
) -> dict[str, Person]:
    """The people in a keypoint file; its content shows which of the formats it has.

    Args:
        path: CSV or JSON.
        on_error: what a bad record does: "raise", or a function that gets the `FormatError`; the record is skipped
            then, and the reading goes on. A name that comes twice is a bad record; the first one counts.
        person: which one, where a picture has several (OpenPose, COCO).
        size: (height, width) of the pictures, in place of what the file says. OpenPose files with normalised
            coordinates need it where they do not say it.

    Returns:
        name of the picture -> its person: keypoints float32 (18, 3), and the size where it is known. In the order of
        the file; the name is the file's stem where the file has none (OpenPose).

    Raises:
        FormatError: the format of the file is not known, it holds no people, or a record is bad and `on_error` is
            "raise".
        FileNotFoundError: there is no such file.
    """
    file = Path(path)
    text = _text(file)
    start = text.lstrip()[:1]
    if not start:
        raise FormatError(file, None, "the file is empty")
    records = _json_records(file, text, person, size) if start in "{[" else _csv_records(file, text)

    rows: dict[str, JointRow] = {}
    sizes: dict[str, PictureSize] = {}
    seen: dict[str, int | None] = {}
    for line, name, row, own_size in records:
        if name in seen:
            before = "" if seen[name] is None else f" (first in line {seen[name]})"
            row = FormatError(file, line, f"{name!r} comes twice{before}; remove one of the two", name)
        if isinstance(row, FormatError):
            _report(row, on_error)
            continue
        seen[name], rows[name], sizes[name] = line, row, size or own_size
    if not rows:
        return {}
    joints = torch.tensor(list(rows.values()), dtype=torch.float32).unbind()
    return {name: Person(keypoints=one, size=sizes[name]) for name, one in zip(rows, joints, strict=True)}


def write_keypoints(
    path: str | os.PathLike[str],
    people: Mapping[str, Tensor],
    format: Format | None = None,
    size: tuple[int, int] | None = None,
) -> None:
    """Joints into a file; written to a temporary name first, so that no reader sees half a file.

    Args:
        path: the file to write or replace; its folder is created.
        people: name of the picture -> (18, 3). OpenPose files take one.
        format: None: patn for a name ending in .csv, repose otherwise.
        size: (height, width) of the pictures; "roy" needs it, all but "patn" keep it.

    Raises:
        ValueError: unknown format, wrong shape, no size for "roy", several names for OpenPose, a name that the
            format cannot hold, or a located joint that is not finite.
    """
    file = Path(path)
    format = format or ("patn" if file.suffix.lower() == ".csv" else "repose")
    if format not in FORMATS:
        raise ValueError(f"write_keypoints: no format is called {format!r}; {nearest(format, FORMATS)}")
    clean = {}
    for name, keypoints in people.items():
        if tuple(keypoints.shape) != (len(JOINTS), 3):
            raise ValueError(f"write_keypoints: {name!r} has shape {tuple(keypoints.shape)}, (18, 3) is needed")
        keypoints = keypoints.detach().float().cpu()
        keypoints = torch.where(keypoints[:, 2:] > 0, keypoints, torch.zeros_like(keypoints))
        if not torch.isfinite(keypoints).all():
            raise ValueError(f"write_keypoints: {name!r} has a located joint that is not finite")
        clean[name] = keypoints
    if format == "patn":
        text = _patn_text(clean)
    elif format == "roy":
        if size is None:
            raise ValueError("write_keypoints: roy's format holds the size of the pictures; give size=(height, width)")
        text = _roy_text(clean, size)
    elif format == "coco":
        text = _coco_text(clean, size)
    elif format == "repose":
        text = _repose_text(clean, size)
    else:
        if len(clean) != 1:
            raise ValueError(f"write_keypoints: an OpenPose file holds one picture, got {len(clean)}; write one each")
        text = _openpose_text(next(iter(clean.values())), size, body25=format == "openpose-body25")
    with replacing(file) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def read_pairs(path: str | os.PathLike[str], on_error: OnError = "raise") -> list[tuple[str, str]]:
    """Pairs of picture names (source, target) from a CSV with the columns `from,to` (PATN) or `imgA,imgB` (Roy).

    Args:
        path: the CSV; further columns are ignored.
        on_error: what a row without two names does, as in `read_keypoints`.
    """
    file = Path(path)
    rows = _csv_rows(file, _text(file).split("\n"))
    header = [cell.strip() for cell in next(rows, (1, [""]))[1]]
    for columns in (("from", "to"), ("imgA", "imgB")):
        if set(columns) <= set(header):
            first, second = (header.index(column) for column in columns)
            break
    else:
        raise FormatError(file, 1, f"the header is {','.join(header)!r}; a pair list starts with from,to or imgA,imgB")
    pairs = []
    for line, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        names = [row[column].strip() if column < len(row) else "" for column in (first, second)]
        if len(row) != len(header) or not all(names):
            problem = f"{','.join(row)!r} is not one pair; {len(header)} columns are needed: {','.join(header)}"
            _report(FormatError(file, line, problem), on_error)
            continue
        pairs.append((names[0], names[1]))
    return pairs


# -- CSV ------------------------------------------------------------------------------------------------------------

JointRow = list[tuple[float, float, float]]
PictureSize = tuple[int, int] | None
"""(height, width) of the picture, where the file says it."""

Record = tuple[int | None, str, "JointRow | FormatError", PictureSize]
_PATN_COLUMNS: Final = ("name", "keypoints_y", "keypoints_x")
_ROY_COLUMNS: Final = ("file_id", "img_h", "img_w", *(f"p{i}_{axis}" for i in range(len(JOINTS)) for axis in "xy"))


def _csv_records(file: Path, text: str) -> Iterator[Record]:
    lines = text.split("\n")
    header = lines[0].strip()
    if sorted(header.replace(" ", "").split(":")) == sorted(_PATN_COLUMNS):
        return _patn_records(file, lines)
    if header.startswith("file_id,"):
        return _roy_records(file, lines)
    raise FormatError(
        file, 1, f"the file starts with {header[:60]!r}, which no known keypoint format does; known are "
        "a CSV with the header name:keypoints_y:keypoints_x (PATN) or file_id,img_h,img_w,p0_x,p0_y,.. (Roy), "
        "and JSON of OpenPose, COCO or Repose"
    )  # fmt: skip


def _patn_records(file: Path, lines: Sequence[str]) -> Iterator[Record]:
    columns = lines[0].replace(" ", "").split(":")  # y comes first, unless the header says otherwise
    if columns[0] != "name":  # a name may hold colons, so it must be the rest that the two lists leave
        raise FormatError(file, 1, f"the first column must be name, got {':'.join(columns)}")
    for line, content in enumerate(lines[1:], start=2):
        if not content.strip():
            continue
        cells = content.rsplit(":", 2)
        if len(cells) != 3:
            problem = f"{len(cells)} column(s) where 3 are needed ({':'.join(columns)}); the row may be cut off"
            yield line, content, FormatError(file, line, problem), None
            continue
        name = cells[0].strip()
        values = {}
        try:
            for column, cell in zip(columns[1:], cells[1:], strict=True):
                values[column] = _numbers(column, cell)
        except ValueError as error:
            yield line, name, FormatError(file, line, f"{name}: {error}", name), None
            continue
        yield line, name, _row(values["keypoints_x"], values["keypoints_y"]), None


def _numbers(column: str, cell: str) -> list[float]:
    """A JSON list of 18 finite numbers, or a ValueError that says what the cell holds instead."""
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):
        raise ValueError(f"{column} is not a list of numbers: {cell.strip()[:60]!r}") from None
    if not isinstance(values, list):
        raise ValueError(f"{column} is not a list of numbers: {cell.strip()[:60]!r}")
    _count(len(values), column)
    for value in values:
        _finite(value, column)
    return values


def _roy_records(file: Path, lines: Sequence[str]) -> Iterator[Record]:
    rows = _csv_rows(file, lines)
    header = [cell.strip() for cell in next(rows)[1]]
    if set(header) < set(_ROY_COLUMNS) and (len(header) - 3) % 2 == 0:
        joints = (len(header) - 3) // 2
        raise FormatError(file, 1, f"the header has {joints} joints, 18 are needed: {_JOINT_HINT}")
    if not set(_ROY_COLUMNS) <= set(header):
        absent = [column for column in _ROY_COLUMNS if column not in header]
        raise FormatError(file, 1, f"columns are missing: {', '.join(absent)}")
    place = {column: header.index(column) for column in _ROY_COLUMNS}
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        name = cells[place["file_id"]].strip() if len(cells) > place["file_id"] else ""
        if len(cells) != len(header):
            problem = f"{name:.60}: {len(cells)} columns where the header has {len(header)}"
            joints, odd = divmod(len(cells) - 3, 2)
            if len(header) == len(_ROY_COLUMNS) and joints > 0 and not odd:
                problem += f", so {joints} joints where 18 are needed"
            yield line, name, FormatError(file, line, problem, name), None
            continue
        try:
            points = [
                [_finite(cells[place[f"p{i}_{axis}"]], f"p{i}_{axis}") for i in range(len(JOINTS))] for axis in "xy"
            ]
            size = _size({key: cells[place[key]].strip() or None for key in ("img_h", "img_w")}, "img_h", "img_w")
        except ValueError as error:
            yield line, name, FormatError(file, line, f"{name}: {error}", name), None
            continue
        yield line, name, _row(points[0], points[1]), size


def _csv_rows(file: Path, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV with the number of the line that each ends in."""
    rows = csv.reader(lines)
    try:
        for cells in rows:
            yield rows.line_num, cells
    except csv.Error as error:  # such as a quote that is never closed
        raise FormatError(file, rows.line_num, f"the CSV cannot be read: {error}") from None


def _row(x: Sequence[float], y: Sequence[float]) -> JointRow:
    """Two CSV lists -> 18 triples; a joint of which one coordinate is outside every picture is missing."""
    return [(a, b, 1.0) if a >= -0.5 and b >= -0.5 else (0.0, 0.0, 0.0) for a, b in zip(x, y, strict=True)]


def _patn_text(people: Mapping[str, Tensor]) -> str:
    lines = [":".join(_PATN_COLUMNS)]
    for name, keypoints in people.items():
        _plain(name)
        x, y = _csv_lists(keypoints)
        lines.append(f"{name}: {json.dumps(y)}: {json.dumps(x)}")
    return "\n".join(lines) + "\n"


def _roy_text(people: Mapping[str, Tensor], size: tuple[int, int]) -> str:
    lines = [",".join(_ROY_COLUMNS)]
    for name, keypoints in people.items():
        _plain(name)
        x, y = _csv_lists(keypoints)
        cells = [name if not set(name) & set(',"') else '"' + name.replace('"', '""') + '"', *map(str, size)]
        lines.append(",".join([*cells, *(str(value) for point in zip(x, y, strict=True) for value in point)]))
    return "\n".join(lines) + "\n"


def _csv_lists(keypoints: Tensor) -> tuple[list[float], list[float]]:
    """x and y with -1 for a missing joint; whole numbers as such, as the official readers expect them."""
    missing = (keypoints[:, 2] <= 0) | (keypoints[:, :2] < -0.5).any(1)
    x, y = (torch.where(missing, -1.0, keypoints[:, axis]).tolist() for axis in (0, 1))
    return [_short(value) for value in x], [_short(value) for value in y]


# -- JSON -----------------------------------------------------------------------------------------------------------


def _json_records(file: Path, text: str, person: Choice, size: tuple[int, int] | None) -> Iterator[Record]:
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _once(file, pairs))
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg} at column {error.colno}; the file may be cut off"
        raise FormatError(file, error.lineno, problem) from None
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets a thousand deep
        raise FormatError(file, None, f"the JSON cannot be read: {error}") from None
    if isinstance(data, dict) and data.get("format") == "repose-keypoints":
        return _repose_records(file, data)
    if isinstance(data, dict) and "people" in data:
        return _openpose_records(file, data, person, size)
    if isinstance(data, dict) and "annotations" in data:
        return _coco_records(file, data["annotations"], data.get("images", []), person)
    if isinstance(data, list) and data and all(isinstance(entry, dict) and "keypoints" in entry for entry in data):
        return _coco_records(file, data, None, person)
    keys = f"the keys {', '.join(map(repr, list(data)[:5]))}" if isinstance(data, dict) else "a list"
    raise FormatError(
        file, None, f"JSON with {keys} is not in a known keypoint format; known are OpenPose "
        "(people[].pose_keypoints_2d), COCO (annotations[].keypoints) and Repose"
    )  # fmt: skip


def _once(file: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; json itself would keep the last of two values under one name and say nothing."""
    entries: dict[str, Any] = {}
    for key, value in pairs:
        if key in entries:
            raise FormatError(file, None, f"{key!r} comes twice in one object; remove one of the two", key)
        entries[key] = value
    return entries


def _openpose_records(
    file: Path, data: Mapping[str, Any], person: Choice, size: tuple[int, int] | None
) -> Iterator[Record]:
    people = data["people"]
    if not isinstance(people, list) or not people:
        raise FormatError(
            file, None, "the file holds no people ('people' is empty); estimate a picture that shows a person"
        )
    name = file.stem.removesuffix("_keypoints")  # OpenPose writes <picture>_keypoints.json
    size = size or _file_size(file, data, "canvas_height", "canvas_width")
    skeletons = []
    for number, entry in enumerate(people):
        where = f"people[{number}]"
        flat = entry.get("pose_keypoints_2d", entry.get("pose_keypoints")) if isinstance(entry, dict) else None
        try:
            points = _triples(flat, f"{where}.pose_keypoints_2d", {18: "openpose18", 25: "body25"})
        except ValueError as error:
            yield None, f"{name} {where}", FormatError(file, None, str(error), name), None
            continue
        located = points[points[:, 2] > 0, :2]
        normalised = len(located) >= 3 and bool((located.abs() <= 1).all())
        if normalised and bool((located < -0.2).any()):
            raise FormatError(
                file, None, f"{where} has coordinates from -1 to 1; write them with keypoint_scale 0 or 3"
            )
        if normalised and size is None:
            problem = f"{where} has normalised coordinates (0 to 1): give size=(height, width) of the picture"
            raise FormatError(file, None, problem)
        skeleton: Literal["openpose18", "body25"] = "body25" if len(points) == 25 else "openpose18"
        skeletons.append(from_skeleton(points, skeleton, size=size if normalised else None))
    if skeletons:
        yield None, name, _chosen(file, skeletons, person, name), size


def _coco_records(file: Path, annotations: Any, images: Any, person: Choice) -> Iterator[Record]:
    """Annotations, whose third number is 0, 1 or 2, or (images None) results, where it is a score."""
    if not isinstance(annotations, list) or not annotations:
        raise FormatError(file, None, "the file holds no people ('annotations' is empty); give a file with annotations")
    if not isinstance(images, list | None):
        raise FormatError(file, None, f"images must be a list, got {str(images)[:60]}")
    titles: dict[object, str] = {}
    sizes: dict[str, PictureSize] = {}
    for image in images or []:
        if not isinstance(image, dict) or not {"id", "file_name"} <= set(image):
            raise FormatError(file, None, f"an entry of images has no id and file_name: {str(image)[:60]}")
        if not isinstance(image["id"], str | int | float):
            raise FormatError(file, None, f"images: the id {str(image['id'])[:60]} is neither a number nor text")
        name = titles[image["id"]] = str(image["file_name"])
        sizes[name] = _file_size(file, image, "height", "width")
    groups: dict[str, list[Tensor]] = {}
    for number, entry in enumerate(annotations):
        where = f"annotations[{number}]"
        picture = entry.get("image_id") if isinstance(entry, dict) else None
        if not isinstance(picture, str | int | float | None):
            problem = f"{where}.image_id is {str(picture)[:60]}; it must be a number or text"
            yield None, where, FormatError(file, None, problem), None
            continue
        name = titles.get(picture, file.stem if picture is None else str(picture))
        flat = entry.get("keypoints") if isinstance(entry, dict) else None
        try:
            points = _triples(flat, f"{where}.keypoints", {17: "coco17"})
        except ValueError as error:
            yield None, f"{name} {where}", FormatError(file, None, str(error), name), None
            continue
        groups.setdefault(name, []).append(from_skeleton(points, "coco17", seen=None if images is None else 2))
    for name, skeletons in groups.items():
        yield None, name, _chosen(file, skeletons, person, name), sizes.get(name)


def _repose_records(file: Path, data: Mapping[str, Any]) -> Iterator[Record]:
    if data.get("version") != 1 or not isinstance(data.get("people"), dict):
        raise FormatError(
            file, None, f"version {data.get('version')!r} of repose-keypoints is not known; this Repose reads version 1"
        )
    sides = data.get("size")
    if sides is not None and not (isinstance(sides, list) and len(sides) == 2):
        raise FormatError(file, None, f"size is {str(sides)[:60]}; it must be [height, width] or null")
    size = None if sides is None else _file_size(file, {"height": sides[0], "width": sides[1]}, "height", "width")
    for name, points in data["people"].items():
        try:
            flat = [value for point in points for value in point] if isinstance(points, list) else None
            keypoints = from_skeleton(_triples(flat, name, {18: "openpose18"}), "openpose18", seen=1.0)
        except (TypeError, ValueError) as error:
            yield None, name, FormatError(file, None, str(error), name), None
            continue
        yield None, name, _triples_of(keypoints), size


def _triples(flat: Any, where: str, counts: Mapping[int, str]) -> Tensor:
    """A flat JSON list of x, y, score -> (N, 3), N one of `counts`; ValueError that says what it is instead."""
    if not isinstance(flat, list):
        raise ValueError(f"{where} is not a list of numbers")
    if len(flat) % 3 or len(flat) // 3 not in counts:
        wanted = " or ".join(f"{3 * count} ({counts[count]})" for count in counts)
        other = {len(joints): name for name, joints in SKELETONS.items()}.get(
            len(flat) // 3 if len(flat) % 3 == 0 else 0
        )
        hint = "" if other is None else f"; {other} has so many, repose.represent.keypoints.from_skeleton converts it"
        raise ValueError(f"{where} holds {len(flat)} numbers, {wanted} are needed{hint}")
    return torch.tensor([_finite(value, where) for value in flat], dtype=torch.float32).reshape(-1, 3)


def _size(data: Mapping[str, object], height: str, width: str) -> PictureSize:
    """(height, width) from two entries, None if both are absent or empty. ValueError if they are not a size."""
    given = {key: data.get(key) for key in (height, width)}
    if all(value is None for value in given.values()):
        return None
    sides = {key: _finite(value, key) for key, value in given.items()}
    for key, side in sides.items():
        if side < 1 or side != int(side):
            raise ValueError(f"{key} is {side:g}, a whole number of pixels is wanted")
    return int(sides[height]), int(sides[width])


def _file_size(file: Path, data: Mapping[str, object], height: str, width: str) -> PictureSize:
    """`_size`, where a bad one makes the whole file bad."""
    try:
        return _size(data, height, width)
    except ValueError as error:
        raise FormatError(file, None, str(error)) from None


def _triples_of(keypoints: Tensor) -> JointRow:
    return [(x, y, visible) for x, y, visible in keypoints.tolist()]


def _chosen(file: Path, people: Sequence[Tensor], person: Choice, name: str) -> JointRow | FormatError:
    if person == "largest":
        return _triples_of(max(people, key=_area))
    if not 0 <= person < len(people):
        return FormatError(file, None, f"{name} has {len(people)} people, there is no number {person} (from 0)", name)
    return _triples_of(people[person])


def _area(keypoints: Tensor) -> float:
    """Of the box around the located joints, pixels squared; people on a line still differ in length."""
    located = keypoints[keypoints[:, 2] > 0, :2]
    if not len(located):
        return -1.0
    width, height = (located.amax(0) - located.amin(0) + 1).tolist()
    return float(width * height)


def _openpose_text(keypoints: Tensor, size: tuple[int, int] | None, body25: bool) -> str:
    points = to_skeleton(keypoints, "body25") if body25 else keypoints
    canvas = {} if size is None else {"canvas_height": size[0], "canvas_width": size[1]}
    return _dumps({"version": 1.3, **canvas, "people": [{"person_id": [-1], "pose_keypoints_2d": _flat(points)}]})


def _coco_text(people: Mapping[str, Tensor], size: tuple[int, int] | None) -> str:
    images, annotations = [], []
    for number, (name, keypoints) in enumerate(people.items(), start=1):
        points = to_skeleton(keypoints, "coco17")
        points[:, 2] = torch.where(points[:, 2] > 0, torch.where(points[:, 2] >= 1, 2.0, 1.0), 0.0)
        located = points[points[:, 2] > 0, :2]
        first, last = (located.amin(0), located.amax(0)) if len(located) else (torch.zeros(2), torch.zeros(2))
        box = [_short(value) for value in (*first.tolist(), *(last - first).tolist())]
        shape = {} if size is None else {"height": size[0], "width": size[1]}
        images.append({"id": number, "file_name": name, **shape})
        annotations.append(
            {
                "id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "bbox": box,
                "area": _short(box[2] * box[3]), "num_keypoints": len(located), "keypoints": _flat(points),
            }
        )  # fmt: skip
    category = {"id": 1, "name": "person", "keypoints": list(SKELETONS["coco17"]), "skeleton": []}
    return _dumps({"images": images, "annotations": annotations, "categories": [category]})


def _repose_text(people: Mapping[str, Tensor], size: tuple[int, int] | None) -> str:
    triples = {name: keypoints.tolist() for name, keypoints in people.items()}
    head = {"format": "repose-keypoints", "version": 1, "joints": list(JOINTS), "size": size}
    return _dumps({**head, "people": triples})


# -- inside ---------------------------------------------------------------------------------------------------------

_JOINT_HINT: Final = "for 17 joints of COCO write COCO JSON, or convert with repose.represent.keypoints.from_skeleton"


def _text(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise FormatError(file, None, "not a text file; keypoints and pairs come as CSV or JSON")
    return text


def _report(error: FormatError, on_error: OnError) -> None:
    if on_error == "raise":
        raise error
    on_error(error)


def _count(found: int, column: str) -> None:
    if found != len(JOINTS):
        hint = f"; {_JOINT_HINT}" if found == 17 else ""
        raise ValueError(f"{column} has {found} joints, {len(JOINTS)} are needed{hint}")


def _finite(value: object, where: str) -> float:
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


def _short(value: float) -> float:
    """Three decimals, and an int where nothing follows the point."""
    value = round(value, 3)
    return int(value) if value == int(value) else value


def _flat(points: Tensor) -> list[float]:
    return [_short(value) for value in points.flatten().tolist()]


def _plain(name: str) -> None:
    if not name.strip() or name != name.strip() or any(ord(char) < 32 for char in name):
        raise ValueError(f"write_keypoints: a CSV cannot hold the name {name!r}")


def _dumps(data: object) -> str:
    return json.dumps(data, ensure_ascii=False) + "\n"
