"""Clips: videos, and folders of their frames, sampled in time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from repose.images import PICTURES, ImageError, load_image, sampled_frames
from repose.picture_files import kind_of

VIDEOS = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".ogv")
"""The suffixes, in small letters, by which a file in a folder counts as a video; a file that is named may have any."""

Frame = tuple[int, npt.NDArray[np.uint8]]
"""(its number in the clip, from 0, uint8 (H, W, 3))."""


@dataclass(frozen=True)
class Clip:
    """A video, or a folder of frames in the order of their names.

    Attributes:
        name: unique among the clips of a data set, without folders and ending.
        path: of the video or the folder.
        pictures: the frames of a folder; empty for a video.
    """

    name: str
    path: Path
    pictures: tuple[Path, ...] = ()

    def sampled(self, every: float, rate: float) -> Iterator[Frame]:
        """Frames that lie so many seconds apart.

        Args:
            every: seconds between two of them.
            rate: frames a second of a folder of frames; a video says it itself.

        Raises:
            ImageError: the video, or one of the frames, cannot be read; those before it come first.
        """
        if not self.pictures:
            for number, _, pixels in sampled_frames(self.path, every):
                yield number, pixels
            return
        due = 0.0
        for number, path in enumerate(self.pictures):
            if number / rate + 1e-6 >= due:
                yield number, load_image(path)
                due = max(due + every, number / rate + every / 2)


def problem_of(clip: Clip, error: ImageError) -> str:
    """Why a clip cannot be read to its end, for the report, without the folder that it lies in.

    Raises:
        ImportError: the package that reads videos is not installed, so no clip can be read.
    """
    if isinstance(error.__cause__, ImportError):
        raise ImportError(str(error)) from error
    return str(error).replace(str(clip.path), clip.path.name)


def clips_in(places: Iterable[Path]) -> list[Clip]:
    """The clips of videos, and of folders of videos or of frames, also below each other.

    A folder with pictures is one clip. Frames of a folder are ordered by the numbers in their names.

    Raises:
        FileNotFoundError: there is nothing of a name.
        ValueError: a file is no video, or there is no clip at all.
    """
    places = list(places)
    clips: list[Clip] = []
    names: set[str] = set()

    def add(path: Path, inside: Path, pictures: Iterable[Path] = ()) -> None:
        parts = [part for part in inside.parts if part not in ("/", "..", ".")]
        name = "_".join(parts) if pictures else "_".join([*parts[:-1], Path(parts[-1]).stem])
        unique, number = name, 2
        while unique in names:
            unique, number = f"{name}-{number}", number + 1
        names.add(unique)
        clips.append(Clip(unique, path, tuple(pictures)))

    for place in places:
        if not place.exists():
            raise FileNotFoundError(f"{place} does not exist; give a video, or a folder of videos or of frames")
        if place.is_file():
            if not is_video(place):
                raise ValueError(f"{place} is no video; give a video, or a folder of videos or of frames")
            add(place, Path(place.name))
            continue
        for folder in (place, *sorted(path for path in place.rglob("*") if path.is_dir())):
            files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
            pictures = [path for path in files if path.suffix.lower() in PICTURES]
            if pictures:
                inside = folder.relative_to(place)
                add(folder, inside if inside.parts else Path(folder.resolve().name), sorted(pictures, key=by_number))
            for path in files:
                if path.suffix.lower() in VIDEOS:
                    add(path, path.relative_to(place))
    if not clips:
        raise ValueError(f"there is no video and no frame in {', '.join(map(str, places))}")
    return clips


def by_number(path: Path) -> list[tuple[int, str]]:
    """A key that sorts frame9.jpg before frame10.jpg."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its first bytes."""
    try:
        return kind_of(path) == "video"
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error})") from error
