"""How fast training pairs come out of a store, heatmaps of both poses included."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import torch
from rich.console import Console
from rich.table import Table

from repose.data.loader import Loader, PairSampler
from repose.data.store import Store
from repose.markdown import each_value, grid_table
from repose.person import Pair
from repose.record import ResultLine, reading_line
from repose.represent.keypoints import heatmaps

SEED: Final = 0
"""Of the order of the pairs and of their mirroring."""

_WARM_UP: Final = 4
"""Batches that do not count."""


@dataclass(frozen=True)
class LoadingRates:
    """Mirrored training pairs a second.

    Attributes:
        pairs: images and joints, read when they are asked for. pairs_thread: read ahead by another thread.
        heatmaps, heatmaps_thread: likewise, with the Gaussian heatmaps of both poses, encoded by the caller as a
            network would.
        threads: of torch.
        seed: of the order of the pairs; None on lines of before it was written.
    """

    pairs: float
    pairs_thread: float
    heatmaps: float
    heatmaps_thread: float
    threads: int
    seed: int | None = SEED

    def line(self) -> ResultLine:
        """The result line, without its data and stamp: "bench" is "loading"; the attributes by their names."""
        return {
            "bench": "loading", "threads": self.threads, "pairs": self.pairs, "pairs_thread": self.pairs_thread,
            "heatmaps": self.heatmaps, "heatmaps_thread": self.heatmaps_thread, "seed": self.seed,
        }  # fmt: skip

    @classmethod
    def read(cls, line: ResultLine) -> LoadingRates:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            return cls(
                line["pairs"], line["pairs_thread"], line["heatmaps"], line["heatmaps_thread"], int(line["threads"]),
                line.get("seed"),
            )  # fmt: skip


def time_loading(store: Store, seconds: float = 3.0, batch: int = 32, split: str = "train") -> LoadingRates:
    """Load training pairs of a store, each way for some time after a warm-up.

    Args:
        store: the data set, with keypoints. seconds: of each of the four ways. batch: pairs at once. split: its name.

    Raises:
        ValueError: the store has no keypoints, or the split has no pairs.
        KeyError: no such split.
    """

    def rate(encode: bool, ahead: int) -> float:
        with Loader(store, PairSampler(store, split, batch, seed=SEED), flip="mirror", ahead=ahead) as loader:
            for _ in range(_WARM_UP):
                _use(next(loader)[1], encode)
            steps, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds:
                _use(next(loader)[1], encode)
                steps += 1
            return steps * batch / (time.perf_counter() - start)

    return LoadingRates(
        pairs=rate(False, 0), pairs_thread=rate(False, 2), heatmaps=rate(True, 0), heatmaps_thread=rate(True, 2),
        threads=torch.get_num_threads(),
    )  # fmt: skip


def print_loading(rates: LoadingRates, screen: Console) -> None:
    """Print the four rates."""
    table = Table("pairs a second", "read when asked for", "read ahead", title=f"threads: {rates.threads}")
    for name, direct, ahead in _rows(rates):
        table.add_row(name, direct, ahead)
    screen.print(table)


def loading_table(lines: list[ResultLine]) -> str:
    """The newest rates of each data set.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["data"]: line for line in lines if line.get("bench") == "loading"}
    if not newest:
        raise ValueError("results hold no line of `repose bench loading`")
    grid = [["data", "pairs a second", "read when asked for", "read ahead"]]
    for data, line in newest.items():
        grid += [[data, *row] for row in _rows(LoadingRates.read(line))]
    stamps = list(newest.values())
    about = ", ".join(f"{data} `{line['checksum']}`" for data, line in newest.items())
    return (
        f"{grid_table(grid)}\nMirrored pairs in batches; {about}. Threads: {each_value(stamps, 'threads')}; "
        f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}; "
        f"commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _rows(rates: LoadingRates) -> list[tuple[str, str, str]]:
    return [
        ("images and joints", f"{rates.pairs:,.0f}", f"{rates.pairs_thread:,.0f}"),
        ("with heatmaps of both poses", f"{rates.heatmaps:,.0f}", f"{rates.heatmaps_thread:,.0f}"),
    ]


def _use(pair: Pair, encode: bool) -> None:
    if not encode:
        return
    for person in (pair.source, pair.target):
        if person.keypoints is None or person.size is None:
            raise ValueError("repose bench loading: the store has no keypoints, so there are no heatmaps to make")
        heatmaps(person.keypoints, *person.size, kind="gaussian", sigma=6)
