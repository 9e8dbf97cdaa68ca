"""What a run reports while it goes: the progress bar, `log.jsonl`, and TensorBoard where it is installed."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from repose import record

_NORM: Final = "norm"


class Log:
    """The reports of a run, as a context manager. A silent one, of every process but the first, does nothing.

    `log.jsonl` has a line "start" with recipe, seed, data, commit and hardware for every start, and lines "train" with
    images, seconds, images_per_second, rates and losses. After a resume the lines that follow a "start" replace those
    before it that count more images.

    A full disk does not end the run: a warning names what could not be written.
    """

    def __init__(self, run: Path, total: int, images: int, silent: bool = False, show: bool = True) -> None:
        self.run, self.total, self.silent = run, total, silent
        self.console = Console(stderr=True, quiet=silent or not show)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} images, {task.fields[rate]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
            speed_estimate_period=120,
            disable=silent or not show or not self.console.is_terminal,
        )
        self._task = self._bar.add_task(run.name, total=total, completed=images, rate="", losses="")
        self._board: Any = None
        self._hook = threading.excepthook
        self._clock, self._images = time.perf_counter(), images

    def __enter__(self) -> Self:
        self._bar.start()
        self._hook = threading.excepthook
        threading.excepthook = self._thread_failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._board:
            with contextlib.suppress(OSError):  # what is left of it does not fit either
                self._board.close()
        threading.excepthook = self._hook

    def start(self, facts: Mapping[str, Any]) -> None:
        """The line "start"."""
        self._append({"kind": "start", **record.stamp(), **facts})

    def advance(self, images: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=images)

    def line(self, images: int, seconds: float, rates: Mapping[str, float], losses: Mapping[str, float]) -> None:
        """A line "train": the means since the last one."""
        now = time.perf_counter()
        speed = (images - self._images) / max(now - self._clock, 1e-9)
        self._clock, self._images = now, images
        facts = {"images": images, "seconds": round(seconds, 2), "images_per_second": round(speed, 2)}
        self._append({"kind": "train", **facts, "rates": dict(rates), "losses": dict(losses)})
        if self.silent:
            return
        words = [f"{key.split('/')[-1]} {value:.3g}" for key, value in losses.items() if _NORM not in key]
        self._bar.update(self._task, completed=images, rate=f"{speed:.1f}/s", losses="  ".join(words[:2]))
        if not self.console.is_terminal:
            left = (self.total - images) / max(speed, 1e-9)
            self.console.print(
                f"{images:,}/{self.total:,} images  {speed:.1f}/s  {left / 60:.0f} min left  {'  '.join(words)}"
            )
        self._draw({**losses, **{f"rate/{k}": v for k, v in rates.items()}, "images_per_second": speed}, images)

    def restart_clock(self) -> None:
        """Leave the time since the last line, spent on sheets and files, out of the next images a second."""
        self._clock = time.perf_counter()

    def say(self, text: str) -> None:
        """A line for the reader."""
        self.console.print(text, highlight=False)

    def _append(self, line: Mapping[str, Any]) -> None:
        if self.silent:
            return
        try:
            record.append(self.run / "log.jsonl", line)
        except OSError as error:
            warnings.warn(f"{self.run / 'log.jsonl'}: a line is lost: {error}", UserWarning, stacklevel=2)

    def _draw(self, values: Mapping[str, float], images: int) -> None:
        """To TensorBoard. Its package is optional, and its failure is no reason to end a run."""
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(str(self.run / "tensorboard"), purge_step=images)
            except (ImportError, OSError):
                self._board = False
        if self._board:
            try:
                for name, value in values.items():
                    self._board.add_scalar(name, value, images)
            except OSError as error:
                self._board = False
                warnings.warn(
                    f"{self.run / 'tensorboard'}: nothing more is written: {error}", UserWarning, stacklevel=3
                )

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        """TensorBoard writes in a thread, whose error comes back at the next value; no traceback of it is wanted."""
        if type(failure.thread).__module__.startswith("tensorboard") and isinstance(failure.exc_value, OSError):
            return
        self._hook(failure)
