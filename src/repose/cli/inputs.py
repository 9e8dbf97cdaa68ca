"""The files that the verbs on photographs are given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_MAP_ENDING: Final = re.compile(r"(?:[._](?:parsing|labels|iuv|dp))?\.[a-z0-9]+$", re.IGNORECASE)
"""What the name of a map has behind the name of its photograph."""


def pictures_in(place: Path) -> list[Path]:
    """A file, or FILE#PART, alone; of a folder its pictures, sorted, without results of Repose, which a note names.

    Where a folder holds nothing but results they are its pictures.

    Raises:
        FileNotFoundError: there is nothing of that name. ValueError: a folder without pictures.
    """
    from repose.cli.reporting import note
    from repose.images import PICTURES, is_frame
    from repose.images.results import left_out, without_results

    if place.is_file() or is_frame(place):
        return [place]
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist")
    found = sorted(path for path in place.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise ValueError(f"{place} holds no pictures ({', '.join(PICTURES)})")
    photographs, results = without_results(found)
    if results:
        note(left_out(results))
    return photographs


def targets_in(target: Path) -> list[Path]:
    """The files of a target: itself, FILE#PART and a folder of pose files too, or the pictures of a folder."""
    from repose.images import PICTURES
    from repose.represent.pose_files.reading import pose_files_in, split_name

    if target.is_file() or (not target.exists() and split_name(target)[0].exists()):
        return [target]
    if target.is_dir() and pose_files_in(target):
        pictures = any(path.suffix.lower() in PICTURES for path in target.iterdir())
        return pictures_in(target) if pictures else [target]
    return pictures_in(target)


def map_of(place: Path | None, picture: Path) -> Path | None:
    """The file of a map of a photograph: `place` itself, or in that folder the one of the photograph's name.

    In a folder the names NAME.parsing.png, NAME.iuv.png and NAME_IUV.png count as NAME.png.

    Raises:
        FileNotFoundError: the folder has no file of that name. ValueError: it has several.
    """
    from repose.images import stem_of

    if place is None or not place.is_dir():
        return place
    stem = stem_of(picture)
    found = sorted(path for path in place.iterdir() if path.is_file() and _MAP_ENDING.sub("", path.name) == stem)
    if not found:
        raise FileNotFoundError(f"{place} has no map of {picture.name}: a file such as {stem}.png is needed")
    if len(found) > 1:
        raise ValueError(f"{place} has several maps of {picture.name} ({', '.join(path.name for path in found)})")
    return found[0]


def files_of(places: Iterable[Path | str]) -> list[Path]:
    """Every file that is read where these are given: of a folder its pictures, of FILE#PART the file."""
    from repose.images import file_of

    files: list[Path] = []
    for place in places:
        files += _within(Path(place)) if Path(place).is_dir() else [file_of(place)]
    return files


def _within(folder: Path) -> list[Path]:
    """The pictures of a folder, or its pose files."""
    found = targets_in(folder)
    return sorted(path for path in folder.iterdir() if path.is_file()) if found == [folder] else found


def require_new(name: str, known: Iterable[str]) -> None:
    """Check that no other picture has this name. ValueError if one has."""
    if name in known:
        raise ValueError(f"another one is called '{name}', too; rename one of the two")


def roles(pictures: list[Path], to: Path | None) -> tuple[Path, list[Path], Path]:
    """The source, further photographs of the same person, and the target.

    Raises:
        ValueError: it is not clear which is which. FileNotFoundError: one of several photographs does not exist.
    """
    if to is None:
        if len(pictures) == 1:
            raise ValueError(f"{pictures[0]} in whose pose? Give SOURCE and TARGET, or SOURCE... --to TARGET")
        if len(pictures) > 2:
            raise ValueError(
                f"{len(pictures)} pictures were given, and it is not said which is the target: write "
                f"{' '.join(map(str, pictures[:-1]))} --to {pictures[-1]} if all but the last show one person; for "
                "several people give a folder"
            )
        return pictures[0], [], pictures[1]
    for place in pictures:
        if place.is_dir():
            raise ValueError(
                f"{place} is a folder: with --to all photographs show one person, so name each of them; leave --to "
                "away for every person of a folder in every pose"
            )
        pictures_in(place)
    return pictures[0], pictures[1:], to


def joint_files(files: list[str], count: int) -> list[str]:
    """--source-keypoints for `count` photographs: one for each, or one file that has a pose of each one's name.

    Raises:
        ValueError: another number of files.
    """
    if len(files) == 1 and count > 1 and "#" not in files[0]:
        return files * count
    if files and len(files) != count:
        raise ValueError(
            f"--source-keypoints was given {len(files)} times for {count} photographs: give one for each, in their "
            "order, or one file with a pose of every photograph's name"
        )
    return files


def parse_result_size(text: str) -> int | tuple[int, int]:
    """--size: "1024" -> the longer side; "768x512" -> height and width.

    Raises:
        ValueError: another text, or a side of 0.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise ValueError(
            f"--size is the longer side of the result, such as 1024, or HEIGHTxWIDTH, such as 768x512, not '{text}'"
        )
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


def result_size(wanted: int | tuple[int, int] | None, shape: Sequence[int]) -> tuple[int, int] | None:
    """The (height, width) that a result of this (height, width, ...) is scaled to; None to leave it.

    The proportions stay. One number is the longer side, and makes no result larger; HEIGHTxWIDTH is a frame that the
    result fills as far as its proportions allow, larger or smaller.
    """
    from repose.images import MAX_PIXELS

    if wanted is None:
        return None
    height, width = shape[0], shape[1]
    factor = (
        min(1.0, wanted / max(height, width)) if isinstance(wanted, int) else min(wanted[0] / height, wanted[1] / width)
    )
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    if rows * columns > MAX_PIXELS:
        raise ValueError(
            f"--size asks for {rows}x{columns} pixels (height x width), at most {MAX_PIXELS:,} are written; give less"
        )
    return rows, columns
