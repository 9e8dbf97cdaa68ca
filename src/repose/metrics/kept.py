"""Numbers of single pairs on the disk, so that an evaluation that was cut off goes on and the references come once."""

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


class Kept:
    """Chunks of tensors under a key of everything that they depend on.

    A damaged file counts as none, and a disk that refuses costs only time.

    Args:
        folder: where; None keeps nothing.
        facts: all that the numbers depend on, as JSON knows it.
    """

    def __init__(self, folder: Path | None, facts: Mapping[str, Any]) -> None:
        text = json.dumps(facts, sort_keys=True, default=str)
        self.folder = None if folder is None else folder / hashlib.sha256(text.encode()).hexdigest()[:24]
        self._facts = text

    def load(self, name: str) -> dict[str, Tensor] | None:
        """The chunk of that name, or None."""
        if self.folder is None:
            return None
        try:
            return load_file(self._file(name))
        except (OSError, safetensors.SafetensorError):
            return None

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep a chunk, whole or not at all."""
        if self.folder is None:
            return
        try:
            with replacing(self._file(name)) as partial:
                save_file({key: value.cpu().contiguous() for key, value in tensors.items()}, partial)
            facts = self.folder / "facts.json"
            if not facts.exists():
                with replacing(facts) as partial:
                    partial.write_text(self._facts)
        except (OSError, safetensors.SafetensorError) as error:  # the latter where the disk is full
            logger.warning("measured numbers are not kept: %s", error)
            self.folder = None

    def forget(self) -> None:
        """Remove all that is kept under this key."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.safetensors"


def digest(values: Tensor) -> str:
    """A short checksum of the numbers of a tensor."""
    return hashlib.sha256(values.contiguous().numpy().tobytes()).hexdigest()[:16]


@functools.cache
def code(*files: str) -> str:
    """A checksum of all of this package's code, as a number may depend on any of it, or of some files of it alone."""
    found = hashlib.sha256()
    here = Path(__file__).parents[1]
    for file in [here / name for name in files] or sorted(here.rglob("*.py")):
        found.update(file.relative_to(here).as_posix().encode() + file.read_bytes())
    return found.hexdigest()[:16]
