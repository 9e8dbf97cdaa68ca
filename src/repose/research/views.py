"""What classifiers are shown of a picture, and the features of MobileNetV2 that they judge by.

The features are those behind the network's 1x1 head, averaged over the picture (1,280 numbers, what its classifier
sees), of pictures resized to 256 rows. They are not the features of the papers' FID, so a distance of them has a name
of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.data.store import Store
from repose.nn.mobilenet import MobileNetV2, mobilenet_v2
from repose.research.sample import Sample

LAYER: Final = "head, averaged over the picture"

ROWS: Final = 256
"""Height of the pictures that the network sees; the width follows, rounded to a multiple of 32."""

_BATCH: Final = 32

VIEWS: Final = ("whole", "person", "background", "grey", "coarse")
"""What a classifier may look at: all; only inside, only outside of a fixed ellipse; without colour; a quarter of the
resolution. The ellipse is the same for every picture: a mask of the person would tell by its outline alone."""

VIEW_TITLES: Final = {
    "whole": "whole picture",
    "person": "only inside the ellipse",
    "background": "only outside of it",
    "grey": "without colour",
    "coarse": "a quarter of the resolution",
}
"""View -> what a table calls it."""


def view(images: Tensor, kind: str) -> Tensor:
    """(B, 3, H, W) in [-1, 1] as one of `VIEWS` shows it; what is hidden is 0, middle grey."""
    height, width = images.shape[-2:]
    if kind == "grey":
        return (images * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True).expand_as(images)
    if kind == "coarse":
        small = F.interpolate(images, (height // 4, width // 4), mode="bilinear", antialias=True, align_corners=False)
        return F.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    if kind in ("person", "background"):
        y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
        inside = (y / 0.94) ** 2 + (x / 0.62) ** 2 <= 1
        return images * (inside if kind == "person" else ~inside)
    if kind != "whole":
        raise ValueError(f"view: one of {VIEWS}, not {kind!r}")
    return images


def sample_features(
    network: MobileNetV2, sample: Sample, kind: str = "whole", tick: Callable[[int], None] | None = None
) -> Tensor:
    """The pooled final features of a sample, float64 (N, 1280).

    Args:
        network: as `feature_network` gives it. sample: the pictures. kind: of `VIEWS`.
        tick: called with the number of pictures of each batch.
    """
    size = seen_size(sample.store)
    parts = []
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(sample)), _BATCH):
            seen = view(sample.images(rows), kind)
            if size != sample.store.size:
                seen = F.interpolate(seen, size, mode="bicubic", align_corners=False, antialias=True).clamp(-1, 1)
            parts.append(pooled(network, seen.contiguous(memory_format=torch.channels_last)).double())
            if tick is not None:
                tick(len(rows))
    return torch.cat(parts)


def seen_size(store: Store) -> tuple[int, int]:
    """Height and width at which the network sees the pictures of a store."""
    height, width = store.size
    return ROWS, max(32, 32 * round(width * ROWS / height / 32))


def pooled(network: MobileNetV2, images: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] -> (B, 1280), what the classifier of the network sees. It must be built with taps=()."""
    if network.taps:
        raise ValueError("pooled: build the network with taps=(); taps end it before its head")
    x = network.stem(images)
    for block in network.blocks:
        x = block(x)
    means: Tensor = network.head(x).mean((2, 3))
    return means


def feature_network() -> MobileNetV2:
    """MobileNetV2 with its head, from the hub. FileNotFoundError says how to get its file."""
    return mobilenet_v2(()).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
