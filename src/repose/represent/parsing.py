"""Parsing labels: Repose's 21 (LIP's 20 and the neck), 12 of PINet, 16 of DeepFashion In-shop, and the maps between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from repose.person import LABELS, LIP_LABELS

CIHP_LABELS: Final = (*LIP_LABELS[:10], "torso skin", *LIP_LABELS[11:])
"""The 20 labels of CIHP, what PINet's parser gives: LIP's with torso skin in place of jumpsuits."""

PINET_LABELS: Final = (
    "background", "hair", "upper clothes", "dress", "pants", "neck", "skirt", "face", "hands", "legs", "shoes", "hat",
)  # fmt: skip
"""The 12 labels of PINet, section 3.1."""

INSHOP_LABELS: Final = (
    "background", "top", "skirt", "leggings", "dress", "outer", "pants", "bag", "neckwear", "headwear", "eyeglass",
    "belt", "footwear", "hair", "skin", "face",
)  # fmt: skip
"""The 16 labels of the maps that come with DeepFashion In-shop, used by Multi-scale, section 4.5.1."""

TO_PINET: Final = {
    "background": "background", "hat": "hat", "hair": "hair", "glove": "hands", "sunglasses": "face",
    "upper clothes": "upper clothes", "dress": "dress", "coat": "upper clothes", "socks": "legs", "pants": "pants",
    "jumpsuits": "dress", "torso skin": "neck", "scarf": "upper clothes", "skirt": "skirt", "face": "face",
    "left arm": "hands", "right arm": "hands", "left leg": "legs", "right leg": "legs",
    "left shoe": "shoes", "right shoe": "shoes", "neck": "neck",
}  # fmt: skip
"""Repose, LIP or CIHP -> PINet. The authors published none; jumpsuits (not in CIHP) become a dress by our choice."""

TO_INSHOP: Final = {
    "background": "background", "hat": "headwear", "hair": "hair", "glove": "skin", "sunglasses": "eyeglass",
    "upper clothes": "top", "dress": "dress", "coat": "outer", "socks": "leggings", "pants": "pants",
    "jumpsuits": "dress", "torso skin": "skin", "scarf": "neckwear", "skirt": "skirt", "face": "face",
    "left arm": "skin", "right arm": "skin", "left leg": "skin", "right leg": "skin",
    "left shoe": "footwear", "right shoe": "footwear", "neck": "face",
}  # fmt: skip
"""Repose, LIP or CIHP -> DeepFashion In-shop, by our choice; bags and belts have no counterpart and stay empty.
The neck is face, as LIP counts it: the networks that read these parts learnt from labels without a neck."""


def relabel(parsing: Tensor, to: dict[str, str], target: Sequence[str], source: Sequence[str] = LABELS) -> Tensor:
    """A label map in another table: `relabel(parsing, TO_PINET, PINET_LABELS)` gives the 12 labels of PINet.

    Args:
        parsing: int64 (..., H, W), labels of `source`.
        to: name in `source` -> name in `target`.
        target, source: the tables, a label's number being its place.

    Raises:
        ValueError: a label lies outside `source`.
    """
    _check(parsing, len(source))
    return torch.tensor([target.index(to[name]) for name in source], device=parsing.device)[parsing]


def fold_neck(parsing: Tensor) -> Tensor:
    """Labels of `repose.person.LABELS` -> LIP's 20: the neck becomes face, as LIP counts it.

    Whatever indexes, counts or compares LIP's labels reads a parsing through this; a map without a neck stays as it is.
    """
    return torch.where(parsing == LABELS.index("neck"), LIP_LABELS.index("face"), parsing)


def one_hot(parsing: Tensor, labels: int) -> Tensor:
    """int64 (H, W) or (B, H, W) -> float32 (labels, H, W) or (B, labels, H, W). ValueError for a label outside."""
    _check(parsing, labels)
    return (parsing.unsqueeze(-3) == torch.arange(labels, device=parsing.device)[:, None, None]).float()


def part_maps(parsing: Tensor) -> Tensor:
    """The binary masks of the 16 parts of `INSHOP_LABELS`, background first (Multi-scale, section 4.5.1).

    Args:
        parsing: int64 (H, W) or (B, H, W), numbers of `repose.person.LABELS`.

    Returns:
        float32 (16, H, W) or (B, 16, H, W), 0 or 1; every pixel is of one part.

    Raises:
        ValueError: a label lies outside them.
    """
    return one_hot(relabel(parsing, TO_INSHOP, INSHOP_LABELS), len(INSHOP_LABELS))


def first_picture(image: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """The picture of a person by the parts of another layout: each part in its mean colour; ours.

    A pixel that shows the same part in both layouts keeps the source's own colour. A part that the source does not show
    is 0, a middle grey.

    Args:
        image: (B, 3, H, W) in [-1, 1], the source.
        source, target: (B, P, H, W), binary masks of the parts of both, each pixel in one of them.

    Returns:
        (B, 3, H, W) in [-1, 1].
    """
    colours = torch.einsum("bchw,bphw->bpc", image, source)
    colours = colours / source.sum((2, 3)).clamp_min(1)[..., None]  # (B, P, 3), the mean of each part
    painted = torch.einsum("bpc,bphw->bchw", colours, target)
    same = (source * target).sum(1, keepdim=True)  # (B, 1, H, W), 0 or 1
    return painted + same * (image - painted)


def _check(parsing: Tensor, labels: int) -> None:
    if parsing.is_floating_point() or parsing.ndim < 2:
        raise ValueError(f"parsing must be whole labels (..., H, W), got {parsing.dtype} {tuple(parsing.shape)}")
    low, high = (int(end) for end in torch.aminmax(parsing))
    if low < 0 or high >= labels:
        raise ValueError(f"parsing holds labels {low} to {high}, but the table has {labels} (0 to {labels - 1})")
