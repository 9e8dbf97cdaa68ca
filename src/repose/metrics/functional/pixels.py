"""Differences pixel by pixel: PSNR and L1."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.metrics.functional.pictures import pair_of_batches


def psnr(generated: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each pair, 10 log10(255^2 / mean squared error), dB.

    Args:
        generated, target: (B, C, H, W), values 0 to 255, uint8 or float.

    Returns:
        float64 (B,); infinite for equal pictures.
    """
    x, y = pair_of_batches(generated, target)
    return 10 * torch.log10(255**2 / (x - y).square().mean((1, 2, 3)))


def l1(generated: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of each pair in the field's unit: pictures scaled to [-1, 1], so 0 to 2.

    Args:
        generated, target: (B, C, H, W), values 0 to 255, uint8 or float.

    Returns:
        float64 (B,).
    """
    x, y = pair_of_batches(generated, target)
    return (x - y).abs().mean((1, 2, 3)) / 127.5
