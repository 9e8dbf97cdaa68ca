"""A loss term that looks at pictures with a frozen network from a weight file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import nn

from repose.hub.fetch import FileMissingError


class FrozenNetworkTerm(nn.Module):
    """A loss term with a network that is frozen, always in eval, and no part of `state_dict` or `parameters`.

    It moves with `.to(device)`. Its weights are read at the first use, so that an objective can be built, counted and
    loaded without the file. A subclass says how to build the network: `_read` and `_unread`.

    Args:
        network: takes the place of the one from the file.
    """

    advice: str = ""
    """How to train without this term; part of the error for a missing weight file."""

    def __init__(self, network: nn.Module | None = None) -> None:
        super().__init__()
        self._network: tuple[nn.Module, ...] = (network.requires_grad_(False).eval(),) if network else ()

    def network(self, device: torch.device | str = "cpu") -> nn.Module:
        """The frozen network, read at the first call. FileMissingError names a missing weight file, and `advice`."""
        if not self._network:
            try:
                network = self._read()
            except FileMissingError as error:
                if not self.advice:
                    raise
                raise FileMissingError(f"{error}\n  or        {self.advice}") from error
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs
            self._network = (network.to(device),)
        return self._network[0]

    def blank(self) -> nn.Module:
        """The network with random weights if its file was not read yet, to count its parameters and memory only.

        It then replaces the one from the file.
        """
        if not self._network:
            self._network = (self._unread(),)
        return self._network[0]

    def _read(self) -> nn.Module:
        """The network with the weights of its file."""
        raise NotImplementedError

    def _unread(self) -> nn.Module:
        """The same network with random weights."""
        raise NotImplementedError

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        for network in self._network:  # not registered, so nn.Module would leave it where it is
            network._apply(fn)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self
