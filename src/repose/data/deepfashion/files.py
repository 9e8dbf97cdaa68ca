"""The files of a DeepFashion folder as people have them: pictures, lists, joints, pairs, maps.

The layouts differ between repositories; `find_pictures` and the functions below look for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import Tensor

from repose.data.deepfashion.fitting import FLAT, MARGIN, SQUARE, Frame
from repose.data.deepfashion.names import flattened
from repose.data.photographs import ENDINGS, Read, bad_row, files_of
from repose.represent.pose_files import FormatError, read_keypoints, read_pairs

SPLITS: Final = ("train", "test")
TREES: Final = ("img_highres", "img")
"""The original trees, the larger pictures first."""

LeaveOut = Callable[[str, str, str], object]
"""Takes (name, kind of reason, detail) of what cannot be used."""

_FLAT_PLACES: Final = ("", "fashion_resize", "resized", "fashion_data")
_TREE_PLACES: Final = ("", "Img", "In-shop Clothes Retrieval Benchmark/Img")
_SPELLINGS: Final = ("fasion-resize", "fashion-resize", "fasion", "fashion")
"""How the CSVs begin: PATN's spelling and the right one; without "resize" the joints are of the 256x256 squares."""


@dataclass(frozen=True)
class Joints:
    """The joints of one split, from a CSV.

    Attributes:
        path: the CSV. frame: which pixels they count. by_name: flattened name -> (18, 3).
    """

    path: Path
    frame: Frame
    by_name: Mapping[str, Tensor]


def find_pictures(folder: Path, source: str) -> tuple[str, dict[str, dict[str, Read]]]:
    """The pictures of the folder.

    Args:
        source: "auto", "folders" (train/ and test/ with flattened names), "img" or "img_highres".

    Returns:
        What was taken, "folders", "img" or "img_highres", and the pictures of each part of it: {"train": {file name:
        a function that reads it}, "test": ...}, or, of a tree, {"": {path: ...}}.

    Raises:
        FileNotFoundError: the folder has no such pictures. ValueError: a zip file cannot be read, or has a password.
    """
    if source in ("auto", "folders"):
        for place in _FLAT_PLACES:
            if all(_is_there(folder / place, split) for split in SPLITS):
                return "folders", {split: _pictures(folder / place, split) for split in SPLITS}
    for tree in TREES:
        if source in ("auto", tree):
            for place in _TREE_PLACES:
                if _is_there(folder / place, tree):
                    return tree, {"": _pictures(folder / place, tree)}
    wanted = {"auto": "neither train/ and test/ nor img/ or img_highres/", "folders": "no train/ and test/"}
    raise FileNotFoundError(
        f"{folder} has {wanted.get(source, f'no {source}/')} (nor zip files of these names): give the folder of the "
        "In-shop Clothes Retrieval Benchmark of DeepFashion, as PATN, GFLA or NTED prepare it"
    )


def lists_of(folder: Path) -> dict[str, set[str]]:
    """train.lst and test.lst, where they are there: the flattened names of each split."""
    lists: dict[str, set[str]] = {}
    for split in SPLITS:
        path = folder / f"{split}.lst"
        if path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            lists[split] = {flattened(line.strip()) or line.strip() for line in lines if line.strip()}
    return lists


def joints_of(folder: Path, split: str, leave_out: LeaveOut) -> Joints | None:
    """The joints of the CSV of a split; None if there is no CSV.

    Which pixels they count is told by the values: beyond column 176 there are only joints of the 256x256 squares.
    Where no joint lies there, the file's name decides: `fasion-resize-annotation-*` counts those of 256x176.

    Raises:
        ValueError: the CSV cannot be read at all, or no frame holds its joints.
    """
    path = _csv(folder, "annotation", split)
    if path is None:
        return None
    given = read_keypoints(path, on_error=lambda error: leave_out(*bad_row(error)))
    joints: dict[str, Tensor] = {}
    for name, one in given.items():
        flat = flattened(name)
        if flat is None:
            leave_out(name, "no name of DeepFashion", f"in {path.name}")
        elif flat in joints:
            leave_out(name, "bad row", f"{path.name}: a second row of {flat}")
        else:
            joints[flat] = one
    return Joints(path, _frame_of(path, joints), joints)


def pairs_of(folder: Path, split: str, leave_out: LeaveOut) -> tuple[Path, list[tuple[str, str]]] | None:
    """The pairs (source, target) of a split by flattened names, and their file; None if there is no list.

    PATN's and GFLA's CSV have the columns from,to; a line of NTED's and PIDM's `train_pairs.txt` has the path of the
    target and then that of the source.

    Raises:
        ValueError: the list has other columns.
    """
    path = _csv(folder, "pairs", split)
    if path is not None:
        errors: list[FormatError] = []
        pairs = read_pairs(path, on_error=errors.append)
        for error in errors:
            leave_out(*bad_row(error))
        return path, [(flattened(source) or source, flattened(target) or target) for source, target in pairs]
    path = folder / f"{split}_pairs.txt"
    if not path.is_file():
        return None
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        names = [flattened(cell.strip()) for cell in line.split(",")] if line.strip() else []
        if len(names) < 2 or None in names:
            if line.strip():
                leave_out(f"{path.name}, line {number}", "bad row", f"{line!r} is not TARGET,SOURCE with img/ paths")
            continue
        target, *sources = (name for name in names if name is not None)
        pairs += [(source, target) for source in sources]
    return path, pairs


def find_maps(folder: Path, kind: str, given: Path | None) -> Path | None:
    """The folder that holds the maps of a kind ("parsing", "iuv" or "mask"), or None.

    Raises:
        FileNotFoundError: the given folder is not there.
    """
    if given is not None:
        if not given.is_dir():
            raise FileNotFoundError(f"{given} is no folder: give the one that holds the {kind} maps")
        return given
    if kind == "parsing" and any((folder / f"{split}SPL8").is_dir() for split in SPLITS):
        return folder
    usual = {"parsing": ("parsing", "SPL8"), "iuv": ("iuv", "densepose"), "mask": ("mask",)}[kind]
    return next((folder / name for name in usual if (folder / name).is_dir()), None)


def map_path(place: Path, kind: str, split: str, name: str) -> Path | None:
    """The map of a picture in a folder of maps, or None: NAME.png in train/, in PINet's trainSPL8/ or right there."""
    stem = name.rpartition(".")[0]
    endings = {"parsing": (".png", ".npy"), "mask": (".png",), "iuv": ("_IUV.png", ".png", ".npy", ".npz")}[kind]
    inside = (split, f"{split}SPL8", "")
    paths = (place / part / f"{stem}{ending}" for part in inside for ending in endings)
    return next((path for path in paths if path.is_file()), None)


def by_flattened(files: Mapping[str, Read], leave_out: LeaveOut) -> dict[str, Read]:
    """Flattened name -> its file, sorted; what is no picture of DeepFashion or there twice is reported."""
    named: dict[str, Read] = {}
    for path, read in files.items():
        name = flattened(path)
        if Path(path).suffix.lower() not in ENDINGS:
            leave_out(path, "not a photograph", f"a {Path(path).suffix or 'nameless'} file")
        elif name is None:
            leave_out(path, "no name of DeepFashion", "such as fashionWOMENDressesid0000001201_1front.jpg")
        elif name in named:
            leave_out(path, "duplicate name", f"another file has the name {name}, too; the first one is used")
        else:
            named[name] = read
    return {name: named[name] for name in sorted(named)}


# -- inside -----------------------------------------------------------------------------------------------------------


def _is_there(folder: Path, name: str) -> bool:
    return (folder / name).is_dir() or (folder / f"{name}.zip").is_file()


def _pictures(folder: Path, name: str) -> dict[str, Read]:
    found = files_of(folder, name, "the In-shop benchmark of DeepFashion")
    return {path.as_posix(): read for path, read in found}


def _csv(folder: Path, what: str, split: str) -> Path | None:
    names = (f"{spelling}-{what}-{split}.csv" for spelling in _SPELLINGS)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _frame_of(path: Path, joints: Mapping[str, Tensor]) -> Frame:
    across = _largest(one[:, 0] for one in joints.values())
    if across > SQUARE[1]:
        raise ValueError(
            f"{path}: a joint lies at x={across:g}; known are joints of pictures of {FLAT[1]}x{FLAT[0]} pixels and of "
            f"{SQUARE[1]}x{SQUARE[0]}. Scale them to one of these"
        )
    if across > FLAT[1]:
        return "square"
    least = min(
        (float(one[one[:, 2] > 0, 0].min()) for one in joints.values() if bool((one[:, 2] > 0).any())), default=0
    )
    return "flat" if "-resize-" in path.name or least < MARGIN else "square"


def _largest(columns: Iterable[Tensor]) -> float:
    return max((float(values.max()) for values in columns), default=0.0)
