"""Cross-entropy of a network's chances."""

from __future__ import annotations

from torch import Tensor


def cross_entropy_of_chances(chance: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of chances in [0, 1] with the truth, pixel by pixel (torch's own refuses mixed precision)."""
    chance = chance.float().clamp(1e-5, 1 - 1e-5)
    return -(truth * chance.log() + (1 - truth) * (1 - chance).log())
