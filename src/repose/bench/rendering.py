"""How fast people are rendered with all their labels, by one process and on all cores, and what memory a process takes.

Every process has an OpenGL context of its own, as `repose prepare synthetic` has. The time begins when all of them have
rendered a first person, so it holds no import and no compilation of shaders.
"""

from __future__ import annotations

import multiprocessing as mp
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from repose.bench.peak import high_water

PICTURES: Final = 8
"""Of each person, as in the named sets."""

ASKED: Final = {(256, 176): 15.0, (128, 64): 40.0}
"""Height and width -> finished pictures a second that all cores must make."""

ASKED_MEMORY: Final = 2.0
"""GB that a process may take at most."""

ASKED_MINUTES: Final = 15.0
"""In which a store of `STORE` pictures must be made."""

STORE: Final = 10_000

SIZES: Final = ((128, 64), (256, 176))


@dataclass(frozen=True)
class Rendering:
    """One size, one number of processes.

    Attributes:
        height, width: pixels. processes: how many at once.
        pictures: finished, with all labels. seconds: from the first start to the last end.
        busy: processor seconds of a picture, in user and kernel, all threads.
        memory: GB, the largest resident set that a process ever had.
        renderer: OpenGL's name of what draws. stages: stage -> ms a picture, empty where the renderer measures none.
    """

    height: int
    width: int
    processes: int
    pictures: int
    seconds: float
    busy: float
    memory: float
    renderer: str
    stages: dict[str, float]

    @property
    def rate(self) -> float:
        """Finished pictures a second."""
        return self.pictures / self.seconds

    @property
    def asked(self) -> float | None:
        """Pictures a second that this size must reach on all cores; None for other sizes."""
        return ASKED.get((self.height, self.width))

    @property
    def minutes(self) -> float:
        """For a store of 10,000 pictures, its writing not counted."""
        return STORE / self.rate / 60

    def line(self) -> dict[str, Any]:
        """The result line, without its stamp."""
        return {
            "bench": "rendering", "height": self.height, "width": self.width, "processes": self.processes,
            "pictures": self.pictures, "seconds": self.seconds, "rate": self.rate, "busy": self.busy,
            "memory_gb": self.memory, "minutes": self.minutes, "renderer": self.renderer, "stages_ms": self.stages,
        }  # fmt: skip


def measure(height: int, width: int, processes: int, seconds: float = 10.0, style: str | None = None) -> Rendering:
    """Render people of new seeds for at least `seconds`; the person at hand is always finished.

    Args:
        height, width: of the pictures. processes: 1 or more, each a new one. style: of the people; None for the
            renderer's own choice.

    Raises:
        SyntheticUnavailable: no OpenGL context can be had.
        ValueError: no process is asked for.
        WorkerError: a process failed or died.
    """
    if processes < 1:
        raise ValueError(f"rendering: at least 1 process, got {processes}")
    from repose.render import create_context
    from repose.render.workers import WorkerPool

    create_context().release()  # fail here with a clear message, not in every process
    barrier = mp.get_context("spawn").Barrier(processes)
    start = _Start(barrier, height, width, seconds, style)
    with WorkerPool(start, range(processes), processes, describe=lambda number: f"process {number}") as pool:
        done = [one for _, one in pool]  # as many tasks as processes, so each has one
    pictures = sum(one.pictures for one in done)
    stages: dict[str, float] = {}
    for one in done:
        for name, spent in one.stages.items():
            stages[name] = stages.get(name, 0.0) + 1000 * spent / pictures
    return Rendering(
        height, width, processes, pictures,
        seconds=max(one.end for one in done) - min(one.start for one in done),
        busy=sum(one.busy for one in done) / pictures,
        memory=max(one.memory for one in done),
        renderer=done[0].renderer,
        stages=stages,
    )  # fmt: skip


@dataclass(frozen=True)
class _Done:
    """Of one process: `start` and `end` by the clock that all processes share."""

    pictures: int
    start: float
    end: float
    busy: float
    memory: float
    renderer: str
    stages: dict[str, float]


@dataclass(frozen=True)
class _Start:
    """What a process starts with."""

    barrier: Any
    height: int
    width: int
    seconds: float
    style: str | None

    def __call__(self) -> Callable[[int], _Done]:
        return self.work

    def work(self, number: int) -> _Done:
        """Render for a while, as process `number`."""
        from repose.render import Renderer, render_person

        options: dict[str, Any] = {} if self.style is None else {"style": self.style}
        try:
            with Renderer(self.height, self.width) as renderer:
                render_person(renderer, 990_000 + number, 0, PICTURES, **options)
                before = _stages(renderer)
                self.barrier.wait(300)  # nobody measures while another still compiles
                count, start, busy = 0, time.monotonic(), time.process_time()
                while time.monotonic() - start < self.seconds:
                    count += len(render_person(renderer, 990_000 + number, 1 + count // PICTURES, PICTURES, **options))
                end, busy = time.monotonic(), time.process_time() - busy
                stages = {name: spent - before.get(name, 0.0) for name, spent in _stages(renderer).items()}
                return _Done(count, start, end, busy, peak_memory(), renderer.driver, stages)
        except BaseException:
            self.barrier.abort()  # the others would wait for this one
            raise


def _stages(renderer: Any) -> dict[str, float]:
    """Stage -> seconds since the renderer was made, where it counts them (`Renderer.timings`)."""
    return dict(getattr(renderer, "timings", {}))


def peak_memory() -> float:
    """GB (1e9 bytes), the largest resident set that this process ever had; NaN where the system does not tell."""
    try:
        return high_water() / 1e9
    except OSError:  # Windows
        return float("nan")


def report(found: list[Rendering], screen: Console) -> None:
    """Print a table of measurements beside what is asked."""
    title = f"rendered people, {found[0].renderer}"
    heads = ("size", "processes", "pictures/s", "asked", "ms of a core", "GB each", "asked", "10,000 in")
    table = Table(*heads, title=title)
    most = max(one.processes for one in found)
    for one in found:
        all_cores = one.processes == most
        asked = f">= {one.asked:g}" if all_cores and one.asked is not None else ""
        table.add_row(
            f"{one.height}x{one.width}", str(one.processes), f"{one.rate:.1f}", asked, f"{1000 * one.busy:.0f}",
            f"{one.memory:.2f}", f"< {ASKED_MEMORY:g}", f"{one.minutes:.1f} min",
        )  # fmt: skip
    screen.print(table)
    for one in found:
        if one.stages:
            spent = ", ".join(f"{name} {ms:.1f}" for name, ms in one.stages.items())
            screen.print(f"{one.height}x{one.width}, processes: {one.processes}; ms a picture: {spent}")
