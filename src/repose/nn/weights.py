"""Weight files of published networks: locate or fetch, read, and load by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from repose.names import nearest


class Loading(Protocol):
    """A network that loads a published state dict."""

    def load(self, state: Mapping[str, Tensor], origin: str = ...) -> None:
        """Load it. ValueError names an entry that is missing or has another shape; `origin` is the file."""
        ...


N = TypeVar("N", bound=Loading)


def loaded(network: N, name: str, path: Path | str | None = None) -> N:
    """The network with the weights of a file.

    Args:
        network: with its initial weights.
        name: of the file, key of `repose.hub.files.FILES`.
        path: the file itself; None asks `repose.hub`.

    Raises:
        FileNotFoundError: the file is not there; the text names it, its address and the folder.
        ValueError: the file is of another network.
    """
    file = _located(name, path)
    plain = file.suffix == ".safetensors"
    network.load(load_file(file) if plain else torch.load(file, map_location="cpu", weights_only=True), str(file))
    return network


def checked_taps(taps: Sequence[str], known: Sequence[str], network: str) -> tuple[str, ...]:
    """The taps as a tuple. ValueError if there is none, or one is unknown (names the nearest)."""
    if not taps:
        raise ValueError(f"{network}: give at least one tap")
    for tap in taps:
        if tap not in known:
            raise ValueError(f"{network}: no tap is called '{tap}'; {nearest(tap, known)}")
    return tuple(taps)


def _located(name: str, path: Path | str | None) -> Path:
    """The file at `path`, or where `repose.hub` has it or fetches it to. FileNotFoundError otherwise."""
    if path is not None:
        file = Path(path)
        if not file.is_file():
            raise FileNotFoundError(f"there is no weight file at {file}; give the path of {name}")
        return file
    from repose.hub.fetch import locate
    from repose.hub.files import FILES

    return locate(FILES[name])


def load_named(network: nn.Module, state: Mapping[str, Tensor], origin: str, expected: str) -> None:
    """Copy the entries that `network` has from `state` (which may hold more), cast to float.

    Raises:
        ValueError: an entry is missing or has another shape.
    """
    for name, own in network.state_dict().items():
        given = state.get(name)
        if given is None:
            raise ValueError(f"{origin} has no '{name}'; {expected}")
        if given.shape != own.shape:
            raise ValueError(f"{origin}: '{name}' is {tuple(given.shape)}, wanted {tuple(own.shape)}; {expected}")
        own.copy_(given)
