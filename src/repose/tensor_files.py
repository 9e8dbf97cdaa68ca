"""Files of tensors and of text, written completely or not at all and forced to the disk (`repose.files.replacing`).

Tensors are stored as safetensors: no pickle. A process that is killed while it writes leaves the earlier file intact.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from repose.files import WEIGHT_FOLDERS, replacing

SUFFIX: Final = ".safetensors"
CHECKPOINT: Final = "repose-checkpoint-1"
"""The format that the header of a checkpoint names; weights have none."""


class CheckpointError(ValueError):
    """A checkpoint or weight file is damaged, or of another model or run."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """`replacing`, forced to the disk; removes what a killed writer of this file left. Raises OSError with advice."""
    try:
        remove_partial_files(path.parent, path.name)
        with replacing(path, sync=True) as partial:
            yield partial
    except (OSError, SafetensorError) as error:
        raise _write_error(path, error) from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write a safetensors file completely or not at all. OSError, with advice, if the disk is full or not writable."""
    with writing(path) as partial:
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, partial, dict(header))
        partial.chmod(0o644)  # safetensors leaves it to the owner alone


def write_text(path: Path, text: str) -> None:
    """Write a text file completely or not at all. OSError, with advice, if the disk is full or not writable."""
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a safetensors file. CheckpointError if it is cut off or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
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
        known = [place / kind / "weights.safetensors" for place in WEIGHT_FOLDERS]
        path = next((file for file in known if file.is_file()), known[-1])
    if not path.is_file():
        raise FileNotFoundError(f"the weights of the {what} are not at {path}; reinstall, or give the path of a file")
    tensors, facts = read_tensors(path)
    if facts.get("kind") != kind:
        raise CheckpointError(f"{path} holds {facts.get('kind', 'something else')}, not the weights of a {what}")
    return path, tensors, facts


def remove_partial_files(folder: Path, name: str) -> None:
    """Remove what killed writers of `name`, a pattern, left in a folder; no other process may be writing there."""
    for left in folder.glob(f".{name}.*.partial"):
        left.unlink(missing_ok=True)


def _write_error(path: Path, error: Exception) -> OSError:
    """An OSError that says what could not be written, how much space is free, and what to do."""
    try:
        free = f"; {shutil.disk_usage(path.parent).free / 1e6:,.0f} MB are free there"
    except OSError:
        free = ""
    return OSError(
        f"{path} could not be written: {error}{free}. The file that was there before is kept; free some space"
    )
