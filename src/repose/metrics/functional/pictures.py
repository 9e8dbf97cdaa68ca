"""What every metric of pictures does first: check two batches, and read their values as grey levels from 0 to 255."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ValueRange = tuple[float, float]
"""The values that mean black and white: (-1, 1) as Repose has images, (0, 1), (0, 255)."""

_SLACK = 1e-3
"""Share of the range by which a value may lie outside of it: rounding, a quarter of a grey level."""


def grey_levels(generated: Tensor, target: Tensor, value_range: ValueRange | None = None) -> tuple[Tensor, Tensor]:
    """Two equal batches (B, C, H, W) with values from 0 to 255.

    Args:
        generated, target: uint8, whose values always mean 0 to 255, or any other type together with `value_range`.
        value_range: which values mean black and white where a picture is not uint8.

    Returns:
        uint8 and pictures in (0, 255) as they came; from another range float64.

    Raises:
        ValueError: the shapes or devices differ, a picture that is not uint8 comes without `value_range`, its values
            lie outside of the range, or no value is above 1 where the range is (0, 255).
    """
    same_batches(generated, target)
    if value_range is not None and generated.dtype == target.dtype == torch.uint8 and tuple(value_range) != (0, 255):
        raise ValueError(f"uint8 pictures have values from 0 to 255, not {value_range}; leave value_range out")
    return as_grey_levels(generated, value_range, "generated"), as_grey_levels(target, value_range, "target")


def as_grey_levels(images: Tensor, value_range: ValueRange | None = None, name: str = "images") -> Tensor:
    """One batch of pictures as grey levels from 0 to 255; as `grey_levels`, which names it by `name` in errors."""
    if images.dtype == torch.uint8:
        return images
    if value_range is None:
        raise ValueError(
            f"{name} is {images.dtype}, whose values may mean anything: say which are black and white, "
            "value_range=(-1, 1) for images of Repose, (0, 1) or (0, 255); uint8 pictures need none"
        )
    low, high = (float(end) for end in value_range)
    if not low < high:
        raise ValueError(f"value_range is (black, white), the smaller number first; got {value_range}")
    if not images.numel():
        return images
    least, most = (float(end) for end in images.aminmax())
    slack = _SLACK * (high - low)
    if not (least >= low - slack and most <= high + slack):  # written so that NaN is refused, too
        raise ValueError(
            f"{name} has values from {least:g} to {most:g}, outside of value_range ({low:g}, {high:g}); give the range "
            "that the pictures have, or clamp them"
        )
    if (low, high) != (0, 255):
        return (images.double() - low) * (255 / (high - low))
    if 0 < most <= 1 and bool((images != images.round()).any()):
        raise ValueError(f"{name} has no value above 1, so its range is not (0, 255); give value_range=(0, 1)")
    return images


def same_batches(generated: Tensor, target: Tensor) -> None:
    """Raise ValueError unless these are two batches (B, C, H, W) of one shape on one device."""
    if generated.ndim != 4 or generated.shape != target.shape:
        raise ValueError(
            f"generated and target must be (B, C, H, W) of one shape, got {tuple(generated.shape)} "
            f"and {tuple(target.shape)}"
        )
    if generated.device != target.device:
        raise ValueError(f"generated is on {generated.device}, target on {target.device}")


def padded(images: Tensor, padding: tuple[int, int, int, int], fill: int = 255) -> Tensor:
    """Pictures (B, C, H, W), values 0 to 255, with (left, top, right, bottom) pixels of `fill` around them."""
    left, top, right, bottom = padding
    return F.pad(images, (left, right, top, bottom), value=fill) if any(padding) else images
