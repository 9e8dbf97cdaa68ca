"""Reading pose files of any tool: the content decides the format, not the name of the file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from repose.files import first_line
from repose.names import nearest
from repose.person import Person
from repose.represent.choosing import WORDS, NoSuchPersonError, Which, choose_person
from repose.represent.keypoints import places_of
from repose.represent.pose_files import (
    alphapose,
    arrays,
    coco,
    csv_files,
    dresscode,
    mediapipe,
    mmpose,
    openpose,
    own,
)
from repose.represent.pose_files.errors import FormatError, OnError, report
from repose.represent.pose_files.figures import Picture, Record, best_scores, boxes_of, extra_of, joints_of, normalised
from repose.represent.pose_files.settings import MIN_SCORE
from repose.represent.pose_files.text import parsed, text_of

SUFFIXES: Final = (".json", ".csv", ".npy")
"""Endings of pose files; a file of another ending is one if its content is."""

_NUMPY: Final = b"\x93NUMPY"


@dataclass(frozen=True)
class PoseFile:
    """What was read of a pose file.

    Attributes:
        path: the file or folder.
        poses: name of the picture -> its person: keypoints float32 (18, 3), extra_keypoints (48, 3) where the file has
            feet or hands, and the size where it is known; in the order of the file. One whose joints are all missing is
            among them.
        dropped: how many joints of these people were dropped for a score below `min_score`.
        min_score: see `read_pose_file`.
    """

    path: Path
    poses: dict[str, Person]
    dropped: int = 0
    min_score: float = MIN_SCORE
    _located: dict[str, int] = field(default_factory=dict, repr=False)

    def posed(self, least: int = 2) -> dict[str, Person]:
        """The poses with located joints in at least so many places."""
        return {name: one for name, one in self.poses.items() if self._located[name] >= least}

    def notes(self, least: int = 2) -> list[str]:
        """What a user should know: skipped pictures and dropped joints."""
        empty = [name for name, count in self._located.items() if count < least]
        said = []
        if empty:
            some = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
            said.append(f"skipped: {len(empty)} {'picture' if len(empty) == 1 else 'pictures'} without a pose ({some})")
        if self.dropped:
            joints, count = ("joint has", "counts") if self.dropped == 1 else ("joints have", "count")
            said.append(
                f"{self.dropped} {joints} a score below {self.min_score:g} and {count} as missing; --min-score "
                "(min_score) changes this"
            )
        return said


def is_pose_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file holds poses, and not a picture: by its ending, else by how it begins. False of a folder, and where
    there is no such file."""
    file = Path(path)
    if file.suffix.lower() in SUFFIXES:
        return True
    try:
        with file.open("rb") as stream:
            head = stream.read(256)
    except OSError:
        return False
    if head.startswith(_NUMPY):
        return True
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < 256 else "ignore").lstrip()
    except UnicodeDecodeError:
        return False
    return "\0" not in text and (text[:1] in ("{", "[") or csv_files.looks_like_csv(text))


def pose_files_in(folder: Path) -> list[Path]:
    """The pose files of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES)


def split_name(word: str | os.PathLike[str]) -> tuple[Path, str]:
    """ "poses.json#NAME" -> its path and the name, which may hold further "#"; "" where no name is given."""
    if Path(word).exists():
        return Path(word), ""
    path, _, name = str(word).partition("#")
    return Path(path), name


def read_pose_file(
    path: str | os.PathLike[str],
    on_error: OnError = "raise",
    person: Which = "largest",
    size: tuple[int, int] | None = None,
    min_score: float = MIN_SCORE,
    name: str = "",
    shares: bool = False,
) -> PoseFile:
    """The people of a pose file of any known format (docs/pose-files.md), one of each picture.

    Args:
        path: JSON, CSV or .npy, or a folder of such files.
        on_error: what a bad record does: "raise", or a function that gets the `FormatError`; the record is skipped
            then, and the reading goes on. A name that comes twice is a bad record; the first one counts.
        person: which one, where a picture has several. People without joints do not count.
        size: (height, width) of the pictures, in place of what the file says. Files with normalised coordinates need it
            where they do not say it.
        min_score: a joint with a lower score is missing; COCO's v and Repose's visible are no scores.
        name: of the one picture to read; "" for all. Other pictures are not looked at then.
        shares: accept normalised coordinates without a size; such a person has the size (1, 1).

    Raises:
        FormatError: the format of the file is not known, it holds no people, or a record is bad and `on_error` is
            "raise".
        FileNotFoundError: there is no such file.
        ValueError: there is no picture of that name (names the nearest), or `person` is another word.
    """
    file = Path(path)
    if isinstance(person, str) and person not in WORDS:
        raise ValueError(f"which person: {', '.join(map(repr, WORDS))} or a number is wanted, not {person!r}")
    pictures: dict[str, Picture] = {}
    for record in _named(file, _records(file), name) if name else _records(file):
        if isinstance(record, Picture) and record.name in pictures:
            first = pictures[record.name].line
            before = "" if first is None else f" (first in line {first})"
            problem = f"{record.name!r} comes twice{before}; remove one of the two"
            record = FormatError(file, record.line, problem, record.name)
        if isinstance(record, FormatError):
            report(record, on_error)
            continue
        pictures[record.name] = record
    return _assembled(file, list(pictures.values()), on_error, person, size, min_score, shares)


def read_poses(
    path: str | os.PathLike[str],
    on_error: OnError = "raise",
    person: Which = "largest",
    size: tuple[int, int] | None = None,
    min_score: float = MIN_SCORE,
) -> dict[str, Person]:
    """The people in a pose file: the `poses` of `read_pose_file`."""
    return read_pose_file(path, on_error, person, size, min_score).poses


def read_keypoints(
    path: str | os.PathLike[str],
    on_error: OnError = "raise",
    person: Which = "largest",
    size: tuple[int, int] | None = None,
    min_score: float = MIN_SCORE,
) -> dict[str, Tensor]:
    """The joints alone of `read_poses`: name of the picture -> float32 (18, 3)."""
    people = read_poses(path, on_error, person, size, min_score)
    return {name: one.keypoints for name, one in people.items() if one.keypoints is not None}


# -- which format ---------------------------------------------------------------------------------------------------


def _records(file: Path) -> Iterator[Record]:
    if file.is_dir():
        return _folder(file)
    with file.open("rb") as stream:
        head = stream.read(len(_NUMPY))
    if head == _NUMPY:
        return _numpy(file)
    text = text_of(file)
    start = text.lstrip()[:1]
    if not start:
        raise FormatError(file, None, "the file is empty")
    if start not in "{[":
        return csv_files.csv_pictures(file, text)
    return json_records(file, parsed(file, text))


def json_records(file: Path, data: Any, inside: bool = False) -> Iterator[Record]:
    """The pictures of parsed JSON; `inside`: of one entry of an object of pictures.

    Raises:
        FormatError: it is in no known format, or holds no people.
    """
    if own.is_own(data):
        return own.own_pictures(file, data)
    if openpose.is_frame(data):
        if not data["people"]:
            raise FormatError(
                file, None, "the file holds no people ('people' is empty); estimate a picture that shows a person"
            )
        return openpose.frame_picture(file, data, openpose.stem(file))
    if coco.is_annotations(data):
        return coco.annotated(file, data)
    if alphapose.is_bodies(data):
        return alphapose.bodies(file, data)
    if openpose.is_editor(data):
        return openpose.editor_picture(file, data)
    if mmpose.is_instances(data):
        return mmpose.instances(file, data)
    if mediapipe.is_landmarks(data):
        return mediapipe.landmarks(file, data)
    if dresscode.is_dress_code(data):
        return dresscode.dress_code_picture(file, data)
    if coco.is_results(data):
        return coco.results(file, data)
    if isinstance(data, dict) and "keypoints" in data:
        return coco.results(file, [data])
    if isinstance(data, list) and data and all(openpose.is_frame(entry) for entry in data):
        return openpose.frames(file, data)
    if alphapose.is_pictures(data):
        return alphapose.pictures(file, data)
    if isinstance(data, dict) and data and not inside and all(isinstance(one, dict | list) for one in data.values()):
        named = _by_name(file, data)
        if named is not None:
            return named
    if isinstance(data, list) and arrays.is_joints(data):
        return _array(file, _strict(file, data))
    keys = (
        f"the keys {', '.join(repr(str(key)[:40]) for key in list(data)[:5])}" if isinstance(data, dict) else "a list"
    )
    raise FormatError(
        file, None, f"JSON with {keys} is not in a known keypoint format; known are OpenPose "
        "(people[].pose_keypoints_2d), COCO (annotations[].keypoints), Repose, and those of docs/pose-files.md: "
        "ControlNet and its editors, mmpose, AlphaPose, MediaPipe, tfjs, Dress Code"
    )  # fmt: skip


def _by_name(file: Path, data: dict[str, Any]) -> Iterator[Record] | None:
    """The pictures of an object that holds, by name, what the file of one picture would; None of another object."""
    known: list[tuple[str, Iterator[Record]]] = []
    for name, one in data.items():
        try:
            known.append((name, json_records(file, one, inside=True)))
        except FormatError as error:
            if "holds no people" not in error.problem:
                return None
            known.append((name, iter([Picture(name, [])])))

    def renamed() -> Iterator[Record]:
        for name, records in known:
            for record in records:
                if isinstance(record, Picture):
                    record.name = name
                yield record

    return renamed()


def _folder(folder: Path) -> Iterator[Record]:
    """The pictures of a folder of pose files. A file of one picture gives its own name, of several FILE/NAME."""
    files = pose_files_in(folder)
    if not files:
        raise FormatError(folder, None, f"the folder holds no pose files ({', '.join(SUFFIXES)})")
    for file in files:
        try:
            records = list(_records(file))
        except FormatError as error:
            if "holds no people" in error.problem:
                yield Picture(openpose.stem(file), [])
            else:
                yield error
            continue
        several = sum(isinstance(record, Picture) for record in records) > 1
        for record in records:
            if several and isinstance(record, Picture):
                record.name = f"{openpose.stem(file)}/{record.name}"
            yield record


def _numpy(file: Path) -> Iterator[Record]:
    try:
        value = np.load(file, allow_pickle=False)
    except Exception as error:  # a damaged header raises whatever its parser stumbled over
        raise FormatError(file, None, f"the array cannot be read: {first_line(error)}") from None
    return _array(file, value)


def _strict(file: Path, data: list[Any]) -> list[Any]:
    """A nested list of JSON; FormatError where a number is none: in a file NaN marks no missing joint."""
    for entry in data:
        if isinstance(entry, list):
            _strict(file, entry)
        elif isinstance(entry, bool) or entry != entry:
            raise FormatError(file, None, f"the array holds {entry!r}, which is not a finite number")
    return data


def _array(file: Path, value: arrays.ArrayLike) -> Iterator[Record]:
    try:
        people = arrays.array_people(value, "the array")
    except ValueError as error:
        raise FormatError(file, None, str(error)) from None
    openpose.as_body25b(people)
    return iter([Picture(openpose.stem(file), people)])


def _named(file: Path, records: Iterable[Record], name: str) -> Iterator[Record]:
    """The one picture of a name; without its ending, if only one has that. Errors of other pictures are left out."""
    known: dict[str, Picture] = {}
    errors: list[FormatError] = []
    for record in records:
        if isinstance(record, Picture):
            known.setdefault(record.name, record)
        else:
            errors.append(record)
    own_errors = [error for error in errors if error.name == name]
    stems = [one for one in known if Path(one).stem == name]
    if name in known:
        yield known[name]
    elif own_errors:
        yield own_errors[0]
    elif len(stems) == 1:
        yield known[stems[0]]
    elif not known and errors:
        yield errors[0]
    else:
        near = nearest(name, known)
        near = near if len(near) < 300 else f"its {len(known)} pictures are called {', '.join(list(known)[:3])}, ..."
        raise ValueError(f"{file} has no pose called '{name}'; {near}")


# -- people ---------------------------------------------------------------------------------------------------------


def _assembled(
    file: Path,
    pictures: list[Picture],
    on_error: OnError,
    person: Which,
    size: tuple[int, int] | None,
    min_score: float,
    shares: bool,
) -> PoseFile:
    """Pictures -> one person each."""
    kept: list[Picture] = []
    for picture in pictures:
        try:
            _into_pixels(picture, size, shares)
        except ValueError as error:
            report(FormatError(file, picture.line, str(error), picture.name), on_error)
            continue
        kept.append(picture)
    figures = [one for picture in kept for one in picture.people]
    extras = [extra_of(one, min_score) for one in figures]  # before the joints, which change the scores
    joints, dropped = joints_of(figures, min_score)
    count = (joints[..., 2] > 0).sum(1)
    poses: dict[str, Person] = {}
    located: dict[str, int] = {}
    lost, first = 0, 0
    for picture in kept:
        here = np.arange(first, first + len(picture.people))
        first += len(here)
        seen = here[count[here] > 0]
        if len(seen):
            scores = best_scores([figures[number] for number in seen]) if person == "best" else None
            width = None if picture.size is None else float(picture.size[1])
            try:
                chosen = seen[choose_person(boxes_of(joints[seen]), scores, person, width, f"in {picture.name}")]
            except NoSuchPersonError as error:
                report(FormatError(file, picture.line, str(error), picture.name), on_error)
                continue
            except ValueError as error:
                raise FormatError(file, None, str(error), picture.name) from None
            keypoints, extra, lost = joints[chosen], extras[chosen], lost + int(dropped[chosen])
        else:
            keypoints, extra = np.zeros(joints.shape[1:], np.float32), None
            lost += int(dropped[here].sum())
        located[picture.name] = places_of(keypoints)
        poses[picture.name] = Person(
            keypoints=torch.from_numpy(keypoints),
            extra_keypoints=None if extra is None else torch.from_numpy(extra),
            size=picture.size,
        )
    return PoseFile(file, poses, lost, min_score, located)


def _into_pixels(picture: Picture, size: tuple[int, int] | None, shares: bool) -> None:
    """Give a picture the size that was asked for, and its people pixels. ValueError where they need a size."""
    sized, picture.size = picture.size is not None, size or picture.size
    if picture.pixels or not picture.people:
        return
    try:
        part = normalised(picture.people, sized)
    except ValueError as error:
        raise ValueError(f"{picture.name} has {error}") from None
    if not part:
        return
    if picture.size is None:
        if not shares:
            raise ValueError(
                f"{picture.name} has normalised coordinates (0 to 1): give size=(height, width) of the picture, in the "
                "command --target-size HEIGHTxWIDTH, for convert-pose --size"
            )
        picture.size = arrays.UNIT
    arrays.scale_shares(picture.people, picture.size)
