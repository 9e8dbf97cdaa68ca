"""Pictures that somebody else generated: any folder of files that are named after their pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from repose.images import PICTURES
from repose.metrics.file_names import (
    DIRECTION_FOLDERS,
    PairIndex,
    index_pairs,
    owners,
    places_of,
    possible_names,
    several,
)
from repose.metrics.pairs import MeasuredPairs, as_saved
from repose.person import Pair
from repose.picture_files import open_picture
from repose.represent.canvas import canvas

STRIPS: Final = {5: ("five", "fifth"), 8: ("eight", "eighth")}
"""Pictures side by side in the files that the test codes of PATN (5) and PINet (8) save -> both numbers in words.

The generated picture is the last one of either. PATN: source, its pose, target, its pose, generated. PINet: source, its
pose and parsing, target, its pose and parsing, generated parsing, generated picture.
"""

_PICTURES: Final = {*PICTURES, ".gif"}
_JPEG: Final = (".jpg", ".jpeg")


class FolderError(ValueError):
    """A folder of pictures cannot be measured as it is; `problems` names every file and what is wrong with it."""

    def __init__(self, folder: Path, problems: dict[str, list[str]]) -> None:
        self.problems = problems
        parts = [f"{len(names)} {problem}: {_some(names)}" for problem, names in problems.items()]
        super().__init__(f"{folder} cannot be measured; " + "; ".join(parts))


@dataclass(frozen=True)
class FolderPictures:
    """Pictures of a folder, as a `repose.metrics.PictureSource`.

    A picture is named `{source}_2_{target}.png` after the stems of the pair's names, or as another project's test code
    does (`repose.metrics.file_names`). It is one picture, RGB, of the size of the protocol's canvas. JPEG files are
    measured as they are, also by a protocol of JPEG files; where the protocol has PNG files, table and log tell it.

    Attributes:
        folder: of the files.
        strips: the files are strips of several pictures side by side (`STRIPS`), of which the last one is measured.
        name, recipe, weights: for table and result line; the name is the folder's unless another is given.
        measured, files: the pairs that it is ready for and the file of each; `opened` sets them.
    """

    folder: Path
    strips: bool = False
    name: str = ""
    recipe: str | None = None
    weights: str | None = None
    measured: MeasuredPairs | None = None
    files: Mapping[PairIndex, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.folder.name)

    @property
    def fields(self) -> tuple[str, ...]:
        """As `PictureSource.fields`: none, the pictures are there."""
        return ()

    @property
    def origin(self) -> str | None:
        """As `PictureSource.origin`: a checksum of the files' paths, sizes and times; None before `opened`."""
        if self.measured is None:
            return None
        digest = hashlib.sha256(str(self.strips).encode())
        for file in self.files.values():
            about = file.stat()
            digest.update(f"{file.resolve()} {about.st_size} {about.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def opened(self, measured: MeasuredPairs) -> FolderPictures:
        """As `PictureSource.opened`: every file is read, and nothing is measured unless every pair has its picture.

        Raises:
            FolderError: pictures are missing, belong to no pair, come twice, cannot be read or have a wrong size or
                mode. All of them are in `problems`.
            FileNotFoundError: there is no such folder.
        """
        return replace(self, measured=measured, files=_find(self.folder, measured, self.strips))

    @property
    def lossy(self) -> int:
        """How many of the files are JPEG."""
        return sum(_is_jpeg(file) for file in self.files.values())

    def pictures(self, indices: Tensor, pair: Pair) -> Tensor:
        """As `PictureSource.pictures`."""
        assert self.measured is not None, "opened(...) comes first"
        files = [self.files[index] for index in index_pairs(indices)]
        width = canvas(self.measured.protocol.canvas).size[1]
        images = torch.stack([torch.from_numpy(_pixels(file, width)) for file in files]).movedim(-1, 1)
        fresh = torch.tensor([not _is_jpeg(file) for file in files])
        if fresh.any():  # a JPEG file has lost already what the protocol's file loses
            images[fresh] = as_saved(self.measured.protocol, images[fresh])
        return images

    def facts(self) -> Mapping[str, Any]:
        """As `PictureSource.facts`."""
        return {**({"files": "jpeg"} if self.lossy else {}), **({"strips": True} if self.strips else {})}

    def warnings(self) -> Sequence[str]:
        """As `PictureSource.warnings`: JPEG files where the protocol has PNG files."""
        if not self.lossy or (self.measured is not None and self.measured.protocol.file == "jpeg"):
            return ()
        return (
            f"{self.folder}: {self.lossy} of {len(self.files)} pictures are JPEG files, whose losses move every "
            "number; save PNG",
        )


# -- inside ---------------------------------------------------------------------------------------------------------


def _find(folder: Path, measured: MeasuredPairs, strips: bool) -> dict[PairIndex, Path]:
    """The file of each pair to be measured. FolderError names all that is wrong with them."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give a folder of pictures")
    store, split = measured.store, measured.split
    there = {
        path.relative_to(folder).as_posix()
        for place in (folder, *(folder / direction for direction in DIRECTION_FOLDERS))
        if place.is_dir()
        for path in place.iterdir()
        if path.suffix.lower() in _PICTURES and path.name[0] != "."
    }
    places = places_of(store, split)
    whole = MeasuredPairs.select(measured.protocol, store, split)  # pictures of pairs beyond the limit are no mistake
    names = possible_names(store, index_pairs(whole.indices), places, there)
    owned = owners(names, f"{store.folder}: two pairs of split {split!r}")
    problems: dict[str, list[str]] = {}

    def complain(problem: str, name: str) -> None:
        problems.setdefault(problem, []).append(name)

    files: dict[PairIndex, Path] = {}
    for pair in index_pairs(measured.indices):
        of_pair = [name for name in names[pair] if name in there]
        if not of_pair:
            complain("missing", names[pair][0])
        elif several(of_pair):
            complain("twice under two names", " and ".join(of_pair))
        else:
            files[pair] = folder / of_pair[0]
    for name in sorted(there - owned.keys()):
        complain(f"of no pair of split {split!r}", name)
    height, width = canvas(measured.protocol.canvas).size
    for path in files.values():
        problem = _problem(path, height, width, strips)
        if problem:
            complain(problem, path.relative_to(folder).as_posix())
    if problems:
        raise FolderError(folder, problems)
    return files


def _problem(path: Path, height: int, width: int, strips: bool) -> str | None:
    """What is wrong with a picture, in words; None if it can be measured."""
    try:
        with open_picture(path) as image:
            size, mode = image.size, image.mode
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "that cannot be read"
    widths = {count * width: count for count in STRIPS}
    if size[1] == height and size[0] in widths and not strips:
        count, which = STRIPS[widths[size[0]]]
        return f"strips of {count} pictures (the generated one alone is measured, or --strips takes the {which})"
    if size[1] != height or size[0] not in (widths if strips else (width,)):
        wanted = " or ".join(f"{height}x{each}" for each in (widths if strips else (width,)))
        several = size[1] == height and size[0] % width == 0 and size[0] > width
        more = f", so strips of {size[0] // width}, and it is not known which one is the generated" * several
        return f"of {size[1]}x{size[0]} instead of {wanted} (height x width){more}"
    return None if mode == "RGB" else f"in mode {mode} instead of RGB"


def _pixels(path: Path, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The last picture of a strip, (H, width, 3); the whole of a file that is no strip."""
    with open_picture(path) as image:
        return np.array(image, dtype=np.uint8)[:, -width:]


def _is_jpeg(file: Path) -> bool:
    return file.suffix.lower() in _JPEG


def _some(names: Sequence[str], count: int = 5) -> str:
    return ", ".join(names[:count]) + (" ..." if len(names) > count else "")
