"""The moving average of a network's weights, with a half-life in images."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

RAMP = 0.05
"""The half-life is at most this share of the images seen, so that the first weights are soon forgotten
(Karras et al. 2022, EDM, training code)."""


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, seen: int, shown: int, half_life: int) -> None:
    """Move `average` towards `network` after a step; buffers are copied.

    Args:
        seen: images of the run, this step's among them.
        shown: images of this step.
        half_life: images after which half of a weight is forgotten.
    """
    life = min(float(half_life), RAMP * seen)
    share = 1 - 0.5 ** (shown / life)
    into = cast("list[Tensor]", list(average.parameters()))
    torch._foreach_lerp_(into, cast("list[Tensor]", list(network.parameters())), share)
    for old, new in zip(average.buffers(), network.buffers(), strict=True):
        old.copy_(new)
