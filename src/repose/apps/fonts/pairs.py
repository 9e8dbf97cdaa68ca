"""Pairs of characters to learn from and to measure on: one letter of a font, and another letter of the same font."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.apps.fonts.glyphs import LETTERS, Coverage, coloured
from repose.apps.fonts.skeletons import plain_skeletons, skeletons

PER_FONT: Final = 200
"""Pairs of one font: 203,000 of 1,015 fonts and 60,000 of 300 in the paper."""

LIGHTEST: Final = 190
"""A colour of more luma than this, 0 to 255, is drawn again: it would not be seen on white."""


@dataclass(frozen=True)
class Batch:
    """Pairs, ready for the network.

    Attributes:
        source, target: (B, 3, 64, 64) in [-1, 1], ink on white.
        skeletons: (B, 2, 64, 64), 0 or 1: the source's own, and that of the target's letter in the fixed font.
        letters: int64 (B, 2): source and target, 0 is A.
    """

    source: Tensor
    target: Tensor
    skeletons: Tensor
    letters: Tensor


class Pairs:
    """200 pairs of each font, in one random colour for each font.

    Args:
        glyphs: uint8 (fonts, 26, 64, 64), see `repose.apps.fonts.catalogue.read_fonts`.
        seed: of the colours and the pairs. per_font: pairs of each font.
    """

    def __init__(self, glyphs: Coverage, seed: int, per_font: int = PER_FONT) -> None:
        rng = np.random.default_rng(seed)
        self.glyphs = glyphs
        self.skeletons = skeletons(glyphs)  # (fonts, 26, 64, 64)
        self.plain = plain_skeletons()  # (26, 64, 64)
        self.colours = np.stack([_colour(rng) for _ in glyphs])
        every = [(a, b) for a in range(len(LETTERS)) for b in range(len(LETTERS)) if a != b]
        rows = []
        for font in range(len(glyphs)):
            chosen = rng.choice(len(every), per_font, replace=False)
            rows += [(font, *every[number]) for number in chosen]
        self.rows = np.asarray(rows, np.int64)
        """(fonts * per_font, 3): font, letter of the source, letter of the target."""

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, numbers: npt.NDArray[np.int64]) -> Batch:
        """These pairs, by their numbers."""
        fonts, sources, targets = self.rows[numbers].T
        colours = self.colours[fonts]
        return Batch(
            as_input(np.stack([coloured(*one) for one in zip(self.glyphs[fonts, sources], colours, strict=True)])),
            as_input(np.stack([coloured(*one) for one in zip(self.glyphs[fonts, targets], colours, strict=True)])),
            torch.from_numpy(np.stack([self.skeletons[fonts, sources], self.plain[targets]], 1)).float(),
            torch.from_numpy(np.stack([sources, targets], 1)),
        )


def as_input(pictures: npt.NDArray[np.uint8]) -> Tensor:
    """uint8 (B, H, W, 3) -> (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def as_pictures(images: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] -> uint8 of the same shape."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def _colour(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    while True:
        colour = rng.integers(0, 256, 3)
        if colour @ (0.299, 0.587, 0.114) <= LIGHTEST:
            return colour.astype(np.uint8)
