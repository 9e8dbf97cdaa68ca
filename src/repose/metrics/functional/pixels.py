"""Differences pixel by pixel: PSNR and L1."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.metrics.functional.pictures import ValueRange, grey_levels


def psnr(generated: Tensor, target: Tensor, *, value_range: ValueRange | None = None) -> Tensor:
    """Peak signal-to-noise ratio of each pair, 10 log10(255^2 / mean squared error), in decibels.

    >>> target = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    >>> psnr(target + 10, target)
    tensor([28.1308], dtype=torch.float64)
    >>> psnr((target + 10) / 127.5 - 1, target / 127.5 - 1, value_range=(-1, 1))
    tensor([28.1308], dtype=torch.float64)
    >>> psnr(target / 255, target / 255)
    Traceback (most recent call last):
    ValueError: generated is torch.float32, whose values may mean anything: ...

    Args:
        generated, target: (B, C, H, W), uint8, or any other type together with `value_range`.
        value_range: the values that mean black and white, such as (-1, 1); the peak is their distance.

    Returns:
        float64 (B,), 0 or more; infinite for equal pictures.

    Raises:
        ValueError: as `repose.metrics.functional.pictures.grey_levels`.
    """
    difference = _difference(generated, target, value_range)
    return 10 * torch.log10(255**2 / _mean(difference * difference))


def l1(generated: Tensor, target: Tensor, *, value_range: ValueRange | None = None) -> Tensor:
    """Mean absolute difference of each pair in the field's unit: of pictures scaled to [-1, 1].

    >>> white = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    >>> l1(white, torch.zeros_like(white))
    tensor([2.], dtype=torch.float64)
    >>> l1(torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), value_range=(-1, 1))
    tensor([1.], dtype=torch.float64)

    Args:
        generated, target: (B, C, H, W), uint8, or any other type together with `value_range`.
        value_range: the values that mean black and white, such as (-1, 1).

    Returns:
        float64 (B,), 0 to 2 in any range of the pictures.

    Raises:
        ValueError: as `repose.metrics.functional.pictures.grey_levels`.
    """
    return _mean(_difference(generated, target, value_range).abs()) / 127.5


def _difference(generated: Tensor, target: Tensor, value_range: ValueRange | None) -> Tensor:
    """(B, C, H, W) in grey levels, float32 for uint8, whose differences it holds exactly, else float64."""
    x, y = grey_levels(generated, target, value_range)
    kind = torch.float32 if x.dtype == y.dtype == torch.uint8 else torch.float64
    return x.to(kind) - y.to(kind)


def _mean(values: Tensor) -> Tensor:
    """The mean of each picture, float64 (B,).

    Rows are added up first: their sums of whole numbers are exact in float32 up to 258 columns.
    """
    _, channels, height, width = values.shape
    return values.sum(3).double().sum((1, 2)) / (channels * height * width)
