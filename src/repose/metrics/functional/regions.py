"""How well clothes survive: their colour, their pattern in its place, and the kind of the pattern.

Every function takes pictures (B, 3, H, W) and a label map (B, H, W) of the target. Each label is one garment and is
measured alone, so that neither outlines nor the step from shirt to trousers count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.metrics.functional.pictures import ValueRange, grey_levels
from repose.person import LIP_LABELS

CLOTHES: Final = tuple(
    LIP_LABELS.index(name) for name in ("upper clothes", "dress", "coat", "pants", "jumpsuits", "scarf", "skirt")
)
"""Labels of LIP for clothes that can have a pattern."""

FAINT: Final = 2.0
"""Grey levels: a target whose garments have a smaller standard deviation than this has no pattern."""

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
    generated: Tensor,
    target: Tensor,
    parsing: Tensor,
    labels: Sequence[int] = CLOTHES,
    *,
    value_range: ValueRange | None = None,
) -> tuple[Tensor, Tensor]:
    """Distance (CIE 1976 Delta E) of the mean colours of each garment, weighted by its pixels.

    >>> target, parsing = torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.full((1, 8, 8), CLOTHES[0])
    >>> colour_error(torch.full_like(target, 255), target, parsing)  # white in place of black
    (tensor([100.0000], dtype=torch.float64), tensor([1.], dtype=torch.float64))

    Args:
        generated, target: (B, 3, H, W), sRGB, uint8, or any other type together with `value_range`.
        parsing: (B, H, W), whole labels of the target.
        labels: of the garments.
        value_range: the values that mean black and white, such as (-1, 1).

    Returns:
        the distance, 0 or more, and its weight, 1 or 0 where the target shows none of the labels; float64 (B,) each.

    Raises:
        ValueError: as `repose.metrics.functional.pictures.grey_levels`, or `parsing` is no map of whole labels.
    """
    x, y = _doubles(generated, target, value_range)
    masks = _masks(parsing.to(x.device), labels)  # (B, K, H, W)
    area = masks.sum((2, 3))
    means = [torch.einsum("bkhw,bchw->bkc", masks, lab(one)) / area.clamp_min(1)[..., None] for one in (x, y)]
    apart = (means[0] - means[1]).norm(dim=2)  # (B, K)
    total = area.sum(1)
    return (apart * area).sum(1) / total.clamp_min(1), (total > 0).double()


def pattern(
    generated: Tensor,
    target: Tensor,
    parsing: Tensor,
    labels: Sequence[int] = CLOTHES,
    fineness: float = 1 / 64,
    *,
    value_range: ValueRange | None = None,
) -> tuple[Tensor, Tensor]:
    """Agreement of the garments' patterns, in their places: 1 for the same pattern, 0 for none.

    What is coarser than a Gaussian is removed from both pictures within each garment. The agreement of the rest is
    2 cov / (var + var), Lin's concordance, which falls for a pattern in another place and for a fainter one. The best
    of 25 shifts by up to the sigma of the Gaussian counts, so that a pattern slightly beside its place is recognised.
    The best is biased upwards: noise that has nothing to do with the target scores 0.09 to 0.13 on 128 rows, a strong
    blur of the target about as much. So measure an unrelated pattern beside the others, as a reference
    (`repose.research.references` does, as "another pattern").

    >>> target = (torch.arange(64) // 4 % 2 * 200).view(1, 1, 64, 1).expand(1, 3, 64, 32).to(torch.uint8)  # stripes
    >>> parsing = torch.full((1, 64, 32), CLOTHES[0])
    >>> pattern(target, target, parsing), pattern(torch.full_like(target, 100), target, parsing)[0] < 0.1
    ((tensor([1.], dtype=torch.float64), tensor([1.], dtype=torch.float64)), tensor([True]))

    Args:
        generated, target: (B, 3, H, W), uint8, or any other type together with `value_range`.
        parsing: (B, H, W), whole labels of the target.
        labels: of the garments.
        fineness: sigma of the Gaussian, as a share of the height.
        value_range: the values that mean black and white, such as (-1, 1).

    Returns:
        the agreement, -1 to 1, and its weight, 1 or 0 where the target has no pattern; float64 (B,) each.

    Raises:
        ValueError: as `colour_error`.

    Source: Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 1989.
    """
    x, y = _doubles(generated, target, value_range)
    sigma = fineness * x.shape[-2]
    masks = _inner(_masks(parsing.to(x.device), labels))
    whole = masks.sum(1, keepdim=True)  # (B, 1, H, W)
    fine, fine_target = (_fine(one, masks, sigma) for one in (x, y))
    power = fine_target.square().sum((1, 2, 3))
    best = torch.full_like(power, -torch.inf)
    reach = sorted({round(step * sigma) for step in _STEPS})
    for down in reach:
        for right in reach:
            both = whole * _shifted(whole, down, right)
            a, b = _shifted(fine, down, right) * both, fine_target * both
            power_of_both = (a.square() + b.square()).sum((1, 2, 3))
            best = torch.maximum(best, 2 * (a * b).sum((1, 2, 3)) / power_of_both.clamp_min(1e-9))
    pixels = 3 * masks.sum((1, 2, 3))
    counts = (power > FAINT**2 * pixels) & (pixels > 0)
    return torch.where(counts, best, 0.0), counts.double()


def texture(
    generated: Tensor,
    target: Tensor,
    parsing: Tensor,
    labels: Sequence[int] = CLOTHES,
    fineness: float = 1 / 128,
    *,
    value_range: ValueRange | None = None,
) -> tuple[Tensor, Tensor]:
    """Similarity of the garments' patterns in kind, wherever they lie: 1 for the same kind, 0 for nothing in common.

    Compared are the mean strengths of the steps of lightness and colour in four directions at three scales, for each
    garment: the sum of the smaller ones divided by the sum of the larger ones. Stripes in another direction, coarser
    stripes and a blur all score lower.

    >>> target = (torch.arange(64) // 4 % 2 * 200).view(1, 1, 64, 1).expand(1, 3, 64, 32).to(torch.uint8)  # stripes
    >>> parsing = torch.full((1, 64, 32), CLOTHES[0])
    >>> texture(target.roll(3, 2), target, parsing)[0] > 0.9, texture(target // 2 + 50, target, parsing)[0] > 0.9
    (tensor([True]), tensor([False]))

    Args:
        generated, target: (B, 3, H, W), sRGB, uint8, or any other type together with `value_range`.
        parsing: (B, H, W), whole labels of the target.
        labels: of the garments.
        fineness: the smallest scale, as a share of the height; the others are two and four times as large.
        value_range: the values that mean black and white, such as (-1, 1).

    Returns:
        the similarity, 0 to 1, and its weight, 1 or 0 where there is no garment or no step; float64 (B,) each.

    Raises:
        ValueError: as `colour_error`.
    """
    x, y = _doubles(generated, target, value_range)
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
    """Pictures (B, C, H, W) blurred by a Gaussian; what lies beyond the border counts as 0."""
    radius = max(1, round(3 * sigma))
    places = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    taps = torch.exp(-0.5 * (places / sigma) ** 2)
    taps = taps / taps.sum()
    flat = images.reshape(-1, 1, *images.shape[-2:])
    flat = F.conv2d(flat, taps.view(1, 1, 1, -1), padding=(0, radius))
    return F.conv2d(flat, taps.view(1, 1, -1, 1), padding=(radius, 0)).reshape(images.shape)


# -- inside ---------------------------------------------------------------------------------------------------------


def _doubles(generated: Tensor, target: Tensor, value_range: ValueRange | None) -> tuple[Tensor, Tensor]:
    x, y = grey_levels(generated, target, value_range)
    return x.double(), y.double()


def _masks(parsing: Tensor, labels: Sequence[int]) -> Tensor:
    """(B, H, W) -> (B, K, H, W), float64."""
    if parsing.ndim != 3 or parsing.is_floating_point():
        raise ValueError(
            f"parsing holds whole labels and has the shape (B, H, W), got {parsing.dtype} {tuple(parsing.shape)}"
        )
    return (parsing[:, None] == torch.tensor(labels, device=parsing.device).view(1, -1, 1, 1)).double()


def _inner(masks: Tensor) -> Tensor:
    """The masks without the pixels at their borders."""
    return 1 - F.max_pool2d(F.pad(1 - masks, (1, 1, 1, 1), value=1.0), 3, stride=1)


def _fine(images: Tensor, masks: Tensor, sigma: float) -> Tensor:
    """The details inside each garment that a Gaussian removes, 0 elsewhere; (B, 3, H, W)."""
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
        energies = []
        for down, right in _DIRECTIONS:
            inside = mask * _shifted(mask, down * step, right * step)
            change = (smooth - _shifted(smooth, down * step, right * step)).abs() * inside
            energies.append(change.sum((2, 3)) / inside.sum((2, 3)).clamp_min(1) * area)
        garments.append(torch.cat(energies, 1))
    return torch.stack(garments, 1)
