"""What the verbs on photographs say: notes, what they skip, and --json, all of it as one document."""

from __future__ import annotations

import contextlib
import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer

from repose.cli.common import print_line, stderr
from repose.version import __version__

SCHEMA: Final = 1
"""The version of the document of --json; it changes where an entry is taken away or means something else."""

SKIPPED: Final = 3
"""The exit status if some of the inputs were skipped and the rest was written."""

FAILED: Final = 2
"""The exit status if nothing was done; also of wrong words in the command."""

ERRORS: Final = (ValueError, KeyError, OSError, RuntimeError, ImportError)
"""What is told in one line; anything else is a mistake of ours."""


class Report:
    """What a verb was given, what it did, and what it could not do.

    Attributes:
        document: what --json prints, see docs/photographs.md; a verb adds what it knows.
    """

    def __init__(self, verb: str, as_json: bool) -> None:
        self.as_json = as_json
        self.document: dict[str, Any] = {"schema": SCHEMA, "repose": __version__, "verb": verb, "status": 0}
        self._outputs: list[dict[str, Any]] = []
        self._notes: list[dict[str, str | None]] = []
        self._skipped: list[dict[str, str]] = []
        self._started = time.perf_counter()

    # -- on the way ---------------------------------------------------------------------------------------------

    def note(self, text: str, path: Path | None = None) -> None:
        """Say something that the user should know of a file; the same only once."""
        if not any(note["text"] == text for note in self._notes):
            self._notes.append({"path": None if path is None else str(path), "text": text})
            stderr.print(f"note: {text}", markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def noting(self, path: Path) -> Iterator[None]:
        """A note for every warning about a file."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                yield
            finally:
                texts = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
        for text in texts:
            self.note(text if str(path) in text else f"{path}: {text}", path)

    @contextlib.contextmanager
    def skipping(self, path: Path, alone: bool) -> Iterator[None]:
        """Name and skip what is wrong with one file among many; alone, it stops the command, named as well."""
        try:
            yield
        except (ValueError, OSError) as error:
            named = str(path) in str(error)
            if alone and named:
                raise
            if alone:
                raise ValueError(f"{path}: {error}") from error
            text = str(error) if named else f"{path}: {error}"
            self._skipped.append({"path": str(path), "reason": text})
            stderr.print(f"skipped: {text}", markup=False, soft_wrap=True)

    def wrote(self, path: Path, kind: str, **more: Any) -> None:
        """A file that was written: a picture, a sheet, or keypoints."""
        self._outputs.append({"path": str(path), "kind": kind, **more})

    def say(self, text: str) -> None:
        """A line of the result, on stdout; with --json on stderr."""
        if self.as_json:
            stderr.print(text, markup=False, soft_wrap=True)
        else:
            print_line(text)

    # -- at the end ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Around the whole verb: at its end the document, of an error, too.

        Raises:
            typer.Exit: with `SKIPPED`, if something was skipped.
        """
        try:
            yield
        except ERRORS as error:
            text = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
            self.document["error"] = {"kind": type(error).__name__, "text": str(text)}
            self._finish(FAILED)
            raise
        if self._skipped:
            names = list(dict.fromkeys(one["path"] for one in self._skipped))
            listed = ", ".join(names[:20]) + (f", and {len(names) - 20} more" if len(names) > 20 else "")
            stderr.print(f"{len(names)} skipped, for the reasons above: {listed}", markup=False, soft_wrap=True)
        self._finish(SKIPPED if self._skipped else 0)
        if self._skipped:
            raise typer.Exit(SKIPPED)

    def _finish(self, status: int) -> None:
        if not self.as_json:
            return
        self.document |= {
            "status": status,
            "outputs": self._outputs,
            "notes": self._notes,
            "skipped": self._skipped,
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        sys.stdout.write(json.dumps(self.document, allow_nan=False) + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def telling_unfinished(place: Path) -> Iterator[None]:
    """Around work that Ctrl-C may stop: say then where the finished part lies, and that the same command goes on."""
    try:
        yield
    except KeyboardInterrupt:
        if place.exists():
            stderr.print(
                f"{place} holds what is finished: the same command goes on from there", markup=False, soft_wrap=True
            )
        raise
