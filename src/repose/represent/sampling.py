"""Pictures read at places between their pixels, always in float32."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

Between = Literal["bilinear", "bicubic", "nearest"]
Beyond = Literal["border", "zeros"]


def sample(
    picture: Tensor, places: Tensor, between: Between = "bilinear", beyond: Beyond = "border", corners: bool = False
) -> Tensor:
    """A picture at given places.

    `grid_sample` computes places in the type of its tensors, on the CPU also in half precision, whose steps are an
    eighth of a pixel at a width of 256: a warp by zero then moves pixels wherever the size is no power of two, and
    places may come to lie outside of the memory. So both are converted first, on every device.

    Args:
        picture: (B, C, H, W), of any floating type.
        places: (B, h, w, 2), x and y, -1 to 1 from edge to edge; by `corners` from the middle of the first pixel to
            that of the last.
        between: how a place between pixels is read. beyond: what lies beyond the picture.

    Returns:
        float32 (B, C, h, w); differentiable in both, but for "nearest" in the picture alone.
    """
    return F.grid_sample(picture.float(), places.float(), between, beyond, align_corners=corners)
