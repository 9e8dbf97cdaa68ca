"""Differences pixel by pixel: PSNR and L1."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.metrics.functional.pictures import same_batches


def psnr(generated: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each pair, 10 log10(255^2 / mean squared error), dB.

    Args:
        generated, target: (B, C, H, W), values 0 to 255, uint8 or float.

    Returns:
        float64 (B,); infinite for equal pictures.
    """
    apart = _difference(generated, target)
    return 10 * torch.log10(255**2 / _mean(apart * apart))


def l1(generated: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of each pair in the field's unit: pictures scaled to [-1, 1], so 0 to 2.

    Args:
        generated, target: (B, C, H, W), values 0 to 255, uint8 or float.

    Returns:
        float64 (B,).
    """
    return _mean(_difference(generated, target).abs()) / 127.5


def _difference(generated: Tensor, target: Tensor) -> Tensor:
    """(B, C, H, W), float32 for bytes, whose differences it holds exactly, else float64."""
    same_batches(generated, target)
    kind = torch.float32 if generated.dtype == target.dtype == torch.uint8 else torch.float64
    return generated.to(kind) - target.to(kind)


def _mean(values: Tensor) -> Tensor:
    """Of each picture, float64 (B,): rows first, whose sums of whole numbers are exact in float32 up to 258 columns."""
    _, channels, height, width = values.shape
    return values.sum(3).double().sum((1, 2)) / (channels * height * width)
