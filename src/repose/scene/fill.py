"""A hole in a photograph, filled with what is around it: coherent pieces copied from beside the hole.

On a small picture every cell of the hole takes one of the most frequent shifts of the surroundings (`shifts`). From
there the choice goes to full size in steps of two: the shifts are aligned, and the seams move to where both sides
agree. A correction that is smooth within each piece meets the brightness of the other pieces and of the border. Only
the pixels of the hole are computed at full size, and no copy of the photograph is made.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.represent.canvas import as_float
from repose.scene.shifts import DOWN, choose_labels, likely_shifts

_SIDE: Final = 160
"""The longer side of the small picture on which shifts are chosen, at most, pixels."""

_NODES: Final = 3000
"""Pixels of the small picture that the hole touches, at most."""

_LEVELS: Final = 40_000
"""Cells of the hole on which brightness is evened out, at most."""

_SEAM: Final = 0.02
"""What a seam costs for each cell of its length, where both sides agree."""

_OTHER: Final = 1.0
"""Colours that differ by more are another content, not another light."""

_BAND: Final = 4
"""How far a seam moves at each level, at most, cells."""

_ROUNDS: Final = 10
"""Of belief propagation along the seams, at each level."""

_STRIP: Final = 256
"""Rows of the hole that are written at a time, for memory."""

Patch = tuple[tuple[slice, slice], Tensor]
"""Rows and columns of a picture, and what is there, (3, rows, columns)."""

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int16]
Mask = npt.NDArray[np.uint8]
Shifts = npt.NDArray[np.int64]


def fill(image: Tensor, hole: Tensor, down: float = DOWN) -> Tensor:
    """The picture without what the hole covers.

    The same every time. Beside the result it takes the memory of about a third of the picture.

    Args:
        image: (3, H, W) in [-1, 1].
        hole: (1, H, W) in [0, 1]; what lies under more than 0 is not looked at, and in between the two are blended.
        down: of `repose.scene.shifts.choose_labels`: the more, the rather a pixel takes what lies in its own row.

    Returns:
        (3, H, W) in [-1, 1]; where the hole is 0, the picture's own pixels. If the hole covers everything, the colours
        of the picture's border are carried inwards.

    Raises:
        ValueError: the shapes do not go together.
    """
    patch = fill_box(image, hole, down=down)
    return image if patch is None else patched(image, patch)


def patched(image: Tensor, patch: Patch | None, dtype: torch.dtype | None = None) -> Tensor:
    """A copy of the picture (3, H, W), of another type if one is given, with a patch of `fill_box` in its place."""
    out = image.to(dtype, copy=True) if image.dtype != torch.uint8 or dtype is None else converted(image, dtype)
    if patch is not None:
        (y, x), content = patch
        out[:, y, x] = content if content.dtype != torch.uint8 or out.dtype == torch.uint8 else as_float(content)
    return out


def converted(image: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy of a picture (3, H, W), floats or uint8 levels, as floats of a type in [-1, 1]; in strips, for memory."""
    if image.dtype != torch.uint8:
        return image.to(dtype, copy=True)
    out = torch.empty(image.shape, dtype=dtype)
    for top in range(0, image.shape[1], _STRIP):
        out[:, top : top + _STRIP] = as_float(image[:, top : top + _STRIP])
    return out


def fill_box(image: Tensor, hole: Tensor, half_from: int | None = None, down: float = DOWN) -> Patch | None:
    """`fill`, of the box around the hole alone: its rows and columns, and (3, rows, columns); None without a hole.

    Args and errors: as of `fill`.
        half_from: a box of more values comes in half precision; None: every box is of the picture's type. Of a picture
            of uint8 levels every box comes as levels.
    """
    if image.ndim != 3 or image.shape[0] != 3 or tuple(hole.shape) != (1, *image.shape[1:]):
        raise ValueError(f"fill: image (3, H, W) and hole (1, H, W), got {tuple(image.shape)} and {tuple(hole.shape)}")
    unknown = hole[0] > 0
    if not bool(unknown.any()):
        return None
    rows, columns = (torch.nonzero(unknown.any(dim))[:, 0] for dim in (1, 0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    height, width = unknown.shape
    if bool(unknown.all()):
        edge = max(1, min(height, width) // 50)
        unknown[:edge] = unknown[-edge:] = unknown[:, :edge] = unknown[:, -edge:] = False
    room = round(0.6 * max(bottom - top, right - left)) + 8
    # ground and walls look alike along a row: more room to the sides
    first_row, last_row = max(0, top - room // 2), min(height, bottom + room // 2)
    first, last = max(0, left - 2 * room), min(width, right + 2 * room)
    around = unknown[first_row:last_row, first:last].contiguous().numpy().view(np.uint8)
    del unknown
    share = hole[0, top:bottom, left:right].detach()
    box = (top - first_row, bottom - first_row, left - first, right - first)
    levels = image.dtype == torch.uint8
    half = half_from is not None and 3 * share.numel() > half_from and not levels
    if image.dtype == torch.float32:
        pixels = image.detach().contiguous().numpy()
    else:  # floats of what is looked at alone
        pixels = as_float(image[:, first_row:last_row, first:last].detach()).contiguous().numpy()
        first_row = first = 0
    dtype = torch.float16 if half else image.dtype
    content = _filled(pixels, first_row, first, around, box, share, dtype, down)
    return (slice(top, bottom), slice(left, right)), content


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
    while levels:
        sums, known = levels.pop()
        out = F.interpolate(out, sums.shape[-2:], mode="bilinear", align_corners=False)
        out = out.mul_(1 - known).add_(sums)  # in place, for memory
    return out[0]


# -- inside ---------------------------------------------------------------------------------------------------------


def _filled(
    image: Floats, top: int, left: int, unknown: Mask, box: tuple[int, int, int, int], share: Tensor,
    dtype: torch.dtype, down: float,
) -> Tensor:  # fmt: skip
    """The box of the hole, (3, rows, columns), blended by `share` (rows, columns).

    Args:
        image: (3, H, W). unknown: of the part that begins at `top`, `left`, 1 in the hole.
        box: first and last row and column of the hole in this part, the last ones excluded.
    """
    from repose.scene import fill_kernels as kernels  # needs numba

    times = _coarsest(unknown)
    small, free = _reduced(image, top, left, unknown, times)
    labels, shifts = _chosen(small, free, down)
    even: Floats = np.zeros_like(small)
    kernels.levels(small, 0, 0, free, labels, shifts, _OTHER, 300, even)
    even_labels, even_times = labels, times
    smooth = _smooth(small, free)
    scale = times
    for step in _steps(times):
        if step > 1:
            picture, known, y, x = *_reduced(image, top, left, unknown, step), 0, 0
        else:
            picture, known, y, x = image, 1 - unknown, top, left
        finer: Labels = np.empty(known.shape, np.int16)
        kernels.finer(labels, scale, step, known, finer)
        shifts = np.round(shifts * (scale / step)).astype(np.int64)
        labels, scale = finer, step
        kernels.align(picture, y, x, known, labels, shifts, 2, 3000)
        within = _within(box, step)
        kernels.settle(picture, y, x, known, labels, shifts, within, _SEAM, 2)
        kernels.cut(picture, y, x, known, labels, shifts, within, _SEAM, _BAND, _ROUNDS)
        kernels.settle(picture, y, x, known, labels, shifts, within, _SEAM, 2)
        if step > 1 and int((labels >= 0).sum()) <= _LEVELS:
            correction = np.empty_like(picture)
            kernels.carry(even, even_labels, even_times, step, labels, correction)
            kernels.levels(picture, 0, 0, known, labels, shifts, _OTHER, 60, correction)
            even, even_labels, even_times = correction, labels, step
    out, free = torch.empty(3, *share.shape, dtype=dtype), known  # the last step is of full size
    for first in range(0, len(share), _STRIP):  # float32 of a strip alone
        part = share[first : first + _STRIP].float().contiguous().numpy()
        content: Floats = np.empty((3, *part.shape), np.float32)
        kernels.copy(
            image, top, left, free, labels, shifts, 1 if times < 4 else 2,
            even, even_labels, even_times, smooth, times, part, box[0] + first, box[2], content,
        )  # fmt: skip
        strip = torch.from_numpy(content)
        if dtype == torch.uint8:
            strip.add_(1).mul_(127.5).clamp_(0, 255).round_()
        out[:, first : first + _STRIP] = strip
    return out


def _coarsest(unknown: Mask) -> int:
    """Pixels along a side of a cell of the small picture."""
    from repose.scene import fill_kernels as kernels  # needs numba

    height, width = unknown.shape
    times: int = max(1, math.ceil(max(height, width) / _SIDE), math.ceil(math.sqrt(int(unknown.sum()) / _NODES)))
    # a ragged hole touches more cells than its area says
    while (cells := int(kernels.touched(unknown, times))) > _NODES:
        times = max(times + 1, int(times * math.sqrt(cells / _NODES)))
    return times


def _steps(times: int) -> list[int]:
    """Powers of two below `times`, falling to 1; full size itself comes always."""
    return [1 << power for power in range(max(1, (times - 1).bit_length()) - 1, -1, -1)]


def _reduced(image: Floats, top: int, left: int, unknown: Mask, times: int) -> tuple[Floats, Mask]:
    """The small picture (3, h, w) of the part, and its cells that are wholly known, (h, w)."""
    from repose.scene import fill_kernels as kernels  # needs numba

    height, width = (-(-side // times) for side in unknown.shape)
    small, free = np.empty((3, height, width), np.float32), np.empty((height, width), np.uint8)
    kernels.reduce(image, unknown, top, left, times, small, free)
    return small, free


def _chosen(small: Floats, free: Mask, down: float) -> tuple[Labels, Shifts]:
    """The shift of every cell of the hole, -1 elsewhere and where there is none, and the shifts, (K, 2)."""
    labels: Labels = np.full(free.shape, -1, np.int16)
    picture, known = torch.from_numpy(small), torch.from_numpy(free) > 0
    shifts = likely_shifts(picture, known) if bool(known.any()) else torch.zeros(0, 2, dtype=torch.long)
    nodes = torch.nonzero(~known)  # (N, 2)
    if len(shifts):
        labels[nodes[:, 0].numpy(), nodes[:, 1].numpy()] = choose_labels(picture, known, nodes, shifts, down).numpy()
    return labels, shifts.contiguous().numpy()


def _smooth(small: Floats, free: Mask) -> Floats:
    """The known colours, carried over the hole."""
    out: Floats = spread(torch.from_numpy(small), torch.from_numpy(free)[None].float()).contiguous().numpy()
    return out


def _within(box: tuple[int, int, int, int], times: int) -> Shifts:
    """The box in cells of `times` pixels, whole cells."""
    first_row, last_row, first, last = box
    return np.array([first_row // times, -(-last_row // times), first // times, -(-last // times)], np.int64)


__all__ = ["Patch", "converted", "fill", "fill_box", "patched", "spread"]
