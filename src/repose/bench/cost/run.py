"""Speed and memory of a recipe's generator on this machine, in a process of its own.

`python -m repose.bench.cost.run TASK` is such a process; TASK is what `run_apart` takes, as a JSON list.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import nn

from repose import models
from repose.backends import image_function
from repose.bench.cost.result import SEED, GPURun, MeasuredRun, Seconds
from repose.bench.memory import high_water
from repose.bench.peak import peak_gflops
from repose.bench.workload import example, settle
from repose.files import first_line
from repose.models.base import Generator
from repose.person import Person
from repose.recipes import Recipe

LONGEST: Final = 900
"""Seconds that the measuring of one recipe may take."""


def run_generator(
    recipe: Recipe, height: int, width: int, rounds: int = 7, backends: Sequence[str] = ("plain",), device: str = "cpu"
) -> MeasuredRun:
    """Run the generator of a recipe here: seconds a picture by each backend, and memory of the first picture.

    The memory is this process's: call it in a fresh one (`run_apart`). Weights are fresh, batch norms settled.

    Args:
        recipe: its generator is run. height, width: of the one picture.
        rounds: turns of each backend after one that does not count.
        backends: of `repose.backends`, for the CPU. device: "cpu", or "cuda" for the plain module there as well.

    Raises:
        OSError: the system does not tell the peak of a process's memory.
    """
    _warm_up()
    idle = high_water()
    torch.manual_seed(SEED)
    generator = models.build_generator(recipe).eval()
    people = example(height, width, seed=SEED)
    with torch.inference_mode():
        generator(*people)
    taken = high_water() - idle
    inputs = generator.encode(*people)
    settle(generator, inputs)
    peak = peak_gflops(0.5)
    runners: dict[str, Callable[..., object]] = {}
    rows: dict[str, Seconds | str] = {}
    for name in backends:
        try:
            runners[name] = image_function(name, generator, inputs)
            runners[name](*inputs)
        except Exception as error:
            runners.pop(name, None)
            rows[name] = first_line(error, kind=True)
    times: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            times[name].append(_seconds(lambda run=run: run(*generator.encode(*people))))  # type: ignore[misc]
    rows |= {name: _quartiles(seconds) for name, seconds in times.items()}
    peak = max(peak, peak_gflops(0.5))
    gpu = _run_on_gpu(generator, people, max(rounds, 20)) if device == "cuda" else None
    return MeasuredRun(height, width, taken, rounds, rows, peak, gpu)


def run_apart(name: str, height: int, width: int, rounds: int, backends: Sequence[str], device: str) -> MeasuredRun:
    """`run_generator` of a registered recipe in a process of its own.

    Raises:
        RuntimeError: it failed, with its last line, or took longer than `LONGEST`.
    """
    task = json.dumps([name, height, width, rounds, list(backends), device])
    command = [sys.executable, "-W", "ignore", "-m", "repose.bench.cost.run", task]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done after {LONGEST} s") from error
    if process.returncode:
        last = (process.stderr.strip() or "it was killed, for memory perhaps").splitlines()[-1]
        raise RuntimeError(f"the process ended with {process.returncode}: {last[:200]}")
    return MeasuredRun.read(json.loads(process.stdout.splitlines()[-1]))


# -- inside ---------------------------------------------------------------------------------------------------------


def _run_on_gpu(generator: Generator, people: Sequence[Person], rounds: int) -> GPURun:
    """The plain module on the GPU: seconds from people there to the picture, and the most bytes of tensors there."""
    there = generator.to("cuda")
    source, target = (person.to("cuda") for person in people)

    def run() -> None:
        there.synthesise(*there.encode(source, target))
        torch.cuda.synchronize()

    with torch.inference_mode():
        run()
        torch.cuda.reset_peak_memory_stats()
        run()
        taken = torch.cuda.max_memory_allocated()
        seconds = _quartiles([_seconds(run) for _ in range(rounds)])
    return GPURun(seconds, taken, torch.cuda.get_device_name())


def _quartiles(times: list[float]) -> Seconds:
    low, median, high = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    return Seconds(min(times), median, low, high)


def _seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def _warm_up() -> None:
    """What the first convolution of a process brings along, kernels and threads, is not the network's."""
    with torch.inference_mode():
        nn.Conv2d(8, 8, 3)(torch.rand(1, 8, 64, 64))
        torch.rand(64, 64) @ torch.rand(64, 64)


def _work(task: str) -> None:
    """What the process of `run_apart` does: prints the result as JSON."""
    name, *rest = json.loads(task)
    print(json.dumps(run_generator(models.recipe(name), *rest).line()))


if __name__ == "__main__":
    _work(sys.argv[1])
