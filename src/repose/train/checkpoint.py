"""Checkpoints to resume a run from, written whole or not at all (`repose.tensor_files`).

A checkpoint is any tree of dicts, lists, tensors and plain values: the tensors are the file's tensors, the rest is
JSON in its header. No pickle. A process that is killed while it writes leaves the file before untouched.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from repose.files import parse_object, shortened
from repose.tensor_files import CHECKPOINT, SUFFIX, CheckpointError, read_tensors, remove_partial_files, write_tensors

KEEP: Final = 2
"""Checkpoints that stay in a folder, the newest ones."""


def save_checkpoint(folder: Path, tree: Mapping[str, Any], images: int) -> Path:
    """Write `folder/<images>.safetensors` and keep the last `KEEP`.

    Raises:
        OSError: the disk is full or refuses; the earlier checkpoints are as they were.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_pack(tree, "", tensors))
    path = folder / f"{images:09d}{SUFFIX}"
    remove_partial_files(folder, "*")
    write_tensors(path, tensors, {"format": CHECKPOINT, "tree": text})
    for old in checkpoints(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, the newest first."""
    return sorted((path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit()), reverse=True)


def load_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest whole checkpoint of a folder and its tree, on the CPU; None if the folder has none.

    A damaged one is skipped with a warning that names it and the one taken instead.

    Raises:
        CheckpointError: there are checkpoints, and all are damaged.
    """
    damaged: list[str] = []
    for path in checkpoints(folder):
        try:
            tree = read_checkpoint(path)
        except CheckpointError as error:
            damaged.append(str(error))
            continue
        if damaged:
            warnings.warn(f"{'; '.join(damaged)}. Going on from {path} instead", UserWarning, stacklevel=2)
        return path, tree
    if damaged:
        raise CheckpointError(f"{'; '.join(damaged)}. There is no other; start anew in another folder")
    return None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """One checkpoint's tree, on the CPU.

    Raises:
        CheckpointError: it is damaged, or no checkpoint.
    """
    tensors, header = read_tensors(path)
    if header.get("format") != CHECKPOINT:
        raise CheckpointError(
            f"{path} is not a checkpoint of this version: its format is {header.get('format')!r}, not {CHECKPOINT!r}"
        )
    copies = {
        name: value.clone() for name, value in tensors.items()
    }  # training must not write to the file's memory map
    try:
        tree = _unpack(parse_object(header["tree"]), copies)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged: its tree does not fit its tensors ({shortened(error)})") from error
    if not isinstance(tree, dict):
        raise CheckpointError(f"{path} is damaged: its tree is no mapping")
    return tree


def _pack(node: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A tree -> JSON data; its tensors go to `tensors` by their path."""
    if isinstance(node, Tensor):
        tensors[name] = node
        return {"tensor": name}
    if isinstance(node, Mapping):
        return {"dict": [[key, _pack(value, f"{name}/{key}", tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return {"list": [_pack(value, f"{name}/{i}", tensors) for i, value in enumerate(node)]}
    if node is None or isinstance(node, bool | int | float | str):
        return node
    raise TypeError(f"a checkpoint holds tensors and plain values only, {name} is a {type(node).__name__}")


def _unpack(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    ((kind, value),) = node.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "list":
        return [_unpack(item, tensors) for item in value]
    return {key: _unpack(item, tensors) for key, item in value}
