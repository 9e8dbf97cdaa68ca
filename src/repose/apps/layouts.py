"""Layouts: where the parts of a person shall lie in a picture, from a label map or from a photograph."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from repose.apps.garments import LEAST_PIXELS
from repose.apps.people import parsed_person
from repose.callers import callers_level
from repose.estimate import KeypointEstimator
from repose.images import ImageLike, is_frame
from repose.person import LABELS, Person
from repose.represent.canvas import Box, Canvas
from repose.represent.choosing import Which
from repose.represent.label_tables import LabelsLike
from repose.represent.map_files import MapFile, read_map_file
from repose.represent.parsing_files import read_parsing

LayoutLike = ImageLike | Person
"""A label map (a file, a picture with a palette, whole numbers (H, W)), a photograph, or a Person with parsing."""

MOST_COLOURS: Final = 64
"""A picture with more colours, or more levels of grey, is a photograph."""

ROOM: Final = 0.06
"""Room around the labels of a map that is cut, a share of the person's longer side."""

_FILES: Final = (".npy", ".npz", ".pt", ".pth", ".pkl", ".pickle", ".pk")
_PHOTOGRAPHS: Final = (".jpg", ".jpeg", ".jfif", ".gif", ".heic", ".heif", ".avif", ".mp4", ".mov", ".avi", ".mkv")


def read_layout(
    layout: LayoutLike,
    labels: LabelsLike = None,
    *,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
) -> Person:
    """A label map or a photograph -> a person with parsing; unbatched, on the whole map or photograph.

    Args:
        layout: a label map: a file as parsers write it (a grey picture, a palette, one of the published colour maps,
            .npy), a PIL image with a palette or in grey, or whole numbers (H, W) of Repose's labels, an edited map for
            example. Or a photograph, which is parsed: a file, a PIL image, uint8 (H, W, 3), a tensor (3, H, W). Or a
            Person with parsing or image.
        labels: the table of a map's file, see `repose.represent.parsing_files.read_parsing`; None guesses.
        pose, which: of a photograph, see `repose.read_person`.

    Returns:
        `parsing`, labels of `repose.person.LABELS`; of a photograph also `image` and `keypoints`.

    Raises:
        ValueError: the map shows nobody, holds labels that its table lacks, or its table cannot be told.
        ImageError, NobodyFound, MissingFieldError: of a photograph, see `repose.apps.people.parsed_person`.
    """
    if isinstance(layout, Person):
        person = layout if layout.parsing is not None else parsed_person(layout, pose=pose, which=which)
    elif isinstance(layout, str | Path):
        if is_label_map(layout):
            person = Person(parsing=read_parsing(layout, labels, stacklevel=callers_level()))
        else:
            person = parsed_person(layout, pose=pose, which=which)
    else:
        numbers = _numbers(layout)
        if numbers is None:
            person = parsed_person(layout, pose=pose, which=which)
        elif labels is not None:
            raise ValueError(
                "labels names the table of a map's file; an array holds Repose's labels: leave labels away"
            )
        else:
            person = Person(parsing=numbers)
    name = str(layout) if isinstance(layout, str | Path) else "the label map"
    if person.parsing is None or person.batched:
        raise ValueError(f"{name}: one unbatched person is wanted; index the batch")
    count = int((person.parsing > 0).sum())
    if count < LEAST_PIXELS:
        shown = f"only {count} of its pixels are not background" if count else "all of its pixels are background"
        raise ValueError(
            f"{name} shows nobody: {shown}, a person has {LEAST_PIXELS} at least. Give the map of a person"
        )
    return person


def is_label_map(path: str | Path) -> bool:
    """Whether a file holds labels rather than a photograph: an array, or a picture of at most `MOST_COLOURS` colours.

    Pictures that lose detail (JPEG), frames of videos and whatever cannot be read as a map count as photographs.
    """
    place = Path(path)
    suffix = place.suffix.lower()
    if suffix in _FILES:
        return True
    if suffix in _PHOTOGRAPHS or is_frame(place) or not place.is_file():
        return False
    try:
        file = read_map_file(place)
    except ValueError:
        return False
    return _few_colours(file)


def place_layout(layout: Person, canvas: Canvas) -> Person:
    """A layout on a canvas: `parsing`, labels of the nearest pixel, and `image` where the layout has one.

    A map whose proportions are the window's, and whose person is large in it, is taken whole; of another one the part
    around the person is cut.

    Args:
        layout: of `read_layout`.
    """
    parsing = layout.parsing
    assert parsing is not None
    fields = replace(layout, keypoints=None, iuv=None, mask=None, depth=None, extra_keypoints=None)
    rows, columns = (parsing > 0).nonzero(as_tuple=True)
    y0, y1, x0, x1 = (int(end) for end in (rows.min(), rows.max(), columns.min(), columns.max()))
    if canvas.fits((int(parsing.shape[0]), int(parsing.shape[1])), torch.tensor([[x0, y0], [x1, y1]])):
        return canvas.put(fields, how="fit")[0]
    room = round(ROOM * max(y1 - y0, x1 - x0))
    box: Box = (y0 - room, x0 - room, y1 - y0 + 2 * room + 1, x1 - x0 + 2 * room + 1)
    return canvas.put(fields, how="crop", box=box, fill="edge")[0]


def note_sizes(layout: Person, source: Person) -> None:
    """Warn where a label map without a photograph is of another size than the source's photograph."""
    if layout.image is not None or layout.size is None or source.size is None or layout.size == source.size:
        return
    here, there = ("x".join(map(str, person.size or ())) for person in (layout, source))
    warnings.warn(
        f"the label map is {here}, the photograph {there} (height x width): the map is scaled by the nearest pixel",
        stacklevel=callers_level(),
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _few_colours(file: MapFile) -> bool:
    values = file.values
    if values.dtype.kind not in "bui":
        return False
    if values.ndim == 3 and values.shape[2] in (3, 4):
        packed = values[..., :3].astype(np.int64) @ np.array([65536, 256, 1])
    elif values.ndim == 2:
        packed = values
    else:
        return False
    return bool(file.palette) or len(np.unique(packed)) <= MOST_COLOURS


def _numbers(layout: Any) -> Tensor | None:
    """The labels of an array, a tensor or a PIL image, int64 (H, W); None of a photograph."""
    if isinstance(layout, PIL.Image.Image):
        if layout.mode not in ("P", "L", "I", "I;16", "1") or len(layout.getcolors(1 << 16) or ()) > MOST_COLOURS:
            return None
        values = torch.from_numpy(np.array(layout).astype(np.int64))
    else:
        values = torch.from_numpy(layout) if isinstance(layout, np.ndarray) else layout
        if not isinstance(values, Tensor) or values.ndim != 2 or values.is_floating_point():
            return None
        values = values.detach().cpu().long()
    wrong = ((values < 0) | (values >= len(LABELS))).nonzero()
    if len(wrong):
        y, x = (int(place) for place in wrong[0])
        raise ValueError(
            f"the label map holds the label {int(values[y, x])} at x={x}, y={y}, and Repose's are 0 to "
            f"{len(LABELS) - 1}; write a map of another table into a file and name the table by labels="
        )
    return values


__all__ = ["MOST_COLOURS", "ROOM", "LayoutLike", "is_label_map", "note_sizes", "place_layout", "read_layout"]
