"""What an estimator of each field of `Person` must do: one Protocol for each field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from torch import Tensor

from repose.represent.choosing import NoSuchPersonError, Which, choose_person

Image = npt.NDArray[np.uint8]
"""A photograph: uint8 (H, W, 3), RGB, upright, as `repose.images.load_image` reads it."""


class NobodyFound(ValueError):  # noqa: N818  (it reads as what happened)
    """No person, or not the one asked for, was found in a picture."""


@dataclass(frozen=True)
class Detection:
    """One person found in a picture.

    Attributes:
        keypoints: float32 (18, 3) as in `repose.person`: x, y, visible, in pixels of the whole picture.
        box: (left, top, right, bottom) around the person, in pixels of the whole picture.
        score: how sure the estimator is, 0 to 1; only comparable within one estimator.
    """

    keypoints: Tensor
    box: tuple[float, float, float, float]
    score: float

    @property
    def area(self) -> float:
        """The area of the box in square pixels."""
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)


@runtime_checkable
class KeypointEstimator(Protocol):
    """Photographs -> the 18 joints of the people on them.

    Attributes:
        name: names the network and its settings; the cache of estimates is keyed by it, and results cite it.

    An estimator may have an attribute `kernels`, too: what computes its networks (`repose.estimate.kernels`). The cache
    keeps estimates of different kernels apart.
    """

    @property
    def name(self) -> str: ...

    def people(self, image: Image) -> list[Detection]:
        """Everybody in a picture, uint8 (H, W, 3), the largest first; empty where there is nobody."""
        ...

    def crops(self, images: Sequence[Image]) -> Tensor:
        """Pictures already cropped to one person, each uint8 (H, W, 3) -> float32 (N, 18, 3), each in its own pixels.

        No search for people: the fast path for data sets and metrics. Where nothing is recognised, every joint
        is missing (zeros).
        """
        ...


@runtime_checkable
class MaskEstimator(Protocol):
    """A photograph and one person's joints -> where that person is.

    Attributes:
        name: as in `KeypointEstimator`.
    """

    @property
    def name(self) -> str: ...

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        """uint8 (H, W, 3) and joints (18, 3) in its pixels -> float32 (1, H, W) in [0, 1], 1 on the person.

        The values are multiples of 1/255, as stores and PNG files hold them. Where no joint is located the mask is 0.
        """
        ...


@runtime_checkable
class ParsingEstimator(Protocol):
    """A photograph and one person's joints -> which garment or part of the body every pixel of that person shows.

    Attributes:
        name: as in `KeypointEstimator`.
    """

    @property
    def name(self) -> str: ...

    def parsing(self, image: Image, keypoints: Tensor) -> Tensor:
        """uint8 (H, W, 3) and joints (18, 3) in its pixels -> int64 (H, W), labels of `repose.person.LABELS`.

        Everything beside the person, other people too, is 0. Where no joint is located all of it is 0.
        """
        ...


@runtime_checkable
class IUVEstimator(Protocol):
    """A photograph and one person's joints -> which point of the body's surface every pixel of that person shows.

    Attributes:
        name: as in `KeypointEstimator`.
    """

    @property
    def name(self) -> str: ...

    def iuv(self, image: Image, keypoints: Tensor) -> Tensor:
        """uint8 (H, W, 3) and joints (18, 3) in its pixels -> float32 (3, H, W): DensePose part 0 to 24, u and v.

        u and v are in [0, 1] and multiples of 1/255, as stores and PNG files hold them. Everything beside the person
        is 0 in all three. Where no joint is located all of it is 0.
        """
        ...


@runtime_checkable
class ExtraKeypointEstimator(Protocol):
    """A photograph and one person's joints -> the points of that person's feet and hands.

    Attributes:
        name: as in `KeypointEstimator`.
    """

    @property
    def name(self) -> str: ...

    def extra_keypoints(self, image: Image, keypoints: Tensor) -> Tensor:
        """uint8 (H, W, 3) and joints (18, 3) in its pixels -> float32 (48, 3): x, y, visible of
        `repose.person.EXTRA_POINTS`.

        A missing point is (0, 0, 0). Where no joint is located all are missing.
        """
        ...


Estimator = KeypointEstimator | MaskEstimator | ParsingEstimator | IUVEstimator | ExtraKeypointEstimator
"""An estimator of any field."""


def choose(people: Sequence[Detection], which: Which = "largest", width: int | None = None) -> Detection:
    """Choose one of the people that an estimator found.

    Args:
        people: what an estimator found in one picture.
        which: see `repose.represent.choosing.Which`.
        width: of the picture, for "middle".

    Raises:
        NobodyFound: nobody is there, or fewer than the number asks for.
        ValueError: `which` is another word.
    """
    if not people:
        raise NobodyFound(
            "no person was found in this picture. Use a photograph in which one person is seen from head to feet, "
            "not too small (60 pixels tall or more), or give the keypoints in a file"
        )
    boxes = np.array([person.box for person in people], np.float64)
    try:
        chosen = choose_person(boxes, np.array([person.score for person in people]), which, width)
    except NoSuchPersonError as error:
        raise NobodyFound(str(error)) from None
    return people[which if isinstance(which, int) else chosen]  # an estimator gives the largest first
