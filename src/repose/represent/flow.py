"""Flow: for every pixel its place in another picture, x and y, -1 to 1 from edge to edge."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.represent.sampling import sample


def at_rest(like: Tensor, rows: slice = slice(None)) -> Tensor:
    """Every pixel's own place, float32 (1, 2, H, W), for pictures (..., H, W) on their device; or some of its rows."""
    height, width = like.shape[-2:]
    y = (torch.arange(height, device=like.device, dtype=torch.float32) * 2 + 1) / height - 1
    x = (torch.arange(width, device=like.device, dtype=torch.float32) * 2 + 1) / width - 1
    y = y[rows]
    return torch.stack([x.expand(y.shape[0], -1), y[:, None].expand(-1, width)])[None]


def warp(picture: Tensor, flow: Tensor) -> Tensor:
    """A picture along a flow, bilinear between pixels; a place beyond the picture takes its border.

    Args:
        picture: (B, C, H, W). flow: (B, 2, h, w), x and y in the picture, -1 to 1 from edge to edge.

    Returns:
        float32 (B, C, h, w); differentiable in both. Source: the bilinear sampling layer of Zhou et al. 2016, "View
        Synthesis by Appearance Flow".
    """
    return sample(picture, flow.movedim(1, -1))
