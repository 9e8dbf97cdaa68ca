"""What the attention links let through: the masks of section 3.1.4, level by level."""

from __future__ import annotations

from torch import Tensor

from repose.draw.panels import Panel, Pixels, enlargement, grid, heat, over, picture
from repose.models.multiscale.network import MultiScale
from repose.person import Person

CHANNELS = 6
"""Masks of single channels that are shown of every level."""


def panels(generator: MultiScale, source: Person, target: Person) -> list[Panel]:
    """The masks of every link, averaged over channels and channel by channel. None for A0, which has no links.

    Args:
        source, target: batches of one, on the model's canvas.
    """
    inputs = generator.encode(source, target)
    image, pose = inputs[:2]
    masks = generator.masks(pose)
    if not masks:
        return []
    generated = generator.synthesise(*inputs).image[0]
    size = (int(image.shape[-2]), int(image.shape[-1]))
    scale = enlargement(size[0])
    levels = sorted(masks, reverse=True)  # the order in which the decoder meets them
    named = [f"level {level}, 1/{1 << level}" for level in levels]

    means = {level: masks[level][0].mean(0) for level in levels}
    low, high = (float(end) for end in _ends(list(means.values())))
    rows: list[list[Pixels | None]] = [
        [picture(image[0]), *(heat(means[level], size, low, high) for level in levels)],
        [picture(generated), *(over(generated, means[level], low, high) for level in levels)],
    ]
    linked = f"{levels[0]} (the smallest maps) to {levels[-1]}" if len(levels) > 1 else f"{levels[0]} alone"
    shown = [
        Panel(
            "masks",
            "Attention masks, mean over channels: yellow where a level lets the picture's features through, blue where "
            f"it holds them back ({low:.4g} to {high:.4g} of them). Links at level {linked}. Below the same over what "
            "was generated; squares are the cells of the level.",
            grid(rows, ["", *named], ["source", "generated"], scale),
        )
    ]
    rows = []
    for level in levels:
        mask = masks[level][0]  # (C, h, w)
        chosen = mask.flatten(1).std(1).topk(min(CHANNELS, len(mask))).indices.tolist()
        rows.append([heat(mask[channel], size, 0, 1) for channel in chosen])
    shown.append(
        Panel(
            "channels",
            f"Masks of single channels, from 0 (blue) to 1 (yellow): of every level the {CHANNELS} that differ most "
            "from place to place. Each channel of the picture's features is multiplied by its own.",
            grid(rows, labels=named, scale=max(1, scale // 2)),
        )
    )
    return shown


def _ends(maps: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The smallest and the largest value of all."""
    lows, highs = zip(*((one.min(), one.max()) for one in maps), strict=True)
    return min(lows), max(highs)
