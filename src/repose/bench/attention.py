"""APATN's attention through PyTorch's fused kernel against the plain product, in time and in memory, side by side.

The plain product holds the whole matrix of places times places: 64 MiB at 4,096 places, twice, and once more for the
backward pass. Times are taken in turns in one process; the peak of memory in a process of its own for each.

`python -m repose.bench.attention WHAT WAY HEIGHT WIDTH BACKWARD THREADS` is such a process.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.bench.memory import high_water, status
from repose.bench.workload import example
from repose.markdown import each_value, grid_table
from repose.models import build_generator
from repose.models import recipe as find_recipe
from repose.models.apatn import network
from repose.record import ResultLine, or_nan, reading_line

ATTENTION_SIZES: Final = ((256, 256), (128, 88))
"""Height and width of the pictures; the attention is over places at a quarter of them."""

CHANNELS: Final = 256
"""Of the attention alone, as at the published size."""

ATTENTION: Final = "attention"
"""What is measured beside recipes: the attention of one block alone."""

SEED: Final = 0
"""Of the inputs, and of the weights."""


def plain_attention(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """`repose.models.apatn.network.attend` as eq. 5 and 6 are written, by way of the whole matrix."""
    q, k, v = (x.flatten(2) for x in (query, key, value))  # (B, C, HW)
    alignment = torch.softmax(scale * q.transpose(1, 2) @ k, dim=2)  # (B, HW, HW)
    return (v @ alignment.transpose(1, 2)).reshape(value.shape)


WAYS: Final[dict[str, Callable[..., Tensor]]] = {"plain": plain_attention, "fused": network.attend}


@dataclass(frozen=True)
class WayCost:
    """One way for one picture: the best and the median of the rounds.

    Attributes:
        way: of `WAYS`.
        forward, forward_median: seconds without a graph.
        both, both_median: seconds of forward and backward.
        forward_mib, both_mib: what the peak of memory adds to what is held before, MiB; NaN where the system does not
            tell.
    """

    way: str
    forward: float
    forward_median: float
    both: float
    both_median: float
    forward_mib: float
    both_mib: float


@dataclass(frozen=True)
class AttentionCost:
    """Both ways on one size.

    Attributes:
        what: "attention", that of one block alone, or the recipe whose whole generator ran.
        height, width: of the picture. places: of the attention, height times width at a quarter.
        threads: of torch.
        difference, gradient_difference: largest absolute difference of the two ways, of the result (of the gradient of
            its sum of squares by the first input), as a share of the largest value.
        rows: a cost for each of `WAYS`.
        seed: of inputs and weights; None on lines of before it was written.
    """

    what: str
    height: int
    width: int
    places: int
    threads: int
    difference: float
    gradient_difference: float
    rows: tuple[WayCost, ...]
    seed: int | None = SEED

    def line(self) -> ResultLine:
        """The result line, without its stamp: "bench" is "attention"; the attributes by their names."""
        return {"bench": "attention", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> AttentionCost:
        """Of a result line. ValueError if it lacks a key."""
        numbers = ("forward", "forward_median", "both", "both_median", "forward_mib", "both_mib")
        with reading_line(line):
            rows = tuple(WayCost(row["way"], *(or_nan(row[name]) for name in numbers)) for row in line["rows"])
            return cls(
                line["what"], line["height"], line["width"], line["places"], line["threads"], line["difference"],
                line["gradient_difference"], rows, line.get("seed"),
            )  # fmt: skip


@dataclass(frozen=True)
class AttentionRun:
    """Something to run: `run` gives a tensor from `first`, which takes a gradient, and fixed others."""

    run: Callable[[Tensor], Tensor]
    first: Tensor

    def forward(self) -> Tensor:
        """Without a graph."""
        with torch.inference_mode():
            return self.run(self.first)

    def both(self) -> Tensor:
        """Forward and backward; gives the gradient of `first`."""
        torch.autograd.backward(self.run(self.first).square().sum())  # of the weights too, as in training
        gradient, self.first.grad = self.first.grad, None
        assert gradient is not None
        return gradient


def attention_run(what: str, way: str, height: int, width: int) -> AttentionRun:
    """The attention of one block, or the generator of a recipe, on one picture; the same numbers for every way."""
    if what == ATTENTION:
        random = torch.Generator().manual_seed(SEED)
        # channels_last, as the networks are trained
        query, key, value = (
            (0.25 * torch.randn(1, CHANNELS, height // 4, width // 4, generator=random)).contiguous(
                memory_format=torch.channels_last
            )
            for _ in range(3)
        )
        return AttentionRun(lambda first: WAYS[way](first, key, value), query.requires_grad_())
    torch.manual_seed(SEED)
    generator = build_generator(find_recipe(what)).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    if not isinstance(generator, network.APATN):
        raise ValueError(f"{what} has no such attention; name a recipe of apatn")
    image, *poses = generator.encode(*example(height, width, seed=SEED))

    def run(first: Tensor) -> Tensor:
        with _attending(way):
            return generator.synthesise(first, *poses).image

    return AttentionRun(run, image.contiguous(memory_format=torch.channels_last).requires_grad_())


def time_attention(what: str, height: int, width: int, rounds: int = 5) -> AttentionCost:
    """Both ways in turns, with their memory.

    Args:
        what: "attention", or the name of a recipe of APATN.
        height, width: of the picture, multiples of 4.
        rounds: turns of each after one that does not count.

    Raises:
        ValueError: another model's recipe, or sides that are no multiples of 4.
        KeyError: no such recipe.
        RuntimeError: the process that measures the memory failed.
    """
    if height % 4 or width % 4:
        raise ValueError(f"the attention is over places at a quarter of the size; {height}x{width} has no such quarter")
    runs = {way: attention_run(what, way, height, width) for way in WAYS}
    results = {way: (one.forward(), one.both()) for way, one in runs.items()}
    apart, gradients_apart = (
        float((a - b).abs().max() / a.abs().max()) for a, b in zip(*results.values(), strict=True)
    )
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for way, one in runs.items():
            for kind, run in (("forward", one.forward), ("both", one.both)):
                start = time.perf_counter()
                run()
                times.setdefault((way, kind), []).append(time.perf_counter() - start)
    rows = []
    for way in WAYS:
        forward, both = times[way, "forward"], times[way, "both"]
        memory = (_memory(what, way, height, width, backward) for backward in (False, True))
        rows.append(WayCost(way, min(forward), statistics.median(forward), min(both), statistics.median(both), *memory))
    places = height // 4 * (width // 4)
    return AttentionCost(what, height, width, places, torch.get_num_threads(), apart, gradients_apart, tuple(rows))


def print_attention(costs: Sequence[AttentionCost], screen: Console) -> None:
    """Print a row for each way of each of these."""
    table = Table("what", "size", "places", "way", "forward s", "MiB", "with backward s", "MiB", "difference")
    for cost in costs:
        for row in cost.rows:
            table.add_row(
                cost.what,
                f"{cost.height}x{cost.width}",
                f"{cost.places:,}",
                row.way,
                f"{row.forward:.3f}",
                f"{row.forward_mib:.0f}",
                f"{row.both:.3f}",
                f"{row.both_mib:.0f}",
                "" if row.way == "plain" else f"{cost.difference:.0e}, {cost.gradient_difference:.0e}",
            )
    screen.print(table)


def attention_table(lines: list[ResultLine]) -> str:
    """The newest cost of the plain and of the fused product, of one block alone and of recipes, for each size.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {(line["what"], line["height"], line["width"]): line for line in lines if line.get("bench") == "attention"}
    if not newest:
        raise ValueError("results hold no line of `repose bench attention`")
    costs = [AttentionCost.read(line) for line in newest.values()]
    grid = [["what", "size", "product", "forward s", "forward MiB", "with backward s", "with backward MiB"]]
    for cost in costs:
        name = "one block's attention" if cost.what == ATTENTION else f"`{cost.what}`"
        size = f"{cost.height}x{cost.width}, {cost.places:,} places"
        for row in cost.rows:
            numbers = f"{row.forward:.3f}", f"{row.forward_mib:.0f}", f"{row.both:.3f}", f"{row.both_mib:.0f}"
            grid.append([name, size, row.way, *numbers])
    apart = max((cost.difference for cost in costs if cost.what == ATTENTION), default=math.nan)
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\nBest of the rounds; memory above what lies there before. One block's attention differs "
        f"by {apart:.0e} at most. Threads: {each_value(stamps, 'threads')}; {each_value(stamps, 'hardware')}; torch "
        f"{each_value(stamps, 'torch')}; commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


_RESET: Final = Path("/proc/self/clear_refs")


@contextlib.contextmanager
def _attending(way: str) -> Iterator[None]:
    """The blocks of APATN go this way."""
    before = network.attend
    network.attend = WAYS[way]
    try:
        yield
    finally:
        network.attend = before


def _memory(what: str, way: str, height: int, width: int, backward: bool) -> float:
    """MiB that the peak adds, in a process of its own; NaN where the system does not tell (Linux does)."""
    if not _RESET.exists():
        return float("nan")
    words = [what, way, str(height), str(width), str(int(backward)), str(torch.get_num_threads())]
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}  # glibc then gives freed pictures back at once
    command = [sys.executable, "-m", __name__, *words]
    process = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if process.returncode:
        raise RuntimeError(f"measuring the memory of {what} ({way}) failed:\n{process.stderr[-2000:]}")
    return float(json.loads(process.stdout))


def main(words: Sequence[str]) -> float:
    """MiB by which one run raises the peak of this process above what it held before."""
    what, way, height, width, backward, threads = words
    torch.set_num_threads(int(threads))
    one = attention_run(what, way, int(height), int(width))
    small = attention_run(ATTENTION, way, 16, 16)
    small.forward(), small.both()  # what a first use loads is no part of it
    _RESET.write_text("5")  # the peak of now: getrusage would tell that of the caller, if it was larger
    held = status("VmRSS")
    one.both() if backward == "1" else one.forward()
    return (high_water() - held) / 2**20


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
