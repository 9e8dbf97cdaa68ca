"""What data sets of photographs share: their files, pixels of one size, people held out, and pairs."""

from __future__ import annotations

import hashlib
import heapq
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from repose.data.packing import Refused
from repose.data.store import StoreWriter
from repose.person import JOINTS
from repose.picture_files import open_picture
from repose.represent.pose_files import FormatError

ENDINGS: Final = (".jpg", ".jpeg", ".png")
"""Of the file names that are photographs, in lower case."""

VALIDATION_PAIRS: Final = 1000
"""How many pairs of the people held out are drawn, at most."""

MOST_BYTES: Final = 1 << 28
"""Of one file of a zip file, unpacked: 256 MiB. A few megabytes of zeros could fill the memory otherwise."""

_ENCRYPTED: Final = 1  # a bit of a file's flags

_TORSO: Final = [JOINTS.index(f"{side}_{part}") for side in ("right", "left") for part in ("shoulder", "hip")]

Read = Callable[[], bytes]
"""Reads one file, from a folder or a zip file."""


def files_of(folder: Path, name: str, whose: str) -> list[tuple[Path, Read]]:
    """Every file of a folder that may also be there as a zip file, sorted.

    Args:
        folder: where it lies. name: of the folder `folder/name` or the zip file `folder/name.zip`.
        whose: layout this is, for the error: "Market-1501 in its original layout".

    Returns:
        (path inside the folder, a function that reads the file) of each one.

    Raises:
        FileNotFoundError: there is neither.
        ValueError: the zip file is damaged, or encrypted.
    """
    place = folder / name
    if place.is_dir():
        paths = sorted(path for path in place.rglob("*") if path.is_file())
        return [(path.relative_to(place), path.read_bytes) for path in paths]
    packed = folder / f"{name}.zip"
    if not packed.is_file():
        raise FileNotFoundError(f"{folder} has neither {name}/ nor {name}.zip: is it {whose}?")
    return zip_files(packed)


def zip_files(packed: Path) -> list[tuple[Path, Read]]:
    """Every file of a zip file, sorted: its path inside, and a function that reads it.

    A file that is damaged, has a password of its own or unpacks to more than `MOST_BYTES` raises zipfile.BadZipFile
    when it is read: `decode` refuses it by its name, and the others are read.

    Raises:
        ValueError: the zip file is damaged or no zip file, or all of it has a password.
    """
    try:
        archive = zipfile.ZipFile(packed)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{packed} is damaged or no zip file ({error}); fetch it again") from error
    members = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
    if members and all(info.flag_bits & _ENCRYPTED for info in members):
        archive.close()
        raise ValueError(
            f"{packed} is encrypted: unpack it with the password that the authors of the data set gave you "
            f"(unzip -P PASSWORD {packed.name}), and remove or rename the zip file"
        )
    return [(Path(info.filename), partial(_member, archive, info)) for info in members]


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of one file of a zip file. zipfile.BadZipFile: it cannot be read, or unpacks to too much."""
    if info.file_size > MOST_BYTES:
        raise zipfile.BadZipFile(f"it unpacks to {info.file_size:,} bytes, at most {MOST_BYTES:,} are read")
    if info.flag_bits & _ENCRYPTED:
        raise zipfile.BadZipFile("it is encrypted, and others of the zip file are not: unpack it by hand")
    try:
        return archive.read(info)  # reads no more than the size that was looked at
    except (zlib.error, lzma.LZMAError, NotImplementedError, EOFError) as error:
        raise zipfile.BadZipFile(f"its compressed bytes are damaged, or of an unknown kind ({error})") from error


def decode(read: Read, size: tuple[int, int] | None = None) -> npt.NDArray[np.uint8]:
    """A whole photograph, uint8 (H, W, 3).

    Args:
        read: gives the bytes of its file.
        size: (height, width) that it must have; None: any.

    Raises:
        Refused: it is broken, or of another size.
    """
    try:
        with open_picture(io.BytesIO(read())) as picture:
            width, height = picture.size
            if size is not None and (height, width) != size:
                raise Refused("wrong size", f"{width}x{height} pixels and not {size[1]}x{size[0]}")
            return np.asarray(picture.convert("RGB"))  # decodes to the last row, where a cut file shows
    except UnidentifiedImageError as error:  # its text has an address in memory, which differs from run to run
        raise Refused("broken photograph", "its bytes are no picture of a known format") from error
    except (OSError, SyntaxError, ValueError, zipfile.BadZipFile, Image.DecompressionBombError) as error:
        raise Refused("broken photograph", str(error)) from error


def resized(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A photograph uint8 (H, W, 3) at another (height, width): bicubic, smoothed where it gets smaller.

    The scale of height and width may differ. The centre of a pixel (x, y) moves to
    ((x + 0.5) * scale - 0.5, ...), which `Person.resize` does to joints.
    """
    if image.shape[:2] == size:
        return image
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def draw(seed: int, *words: str) -> str:
    """A random key of these words, the same on every machine: the k smallest of many keys are k random draws."""
    return hashlib.sha256(":".join((str(seed), *words)).encode()).hexdigest()


def held_out(people: Iterable[str], count: int, seed: int) -> frozenset[str]:
    """The training people that are held out for validation, drawn by the seed.

    Raises:
        ValueError: nobody would be left to train on.
    """
    everyone = set(people)
    if count < 0 or (count and count >= len(everyone)):
        raise ValueError(
            f"validation_people={count} leaves none of the {len(everyone)} training people to train on; choose fewer"
        )
    return frozenset(sorted(everyone, key=lambda person: draw(seed, person))[:count])


def drawn_pairs(
    writer: StoreWriter, seed: int, split: str = "val", most: int = VALIDATION_PAIRS
) -> list[tuple[str, str]]:
    """At most `most` of the ordered pairs of one person in a split of the store that is being written."""
    people: dict[str, list[str]] = {}
    for name, person, own in zip(writer.names, writer.people, writer.splits, strict=True):
        if own == split:
            people.setdefault(person, []).append(name)
    return drawn((pair for names in people.values() for pair in permutations(names, 2)), seed, most)


def drawn(pairs: Iterable[tuple[str, str]], seed: int, most: int = VALIDATION_PAIRS) -> list[tuple[str, str]]:
    """At most `most` of these pairs, drawn by a seed; there may be millions."""
    return heapq.nsmallest(most, pairs, key=lambda pair: draw(seed, *pair))


def located_pairs(writer: StoreWriter, split: str) -> list[tuple[str, str]]:
    """All ordered pairs of one person in a split, among the pictures in which both hips and both shoulders are located.

    The rule of PATN's released tool (`tool/create_pairs_dataset.py`, `pose_check_valid`), which is that of Siarohin et
    al. 2018: without these four joints there is no torso to be moved.

    Args:
        writer: of the store that is being written.
    """
    people: dict[str, list[str]] = {}
    located = np.all(writer.joints()[:, _TORSO, 2] > 0, axis=1).tolist()
    for name, person, own, whole in zip(writer.names, writer.people, writer.splits, located, strict=True):
        if own == split and whole:
            people.setdefault(person, []).append(name)
    return [pair for names in people.values() for pair in permutations(names, 2)]


def listed_pairs(pairs: Iterable[tuple[str, str]], writer: StoreWriter, split: str) -> list[tuple[str, str]]:
    """The pairs of a list whose photographs are in the store and show one person; the report has the others.

    Both photographs of a training pair are of the split "train".
    """
    people = dict(zip(writer.names, writer.people, strict=True))
    kept = []
    for source, target in pairs:
        absent = [name for name in (source, target) if not _usable(writer, name, split)]
        if absent:
            writer.leave_out(f"{source} -> {target}", f"{split} pair without its photographs", " and ".join(absent))
        elif people[source] != people[target]:
            writer.leave_out(f"{source} -> {target}", f"{split} pair of two people")
        else:
            kept.append((source, target))
    return kept


def _usable(writer: StoreWriter, name: str, split: str) -> bool:
    own = writer.split_of(name)
    return own is not None and (split != "train" or own == "train")


def bad_row(error: FormatError) -> tuple[str, str, str]:
    """A row of a file that cannot be read, as `StoreWriter.leave_out` takes it."""
    place = f"{error.path.name}, line {error.line}"
    return error.name or place, "bad row", f"{place}: {error.problem}"
