"""A hole in a photograph, filled with what is around it: coherent pieces copied from beside the hole.

Pieces are found as in "Statistics of Patch Offsets for Image Completion" (He and Sun, ECCV 2012): the shifts by which
the surroundings resemble themselves are counted, every pixel of the hole takes one of the most frequent shifts, and
seams lie where both sides agree. The shifts are chosen on a small picture, by belief propagation in place of graph
cuts; the pixels are copied at full size, and a smooth correction meets the brightness at the border of the hole.
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

_SIDE: Final = 112
"""The longer side of the small picture on which shifts are chosen, at most, pixels."""

_NODES: Final = 1500
"""Pixels of the small picture that the hole touches, at most."""

_SHIFTS: Final = 32
_PATCH: Final = 5
_ROUNDS: Final = 16
"""Of belief propagation."""

_NEVER: Final = 1e3
"""The cost of a shift that points out of the picture or into the hole."""


def fill(image: Tensor, hole: Tensor) -> Tensor:
    """The picture without what the hole covers.

    On one core 0.2 to 0.4 s at 640x480, 0.4 to 1.8 s at 3000x2000, by the size of the hole; the same every time.

    Args:
        image: (3, H, W) in [-1, 1].
        hole: (1, H, W) in [0, 1]; what lies under more than 0 is not looked at, and in between the two are blended.

    Returns:
        (3, H, W) in [-1, 1]; where the hole is 0, the picture's own pixels. A hole without surroundings becomes grey.

    Raises:
        ValueError: the shapes do not go together.
    """
    if image.ndim != 3 or tuple(hole.shape) != (1, *image.shape[1:]):
        raise ValueError(f"fill: image (3, H, W) and hole (1, H, W), got {tuple(image.shape)} and {tuple(hole.shape)}")
    unknown = hole[0] > 0
    if not bool(unknown.any()):
        return image
    rows, columns = (torch.nonzero(unknown.any(dim))[:, 0] for dim in (1, 0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    room = round(0.6 * max(bottom - top, right - left)) + 8
    # ground and walls look alike along a row: more room to the sides
    y, x = slice(max(0, top - room // 2), bottom + room // 2), slice(max(0, left - 2 * room), right + 2 * room)
    content = _filled(image[:, y, x], unknown[y, x])
    share = hole[:, y, x]
    out = image.clone()
    out[:, y, x] = image[:, y, x] * (1 - share) + content * share
    return out


def spread(values: Tensor, weight: Tensor) -> Tensor:
    """Known values, carried smoothly over what is unknown (push and pull along a pyramid).

    Args:
        values: (C, H, W). weight: (1, H, W), 0 where unknown.

    Returns:
        (C, H, W): the values where the weight is 1; 0 everywhere if nothing is known.
    """
    sums, known = values[None] * weight[None], weight[None]
    levels = [(sums, known)]
    while max(sums.shape[-2:]) > 1:
        sums, known = (F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (sums, known))
        share = known.clamp_min(1e-8)
        sums, known = sums / share * (known * 4).clamp(max=1), (known * 4).clamp(max=1)
        levels.append((sums, known))
    out = levels.pop()[0]
    for sums, known in reversed(levels):
        out = F.interpolate(out, sums.shape[-2:], mode="bilinear", align_corners=False)
        out = sums + (1 - known) * out
    return out[0]


# -- inside ---------------------------------------------------------------------------------------------------------


def _filled(image: Tensor, unknown: Tensor) -> Tensor:
    """(3, H, W), (H, W) -> (3, H, W), right under `unknown`."""
    height, width = unknown.shape
    times = max(1, math.ceil(max(height, width) / _SIDE), math.ceil(math.sqrt(int(unknown.sum()) / _NODES)))
    # a ragged hole touches many more cells than its area says
    while F.max_pool2d(unknown[None, None].float(), times, ceil_mode=True).sum() > _NODES:
        times += 1
    pad = (0, -width % times, 0, -height % times)
    image = F.pad(image[None], pad, mode="replicate")[0]
    known = 1 - F.pad(unknown[None, None].float(), pad, mode="replicate")[0]  # (1, H, W)
    count = F.avg_pool2d(known, times)
    small = F.avg_pool2d(image * known, times) / count.clamp_min(1e-8)  # (3, h, w)
    free = count[0] > 1 - 1e-6  # (h, w), all pixels of the cell are known
    if not bool(free.any()):
        return spread(image, known)[:, :height, :width]
    shifts = _shifts(small, free)
    if len(shifts) == 0:
        return spread(image, known)[:, :height, :width]
    nodes = torch.nonzero(~free)  # (N, 2)
    labels = _labels(small, free, nodes, shifts)
    chosen = torch.full(free.shape, -1, dtype=torch.long)
    chosen[nodes[:, 0], nodes[:, 1]] = labels
    chosen = _grown(chosen, 2)
    copied, there = _copied(image, known, chosen, shifts, times)

    # the copies keep their steps from cell to cell, their level comes from around the hole
    even = small.clone()
    even[:, nodes[:, 0], nodes[:, 1]] = _levels(small, free, nodes, labels, shifts)
    copies = F.avg_pool2d(there, times)[0] > 1 - 1e-6
    correction = (even - F.avg_pool2d(copied, times)).clamp(-0.6, 0.6)
    correction = spread(correction, copies[None].float())
    correction = F.interpolate(correction[None], scale_factor=float(times), mode="bilinear", align_corners=False)[0]
    content = (torch.where(there > 0, copied, spread(copied, there)) + correction).clamp(-1, 1)
    return torch.where(known > 0, image, content)[:, :height, :width]


def _shifts(small: Tensor, free: Tensor) -> Tensor:
    """The most frequent (dy, dx) by which the surroundings of the hole resemble themselves, (K, 2)."""
    height, width = free.shape
    half = _PATCH // 2
    if min(height, width) < 2 * _PATCH:
        return torch.zeros(0, 2, dtype=torch.long)
    blurred = small * free
    patches = F.unfold(blurred[None], _PATCH)[0].T  # (P, 3 * 25)
    whole = -F.max_pool2d(-free[None].float(), _PATCH, 1)[0] > 0  # (h - 4, w - 4)
    place = torch.nonzero(whole)  # (M, 2), of the patches' first pixels
    hole = ~free
    near = F.max_pool2d(hole[None].float(), 4 * _PATCH + 1, 1, 2 * _PATCH)[0] > 0
    near = near[half : height - half, half : width - half]
    asked = torch.nonzero(whole & near)
    if len(place) < 16 or len(asked) < 4:
        return torch.zeros(0, 2, dtype=torch.long)
    asked = asked[:: max(1, len(asked) // 700)]
    row = width - 2 * half
    known = patches[place[:, 0] * row + place[:, 1]]
    want = patches[asked[:, 0] * row + asked[:, 1]]
    cost = want.square().sum(1)[:, None] + known.square().sum(1) - 2 * want @ known.T  # (A, M)
    down, across = (place[:, k] - asked[:, k, None] for k in (0, 1))  # (A, M)
    # half the narrow side of the hole, at least: shorter shifts lead from the hole into the hole
    extent = [int(hole.any(dim).sum()) for dim in (1, 0)]
    least = max(4.0, 0.3 * min(extent))
    # the same row is the same distance and light
    cost = cost / cost.mean().clamp_min(1e-6) + (0.3 / height) * down.abs()
    cost = torch.where(down * down + across * across < least * least, torch.inf, cost)
    best = cost.topk(min(6, cost.shape[1]), 1, largest=False)
    seen = torch.stack([step.gather(1, best.indices) for step in (down, across)], -1)[best.values.isfinite()]
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
    shifts: Tensor = torch.unique(torch.cat([peak, always]), dim=0)
    return shifts


def _labels(small: Tensor, free: Tensor, nodes: Tensor, shifts: Tensor) -> Tensor:
    """The shift of every cell of the hole, (N,), by min-sum belief propagation on the grid."""
    height, width = free.shape
    known = free.float()
    moved, valid = zip(*(_moved(small, known, *shift) for shift in shifts.tolist()), strict=True)
    shifted, there = torch.stack(moved), torch.stack(valid)  # (K, 3, h, w), (K, h, w)
    # what a shift gets wrong on the known cells around
    wrong = (shifted - small).square().sum(1) * there * known  # (K, h, w)
    weight = F.avg_pool2d((there * known)[:, None], _PATCH, 1, _PATCH // 2)[:, 0]
    border = F.avg_pool2d(wrong[:, None], _PATCH, 1, _PATCH // 2)[:, 0] / weight.clamp_min(0.04)
    border = border * (F.avg_pool2d(known[None], _PATCH, 1, _PATCH // 2)[0] * 4).clamp(max=1)
    distance = 0.02 * shifts[:, 0].abs() / height + 0.005 * shifts[:, 1].abs() / width
    ys, xs = nodes.T
    unary = torch.where(there[:, ys, xs] > 0, 2 * border[:, ys, xs] + distance[:, None], _NEVER).T  # (N, K)
    colours = (shifted * there[:, None])[:, :, ys, xs].permute(2, 0, 1)  # (N, K, 3)
    number = torch.full((height + 2, width + 2), len(nodes), dtype=torch.long)
    number[ys + 1, xs + 1] = torch.arange(len(nodes))
    seam = torch.cdist(colours, colours)  # (N, K, K), of two shifts at one cell
    seam = torch.cat([seam, seam.new_zeros(1, *seam.shape[1:])])
    neighbours = torch.stack([number[ys + 1 + dy, xs + 1 + dx] for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0))])
    first, second = torch.arange(len(nodes)), len(nodes)
    pair = [seam[first] + seam[n] for n in neighbours]  # (N, K, K) each
    messages = torch.zeros(4, second + 1, len(shifts))  # to a cell, from its neighbour in that direction
    opposite = (1, 0, 3, 2)
    for _ in range(_ROUNDS):
        belief = unary + messages[:, :-1].sum(0)
        new = torch.zeros_like(messages)
        for way, n in enumerate(neighbours):
            told = (belief - messages[way, :-1])[:, :, None] + pair[way]  # (N, K from, K to)
            told = told.amin(1)
            told = told - told.amin(1, keepdim=True)
            new[opposite[way], n] = told
        new[:, -1] = 0
        messages = 0.5 * messages + 0.5 * new
    chosen: Tensor = (unary + messages[:, :-1].sum(0)).argmin(1)
    return chosen


def _levels(small: Tensor, free: Tensor, nodes: Tensor, labels: Tensor, shifts: Tensor) -> Tensor:
    """Colours of the hole's cells, (3, N), with the copies' differences between neighbours and the border's colours.

    A Poisson equation, as in seamless cloning; at a seam the mean of what the two copies say counts.
    """
    height, width = free.shape
    number = torch.full((height, width), -1, dtype=torch.long)
    number[nodes[:, 0], nodes[:, 1]] = torch.arange(len(nodes))
    size = torch.tensor([height, width])

    def at(places: Tensor) -> tuple[Tensor, Tensor]:
        """Colours (N, 3) and whether they are known, (N, 1)."""
        inside = ((places >= 0) & (places < size)).all(1)
        y, x = (places * inside[:, None]).T
        return small[:, y, x].T, (inside & free[y, x])[:, None].float()

    matrix = 1e-6 * torch.eye(len(nodes))
    right = torch.zeros(len(nodes), 3)
    row = torch.arange(len(nodes))
    for way in torch.tensor([(0, 1), (0, -1), (1, 0), (-1, 0)]):
        other = nodes + way
        inside = ((other >= 0) & (other < size)).all(1)
        clamped = other * inside[:, None]
        peer = torch.where(inside, number[clamped[:, 0], clamped[:, 1]], -1)
        step, votes = torch.zeros(len(nodes), 3), torch.zeros(len(nodes), 1)
        for label, counts in ((labels, torch.ones(len(nodes))), (labels[peer.clamp_min(0)], (peer >= 0).float())):
            (here, known_here), (there, known_there) = at(nodes + shifts[label]), at(other + shifts[label])
            sure = known_here * known_there * counts[:, None]
            step, votes = step + sure * (there - here), votes + sure
        right -= inside[:, None] * step / votes.clamp_min(1)
        matrix[row, row] += inside.float()
        linked, border = peer >= 0, inside & (peer < 0)
        matrix[row[linked], peer[linked]] -= 1
        right[border] += small[:, clamped[border, 0], clamped[border, 1]].T
    solved: Tensor = torch.linalg.solve(matrix, right).T
    return solved.clamp(-1, 1)


def _moved(small: Tensor, known: Tensor, dy: int, dx: int) -> tuple[Tensor, Tensor]:
    """What lies (dy, dx) further, at every cell, and whether it is known."""
    height, width = known.shape
    out, there = torch.zeros_like(small), torch.zeros_like(known)
    y, x = slice(max(0, -dy), min(height, height - dy)), slice(max(0, -dx), min(width, width - dx))
    if y.start < y.stop and x.start < x.stop:
        from_y, from_x = slice(y.start + dy, y.stop + dy), slice(x.start + dx, x.stop + dx)
        out[:, y, x], there[y, x] = small[:, from_y, from_x], known[from_y, from_x]
    return out, there


def _grown(chosen: Tensor, cells: int) -> Tensor:
    """Labels (h, w), -1 for none, grown over that many cells around."""
    for _ in range(cells):
        for dim, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            other = chosen.roll(step, dim)
            edge = 0 if step == 1 else chosen.shape[dim] - 1
            other.select(dim, edge).fill_(-1)
            chosen = torch.where(chosen < 0, other, chosen)
    return chosen


def _copied(image: Tensor, known: Tensor, chosen: Tensor, shifts: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """The pieces at full size, with soft seams, and (1, H, W) 1 where there is one; 0 beside them."""
    _, height, width = image.shape
    out, total = torch.zeros_like(image), torch.zeros(1, height, width)
    for label in torch.unique(chosen[chosen >= 0]).tolist():
        dy, dx = (int(step) * times for step in shifts[label])
        cells = torch.nonzero(chosen == label)
        (y0, x0), (y1, x1) = ((cells.amin(0) - 1) * times).tolist(), ((cells.amax(0) + 2) * times).tolist()
        y = slice(max(0, y0, -dy), min(height, y1, height - dy))
        x = slice(max(0, x0, -dx), min(width, x1, width - dx))
        if y.start >= y.stop or x.start >= x.stop:
            continue
        part = chosen[y.start // times : -(-y.stop // times), x.start // times : -(-x.stop // times)]
        share = (part == label).float()[None, None]
        share = F.interpolate(share, scale_factor=float(times), mode="bilinear", align_corners=False)[0]
        share = share[:, y.start % times :, x.start % times :][:, : y.stop - y.start, : x.stop - x.start]
        share = (share * 2 - 0.5).clamp(1e-4, 1)  # narrower seams: half a cell
        share = share * known[:, y.start + dy : y.stop + dy, x.start + dx : x.stop + dx]
        out[:, y, x] += share * image[:, y.start + dy : y.stop + dy, x.start + dx : x.stop + dx]
        total[:, y, x] += share
    return out / total.clamp_min(1e-8), (total > 0).float()


__all__ = ["fill", "spread"]
