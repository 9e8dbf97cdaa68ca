"""Flow: for every pixel the place in another picture that it shows, x and y, -1 to 1 from edge to edge."""

from __future__ import annotations

import torch
from torch import Tensor


def at_rest(like: Tensor) -> Tensor:
    """Every pixel's own place, float32 (1, 2, H, W), for pictures (..., H, W) on their device."""
    height, width = like.shape[-2:]
    y = (torch.arange(height, device=like.device, dtype=torch.float32) * 2 + 1) / height - 1
    x = (torch.arange(width, device=like.device, dtype=torch.float32) * 2 + 1) / width - 1
    return torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)])[None]
