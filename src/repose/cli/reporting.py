"""What the verbs on photographs say: notes, what they skip, and --json, all of it as one document."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import typer

from repose.cli.common import print_line, stderr
from repose.cli.pipes import Pipes
from repose.files import DiskFullError
from repose.version import __version__

SCHEMA: Final = 1
"""The version of the document of --json; it changes where an entry is taken away or means something else."""

SKIPPED: Final = 3
"""The exit status if some of the inputs were skipped and the rest was written."""

FAILED: Final = 2
"""The exit status if nothing was done; also of wrong words in the command."""

INTERRUPTED: Final = 130
"""The exit status after Ctrl-C."""

TERMINATED: Final = 143
"""The exit status if the process was asked to end (SIGTERM)."""

ERRORS: Final = (ValueError, KeyError, OSError, RuntimeError, ImportError)
"""What is told in one line; anything else is a mistake of ours."""


@dataclass
class Run:
    """One run of a verb, as the command line began it.

    Attributes:
        streams: stdin and stdout. inputs: the files that it was given. printed: whether its document was printed.
        report: the report that it fills, or None. stdout: where the document goes.
    """

    streams: Pipes = field(default_factory=Pipes)
    inputs: Sequence[Path] = ()
    printed: bool = False
    report: Report | None = None
    stdout: TextIO | None = None


_RUNS: Final[list[Run]] = []
_ENDED: Final[list[Run]] = []  # the last one: its error is still to be printed


@contextlib.contextmanager
def begin(run: Run) -> Iterator[Run]:
    """Around one run of a verb."""
    run.stdout = sys.stdout
    _RUNS.append(run)
    try:
        yield run
    finally:
        _RUNS.remove(run)
        _ENDED[:] = [run]


def wrote(path: Path, kind: str, **more: Any) -> None:
    """A file or folder that the verb of now has written; see `Report.wrote`."""
    if _RUNS and _RUNS[-1].report is not None:
        _RUNS[-1].report.wrote(path, kind, **more)


def number(**values: Any) -> None:
    """Numbers that the verb of now has found, by their names, for "numbers" of its document."""
    if _RUNS and _RUNS[-1].report is not None:
        _RUNS[-1].report.numbers |= values


def note(text: str) -> None:
    """Something that the user should know, on stderr and in the document of the verb of now; see `Report.note`."""
    if _RUNS and _RUNS[-1].report is not None:
        _RUNS[-1].report.note(text)
    else:
        stderr.print(f"note: {text}", markup=False, soft_wrap=True)


def plain(text: str) -> str:
    """A text in which the files of stdin and stdout are called so."""
    for run in (*_RUNS, *_ENDED):
        text = run.streams.named(text)
    return text


class Report:
    """What a verb was given, what it did, and what it could not do.

    Attributes:
        document: what --json prints, see docs/shell.md; a verb adds what it knows.
        numbers: what was measured or counted, by name.
    """

    def __init__(self, verb: str, as_json: bool) -> None:
        self.as_json = as_json
        self.document: dict[str, Any] = {"schema": SCHEMA, "repose": __version__, "verb": verb, "status": 0}
        self.numbers: dict[str, Any] = {}
        self._run = _RUNS[-1] if _RUNS else Run()
        self._run.report = self
        self._outputs: list[dict[str, Any]] = []
        self._notes: list[dict[str, str | None]] = []
        self._skipped: list[dict[str, str]] = []
        self._started = time.perf_counter()

    # -- on the way ---------------------------------------------------------------------------------------------

    def note(self, text: str, path: Path | None = None) -> None:
        """Say something that the user should know of a file; the same only once."""
        text = plain(text)
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
        except DiskFullError:  # the next file would not fit either
            raise
        except (ValueError, OSError) as error:
            named = str(path) in str(error)
            if alone and named:
                raise
            if alone:
                raise ValueError(f"{path}: {error}") from error
            text = plain(str(error) if named else f"{path}: {error}")
            self._skipped.append({"path": str(path), "reason": text})
            stderr.print(f"skipped: {text}", markup=False, soft_wrap=True)

    def wrote(self, path: Path, kind: str, **more: Any) -> None:
        """A file that was written: a picture, a sheet, or keypoints."""
        self._outputs.append({"path": str(path), "kind": kind, **more})

    def has(self, path: Path) -> bool:
        """Whether a file was told as written."""
        return any(one["path"] == str(path) for one in self._outputs)

    def measured(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Result lines: one as the numbers, several as "lines" of them."""
        if len(lines) == 1:
            self.numbers |= lines[0]
        elif lines:
            self.numbers["lines"] = [dict(line) for line in lines]

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
        except BrokenPipeError:
            raise
        except ERRORS as error:
            self.fail(error)
            raise
        except KeyboardInterrupt:
            self.document["error"] = {"kind": "KeyboardInterrupt", "text": "interrupted"}
            self.finish(INTERRUPTED)
            raise
        except typer.Exit as ending:
            self.finish(ending.exit_code)
            raise
        if self._skipped:
            names = list(dict.fromkeys(one["path"] for one in self._skipped))
            listed = ", ".join(names[:20]) + (f", and {len(names) - 20} more" if len(names) > 20 else "")
            stderr.print(f"{len(names)} skipped, for the reasons above: {listed}", markup=False, soft_wrap=True)
        self.finish(SKIPPED if self._skipped else 0)
        if self._skipped:
            raise typer.Exit(SKIPPED)

    def fail(self, error: BaseException) -> None:
        """The document of an error."""
        text = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
        self.document["error"] = {"kind": type(error).__name__, "text": plain(str(text))}
        self.finish(FAILED)

    def finish(self, status: int) -> None:
        """Print the document, if --json asks for it."""
        if not self.as_json:
            return
        self.document |= {
            "command": self.document["verb"],
            "version": __version__,
            "status": status,
            "inputs": [str(path) for path in self._run.inputs],
            "outputs": self._outputs,
            "numbers": self.numbers,
            "notes": self._notes,
            "skipped": self._skipped,
            "seconds": round(time.perf_counter() - self._started, 3),
        }
        stdout = self._run.stdout or sys.stdout
        stdout.write(plain(json.dumps(_finite(self.document), allow_nan=False, default=str)) + "\n")
        stdout.flush()
        self._run.printed = True


def _finite(value: Any) -> Any:
    """A value of JSON, which knows no NaN and no infinity: None in their place."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
