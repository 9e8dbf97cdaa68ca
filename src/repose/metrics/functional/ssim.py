"""Structural similarity, in the variants that the field's tables were made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from repose.metrics.functional.pictures import pair_of_batches


@dataclass(frozen=True)
class SSIMVariant:
    """Everything that changes the value of an SSIM; two tables are comparable only if these agree.

    Attributes:
        window: "gaussian" (Wang et al. 2004) or "uniform" (scikit-image's default).
        size: side of the window in pixels, odd. A Gaussian is cut there and normalised again.
        sigma: of the Gaussian, pixels; unused by a uniform window.
        sample_covariance: divide the covariances by N - 1 (scikit-image's default) and not by N, N = size * size.
        data_range: L of the constants (K L)^2, in grey levels of 255; "generated" is max - min over the generated
            picture of each pair, which makes the measure depend on which picture is called generated.
        k1, k2: of the constants.
    """

    window: Literal["gaussian", "uniform"]
    size: int
    sigma: float = 1.5
    sample_covariance: bool = False
    data_range: float | Literal["generated"] = 255.0
    k1: float = 0.01
    k2: float = 0.03

    def __post_init__(self) -> None:
        if self.window not in ("gaussian", "uniform"):
            raise ValueError(f"SSIMVariant: window is 'gaussian' or 'uniform', got {self.window!r}")
        if self.size < 3 or self.size % 2 == 0:
            raise ValueError(f"SSIMVariant: size is the side of a square of 3 or more and odd, got {self.size}")


PATN = SSIMVariant("gaussian", size=11, sigma=1.5, data_range="generated")
"""PG2's, Deformable GAN's and PATN's: Wang's window, the range of the generated picture."""

SKIMAGE = SSIMVariant("uniform", size=7, sample_covariance=True, data_range=255.0)
"""scikit-image's defaults for uint8 pictures: 7x7 uniform, sample covariance."""


def ssim(generated: Tensor, target: Tensor, variant: SSIMVariant = PATN) -> Tensor:
    """SSIM of each pair, the mean over the pixels whose window lies inside the picture and over the channels.

    Equal to `skimage.metrics.structural_similarity(..., channel_axis=...)` within 1e-9. Like it, all is computed in
    float64: where the generated picture is nearly flat the constants are tiny and float32 loses the variances.

    Args:
        generated, target: (B, C, H, W), values 0 to 255, uint8 or float; both on one device.
        variant: the window and its constants.

    Returns:
        float64 (B,), at most 1. A data range below one grey level counts as one, so that flat pictures have a value.

    Raises:
        ValueError: the shapes differ, or the pictures are smaller than the window.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", 2004, eq. 13.
    """
    x, y = pair_of_batches(generated, target)
    height, width = x.shape[-2:]
    if min(height, width) < variant.size:
        raise ValueError(f"ssim: pictures of {height}x{width} are smaller than the window of {variant.size}")
    if variant.data_range == "generated":
        span = (x.amax((1, 2, 3)) - x.amin((1, 2, 3))).clamp(min=1)[:, None, None, None]  # (B, 1, 1, 1)
    else:
        span = torch.tensor(float(variant.data_range), dtype=x.dtype, device=x.device)
    c1, c2 = (variant.k1 * span) ** 2, (variant.k2 * span) ** 2

    # vx and vy are only needed as a sum: four filtered maps, not five
    maps = torch.stack([x, y, x * x + y * y, x * y])  # (4, B, C, H, W)
    mx, my, squares, product = _filter(maps, variant)  # (B, C, H', W') each, H' = H - size + 1
    count = variant.size**2
    norm = count / (count - 1) if variant.sample_covariance else 1.0
    means = mx * mx + my * my
    variances = norm * (squares - means)
    covariance = norm * (product - mx * my)
    similarity: Tensor = ((2 * mx * my + c1) * (2 * covariance + c2)) / ((means + c1) * (variances + c2))
    return similarity.mean((1, 2, 3))


def _filter(maps: Tensor, variant: SSIMVariant) -> Tensor:
    """(..., H, W) -> (..., H - size + 1, W - size + 1), each pixel the weighted mean of its window.

    The window is separable, and as a product with a banded matrix it runs five times faster than torch's float64
    convolution on a CPU. Only whole windows are kept, so the rule for the border (scikit-image reflects and then
    crops the border away) never shows.
    """
    height, width = maps.shape[-2:]
    weights = _weights(variant).to(maps)
    across = maps @ _band(weights, width).T  # (..., H, W')
    return _band(weights, height) @ across  # (..., H', W')


def _weights(variant: SSIMVariant) -> Tensor:
    radius = variant.size // 2
    if variant.window == "uniform":
        weights = torch.ones(variant.size, dtype=torch.float64)
    else:
        weights = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float64) / variant.sigma) ** 2)
    return weights / weights.sum()


def _band(weights: Tensor, length: int) -> Tensor:
    """The matrix (length - size + 1, length) of the one-dimensional filter."""
    rows = length - len(weights) + 1
    band = torch.zeros(rows, length, dtype=weights.dtype, device=weights.device)
    for offset, weight in enumerate(weights):
        band.diagonal(offset).fill_(weight)
    return band
