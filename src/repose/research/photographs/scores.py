"""What is measured of one picture against the photograph of the target, on the person alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from repose.research.photographs.crops import Picture
from repose.research.photographs.networks import (
    BODY_PARTS,
    IDENTITY,
    LPIPS,
    BodyParts,
    Identity,
    Lpips,
    Mask,
    Vector,
    find_networks,
)

GREY: Final = 127
"""What stands around a person who is cut out."""

SMALLEST: Final = 0.05
"""A target on which the person takes less of the picture than this is not scored."""

Scores = dict[str, float]
"""Column of `columns.COLUMNS` -> number; NaN where it does not count."""

Parts = Callable[[Picture], tuple[Mask, npt.NDArray[np.int64]]]
Vectors = Callable[[Picture], Vector]
Distances = Callable[[Sequence[Picture], Picture], list[float]]


class PairScorer:
    """Scores pictures of a person against the photograph of the target, all uint8 (256, 176, 3).

    - `lpips`: LPIPS v0.1 on AlexNet; beside the target's person everything is the target's, so the person alone counts.
    - `identity`: cosine of the re-identification vectors of both people, each cut out by their own silhouette, on grey.
    - `identity_background`: the same of the whole pictures.
    - `sharpness`: `laplacian` of the picture over that of the target, both where the target's person is.
    - `silhouette`: intersection over union of both silhouettes.
    - `parts`: share of the pixels of both silhouettes on which both show the same of BodyPix's 24 parts; 0 if they have
      none in common.

    Args:
        parts: a picture -> silhouette and part of every pixel, as `networks.BodyParts`.
        vectors: a picture -> a vector of length 1, as `networks.Identity`.
        distances: pictures and a target -> LPIPS of each, as `networks.Lpips`.
    """

    def __init__(self, parts: Parts, vectors: Vectors, distances: Distances) -> None:
        self.parts, self.vectors, self.distances = parts, vectors, distances

    @classmethod
    def load(cls, folder: Path | None) -> PairScorer:
        """The scorer with its networks, see `networks.find_networks`.

        Raises:
            FileNotFoundError: files are missing. ImportError: a package is missing. ValueError: a file is another's.
        """
        files = find_networks(folder)
        return cls(BodyParts(files[BODY_PARTS]), Identity(files[IDENTITY]), Lpips(files[LPIPS]))

    def __call__(self, pictures: Mapping[str, Picture], target: Picture) -> dict[str, Scores]:
        """Name -> picture and the target's photograph -> name -> scores; empty where the target shows hardly anybody.

        Every column is NaN-free but `sharpness`, which is NaN if nothing of the target's person lies off the border.
        """
        mask, parts = self.parts(target)
        if not pictures or mask.mean() < SMALLEST:
            return {}
        placed = [np.where(mask[..., None], picture, target) for picture in pictures.values()]
        distances = self.distances(placed, target)
        alone, whole = self.vectors(cut_out(target, mask)), self.vectors(target)
        scored = {}
        for (name, picture), distance in zip(pictures.items(), distances, strict=True):
            own, own_parts = self.parts(picture)
            scored[name] = {
                "lpips": distance,
                "identity": float(self.vectors(cut_out(picture, own)) @ alone),
                "identity_background": float(self.vectors(picture) @ whole),
                "sharpness": sharpness(picture, target, mask),
                "silhouette": overlap(own, mask),
                "parts": part_agreement(own, own_parts, mask, parts),
            }
        return scored


def cut_out(picture: Picture, mask: Mask) -> Picture:
    """A picture (H, W, 3) where a mask (H, W) is, on grey."""
    return np.where(mask[..., None], picture, np.uint8(GREY))


def laplacian(picture: Picture, mask: Mask) -> float:
    """Mean magnitude of the Laplacian (4 neighbours) of the grey picture, over a mask without the picture's border.

    NaN where the mask holds no such pixel.
    """
    grey = picture.astype(np.float32).mean(-1)
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    within = mask[1:-1, 1:-1]
    return float(np.abs(4 * inner - around)[within].mean()) if within.any() else math.nan


def sharpness(picture: Picture, target: Picture, mask: Mask) -> float:
    """`laplacian` of a picture over that of the target: 1 for the target itself, less for what is blurred.

    NaN where the mask is empty or the target has one colour there.
    """
    true = laplacian(target, mask)
    return laplacian(picture, mask) / true if true > 0 else math.nan


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks; 0 where both are empty."""
    return float((one & other).sum() / max(1, int((one | other).sum())))


def part_agreement(
    one: Mask, parts: npt.NDArray[np.int64], other: Mask, other_parts: npt.NDArray[np.int64]
) -> float:  # fmt: skip
    """Share of the pixels in both masks whose part is the same; 0 where they have no pixel in common."""
    both = one & other
    return float((parts == other_parts)[both].mean()) if both.any() else 0.0
