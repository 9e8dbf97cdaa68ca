"""`repose bench budget`: recipes compared after equal minutes of training on this machine.

Equal for all: the data, the minutes, the threads, pairs in both directions, the averaged weights of the last image; and
nothing is chosen on test pairs. A probe measures how fast each recipe trains here, from its first to its last phase;
`images` is set so that the schedule of the learning rate ends when the minutes do, and set anew a few times on the
way, as other work on the machine comes and goes. Every training is a process of its own, `repose train`.

Killed at any moment, the same call goes on: what is trained stays, what is measured stays.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from repose import models, record
from repose.bench.forward import gmacs
from repose.bench.launch import Job, Launcher, Machine, Runner, cores
from repose.bench.tables import Line, budget_caption, budget_rows
from repose.comparison import SHEET_ROWS, model_pictures, pair_sheet, spread
from repose.data import Store
from repose.estimate import KeypointEstimator
from repose.estimate import estimator as find_estimator
from repose.images import save_image
from repose.metrics.evaluate import evaluate
from repose.metrics.features import load_features
from repose.metrics.pairs import MeasuredPairs
from repose.metrics.protocols import Protocol
from repose.metrics.protocols import protocol as find_protocol
from repose.metrics.result import Evaluation
from repose.metrics.settings import EvaluationSettings
from repose.metrics.tables import rich_table
from repose.models import read_recipe, recipe_from_dict
from repose.models.weights import weights_checksum
from repose.person import Pair
from repose.pipeline import Model, load
from repose.recipes import Recipe, override, to_dict
from repose.represent.canvas import canvas
from repose.tensor_files import write_text
from repose.train.checkpoint import load_checkpoint

EMA: Final = 10_000
"""Half-life for recipes that have no moving average: all are compared by their averaged weights."""

SHARES: Final = (0.25, 0.5, 0.75, 0.9)
"""Shares of the minutes after which the rest is planned anew."""

SHORTEST: Final = 30.0
"""Seconds of training between two such moments and before the end, at least."""

SLACK: Final = 0.05
"""Share of the minutes by which a run may miss them without a warning."""

_QUARTERS: Final = 4


@dataclass(frozen=True)
class Terms:
    """What is equal for all recipes of a comparison.

    Attributes:
        minutes: of training. threads: of each process. side_by_side: so many train at a time, each on cores of its own;
            where there is nothing left to train beside a run, a run that is thrown away keeps the machine as busy.
        accelerator: of `repose.train.loop.train`.
    """

    minutes: float
    threads: int = 1
    side_by_side: int = 1
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        if not self.minutes > 0 or self.threads < 1 or self.side_by_side < 1:
            raise ValueError(f"a budget has more than 0 minutes and at least 1 thread and 1 run at a time, got {self}")
        there = len(cores())
        if self.side_by_side > 1 and self.side_by_side * self.threads > there:
            raise ValueError(
                f"{self.side_by_side} runs of {self.threads} threads need {self.side_by_side * self.threads} cores of "
                f"their own, there are {there}; choose fewer"
            )


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
    runner: Runner | None = None,
) -> list[Line]:
    """Train every recipe for the same minutes, measure all on the test split, and leave lines, a table and a sheet.

    Args:
        specs: a recipe each, by name or file, with `key=value` words behind it; `name=...` tells two of one recipe
            apart. The protocol's canvas, both directions and a moving average are set for all.
        data: the store. protocol: name, or name@version. results: a .jsonl file to append to, or `out`/results.jsonl.
        out: folder of the runs, of plan.json, machine.jsonl (what the machine was doing) and sheet.png.
        limit: so many test pairs, spread over the list; None: all.
        pose: estimator for PCKh, or "none". features: of `evaluate`.
        probe: seconds of the probe; by default a twentieth of the minutes, from 10 to 60 seconds.
        runner: instead of processes.

    Returns:
        The result lines, in the order of `specs`.

    Raises:
        ValueError: two recipes of one name, settings that are not equal, `out` holds a comparison on other terms, or
            what `override` and `evaluate` raise.
        RuntimeError: a training process failed; the text holds the end of its log. Interrupted: `KeyboardInterrupt`.
    """
    made, store = find_protocol(protocol), Store.open(data)
    recipes = read_specs(specs, made)
    MeasuredPairs.select(made, store, limit=limit)  # what cannot be measured is said before the hours of training
    estimator = None if pose == "none" else find_estimator(pose)
    plan = _Plan.open(out, recipes, terms, store, made)
    run = runner or Launcher(store.folder, terms.threads, terms.side_by_side, terms.accelerator)
    for first in range(0, len(recipes), terms.side_by_side):
        group = recipes[first : first + terms.side_by_side]
        _probe(group, plan, run, screen, probe or min(60.0, max(10.0, terms.minutes * 3)))
        _train(group, plan, run, screen)
    loaded = {recipe.name: load(out / recipe.name, terms.accelerator) for recipe in recipes}
    where = results or out / "results.jsonl"
    threads = torch.get_num_threads()
    torch.set_num_threads(terms.threads)
    try:
        lines = _measured([*loaded.values()], plan, store, made, where, limit, estimator, features, screen)
    finally:
        torch.set_num_threads(threads)
    rows = budget_rows(lines)
    spent = [replace(row, scores={}) for row in rows if row.facts]  # in a table of its own: a terminal is narrow
    screen.print(rich_table(spent, f"after {terms.minutes:g} minutes"))
    screen.print(rich_table([replace(row, facts={}) for row in rows], "", budget_caption(lines)))
    pairs = spread(MeasuredPairs.select(made, store, limit=limit).indices, SHEET_ROWS)
    shown = MeasuredPairs(made, store, made.split, pairs)
    save_image(out / "sheet.png", pair_sheet(shown, [(name, model_pictures(one)) for name, one in loaded.items()]))
    screen.print(f"{out / 'sheet.png'}: {len(pairs)} of the pairs; lines in {where}", soft_wrap=True)
    return lines


def read_specs(specs: Sequence[str], made: Protocol) -> list[Recipe]:
    """ "patn-s network.width=16 name=narrow" -> the recipe on equal terms. ValueError says what cannot be compared."""
    recipes: list[Recipe] = []
    for spec in specs:
        first, *words = shlex.split(spec) or [""]
        recipe = read_recipe(Path(first)) if first.endswith(".json") else models.recipe(first)
        recipe = override(recipe, [f"canvas={made.canvas}", "data.both_directions=true", *words])
        if recipe.canvas != made.canvas or not recipe.data.both_directions:
            raise ValueError(f"'{spec}': all are compared on the canvas '{made.canvas}' and in both directions")
        if recipe.name in (other.name for other in recipes):
            raise ValueError(f"two recipes are called '{recipe.name}'; give one of them another: name=...")
        recipes.append(recipe if recipe.ema else replace(recipe, ema=EMA))
    if not recipes:
        raise ValueError("there is no recipe to compare")
    return recipes


# -- how many images ------------------------------------------------------------------------------------------------


def quarter_costs(images: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """Seconds an image in each quarter of a run, from (images, seconds) of its log; the first line is warm-up."""
    edges = np.linspace(0, images[-1], _QUARTERS + 1).clip(images[0])
    times = np.interp(edges, images, seconds)
    whole = (seconds[-1] - seconds[0]) / (images[-1] - images[0])
    return [
        float((t1 - t0) / (e1 - e0)) if e1 > e0 else float(whole)
        for (e0, e1), (t0, t1) in zip(pairwise(edges), pairwise(times), strict=True)
    ]


def expected(costs: Sequence[float], total: float, done: float = 0.0) -> float:
    """Seconds from image `done` to the end of a run of `total` images."""
    edges = np.linspace(0, total, len(costs) + 1)
    return float(sum(c * max(0.0, e1 - max(e0, done)) for c, (e0, e1) in zip(costs, pairwise(edges), strict=True)))


def images_for(costs: Sequence[float], seconds: float, done: int, step: int) -> int:
    """The length of a run, in whole steps, that has `done` images behind it and `seconds` left; a step at least."""
    low, high = float(done), done + seconds / min(costs) * len(costs) + step
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(costs, middle, done) < seconds else (low, middle)
    return done + max(1, round((low - done) / step)) * step


# -- inside: plan ---------------------------------------------------------------------------------------------------


class _Plan:
    """plan.json: the terms, and for each recipe its settings, its costs by the probe and how many images it gets."""

    def __init__(self, out: Path, terms: Terms, about: dict[str, Any], runs: dict[str, dict[str, Any]]) -> None:
        self.out, self.terms, self.about, self.runs = out, terms, about, runs

    @classmethod
    def open(cls, out: Path, recipes: Sequence[Recipe], terms: Terms, store: Store, made: Protocol) -> _Plan:
        about = {**asdict(terms), "data": store.dataset, "checksum": store.checksum, "protocol": str(made)}
        path, runs = out / "plan.json", dict[str, dict[str, Any]]()
        if path.exists():
            old = json.loads(path.read_text("utf-8"))
            runs = old["runs"]
            was = old["terms"]
            differ = [f"{key} was {was.get(key)}, is {now}" for key, now in about.items() if was.get(key) != now]
            for recipe in recipes:
                if recipe.name in runs and _settings(runs[recipe.name]["recipe"]) != _settings(to_dict(recipe)):
                    differ.append(f"the recipe '{recipe.name}' had other settings")
            if differ:
                raise ValueError(f"{out} holds a comparison on other terms ({'; '.join(differ)}); give another folder")
        for recipe in recipes:
            runs.setdefault(recipe.name, {"recipe": to_dict(recipe), "images": None, "costs": None})
        return cls(out, terms, about, runs)

    def save(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        write_text(self.out / "plan.json", json.dumps({"terms": self.about, "runs": self.runs}, indent=2) + "\n")

    def log(self, what: str, jobs: Sequence[Job], machine: Machine) -> None:
        line = {"what": what, "runs": [job.name for job in jobs], **asdict(machine), "date": record.stamp()["date"]}
        record.append(self.out / "machine.jsonl", line)

    def machine(self, name: str) -> dict[str, Any]:
        """Means over all that the run's training took, weighted by seconds."""
        path = self.out / "machine.jsonl"
        lines = [json.loads(text) for text in path.read_text("utf-8").splitlines()] if path.exists() else []
        legs = [line for line in lines if line["what"] == "train" and name in line["runs"]]

        def mean(values: list[tuple[float | None, float]]) -> float | None:
            known = [(value, weight) for value, weight in values if value is not None]
            return round(sum(v * w for v, w in known) / sum(w for _, w in known), 3) if known else None

        return {
            "cores": mean([(leg["cores"].get(name), leg["seconds"]) for leg in legs]),
            "others": mean([(leg["others"], leg["seconds"]) for leg in legs]),
            "load": mean([(sum(leg["load"]) / 2 if leg["load"] else None, leg["seconds"]) for leg in legs]),
            "beside": sorted({other for leg in legs for other in leg["runs"]} - {name}),
            "legs": len(legs),
        }


def _settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's settings without its length."""
    return {
        key: value for key, value in to_dict(recipe_from_dict(recipe)).items() if key not in ("images", "tick", "notes")
    }


# -- inside: training -----------------------------------------------------------------------------------------------


def _probe(group: Sequence[Recipe], plan: _Plan, run: Runner, screen: Console, seconds: float) -> None:
    """Find what an image costs each recipe of a group that has no plan yet; all of them at once, as they will train."""
    new = [recipe for recipe in group if plan.runs[recipe.name]["costs"] is None]
    if not new:
        return
    folder = plan.out / "probe"
    lengths = {recipe.name: 6 * _step(recipe) for recipe in new}
    for turn in range(2):  # the first, of six steps, says how long the second must be
        shutil.rmtree(folder, ignore_errors=True)
        screen.print(f"probe {turn + 1} of 2: {', '.join(f'{name}, {n:,} images' for name, n in lengths.items())}")
        jobs = [_job(recipe, folder, lengths[recipe.name], lengths[recipe.name]) for recipe in new]
        plan.log("probe", jobs, run(jobs))
        for recipe, job in zip(new, jobs, strict=True):
            images, passed = _logged(job.run)
            rate = (images[-1] - images[0]) / max(1e-3, passed[-1] - passed[0])  # the log's seconds are rounded
            lengths[recipe.name] = max(12, round(rate * seconds / _step(recipe))) * _step(recipe)
            plan.runs[recipe.name] |= {"costs": quarter_costs(images, passed), "rate": round(rate, 2)}
    shutil.rmtree(folder, ignore_errors=True)
    for recipe in new:
        found = plan.runs[recipe.name]
        found["images"] = images_for(found["costs"], plan.terms.minutes * 60, 0, _step(recipe))
        screen.print(f"{recipe.name}: {found['rate']:g} images a second, so {found['images']:,} images")
    plan.save()


def _train(group: Sequence[Recipe], plan: _Plan, run: Runner, screen: Console) -> None:
    """Train a group to its end, planning anew on the way."""
    whole = plan.terms.minutes * 60
    while True:
        jobs, before = [], {}
        for recipe in group:
            found, (done, seconds, kept) = plan.runs[recipe.name], _progress(plan.out / recipe.name)
            if done >= found["images"]:
                if kept == done:
                    continue
                found["images"] = done + _step(recipe)  # killed between its last checkpoint and its weights
            before[recipe.name] = done, seconds
            ends = [share * whole for share in SHARES if share * whole - seconds >= SHORTEST]
            last = not ends or whole - ends[0] < SHORTEST
            stop = None if last else ends[0] - seconds
            jobs.append(_job(recipe, plan.out, found["images"], max(1, found["images"] // 4), stop))
        if not jobs:
            return
        plan.save()
        for job in jobs:
            screen.print(f"{job.name}: {before[job.name][0]:,} of {plan.runs[job.name]['images']:,} images")
        plan.log("train", jobs, run(jobs))
        for recipe in group:
            if recipe.name in before:
                _replan(plan.runs[recipe.name], before[recipe.name], _progress(plan.out / recipe.name), whole, recipe)


def _replan(
    found: dict[str, Any], before: tuple[int, float], now: tuple[int, float, int], whole: float, recipe: Recipe
) -> None:
    """The length of a run for the seconds that are left, at the pace of the last leg."""
    done, seconds, _ = now
    if done == before[0]:
        raise RuntimeError(f"{recipe.name}: its training ended without a step; see its log")
    if done >= found["images"]:
        return
    planned = expected(found["costs"], found["images"], before[0]) - expected(found["costs"], found["images"], done)
    pace = (seconds - before[1]) / planned
    found["images"] = images_for([pace * c for c in found["costs"]], max(0.0, whole - seconds), done, _step(recipe))


def _job(recipe: Recipe, folder: Path, images: int, tick: int, stop_after: float | None = None) -> Job:
    """A job in `folder`/NAME; its recipe lies beside that folder."""
    path = folder / f"{recipe.name}.json"
    write_text(path, json.dumps(to_dict(replace(recipe, images=images, tick=tick)), indent=2) + "\n")
    return Job(recipe.name, path, folder / recipe.name, stop_after)


def _step(recipe: Recipe) -> int:
    """Images a step; both directions are trained."""
    return 2 * recipe.data.batch


def _progress(run: Path) -> tuple[int, float, int]:
    """Images and seconds of the newest checkpoint, and the images of the weights that lie beside it; 0 without."""
    found, card = load_checkpoint(run / "checkpoints"), run / "card.json"
    kept = int(json.loads(card.read_text("utf-8"))["images"]) if card.exists() else 0
    return (0, 0.0, kept) if found is None else (int(found[1]["images"]), float(found[1]["seconds"]), kept)


def _logged(run: Path) -> tuple[list[float], list[float]]:
    """Images and seconds at the lines of a run's log."""
    lines = [json.loads(text) for text in (run / "log.jsonl").read_text("utf-8").splitlines()]
    lines = [line for line in lines if line["kind"] == "train"]
    return [float(line["images"]) for line in lines], [float(line["seconds"]) for line in lines]


# -- inside: measuring ----------------------------------------------------------------------------------------------


def _measured(
    loaded: Sequence[Model],
    plan: _Plan,
    store: Store,
    made: Protocol,
    results: Path,
    limit: int | None,
    estimator: KeypointEstimator | None,
    features: bool | str,
    screen: Console,
) -> list[Line]:
    """The result line of each trained model: the one that stands in `results`, or a new one."""
    lines: list[Line] = []
    pairs = MeasuredPairs.select(made, store, limit=limit).indices
    settings = EvaluationSettings(
        estimator=estimator, limit=limit, features=features, joints=store.folder / "estimated"
    )  # fmt: skip
    version = load_features(features)[1]["features"]
    beside: Evaluation | None = None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, console=screen) as bar:
        for model in loaded:
            weights = weights_checksum(str(plan.out / model.name))
            wanted = {
                "kind": "budget", "protocol": str(made), "weights": weights, "checksum": store.checksum,
                "pairs": len(pairs), "estimator": estimator and estimator.name, "features": version,
                "model": model.name,
            }  # fmt: skip
            if known := _known(results, wanted):
                screen.print(f"{model.name}: measured before")
                lines.append(known)
                continue
            task = bar.add_task(model.name, total=None)

            def progress(_: str, done: int, total: int, task: TaskID = task) -> None:
                bar.update(task, completed=done, total=total)

            source = model_pictures(model, weights)
            beside = evaluate(made, store, source, settings, beside=beside, progress=progress)
            line = {**beside.line(), **_spent(model, plan, store, made, pairs, screen), "kind": "budget"}
            record.append(results, line)
            lines.append(_known(results, wanted) or line)
    return lines


def _known(results: Path, wanted: Line) -> Line | None:
    """The newest line of a file that says what is wanted."""
    for text in reversed(results.read_text("utf-8").splitlines() if results.exists() else []):
        line: Line = json.loads(text) if text.strip() else {}
        if all(line.get(key) == value for key, value in wanted.items()):
            return line
    return None


def _spent(model: Model, plan: _Plan, store: Store, made: Protocol, pairs: Tensor, screen: Console) -> Line:
    """What a result line tells of the training."""
    terms, recipe = plan.terms, model.recipe
    images, seconds, _ = _progress(plan.out / model.name)
    if abs(seconds / 60 / terms.minutes - 1) > SLACK:
        screen.print(f"warning: {model.name} trained for {seconds / 60:.1f} minutes, not {terms.minutes:g}")
    place, fields = canvas(made.canvas), model.generator.needs.fields
    one = Pair(place.frame(store.person(pairs[:1, 0], fields)), place.frame(store.person(pairs[:1, 1], fields)))
    one = one.to(model.device)
    return {
        "minutes": terms.minutes,
        "minutes_used": round(seconds / 60, 2),
        "images": images,
        "threads": terms.threads,
        "side_by_side": terms.side_by_side,
        "accelerator": terms.accelerator,
        "batch": recipe.data.batch,
        "both_directions": recipe.data.both_directions,
        "parameters": sum(weight.numel() for weight in model.generator.parameters()),
        "gmac": round(gmacs(model.generator, model.generator.encode(one.source, one.target)), 4),
        "needs": {"source": model.generator.needs.source, "target": model.generator.needs.target},
        "probed_rate": plan.runs[model.name]["rate"],
        "settings": to_dict(recipe),
        "trained": json.loads((plan.out / model.name / "card.json").read_text("utf-8"))["trained"],
        "machine": plan.machine(model.name),
    }
