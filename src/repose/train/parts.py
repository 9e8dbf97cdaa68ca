"""A step in parts: the batch goes through the networks piece by piece, so that a GPU need not hold all of it.

The weights move once for all parts, phase by phase, as they do for a batch in one piece. What a phase needs of the
generator is computed anew where its graph is needed, and kept without a graph where it is not.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from repose.models.base import Output
from repose.person import Pair


class PartOutputs:
    """What the generator makes of each part of a batch, as it was before the step.

    A part that is asked for twice, first without a graph and then with one, is computed with the same random numbers
    both times, and its batch statistics count once.

    Args:
        parts: of the batch. generate: source and target -> the generator's output, under autocast. generator: the
            network, whose buffers `generate` may change. device: of the random numbers.
        later: whether some phase will ask with a graph.
    """

    def __init__(
        self,
        parts: list[Pair],
        generate: Callable[[Pair], Output],
        generator: nn.Module,
        device: torch.device,
        later: bool,
    ) -> None:
        self.parts = parts
        self._generate, self._generator, self._device, self._later = generate, generator, device, later
        self._kept: dict[int, Output] = {}
        self._random: dict[int, list[Tensor]] = {}

    def output(self, index: int, graph: bool) -> Output:
        """The output of one part; with its graph, or without."""
        if not graph:
            if index not in self._kept:
                buffers = [buffer.clone() for buffer in self._generator.buffers()] if self._later else []
                self._random[index] = self._random_state()
                with torch.no_grad():
                    self._kept[index] = self._generate(self.parts[index])
                for buffer, before in zip(self._generator.buffers(), buffers, strict=bool(buffers)):
                    buffer.copy_(before)
            return self._kept[index]
        now = self._random_state()
        if again := index in self._random:
            self._set_random_state(self._random[index])
        output = self._generate(self.parts[index])
        if again:
            self._set_random_state(now)
        detached = {name: value.detach() for name, value in output.extra.items()}
        self._kept[index] = Output(output.image.detach(), detached)
        return output

    def _random_state(self) -> list[Tensor]:
        state = [torch.get_rng_state()]
        if self._device.type == "cuda":
            state.append(torch.cuda.get_rng_state(self._device))
        return state

    def _set_random_state(self, state: list[Tensor]) -> None:
        torch.set_rng_state(state[0])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(state[1], self._device)
