"""Photographs -> people with joints and parsing, as the applications read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from torch import Tensor

from repose.estimate import Estimator, KeypointEstimator, complete
from repose.images import ImageLike
from repose.person import Person
from repose.pipeline.people import Joints, read_person
from repose.represent.canvas import Canvas, Placement
from repose.represent.choosing import Which
from repose.represent.framing import place_source
from repose.represent.label_tables import LabelsLike
from repose.represent.maps import with_maps
from repose.represent.pose_files import MIN_SCORE

Parsing = str | Path | Tensor | None
"""A label map of a photograph: a parser's file, int64 (H, W) of `LABELS`, or None, where it is to be estimated."""


def parsed_person(
    picture: ImageLike | Person,
    parsing: Parsing = None,
    *,
    table: LabelsLike = None,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    keypoints: Joints = None,
    min_score: float = MIN_SCORE,
    parser: str | Estimator | None = None,
) -> Person:
    """A photograph -> the person on it with joints and parsing; unbatched, on the whole photograph.

    Args:
        picture: as `repose.read_person` takes it, or a Person with an image; what they have is kept.
        parsing: their label map where it is known; otherwise the parser is asked.
        table: of the labels in a parser's file, see `repose.represent.maps.read_parsing`; None guesses.
        pose, which, keypoints, min_score: see `repose.read_person`.
        parser: the estimator of the parsing, or its name; None takes the default one.

    Raises:
        ImageError, NobodyFound: as of `repose.read_person`.
        ValueError: the label map cannot be read or is not as large as the photograph.
        MissingFieldError: the parser cannot run here.
    """
    person = picture if isinstance(picture, Person) else read_person(picture, pose, which, keypoints, min_score)
    if isinstance(parsing, str | Path):
        person = with_maps(person, parsing, labels=table)
    elif parsing is not None:
        person = replace(person, parsing=parsing)
    return complete(person, ["keypoints", "parsing"], {} if parser is None else {"parsing": parser}, which)[0]


def parsed_people(
    pictures: Sequence[ImageLike | Person], parsings: Sequence[Parsing] = (), **options: Any
) -> list[Person]:
    """Several photographs -> a person each, see `parsed_person`.

    Args:
        parsings: of each photograph, or none at all.

    Raises:
        ValueError: another number of label maps. What `parsed_person` raises.
    """
    if parsings and len(parsings) != len(pictures):
        raise ValueError(f"{len(parsings)} label maps for {len(pictures)} photographs: give one for each, or none")
    maps = parsings or [None] * len(pictures)
    return [parsed_person(picture, known, **options) for picture, known in zip(pictures, maps, strict=True)]


def on_canvas(person: Person, canvas: Canvas) -> tuple[Person, Placement]:
    """A person of a whole photograph, with all their fields on a model's canvas, and how it lies in the photograph.

    `Placement.back(image, onto=person.image)` brings a picture of the canvas back into the photograph.

    Args:
        person: unbatched, with image and joints.
    """
    return place_source(person, canvas)


def is_several(source: Any) -> bool:
    """Whether photographs come as a list: a path, a picture and a Person are one."""
    one = (str, Path, PIL.Image.Image, np.ndarray, Tensor, Person)
    return not isinstance(source, one) and isinstance(source, Iterable)


def listed(source: Any, what: str = "source") -> list[Any]:
    """One photograph or several -> a list. ValueError names `what` where it is empty."""
    pictures = list(source) if is_several(source) else [source]
    if not pictures:
        raise ValueError(f"{what}: an empty list was given; at least one photograph is needed")
    return pictures


def listed_maps(parsing: Parsing | Sequence[Parsing], count: int, what: str) -> list[Parsing]:
    """Label maps of `count` photographs, one each. ValueError names `what` where there are more or fewer."""
    maps = [parsing] if parsing is None or isinstance(parsing, str | Path | Tensor) else list(parsing)
    if maps == [None]:
        return [None] * count
    if len(maps) != count:
        raise ValueError(f"{what}: {len(maps)} label maps for {count} photographs: give one for each")
    return maps


__all__ = ["Parsing", "is_several", "listed", "listed_maps", "on_canvas", "parsed_people", "parsed_person"]
