"""DensePose's part, u and v as a bridge between two pictures of one person: where a point of one lies in the other."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

PARTS: Final = 24
"""DensePose's body parts, numbered from 1; 0 is no person."""

BINS: Final = (32, 16)
"""Cells of a part along u and v: the finest first, a coarser one where the finest saw no pixel of the source."""


def correspondence(source: Tensor, target: Tensor, bins: tuple[int, ...] = BINS) -> tuple[Tensor, Tensor]:
    """Where the surface point under each pixel of the target lies in the source picture, and whether it is seen there.

    The (u, v) square of every part is cut into cells, and a cell holds the mean place of the source's pixels in it. A
    target pixel takes the finest cell that is not empty, so it is right to a cell: about a pixel of a person 128 high.

    Args:
        source, target: float (B, 3, H, W): part 0 to 24, u and v in [0, 1], as `Person.iuv`. Sizes may differ.
        bins: cells of a part along u and v, finest first.

    Returns:
        place: float32 (B, 2, H, W), x and y in the source's pixel index units; 0 where not seen.
        seen: bool (B, 1, H, W): the point is on the target's person and visible in the source.

    Raises:
        ValueError: shapes that do not go together.
    """
    if (
        source.ndim != 4
        or target.ndim != 4
        or not source.shape[1] == target.shape[1] == 3
        or len(source) != len(target)
    ):
        raise ValueError(
            f"correspondence: IUV (B, 3, H, W) of both people, got {tuple(source.shape)} and {tuple(target.shape)}"
        )
    batch, _, height, width = source.shape
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=torch.float32, device=source.device),
        torch.arange(width, dtype=torch.float32, device=source.device),
        indexing="ij",
    )
    there = (source[:, 0] > 0).float().flatten(1)  # (B, N)
    place = torch.stack([columns, rows], -1).flatten(0, 1)  # (N, 2)
    sums = torch.cat([place.expand(batch, -1, -1), torch.ones_like(place[:, :1]).expand(batch, -1, -1)], -1)
    sums = sums * there[..., None]  # (B, N, 3)
    matched = target.new_zeros(batch, target.shape[2] * target.shape[3], 2)
    seen = torch.zeros(matched.shape[:2], dtype=torch.bool, device=matched.device)
    person = (target[:, 0] > 0).flatten(1)
    for count in bins:
        cells = sums.new_zeros(batch, (PARTS + 1) * count * count, 3)
        cells.scatter_add_(1, _cell(source, count)[..., None].expand(-1, -1, 3), sums)
        here = cells.gather(1, _cell(target, count)[..., None].expand(-1, -1, 3))  # (B, M, 3)
        new = person & ~seen & (here[..., 2] > 0)
        matched = torch.where(new[..., None], here[..., :2] / here[..., 2:].clamp_min(1), matched)
        seen |= new
    size = target.shape[-2:]
    return matched.movedim(-1, 1).reshape(batch, 2, *size), seen.reshape(batch, 1, *size)


def _cell(iuv: Tensor, count: int) -> Tensor:
    """The cell of every pixel, int64 (B, H W)."""
    part = iuv[:, 0].long().clamp(0, PARTS)
    u, v = ((iuv[:, k] * count).long().clamp(0, count - 1) for k in (1, 2))
    return ((part * count + u) * count + v).flatten(1)
