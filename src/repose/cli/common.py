"""What the verbs share: where they print, the options that several take, and what reads and shows them."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from repose.cli import completion, progress
from repose.cli.pipes import CLOSED


class _Console(Console):
    """Ends quietly where the reader has gone, as a program does that SIGPIPE ends."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        leave_stdout()
        raise SystemExit(CLOSED)


def leave_stdout() -> None:
    """Nobody reads stdout any more: what is still to come goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())


stdout = _Console(highlight=False, markup=False)
"""For results."""

stderr = _Console(stderr=True, highlight=False)
"""For progress, notes, warnings and errors."""

Out = Annotated[Path, typer.Option("-o", "--out", help="Where the result goes.")]
Force = Annotated[bool, typer.Option("--force", help="Write the result even into the place of an input.")]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print what was found and done as one JSON document: docs/shell.md."),
]
ModelName = Annotated[
    str,
    typer.Option(
        "-m",
        "--model",
        help="Weights by name (see `repose models`), or the folder of a run.",
        autocompletion=completion.models,
    ),
]
Estimator = Annotated[
    str, typer.Option("--pose", help="The pose estimator.", autocompletion=completion.of(completion.ESTIMATORS))
]
Device = Annotated[
    str,
    typer.Option(
        help="auto, cpu or cuda; auto is cuda if there is one.", autocompletion=completion.of(completion.DEVICES)
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        help="What computes the network: plain (PyTorch), channels_last, folded, compiled, onnxruntime, openvino, "
        "ncnn; auto takes the fastest that is installed and worth its preparation (docs/export.md)."
    ),
]
StoreFolder = Annotated[Path, typer.Option("-d", "--data", help="The store.")]
Limit = Annotated[int, typer.Option(help="Only N pairs, spread over the list; 0 for all.")]
PckhEstimator = Annotated[str, typer.Option(help="Estimator for PCKh, or none.")]
Features = Annotated[
    str,
    typer.Option(
        help="Distances of features: auto (where MobileNetV2's file is here), a version, or none, which also leaves "
        "out the protocol's networks and needs none of their weight files."
    ),
]
Results = Annotated[Path | None, typer.Option(help="Append what is measured to this .jsonl, a line each.")]
PersonChoice = Annotated[
    str,
    typer.Option(
        "--person", help="Of several people: largest, best, left, right, middle, or a number from 0 (largest)."
    ),
]
TargetPerson = Annotated[
    str,
    typer.Option(
        "--target-person",
        help="Of several people on TARGET, a photograph or a pose file: largest, best (by score), left, right, middle, "
        "or a number from 0 (the largest).",
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        help="The table of the label maps: lip, cihp, repose, atr, pascal, acgpn, pise, pinet, or the names of the "
        "labels from number 0 with commas. Told from the map where it can be no other.",
        show_default=False,
    ),
]
MinScore = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        help="A joint of a pose file with a lower score is missing: estimators write every joint, and those that are "
        "not there lie anywhere. 0.3 is what mmpose and DWPose draw from; 0 takes every joint.",
    ),
]
TargetSize = Annotated[
    str | None,
    typer.Option(help="HEIGHTxWIDTH of the picture that a pose file is of, where its coordinates are shares (0 to 1)."),
]


def print_line(text: str) -> None:
    """A line of the result; never broken, so that a path in it can be copied."""
    stdout.print(text, soft_wrap=True)


def parse_person(text: str, option: str = "--person") -> Any:
    """A word of `repose.represent.choosing.WORDS` or a number from 0. Any other text is a ValueError that names the
    option."""
    words = ("largest", "best", "left", "right", "middle")
    if text in words:
        return text
    if text.isdecimal():
        return int(text)
    raise ValueError(f"{option} takes {', '.join(words)} or a number from 0, not '{text}'")


def parse_features(text: str) -> bool | str:
    """--features as `evaluate` takes it: auto is True, none is False, anything else the name of a version."""
    return {"auto": True, "none": False}.get(text, text)


def parse_size(text: str) -> tuple[int, int]:
    """ "256x176" -> (256, 176), height and width. Any other text is a ValueError."""
    height, mark, width = text.lower().partition("x")
    if not (mark and height.isdecimal() and width.isdecimal()):
        raise ValueError(f"a size is HEIGHTxWIDTH, such as 256x176, not '{text}'")
    return int(height), int(width)


@contextlib.contextmanager
def noting(what: object = "") -> Iterator[None]:
    """A line for every warning, each once; `what` is the file that they are about."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(f"{what}: {warning.message}" if what else str(warning.message) for warning in said):
        stderr.print(f"note: {text}", markup=False, soft_wrap=True)


def progress_bar(speed: bool = False) -> Progress:
    """How far the work is, on stderr: a bar on a terminal, with the steps a second if asked for; else plain lines."""
    return progress.progress_bar(stderr, speed)


def progress_callback(bar: Progress, description: str) -> Callable[[int, int], None]:
    """A function (done, total) that moves a line of the bar. The line appears at its first call, and what was done
    before that is no part of its speed."""
    task: TaskID | None = None

    def advance(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            task = bar.add_task(description, total=total, completed=done)
        bar.update(task, completed=done, total=total)

    return advance
