"""How far a verb is: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from typing import Any, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

EVERY: Final = 10.0
"""Seconds, or hundredths of the work, from one line to the next."""


class StepsPerSecond(ProgressColumn):
    """A column of the progress bar: steps a second, of late."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


class Bar(Progress):
    """A progress bar that appears with its first task: an error before that has no empty line in front of it."""

    def __init__(self, console: Console, speed: bool) -> None:
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
        super().__init__(*columns, *([StepsPerSecond()] if speed else []), console=console)

    def start(self) -> None:
        """Show the bar, if there is anything to show."""
        if self.tasks:
            super().start()

    def stop(self) -> None:
        """Leave the bar as it is."""
        if self.live.is_started:
            super().stop()

    def add_task(self, description: str, *words: Any, **settings: Any) -> TaskID:
        """See `rich.progress.Progress`."""
        task = super().add_task(description, *words, **settings)
        if not self.live.is_started:
            super().start()
        return task


class Lines(Progress):
    """Plain lines, for a file or another program: "transfer 3/12, 4 s left", one after 10 s or 10 % of the work."""

    def __init__(self, console: Console) -> None:
        super().__init__(console=console)
        self._said: dict[TaskID, tuple[float, float]] = {}  # when a line was said, and at which share
        self._began: dict[TaskID, tuple[float, float]] = {}  # when a task began, and with how much done

    def start(self) -> None:
        """Nothing: there is no bar."""

    def stop(self) -> None:
        """Nothing, not even an empty line."""

    def refresh(self) -> None:
        """Nothing: lines are said when work is done."""

    def add_task(self, description: str, *words: Any, **settings: Any) -> TaskID:
        """See `rich.progress.Progress`."""
        task = super().add_task(description, *words, **settings)
        now, added = time.monotonic(), self._tasks[task]
        self._began[task] = now, added.completed
        self._said[task] = now, _share(added)
        return task

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """See `rich.progress.Progress`."""
        super().advance(task_id, advance)
        self._say(task_id)

    def update(self, task_id: TaskID, *words: Any, **settings: Any) -> None:
        """See `rich.progress.Progress`."""
        super().update(task_id, *words, **settings)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        """A line, if it is time for one."""
        task, now = self._tasks.get(task_id), time.monotonic()
        if task is None or task_id not in self._said:
            return
        when, share = self._said[task_id]
        whole = task.total is not None and task.completed >= task.total and share < 1
        if not whole and now - when < EVERY and _share(task) - share < EVERY / 100:
            return
        if task.completed == self._began[task_id][1]:  # nothing is done yet
            return
        self._said[task_id] = now, _share(task)
        self.console.print(line_of(task, *self._began[task_id], now), markup=False, soft_wrap=True)


def line_of(task: Task, began: float, before: float, now: float) -> str:
    """What is said of a task.

    Args:
        began: seconds, when it began, and `before`: how much was done then. now: seconds.
    """
    counted = f"{task.completed:,.0f}" if task.total is None else f"{task.completed:,.0f}/{task.total:,.0f}"
    done = task.completed - before
    if task.total is None or not done or task.completed >= task.total:
        return f"{task.description} {counted}"
    left = (now - began) / done * (task.total - task.completed)
    return f"{task.description} {counted}, {_duration(left)} left"


def progress_bar(console: Console, speed: bool = False) -> Progress:
    """A progress bar on a terminal, with the steps a second if asked for; plain lines elsewhere."""
    return Bar(console, speed) if console.is_terminal else Lines(console)


def _share(task: Task) -> float:
    return task.completed / task.total if task.total else 0.0


def _duration(seconds: float) -> str:
    """ "4 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
