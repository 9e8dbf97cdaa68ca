"""The cost of recipes, one after the other, each on a line of a file; a run that was stopped can be continued."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from repose import models
from repose.backends import find_backend
from repose.bench.cost.count import count_cost
from repose.bench.cost.result import MEASURED_SIZE, SQUARE_SIZE, Cost, MeasuredRun, size_name
from repose.bench.cost.run import run_apart
from repose.files import first_line, read_object_lines
from repose.recipes import Recipe, to_dict
from repose.record import append_result, hardware
from repose.train.memory import free_memory
from repose.train.memory_forecast import USABLE

COUNTING: Final = 2
"""Version of how multiply-adds and seconds are counted: lines of another one are measured again. 2: attention counts,
and the seconds are of the whole way from people to the picture, on a GPU too (no line of 2 was timed there before)."""


def measure_cost(
    name: str, rounds: int = 7, backends: Sequence[str] = ("plain",), device: str = "cpu", run: bool = True
) -> Cost:
    """What one recipe costs.

    Args:
        name: a recipe. rounds, backends, device: as `run_generator` takes them. run: False only counts.

    Raises:
        KeyError: no such recipe.
    """
    recipe = models.recipe(name)
    counted = count_cost(recipe)

    def cost(measured: MeasuredRun | None, why: str = "", again: bool = False) -> Cost:
        reasons = {**counted.why, **({"measured": why} if why else {})}
        digest = settings_digest(recipe)
        return Cost(name, recipe.model, digest, replace(counted, why=reasons), measured, again)

    size = next((size for size in (MEASURED_SIZE, SQUARE_SIZE) if size_name(size) in counted.gmac), None)
    if size is None:
        return cost(None, "it takes neither size")
    if not run:
        return cost(None, "only counted", again=True)
    free, wanted = free_memory(), counted.inference_bytes[size_name(size)]
    if free is not None and wanted > USABLE * free:
        return cost(None, f"it needs {wanted / 1e9:.1f} GB, {free / 1e9:.1f} GB were free", again=True)
    try:
        return cost(run_apart(name, *size, rounds, backends, device))
    except RuntimeError as error:
        return cost(None, str(error), again=True)


def measure_costs(
    names: Sequence[str],
    results: Path,
    *,
    rounds: int = 7,
    backends: Sequence[str] = ("plain",),
    device: str = "cpu",
    run: bool = True,
    anew: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, Cost | None, str]]:
    """Cost of recipes, one after the other, each written into `results` at once; what stands there already stays.

    A line stands for a recipe of the same settings on the same hardware with as many threads. One that is counted only
    stays where no more is asked.

    Args:
        names: recipes. results: a .jsonl. rounds, backends, device, run: as of `measure_cost`.
        anew: measure again what is there. say: called with the name of the recipe that is measured now.

    Yields:
        (recipe, its cost or None, what happened: "measured", "was there", or why it has no cost or was not run).

    Raises:
        KeyError: no such recipe or backend; nothing has been measured.
    """
    for backend in backends:
        find_backend(backend)
    recipes = {name: models.recipe(name) for name in names}
    there = {} if anew else read_costs(results, counted=not run)
    for name, recipe in recipes.items():
        key = (name, settings_digest(recipe), hardware(), torch.get_num_threads())
        if key in there:
            yield name, there[key], "was there"
            continue
        say(name)
        try:
            cost = measure_cost(name, rounds, backends, device, run)
        except Exception as error:
            yield name, None, f"skipped: {first_line(error, kind=True)}"
            continue
        append_result(results, cost.line())
        yield name, cost, cost.counted.why.get("measured", "measured")


def read_costs(results: Path, counted: bool = False) -> dict[tuple[str, str, str, int], Cost]:
    """The finished costs of a file by recipe, digest, hardware and threads; the newest of each.

    Args:
        results: a .jsonl; none are read where there is no such file.
        counted: those too that are counted only, or could not be measured, where no finished one is.
    """
    costs: dict[tuple[str, str, str, int], Cost] = {}
    for line in read_object_lines(results) if results.exists() else ():
        if line.get("kind") == "cost" and (counted or not line["again"]):
            key = line["recipe"], line["digest"], line["hardware"], line["threads"]
            if key not in costs or costs[key].again or not line["again"]:
                costs[key] = Cost.read(line)
    return costs


def settings_digest(recipe: Recipe) -> str:
    """Short name of all settings of a recipe, and of how its cost is counted."""
    return hashlib.sha256(json.dumps([COUNTING, to_dict(recipe)], sort_keys=True).encode()).hexdigest()[:12]
