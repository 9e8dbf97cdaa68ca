"""The result lines of a comparison: every trained model is measured on the test split, and none twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from repose import record
from repose.bench.budget.plan import Plan
from repose.bench.budget.training import read_state
from repose.bench.workload import gmacs
from repose.comparison import model_pictures
from repose.data import Store
from repose.estimate import KeypointEstimator
from repose.files import read_object, read_object_lines
from repose.metrics.evaluate import evaluate
from repose.metrics.features import load_features
from repose.metrics.pairs import MeasuredPairs
from repose.metrics.protocols import Protocol
from repose.metrics.result import Evaluation
from repose.metrics.settings import EvaluationSettings
from repose.models.weights import weights_checksum
from repose.pipeline import Model
from repose.recipes import to_dict
from repose.record import ResultLine
from repose.represent.canvas import canvas

SLACK: Final = 0.05
"""Share of the minutes by which a run may miss them without a warning."""


@dataclass(frozen=True)
class Measurement:
    """How the models of a comparison are measured.

    Attributes:
        protocol, store: by what, and on which data; on the protocol's split.
        limit: so many pairs, spread over the list; None: all.
        estimator: for PCKh, or None.
        features: of `EvaluationSettings`.
    """

    protocol: Protocol
    store: Store
    limit: int | None
    estimator: KeypointEstimator | None
    features: bool | str

    @property
    def measured(self) -> MeasuredPairs:
        """The pairs that are measured. ValueError if there are none."""
        return MeasuredPairs.select(self.protocol, self.store, limit=self.limit)

    @property
    def settings(self) -> EvaluationSettings:
        """The same for `evaluate`; the estimator's joints are kept in the store."""
        return EvaluationSettings(
            estimator=self.estimator, limit=self.limit, features=self.features, joints=self.store.folder / "estimated"
        )


def measure_models(
    models: Sequence[Model], plan: Plan, how: Measurement, results: Path, screen: Console
) -> list[ResultLine]:
    """The result line of each trained model: the one that stands in `results`, or a new one, which is appended.

    "kind" is "budget"; the keys of an evaluation (`repose.metrics.result.Evaluation.line`), and those that
    `_training_facts` gives.
    """
    lines: list[ResultLine] = []
    pairs = how.measured.indices
    version = load_features(how.features)[1]["features"]
    beside: Evaluation | None = None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, console=screen) as bar:
        for model in models:
            weights = weights_checksum(str(plan.out / model.name))
            wanted = {
                "kind": "budget", "protocol": str(how.protocol), "weights": weights, "checksum": how.store.checksum,
                "pairs": len(pairs), "estimator": how.estimator and how.estimator.name,
                "features": version, "model": model.name,
            }  # fmt: skip
            if known := find_line(results, wanted):
                screen.print(f"{model.name}: measured before")
                lines.append(known)
                continue
            task = bar.add_task(model.name, total=None)

            def progress(_: str, done: int, total: int, task: TaskID = task) -> None:
                bar.update(task, completed=done, total=total)

            source = model_pictures(model, weights)
            beside = evaluate(how.protocol, how.store, source, how.settings, beside=beside, progress=progress)
            # the stamp is the evaluation's, the threads are those of the training
            line = {**beside.line(), **_training_facts(model, plan, how, pairs, screen), "kind": "budget"}
            record.append(results, line)
            lines.append(find_line(results, wanted) or line)
    return lines


def find_line(results: Path, wanted: ResultLine) -> ResultLine | None:
    """The newest line of a file that says what is wanted; None if there is none, or no file.

    Raises:
        ValueError: a line is damaged; the text names it.
    """
    lines: list[ResultLine] = read_object_lines(results) if results.exists() else []
    for line in reversed(lines):
        if all(line.get(key) == value for key, value in wanted.items()):
            return line
    return None


# -- inside ---------------------------------------------------------------------------------------------------------


def _training_facts(model: Model, plan: Plan, how: Measurement, pairs: Tensor, screen: Console) -> ResultLine:
    """What a result line tells of the training: minutes, images, size, settings, and what the machine did."""
    terms, recipe, state = plan.terms, model.recipe, read_state(plan.out / model.name)
    if abs(state.seconds / 60 / terms.minutes - 1) > SLACK:
        screen.print(f"warning: {model.name} trained for {state.seconds / 60:.1f} minutes, not {terms.minutes:g}")
    place, fields = canvas(how.protocol.canvas), model.generator.needs.fields
    source, target = (place.frame(how.store.person(pairs[:1, side], fields)).to(model.device) for side in (0, 1))
    return {
        "minutes": terms.minutes,
        "minutes_used": round(state.seconds / 60, 2),
        "images": state.images,
        "threads": terms.threads,
        "side_by_side": terms.side_by_side,
        "accelerator": terms.accelerator,
        "batch": recipe.data.batch,
        "both_directions": recipe.data.both_directions,
        "parameters": sum(weight.numel() for weight in model.generator.parameters()),
        "gmac": round(gmacs(model.generator, model.generator.encode(source, target)), 4),
        "needs": {"source": model.generator.needs.source, "target": model.generator.needs.target},
        "probed_rate": plan.runs[model.name]["rate"],
        "settings": to_dict(recipe),
        "trained": read_object(plan.out / model.name / "card.json")["trained"],
        "machine": plan.machine_use(model.name),
    }
