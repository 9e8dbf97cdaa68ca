"""The CSVs of PATN and of Roy et al., and their lists of pairs.

| format | columns | missing joint | size |
|---|---|---|---|
| patn | `name:keypoints_y:keypoints_x`, two JSON lists a row | -1 | not held |
| roy | `file_id,img_h,img_w,p0_x,p0_y,..,p17_x,p17_y` | -1 | of each picture |

A joint is missing if either coordinate is below -0.5, as that lies outside every picture. No CSV distinguishes occluded
from seen. Coordinates are pixel indices.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from repose.files import shortened
from repose.person import JOINTS
from repose.represent.pose_files.errors import FormatError, OnError, report
from repose.represent.pose_files.figures import (
    Figure,
    Picture,
    PictureSize,
    Record,
    array,
    checked,
    finite,
    size_of,
)
from repose.represent.pose_files.text import short, text_of

_PATN_COLUMNS: Final = ("name", "keypoints_y", "keypoints_x")
_ROY_COLUMNS: Final = ("file_id", "img_h", "img_w", *(f"p{i}_{axis}" for i in range(len(JOINTS)) for axis in "xy"))
_JOINT_HINT: Final = "for 17 joints of COCO write COCO JSON, or convert with repose.represent.keypoints.from_skeleton"


def looks_like_csv(text: str) -> bool:
    """Whether a text starts with the header of a CSV that is read here."""
    header = text.split("\n", 1)[0].strip()
    return _is_patn(header) or header.startswith("file_id,")


def csv_pictures(file: Path, text: str) -> Iterator[Record]:
    """The rows of a CSV, a picture each.

    Raises:
        FormatError: the header is of no known format.
    """
    lines = text.split("\n")
    header = lines[0].strip()
    if _is_patn(header):
        return _patn_pictures(file, lines)
    if header.startswith("file_id,"):
        return _roy_pictures(file, lines)
    raise FormatError(
        file, 1, f"the file starts with {header[:60]!r}, which no known keypoint format does; known are "
        "a CSV with the header name:keypoints_y:keypoints_x (PATN) or file_id,img_h,img_w,p0_x,p0_y,.. (Roy), "
        "and JSON of OpenPose, COCO, Repose and others, see docs/pose-files.md"
    )  # fmt: skip


def read_pairs(path: str | Path, on_error: OnError = "raise") -> list[tuple[str, str]]:
    """Pairs of picture names (source, target) from a CSV with the columns `from,to` (PATN) or `imgA,imgB` (Roy).

    Args:
        path: the CSV; further columns are ignored.
        on_error: what a row without two names does, as in `read_poses`.
    """
    file = Path(path)
    rows = _csv_rows(file, text_of(file).split("\n"))
    header = [cell.strip() for cell in next(rows, (1, [""]))[1]]
    for columns in (("from", "to"), ("imgA", "imgB")):
        if set(columns) <= set(header):
            first, second = (header.index(column) for column in columns)
            break
    else:
        raise FormatError(
            file, 1, f"the header is {','.join(header)!r:.80}; a pair list starts with from,to or imgA,imgB"
        )
    pairs = []
    for line, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        names = [row[column].strip() if column < len(row) else "" for column in (first, second)]
        if len(row) != len(header) or not all(names):
            problem = (
                f"{shortened(','.join(row))} is not one pair; {len(header)} columns are needed: {','.join(header)}"
            )
            report(FormatError(file, line, problem), on_error)
            continue
        pairs.append((names[0], names[1]))
    return pairs


def patn_text(people: Mapping[str, Tensor], sizes: Mapping[str, PictureSize]) -> str:
    """PATN's CSV of name -> (18, 3); it holds no sizes."""
    lines = [":".join(_PATN_COLUMNS)]
    for name, keypoints in people.items():
        _plain(name)
        x, y = _csv_lists(keypoints)
        lines.append(f"{name}: {json.dumps(y)}: {json.dumps(x)}")
    return "\n".join(lines) + "\n"


def roy_text(people: Mapping[str, Tensor], sizes: Mapping[str, PictureSize]) -> str:
    """Roy's CSV of name -> (18, 3), and of the size of each picture."""
    lines = [",".join(_ROY_COLUMNS)]
    for name, keypoints in people.items():
        _plain(name)
        size = sizes[name]
        assert size is not None  # `write_keypoints` has seen to it
        x, y = _csv_lists(keypoints)
        cells = [name if not set(name) & set(',"') else '"' + name.replace('"', '""') + '"', *map(str, size)]
        lines.append(",".join([*cells, *(str(value) for point in zip(x, y, strict=True) for value in point)]))
    return "\n".join(lines) + "\n"


# -- inside ---------------------------------------------------------------------------------------------------------


def _is_patn(header: str) -> bool:
    return sorted(header.replace(" ", "").split(":")) == sorted(_PATN_COLUMNS)


def _patn_pictures(file: Path, lines: Sequence[str]) -> Iterator[Record]:
    columns = lines[0].replace(" ", "").strip().split(":")  # y comes first, unless the header says otherwise
    if columns[0] != "name":  # a name may hold colons, so it must be the rest that the two lists leave
        raise FormatError(file, 1, f"the first column must be name, got {':'.join(columns)}")
    for line, content in enumerate(lines[1:], start=2):
        if not content.strip():
            continue
        cells = content.rsplit(":", 2)
        if len(cells) != 3:
            problem = f"{len(cells)} column(s) where 3 are needed ({':'.join(columns)}); the row may be cut off"
            yield FormatError(file, line, problem)
            continue
        name = cells[0].strip()
        try:
            values = {column: _numbers(column, cell) for column, cell in zip(columns[1:], cells[1:], strict=True)}
            yield _picture(name, line, values["keypoints_x"], values["keypoints_y"])
        except ValueError as error:
            yield FormatError(file, line, f"{name}: {error}", name)


def _numbers(column: str, cell: str) -> list[float]:
    """A JSON list of 18 finite numbers, or a ValueError that says what the cell holds instead."""
    try:
        values = json.loads(cell)
    except (ValueError, RecursionError):
        raise ValueError(f"{column} is not a list of numbers: {cell.strip()[:60]!r}") from None
    if not isinstance(values, list):
        raise ValueError(f"{column} is not a list of numbers: {cell.strip()[:60]!r}")
    if len(values) != len(JOINTS):
        hint = f"; {_JOINT_HINT}" if len(values) == 17 else ""
        raise ValueError(f"{column} has {len(values)} joints, {len(JOINTS)} are needed{hint}")
    return [finite(value, column) for value in values]


def _roy_pictures(file: Path, lines: Sequence[str]) -> Iterator[Record]:
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
            yield FormatError(file, line, problem, name)
            continue
        try:
            points = [
                [finite(cells[place[f"p{i}_{axis}"]], f"p{i}_{axis}") for i in range(len(JOINTS))] for axis in "xy"
            ]
            picture = _picture(name, line, points[0], points[1])
            picture.size = size_of({key: cells[place[key]].strip() or None for key in ("img_h", "img_w")}, "img_h",
                                   "img_w")  # fmt: skip
            yield picture
        except ValueError as error:
            yield FormatError(file, line, f"{name}: {error}", name)


def _csv_rows(file: Path, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV with the number of the line that each ends in."""
    rows = csv.reader(lines)
    try:
        for cells in rows:
            yield rows.line_num, cells
    except csv.Error as error:  # such as a quote that is never closed
        raise FormatError(file, rows.line_num, f"the CSV cannot be read: {error}") from None


def _picture(name: str, line: int, x: Sequence[float], y: Sequence[float]) -> Picture:
    """Two lists of 18 numbers -> a picture; a joint of which one coordinate is outside every picture is missing."""
    checked(array([*x, *y], "the row"), "the row")  # also of what counts as missing
    rows = [(a, b, 1.0) if a >= -0.5 and b >= -0.5 else (0.0, 0.0, 0.0) for a, b in zip(x, y, strict=True)]
    return Picture(
        name, [Figure(array(rows, "the row"), "openpose18", scored=False, marked=False)], line=line, pixels=True
    )


def _csv_lists(keypoints: Tensor) -> tuple[list[float], list[float]]:
    """x and y with -1 for a missing joint; whole numbers as such, as the official readers expect them."""
    missing = (keypoints[:, 2] <= 0) | (keypoints[:, :2] < -0.5).any(1)
    x, y = (torch.where(missing, -1.0, keypoints[:, axis]).tolist() for axis in (0, 1))
    return [short(value) for value in x], [short(value) for value in y]


def _plain(name: str) -> None:
    if not name.strip() or name != name.strip() or any(ord(char) < 32 for char in name):
        raise ValueError(f"write_keypoints: a CSV cannot hold the name {name!r}")
