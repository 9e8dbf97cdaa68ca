"""Measured numbers on the disk, so that an evaluation that was cut off continues and reference rows come once."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file, save_file
from torch import Tensor

from repose.files import replacing

logger = logging.getLogger(__name__)


class NumberCache:
    """Tensors by name, in a folder whose name is a hash of everything that they depend on.

    A damaged file counts as absent. Where the disk refuses, a warning is logged and nothing more is saved.

    Args:
        folder: of all caches; None saves nothing.
        facts: everything that the numbers depend on, as JSON can hold it.
    """

    def __init__(self, folder: Path | None, facts: Mapping[str, Any]) -> None:
        text = json.dumps(facts, sort_keys=True, default=str)
        self.folder = None if folder is None else folder / hashlib.sha256(text.encode()).hexdigest()[:24]
        self._facts = text

    def load(self, name: str) -> dict[str, Tensor] | None:
        """The tensors that were saved under a name, or None."""
        if self.folder is None:
            return None
        try:
            return load_file(self._file(name))
        except (OSError, safetensors.SafetensorError):
            return None

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Save tensors under a name; the file is whole or absent."""
        if self.folder is None:
            return
        try:
            with replacing(self._file(name), in_folder=True) as partial:
                save_file({key: value.cpu().contiguous() for key, value in tensors.items()}, partial)
            facts = self.folder / "facts.json"
            if not facts.exists():
                with replacing(facts) as partial:
                    partial.write_text(self._facts)
        except (OSError, safetensors.SafetensorError) as error:  # the latter where the disk is full
            logger.warning(
                "measured numbers cannot be saved in %s, so an evaluation that is cut off begins anew: %s",
                self.folder,
                error,
            )
            self.folder = None

    def remove(self) -> None:
        """Delete everything that was saved under these facts."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.safetensors"


def tensor_checksum(values: Tensor) -> str:
    """A short checksum of the numbers of a tensor."""
    return hashlib.sha256(values.contiguous().numpy().tobytes()).hexdigest()[:16]


@functools.cache
def code_checksum(*files: str) -> str:
    """A checksum of some files of this package's code; without names of all of them.

    Args:
        files: relative to the package, such as "nn/inception.py".
    """
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for file in [package / name for name in files] or sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]
