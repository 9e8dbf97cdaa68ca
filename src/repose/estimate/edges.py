"""A coarse map of a figure, drawn along the edges of the photograph."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.nn.blocks import resized_rows

_SMOOTH: Final = 2e-3
"""The variance of a colour, levels from 0 to 1, that counts as an edge."""

_PAIRS: Final = [[0, 3, 4], [3, 1, 5], [4, 5, 2]]
"""Which of six products of two colours stands where in the matrix of all nine."""

_STRIP: Final = 256
"""Rows that are computed at a time at full size, for memory."""


def along_edges(coarse: Tensor, photograph: Tensor, radius: int, rows: int = 512, out: Tensor | None = None) -> Tensor:
    """The guided filter of a map: near an edge of the photograph its border lies on that edge.

    He, Sun and Tang 2013, "Guided Image Filtering", equations 19 and 20 (a colour guide); the coefficients are computed
    on a reduced picture and applied at full size (He and Sun 2015, "Fast Guided Filter").

    Args:
        coarse: (1, H, W) in [0, 1], of any smaller size too: it is resized.
        photograph: uint8 (H, W, 3).
        radius: of the windows, pixels of the reduced picture.
        rows: the longer side of the reduced picture, at most.
        out: float32 (1, H, W), to be written into; None makes one.

    Returns:
        float32 (1, H, W) in [0, 1].
    """
    height, width = photograph.shape[:2]
    share = min(1.0, rows / max(height, width))
    size = max(1, round(share * height)), max(1, round(share * width))
    full = photograph.movedim(-1, 0)
    if size == (height, width):
        small = full[None] / 255.0
    else:  # a channel at a time, for memory
        small = torch.cat([F.interpolate(one[None, None] / 255.0, size, mode="area") for one in full], dim=1)
    p = F.interpolate(coarse[None].float(), size, mode="bilinear", align_corners=False)
    scale, shift = _coefficients(small, p, radius)
    out = torch.empty(1, height, width) if out is None else out
    for top in range(0, height, _STRIP):  # the coefficients are bilinear between cells
        bottom = min(height, top + _STRIP)
        # channel by channel: mixed with an order of channels last, products take many times as long
        part = full[:, top:bottom].to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        a, b = (resized_rows(x, (height, width), top, bottom)[0] for x in (scale, shift))
        part.mul_(a)
        out[:, top:bottom] = part[:1].add_(part[1:2]).add_(part[2:]).add_(b).clamp_(0, 1)
    return out


def _coefficients(guide: Tensor, p: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """(1, 3, h, w) and (1, 1, h, w) -> a (1, 3, h, w) and b (1, 1, h, w), means over the windows."""

    pairs = torch.cat([guide * guide, guide[:, :1] * guide[:, 1:], guide[:, 1:2] * guide[:, 2:]], 1)  # (1, 6, h, w)
    means = mean(torch.cat([guide, p, guide * p, pairs], 1), radius)
    middle, level, product, pairs = torch.split(means, [3, 1, 3, 6], dim=1)
    together = product - middle * level  # (1, 3, h, w)
    spread = pairs[:, _PAIRS] - middle[:, :, None] * middle[:, None]  # (1, 3, 3, h, w)
    spread = spread.movedim((1, 2), (-2, -1)) + _SMOOTH * torch.eye(3)
    a = torch.linalg.solve(spread, together.movedim(1, -1)[..., None])[..., 0].movedim(-1, 1)  # (1, 3, h, w)
    b = level - (a * middle).sum(1, keepdim=True)
    means = mean(torch.cat([a, b], 1), radius)
    return means[:, :3], means[:, 3:]


def mean(x: Tensor, radius: int) -> Tensor:
    """(1, C, h, w) -> the mean over a window of `radius` pixels to each side, twice, of the pixels inside the picture.

    Twice a box is nearly a Gaussian, whose windows leave no squares behind. The numbers are those of
    `torch.nn.functional.avg_pool2d` with count_include_pad=False, bit by bit: whole rows are added in its order, which
    takes a quarter of its time.
    """
    for axis in (2, 3, 2, 3):
        length = x.shape[axis]
        at = torch.arange(length)
        inside = (at + radius).clamp(max=length - 1) - (at - radius).clamp(min=0) + 1
        sides = [0, 0, radius, radius] if axis == 2 else [radius, radius, 0, 0]
        padded = F.pad(x, sides)
        x = padded.narrow(axis, 0, length).clone()
        for step in range(1, 2 * radius + 1):
            x += padded.narrow(axis, step, length)
        x /= inside.float().reshape((-1, 1) if axis == 2 else (1, -1))
    return x


__all__ = ["along_edges"]
