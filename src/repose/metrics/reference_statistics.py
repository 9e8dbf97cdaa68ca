"""Mean and covariance of a network's features of the training pictures, computed once and saved on the disk.

The name of a file is a hash of all that the statistics depend on: the pictures' bytes and order, the network with its
version (which fixes dialect and resizing), the checksums of its weight files, and the code that prepares the pictures.
So a file is never used for another set. A computation that was cut off continues where it was last saved.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from repose.files import replacing
from repose.hub.files import FILES
from repose.metrics.accumulators import ReferenceStatistics
from repose.metrics.functional.distributions import Moments, moments_of_sums
from repose.metrics.networks import MetricNetworks
from repose.metrics.number_cache import code_checksum
from repose.metrics.picture_networks import NETWORKS

ReadPictures = Callable[[int, int], Tensor]
"""The pictures from one number up to another: uint8 (n, 3, H, W)."""

ReportProgress = Callable[[str, int, int], None]
"""Called with what is being measured, such as the name of a network, how many are done, and how many there are."""

_CODE: Final = (
    "nn/inception.py", "metrics/picture_networks.py", "metrics/networks.py", "metrics/functional/distributions.py",
    "metrics/reference_statistics.py",
)  # fmt: skip
"""The code that brings pictures to the network's size and range, runs it, and computes the statistics."""

_BATCH: Final = 64
"""Pictures read at a time."""

_SAVE_AFTER: Final = 512
"""Pictures between two saves, each of 33 MB."""


def reference_statistics(
    networks: MetricNetworks,
    read: ReadPictures,
    count: int,
    folder: Path | str,
    progress: ReportProgress | None = None,
    names: Sequence[str] | None = None,
) -> ReferenceStatistics:
    """The statistics of `count` pictures under the networks that need them, from the disk where they are there.

    Args:
        networks: statistics are computed for those of columns that are compared with the training pictures.
        read: gives the pictures.
        count: how many, 2 or more.
        folder: of the files; it is created. If the disk refuses, the statistics are computed again next time.
        progress: called after every batch.
        names: only of these networks; None: of all that need them.

    Raises:
        ValueError: fewer than two pictures, or `read` returns something else than it was asked for.
    """
    if count < 2:
        raise ValueError(f"reference_statistics: mean and covariance need two pictures, got {count}")
    pictures = _checksum(read, count)
    statistics = {}
    for network in networks.training_networks() if names is None else names:
        file = Path(folder) / f"{network}-{key(network, pictures, count)[:32]}.safetensors"
        saved = _load(file)
        if saved is None:
            statistics[network] = _computed(networks, network, read, count, file, progress)
        else:
            statistics[network] = Moments(saved["mean"], saved["root"], count)
    return ReferenceStatistics(count, pictures, statistics)


def key(network: str, pictures: str, count: int) -> str:
    """The hash of everything that the statistics depend on.

    Args:
        network: with its version, of `NETWORKS`.
        pictures: the checksum of the pictures. count: how many they are.
    """
    files = {file: FILES[file].sha256 for file in NETWORKS[network].files}
    facts = {
        "network": network,
        "files": files,
        "pictures": pictures,
        "count": count,
        "code": code_checksum(*_CODE),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


# -- inside ---------------------------------------------------------------------------------------------------------


def _checksum(read: ReadPictures, count: int) -> str:
    digest = hashlib.sha256()
    for start in range(0, count, _BATCH):
        pictures = _checked(read, start, min(start + _BATCH, count))
        digest.update(repr(tuple(pictures.shape)).encode())
        digest.update(pictures.contiguous().numpy().data)
    return digest.hexdigest()


def _checked(read: ReadPictures, start: int, stop: int) -> Tensor:
    pictures = read(start, stop)
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or len(pictures) != stop - start or pictures.shape[1] != 3:
        raise ValueError(
            f"reference_statistics: read({start}, {stop}) must return uint8 ({stop - start}, 3, H, W), "
            f"got {pictures.dtype} {tuple(pictures.shape)}"
        )
    return pictures


def _computed(
    networks: MetricNetworks,
    network: str,
    read: ReadPictures,
    count: int,
    file: Path,
    progress: ReportProgress | None,
) -> Moments:
    """Compute the statistics, from the last save on where there is one, and save them in `file`."""
    partial = file.with_suffix(".partial")
    saved = _load(partial)
    if saved is None or not 0 < int(saved["done"]) < count:
        done, total, products = 0, None, None
    else:
        done, total, products = int(saved["done"]), saved["total"], saved["products"]
    saved_at = done
    while done < count:
        stop = min(done + _BATCH, count)
        features = networks.features(network, _checked(read, done, stop)).double()
        total = features.sum(0) if total is None else total + features.sum(0)
        products = features.T @ features if products is None else products + features.T @ features
        done = stop
        if done - saved_at >= _SAVE_AFTER and done < count:
            _save(partial, {"done": torch.tensor(done), "total": total, "products": products})
            saved_at = done
        if progress is not None:
            progress(network, done, count)
    assert total is not None
    assert products is not None
    statistics = moments_of_sums(count, total, products)
    _save(file, {"mean": statistics.mean, "root": statistics.root, "done": torch.tensor(count)})
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)
    return statistics


def _load(file: Path) -> dict[str, Tensor] | None:
    """The tensors of a file; None if it is absent or cannot be read whole."""
    try:
        with safe_open(file, "pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError):
        return None


def _save(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a file, whole or not at all; a disk that refuses is no error."""
    with contextlib.suppress(OSError, SafetensorError), replacing(file, sync=True, in_folder=True) as part:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part)
