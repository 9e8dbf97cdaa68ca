"""APATN's attention through PyTorch's fused kernel against the plain product, in time and in memory, side by side.

The plain product holds the whole matrix of places times places: 64 MiB at 4,096 places, twice, and once more for the
backward pass. Times are taken in turns in one process; the peak of memory in a process of its own for each.

`python -m repose.bench.attention WHAT WAY HEIGHT WIDTH BACKWARD THREADS` is such a process.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.bench.forward import example
from repose.bench.peak import high_water, status
from repose.models import build_generator
from repose.models import recipe as find_recipe
from repose.models.apatn import network

SIZES: Final = ((256, 256), (128, 88))
"""Height and width of the pictures; the attention is over places at a quarter of them."""

CHANNELS: Final = 256
"""Of the attention alone, as at the published size."""

ATTENTION: Final = "attention"
"""What is measured beside recipes: the attention of one block alone."""


def plain(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """`repose.models.apatn.network.attend` as eq. 5 and 6 are written, by way of the whole matrix."""
    q, k, v = (x.flatten(2) for x in (query, key, value))  # (B, C, HW)
    alignment = torch.softmax(scale * q.transpose(1, 2) @ k, dim=2)  # (B, HW, HW)
    return (v @ alignment.transpose(1, 2)).reshape(value.shape)


WAYS: Final[dict[str, Callable[..., Tensor]]] = {"plain": plain, "fused": network.attend}


@dataclass(frozen=True)
class Cost:
    """One way for one picture: the best and the median of the rounds.

    Attributes:
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
class Found:
    """Both ways on one size.

    Attributes:
        what: "attention", that of one block alone, or the recipe whose whole generator ran.
        height, width: of the picture; places: of the attention, height times width at a quarter.
        difference, gradient_difference: largest absolute difference of the two ways, of the result (of the gradient of
            its sum of squares by the first input), as a share of the largest value.
        rows: a cost for each of `WAYS`.
    """

    what: str
    height: int
    width: int
    places: int
    threads: int
    difference: float
    gradient_difference: float
    rows: tuple[Cost, ...]

    def line(self) -> dict[str, Any]:
        """For `repose.record.append`, without its stamp."""
        return {"bench": "attention", **asdict(self)}


@dataclass(frozen=True)
class Job:
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


def job(what: str, way: str, height: int, width: int) -> Job:
    """The attention of one block, or the generator of a recipe, on one picture; the same numbers for every way."""
    if what == ATTENTION:
        random = torch.Generator().manual_seed(0)
        # channels_last, as the networks are trained
        query, key, value = (
            (0.25 * torch.randn(1, CHANNELS, height // 4, width // 4, generator=random)).contiguous(
                memory_format=torch.channels_last
            )
            for _ in range(3)
        )
        return Job(lambda first: WAYS[way](first, key, value), query.requires_grad_())
    torch.manual_seed(0)
    generator = build_generator(find_recipe(what)).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    if not isinstance(generator, network.APATN):
        raise ValueError(f"{what} has no such attention; name a recipe of apatn")
    image, *poses = generator.encode(*example(height, width))

    def run(first: Tensor) -> Tensor:
        with _attending(way):
            return generator.synthesise(first, *poses).image

    return Job(run, image.contiguous(memory_format=torch.channels_last).requires_grad_())


def measure(what: str, height: int, width: int, rounds: int = 5) -> Found:
    """Both ways in turns, with their memory.

    Args:
        what: "attention", or the name of a recipe of APATN.
        height, width: of the picture, multiples of 4.
        rounds: turns of each after one that does not count.

    Raises:
        ValueError: another model's recipe, or sides that are no multiples of 4. KeyError: no such recipe.
    """
    if height % 4 or width % 4:
        raise ValueError(f"the attention is over places at a quarter of the size; {height}x{width} has no such quarter")
    jobs = {way: job(what, way, height, width) for way in WAYS}
    results = {way: (one.forward(), one.both()) for way, one in jobs.items()}
    apart, gradients_apart = (
        float((a - b).abs().max() / a.abs().max()) for a, b in zip(*results.values(), strict=True)
    )
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for way, one in jobs.items():
            for kind, run in (("forward", one.forward), ("both", one.both)):
                start = time.perf_counter()
                run()
                times.setdefault((way, kind), []).append(time.perf_counter() - start)
    rows = []
    for way in WAYS:
        forward, both = times[way, "forward"], times[way, "both"]
        memory = (_memory(what, way, height, width, backward) for backward in (False, True))
        rows.append(Cost(way, min(forward), statistics.median(forward), min(both), statistics.median(both), *memory))
    places = height // 4 * (width // 4)
    return Found(what, height, width, places, torch.get_num_threads(), apart, gradients_apart, tuple(rows))


def report(found: Sequence[Found], screen: Console) -> None:
    """A table of what was found."""
    table = Table("what", "size", "places", "way", "forward s", "MiB", "with backward s", "MiB", "difference")
    for one in found:
        for row in one.rows:
            table.add_row(
                one.what,
                f"{one.height}x{one.width}",
                f"{one.places:,}",
                row.way,
                f"{row.forward:.3f}",
                f"{row.forward_mib:.0f}",
                f"{row.both:.3f}",
                f"{row.both_mib:.0f}",
                "" if row.way == "plain" else f"{one.difference:.0e}, {one.gradient_difference:.0e}",
            )
    screen.print(table)


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
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"measuring the memory of {what} ({way}) failed:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout))


def main(words: Sequence[str]) -> float:
    """MiB by which one run raises the peak of this process above what it held before."""
    what, way, height, width, backward, threads = words
    torch.set_num_threads(int(threads))
    one = job(what, way, int(height), int(width))
    small = job(ATTENTION, way, 16, 16)
    small.forward(), small.both()  # what a first use loads is no part of it
    _RESET.write_text("5")  # the peak of now: getrusage would tell that of the caller, if it was larger
    held = status("VmRSS")
    one.both() if backward == "1" else one.forward()
    return (high_water() - held) / 2**20


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
