"""Structural dissimilarity as a loss: 1 - SSIM (Wang et al. 2004) on uniform windows."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def dissimilarity(generated: Tensor, target: Tensor, window: int = 7, floor: float = 0.0) -> Tensor:
    """(1 - SSIM) / 2 of two pictures, a scalar in [0, 1]; gradients flow to both.

    Args:
        generated, target: (B, 3, H, W) in [-1, 1].
        window: side of the uniform window, pixels; windows that reach outside are left out.
        floor: added to both constants of SSIM. If both pictures are nearly flat, SSIM weighs invisible noise.

    Raises:
        ValueError: the pictures differ in shape, or are smaller than the window.
    """
    if generated.shape != target.shape or min(generated.shape[-2:]) < window:
        raise ValueError(
            f"dissimilarity: two pictures alike in shape, of {window} pixels at least, got "
            f"{tuple(generated.shape)} and {tuple(target.shape)}"
        )
    generated, target = generated + 1, target + 1  # SSIM compares brightnesses: black is 0
    first, second = (0.01 * 2) ** 2 + floor, (0.03 * 2) ** 2 + floor
    x, y = F.avg_pool2d(generated, window, 1), F.avg_pool2d(target, window, 1)
    xx = F.avg_pool2d(generated * generated, window, 1) - x * x
    yy = F.avg_pool2d(target * target, window, 1) - y * y
    xy = F.avg_pool2d(generated * target, window, 1) - x * y
    like = ((2 * x * y + first) * (2 * xy + second)) / ((x * x + y * y + first) * (xx + yy + second))
    return (1 - like).mean() / 2
