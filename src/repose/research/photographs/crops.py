"""Photographs of one person each, ID_NN.jpg: on the canvas, with joints and the turn of the trunk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from repose.body.lift import lift
from repose.estimate import KeypointEstimator, NobodyFound
from repose.images import ImageError, load_image
from repose.person import JOINTS, Person
from repose.pipeline import read_person

Picture = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), RGB."""

HEIGHT: Final = 256
WIDTH: Final = 176

SUFFIXES: Final = (".jpg", ".jpeg", ".png")

TRUNK: Final = tuple(JOINTS.index(f"{side}_{joint}") for side in ("right", "left") for joint in ("shoulder", "hip"))
"""The joints without which a photograph does not count."""

FEWEST: Final = 13
"""Located joints, of 18, without which a photograph does not count."""


class UnusableError(ValueError):
    """A photograph cannot be used; the text says why."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A photograph of one person on the canvas.

    Attributes:
        name: of its file. picture: uint8 (256, 176, 3). person: image and joints, unbatched.
        yaw: where the trunk faces, degrees in -180 to 180: 0 towards the camera, 90 to the right of the picture.
    """

    name: str
    picture: Picture
    person: Person
    yaw: float


def people_of(folder: Path) -> dict[str, list[Path]]:
    """ID -> the files ID_NN.jpg or .png of that person, both in the order of their names.

    Raises:
        ValueError: there is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give one with photographs ID_NN.jpg of one person each")
    people: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        identity, mark, _ = file.stem.partition("_")
        if mark and identity and file.suffix.lower() in SUFFIXES:
            people.setdefault(identity, []).append(file)
    if not people:
        raise ValueError(
            f"{folder} holds no photographs called ID_NN.jpg or ID_NN.png, such as 0004_01.jpg, where ID is the person"
        )
    return dict(sorted(people.items()))


def checksum_of(people: Mapping[str, Sequence[Path]]) -> str:
    """sha256 of the names of all files, the first 12 digits: which photographs were drawn from."""
    names = "\n".join(sorted(file.name for files in people.values() for file in files))
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def on_canvas(picture: Picture) -> Picture:
    """uint8 (H, W, 3) -> (256, 176, 3): the height fits; the sides are cut, or filled with the pixels of the edge."""
    image = Image.fromarray(picture)
    width = max(1, round(image.width * HEIGHT / image.height))
    resized = np.asarray(image.resize((width, HEIGHT), Image.Resampling.BICUBIC))
    if width >= WIDTH:
        left = (width - WIDTH) // 2
        return np.ascontiguousarray(resized[:, left : left + WIDTH])
    left = (WIDTH - width) // 2
    return np.pad(resized, ((0, 0), (left, WIDTH - width - left), (0, 0)), mode="edge")


def read_crop(file: Path, estimator: KeypointEstimator) -> Crop:
    """A photograph on the canvas, with the joints that the estimator finds there.

    Raises:
        UnusableError: the file is broken, nobody is on it, a joint of the trunk is missing, or too few joints are
            located. The text names the file.
    """
    try:
        picture = on_canvas(load_image(file))
        person = read_person(picture, estimator)
    except (ImageError, NobodyFound) as error:
        text = str(error)
        raise UnusableError(text if text.startswith(str(file)) else f"{file}: {text}") from error
    assert person.keypoints is not None
    located = person.keypoints[:, 2] > 0
    missing = [JOINTS[joint] for joint in TRUNK if not located[joint]]
    if missing:
        raise UnusableError(f"{file}: the trunk is not seen whole, {', '.join(missing).replace('_', ' ')} missing")
    if int(located.sum()) < FEWEST:
        raise UnusableError(f"{file}: {int(located.sum())} joints are located, {FEWEST} are needed")
    return Crop(file.name, picture, person, yaw_of(lift(person.keypoints).turns[0]))


def yaw_of(turn: npt.NDArray[np.float64]) -> float:
    """Where a trunk faces, degrees in -180 to 180: 0 towards the camera, 90 to the right of the picture.

    Args:
        turn: (3, 3), takes rest axes (x to the person's left, y to the back, z up) to camera axes (x right, y up, z
            towards the camera): `PosedBody.turns[0]`. The yaw is that of the turn about the vertical that is nearest
            to it, so that whoever bends keeps theirs.
    """
    left, front = turn @ np.array([1.0, 0.0, 0.0]), turn @ np.array([0.0, -1.0, 0.0])
    return float(np.degrees(np.arctan2(front[0] - left[2], front[2] + left[0])))


def turn_between(one: float, other: float) -> float:
    """The angle between two yaws, degrees in 0 to 180."""
    return abs((one - other + 180) % 360 - 180)
