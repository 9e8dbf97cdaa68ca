"""How a figure is put before its surroundings; one photograph or several, at any size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from repose.nn.blocks import widest


def composed(figure: Tensor, around: Tensor, photograph: Tensor, outline: Tensor, still: Tensor) -> Tensor:
    """(B, 3, H, W): the figure within its outline, before its surroundings; the photograph where nothing moves.

    Args:
        figure, around, photograph: (B, 3, H, W). outline, still: (B, 1, H, W) in [0, 1].
    """
    return still * photograph + (1 - still) * (outline * figure + (1 - outline) * around)


def hidden_by(matte: Tensor, reach: int) -> Tensor:
    """(B, 1, H, W) in [0, 1]: how far the person hides what is behind, some pixels more than the matte says.

    Args:
        matte: (B, 1, H, W) probability of the person. reach: pixels.
    """
    return ((widest(matte, reach) - 0.1) / 0.4).clamp(0, 1)


def resized(image: Tensor, height: int, width: int) -> Tensor:
    """A picture in another size: the mean of its pixels where it is smaller, else bilinear."""
    if tuple(image.shape[-2:]) == (height, width):
        return image
    times = image.shape[-2] // height
    if times > 1 and image.shape[-2:] == (times * height, times * width):
        return F.avg_pool2d(image, times)
    return F.interpolate(image, (height, width), mode="bilinear", align_corners=False, antialias=times >= 1)


__all__ = ["composed", "hidden_by", "resized"]
