"""Photographs of any size as records of a store: whose joints, which part of the photograph, which further fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.data.packing import Refused
from repose.estimate import ESTIMATORS, KeypointEstimator, NobodyFound, choose, complete, estimator
from repose.images import ImageError, load_image
from repose.names import nearest
from repose.person import Person
from repose.represent.canvas import Box, Canvas, from_uint8, to_uint8
from repose.represent.figure import LEAST_COVERED, limbs_covered
from repose.represent.framing import place, source_box

FIELDS: Final = ("mask", "parsing", "iuv")
"""What can be estimated for a record, beside the joints."""

BACKGROUNDS: Final = {"keep": None, "white": 1.0, "grey": 0.0}
"""What is behind the person: the photograph, or one colour, as a value in [-1, 1]."""

FEWEST: Final = 5
"""Located joints in the record, at least; MoveNet asks the same of a person."""

_CONTEXT: Final = 0.25  # around the crop, a share of its sides: what the estimators see beside it
_FINER: Final = 2  # how many times more pixels a side than the store the estimators see, at most

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Framing:
    """How photographs become records.

    Attributes:
        size: (height, width) of the store.
        fields: of `FIELDS`, estimated and stored in this order.
        background: a key of `BACKGROUNDS`.
    """

    size: tuple[int, int]
    fields: tuple[str, ...] = ()
    background: str = "keep"

    def __post_init__(self) -> None:
        if min(self.size) < 16:
            raise ValueError(f"a store of {self.size[0]}x{self.size[1]} (height x width) is too small; 16x16 at least")
        if self.background not in BACKGROUNDS:
            raise ValueError(f"no background is called '{self.background}'; {nearest(self.background, BACKGROUNDS)}")

    @classmethod
    def parsed(cls, size: tuple[int, int], fields: str, background: str = "keep") -> Framing:
        """A framing with the fields as the command takes them: "mask,iuv".

        Raises:
            ValueError: a field that cannot be estimated here, no such background, or a size below 16x16.
        """
        words = [word.strip() for word in fields.split(",") if word.strip()]
        for word in words:
            if word not in FIELDS:
                raise ValueError(f"no field '{word}' can be estimated for a store; {nearest(word, FIELDS)}")
            if not ESTIMATORS.get(word):
                raise ValueError(f"nothing here estimates the field '{word}'; leave it out")
        return cls(size, tuple(field for field in FIELDS if field in words), background)

    @property
    def canvas(self) -> Canvas:
        """The store's canvas; the person's crop fills it."""
        return Canvas("store", *self.size, (0, 0, *self.size))

    @property
    def estimated(self) -> tuple[str, ...]:
        """The fields to estimate: those of the store, and the mask where the background is removed by it."""
        removed = self.background != "keep" and "mask" not in self.fields
        return (*self.fields, "mask") if removed else self.fields

    def facts(self) -> dict[str, Any]:
        """For the provenance of a store: the settings, and the estimators by their names.

        Raises:
            ImportError, FileNotFoundError: an estimator cannot run here; the text says why.
        """
        return {
            "background": self.background,
            "estimators": {field: estimator(field=field).name for field in self.estimated},
        }

    def box(self, keypoints: Tensor, size: tuple[int, int]) -> Box:
        """The part of a photograph of this (height, width) that becomes the record.

        A photograph of the store's proportions that shows the person large is taken whole: somebody cropped it already.
        """
        located = keypoints[keypoints[:, 2] > 0, :2]
        ratio = (size[0] / size[1]) / (self.size[0] / self.size[1])
        if abs(ratio - 1) < 0.01 and self.canvas.fits(size, located):
            return 0, 0, *size
        return self.around(keypoints, size)

    def around(self, keypoints: Tensor, size: tuple[int, int]) -> Box:
        """The part around the person, of the store's proportions, whatever the photograph's are: for frames of a clip,
        which are cropped alike."""
        return source_box(keypoints, size, self.canvas)

    def record(
        self, pixels: Pixels, keypoints: Tensor, box: Box | None = None, mask: Tensor | None = None
    ) -> dict[str, Any]:
        """A photograph as `StoreWriter.add` takes it: image, keypoints and `fields`.

        The crop keeps its proportions; beyond the photograph its border is repeated.

        Args:
            pixels: the whole photograph, uint8 (H, W, 3).
            keypoints: (18, 3) in its pixels.
            box: (top, left, height, width) of the part, of the store's proportions; None: `box`.
            mask: (1, H, W) in [0, 1] where it is known; None: it is estimated where it is needed.

        Raises:
            Refused: too few joints are located in the crop.
            MissingFieldError: an estimator cannot run here.
        """
        height, width = pixels.shape[:2]
        box = box or self.box(keypoints, (height, width))
        person = Person(image=from_uint8(pixels), keypoints=keypoints)
        placed = place(person, box, self.canvas)[0]
        assert placed.image is not None
        assert placed.keypoints is not None
        require_joints(placed.keypoints)
        fields = self._fields(replace(person, mask=mask), box)
        if "mask" in fields:
            require_cover(fields["mask"], placed.keypoints)
        colour = BACKGROUNDS[self.background]
        if colour is not None:
            placed = replace(placed, image=colour + (placed.image - colour) * fields["mask"])
        assert placed.image is not None
        return {
            "image": to_uint8(placed.image),
            "keypoints": placed.keypoints,
            **{name: _stored(name, fields[name]) for name in self.fields},
        }

    def _fields(self, person: Person, box: Box) -> dict[str, Tensor]:
        """The fields `estimated` on the canvas, from the surroundings of the crop at `_FINER` times its pixels."""
        if not self.estimated:
            return {}
        assert person.size is not None
        top, left, height, width = box
        rows, columns = math.ceil(_CONTEXT * height), math.ceil(_CONTEXT * width)
        first_row, first = max(0, top - rows), max(0, left - columns)
        last_row = min(person.size[0], top + height + rows)
        last = min(person.size[1], left + width + columns)
        part = person.crop(first_row, first, last_row - first_row, last - first)
        scale = min(1.0, _FINER * self.size[0] / height)
        assert part.size is not None
        if scale < 1:
            part = part.resize(max(1, round(part.size[0] * scale)), max(1, round(part.size[1] * scale)))
        try:
            completed, _ = complete(part, self.estimated)
        except NobodyFound as error:
            raise Refused("nobody found", str(error)) from error
        on = (
            round((top - first_row) * scale),
            round((left - first) * scale),
            max(1, round(height * scale)),
            max(1, round(width * scale)),
        )
        placed = place(replace(completed, image=None, keypoints=None), on, self.canvas)[0]
        return {name: getattr(placed, name) for name in self.estimated}


class JointEstimator:
    """The joints of the people on photographs; the network is loaded when it is first asked.

    Args:
        name: of an estimator of keypoints (`repose.estimate.ESTIMATORS`).
    """

    def __init__(self, name: str = "movenet") -> None:
        self._chosen = name
        self._network: KeypointEstimator | None = None

    @property
    def network(self) -> KeypointEstimator:
        """The estimator.

        Raises:
            ValueError: no such estimator. ImportError, FileNotFoundError: it cannot run here; the text says why.
        """
        if self._network is None:
            self._network = estimator(self._chosen)
        return self._network

    def of(self, pixels: Pixels) -> Tensor:
        """The joints (18, 3) of the largest person of a photograph. Raises Refused where nobody is found."""
        try:
            return choose(self.network.people(pixels)).keypoints
        except NobodyFound as error:
            raise Refused("nobody found", str(error).partition(". ")[0]) from error


def read_photograph(path: Path) -> Pixels:
    """A photograph, uint8 (H, W, 3), upright, sRGB. Raises Refused where it cannot be read."""
    try:
        return load_image(path)
    except ImageError as error:
        raise Refused("broken photograph", str(error).replace(str(path), path.name)) from error


def require_joints(keypoints: Tensor, fewest: int = FEWEST) -> None:
    """Raise Refused where fewer joints are located."""
    located = int((keypoints[:, 2] > 0).sum())
    if located < fewest:
        raise Refused("too few joints", f"{located} located, {fewest} are needed")


def require_cover(mask: Tensor, keypoints: Tensor) -> None:
    """Raise Refused where a mask (1, H, W) covers less than 30 % of the middles of the limbs: it is of something else.

    A pose is transferred by the same rule (`repose.scene.figure.known_mask`).
    """
    covered = limbs_covered(mask, keypoints)
    if covered < LEAST_COVERED:
        raise Refused("mask of something else", f"it covers {covered:.0%} of the limbs, {LEAST_COVERED:.0%} are needed")


def several(words: Sequence[str] | Mapping[str, Any], count: int = 3) -> str:
    """The first of some words, for a line of text."""
    return ", ".join(list(words)[:count]) + (" ..." if len(words) > count else "")


def _stored(name: str, value: Tensor) -> npt.NDArray[np.uint8]:
    """A field of `Person` as the store holds it."""
    if name == "mask":
        stored = (value[0] * 255).round()
    elif name == "iuv":
        stored = (value * torch.tensor([1.0, 255.0, 255.0])[:, None, None]).round().movedim(0, -1)
    else:
        stored = value
    return np.ascontiguousarray(stored.clamp(0, 255).to(torch.uint8).numpy())
