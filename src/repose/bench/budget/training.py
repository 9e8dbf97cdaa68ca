"""The trainings of a comparison: a probe of every recipe, then its run, planned anew on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from repose.bench.budget.launch import TrainJobs
from repose.bench.budget.lengths import expected_seconds, images_for, quarter_costs
from repose.bench.budget.plan import Plan, PlannedRun
from repose.bench.budget.process import TrainingJob
from repose.files import read_object_lines
from repose.models.weights import read_card
from repose.recipes import Recipe, to_dict
from repose.tensor_files import write_text
from repose.train.checkpoint import load_checkpoint

SHARES: Final = (0.25, 0.5, 0.75, 0.9)
"""Shares of the minutes after which the rest is planned anew."""

SHORTEST: Final = 30.0
"""Seconds of training between two such moments and before the end, at least."""


@dataclass(frozen=True)
class RunState:
    """How far a run has come.

    Attributes:
        images, seconds: of its newest checkpoint; 0 without one.
        weights: images of the weights that lie beside it; 0 without them.
    """

    images: int
    seconds: float
    weights: int


def probe_recipes(group: Sequence[Recipe], plan: Plan, train: TrainJobs, screen: Console, seconds: float) -> None:
    """Measure what an image costs each recipe of a group that has no plan yet; all at once, as they will train.

    Args:
        seconds: that the second, longer probe takes, about.
    """
    new = [recipe for recipe in group if plan.runs[recipe.name]["costs"] is None]
    if not new:
        return
    folder = plan.out / "probe"
    lengths = {recipe.name: 6 * step_of(recipe) for recipe in new}
    for turn in range(2):  # the first, of six steps, says how long the second must be
        shutil.rmtree(folder, ignore_errors=True)
        screen.print(f"probe {turn + 1} of 2: {', '.join(f'{name}, {n:,} images' for name, n in lengths.items())}")
        jobs = [make_job(recipe, folder, lengths[recipe.name], lengths[recipe.name]) for recipe in new]
        plan.log("probe", jobs, train(jobs))
        for recipe, job in zip(new, jobs, strict=True):
            images, passed = _read_log(job.run)
            rate = (images[-1] - images[0]) / max(1e-3, passed[-1] - passed[0])  # the log's seconds are rounded
            lengths[recipe.name] = max(12, round(rate * seconds / step_of(recipe))) * step_of(recipe)
            plan.runs[recipe.name] |= {"costs": quarter_costs(images, passed), "rate": round(rate, 2)}
    shutil.rmtree(folder, ignore_errors=True)
    for recipe in new:
        run = plan.runs[recipe.name]
        run["images"] = images_for(run["costs"], plan.terms.minutes * 60, 0, step_of(recipe))
        screen.print(f"{recipe.name}: {run['rate']:g} images a second, so {run['images']:,} images")
    plan.save()


def train_recipes(group: Sequence[Recipe], plan: Plan, train: TrainJobs, screen: Console) -> None:
    """Train a group to its end, planning anew on the way."""
    whole = plan.terms.minutes * 60
    while True:
        jobs: list[TrainingJob] = []
        before: dict[str, RunState] = {}
        for recipe in group:
            run, state = plan.runs[recipe.name], read_state(plan.out / recipe.name)
            if state.images >= run["images"]:
                if state.weights == state.images:
                    continue
                run["images"] = state.images + step_of(recipe)  # killed between its last checkpoint and its weights
            before[recipe.name] = state
            ends = [share * whole for share in SHARES if share * whole - state.seconds >= SHORTEST]
            last = not ends or whole - ends[0] < SHORTEST
            stop = None if last else ends[0] - state.seconds
            jobs.append(make_job(recipe, plan.out, run["images"], max(1, run["images"] // 4), stop))
        if not jobs:
            return
        plan.save()
        for job in jobs:
            screen.print(f"{job.name}: {before[job.name].images:,} of {plan.runs[job.name]['images']:,} images")
        plan.log("train", jobs, train(jobs))
        for recipe in group:
            if recipe.name in before:
                state = read_state(plan.out / recipe.name)
                replan(plan.runs[recipe.name], before[recipe.name], state, whole, recipe)


def replan(run: PlannedRun, before: RunState, now: RunState, whole: float, recipe: Recipe) -> None:
    """The length of a run for the seconds that are left, at the pace of the last leg.

    Args:
        run: its "images" are set. before, now: at the ends of the leg. whole: seconds of the budget.

    Raises:
        RuntimeError: the leg ended without a step.
    """
    if now.images == before.images:
        raise RuntimeError(f"{recipe.name}: its training ended without a step; see its log")
    if now.images >= run["images"]:
        return
    costs, total = run["costs"], run["images"]
    planned = expected_seconds(costs, total, before.images) - expected_seconds(costs, total, now.images)
    pace = (now.seconds - before.seconds) / planned
    run["images"] = images_for(
        [pace * cost for cost in costs], max(0.0, whole - now.seconds), now.images, step_of(recipe)
    )  # fmt: skip


def make_job(recipe: Recipe, folder: Path, images: int, tick: int, stop_after: float | None = None) -> TrainingJob:
    """A job in `folder`/NAME; its recipe is written beside that folder."""
    path = folder / f"{recipe.name}.json"
    write_text(path, json.dumps(to_dict(replace(recipe, images=images, tick=tick)), indent=2) + "\n")
    return TrainingJob(recipe.name, path, folder / recipe.name, stop_after)


def step_of(recipe: Recipe) -> int:
    """Images a step; both directions are trained."""
    return 2 * recipe.data.batch


def read_state(run: Path) -> RunState:
    """How far the run in a folder has come."""
    checkpoint = load_checkpoint(run / "checkpoints")
    weights = int(read_card(run).get("images", 0))
    if checkpoint is None:
        return RunState(0, 0.0, weights)
    return RunState(int(checkpoint[1]["images"]), float(checkpoint[1]["seconds"]), weights)


def _read_log(run: Path) -> tuple[list[float], list[float]]:
    """Images and seconds at the lines of a run's log."""
    lines = read_object_lines(run / "log.jsonl")
    lines = [line for line in lines if line["kind"] == "train"]
    return [float(line["images"]) for line in lines], [float(line["seconds"]) for line in lines]
