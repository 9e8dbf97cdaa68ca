"""What is wrong with a pose file, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal


class FormatError(ValueError):
    """A file, or one record of it, that cannot be read.

    Attributes:
        path: the file.
        line: of a CSV, counted from 1 with the header; None for an error of the whole file or of a JSON record.
        name: of the picture that the record is about, if it could be read.
        problem: what is wrong and what to do.
    """

    def __init__(self, path: Path, line: int | None, problem: str, name: str | None = None) -> None:
        self.path, self.line, self.problem, self.name = path, line, problem, name
        super().__init__(f"{path}{'' if line is None else f', line {line}'}: {problem}")


OnError = Literal["raise"] | Callable[[FormatError], object]
"""What a bad record does: "raise", or a function that gets the error, after which the reading goes on."""


def report(error: FormatError, on_error: OnError) -> None:
    """Raise the error, or give it to the function."""
    if on_error == "raise":
        raise error
    on_error(error)
