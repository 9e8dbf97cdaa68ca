"""Blocks that several networks share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """conv 3x3, ReLU, conv 3x3, added to the input; no norm, so the second convolution starts small."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        added: Tensor = x + self.conv2(F.relu(self.conv1(F.relu(x)), inplace=True))
        return added


class Stage(nn.Module):
    """A 3x3 convolution (of stride 1 or 2) into `out` channels, then residual blocks."""

    def __init__(self, into: int, out: int, depth: int, stride: int = 1) -> None:
        super().__init__()
        self.into = nn.Conv2d(into, out, 3, stride, 1)
        self.blocks = nn.Sequential(*(Residual(out) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H / stride, W / stride)."""
        out: Tensor = self.blocks(self.into(x))
        return out


def resized_rows(x: Tensor, size: tuple[int, int], top: int, bottom: int) -> Tensor:
    """Rows [top, bottom) of (B, C, h, w) enlarged to (H, W), bilinear: (B, C, bottom - top, W) without the rest."""
    if tuple(x.shape[-2:]) == size:
        return x[..., top:bottom, :]
    at = (torch.arange(top, bottom, device=x.device) + 0.5) * x.shape[-2] / size[0] - 0.5
    at = at.clamp(0, x.shape[-2] - 1)
    first = at.floor().long()
    share = (at - first)[:, None]
    lines = x[..., first, :] * (1 - share) + x[..., (first + 1).clamp_max(x.shape[-2] - 1), :] * share
    return F.interpolate(lines, (bottom - top, size[1]), mode="bilinear", align_corners=False)


def widest(x: Tensor, reach: int) -> Tensor:
    """The largest value within `reach` rows and columns."""
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    height, width = x.shape[-2] - 2 * reach, x.shape[-1] - 2 * reach
    # many times faster on a CPU than max_pool2d, which also keeps where the largest value was
    for dim, size in ((-2, height), (-1, width)):
        out = x.narrow(dim, 0, size)
        for k in range(1, 2 * reach + 1):
            out = torch.maximum(out, x.narrow(dim, k, size))
        x = out
    return x


__all__ = ["Residual", "Stage", "widest"]
