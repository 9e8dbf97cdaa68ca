"""The contact sheet of a folder of estimated fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from repose.draw.panels import Pixels, map_picture, skeleton_over
from repose.draw.sheet import reduced, sheet
from repose.estimate.field_files import MAPS, SHEET, FieldFolder
from repose.images import load_image, save_image
from repose.person import Person

HEIGHT = 256
"""Pixels of a photograph on the sheet."""


def write_field_sheet(folder: FieldFolder, photographs: Sequence[tuple[str, str]], base: Path | None = None) -> Path:
    """Draw photographs with joints, hands and feet, and with each of their maps, a row each, into sheet.png.

    Args:
        photographs: path and name in the folder, of each one; all have a record.
        base: the folder that relative paths begin at; None is the current one.

    Raises:
        ValueError: there is no photograph, or a file cannot be read.
    """
    people = [folder.person(name) for _, name in photographs]
    maps = [name for name in MAPS if any(getattr(person, name) is not None for person in people)]
    rows = []
    for (path, _), person in zip(photographs, people, strict=True):
        image = load_image(Path(base or "", path))
        batch = Person(**{name: _batched(getattr(person, name)) for name in maps}, size=person.size)
        drawn = [
            image,
            *([] if person.keypoints is None else [skeleton_over(image, person.keypoints, person.extra_keypoints)]),
        ]
        cells: list[Pixels | None] = [reduced(picture, HEIGHT) for picture in drawn]
        for name in maps:
            picture = map_picture(batch, name)
            cells.append(None if picture is None else reduced(picture, HEIGHT))
        rows.append(cells)
    page = sheet(rows, ["photograph", "keypoints", *maps], labels=[name for _, name in photographs])
    return save_image(folder.folder / SHEET, np.asarray(page))


# -- inside ---------------------------------------------------------------------------------------------------------


def _batched(value: Tensor | None) -> Tensor | None:
    return None if value is None else value[None]
