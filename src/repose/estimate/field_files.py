"""The folder of estimated fields: for each photograph a record with its joints, and a file for each of its maps.

    FOLDER/keypoints.json        the joints of all photographs
    FOLDER/NAME.mask.png         grey, 255 on the person
    FOLDER/NAME.parsing.png      LIP's 20 labels and 20, the neck, with a palette
    FOLDER/NAME.iuv.png          DensePose's part, u and v, in the order of DensePose's own files
    FOLDER/records/NAME.json     what the photograph was, which estimators were used, and the joints

A file is complete or absent. The record is written last, so what a record names is there.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from repose.files import replacing, sha256
from repose.images import file_of, write_picture
from repose.person import LABELS, Person
from repose.picture_files import open_picture
from repose.represent.iuv import PARTS
from repose.represent.label_colours import COLOURS
from repose.represent.pose_files import write_keypoints

MAPS: Final = ("mask", "parsing", "iuv")
"""Fields of `Person` that are written as pictures of the photograph's size; any other is written into the record."""

RECORDS: Final = "records"
KEYPOINTS: Final = "keypoints.json"
SHEET: Final = "sheet.png"

_VERSION: Final = 1
_PALETTE: Final = tuple(channel for colour in COLOURS["Repose"] for channel in colour)


@dataclass(frozen=True)
class Estimate:
    """One field of one photograph.

    Attributes:
        estimator: its `name`.
        file: the map's file in the folder; "" for a field whose values are in the record.
        bytes: how long the file is.
        values: nested lists of numbers, for a field without a file.
    """

    estimator: str
    file: str = ""
    bytes: int = 0
    values: Any = None


@dataclass(frozen=True)
class Record:
    """What was estimated of one photograph.

    Attributes:
        photograph: the name of its file, with #FRAME of a frame.
        sha256: of the file. height, width: of the photograph, pixels.
        which: who was asked for, of several people. people: how many there are. person: which was taken, 0 the largest.
        score: how sure the estimator of the joints is, 0 to 1.
        run: names the run that wrote the record.
        estimates: field of `Person` -> what was estimated.
    """

    photograph: str
    sha256: str
    height: int
    width: int
    which: str | int
    people: int
    person: int
    score: float
    run: str
    estimates: dict[str, Estimate] = field(default_factory=dict)


class FieldFolder:
    """A folder of estimated fields, to write and to read.

    Args:
        folder: need not exist yet.

    Example:
        >>> person = FieldFolder(Path("fields")).person("me")  # doctest: +SKIP
        >>> person.mask.shape  # doctest: +SKIP
        (1, 256, 176)
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def path(self, name: str, field: str) -> Path:
        """The file of a map of the photograph that is called `name` here."""
        return self.folder / f"{name}.{field}.png"

    def record_path(self, name: str) -> Path:
        """The file of a record."""
        return self.folder / RECORDS / f"{name}.json"

    def names(self) -> list[str]:
        """The names of the photographs that have a record, sorted."""
        return sorted(path.stem for path in (self.folder / RECORDS).glob("*.json"))

    # -- reading ------------------------------------------------------------------------------------------------

    def record(self, name: str) -> Record | None:
        """The record of a photograph; None where there is none that can be read."""
        try:
            content = json.loads(self.record_path(name).read_text(encoding="utf-8"))
            if content.pop("version") != _VERSION:
                return None
            estimates = {key: Estimate(**one) for key, one in content.pop("estimates").items()}
            return Record(**content, estimates=estimates)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):  # absent, cut off, or of another version
            return None

    def complete(self, estimate: Estimate) -> bool:
        """Whether the file of an estimate is there and as long as it was written."""
        try:
            return not estimate.file or (self.folder / estimate.file).stat().st_size == estimate.bytes
        except OSError:
            return False

    def person(self, name: str) -> Person:
        """The fields of a photograph, without the photograph itself.

        Raises:
            FileNotFoundError: there is no record of this name. ValueError: a map cannot be read or has another size.
        """
        record = self.record(name)
        if record is None:
            raise FileNotFoundError(f"{self.record_path(name)}: there is no such record, or it cannot be read")
        size = (record.height, record.width)
        values: dict[str, Tensor] = {}
        for key, estimate in record.estimates.items():
            if key not in _FIELDS:
                continue  # written by a Repose that knows more
            if estimate.file:
                values[key] = read_map(self.folder / estimate.file, key, size)
            else:
                values[key] = torch.tensor(estimate.values, dtype=torch.float32)
        return Person(**values, size=size)

    @staticmethod
    def keypoints(record: Record) -> Tensor:
        """The joints of a record, float32 (18, 3)."""
        return torch.tensor(record.estimates["keypoints"].values, dtype=torch.float32)

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, name: str, field: str, value: Tensor, estimator: str) -> Estimate:
        """Write a field of a photograph: a map into its file, anything else into the returned estimate."""
        if field not in MAPS:
            return Estimate(estimator, values=value.tolist())
        path = self.path(name, field)
        write_map(path, field, value)
        return Estimate(estimator, path.name, path.stat().st_size)

    def write_record(self, name: str, record: Record) -> None:
        """Write a record; the files that it names are there already. Of the record before, other files go away."""
        before = self.record(name)
        with replacing(self.record_path(name)) as part:
            part.write_text(json.dumps({"version": _VERSION, **asdict(record)}), encoding="utf-8")
        files = {one.file for one in record.estimates.values()}
        for one in before.estimates.values() if before else ():
            if one.file and one.file not in files:
                (self.folder / Path(one.file).name).unlink(missing_ok=True)

    def write_keypoints(self) -> int:
        """Write the joints of all records into one keypoint file, and return how many there are.

        Raises:
            ValueError: there is no record.
        """
        people: dict[str, Person] = {}
        for name in self.names():
            record = self.record(name)
            if record is not None:
                flat = {
                    key: torch.tensor(one.values, dtype=torch.float32)
                    for key, one in record.estimates.items()
                    if key in _FIELDS and not one.file
                }
                people[record.photograph] = Person(**flat, size=(record.height, record.width))
        if not people:
            raise ValueError(f"{self.folder} holds no record of a photograph")
        write_keypoints(self.folder / KEYPOINTS, people)
        return len(people)


def digest_of(photograph: str | Path) -> str:
    """The sha256 of a photograph's file, or of the file that a frame is in.

    Raises:
        OSError: it cannot be read.
    """
    path = file_of(photograph)
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


def write_map(path: Path, field: str, value: Tensor) -> None:
    """A map as a PNG file.

    Args:
        field: "mask": float (1, H, W) in [0, 1]; "parsing": int64 (H, W), Repose's labels; "iuv": float (3, H, W), part
            0 to 24, u and v in [0, 1].

    Raises:
        ValueError: another field, shape or range. OSError: the file cannot be written.
    """
    values = value.detach().cpu()
    rank = {"mask": 1, "parsing": 0, "iuv": 3}.get(field)
    if rank is None:
        raise ValueError(f"{field} is not written as a picture; {', '.join(MAPS)} are")
    if values.ndim != (3 if rank else 2) or (rank and len(values) != rank):
        raise ValueError(f"{path.name}: {field} has the shape {tuple(values.shape)}")
    if field == "parsing":
        if not 0 <= int(values.min()) <= int(values.max()) < len(LABELS):
            raise ValueError(
                f"{path.name}: labels {int(values.min())} to {int(values.max())}, Repose has 0 to {len(LABELS) - 1}"
            )
        picture = PIL.Image.fromarray(values.to(torch.uint8).numpy())
        picture.putpalette(_PALETTE)
    elif field == "mask":
        picture = PIL.Image.fromarray(_levels(path, values[0]))
    else:
        part = values[0].round()
        if not 0 <= float(part.min()) <= float(part.max()) <= PARTS:
            raise ValueError(f"{path.name}: parts are 0 to {PARTS}")
        u, v = (_levels(path, values[k]) for k in (1, 2))
        # OpenCV writes the channels I, U, V of DensePose as blue, green, red
        picture = PIL.Image.fromarray(np.stack([v, u, part.to(torch.uint8).numpy()], -1))
    write_picture(path, picture)


def read_map(path: Path, field: str, size: tuple[int, int]) -> Tensor:
    """A map that `write_map` wrote, of this size (H, W).

    Raises:
        ValueError: it cannot be read, or is another map or of another size.
    """
    mode = {"mask": "L", "parsing": "P", "iuv": "RGB"}[field]
    try:
        with open_picture(path) as picture:
            if picture.mode != mode or picture.size != size[::-1]:
                raise ValueError(f"a {field} of {size[0]}x{size[1]} is wanted, it is {picture.mode} {picture.size}")
            values = torch.from_numpy(np.array(picture))
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises of a broken file
        raise ValueError(f"{path} cannot be read: {error}") from error
    if field == "parsing":
        return values.long()
    if field == "mask":
        return values[None].float() / 255
    return (values.flip(-1).float() / torch.tensor([1.0, 255.0, 255.0])).movedim(-1, 0).contiguous()


# -- inside ---------------------------------------------------------------------------------------------------------

_FIELDS: Final = frozenset(one.name for one in fields(Person)) - {"size"}


def _levels(path: Path, values: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """float (H, W) in [0, 1] -> uint8."""
    if not 0 <= float(values.min()) <= float(values.max()) <= 1:  # NaN is refused too
        raise ValueError(f"{path.name}: values from {float(values.min()):g} to {float(values.max()):g}, not 0 to 1")
    levels: np.ndarray[Any, np.dtype[np.uint8]] = (values * 255).round().to(torch.uint8).numpy()
    return levels


@functools.lru_cache(64)
def _digest(path: Path, size: int, changed: int) -> str:
    """The sum of a file of this size that was changed at this time; of a video it is asked for each frame."""
    return sha256(path)


def names_of(record: Record) -> Mapping[str, str]:
    """Field -> the name of its estimator."""
    return {key: one.estimator for key, one in record.estimates.items()}


__all__ = [
    "KEYPOINTS",
    "MAPS",
    "RECORDS",
    "SHEET",
    "Estimate",
    "FieldFolder",
    "Record",
    "digest_of",
    "names_of",
    "read_map",
    "write_map",
]
