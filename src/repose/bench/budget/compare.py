"""A whole comparison: probe, train, measure, and leave lines, tables and a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from repose.bench.budget.launch import Launcher, TrainJobs
from repose.bench.budget.measuring import Measurement, measure_models
from repose.bench.budget.plan import Plan
from repose.bench.budget.table import print_budget
from repose.bench.budget.terms import Terms, read_specs
from repose.bench.budget.training import probe_recipes, train_recipes
from repose.comparison import SHEET_ROWS, model_pictures, pair_sheet, spread_pairs
from repose.data import Store
from repose.estimate import estimator as find_estimator
from repose.images import save_image
from repose.metrics.protocols import protocol as find_protocol
from repose.pipeline import load
from repose.record import ResultLine


def compare_budgets(
    specs: Sequence[str],
    data: Path,
    protocol: str,
    terms: Terms,
    out: Path,
    results: Path | None,
    screen: Console,
    *,
    limit: int | None = None,
    pose: str = "movenet",
    features: bool | str = True,
    probe: float | None = None,
    train: TrainJobs | None = None,
) -> list[ResultLine]:
    """Train every recipe for the same minutes, measure all on the test split, and leave lines, tables and a sheet.

    Args:
        specs: a recipe each, by name or file, with `key=value` words behind it; `name=...` tells two of one recipe
            apart. The protocol's canvas, both directions and a moving average are set for all.
        data: the store. protocol: name, or name@version. results: a .jsonl file to append to, or `out`/results.jsonl.
        out: folder of the runs, of plan.json, machine.jsonl (what the machine was doing) and sheet.png.
        limit: so many test pairs, spread over the list; None: all.
        pose: estimator for PCKh, or "none". features: of `EvaluationSettings`.
        probe: seconds of the probe; by default a twentieth of the minutes, from 10 to 60 seconds.
        train: instead of processes.

    Returns:
        The result lines, in the order of `specs`.

    Raises:
        ValueError: two recipes of one name, settings that are not equal, `out` holds a comparison on other terms, or
            what `override` and `evaluate` raise.
        RuntimeError: a training process failed; the text holds the end of its log. Interrupted: `KeyboardInterrupt`.
    """
    rules, store = find_protocol(protocol), Store.open(data)
    recipes = read_specs(specs, rules.canvas)
    estimator = None if pose == "none" else find_estimator(pose)
    how = Measurement(rules, store, limit, estimator, features)
    measured = how.measured  # a split that cannot be measured is an error before the hours of training
    plan = Plan.open(out, recipes, terms, store, str(rules))
    run = train or Launcher(store.folder, terms.threads, terms.side_by_side, terms.accelerator)
    for first in range(0, len(recipes), terms.side_by_side):
        group = recipes[first : first + terms.side_by_side]
        probe_recipes(group, plan, run, screen, probe or min(60.0, max(10.0, terms.minutes * 3)))
        train_recipes(group, plan, run, screen)
    loaded = {recipe.name: load(out / recipe.name, terms.accelerator) for recipe in recipes}
    where = results or out / "results.jsonl"
    threads = torch.get_num_threads()
    torch.set_num_threads(terms.threads)
    try:
        lines = measure_models([*loaded.values()], plan, how, where, screen)
    finally:
        torch.set_num_threads(threads)
    print_budget(lines, screen)
    shown = replace(measured, indices=spread_pairs(measured.indices, SHEET_ROWS))
    save_image(out / "sheet.png", pair_sheet(shown, [(name, model_pictures(model)) for name, model in loaded.items()]))
    screen.print(f"{out / 'sheet.png'}: {len(shown)} of the pairs; lines in {where}", soft_wrap=True)
    return lines
