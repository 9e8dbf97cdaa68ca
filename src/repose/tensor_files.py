"""Files of tensors and of text, written completely or not at all and forced to the disk (`repose.files.replacing`).

Tensors are stored as safetensors: no pickle. A process that is killed while it writes leaves the earlier file intact.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from repose.byte_planes import join, split
from repose.extras import how_to_get_weights
from repose.files import DiskFullError, not_written, remove_partial, replacing
from repose.weight_places import weight_folder

SUFFIX: Final = ".safetensors"
_PLANES: Final = "|float16 in planes"
"""The end of the name of a float16 tensor that is stored as planes of its bytes."""
CHECKPOINT: Final = "repose-checkpoint-1"
"""The format that the header of a checkpoint names; weights have none."""


class CheckpointError(ValueError):
    """A checkpoint or weight file is damaged, or of another model or run."""


@contextlib.contextmanager
def writing(path: Path, in_folder: bool = False) -> Iterator[Path]:
    """`replacing`, forced to the disk; removes what a killed writer of this file left. Raises OSError with advice."""
    try:
        remove_partial_files(path.parent, path.name)
        with replacing(path, sync=True, in_folder=in_folder) as partial:
            yield partial
    except DiskFullError:
        raise
    except (OSError, SafetensorError) as error:
        raise OSError(not_written(path, error)) from error


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str], compressible: bool = False
) -> None:
    """Write a safetensors file completely or not at all. OSError, with advice, if the disk is full or not writable.

    Args:
        compressible: store float16 as planes of bytes (`repose.byte_planes`), without loss: an archive, such as a
            wheel, compresses these by 14% rather than 8%. `read_tensors` reads both.
    """
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    if compressible:
        stored = dict(_in_planes(name, value) for name, value in stored.items())
    with writing(path, in_folder=True) as partial:  # safetensors writes another file beside it, and renames that
        save_file(stored, partial, dict(header))
        partial.chmod(0o644)  # safetensors leaves it to the owner alone


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all. OSError, with advice, if the disk is full or not writable."""
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a safetensors file. CheckpointError if it is cut off or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return dict(_from_planes(name, value) for name, value in stored.items()), file.metadata() or {}
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError) as error:
        size = path.stat().st_size
        raise CheckpointError(f"{path} ({size:,} bytes) is cut off or damaged: {error}") from error


def read_shipped(kind: str, what: str, path: Path | None = None) -> tuple[Path, dict[str, Tensor], dict[str, str]]:
    """A weight file of a network of our own: the one that came with this installation, or another of its kind.

    Args:
        kind: of the weights, in the file's header; the name of their folder, too.
        what: the network in a word, for errors. path: of another file.

    Returns:
        Its path, tensors and header.

    Raises:
        FileNotFoundError: it is not there. CheckpointError: it is damaged, or of something else.
    """
    if path is None:
        folder = weight_folder(kind)
        if folder is None:
            raise FileNotFoundError(f"the weights of the {what} are missing: {how_to_get_weights(kind)}")
        path = folder / "weights.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"the weights of the {what} are not at {path}; reinstall, or give the path of a file")
    tensors, facts = read_tensors(path)
    if facts.get("kind") != kind:
        raise CheckpointError(f"{path} holds {facts.get('kind', 'something else')}, not the weights of a {what}")
    return path, tensors, facts


def remove_partial_files(folder: Path, name: str) -> None:
    """Remove what killed writers of `name`, a pattern, left in a folder; no other process may be writing there."""
    for left in folder.glob(f".{name}.*.partial"):
        remove_partial(left)


def _in_planes(name: str, value: Tensor) -> tuple[str, Tensor]:
    if value.dtype != torch.float16:
        return name, value
    return name + _PLANES, torch.from_numpy(split(value.numpy()))


def _from_planes(name: str, value: Tensor) -> tuple[str, Tensor]:
    if not name.endswith(_PLANES):
        return name, value
    return name.removesuffix(_PLANES), torch.from_numpy(join(value.numpy(), np.float16))
