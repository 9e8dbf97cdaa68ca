"""What every system costs: weights, arithmetic, memory of training, and the speed on this machine, in one table.

Weights, multiply-adds and the memory of training are counted with fake tensors, so that 1024x1024 of the largest
network costs nothing. Speed and memory of inference are measured, each recipe in a process of its own that holds
nothing else. What the papers print stands beside it, marked as published.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from repose import models
from repose.backends import image_function, known
from repose.bench.forward import example, gmacs, peak_gflops, settle
from repose.bench.peak import high_water
from repose.models import PublishedCost
from repose.models.base import Generator
from repose.person import Person
from repose.recipes import Recipe, to_dict
from repose.record import append, hardware, stamp
from repose.train.memory import free_memory
from repose.train.memory_count import StorageCounter, feature_networks, inference_memory, step_memory
from repose.train.memory_forecast import USABLE

SIZES: Final = ((128, 64), (256, 176), (1024, 1024))
"""Height and width at which multiply-adds are counted."""

MEASURED: Final = (256, 176)
"""Where speed is measured."""

SQUARE: Final = (256, 256)
"""The same on a white square; a network that refuses `MEASURED` is counted and measured here."""

COUNTING: Final = 2
"""Version of how multiply-adds and seconds are counted: lines of another one are measured again. 2: attention counts,
and the seconds are of the whole way from people to the picture, on a GPU too (no line of 2 was timed there before)."""

LONGEST: Final = 900
"""Seconds that the measuring of one recipe may take."""


_APATN: Final = "Zhu et al., Table 2, DeepFashion, one Titan Xp"

OTHERS: Final = {
    "Ma et al. 2017 (PG2)": PublishedCost(437.09e6, 10.36, _APATN),
    "Esser et al. 2018 (VUnet)": PublishedCost(139.36e6, 29.37, _APATN),
    "Siarohin et al. 2018 (Deform)": PublishedCost(82.08e6, 17.74, _APATN),
    "Tang et al. 2020 (XingGAN)": PublishedCost(44.85e6, 57.40, _APATN),
}
"""Systems that the papers compare with and that are not here. Of those here, `models.published_costs` knows it."""


# -- counted ----------------------------------------------------------------------------------------------------------


def count(recipe: Recipe) -> dict[str, Any]:
    """What can be known of a recipe without running it.

    Returns:
        "parameters" of generator, objective and the feature networks that only look; "gmac" by size, in 10^9 for one
        picture, and "inference_bytes" by size; "why" a size has none; "training": bytes of a step at one pair and at
        the recipe's batch.
    """
    with torch.random.fork_rng(devices=[]), FakeTensorMode(allow_non_fake_inputs=True):
        generator, objective = models.build_generator(recipe).eval(), models.build_objective(recipe)
        parameters = {
            "generator": _weights([generator]),
            "objective": _weights(objective.networks.values()),
            "features": _weights(feature_networks(objective)),
        }
        arithmetic: dict[str, float] = {}
        memory: dict[str, int] = {}
        why: dict[str, str] = {}
        for height, width in (*SIZES, SQUARE):
            size = f"{height}x{width}"
            if (height, width) == SQUARE and f"{MEASURED[0]}x{MEASURED[1]}" in arithmetic:
                continue
            try:
                people = example(height, width)
                generator.check(*people)
                with StorageCounter(), torch.no_grad():  # it answers where a network asks for a number
                    arithmetic[size] = gmacs(generator, generator.encode(*people))
                memory[size] = inference_memory(generator, *people)
            except Exception as error:
                why[size] = _first_line(error)
    one, whole = step_memory(recipe, batch=1), step_memory(recipe)
    return {
        "parameters": parameters,
        "gmac": arithmetic,
        "inference_bytes": memory,
        "why": why,
        "training": {
            "batch": recipe.data.batch, "pictures": whole.batch, "bytes_at_one": one.step, "bytes": whole.step,
            "activations": whole.activations, "lacks": whole.not_counted,
        },
    }  # fmt: skip


def _weights(networks: Any) -> int:
    found = {id(weight): weight.numel() for network in networks for weight in network.parameters()}
    return sum(found.values())


# -- measured ---------------------------------------------------------------------------------------------------------


def measure(
    recipe: Recipe, height: int, width: int, rounds: int = 7, backends: Sequence[str] = ("plain",), device: str = "cpu"
) -> dict[str, Any]:
    """Run the generator of a recipe here: pictures a second by each backend, and memory of the first picture.

    The memory is this process's: call it in a fresh one (`measure_apart`). Weights are fresh, batch norms settled.

    Args:
        recipe: its generator is run. height, width: of the one picture.
        rounds: turns of each backend after one that does not count.
        backends: of `repose.backends`, for the CPU. device: "cpu", or "cuda" for the plain module there as well.

    Returns:
        "bytes" of the first forward pass with its weights, above the process before; "backends": for each the seconds
        "best", "median" and the quartiles "low" and "high", or "note" why it did not run; "peak_gflops"; and with a GPU
        "cuda", likewise.
    """
    _warm_up()
    idle = high_water()
    torch.manual_seed(0)
    generator = models.build_generator(recipe).eval()
    people = example(height, width)
    with torch.inference_mode():
        generator(*people)
    taken = high_water() - idle
    inputs = generator.encode(*people)
    settle(generator, inputs)
    peak = peak_gflops(0.5)
    runners: dict[str, Callable[..., object]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name in backends:
        try:
            runners[name] = image_function(name, generator, inputs)
            runners[name](*inputs)
        except Exception as error:
            runners.pop(name, None)
            rows[name] = {"note": _first_line(error)}
    times: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            times[name].append(_seconds(lambda run=run: run(*generator.encode(*people))))  # type: ignore[misc]
    rows |= {name: _spread(found) for name, found in times.items()}
    result = {
        "height": height, "width": width, "bytes": taken, "rounds": rounds, "backends": rows,
        "peak_gflops": max(peak, peak_gflops(0.5)),
    }  # fmt: skip
    if device == "cuda":
        result["cuda"] = _on_gpu(generator, people, max(rounds, 20))
    return result


def _on_gpu(generator: Generator, people: Sequence[Person], rounds: int) -> dict[str, Any]:
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
        found = _spread([_seconds(run) for _ in range(rounds)])
    return {**found, "bytes": taken, "name": torch.cuda.get_device_name()}


def _spread(times: list[float]) -> dict[str, Any]:
    low, median, high = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    return {"best": min(times), "median": median, "low": low, "high": high}


def _seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def _warm_up() -> None:
    """What the first convolution of a process brings along, kernels and threads, is not the network's."""
    with torch.inference_mode():
        nn.Conv2d(8, 8, 3)(torch.rand(1, 8, 64, 64))
        torch.rand(64, 64) @ torch.rand(64, 64)


def measure_apart(
    name: str, height: int, width: int, rounds: int, backends: Sequence[str], device: str
) -> dict[str, Any]:
    """`measure` of a registered recipe in a process of its own. RuntimeError with its last line where it fails."""
    task = json.dumps([name, height, width, rounds, list(backends), device])
    command = [sys.executable, "-W", "ignore", "-m", "repose.bench.cost", task]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done after {LONGEST} s") from error
    if done.returncode:
        last = (done.stderr.strip() or "it was killed, for memory perhaps").splitlines()[-1]
        raise RuntimeError(f"the process ended with {done.returncode}: {last[:200]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# -- all of them ------------------------------------------------------------------------------------------------------


def cost(
    name: str, rounds: int = 7, backends: Sequence[str] = ("plain",), device: str = "cpu", run: bool = True
) -> dict[str, Any]:
    """The result line of one recipe, without its stamp.

    Args:
        name: a recipe. rounds, backends, device: as `measure` takes them. run: False only counts.

    Returns:
        What `count` gives; "measured" as `measure` gives, or None with the reason under "why"; "again", whether a later
        try may give more.
    """
    recipe = models.recipe(name)
    line: dict[str, Any] = {"kind": "cost", "recipe": name, "model": recipe.model, "digest": digest(recipe)}
    line |= count(recipe) | {"measured": None, "again": False}
    size = next((at for at in (MEASURED, SQUARE) if f"{at[0]}x{at[1]}" in line["gmac"]), None)
    if size is None:
        line["why"]["measured"] = "it takes neither size"
        return line
    free, wanted = free_memory(), line["inference_bytes"][f"{size[0]}x{size[1]}"]
    if not run:
        line |= {"again": True}
        line["why"]["measured"] = "only counted"
    elif free is not None and wanted > USABLE * free:
        line |= {"again": True}
        line["why"]["measured"] = f"it needs {wanted / 1e9:.1f} GB, {free / 1e9:.1f} GB were free"
    else:
        try:
            line["measured"] = measure_apart(name, *size, rounds, backends, device)
        except RuntimeError as error:
            line |= {"again": True}
            line["why"]["measured"] = str(error)
    return line


def costs(
    names: Sequence[str],
    results: Path,
    *,
    rounds: int = 7,
    backends: Sequence[str] = ("plain",),
    device: str = "cpu",
    run: bool = True,
    anew: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, dict[str, Any] | None, str]]:
    """Cost of recipes, one after the other, each written into `results` at once; what stands there already stays.

    A line stands for a recipe of the same settings on the same hardware with as many threads. One that is counted only
    stays where no more is asked.

    Args:
        names: recipes. results: a .jsonl. rounds, backends, device, run: as of `cost`.
        anew: measure again what is there. say: told what happens.

    Yields:
        (recipe, its line or None, what happened: "measured", "was there", or why it has no line or was not run).

    Raises:
        KeyError: no such recipe or backend; nothing has been measured.
    """
    for backend in backends:
        known(backend)
    recipes = {name: models.recipe(name) for name in names}
    there = {} if anew else written(results, counted=not run)
    for name, recipe in recipes.items():
        key = (name, digest(recipe), hardware(), torch.get_num_threads())
        if key in there:
            yield name, there[key], "was there"
            continue
        say(name)
        try:
            line = cost(name, rounds, backends, device, run) | stamp()
        except Exception as error:
            yield name, None, f"skipped: {_first_line(error)}"
            continue
        append(results, line)
        yield name, line, line["why"].get("measured", "measured")


def text(line: dict[str, Any]) -> str:
    """A result line as one sentence."""
    counts, training, one = line["parameters"], line["training"], line["measured"]
    arithmetic = ", ".join(f"{size} {gmac:.1f}" for size, gmac in line["gmac"].items())
    said = (
        f"{line['recipe']}: {counts['generator'] / 1e6:.2f}M weights, {counts['objective'] / 1e6:.2f}M of "
        f"discriminators; GMAC {arithmetic}; training {training['bytes_at_one'] / 1e9:.2f} GB with one pair, "
        f"{training['bytes'] / 1e9:.2f} with {training['batch']}"
    )
    if one is None:
        return said
    for backend, row in one["backends"].items():
        said += f"; {backend} " + (row["note"] if "note" in row else f"{1 / row['median']:.2f} pictures a second")
    if "cuda" in one:
        said += f"; {one['cuda']['name']} {1 / one['cuda']['median']:.1f}"
    return f"{said}; inference {one['bytes'] / 1e9:.2f} GB"


def written(results: Path, counted: bool = False) -> dict[tuple[str, str, str, int], dict[str, Any]]:
    """The finished lines of a file by recipe, digest, hardware and threads; the newest of each.

    Args:
        counted: those too that are counted only, or could not be measured, where no finished one is.
    """
    found: dict[tuple[str, str, str, int], dict[str, Any]] = {}
    for text in results.read_text(encoding="utf-8").splitlines() if results.exists() else ():
        line = json.loads(text)
        if line.get("kind") == "cost" and (counted or not line["again"]):
            key = line["recipe"], line["digest"], line["hardware"], line["threads"]
            if key not in found or found[key]["again"] or not line["again"]:
                found[key] = line
    return found


def digest(recipe: Recipe) -> str:
    """Short name of all settings of a recipe, and of how its cost is counted."""
    return hashlib.sha256(json.dumps([COUNTING, to_dict(recipe)], sort_keys=True).encode()).hexdigest()[:12]


def _first_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0][:160]
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return f"{kind}{text}" if text else type(error).__name__


def _work(task: str) -> None:
    """What the process of `measure_apart` does: prints the result as JSON."""
    name, *rest = json.loads(task)
    print(json.dumps(measure(models.recipe(name), *rest)))


if __name__ == "__main__":
    _work(sys.argv[1])
