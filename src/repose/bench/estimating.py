"""All fields of many photographs beside each network alone: `repose estimate --fields` and what it is made of.

The photographs are drawn from a store and written as PNG. Both sides run in equally many processes, one thread each,
and take turns, a part of the photographs each, so that other work on the machine slows both. Of a network alone only
its calls are counted, on pictures in memory with joints that are known; of the whole everything: reading, every
network, writing.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.data import Store
from repose.estimate.base import KeypointEstimator
from repose.estimate.field_files import FieldFolder
from repose.estimate.field_worker import Photograph
from repose.estimate.many import estimate_folder, estimator_paths
from repose.estimate.workers import Killed, run_in_processes
from repose.images import load_image, save_image
from repose.markdown import each_value, grid_table
from repose.names import resolve
from repose.record import ResultLine, reading_line
from repose.represent.canvas import to_uint8

MANY: Final = 10_000
"""Photographs for which times are given."""


@dataclass(frozen=True)
class NetworkTime:
    """One network alone.

    Attributes:
        field: of `Person`. estimator: its name. seconds: of a photograph, with all processes at work.
    """

    field: str
    estimator: str
    seconds: float


@dataclass(frozen=True)
class EstimatingTimes:
    """Seconds of a photograph, all fields and each network alone.

    Attributes:
        height, width: of the photographs. photographs: how many were timed. workers: processes.
        seconds: of a photograph, by the whole command, from its first result on.
        start: seconds until the first result. networks: each one alone. people: on how many photographs a person was
            found; the others end after the joints. seed: None, nothing is random.
    """

    height: int
    width: int
    photographs: int
    workers: int
    seconds: float
    start: float
    people: int
    networks: tuple[NetworkTime, ...]
    seed: int | None = None

    @property
    def slowest(self) -> NetworkTime:
        """The network that takes the longest alone."""
        return max(self.networks, key=lambda one: one.seconds)

    @property
    def whole(self) -> float:
        """Seconds of all fields of `MANY` photographs, with the start."""
        return self.start + MANY * self.seconds

    @property
    def times(self) -> float:
        """All fields of `MANY` photographs, in times of the slowest network alone."""
        return self.whole / (MANY * self.slowest.seconds)

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "estimate", and the attributes by their names."""
        return {"bench": "estimate", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> EstimatingTimes:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            networks = tuple(NetworkTime(**one) for one in line["networks"])
            names = [name for name in cls.__dataclass_fields__ if name != "networks"]
            return cls(**{name: line[name] for name in names}, networks=networks)


def time_estimating(
    store: Store,
    fields: Sequence[str],
    using: Mapping[str, str] | None = None,
    photographs: int = 300,
    workers: int = 2,
    rounds: int = 2,
    say: Callable[[str], None] = lambda _: None,
) -> EstimatingTimes:
    """Time all fields of a store's photographs, and each network alone.

    Args:
        store: the photographs are spread over it. fields, using: as of `repose.estimate.many.estimate_folder`.
        photographs: so many, in `rounds` parts, each of which is done by the whole and by each network.
        workers: processes, of both. say: called with a line of text at each turn.

    Raises:
        ValueError: too few photographs for the processes, or what `estimate_folder` raises.
    """
    if rounds < 1 or workers < 1 or photographs < 4 * workers * rounds:
        raise ValueError(
            "at least 1 round, 1 process and 4 photographs a process and round are needed, "
            f"got {rounds}, {workers} and {photographs}"
        )
    paths = estimator_paths(fields, using or {})
    spent = dict.fromkeys(paths, 0.0)
    counts = dict.fromkeys(paths, 0)
    whole = starts = 0.0
    intervals = people = 0
    with tempfile.TemporaryDirectory() as name:
        files = _written(store, Path(name), photographs)
        for turn in range(rounds):
            part = files[turn::rounds]
            say(f"round {turn + 1} of {rounds}: all fields of {len(part)} photographs")
            folder = FieldFolder(Path(name) / f"fields-{turn}")
            begin = time.perf_counter()
            arrivals = []
            for outcome in estimate_folder(part, fields, folder.folder, using=paths, workers=workers):
                arrivals.append(time.perf_counter())
                people += outcome.record is not None
            whole += time.perf_counter() - arrivals[0]
            intervals += len(arrivals) - 1
            starts += arrivals[0] - begin
            known = [(str(path), path.stem) for path in part if folder.record(path.stem) is not None]
            for field in paths:
                say(f"round {turn + 1} of {rounds}: {field} alone")
                start = functools.partial(_Alone, field, paths[field], str(folder.folder))
                for _, seconds in run_in_processes(start, known, workers):
                    if isinstance(seconds, Killed):
                        raise ValueError(f"{field}: {seconds.reason}")
                    spent[field] += seconds
                    counts[field] += 1
    networks = tuple(
        NetworkTime(field, resolve(path)().name, spent[field] / max(1, counts[field]) / workers)
        for field, path in paths.items()
    )
    return EstimatingTimes(*store.size, photographs, workers, whole / intervals, starts / rounds, people, networks)


def print_estimating(times: EstimatingTimes, screen: Console) -> None:
    """Print the networks and the whole, a row each."""
    title = f"{times.photographs} photographs of {times.height}x{times.width}, processes: {times.workers}"
    table = Table(*_HEAD, title=title)
    for row in _rows(times):
        table.add_row(*row)
    screen.print(table)


def estimating_table(lines: list[ResultLine]) -> str:
    """The newest times of each size and number of processes, as Markdown.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {
        (line["height"], line["width"], line["workers"]): line for line in lines if line.get("bench") == "estimate"
    }
    if not newest:
        raise ValueError("results hold no line of `repose bench estimate`")
    tables = []
    for line in newest.values():
        times = EstimatingTimes.read(line)
        tables.append(
            f"{grid_table([list(_HEAD), *_rows(times)])}\n{times.photographs} photographs of "
            f"{times.height}x{times.width}; processes: {times.workers}, one thread each; "
            f"{each_value([line], 'hardware')}; torch {each_value([line], 'torch')}; commit "
            f"{each_value([line], 'commit', '`{}`')}.\n"
        )
    return "\n".join(tables)


# -- inside ---------------------------------------------------------------------------------------------------------

_HEAD: Final = ("field", "estimator", "ms a photograph", f"minutes for {MANY:,}", "times the slowest")


def _rows(times: EstimatingTimes) -> list[list[str]]:
    slowest = times.slowest.seconds
    rows = [
        [one.field, f"`{one.estimator}`", *_cells(one.seconds, MANY * one.seconds, slowest)] for one in times.networks
    ]
    return [*rows, ["all, files read and written", "", *_cells(times.seconds, times.whole, slowest)]]


def _cells(seconds: float, many: float, slowest: float) -> list[str]:
    return [f"{1e3 * seconds:.0f}", f"{many / 60:.1f}", f"{many / (MANY * slowest):.2f}"]


def _written(store: Store, folder: Path, count: int) -> list[Path]:
    """Photographs of a store, spread over it, as PNG files."""
    if len(store) < count:
        raise ValueError(f"the store has {len(store)} photographs, {count} are wanted")
    files = []
    for row in (k * len(store) // count for k in range(count)):
        image = store.person(torch.tensor([row]), ["image"]).image
        assert image is not None
        files.append(folder / f"{row:07d}.png")
        save_image(files[-1], to_uint8(image[0]))
    return files


class _Alone:
    """One network in a process: a photograph and its joints -> the seconds of the network's call.

    Args:
        field: of `Person`. path: "module:Class" of its estimator. folder: of the joints.
    """

    def __init__(self, field: str, path: str, folder: str) -> None:
        self.field, self.network, self.folder = field, resolve(path)(), FieldFolder(folder)
        self._warm = False

    def __call__(self, photograph: Photograph) -> float:
        path, name = photograph
        image = load_image(path)
        record = self.folder.record(name)
        assert record is not None
        keypoints = self.folder.keypoints(record)
        if not self._warm:  # kernels are compiled and buffers are laid out, on another picture
            self._run(np.ascontiguousarray(image[:, ::-1]), keypoints)
            self._warm = True
        begin = time.perf_counter()
        self._run(image, keypoints)
        return time.perf_counter() - begin

    def _run(self, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], keypoints: Tensor) -> None:
        if self.field == "keypoints":
            cast(KeypointEstimator, self.network).people(image)
        else:
            getattr(self.network, self.field)(image, keypoints)


__all__ = ["MANY", "EstimatingTimes", "NetworkTime", "estimating_table", "print_estimating", "time_estimating"]
