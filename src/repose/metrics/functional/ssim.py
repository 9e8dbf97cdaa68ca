"""Structural similarity, in the variants that the field's tables were made with.

One filtered pass over a pair gives SSIM, its mean in windows around the joints, and the first scale of MS-SSIM. Windows
in which the pictures are equal have an SSIM of 1 and are not computed: white padding, black outside of a mask, the real
target against itself.

Float32 is exact to 1e-6 where the data range is wide. Pixels are whole numbers, so the two that share a weight are
added first, without an error, and weighted together from the border of the window inwards. Added one after the other
they would be off by up to 3e-6, all in the same direction. Narrow ranges are computed in float64.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.metrics.functional.pictures import ValueRange, grey_levels
from repose.metrics.functional.ssim_variants import PATN, WANG, SSIMVariant

MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Wang, Simoncelli, Bovik 2003: exponents of MS-SSIM from the finest scale to the coarsest."""

NARROW = 128.0
"""Grey levels: a smaller data range is computed in float64, as a rounding error counts by the inverse of its square."""

_PIXELS = 140_000
"""Pixels filtered at a time on a CPU: with fewer the calls take most of the time, more do not fit into its cache."""


@dataclass(frozen=True)
class Similarity:
    """The results of one pass over B pairs; float64.

    Attributes:
        ssim: (B,), mean of the map of SSIM.
        contrast: (B,), mean of the map without the factor of luminance, for the finer scales of MS-SSIM.
        regions: (B,), sum over the requested windows of the mean of the map inside each; None without windows.
        counted: (B,), the number of these windows; None without windows.
    """

    ssim: Tensor
    contrast: Tensor
    regions: Tensor | None = None
    counted: Tensor | None = None


def ssim(
    generated: Tensor, target: Tensor, variant: SSIMVariant = PATN, *, value_range: ValueRange | None = None
) -> Tensor:
    """SSIM of each pair, the mean over the pixels whose window lies inside the picture and over the channels.

    Equal to `skimage.metrics.structural_similarity(..., channel_axis=...)` within 1e-6.

    >>> target = torch.arange(3 * 16 * 16, dtype=torch.float64).view(1, 3, 16, 16) % 251
    >>> ssim(target, target, WANG, value_range=(0, 255))
    tensor([1.], dtype=torch.float64)
    >>> ssim(target / 2, target, WANG, value_range=(0, 255))
    tensor([0.6520], dtype=torch.float64)
    >>> ssim(target / 255 - 1, target / 127.5 - 1, WANG, value_range=(-1, 1))  # the same pictures in [-1, 1]
    tensor([0.6520], dtype=torch.float64)

    Args:
        generated, target: (B, C, H, W), uint8, or any other type together with `value_range`; both on one device.
        variant: the window and its constants. Its data range is in grey levels of 255 for pictures of any range.
        value_range: the values that mean black and white, such as (-1, 1).

    Returns:
        float64 (B,), -1 to 1. A data range below one grey level counts as one, so that flat pictures have a value.

    Raises:
        ValueError: the pictures are smaller than the window, or as `repose.metrics.functional.pictures.grey_levels`.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", 2004, eq. 13.
    """
    return _similarity(*_levels(generated, target, value_range), variant).ssim


def ms_ssim(
    generated: Tensor,
    target: Tensor,
    variant: SSIMVariant = WANG,
    finest: Similarity | None = None,
    *,
    value_range: ValueRange | None = None,
) -> Tensor:
    """Multi-scale SSIM of each pair: five scales, each half of the one before (means of 2x2 pixels).

    >>> target = torch.arange(161 * 161, dtype=torch.float64).view(1, 1, 161, 161) % 251
    >>> ms_ssim(target, target, value_range=(0, 255))
    tensor([1.], dtype=torch.float64)

    The product over the scales of the mean contrast and structure, at the coarsest of the mean SSIM, each to the power
    of its weight; a mean below 0 counts as 0. At the coarsest scale windows reach over the border, on a reflection; at
    the others they lie inside. That is torchmetrics' `multiscale_structural_similarity_index_measure` with
    normalize="relu", within 1e-6. With whole windows there too, as Wang et al. have it, a picture of 256x176 would be
    judged by 6 of them at its coarsest scale.

    Args:
        generated, target: (B, C, H, W), uint8, or any other type together with `value_range`; each side has at least
            16 (size - 1) + 1 pixels.
        variant: with a fixed data range.
        finest: the result of `similarity` for these pictures and this variant, which is then not computed again.
        value_range: the values that mean black and white, such as (-1, 1).

    Returns:
        float64 (B,), 0 to 1.

    Raises:
        ValueError: the pictures are too small, the variant has the generated picture's range, or as `ssim`.

    Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity", 2003, eq. 7.
    """
    if variant.data_range == "generated":
        raise ValueError("ms_ssim: the range of a picture changes with its scale; take a variant with a fixed range")
    x, y = _levels(generated, target, value_range)
    shortest = (variant.size - 1) * 2 ** (len(MS_WEIGHTS) - 1) + 1
    if min(x.shape[-2:]) < shortest:
        raise ValueError(f"ms_ssim: five scales of the window {variant.size} need {shortest} pixels on each side, "
                         f"the pictures are {x.shape[-2]}x{x.shape[-1]}")  # fmt: skip
    product = torch.ones(len(x), dtype=torch.float64, device=x.device)
    for scale, weight in enumerate(MS_WEIGHTS):
        if scale:
            x, y = _halved(x), _halved(y)
        if scale == len(MS_WEIGHTS) - 1:
            reach = [variant.size // 2] * 4
            part = _similarity(F.pad(x, reach, mode="reflect"), F.pad(y, reach, mode="reflect"), variant).ssim
        else:
            part = (finest if finest is not None and not scale else _similarity(x, y, variant)).contrast
        product *= part.clamp_min(0) ** weight
    return product


def similarity(
    generated: Tensor,
    target: Tensor,
    variant: SSIMVariant = PATN,
    corners: Tensor | None = None,
    present: Tensor | None = None,
    side: int = 0,
    *,
    value_range: ValueRange | None = None,
) -> Similarity:
    """SSIM, its factor of contrast, and SSIM in windows, all of one variant, from one pass over B pairs.

    >>> target = torch.arange(3 * 32 * 32, dtype=torch.int64).view(1, 3, 32, 32) % 251
    >>> corners = torch.tensor([[[0, 0], [8, 4]]])
    >>> one_pass = similarity(target // 2, target, WANG, corners, side=16, value_range=(0, 255))
    >>> one_pass.regions / one_pass.counted  # the mean of the two windows
    tensor([0.6405], dtype=torch.float64)

    Args:
        generated, target: (B, C, H, W), uint8, or any other type together with `value_range`; both on one device.
        variant: the window and its constants.
        corners: int64 (B, N, 2), first column and row of windows of `side` pixels inside the picture. The SSIM of a
            window is that of the two windows cut out, for a variant with a fixed range.
        present: bool (B, N), which of them count.
        side: of a window, at least the variant's size.
        value_range: the values that mean black and white, such as (-1, 1).

    Returns:
        SSIM from -1 to 1, and the sums and counts of the windows.

    Raises:
        ValueError: as `ssim`, or windows for a variant with the range of the generated picture.
    """
    return _similarity(*_levels(generated, target, value_range), variant, corners, present, side)


# -- inside ---------------------------------------------------------------------------------------------------------


def _similarity(
    x: Tensor,
    y: Tensor,
    variant: SSIMVariant,
    corners: Tensor | None = None,
    present: Tensor | None = None,
    side: int = 0,
) -> Similarity:
    """As `similarity`, of two batches of one type in grey levels from 0 to 255."""
    size, (height, width) = variant.size, x.shape[-2:]
    if min(height, width) < size:
        raise ValueError(f"ssim: pictures of {height}x{width} are smaller than the window of {size}")
    if corners is not None and (variant.data_range == "generated" or side < size):
        raise ValueError("similarity: windows need a variant with a fixed range and a side of at least its size")
    batch, channels = x.shape[:2]
    if variant.data_range == "generated":
        flat = x.flatten(1)
        span = (flat.amax(1).double() - flat.amin(1).double()).clamp(min=1)  # (B,)
    else:
        span = torch.full((batch,), float(variant.data_range), dtype=torch.float64, device=x.device)
    spans = span.repeat_interleave(channels)
    ones, others = x.flatten(0, 1), y.flatten(0, 1)  # (B C, H, W)
    step = max(1, _PIXELS // (height * width)) if x.device.type == "cpu" else max(1, len(ones))
    rooms: dict[torch.dtype, Tensor] = {}
    grid = (height - size + 1, width - size + 1)
    means = torch.ones(2, len(ones), dtype=torch.float64, device=x.device)
    inside = None if corners is None else torch.ones(len(ones), corners.shape[1], dtype=torch.float64, device=x.device)
    for start in range(0, len(ones), step):
        at = slice(start, start + step)
        top, left, bottom, right = _differing(ones[at], others[at], size)
        if bottom == top:
            continue
        part = (slice(None), slice(top, bottom), slice(left, right))
        wide = x.dtype != torch.float64 and float(spans[at].min()) >= NARROW
        kind = torch.float32 if wide else torch.float64
        if kind not in rooms:
            rooms[kind] = torch.empty(3, 4, step * height * width, dtype=kind, device=x.device)
        maps = _maps(ones[at][part], others[at][part], variant, spans[at], rooms[kind])
        share = maps[0][0].numel() / (grid[0] * grid[1])
        for k, one in enumerate(maps):
            means[k, at] = 1 + share * (one.mean((1, 2), dtype=torch.float64) - 1)
        if inside is not None and corners is not None:
            whole = torch.ones(len(maps[0]), *grid, dtype=torch.float64, device=x.device)
            whole[:, top : bottom - size + 1, left : right - size + 1] = maps[0]
            which = torch.arange(start, start + len(whole), device=x.device) // channels
            inside[at] = _window_means(whole, corners.to(x.device)[which], side - size + 1)
    ssim_, contrast = means.view(2, batch, channels).mean(2)
    if inside is None:
        return Similarity(ssim_, contrast)
    each = inside.view(batch, channels, -1).mean(1)  # (B, N)
    seen = torch.ones_like(each) if present is None else present.to(each)
    return Similarity(ssim_, contrast, (each * seen).sum(1), seen.sum(1))


def _halved(images: Tensor) -> Tensor:
    """Means of 2x2 pixels, float32 of uint8, else the type of the pictures; an odd last row or column is left out."""
    height, width = images.shape[-2] // 2 * 2, images.shape[-1] // 2 * 2
    wide = images[..., :height, :width]
    wide = wide.float() if images.dtype == torch.uint8 else wide  # sums of bytes are exact
    wide = wide[..., ::2, :] + wide[..., 1::2, :]
    return (wide[..., ::2] + wide[..., 1::2]) / 4


def _levels(generated: Tensor, target: Tensor, value_range: ValueRange | None) -> tuple[Tensor, Tensor]:
    """Two equal batches of one type in grey levels from 0 to 255."""
    x, y = grey_levels(generated, target, value_range)
    return (x, y) if x.dtype == y.dtype else (x.double(), y.double())


def _differing(x: Tensor, y: Tensor, size: int) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of the part outside of which every window shows equal planes; empty if all do."""
    height, width = x.shape[-2:]
    if x.device.type != "cpu":
        return 0, 0, height, width  # finding the part would make the CPU wait for the GPU
    apart = (x != y).any(0)  # (H, W)
    rows, columns = apart.any(1).nonzero().flatten(), apart.any(0).nonzero().flatten()
    if not len(rows):
        return 0, 0, 0, 0
    reach = size - 1
    bottom, right = min(height, int(rows[-1]) + 1 + reach), min(width, int(columns[-1]) + 1 + reach)
    return (
        max(0, min(int(rows[0]) - reach, bottom - size)),
        max(0, min(int(columns[0]) - reach, right - size)),
        bottom,
        right,
    )


def _maps(x: Tensor, y: Tensor, variant: SSIMVariant, span: Tensor, room: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM and its contrast factor at each whole window of planes (b, H, W): (b, H - size + 1, W - size + 1) each.

    With s = x + y and d = x - y, 2 cov is (var s - var d) / 2 and var x + var y is (var s + var d) / 2. That takes four
    filtered maps instead of five, and rounds nothing where the planes are equal.

    Args:
        room: (3, 4, b H W or more), the memory that is used: new memory for each plane costs a fifth more time.
    """
    planes, height, width = x.shape
    size, cells = variant.size, height * width
    first, second, third = (part[:, : planes * cells].view(4, planes, cells) for part in room)
    one, other = second[0].copy_(x.flatten(1)), second[1].copy_(y.flatten(1))
    torch.add(one, other, out=first[0]).sub_(255.0)  # about 0, so that the squares keep more of their digits
    torch.sub(one, other, out=first[1])
    torch.mul(first[:2], first[:2], out=first[2:])
    across = _filtered(first, variant, 1, second, third)
    mean_s, mean_d, square_s, square_d = _filtered(across, variant, width, third, first)  # (b, flat) each
    spare, contrast = first[0, :, : mean_s.shape[1]], first[1, :, : mean_s.shape[1]]
    count = size**2
    norm = count / (count - 1) if variant.sample_covariance else 1.0
    c1, c2 = (2 * ((k * span) ** 2)[:, None].to(room) for k in (variant.k1, variant.k2))  # (b, 1)
    var_s = square_s.addcmul_(mean_s, mean_s, value=-1.0).mul_(norm)
    mean_s.add_(255.0).mul_(mean_s)
    mean_d.mul_(mean_d)
    var_d = square_d.sub_(mean_d).mul_(norm)
    torch.sub(var_s, var_d, out=contrast).add_(c2).div_(var_s.add_(var_d).add_(c2))
    whole = torch.sub(mean_s, mean_d, out=spare).add_(c1).mul_(contrast).div_(mean_s.add_(mean_d).add_(c1))

    def grid(flat: Tensor) -> Tensor:  # leaves out the numbers that were filtered across the end of a row
        shape = (planes, height - size + 1, width - size + 1)
        return torch.as_strided(flat, shape, (flat.stride(0), width, 1), flat.storage_offset())

    return grid(whole), grid(contrast)


def _filtered(maps: Tensor, variant: SSIMVariant, step: int, room: Tensor, spare: Tensor) -> Tensor:
    """(4, b, n) -> (4, b, n - (size - 1) step): each number the weighted mean of `size` of them, `step` apart.

    Planes lie flat in memory, where the next column is 1 further and the next row the width further. So each tap is one
    addition of long rows, which is faster on a CPU than torch's convolutions and products with banded matrices.

    Args:
        room, spare: memory (4, b, n or more); the result lies in the first.
    """
    size = variant.size
    length = maps.shape[-1] - (size - 1) * step
    if variant.window == "uniform":
        return torch.div(_summed(maps, size, step), size, out=room[..., :length])
    weights = _weights(variant, maps.dtype)

    def moved(tap: int) -> Tensor:
        return maps[..., tap * step : tap * step + length]

    out, both = room[..., :length], spare[..., :length]
    for k in range(size // 2):
        torch.add(moved(k), moved(size - 1 - k), out=both)
        if k:
            out.add_(both, alpha=weights[k])
        else:
            torch.mul(both, weights[0], out=out)
    return out.add_(moved(size // 2), alpha=weights[size // 2])


def _summed(maps: Tensor, size: int, step: int) -> Tensor:
    """Sums of `size` numbers `step` apart along the last axis, by doubling: 51 take 8 additions."""
    length = maps.shape[-1] - (size - 1) * step
    out, done, power, block = None, 0, 1, maps
    while power <= size:
        if size & power:
            part = block[..., done * step : done * step + length]
            out = part.clone() if out is None else out.add_(part)
            done += power
        power *= 2
        if power <= size:
            half = power // 2 * step
            block = block[..., : block.shape[-1] - half] + block[..., half:]
    assert out is not None
    return out


@functools.cache
def _weights(variant: SSIMVariant, kind: torch.dtype) -> tuple[float, ...]:
    """The Gaussian's taps. Rounded to `kind` they still add up to 1, else a constant picture would have a variance."""
    radius = variant.size // 2
    exact = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=torch.float64) / variant.sigma) ** 2)
    rounded = (exact / exact.sum()).to(kind)
    for _ in range(4 if kind == torch.float32 else 0):  # the small outer taps have enough digits for the correction
        missing = (1 - rounded.double().sum()) / 2
        rounded[0] = rounded[-1] = (rounded[0].double() + missing).to(kind)
    return tuple(float(weight) for weight in rounded)


def _window_means(maps: Tensor, corners: Tensor, side: int) -> Tensor:
    """The mean of (b, H, W) in squares of `side` with these first columns and rows (b, N, 2): float64 (b, N)."""
    table = F.pad(maps.double().cumsum(1).cumsum(2), (1, 0, 1, 0))  # sums above and left of each corner
    which = torch.arange(len(maps), device=maps.device)[:, None]
    left, top = corners.unbind(-1)
    right, bottom = left + side, top + side
    inside = table[which, bottom, right] - table[which, top, right] - table[which, bottom, left]
    return (inside + table[which, top, left]) / side**2
