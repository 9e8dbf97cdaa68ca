"""What every metric of pictures does first."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def same_batches(generated: Tensor, target: Tensor) -> None:
    """ValueError if these are not two equal batches (B, C, H, W), or lie on two devices."""
    if generated.ndim != 4 or generated.shape != target.shape:
        raise ValueError(
            f"generated and target must be (B, C, H, W) of one shape, got {tuple(generated.shape)} "
            f"and {tuple(target.shape)}"
        )
    if generated.device != target.device:
        raise ValueError(f"generated is on {generated.device}, target on {target.device}")


def pair_of_batches(generated: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Two equal batches (B, C, H, W) as float64. ValueError as `same_batches`."""
    same_batches(generated, target)
    return generated.double(), target.double()


def padded(images: Tensor, padding: tuple[int, int, int, int], fill: int = 255) -> Tensor:
    """Pictures (B, C, H, W), values 0 to 255, with (left, top, right, bottom) pixels of `fill` around them."""
    left, top, right, bottom = padding
    return F.pad(images, (left, right, top, bottom), value=fill) if any(padding) else images
