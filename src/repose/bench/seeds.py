"""`repose bench seeds`: recipes after equally many images, each from several seeds, with intervals over the seeds.

An ablation with one seed cannot tell a difference of two networks from one of two seeds. Here each recipe trains from
each seed for the same number of images (so the load of the machine does not matter, as it does for equal minutes), and
the table gives means over the seeds with 95 % t-intervals, and differences from the first recipe, seed by seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console

from repose import record
from repose.bench.budget.launch import Launcher, TrainJobs
from repose.bench.budget.measuring import find_line
from repose.bench.budget.process import TrainingJob
from repose.bench.budget.terms import read_specs
from repose.bench.evaluations import TableRow, features_note, read_scores, reference_rows, score_table
from repose.comparison import SHEET_ROWS, model_pictures, pair_sheet, spread_pairs
from repose.data import Store
from repose.estimate import estimator as find_estimator
from repose.images import save_image
from repose.markdown import each_value
from repose.metrics.accumulators import Score
from repose.metrics.evaluate import evaluate
from repose.metrics.features import load_features
from repose.metrics.pairs import MeasuredPairs
from repose.metrics.protocols import protocol as find_protocol
from repose.metrics.settings import EvaluationSettings
from repose.metrics.tables import rich_table
from repose.models.weights import read_card, weights_checksum
from repose.pipeline import load
from repose.recipes import Recipe, to_dict
from repose.record import LackingLineError, ResultLine
from repose.tensor_files import write_text

KIND: Final = "seeds"

STUDENT_T: Final = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622)
"""The 0.975 quantile of Student's t with 1, 2, ... degrees of freedom; so at most ten seeds."""

_TERMS: Final = ("protocol", "checksum", "split", "pairs", "images", "estimator", "features", "base", "seeds")
"""Keys of a line that are equal for all lines of one table."""


def compare_seeds(
    specs: Sequence[str],
    data: Path,
    protocol: str,
    images: int,
    seeds: Sequence[int],
    out: Path,
    results: Path | None,
    screen: Console,
    *,
    limit: int | None = None,
    pose: str = "movenet",
    features: bool | str = True,
    accelerator: str = "auto",
    train: TrainJobs | None = None,
) -> list[ResultLine]:
    """Train each recipe from each seed for equally many images, measure on the test split; leave lines and a sheet.

    What was trained and measured before, with the same settings, stays.

    Args:
        specs: a recipe each, by name or file, with `key=value` words behind it, as for `repose bench budget`. The first
            is the one that the others are compared with.
        data: the store. protocol: name, or name@version. images: of each run. seeds: of the runs, at least two.
        out: folder of the runs, NAME-SEED each, and of sheet.png. results: a .jsonl file to append to,
            or `out`/results.jsonl.
        limit: so many test pairs, spread over the list; None: all.
        pose: estimator for PCKh, or "none". features: of `EvaluationSettings`.
        train: in place of processes.

    Returns:
        The result lines, by recipe and seed.

    Raises:
        ValueError: fewer than two seeds, more than ten, or one twice; a run of other settings lies in `out`; or what
            `read_specs` and `evaluate` raise.
        RuntimeError: a training failed; the text holds the end of its log.
    """
    if not 2 <= len(seeds) <= len(STUDENT_T) + 1 or len(set(seeds)) < len(seeds):
        raise ValueError(
            f"an interval over seeds needs 2 to {len(STUDENT_T) + 1} of them, none twice; "
            f"got {', '.join(map(str, seeds)) or 'none'}"
        )
    rules, store = find_protocol(protocol), Store.open(data)
    recipes = [replace(recipe, images=images, tick=images) for recipe in read_specs(specs, rules.canvas)]
    estimator = None if pose == "none" else find_estimator(pose)
    pairs = MeasuredPairs.select(rules, store, limit=limit)
    settings = EvaluationSettings(
        estimator=estimator, limit=limit, features=features, joints=store.folder / "estimated"
    )  # fmt: skip
    version = load_features(features)[1]["features"]
    where = results or out / "results.jsonl"
    run = train or Launcher(store.folder, accelerator=accelerator)
    lines: list[ResultLine] = []
    about = {"base": recipes[0].name, "seeds": list(seeds), "images": images}
    # seed by seed: a comparison that is stopped early has all recipes from its first seeds
    for seed in seeds:
        for recipe in recipes:
            seeded = replace(recipe, seed=seed, name=f"{recipe.name}-{seed}")
            folder = _train(seeded, out, run, screen)
            weights = weights_checksum(str(folder))
            wanted = {
                "kind": KIND, "protocol": str(rules), "weights": weights, "checksum": store.checksum,
                "pairs": len(pairs.indices), "estimator": estimator and estimator.name, "features": version,
                "model": recipe.name, **about,
            }  # fmt: skip
            if (known := find_line(where, wanted)) is None:
                screen.print(f"{seeded.name}: measuring {len(pairs.indices):,} pairs")
                model = load(folder, accelerator)
                line = evaluate(rules, store, model_pictures(model, weights), settings).line()
                line |= {
                    "kind": KIND, "model": recipe.name, "seed": seed, "batch": recipe.data.batch,
                    "parameters": sum(weight.numel() for weight in model.generator.parameters()),
                    "settings": to_dict(seeded), **about,
                }  # fmt: skip
                record.append(where, line)
                known = find_line(where, wanted) or line
            lines.append(known)
    lines.sort(key=lambda line: [recipe.name for recipe in recipes].index(line["model"]))
    screen.print(rich_table(seed_rows(lines), "", seed_caption(lines)))
    shown = replace(pairs, indices=spread_pairs(pairs.indices, SHEET_ROWS))
    models = [(recipe.name, load(out / f"{recipe.name}-{seeds[0]}", accelerator)) for recipe in recipes]
    save_image(out / "sheet.png", pair_sheet(shown, [(name, model_pictures(model)) for name, model in models]))
    screen.print(f"{out / 'sheet.png'}: {len(shown)} of the pairs, seed {seeds[0]}; lines in {where}", soft_wrap=True)
    return lines


def seeds_table(lines: list[ResultLine], data: str, name: str) -> str:
    """The newest comparison over seeds on a data set whose first recipe has a name.

    Args:
        lines: result lines, the newest last. data: name of the data set. name: of the first recipe.

    Raises:
        ValueError: there is no such line, or some recipe lacks a seed.
    """
    chosen = [line for line in lines if line.get("kind") == KIND and line["data"] == data and line["base"] == name]
    if not chosen:
        raise ValueError(f"results hold no line of `repose bench seeds` on {data} whose first recipe is {name}")
    chosen = [line for line in chosen if all(line.get(key) == chosen[-1].get(key) for key in _TERMS)]
    newest = list({(line["model"], line["seed"]): line for line in chosen}.values())
    return score_table(seed_rows(newest), caption=seed_caption(newest))


def seed_rows(lines: list[ResultLine]) -> list[TableRow]:
    """The references, each recipe's mean over its seeds, and each recipe less the first, seed by seed.

    Raises:
        LackingLineError: a recipe lacks one of the seeds.
    """
    last = lines[-1]
    base, seeds, protocol = last["base"], last["seeds"], last["protocol"]
    scores: dict[str, dict[int, Mapping[str, Score]]] = {}
    parameters: dict[str, str] = {}
    for line in lines:
        scores.setdefault(line["model"], {})[line["seed"]] = read_scores(line["rows"]["generated"])
        parameters[line["model"]] = f"{line['parameters'] / 1e6:.2f} M"
    for name, of_seeds in scores.items():
        if lacking := [str(seed) for seed in seeds if seed not in of_seeds]:
            raise LackingLineError(f"{name} has no line of seed {', '.join(lacking)}; run the same command again")
    rows = reference_rows(last)
    for name in scores:
        columns = scores[name][seeds[0]]
        means = {column: over_seeds([scores[name][seed][column].value for seed in seeds]) for column in columns}
        rows.append(TableRow(f"`{name}`", means, protocol, {"parameters": parameters[name]}))
    for name in scores:
        if name == base:
            continue
        shared = [column for column in scores[name][seeds[0]] if column in scores[base][seeds[0]]]
        less = {
            column: over_seeds([scores[name][seed][column].value - scores[base][seed][column].value for seed in seeds])
            for column in shared
        }
        rows.append(TableRow(f"`{name}` less `{base}`", less, protocol))
    return rows


def over_seeds(values: Sequence[float]) -> Score:
    """The mean of a score over seeds, with its 95 % interval by Student's t with one degree of freedom less.

    Args:
        values: of each seed, two to ten.
    """
    count = len(values)
    mean = sum(values) / count
    if not all(map(math.isfinite, values)):
        return Score(mean, math.nan, math.nan)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    half = STUDENT_T[count - 2] * deviation / math.sqrt(count)
    return Score(mean, mean - half, mean + half)


def seed_caption(lines: list[ResultLine]) -> str:
    """What is equal for all lines."""
    last = lines[-1]
    count = f"{last['pairs']:,}"
    if last["pairs"] < last["pairs_in_split"]:
        count += f" of {last['pairs_in_split']:,}"
    return (
        f"{last['protocol']}, {last['data']} `{last['checksum']}`, {count} {last['split']} pairs. Each recipe trained "
        f"for {last['images']:,} images from the seeds {', '.join(map(str, last['seeds']))}, both directions, last "
        f"averaged weights; in brackets 95 % t-intervals over the seeds (those of the references: bootstrap over the "
        f"pairs).{features_note(last)} Commit {each_value(lines, 'commit', '`{}`')}, {each_value(lines, 'hardware')}."
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _train(recipe: Recipe, out: Path, train: TrainJobs, screen: Console) -> Path:
    """Train a recipe to its end in `out`/NAME, or go on with it; nothing if it has ended."""
    folder, path = out / recipe.name, out / f"{recipe.name}.json"
    settings = json.dumps(to_dict(recipe), indent=2) + "\n"
    if path.exists() and path.read_text("utf-8") != settings:
        raise ValueError(f"{path} holds a run of other settings; give another folder")
    if read_card(folder).get("images", 0) < recipe.images:
        screen.print(f"{recipe.name}: training, {recipe.images:,} images")
        out.mkdir(parents=True, exist_ok=True)
        write_text(path, settings)
        train([TrainingJob(recipe.name, path, folder)])
    return folder
