"""What the verbs on photographs say on the way: notes, and what they skip."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

from repose.cli.common import stderr


class skipping:  # noqa: N801  (reads as a verb: with skipping(path): ...)
    """Name and skip what is wrong with one file among many; alone, it stops the command, named as well."""

    def __init__(self, path: Path, alone: bool) -> None:
        self.path, self.alone = path, alone

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ValueError | OSError):
            return False
        named = str(self.path) in str(error)
        if self.alone and not named:
            raise ValueError(f"{self.path}: {error}") from error
        if self.alone:
            return False
        text = str(error) if named else f"{self.path}: {error}"
        stderr.print(f"skipped: {text}", markup=False, soft_wrap=True)
        return True


@contextlib.contextmanager
def noting(path: Path) -> Iterator[None]:
    """A line for every warning about a file; each once for the file."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(f"{path}: {warning.message}" for warning in said):
        stderr.print(f"note: {text}", markup=False, soft_wrap=True)
