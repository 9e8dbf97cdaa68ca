"""What stands where in a store: its fields, their files, and what is told of a whole one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from repose.person import JOINTS

VERSION: Final = 1

FIELDS: Final = ("image", "keypoints", "parsing", "mask", "iuv", "depth")
"""What a record can hold. Image and keypoints are always there."""

Array = npt.NDArray[Any]
Indices = Tensor | Array | Sequence[int]


@dataclass(frozen=True)
class LeftOut:
    """One thing that did not enter a store: its name, the kind of reason (a few per data set), and the detail."""

    name: str
    why: str
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What entered a store, counted by split, and what did not: `left_out` names every single one."""

    folder: Path
    dataset: str
    checksum: str
    photographs: dict[str, int]
    people: dict[str, int]
    pairs: dict[str, int]
    left_out: tuple[LeftOut, ...]

    @property
    def reasons(self) -> dict[str, int]:
        """How many were left out for each kind of reason, most frequent first."""
        return dict(Counter(item.why for item in self.left_out).most_common())


def layout(height: int, width: int) -> dict[str, tuple[str, tuple[int, ...], np.dtype[Any]]]:
    """Field -> (file name, shape of one record, dtype)."""
    u8, f32 = np.dtype("u1"), np.dtype("<f4")
    return {
        "image": ("image.u8", (3, height, width), u8),
        "keypoints": ("keypoints.f32", (len(JOINTS), 3), f32),
        "parsing": ("parsing.u8", (height, width), u8),
        "mask": ("mask.u8", (height, width), u8),
        "iuv": ("iuv.u8", (3, height, width), u8),
        "depth": ("depth.f16", (height, width), np.dtype("<f2")),
    }


def partial_folder(folder: Path) -> Path:
    """Where the store `folder` lies until it is complete."""
    return folder.with_name(folder.name + ".partial")
