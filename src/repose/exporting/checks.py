"""Whether an exported network gives PyTorch's pictures: differences in numbers, and to the eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repose.hub.fetch import FileMissingError
from repose.losses.lpips import Lpips

LIMIT: Final = 1e-4
"""Largest difference of any value of any output in float32; pictures have a range of 2."""

LPIPS_LIMIT: Final = 0.005
"""Of a picture in float16 or int8 from PyTorch's: about what JPEG of quality 95 makes of it (docs/export.md)."""

GREY_LIMITS: Final = (1.0, 8.0)
"""Without LPIPS: mean and 99.9th percentile of the differences, in grey levels of 255."""

_LEAST: Final = 63
"""Rows and columns below which LPIPS says nothing."""


@dataclass(frozen=True)
class Difference:
    """How far some arrays are from PyTorch's: largest and mean absolute difference."""

    largest: float
    mean: float


@dataclass(frozen=True)
class CheckedRun:
    """One run of the file beside PyTorch.

    Attributes:
        pictures: how many at once. size: (height, width). what: the pictures, in words.
        outputs: name -> difference.
    """

    pictures: int
    size: tuple[int, int]
    what: str
    outputs: dict[str, Difference]


@dataclass(frozen=True)
class Checks:
    """All runs of one file.

    Attributes:
        runs: numbers and sizes of pictures.
        lpips: largest LPIPS of a picture; None where its weights are not here, or the pictures are too small.
        grey: mean and 99.9th percentile of the differences of the pictures, in grey levels of 255.
        inputs: largest difference between the inputs that the consumer computes and Repose's; None if it computes none.
    """

    runs: list[CheckedRun]
    lpips: float | None
    grey: tuple[float, float]
    inputs: float | None = field(default=None)

    @property
    def largest(self) -> float:
        """The largest difference of any output."""
        return max(apart.largest for run in self.runs for apart in run.outputs.values())

    @property
    def picture(self) -> float:
        """The largest difference of the picture."""
        return max(run.outputs["image"].largest for run in self.runs)

    def verdict(self, precision: str) -> str:
        """ "" where the pictures are equal, as the precision allows; otherwise what is too large."""
        if not np.isfinite(self.largest):
            return "a value is not finite"
        if precision == "float32":
            worst = {name: apart.largest for run in self.runs for name, apart in run.outputs.items()}
            far = {name: value for name, value in worst.items() if value > LIMIT}
            named = ", ".join(f"{name} by {value:.1e}" for name, value in far.items())
            return f"it differs from PyTorch: {named}, and {LIMIT:.0e} is allowed" if far else ""
        if self.lpips is not None:
            if self.lpips <= LPIPS_LIMIT:
                return ""
            return f"a picture is {self.lpips:.4f} (LPIPS) from PyTorch's, and {LPIPS_LIMIT} is allowed"
        mean, high = self.grey
        if mean <= GREY_LIMITS[0] and high <= GREY_LIMITS[1]:
            return ""
        return (
            f"pictures differ from PyTorch's by {mean:.1f} grey levels of 255 on average and {high:.1f} at the 99.9th "
            f"percentile, and {GREY_LIMITS[0]:.0f} and {GREY_LIMITS[1]:.0f} are allowed"
        )

    def document(self, precision: str) -> dict[str, Any]:
        """For check.json."""
        return {
            "equal": not self.verdict(precision),
            "verdict": self.verdict(precision) or "equal",
            "limits": {"float32": LIMIT, "lpips": LPIPS_LIMIT, "grey_mean_and_99.9": list(GREY_LIMITS)},
            "largest_difference": self.largest,
            "largest_difference_of_the_picture": self.picture,
            "lpips": self.lpips,
            "grey_levels": {"mean": self.grey[0], "percentile_99.9": self.grey[1]},
            "inputs_of_use.py": self.inputs,
            "runs": [
                {
                    "pictures": run.pictures,
                    "size": list(run.size),
                    "what": run.what,
                    "outputs": {
                        name: {"max": apart.largest, "mean": apart.mean} for name, apart in run.outputs.items()
                    },
                }
                for run in self.runs
            ],
        }


def difference(one: NDArray[Any], other: NDArray[Any]) -> Difference:
    """Of two arrays of one shape.

    Raises:
        ValueError: the shapes differ.
    """
    if one.shape != other.shape:
        raise ValueError(f"an output has the shape {one.shape}, and PyTorch's {other.shape}")
    apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    return Difference(float(apart.max()), float(apart.mean()))


def grey_levels(pictures: Sequence[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Mean and 99.9th percentile of the differences of pairs of pictures in [-1, 1], in grey levels of 255."""
    apart = np.concatenate([((one - other).abs() * 127.5).flatten().numpy() for one, other in pictures])
    return float(apart.mean()), float(np.percentile(apart, 99.9))


@torch.no_grad()
def largest_lpips(pictures: Sequence[tuple[Tensor, Tensor]]) -> float | None:
    """The largest LPIPS of pairs of pictures (3, H, W); None where it cannot be computed here."""
    usable = [pair for pair in pictures if min(pair[0].shape[-2:]) >= _LEAST]
    if not usable:
        return None
    network = Lpips()
    try:
        return max(float(network(one[None].clamp(-1, 1), other[None].clamp(-1, 1))) for one, other in usable)
    except FileMissingError:
        return None
