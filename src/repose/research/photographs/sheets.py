"""What the models make of the photographs, as contact sheets. They show real people: they are no part of a document."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from repose.draw.sheet import sheet
from repose.images import load_image, write_picture
from repose.research.photographs.columns import OWN_POSE, TURNS
from repose.research.photographs.crops import Picture
from repose.research.photographs.run import CropPair, Judged
from repose.research.photographs.table import groups_of

EACH: Final = 8
"""Pairs of a class of turns on the sheet."""


def pair_sheet(judged: Judged, each: int = EACH) -> Image.Image | None:
    """Source, what each model makes, and target, of `each` pairs of every class of turns; a class is a row of blocks.

    The pairs are the first of their class as they were drawn. None if there is no pair.
    """
    pairs = {name: [pair for pair in judged.drawn.pairs if name in groups_of(pair)][:each] for name in TURNS}
    return _blocks(judged, {name: of_class for name, of_class in pairs.items() if of_class})


def own_pose_sheet(judged: Judged, count: int = 3 * EACH) -> Image.Image | None:
    """Photographs, and what each model makes of them in their own pose. None if there is none."""
    pairs = [pair for pair in judged.drawn.pairs if OWN_POSE in groups_of(pair)][:count]
    rows = {f"{OWN_POSE} {k // EACH + 1}": pairs[k : k + EACH] for k in range(0, len(pairs), EACH)}
    return _blocks(judged, rows, target=False)


def write_sheets(judged: Judged) -> list[Path]:
    """Write pairs.sheet.png and own-pose.sheet.png into the folder of the run; returns those that there are."""
    written = []
    for name, page in (("pairs", pair_sheet(judged)), ("own-pose", own_pose_sheet(judged))):
        path = judged.folder / f"{name}.sheet.png"
        if page is None:
            path.unlink(missing_ok=True)  # of an earlier run
        else:
            write_picture(path, page)
            written.append(path)
    return written


def _blocks(judged: Judged, classes: dict[str, list[CropPair]], target: bool = True) -> Image.Image | None:
    """A line of pictures for each pair, the lines of a class below each other, the classes side by side."""
    if not classes:
        return None
    models = list(judged.weights)
    names = ["source", *models, *(["target"] if target else [])]
    pages = []
    for title, pairs in classes.items():
        rows = [
            [
                _captioned(pair.source.picture, f"{pair.number}  {pair.turn:.0f}°"),
                *(load_image(judged.folder / model / f"{pair.number:03d}_generated.png") for model in models),
                *([pair.target.picture] if target else []),
            ]
            for pair in pairs
        ]
        pages.append(np.asarray(sheet(rows, [f"{title}: source", *names[1:]])))
    tallest = max(map(len, pages))
    return sheet([[np.pad(page, ((0, tallest - len(page)), (0, 0), (0, 0)), constant_values=255) for page in pages]])


def _captioned(picture: Picture, text: str) -> Picture:
    """A picture with a word in its upper left corner."""
    page = Image.fromarray(picture)
    font = ImageFont.load_default(size=14)
    draw = ImageDraw.Draw(page)
    draw.rectangle(draw.textbbox((3, 2), text, font=font), fill=(255, 255, 255))
    draw.text((3, 2), text, (0, 0, 0), font)
    return np.asarray(page)
