"""Forward time of a generator under every backend, side by side in one run, against the machine's peak.

The backends take turns, so that a busy moment of the machine hits all of them alike; the best and the median of the
turns are reported. The peak is measured in the same run. A share above 1 means that a backend does fewer
multiplications than the direct sum (Winograd).
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.backends import BACKENDS, BackendError, find_backend, image_function
from repose.bench.peak import peak_gflops
from repose.bench.workload import example, gmacs, settle
from repose.files import first_line
from repose.markdown import each_value, grid_table
from repose.models import build_generator
from repose.models import recipe as find_recipe
from repose.models.base import Generator
from repose.person import Person
from repose.record import ResultLine, or_nan, reading_line
from repose.represent.canvas import from_uint8, to_uint8

CONTRAST: Final = 0.05
"""A picture with a smaller standard deviation is grey: every backend would agree on it."""

SEED: Final = 0
"""Of the weights and of the people."""

_SHOWN: Final = (256, 176, 1)
"""Height, width and batch of the lines that the Markdown table shows."""


@dataclass(frozen=True)
class BackendTime:
    """One backend on one network.

    Attributes:
        backend: key of `repose.backends.BACKENDS`.
        best, median: seconds a forward pass.
        share: of the machine's peak that the direct arithmetic in `best` seconds means.
        difference: largest absolute difference of a pixel to the plain module, of a range of 2.
        note: why it did not run, where it did not.
    """

    backend: str
    best: float = math.nan
    median: float = math.nan
    share: float = math.nan
    difference: float = math.nan
    note: str = ""


@dataclass(frozen=True)
class ForwardTimes:
    """One network under several backends.

    Attributes:
        recipe: its name.
        height, width, batch: of the pictures.
        parameters: of the generator.
        gmac: 10^9 multiply-adds of the batch by the direct sums.
        peak_gflops: of the machine, measured in the same run.
        threads: of torch.
        around: seconds a batch beside the network, with the joints given: bytes to floats, the pose's maps, and the
            result back to bytes. None on lines of before it was measured.
        rows: one a backend.
        seed: of the weights and of the people; None on lines of before it was written.
    """

    recipe: str
    height: int
    width: int
    batch: int
    parameters: int
    gmac: float
    peak_gflops: float
    threads: int
    around: float | None
    rows: tuple[BackendTime, ...]
    seed: int | None = SEED

    def line(self) -> ResultLine:
        """The result line, without its stamp: "bench" is "forward"; the attributes by their names."""
        return {"bench": "forward", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> ForwardTimes:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            rows = tuple(
                BackendTime(
                    row["backend"], or_nan(row["best"]), or_nan(row["median"]), or_nan(row["share"]),
                    or_nan(row["difference"]), row.get("note", ""),
                )
                for row in line["rows"]
            )  # fmt: skip
            return cls(
                line["recipe"], line["height"], line["width"], line["batch"], line["parameters"], line["gmac"],
                line["peak_gflops"], line["threads"], line.get("around"), rows, line.get("seed"),
            )  # fmt: skip

    @property
    def ran(self) -> list[BackendTime]:
        """The backends that ran."""
        return [row for row in self.rows if not math.isnan(row.best)]


def time_forward(
    name: str,
    height: int = 256,
    width: int = 176,
    batch: int = 1,
    rounds: int = 7,
    backends: Sequence[str] = tuple(BACKENDS),
    say: Callable[[str], None] = lambda _: None,
) -> ForwardTimes:
    """Time the generator of a recipe under the named backends; its weights are fresh, its batch norms settled.

    Args:
        name: a recipe.
        height, width, batch: of the pictures.
        rounds: turns of each backend after one that does not count.
        say: called with a line of text at each step.

    Raises:
        KeyError: no such recipe or backend; names the nearest.
        ValueError: the fresh network's picture is grey (below `CONTRAST`), so that no difference would show.
    """
    for backend in backends:
        find_backend(backend)
    torch.manual_seed(SEED)
    generator = build_generator(find_recipe(name))
    people = example(height, width, batch, SEED)
    inputs = generator.encode(*people)
    settle(generator, inputs)
    with torch.inference_mode():
        expected = generator.synthesise(*inputs).image
    if not float(expected.std()) > CONTRAST:
        raise ValueError(
            f"{name}: the picture of the fresh network is grey (standard deviation {float(expected.std()):.1e}); "
            "the difference between backends would say nothing"
        )
    arithmetic = gmacs(generator, inputs)
    runners, notes = _prepared(name, generator, inputs, backends, say)
    peak = peak_gflops()
    times: dict[str, list[float]] = {backend: [] for backend in runners}
    for turn in range(rounds):
        say(f"{name}: round {turn + 1} of {rounds}")
        for backend, run in runners.items():
            start = time.perf_counter()
            run(*inputs)
            times[backend].append(time.perf_counter() - start)
    around = min(_time_around(generator, *people, expected) for _ in range(rounds))
    peak = max(peak, peak_gflops())
    rows = []
    for backend in backends:
        if backend not in runners:
            rows.append(BackendTime(backend, note=notes[backend]))
            continue
        best = min(times[backend])
        difference = float((runners[backend](*inputs) - expected).abs().max())
        share = 2 * arithmetic / best / peak
        rows.append(BackendTime(backend, best, statistics.median(times[backend]), share, difference))
    parameters = sum(value.numel() for value in generator.parameters())
    threads = torch.get_num_threads()
    return ForwardTimes(name, height, width, batch, parameters, arithmetic, peak, threads, around, tuple(rows))


def print_forward(times: ForwardTimes, screen: Console) -> None:
    """Print a row for each backend."""
    title = (
        f"{times.recipe} {times.height}x{times.width}: {times.gmac:.1f} GMAC, {times.parameters / 1e6:.2f}M parameters"
        f"; peak {times.peak_gflops:.0f} GFLOP/s on {times.threads} threads"
    )
    table = Table("backend", "best s", "median s", "share of peak", "difference", "note", title=title)
    for row in times.rows:
        if row.note:
            table.add_row(row.backend, "", "", "", "", row.note)
        else:
            numbers = f"{row.best:.3f}", f"{row.median:.3f}", f"{row.share:.0%}", f"{row.difference:.1e}"
            table.add_row(row.backend, *numbers, "")
    screen.print(table)


def forward_table(lines: list[ResultLine]) -> str:
    """The newest timing of each network under every backend, one picture of 256x176.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {
        line["recipe"]: line
        for line in lines
        if line.get("bench") == "forward" and (line["height"], line["width"], line["batch"]) == _SHOWN
    }
    if not newest:
        raise ValueError("results hold no line of `repose bench forward` at 256x176")
    networks = [ForwardTimes.read(line) for line in newest.values()]
    timings = [{row.backend: row for row in times.rows} for times in networks]
    head = ["backend"]
    for times in networks:
        head += [f"`{times.recipe}` s", "of peak", "difference"]
    grid = [head]
    for backend in dict.fromkeys(backend for timing in timings for backend in timing):
        cells = [f"`{backend}`"]
        for timing in timings:
            cells += _cells(timing.get(backend))
        grid.append(cells)
    stamps = list(newest.values())
    about = [_about(times) for times in networks] + [note for times in networks if (note := _end_to_end(times))]
    return (
        f"{grid_table(grid)}\nBest of the rounds. {'; '.join(about)}. Threads: {each_value(stamps, 'threads')}; "
        f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}; "
        f"commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _prepared(
    name: str, generator: Generator, inputs: Sequence[Tensor], backends: Sequence[str], say: Callable[[str], None]
) -> tuple[dict[str, Callable[..., Any]], dict[str, str]]:
    """The backends that run, each run once; and why the others do not."""
    runners: dict[str, Callable[..., Any]] = {}
    notes: dict[str, str] = {}
    for backend in backends:
        say(f"{name}: preparing {backend}")
        try:
            runners[backend] = image_function(backend, generator, inputs)
            runners[backend](*inputs)
        except Exception as error:
            runners.pop(backend, None)
            notes[backend] = first_line(error, kind=not isinstance(error, BackendError))
    return runners, notes


@torch.inference_mode()
def _time_around(generator: Generator, source: Person, target: Person, generated: Tensor) -> float:
    """Seconds of everything but the network, once."""
    assert source.image is not None
    pixels = to_uint8(source.image)
    start = time.perf_counter()
    generator.encode(replace(source, image=from_uint8(pixels)), target)
    to_uint8(generated)
    return time.perf_counter() - start


def _cells(row: BackendTime | None) -> list[str]:
    """Seconds, share of the peak and difference of one backend on one network."""
    if row is None or math.isnan(row.best):
        return ["not tried" if row is None else "did not run", "", ""]
    difference = "NaN" if math.isnan(row.difference) else f"{row.difference:.0e}"
    return [f"{row.best:.3f}", f"{row.share:.0%}", difference]


def _about(times: ForwardTimes) -> str:
    return (
        f"`{times.recipe}` {times.gmac:.1f} GMAC at {times.height}x{times.width}, peak measured beside it "
        f"{times.peak_gflops:.0f} GFLOP/s"
    )


def _end_to_end(times: ForwardTimes) -> str:
    """Pictures a second from bytes to bytes by the fastest backend; empty where that is not known."""
    if times.around is None or not times.ran:
        return ""
    fastest = min(times.ran, key=lambda row: row.best)
    rate = times.batch / (fastest.best + times.around)
    return f"`{times.recipe}` end to end, joints given, {rate:.1f} pictures a second by `{fastest.backend}`"
