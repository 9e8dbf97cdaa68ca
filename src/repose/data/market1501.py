"""Market-1501 (Zheng et al. 2015) in its original layout, with joints and pairs of PATN (Zhu et al. 2019) -> a store.

```
FOLDER/
  bounding_box_train/  or bounding_box_train.zip     0002_c1s1_000451_03.jpg: person 0002, camera 1
  bounding_box_test/   or bounding_box_test.zip
  market-annotation-train.csv  market-annotation-test.csv     name:keypoints_y:keypoints_x
  market-pairs-test.csv                                       from,to
```
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from repose.data.store import Report, StoreWriter
from repose.represent.formats import FormatError, read_keypoints, read_pairs

HEIGHT: Final = 128
WIDTH: Final = 64
VALIDATION_PAIRS: Final = 1000
LICENCE: Final = "Market-1501: gathered for research on person re-identification, no licence stated; research only"

Progress = Callable[[int, int], None]


def prepare_market1501(
    folder: Path | str,
    out: Path | str,
    validation_people: int = 30,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Pack Market-1501 into the store `out`, with splits "train", "val" (training people held out) and "test".

    Training pairs are all ordered pairs of one person; "val" has a fixed list of at most 1,000 drawn by `seed`; the
    pairs of "test" come from the CSV. A photograph that is not 64x128 is left out: its joints could not be trusted.

    Args:
        folder: the original layout, see the module's text.
        out: the store, must not exist.
        validation_people: how many training people are held out.
        seed: of who they are and of their pairs. Neither depends on the machine or on a library's version.
        progress: called with (photographs done, photographs in all).

    Raises:
        FileNotFoundError: a part of the layout is missing.
        ValueError: a CSV or zip cannot be read at all, or too few people are left to train on.
    """
    folder = Path(folder)
    parts = {split: _read_part(folder, split) for split in ("train", "test")}
    bad_pairs: list[FormatError] = []
    test_pairs = read_pairs(_require(folder, "market-pairs-test.csv"), on_error=bad_pairs.append)
    held_out = _held_out(parts["train"], validation_people, seed)
    total, done = sum(len(part.photographs) for part in parts.values()), 0
    provenance = {"seed": seed, "validation_people": validation_people}
    with StoreWriter(out, HEIGHT, WIDTH, "market1501", LICENCE, provenance) as writer:
        for split, part in parts.items():
            for name, why, detail in part.problems:
                writer.leave_out(name, why, detail)
            for name, read in sorted(part.photographs.items()):
                done += 1
                if progress is not None:
                    progress(done, total)
                try:
                    joints = part.joints_of(name, writer.written)
                    image = _decode(read)
                except _Refused as refused:
                    writer.leave_out(name, refused.why, refused.detail)
                    continue
                person = _person(name)
                writer.add(name, person, image, joints, split="val" if person in held_out else split)
            for name in sorted(part.joints.keys() - part.photographs.keys()):
                writer.leave_out(name, "row without a photograph", f"in market-annotation-{split}.csv")
        for error in bad_pairs:
            writer.leave_out(*_bad_row(error))
        pairs = {"test": _listed(test_pairs, writer)}
        if validation_people:
            pairs["val"] = _drawn(writer, seed)
        return writer.finish(pairs)


@dataclass(frozen=True)
class _Part:
    """One folder of photographs, by name what reads it, and the joints of its CSV."""

    photographs: Mapping[str, Callable[[], bytes]]
    joints: Mapping[str, Tensor]
    problems: list[tuple[str, str, str]]

    def joints_of(self, name: str, written: Set[str]) -> Tensor:
        """The joints of a photograph that may enter; _Refused says why it may not."""
        if Path(name).suffix.lower() not in (".jpg", ".jpeg", ".png"):
            raise _Refused("not a photograph", f"a {Path(name).suffix or 'nameless'} file")
        if name.startswith(("-1", "0000")):
            raise _Refused("junk person", "ids -1 and 0000 are the data set's distractors")
        if not re.match(r"\d{4}_", name):
            raise _Refused("no person in its name", "a name begins with four digits")
        if name in written:
            raise _Refused("duplicate name", "a photograph of this name is in already")
        if name not in self.joints:
            raise _Refused("photograph without a row", "no joints in the CSV")
        return self.joints[name]


class _Refused(Exception):  # noqa: N818  it is not an error: the photograph goes into the report
    def __init__(self, why: str, detail: str) -> None:
        super().__init__(why, detail)
        self.why, self.detail = why, detail


def _read_part(folder: Path, split: str) -> _Part:
    problems: list[tuple[str, str, str]] = []
    csv = _require(folder, f"market-annotation-{split}.csv")
    joints = read_keypoints(csv, on_error=lambda error: problems.append(_bad_row(error)))
    found: dict[str, Callable[[], bytes]] = {}
    for name, read in _files(folder, f"bounding_box_{split}"):
        if name in found:
            problems.append((name, "duplicate name", f"twice in bounding_box_{split}, the first one is used"))
        else:
            found[name] = read
    return _Part(found, joints, problems)


def _bad_row(error: FormatError) -> tuple[str, str, str]:
    place = f"{error.path.name}, line {error.line}"
    return error.name or place, "bad row", f"{place}: {error.problem}"


def _require(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: Market-1501 needs {name} beside its photographs (the annotation files of PATN)"
        )
    return path


def _files(folder: Path, name: str) -> Iterable[tuple[str, Callable[[], bytes]]]:
    """(file name, what reads it) of everything below folder/name, or in folder/name.zip."""
    if (folder / name).is_dir():
        return [(path.name, path.read_bytes) for path in sorted((folder / name).rglob("*")) if path.is_file()]
    packed = folder / f"{name}.zip"
    if not packed.is_file():
        raise FileNotFoundError(
            f"{folder} has neither {name}/ nor {name}.zip: is it Market-1501 in its original layout?"
        )
    try:
        archive = zipfile.ZipFile(packed)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{packed} is damaged or no zip file ({error}); fetch it again") from error
    members = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
    return [(Path(info.filename).name, partial(archive.read, info)) for info in members]


def _decode(read: Callable[[], bytes]) -> npt.NDArray[np.uint8]:
    """A whole photograph, uint8 (128, 64, 3); _Refused if it is broken or of another size."""
    try:
        with Image.open(io.BytesIO(read())) as picture:
            if picture.size != (WIDTH, HEIGHT):
                width, height = picture.size
                raise _Refused("wrong size", f"{width}x{height} pixels and not {WIDTH}x{HEIGHT}")
            return np.asarray(picture.convert("RGB"))  # decodes to the last row, where a cut file shows
    except (OSError, SyntaxError, ValueError, zipfile.BadZipFile, Image.DecompressionBombError) as error:
        raise _Refused("broken photograph", str(error)) from error


def _person(name: str) -> str:
    return name[:4]


def _draw(seed: int, *words: str) -> str:
    """A random key: the smallest k keys are k random draws, the same ones whoever else is there."""
    return hashlib.sha256(":".join((str(seed), *words)).encode()).hexdigest()


def _held_out(part: _Part, count: int, seed: int) -> frozenset[str]:
    people = {_person(name) for name in part.photographs if name in part.joints}
    if count < 0 or (count and count >= len(people)):
        raise ValueError(f"validation_people={count} of {len(people)} training people leaves nobody to train on")
    return frozenset(sorted(people, key=lambda person: _draw(seed, person))[:count])


def _drawn(writer: StoreWriter, seed: int) -> list[tuple[str, str]]:
    """At most 1,000 of the ordered pairs of the people held out."""
    people: dict[str, list[str]] = {}
    for name, person, split in zip(writer.names, writer.people, writer.splits, strict=True):
        if split == "val":
            people.setdefault(person, []).append(name)
    pairs = [pair for names in people.values() for pair in permutations(names, 2)]
    return sorted(pairs, key=lambda pair: _draw(seed, *pair))[:VALIDATION_PAIRS]


def _listed(pairs: list[tuple[str, str]], writer: StoreWriter) -> list[tuple[str, str]]:
    """The pairs whose photographs are in the store and show one person; the others go into the report."""
    kept = []
    for source, target in pairs:
        absent = [name for name in (source, target) if name not in writer.written]
        if absent:
            writer.leave_out(f"{source} -> {target}", "test pair without its photographs", " and ".join(absent))
        elif _person(source) != _person(target):
            writer.leave_out(f"{source} -> {target}", "test pair of two people")
        else:
            kept.append((source, target))
    return kept
