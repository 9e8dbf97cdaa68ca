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

from repose.bench.memory import high_water_gb
from repose.markdown import each_value, grid_table
from repose.record import ResultLine, reading_line

PICTURES: Final = 8
"""Of each person, as in the named sets."""

REQUIRED_RATES: Final = {(256, 176): 15.0, (128, 64): 40.0}
"""Height and width -> finished pictures a second that all cores must make."""

REQUIRED_MEMORY: Final = 2.0
"""GB that a process may take at most."""

REQUIRED_MINUTES: Final = 15.0
"""In which a store of `STORE_SIZE` pictures must be finished."""

STORE_SIZE: Final = 10_000
"""Pictures of a usual store."""

RENDERING_SIZES: Final = ((128, 64), (256, 176))
"""Height and width that are measured by default."""

SEED: Final = 990_000
"""Of the people of the first process; the others have the numbers that follow."""


@dataclass(frozen=True)
class RenderingSpeed:
    """One size, one number of processes.

    Attributes:
        height, width: pixels. processes: how many at once.
        pictures: finished, with all labels. seconds: from the first start to the last end.
        busy: processor seconds of a picture, in user and kernel, all threads.
        memory: GB, the largest resident set that a process ever had.
        renderer: OpenGL's name of what draws. stages: stage -> ms a picture, empty where the renderer measures none.
        style: of the people; None for the renderer's own choice.
        seed: see `SEED`; None on lines of before it was written.
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
    style: str | None = None
    seed: int | None = SEED

    @property
    def rate(self) -> float:
        """Finished pictures a second."""
        return self.pictures / self.seconds

    @property
    def required(self) -> float | None:
        """Pictures a second that this size must reach on all cores; None for other sizes."""
        return REQUIRED_RATES.get((self.height, self.width))

    @property
    def minutes(self) -> float:
        """For a store of 10,000 pictures, its writing not counted."""
        return STORE_SIZE / self.rate / 60

    def line(self) -> ResultLine:
        """The result line, without its stamp.

        "bench" is "rendering"; the attributes by their names, but "memory_gb" and "stages_ms"; "rate" and "minutes".
        """
        return {
            "bench": "rendering", "height": self.height, "width": self.width, "processes": self.processes,
            "pictures": self.pictures, "seconds": self.seconds, "rate": self.rate, "busy": self.busy,
            "memory_gb": self.memory, "minutes": self.minutes, "renderer": self.renderer, "stages_ms": self.stages,
            "style": self.style, "seed": self.seed,
        }  # fmt: skip

    @classmethod
    def read(cls, line: ResultLine) -> RenderingSpeed:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            return cls(
                line["height"], line["width"], line["processes"], line["pictures"], line["seconds"], line["busy"],
                line["memory_gb"], line["renderer"], line["stages_ms"], line.get("style"), line.get("seed"),
            )  # fmt: skip


def time_rendering(
    height: int, width: int, processes: int, seconds: float = 10.0, style: str | None = None
) -> RenderingSpeed:
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
        shares = [share for _, share in pool]  # as many tasks as processes, so each has one
    pictures = sum(share.pictures for share in shares)
    stages: dict[str, float] = {}
    for share in shares:
        for name, spent in share.stages.items():
            stages[name] = stages.get(name, 0.0) + 1000 * spent / pictures
    return RenderingSpeed(
        height, width, processes, pictures,
        seconds=max(share.end for share in shares) - min(share.start for share in shares),
        busy=sum(share.busy for share in shares) / pictures,
        memory=max(share.memory for share in shares),
        renderer=shares[0].renderer,
        stages=stages,
        style=style,
    )  # fmt: skip


def print_rendering(speeds: list[RenderingSpeed], screen: Console) -> None:
    """Print a row for each measurement, beside what is required."""
    heads = ("size", "processes", "pictures/s", "asked", "ms of a core", "GB each", "asked", "10,000 in")
    table = Table(*heads, title=f"rendered people, {speeds[0].renderer}")
    most = max(speed.processes for speed in speeds)
    for speed in speeds:
        required = f">= {speed.required:g}" if speed.processes == most and speed.required is not None else ""
        table.add_row(
            f"{speed.height}x{speed.width}", str(speed.processes), f"{speed.rate:.1f}", required,
            f"{1000 * speed.busy:.0f}", f"{speed.memory:.2f}", f"< {REQUIRED_MEMORY:g}", f"{speed.minutes:.1f} min",
        )  # fmt: skip
    screen.print(table)
    for speed in speeds:
        if speed.stages:
            spent = ", ".join(f"{name} {ms:.1f}" for name, ms in speed.stages.items())
            screen.print(f"{speed.height}x{speed.width}, processes: {speed.processes}; ms a picture: {spent}")


def rendering_table(lines: list[ResultLine]) -> str:
    """The newest speed of the renderer for each size and number of processes, beside what is required.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {
        (line["height"], line["width"], line["processes"]): line for line in lines if line.get("bench") == "rendering"
    }
    if not newest:
        raise ValueError("results hold no line of `repose bench rendering`")
    stamps = [newest[key] for key in sorted(newest)]
    speeds = [RenderingSpeed.read(line) for line in stamps]
    most = max(speed.processes for speed in speeds)
    grid = [["size", "processes", "pictures a second", "asked", "memory of a process", "10,000 pictures"]]
    for speed in speeds:
        required = f"{speed.required:g}" if speed.processes == most and speed.required is not None else ""
        grid.append(
            [
                f"{speed.height}x{speed.width}", str(speed.processes), f"{speed.rate:.1f}", required,
                f"{speed.memory:.2f} GB", f"{speed.minutes:.1f} min",
            ]
        )  # fmt: skip
    return (
        f"{grid_table(grid)}\nWith all labels, without the writing; asked: under {REQUIRED_MEMORY:g} GB a process, "
        f"10,000 pictures in {REQUIRED_MINUTES:g} minutes. {each_value(stamps, 'renderer')}; "
        f"{each_value(stamps, 'hardware')}; commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Share:
    """What one process rendered: `start` and `end` by the clock that all processes share."""

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

    def __call__(self) -> Callable[[int], _Share]:
        return self.work

    def work(self, number: int) -> _Share:
        """Render for a while, as process `number`."""
        from repose.render import Renderer, render_person

        options: dict[str, Any] = {} if self.style is None else {"style": self.style}
        try:
            with Renderer(self.height, self.width) as renderer:
                render_person(renderer, SEED + number, 0, PICTURES, **options)
                before = _stages(renderer)
                self.barrier.wait(300)  # no process measures while another still compiles
                count, start, busy = 0, time.monotonic(), time.process_time()
                while time.monotonic() - start < self.seconds:
                    count += len(render_person(renderer, SEED + number, 1 + count // PICTURES, PICTURES, **options))
                end, busy = time.monotonic(), time.process_time() - busy
                stages = {name: spent - before.get(name, 0.0) for name, spent in _stages(renderer).items()}
                return _Share(count, start, end, busy, high_water_gb(), renderer.driver, stages)
        except BaseException:
            self.barrier.abort()  # the others would wait for this one
            raise


def _stages(renderer: Any) -> dict[str, float]:
    """Stage -> seconds since the renderer was opened, where it counts them (`Renderer.timings`)."""
    return dict(getattr(renderer, "timings", {}))
