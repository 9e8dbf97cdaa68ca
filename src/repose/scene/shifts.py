"""Which shifts fill a hole: those by which the surroundings resemble themselves, and one of them for every cell.

All of it on a small picture; `fill` takes the choice to full size. Source: "Statistics of Patch Offsets for Image
Completion" (He and Sun, ECCV 2012), with belief propagation in place of graph cuts.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

DOWN: Final = 0.02
"""What a shift costs that goes up or down by the height of the picture, in squares of differences of colours."""

_SHIFTS: Final = 32
_PATCH: Final = 5
_COVERING: Final = 12
"""Shifts for what the frequent ones do not serve, at most."""

_ROUNDS: Final = 16
"""Of belief propagation."""

_ROWS: Final = 64
"""Patches whose resemblance to all others is looked at at a time, for memory."""

_NEVER: Final = 1e3
"""The cost of a shift that points out of the picture or into the hole."""


def likely_shifts(small: Tensor, free: Tensor) -> Tensor:
    """The most frequent (dy, dx) by which the surroundings of the hole resemble themselves, (K, 2)."""
    height, width = free.shape
    half = _PATCH // 2
    none = torch.zeros(0, 2, dtype=torch.long)
    if min(height, width) < 2 * _PATCH:
        return _covering(free, none)
    blurred = small * free
    patches = F.unfold(blurred[None], _PATCH)[0].T  # (P, 3 * 25)
    whole = -F.max_pool2d(-free[None].float(), _PATCH, 1)[0] > 0  # (h - 4, w - 4)
    place = torch.nonzero(whole)  # (M, 2), of the patches' first pixels
    hole = ~free
    near = F.max_pool2d(hole[None].float(), 4 * _PATCH + 1, 1, 2 * _PATCH)[0] > 0
    near = near[half : height - half, half : width - half]
    asked = torch.nonzero(whole & near)
    if len(place) < 16 or len(asked) < 4:
        return _covering(free, none)
    asked = asked[:: max(1, len(asked) // 700)]
    row = width - 2 * half
    known = patches[place[:, 0] * row + place[:, 1]]
    want = patches[asked[:, 0] * row + asked[:, 1]]
    cost = 2 * want @ known.T  # (A, M)
    of_want, of_known = want.square().sum(1)[:, None], known.square().sum(1)
    for first in range(0, len(cost), _ROWS):  # the matrix is large: in place, for memory
        rows = slice(first, first + _ROWS)
        cost[rows] = of_want[rows] + of_known - cost[rows]
    # half the narrow side of the hole, at least: shorter shifts lead from the hole into the hole
    extent = [int(hole.any(dim).sum()) for dim in (1, 0)]
    least = max(4.0, 0.3 * min(extent))
    # the same row is the same distance and light
    usual = cost.mean().clamp_min(1e-6)
    found = []
    for first in range(0, len(cost), _ROWS):
        part, start = cost[first : first + _ROWS], asked[first : first + _ROWS].int()
        down, across = (place[:, k].int() - start[:, k, None] for k in (0, 1))
        part = part / usual + (0.3 / height) * down.abs()
        part = torch.where(down * down + across * across < least * least, torch.inf, part)
        best = part.topk(min(6, part.shape[1]), 1, largest=False)
        steps = torch.stack([step.gather(1, best.indices) for step in (down, across)], -1)
        found.append(steps[best.values.isfinite()].long())
    seen = torch.cat(found)
    votes = torch.zeros(2 * height + 1, 2 * width + 1)
    votes.index_put_((seen[:, 0] + height, seen[:, 1] + width), torch.ones(len(seen)), accumulate=True)
    votes = votes + votes.flip(0, 1)  # what resembles forwards does so backwards
    smooth = F.avg_pool2d(votes[None], 3, 1, 1)[0]
    peaks = torch.where(smooth == F.max_pool2d(smooth[None], 5, 1, 2)[0], smooth, 0.0)
    highest = peaks.flatten().topk(min(_SHIFTS - 8, int((peaks > 0).sum()))).indices
    peak = torch.stack([highest // (2 * width + 1) - height, highest % (2 * width + 1) - width], 1)
    tall, wide = extent
    sides = [(0, wide + 2), (0, wide // 2 + 2), (0, 3 * wide // 2 + 2), (tall + 2, 0)]  # with or without votes
    always = torch.tensor([(s * dy, s * dx) for dy, dx in sides for s in (1, -1)])
    shifts = torch.unique(torch.cat([peak, always]), dim=0)
    return torch.cat([shifts, _covering(free, shifts)])


def _covering(free: Tensor, shifts: Tensor) -> Tensor:
    """Further shifts, (M, 2), so that every cell of the hole has one that leads to a known cell; along rows if it can.

    Each serves the most cells that have none so far, counted for all shifts at once by a correlation.
    """
    height, width = free.shape
    bare = ~free
    for shift in shifts.tolist():
        bare &= _moved(free[None].float(), free.float(), *shift)[1] == 0
    size = (2 * height, 2 * width)
    known = torch.fft.rfft2(free.float(), s=size)
    down = torch.arange(2 * height)
    down = torch.minimum(down, 2 * height - down)[:, None] / height
    further: list[tuple[int, int]] = []
    while len(further) < _COVERING and bool(bare.any()):
        served = torch.fft.irfft2(known * torch.fft.rfft2(bare.float(), s=size).conj(), s=size).round()
        best = int((served * torch.exp(-8 * down)).argmax())
        dy, dx = best // size[1], best % size[1]
        dy, dx = (dy - size[0] if dy >= height else dy), (dx - size[1] if dx >= width else dx)
        left = bare & (_moved(free[None].float(), free.float(), dy, dx)[1] == 0)
        if int(left.sum()) == int(bare.sum()):
            break
        further.append((dy, dx))
        bare = left
    return torch.tensor(further, dtype=torch.long).reshape(-1, 2)


def choose_labels(small: Tensor, free: Tensor, nodes: Tensor, shifts: Tensor, down: float = DOWN) -> Tensor:
    """The number of the shift of every cell of the hole, (N,), by min-sum belief propagation on the grid.

    Args:
        small: (3, h, w). free: (h, w) bool, the known cells. nodes: (N, 2), the others. shifts: (K, 2).
        down: what a shift costs that goes up or down by the height of the picture.
    """
    from repose.scene.fill_kernels import propagate  # needs numba

    height, width = free.shape
    known = free.float()
    moved, valid = zip(*(_moved(small, known, *shift) for shift in shifts.tolist()), strict=True)
    shifted, there = torch.stack(moved), torch.stack(valid)  # (K, 3, h, w), (K, h, w)
    # what a shift gets wrong on the known cells around
    wrong = (shifted - small).square().sum(1) * there * known  # (K, h, w)
    weight = F.avg_pool2d((there * known)[:, None], _PATCH, 1, _PATCH // 2)[:, 0]
    border = F.avg_pool2d(wrong[:, None], _PATCH, 1, _PATCH // 2)[:, 0] / weight.clamp_min(0.04)
    border = border * (F.avg_pool2d(known[None], _PATCH, 1, _PATCH // 2)[0] * 4).clamp(max=1)
    distance = down * shifts[:, 0].abs() / height + 0.005 * shifts[:, 1].abs() / width
    ys, xs = nodes.T
    unary = torch.where(there[:, ys, xs] > 0, 2 * border[:, ys, xs] + distance[:, None], _NEVER).T  # (N, K)
    colours = (shifted * there[:, None])[:, :, ys, xs].permute(2, 0, 1)  # (N, K, 3)
    number = torch.full((height + 2, width + 2), -1, dtype=torch.long)
    number[ys + 1, xs + 1] = torch.arange(len(nodes))
    neighbours = torch.stack([number[ys + 1 + dy, xs + 1 + dx] for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))])
    chosen = propagate(
        unary.float().contiguous().numpy(), colours.contiguous().numpy(), neighbours.contiguous().numpy(), _ROUNDS
    )
    return torch.from_numpy(chosen)


def _moved(small: Tensor, known: Tensor, dy: int, dx: int) -> tuple[Tensor, Tensor]:
    """What lies (dy, dx) further, at every cell, and whether it is known."""
    height, width = known.shape
    out, there = torch.zeros_like(small), torch.zeros_like(known)
    y, x = slice(max(0, -dy), min(height, height - dy)), slice(max(0, -dx), min(width, width - dx))
    if y.start < y.stop and x.start < x.stop:
        from_y, from_x = slice(y.start + dy, y.stop + dy), slice(x.start + dx, x.stop + dx)
        out[:, y, x], there[y, x] = small[:, from_y, from_x], known[from_y, from_x]
    return out, there


__all__ = ["DOWN", "choose_labels", "likely_shifts"]
