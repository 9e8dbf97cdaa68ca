"""Anybody's photographs -> a store: a folder with a subfolder for each person, or a CSV that says who is on which.

```
FOLDER/
  anna/1.jpg  anna/2.jpg       a subfolder for each person
  ben/front.png  ben/back.png
  keypoints.json               key points of them, of any format that `repose.represent.pose_files` reads (if at hand)

LIST.csv: picture,person[,split][,keypoints]
  img/0001.jpg,anna,train,poses/0001.json
```
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from torch import Tensor

from repose.data.datasets import DataSet, ProgressFunction, Setting
from repose.data.packing import Packer, Refused
from repose.data.photographs import VALIDATION_PAIRS
from repose.data.records import Framing, JointEstimator, Pixels, read_photograph, several
from repose.data.splits import pair_lists, split_people
from repose.data.store import Report, StoreWriter, remove_partial
from repose.images import PICTURES
from repose.images.results import without_results
from repose.represent.known_joints import KeypointFile, joints_on
from repose.represent.pose_files import MIN_SCORE, FormatError
from repose.represent.pose_files.reading import SUFFIXES

LICENCE: Final = "unknown: ask whoever took the photographs"
SPLITS: Final = ("train", "val", "test")
COLUMNS: Final = ("picture", "person", "split", "keypoints")
"""Of the CSV; the first two are needed."""


@dataclass(frozen=True)
class Folder:
    """Settings of `prepare_folder`."""

    folder: Annotated[Path, Setting("Of the photographs: a subfolder for each person.")]
    listed: Annotated[
        Path | None,
        Setting("A CSV with the columns picture,person and, where they are known, split,keypoints.", flag="--list"),
    ] = None
    keypoints: Annotated[
        Path | None,
        Setting(
            "A keypoint file of any tool, or a folder of such; else FOLDER/keypoints.json (.csv, .npy) where it is."
        ),
    ] = None
    pose: Annotated[str, Setting("The estimator of key points that no file gives.")] = "movenet"
    size: Annotated[tuple[int, int], Setting("Of the store; the person is cropped to these proportions.")] = (256, 176)
    fields: Annotated[str, Setting("Estimated in addition: mask, parsing, iuv, with commas between.")] = ""
    background: Annotated[str, Setting("What is behind the person: keep, white or grey.")] = "keep"
    validation: Annotated[int | None, Setting("People for validation; by default a tenth.", least=0)] = None
    test: Annotated[int | None, Setting("People for the test; by default a tenth.", least=0)] = None
    pairs: Annotated[
        int, Setting("Pairs of the list for validation and of the one for the test, at most.", least=1)
    ] = VALIDATION_PAIRS
    seed: Annotated[int, Setting("Of the draw of people and pairs.")] = 0


@dataclass(frozen=True)
class _Entry:
    """One photograph: its name in the store, its file, its name for people, who is on it, and what else is known."""

    name: str
    path: Path
    shown: str
    person: str
    split: str = ""
    keypoints: Path | None = None


@dataclass
class _Source:
    """The photographs of a folder or of a list, and what cannot be used of it."""

    entries: list[_Entry] = field(default_factory=list)
    problems: list[tuple[str, str, str]] = field(default_factory=list)


def prepare_folder(
    settings: Folder, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report:
    """Pack a folder of photographs into the store `out`; arguments and more errors: `repose.data.datasets.Prepare`.

    The person is cropped by the joints to the store's proportions; nothing is distorted. Training pairs are all ordered
    pairs of one person; "val" and "test" have fixed lists, drawn by the seed.

    Raises:
        FileNotFoundError: there is no such folder, list or keypoint file.
        FormatError: the keypoint file cannot be read.
        ValueError: the list has no columns picture and person, there are no photographs, or a setting is wrong.
    """
    framing = Framing.parsed(settings.size, settings.fields, settings.background)
    source = _listed(settings) if settings.listed is not None else _within(Path(settings.folder))
    if not source.entries:
        raise ValueError(
            f"{settings.listed or settings.folder} names no photographs; a folder has a subfolder for each person, "
            f"with pictures ({', '.join(PICTURES)})"
        )
    known = _keypoint_file(settings)
    joints = _Joints(known, JointEstimator(settings.pose), source.entries)
    people = (entry.person for entry in source.entries)
    given = {entry.person: entry.split for entry in source.entries if entry.split}
    splits = split_people(people, settings.validation, settings.test, settings.seed, given)
    provenance = {
        "seed": settings.seed,
        "pairs": settings.pairs,
        **{split: sum(where == split for where in splits.values()) for split in ("val", "test")},
        "keypoints": joints.facts(),
        **framing.facts(),
    }
    if fresh:
        remove_partial(out)
    with StoreWriter(out, *settings.size, "folder", LICENCE, provenance, resume=True) as writer:
        packer = Packer(writer, len(source.entries), progress)
        for problem in source.problems:
            writer.leave_out(*problem)
        for entry in source.entries:
            split = entry.split or splits[entry.person]
            packer.add(entry.name, entry.person, split, partial(_read, entry, joints, framing))
        return writer.finish(pair_lists(writer, settings.seed, settings.pairs))


FOLDER: Final = DataSet(
    Folder,
    prepare_folder,
    about="Your own photographs: FOLDER/PERSON/PICTURE.jpg, or a CSV (--list) with the columns picture, person and, if "
    "you like, split (train, val, test) and keypoints (a file). Two pictures of a person are needed for a pair.\n\n"
    "Key points are estimated, or read from a file of any tool (--keypoints; docs/pose-files.md). The person is "
    "cropped to --size without distortion. --fields adds what some models need. What cannot be used is left out, and "
    "meta.json says why.",
    title=lambda settings: Path(settings.folder).resolve().name or "folder",
    examples=(
        "folder photographs -o data/mine",
        "folder photographs --size 128x64 --fields mask,iuv --background white -o data/mine",
        "folder photographs --list who.csv --keypoints poses.json -o data/mine",
    ),
)


# -- inside ---------------------------------------------------------------------------------------------------------


def _read(entry: _Entry, joints: _Joints, framing: Framing) -> dict[str, Any]:
    pixels = read_photograph(entry.path)
    return framing.record(pixels, joints.of(entry, pixels))


def _within(folder: Path) -> _Source:
    """The photographs of the subfolders of a folder, whose names are the people's."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give the folder of the photographs")
    source = _Source()
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES]
    results = {*without_results(found)[1]}
    for path in found:
        inside = path.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts):
            continue
        if path in results:
            source.problems.append((inside.as_posix(), "result of Repose", "it is no photograph; a list may name it"))
        elif len(inside.parts) == 1:
            source.problems.append((path.name, "picture of no person", "it lies in no subfolder"))
        else:
            source.entries.append(_Entry(_flat(inside), path, inside.as_posix(), inside.parts[0]))
    return _without_twins(source)


def _listed(settings: Folder) -> _Source:
    """The photographs of a CSV."""
    assert settings.listed is not None
    file, folder = Path(settings.listed), Path(settings.folder)
    source = _Source()
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text)
        columns = [name.strip().lower() for name in rows.fieldnames or ()]
        if not {"picture", "person"} <= set(columns) or not set(columns) <= set(COLUMNS):
            raise ValueError(
                f"{file}: its first line names the columns: picture,person and, where they are known, split and "
                f"keypoints; it is '{','.join(rows.fieldnames or ())}'"
            )
        rows.fieldnames = columns
        for row in rows:
            where = f"{file.name}, line {rows.line_num}"
            values = {name: (row.get(name) or "").strip() for name in COLUMNS}
            picture, person, split = values["picture"], values["person"], values["split"]
            if not picture or not person:
                source.problems.append((picture or where, "bad row", f"{where}: picture and person are needed"))
            elif split and split not in SPLITS:
                source.problems.append((picture, "bad row", f"{where}: split '{split}'; train, val and test are known"))
            elif (path := _first(folder / picture, file.parent / picture)) is None:
                source.problems.append((picture, "row without a photograph", where))
            else:
                given = values["keypoints"]
                joints = _first(folder / given, file.parent / given) if given else None
                if given and joints is None:
                    source.problems.append((picture, "row without its keypoint file", f"{where}: {given}"))
                    continue
                source.entries.append(_Entry(_flat(Path(picture)), path, picture, person, split, joints))
    return _without_twins(source)


def _without_twins(source: _Source) -> _Source:
    """Without photographs whose name differs from another one's in its ending alone: results are named by stems."""
    stems: dict[str, str] = {}
    kept = []
    for entry in source.entries:
        stem = Path(entry.name).stem
        if stem in stems:
            source.problems.append((entry.shown, "duplicate name", f"as {stems[stem]}, but for the ending"))
        else:
            stems[stem] = entry.shown
            kept.append(entry)
    return _Source(kept, source.problems)


def _flat(inside: Path) -> str:
    """anna/1.jpg -> anna_1.jpg: names of files in a store, and of results, have no folders."""
    parts = [part for part in inside.parts if part not in ("/", "..", ".")]
    return "_".join(parts)


def _first(*paths: Path) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _keypoint_file(settings: Folder) -> KeypointFile | None:
    """The keypoint file that was named, or the one in the folder; None: there is none."""
    if settings.keypoints is not None:
        return KeypointFile.read(settings.keypoints)
    for suffix in sorted(SUFFIXES):
        path = Path(settings.folder) / f"keypoints{suffix}"
        if path.is_file():
            return KeypointFile.read(path)
    return None


class _Joints:
    """The joints of each photograph: of its row's file, of the file for all, or estimated."""

    def __init__(self, known: KeypointFile | None, estimated: JointEstimator, entries: Sequence[_Entry]) -> None:
        self._known, self._estimated = known, estimated
        self._files: dict[Path, KeypointFile] = {}
        self._single = {name for name, count in Counter(entry.path.name for entry in entries).items() if count == 1}
        self._given = [entry.keypoints is not None or known is not None for entry in entries]

    def facts(self) -> dict[str, Any]:
        """For the provenance: where joints come from."""
        given = {"given": sum(self._given), "min_score": MIN_SCORE} if any(self._given) else {}
        return given if all(self._given) else {**given, "estimator": self._estimated.network.name}

    def of(self, entry: _Entry, pixels: Pixels) -> Tensor:
        """The joints (18, 3) on the photograph. Raises Refused where a file was given that does not have them."""
        size = (pixels.shape[0], pixels.shape[1])
        if entry.keypoints is not None:
            return self._of_file(self._row_file(entry.keypoints), [entry.path.name], size, alone=True)
        if self._known is None:
            return self._estimated.of(pixels)
        names = [entry.shown, entry.name, *([entry.path.name] if entry.path.name in self._single else [])]
        return self._of_file(self._known, names, size, alone=False)

    def _row_file(self, path: Path) -> KeypointFile:
        if path not in self._files:
            try:
                self._files[path] = KeypointFile.read(path)
            except FormatError as error:
                raise Refused("broken keypoint file", f"{path.name}: {error.problem}") from error
        return self._files[path]

    def _of_file(self, file: KeypointFile, names: list[str], size: tuple[int, int], alone: bool) -> Tensor:
        pose = _pose_named(file.poses, names)
        if pose is None and alone and len(file.poses) == 1:
            pose = next(iter(file.poses.values()))
        if pose is None:
            raise Refused("no key points in the file", f"{Path(file.path).name} has no pose '{several(names, 1)}'")
        try:
            return joints_on(pose, size)
        except ValueError as error:
            raise Refused("key points of another picture", str(error)) from error


def _pose_named(poses: Mapping[str, Any], names: list[str]) -> Any:
    """The pose of the first of these names that has one, with its ending or with another or none."""
    for name in names:
        if name in poses:
            return poses[name]
    stems: dict[str, list[str]] = {}
    for pose in poses:
        stems.setdefault(str(Path(pose).with_suffix("")), []).append(pose)
    for name in names:
        same = stems.get(str(Path(name).with_suffix("")), [])
        if len(same) == 1:
            return poses[same[0]]
    return None
