"""The moving average of a network's weights, with a half-life in images."""

from __future__ import annotations

from typing import Final, cast

import torch
from torch import Tensor, nn

LARGEST_SHARE: Final = 0.05
"""The half-life is at most this share of the images seen, so that the first weights are soon forgotten
(Karras et al. 2022, EDM, training code)."""


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, images: int, step_images: int, half_life: int) -> None:
    """Move `average` towards `network` after a step; buffers are copied.

    Args:
        images: shown since the run began, this step's included.
        step_images: shown in this step.
        half_life: images after which half of a weight is forgotten.
    """
    life = min(float(half_life), LARGEST_SHARE * images)
    share = 1 - 0.5 ** (step_images / life)
    averaged = cast("list[Tensor]", list(average.parameters()))
    torch._foreach_lerp_(averaged, cast("list[Tensor]", list(network.parameters())), share)
    for old, new in zip(average.buffers(), network.buffers(), strict=True):
        old.copy_(new)
