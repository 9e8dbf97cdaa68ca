"""The In-shop benchmark of DeepFashion -> a store."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from repose.data.datasets import ProgressFunction, Setting
from repose.data.deepfashion import files
from repose.data.deepfashion.fitting import FLAT, fitted, fitted_map, joints_of_map, joints_on
from repose.data.deepfashion.names import item_of, person_of
from repose.data.packing import Packer, Refused
from repose.data.photographs import Read, decode, drawn, held_out, listed_pairs, located_pairs
from repose.data.store import Report, StoreWriter, remove_partial
from repose.estimate.table import estimator
from repose.picture_files import open_picture
from repose.represent.maps import read_iuv, read_parsing

LICENCE: Final = "DeepFashion: non-commercial research only; the pictures may not be passed on"


@dataclass(frozen=True)
class DeepFashion:
    """Settings of `prepare_deepfashion`."""

    folder: Annotated[Path, Setting("The folder of DeepFashion, as PATN, GFLA or NTED prepare it, or the original.")]
    size: Annotated[tuple[int, int], Setting("Of the store; 512x352 needs the pictures of img_highres.")] = FLAT
    pictures: Annotated[str, Setting("Which pictures: auto, folders (train/ and test/), img or img_highres.")] = "auto"
    keypoints: Annotated[str, Setting("Joints from the csv, or estimate them; auto: the CSV if it is there.")] = "auto"
    parsing: Annotated[Path | None, Setting("Folder of parsing maps, NAME.png; by itself: parsing/, trainSPL8/.")] = (
        None
    )
    labels: Annotated[str | None, Setting("Table of the maps' labels; by itself: pinet in trainSPL8/, else lip.")] = (
        None
    )
    iuv: Annotated[Path | None, Setting("Folder of DensePose's files, NAME_IUV.png; by itself: iuv/, densepose/.")] = (
        None
    )
    ignore_maps: Annotated[bool, Setting("Pack pictures and joints alone.", flag="--ignore-maps")] = False
    validation: Annotated[int, Setting("How many training items are held out, in all their clothes.", least=0)] = 100
    seed: Annotated[int, Setting("Of the draw of these items and of their pairs.")] = 0


def prepare_deepfashion(
    settings: DeepFashion, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report:
    """Pack DeepFashion into the store `out`, with splits "train", "val" (training items held out) and "test".

    A picture's split is the folder that it lies in, or the list (train.lst, test.lst) or the CSV that has its name.
    Pairs are those of the lists (PATN's CSV, NTED's text); where one is missing, all ordered pairs of one person among
    the pictures in which both hips and both shoulders are located, the rule of PATN's tool. "val" has at most 1,000 of
    the training pairs, drawn by the seed. A person is department, kind, item and clothes number of the name.
    `repose.data.deepfashion.fitting` says how pictures of other sizes come onto the canvas. Arguments and further
    errors as of `repose.data.datasets.Prepare`.

    Raises:
        FileNotFoundError: a part of the layout is missing.
        ValueError: a CSV or zip file cannot be read at all, a picture is in both splits, or the settings do not fit.
    """
    _check(settings)
    problems: list[tuple[str, str, str]] = []
    parts = _parts(settings, problems)
    maps = {} if settings.ignore_maps else _maps(settings)
    pairs = {split: files.pairs_of(Path(settings.folder), split, _noted(problems)) for split in files.SPLITS}
    people = {item_of(person_of(name)) for name in parts["train"].pictures}
    items = held_out(people, settings.validation, settings.seed)
    provenance = {
        "seed": settings.seed,
        "validation_items": settings.validation,
        "pictures": parts["train"].origin,
        "keypoints": {split: part.joints_from for split, part in parts.items()},
        "pairs": {split: found[0].name if found else "both hips and shoulders" for split, found in pairs.items()},
        "maps": {kind: f"{place.name or kind} {table}".strip() for kind, (place, table) in maps.items()},
    }
    if fresh:
        remove_partial(out)
    with StoreWriter(out, *settings.size, "deepfashion", LICENCE, provenance, resume=True) as writer:
        packer = Packer(writer, sum(len(part.pictures) for part in parts.values()), progress)
        for problem in problems:
            writer.leave_out(*problem)
        for split, part in parts.items():
            for name in part.pictures:
                person = person_of(name)
                own = "val" if split == "train" and item_of(person) in items else split
                packer.add(name, person, own, functools.partial(_record, part, split, name, maps, settings))
            for name in sorted(part.joints.by_name.keys() - part.pictures.keys() if part.joints else ()):
                writer.leave_out(name, "row without a picture", f"in {part.joints_from}")
        return writer.finish(_all_pairs(writer, pairs, settings))


# -- inside -----------------------------------------------------------------------------------------------------------


@dataclass
class _Part:
    """One split: its pictures by flattened name, and where their joints come from."""

    origin: str
    pictures: Mapping[str, Read]
    joints: files.Joints | None

    @property
    def joints_from(self) -> str:
        if self.joints is None:
            return estimator().name
        return f"{self.joints.path.name} ({self.joints.frame})"


def _noted(problems: list[tuple[str, str, str]]) -> files.LeaveOut:
    return lambda name, why, detail: problems.append((name, why, detail))


def _check(settings: DeepFashion) -> None:
    height, width = settings.size
    if height < 16 or abs(width / height / (FLAT[1] / FLAT[0]) - 1) > 0.03:
        raise ValueError(
            f"size {height}x{width}: DeepFashion's pictures are of the shape 256x176; give that or 512x352"
        )
    for name, allowed in (
        ("pictures", ("auto", "folders", *files.TREES)),
        ("keypoints", ("auto", "csv", "estimate")),
    ):
        if getattr(settings, name) not in allowed:
            raise ValueError(f"--{name} {getattr(settings, name)}: one of {', '.join(allowed)} is needed")
    if not Path(settings.folder).is_dir():
        raise FileNotFoundError(f"{settings.folder} is no folder")


def _parts(settings: DeepFashion, problems: list[tuple[str, str, str]]) -> dict[str, _Part]:
    """The pictures and joints of "train" and "test"."""
    folder = Path(settings.folder)
    origin, found = files.find_pictures(folder, settings.pictures)
    lists = files.lists_of(folder)
    joints = {split: files.joints_of(folder, split, _noted(problems)) for split in files.SPLITS}
    if settings.keypoints == "estimate":
        used = dict.fromkeys(files.SPLITS)
    else:
        used = joints
        absent = [split for split in files.SPLITS if joints[split] is None]
        if settings.keypoints == "csv" and absent:
            raise FileNotFoundError(
                f"{folder} has no fasion-resize-annotation-{absent[0]}.csv: fetch PATN's annotation files, or give "
                "--keypoints estimate"
            )
    named: dict[str, dict[str, Read]]
    if origin == "folders":
        named = {split: files.by_flattened(found[split], _noted(problems)) for split in files.SPLITS}
        named = {split: _on_list(named[split], lists.get(split), split, problems) for split in files.SPLITS}
    else:
        named = _by_list(files.by_flattened(found[""], _noted(problems)), lists, joints, folder)
    both = sorted(named["train"].keys() & named["test"].keys())
    if both:
        raise ValueError(f"{folder}: {len(both)} pictures are in both train and test, e.g. {both[0]}")
    for split, names in lists.items():
        problems += [
            (name, "listed without a picture", f"in {split}.lst") for name in sorted(names - named[split].keys())
        ]
    return {split: _Part(origin, named[split], used[split]) for split in files.SPLITS}


def _on_list(
    pictures: dict[str, Read], names: set[str] | None, split: str, problems: list[tuple[str, str, str]]
) -> dict[str, Read]:
    if names is None:
        return pictures
    problems += [
        (name, "not on the list", f"in {split}/, but not in {split}.lst") for name in pictures if name not in names
    ]
    return {name: read for name, read in pictures.items() if name in names}


def _by_list(
    pictures: dict[str, Read], lists: dict[str, set[str]], joints: Mapping[str, files.Joints | None], folder: Path
) -> dict[str, dict[str, Read]]:
    """The pictures of an original tree in their splits. Those of no split are many, and are not reported."""
    splits = dict(lists)
    for split in files.SPLITS:
        csv = joints[split]
        if split not in splits and csv is not None:
            splits[split] = set(csv.by_name)
    absent = [split for split in files.SPLITS if split not in splits]
    if absent:
        raise FileNotFoundError(
            f"{folder} has no {absent[0]}.lst, and no CSV of joints names the pictures of {absent[0]!r}: fetch "
            "train.lst and test.lst from the repository of PATN or GFLA"
        )
    return {split: {n: read for n, read in pictures.items() if n in splits[split]} for split in files.SPLITS}


def _maps(settings: DeepFashion) -> dict[str, tuple[Path, str]]:
    """Kind -> the folder of its maps, and the table of their labels."""
    folder = Path(settings.folder)
    maps: dict[str, tuple[Path, str]] = {}
    for kind, given in (("parsing", settings.parsing), ("iuv", settings.iuv), ("mask", None)):
        place = files.find_maps(folder, kind, given)
        if place is not None:
            spl = any("SPL" in path.name for path in (place, *place.iterdir()))
            maps[kind] = (place, (settings.labels or ("pinet" if spl else "lip")) if kind == "parsing" else "")
    return maps


def _record(
    part: _Part, split: str, name: str, maps: Mapping[str, tuple[Path, str]], settings: DeepFashion
) -> dict[str, Any]:
    """The fields of a picture; Refused says why it may not enter."""
    if part.joints is not None and name not in part.joints.by_name:
        raise Refused("picture without a row", f"not in {part.joints.path.name}")
    image = fitted(decode(part.pictures[name]), settings.size)
    if part.joints is None:
        joints = estimator().crops([image])[0]
    else:
        joints = joints_on(part.joints.by_name[name], part.joints.frame, settings.size)
    record: dict[str, Any] = {"image": image, "keypoints": joints}
    for kind, (place, table) in maps.items():
        path = files.map_path(place, kind, split, name)
        if path is None:
            raise Refused(f"picture without {_WORDS[kind]}", "give --ignore-maps to pack pictures and joints alone")
        try:
            record[kind] = _READERS[kind](path, table, joints, settings.size)
        except (ValueError, OSError, SyntaxError) as error:
            raise Refused(f"unusable {kind} file", str(error).replace(str(place), place.name)) from error
    return record


def _parsing(path: Path, table: str, joints: Tensor, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    with warnings.catch_warnings():
        # of every map again: that the table's order is not published, or that left and right are told by the joints
        warnings.simplefilter("ignore", UserWarning)
        labels = read_parsing(path, table, joints_of_map(joints, size, _size_of(path)))
    return fitted_map(labels.numpy().astype(np.uint8), size)


def _iuv(path: Path, table: str, joints: Tensor, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    part, u, v = read_iuv(path).numpy()
    return fitted_map(np.rint(np.stack([part, u * 255, v * 255], axis=-1)).astype(np.uint8), size)


def _mask(path: Path, table: str, joints: Tensor, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    with open_picture(path) as picture:
        return fitted_map(np.asarray(picture.convert("L")), size)


def _size_of(path: Path) -> tuple[int, int]:
    if path.suffix == ".npy":
        height, width = np.load(path, mmap_mode="r").shape[:2]
        return int(height), int(width)
    with open_picture(path) as picture:
        return picture.height, picture.width


_Reader = Callable[[Path, str, Tensor, tuple[int, int]], npt.NDArray[np.uint8]]
_READERS: Final[dict[str, _Reader]] = {"parsing": _parsing, "iuv": _iuv, "mask": _mask}
_WORDS: Final = {"parsing": "a parsing map", "iuv": "a DensePose file", "mask": "a mask"}


def _all_pairs(
    writer: StoreWriter,
    found: Mapping[str, tuple[Path, list[tuple[str, str]]] | None],
    settings: DeepFashion,
) -> dict[str, list[tuple[str, str]]]:
    """The pairs of every split; those of the items held out are drawn from the training pairs."""
    pairs: dict[str, list[tuple[str, str]]] = {}
    for split in files.SPLITS:
        listed = found[split]
        if listed is None:
            pairs[split] = located_pairs(writer, split)
        else:
            own = [pair for pair in listed[1] if split == "test" or not all(writer.split_of(n) == "val" for n in pair)]
            pairs[split] = listed_pairs(own, writer, split)
    if settings.validation:
        listed = found["train"]
        if listed is None:
            kept = located_pairs(writer, "val")
        else:
            inside = [pair for pair in listed[1] if all(writer.split_of(name) == "val" for name in pair)]
            kept = listed_pairs(inside, writer, "val")
        pairs["val"] = drawn(kept, settings.seed)
    return pairs
