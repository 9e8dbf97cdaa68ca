"""What benchmarks of networks run: random people, norms that fit them, and the arithmetic that this takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from repose.models.base import Generator
from repose.person import Person

_UNCOUNTED: Final = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (
        lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v)  # type: ignore[no-untyped-call]
    )
}
"""PyTorch's counter knows the attention of GPUs alone; the shapes of query, key and value are enough."""


def example(height: int, width: int, batch: int = 1, seed: int = 0) -> tuple[Person, Person]:
    """Two random people on a canvas, noise in every field that a model may ask for; every joint is there."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([width - 1.0, height - 1.0, 1.0])

    def person() -> Person:
        image = torch.rand(batch, 3, height, width, generator=generator) * 2 - 1
        keypoints = torch.rand(batch, 18, 3, generator=generator)
        keypoints[..., 2] = 1
        part = torch.randint(25, (batch, 1, height, width), generator=generator)
        return Person(
            image=image,
            keypoints=keypoints * scale,
            parsing=torch.randint(20, (batch, height, width), generator=generator),
            iuv=torch.cat([part, torch.rand(batch, 2, height, width, generator=generator)], 1),
            mask=(part > 0).float(),
        )

    return person(), person()


def gmacs(generator: Generator, inputs: Sequence[Tensor]) -> float:
    """Multiply-adds of `synthesise` by the direct sums, in units of 10^9, for the whole batch."""
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=_UNCOUNTED) as counter:
        generator.synthesise(*inputs)
    return float(counter.get_total_flops()) / 2e9


@torch.no_grad()
def settle(generator: Generator, inputs: Sequence[Tensor]) -> None:
    """Give the batch norms the statistics of these inputs; afterwards the generator is in eval mode.

    With untouched statistics the signal of a fresh network dies out from layer to layer, and its picture is grey.
    """
    generator.eval()  # the norms alone learn: dropout stays off
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    generator.synthesise(*inputs)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    generator.eval()
