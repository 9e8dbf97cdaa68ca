"""Statistics of a reference set, kept on disk: mean and covariance of a network's features of the training pictures.

A file is found by a hash of all that it depends on: the pictures' bytes and order, the network with its version (which
fixes dialect and resizing), the checksums of its weight files, and the code that prepares the pictures. So it never
serves another set. A run that is cut off goes on where its last save was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from repose.files import replacing
from repose.hub.files import FILES
from repose.metrics.functional.distributions import Moments, moments_of_sums
from repose.metrics.kept import code
from repose.metrics.networks import NETWORKS, Panel

Read = Callable[[int, int], Tensor]
"""The pictures from one number up to another: uint8 (n, 3, H, W)."""

_CODE: Final = ("nn/inception.py", "metrics/networks.py", "metrics/functional/distributions.py", "metrics/cache.py")
"""What brings the pictures to the network's size and range, runs it, and takes the statistics."""

_AT_ONCE: Final = 64
"""Pictures read at a time."""

_SAVE_AFTER: Final = 512
"""Pictures between two saves, each of 33 MB."""


@dataclass(frozen=True)
class Reference:
    """Statistics of one set of pictures by network.

    Attributes:
        count: pictures.
        pictures: sha256 of their shapes and bytes, in order.
        moments: network -> mean and covariance of its features.
    """

    count: int
    pictures: str
    moments: Mapping[str, Moments]

    def of(self, network: str) -> Moments:
        """ValueError if they were not taken with this network."""
        if network not in self.moments:
            raise ValueError(f"the reference set has no statistics of {network}, only of {', '.join(self.moments)}")
        return self.moments[network]


def reference(
    panel: Panel,
    read: Read,
    count: int,
    folder: Path | str,
    progress: Callable[[str, int, int], None] | None = None,
) -> Reference:
    """The statistics of `count` pictures under the networks of the panel's columns "..._train", from disk if there.

    Args:
        panel: whose networks.
        read: gives the pictures.
        count: how many, 2 or more.
        folder: of the files; made if need be. A disk that refuses costs only time.
        progress: told the network, the pictures done and of all.

    Raises:
        ValueError: fewer than two pictures, or `read` gives something else than asked for.
    """
    if count < 2:
        raise ValueError(f"reference: statistics need two pictures, got {count}")
    digest = _digest(read, count)
    found = {}
    for network in panel.networks_of_training():
        file = Path(folder) / f"{network}-{key(network, digest, count)[:32]}.safetensors"
        made = _kept(file, count)
        if made is None:
            made = _computed(panel, network, read, count, file, progress)
        found[network] = made
    return Reference(count, digest, found)


def key(network: str, pictures: str, count: int) -> str:
    """The hash of everything that the statistics depend on.

    Args:
        network: with its version, of `NETWORKS`.
        pictures: the hash of the pictures. count: how many.
    """
    files = {file: FILES[file].sha256 for file in NETWORKS[network]}
    told = json.dumps(
        {"network": network, "files": files, "pictures": pictures, "count": count, "code": code(*_CODE)}, sort_keys=True
    )
    return hashlib.sha256(told.encode()).hexdigest()


# -- inside ---------------------------------------------------------------------------------------------------------


def _digest(read: Read, count: int) -> str:
    found = hashlib.sha256()
    for start in range(0, count, _AT_ONCE):
        pictures = _given(read, start, min(start + _AT_ONCE, count))
        found.update(repr(tuple(pictures.shape)).encode())
        found.update(pictures.contiguous().numpy().data)
    return found.hexdigest()


def _given(read: Read, start: int, stop: int) -> Tensor:
    pictures = read(start, stop)
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or len(pictures) != stop - start or pictures.shape[1] != 3:
        raise ValueError(
            f"reference: read({start}, {stop}) is to give uint8 ({stop - start}, 3, H, W), "
            f"got {pictures.dtype} {tuple(pictures.shape)}"
        )
    return pictures


def _computed(
    panel: Panel,
    network: str,
    read: Read,
    count: int,
    file: Path,
    progress: Callable[[str, int, int], None] | None,
) -> Moments:
    """Go over the pictures from where a run cut off left them; leaves the finished file alone behind."""
    partial = file.with_suffix(".partial")
    begun = _load(partial)
    if begun is None or not 0 < int(begun["done"]) < count:
        done, total, products = 0, None, None
    else:
        done, total, products = int(begun["done"]), begun["total"], begun["products"]
    saved = done
    while done < count:
        stop = min(done + _AT_ONCE, count)
        rows = panel.features(network, _given(read, done, stop)).double()
        total = rows.sum(0) if total is None else total + rows.sum(0)
        products = rows.T @ rows if products is None else products + rows.T @ rows
        done = stop
        if done - saved >= _SAVE_AFTER and done < count:
            _save(partial, {"done": torch.tensor(done), "total": total, "products": products})
            saved = done
        if progress is not None:
            progress(network, done, count)
    assert total is not None
    assert products is not None
    made = moments_of_sums(count, total, products)
    _save(file, {"mean": made.mean, "root": made.root, "done": torch.tensor(count)})
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)
    return made


def _kept(file: Path, count: int) -> Moments | None:
    there = _load(file)
    return None if there is None else Moments(there["mean"], there["root"], count)


def _load(file: Path) -> dict[str, Tensor] | None:
    """The tensors of a file; None if there is none or it cannot be read whole."""
    try:
        with safe_open(file, "pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError):
        return None


def _save(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Whole or not at all; a disk that refuses is borne."""
    with contextlib.suppress(OSError, SafetensorError), replacing(file, sync=True) as part:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part)
