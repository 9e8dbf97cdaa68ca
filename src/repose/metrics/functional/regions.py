"""What becomes of clothes: colour, pattern in its place, and kind of pattern, inside a label map.

Every function takes pictures (B, 3, H, W), values 0 to 255, and a label map (B, H, W) of the target; a region is what
has one label, seen one garment at a time, so that neither outlines nor the step from shirt to trousers count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.metrics.functional.pictures import pair_of_batches
from repose.person import LIP_LABELS

CLOTHES: Final = tuple(
    LIP_LABELS.index(name) for name in ("upper clothes", "dress", "coat", "pants", "jumpsuits", "scarf", "skirt")
)
"""Labels of LIP for what is worn and can have a pattern."""

FAINT: Final = 2.0
"""Grey levels: a target whose garments vary less than this (standard deviation) has no pattern to find again."""

_STEPS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
_DIRECTIONS: Final = ((0, 1), (1, 0), (1, 1), (1, -1))
_WHITE: Final = (0.95047, 1.0, 1.08883)  # D65
_XYZ: Final = (
    (0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227),
)  # fmt: skip


def lab(images: Tensor) -> Tensor:
    """sRGB (B, 3, H, W), values 0 to 255, as CIELAB under D65, float64: L 0 to 100, a and b about -100 to 100."""
    value = images.double() / 255
    linear = torch.where(value > 0.04045, ((value + 0.055) / 1.055).clamp_min(0) ** 2.4, value / 12.92)
    xyz = torch.einsum("ij,bjhw->bihw", linear.new_tensor(_XYZ), linear) / linear.new_tensor(_WHITE).view(1, 3, 1, 1)
    f = torch.where(xyz > 0.008856, xyz.clamp_min(1e-9) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def colour_error(
    generated: Tensor, target: Tensor, parsing: Tensor, labels: Sequence[int] = CLOTHES
) -> tuple[Tensor, Tensor]:
    """Distance (CIE 1976 Delta E) of the mean colours of each garment, weighted by its pixels.

    Returns:
        the distance and what it counts, float64 (B,) each; 0 and 0 where the target shows none of the labels.
    """
    x, y = pair_of_batches(generated, target)
    masks = _masks(parsing.to(x.device), labels)  # (B, K, H, W)
    area = masks.sum((2, 3))
    means = [torch.einsum("bkhw,bchw->bkc", masks, lab(one)) / area.clamp_min(1)[..., None] for one in (x, y)]
    apart = (means[0] - means[1]).norm(dim=2)  # (B, K)
    total = area.sum(1)
    return (apart * area).sum(1) / total.clamp_min(1), (total > 0).double()


def pattern(
    generated: Tensor, target: Tensor, parsing: Tensor, labels: Sequence[int] = CLOTHES, fineness: float = 1 / 64
) -> tuple[Tensor, Tensor]:
    """How far the pattern of the garments is found again where it belongs: 1 the same, 0 none.

    Both pictures are freed of everything coarser than a Gaussian within each garment; of what is left it takes
    2 cov / (var + var), Lin's concordance, which falls for a pattern that is elsewhere and for one that is fainter. The
    best of 25 shifts by up to the sigma of that Gaussian counts, for all that is measured alike: a pattern a hair
    beside its place is recognised. The best is biased upwards: noise that has nothing to do with the target scores 0.09
    to 0.13 on 128 rows, a strong blur of the target about as much. What is unrelated must be measured beside the
    others (`repose.research.references` does, as "another pattern").

    Args:
        fineness: sigma of the Gaussian, a share of the height.

    Returns:
        the agreement in [-1, 1] and whether it counts (the target has a pattern), float64 (B,) each.

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 1989.
    """
    x, y = pair_of_batches(generated, target)
    sigma = fineness * x.shape[-2]
    masks = _inner(_masks(parsing.to(x.device), labels))
    whole = masks.sum(1, keepdim=True)  # (B, 1, H, W)
    found, wanted = (_fine(one, masks, sigma) for one in (x, y))
    power = wanted.square().sum((1, 2, 3))
    best = torch.full_like(power, -torch.inf)
    reach = sorted({round(step * sigma) for step in _STEPS})
    for down in reach:
        for right in reach:
            both = whole * _shifted(whole, down, right)
            a, b = _shifted(found, down, right) * both, wanted * both
            power_of_both = (a.square() + b.square()).sum((1, 2, 3))
            best = torch.maximum(best, 2 * (a * b).sum((1, 2, 3)) / power_of_both.clamp_min(1e-9))
    pixels = 3 * masks.sum((1, 2, 3))
    counts = (power > FAINT**2 * pixels) & (pixels > 0)
    return torch.where(counts, best, 0.0), counts.double()


def texture(
    generated: Tensor, target: Tensor, parsing: Tensor, labels: Sequence[int] = CLOTHES, fineness: float = 1 / 128
) -> tuple[Tensor, Tensor]:
    """How alike the garments' patterns are in kind, wherever they lie: 1 the same, 0 nothing in common.

    The mean strength of the steps of lightness and colour in four directions at three scales, garment by garment; sum
    of the smaller by sum of the larger of each. Stripes that run the other way, coarser ones and a blur all lose.

    Args:
        fineness: the smallest scale, a share of the height; the others are two and four times as large.

    Returns:
        the likeness in [0, 1] and whether it counts, float64 (B,) each.
    """
    x, y = pair_of_batches(generated, target)
    masks = _masks(parsing.to(x.device), labels)
    less, more = x.new_zeros(len(x)), x.new_zeros(len(x))
    for scale in (1, 2, 4):
        step = max(1, round(scale * fineness * x.shape[-2]))
        energies = [_energies(lab(one), masks, step) for one in (x, y)]  # (B, K, 12)
        less += torch.minimum(*energies).sum((1, 2))
        more += torch.maximum(*energies).sum((1, 2))
    counts = (masks.sum((1, 2, 3)) > 0) & (more > 0)
    return torch.where(counts, less / more.clamp_min(1e-9), 0.0), counts.double()


def blurred(images: Tensor, sigma: float) -> Tensor:
    """(B, C, H, W) under a Gaussian, nothing beyond the border."""
    radius = max(1, round(3 * sigma))
    places = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    taps = torch.exp(-0.5 * (places / sigma) ** 2)
    taps = taps / taps.sum()
    flat = images.reshape(-1, 1, *images.shape[-2:])
    flat = F.conv2d(flat, taps.view(1, 1, 1, -1), padding=(0, radius))
    return F.conv2d(flat, taps.view(1, 1, -1, 1), padding=(radius, 0)).reshape(images.shape)


# -- inside ---------------------------------------------------------------------------------------------------------


def _masks(parsing: Tensor, labels: Sequence[int]) -> Tensor:
    """(B, H, W) -> (B, K, H, W), float64."""
    if parsing.ndim != 3 or parsing.is_floating_point():
        raise ValueError(f"regions: whole labels (B, H, W), got {parsing.dtype} {tuple(parsing.shape)}")
    return (parsing[:, None] == torch.tensor(labels, device=parsing.device).view(1, -1, 1, 1)).double()


def _inner(masks: Tensor) -> Tensor:
    """The masks without the pixels at their borders."""
    return 1 - F.max_pool2d(F.pad(1 - masks, (1, 1, 1, 1), value=1.0), 3, stride=1)


def _fine(images: Tensor, masks: Tensor, sigma: float) -> Tensor:
    """What is finer than a Gaussian inside each garment, 0 elsewhere; (B, 3, H, W)."""
    out = torch.zeros_like(images)
    for k in range(masks.shape[1]):
        mask = masks[:, k : k + 1]  # (B, 1, H, W)
        if bool(mask.any()):
            out += mask * (images - blurred(images * mask, sigma) / blurred(mask, sigma).clamp_min(1e-6))
    return out


def _shifted(images: Tensor, down: int, right: int) -> Tensor:
    """The picture moved by whole pixels, its border repeated."""
    height, width = images.shape[-2:]
    rows = (torch.arange(height, device=images.device) - down).clamp(0, height - 1)
    columns = (torch.arange(width, device=images.device) - right).clamp(0, width - 1)
    return images[..., rows, :][..., columns]


def _energies(images: Tensor, masks: Tensor, step: int) -> Tensor:
    """Mean absolute difference of pixels `step` apart within each garment, times its pixels: (B, K, 12)."""
    garments = []
    for k in range(masks.shape[1]):
        mask = masks[:, k : k + 1]  # (B, 1, H, W)
        area = mask.sum((1, 2, 3))[:, None]  # (B, 1)
        if not bool(mask.any()):
            garments.append(images.new_zeros(len(images), 3 * len(_DIRECTIONS)))
            continue
        smooth = blurred(images * mask, step / 2) / blurred(mask, step / 2).clamp_min(1e-6)
        found = []
        for down, right in _DIRECTIONS:
            inside = mask * _shifted(mask, down * step, right * step)
            change = (smooth - _shifted(smooth, down * step, right * step)).abs() * inside
            found.append(change.sum((2, 3)) / inside.sum((2, 3)).clamp_min(1) * area)
        garments.append(torch.cat(found, 1))
    return torch.stack(garments, 1)
