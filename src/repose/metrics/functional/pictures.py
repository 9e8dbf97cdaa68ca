"""What every metric of pictures checks first, and the step from a network's output to a picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def pair_of_batches(generated: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Two equal batches (B, C, H, W) as float64. ValueError if they are not, or on two devices."""
    if generated.ndim != 4 or generated.shape != target.shape:
        raise ValueError(
            f"generated and target must be (B, C, H, W) of one shape, got {tuple(generated.shape)} "
            f"and {tuple(target.shape)}"
        )
    if generated.device != target.device:
        raise ValueError(f"generated is on {generated.device}, target on {target.device}")
    return generated.double(), target.double()


def to_uint8(images: Tensor) -> Tensor:
    """Images in [-1, 1] -> uint8, rounded and cut as a PNG file of them would be.

    Raises:
        ValueError: a value is not finite, or so far outside [-1, 1] that another range must be meant.
    """
    if images.dtype == torch.uint8:
        return images
    images = images.float()
    if not bool(torch.isfinite(images).all()):
        raise ValueError("a generated picture holds values that are not finite")
    if images.numel() and float(images.abs().max()) > 2:
        raise ValueError(f"images are in [-1, 1] inside the house, got values up to {float(images.abs().max()):.1f}")
    return images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def pad_uint8(images: Tensor, padding: tuple[int, int, int, int], fill: int = 255) -> Tensor:
    """uint8 (B, 3, H, W) with (left, top, right, bottom) pixels of `fill` around it."""
    left, top, right, bottom = padding
    return F.pad(images, (left, right, top, bottom), value=fill) if any(padding) else images
