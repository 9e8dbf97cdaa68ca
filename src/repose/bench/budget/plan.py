"""What a comparison remembers: its terms, and for each recipe its settings, its costs and its length."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from repose import record
from repose.bench.budget.machine import MachineUse
from repose.bench.budget.process import TrainingJob
from repose.bench.budget.terms import Terms
from repose.files import read_object, read_object_lines
from repose.models import recipe_from_dict
from repose.recipes import Recipe, to_dict
from repose.tensor_files import write_text

PlannedRun = dict[str, Any]
"""One run of plan.json: "recipe" (its settings), "costs" (seconds an image in each quarter), "rate" (images a second of
the probe), "images" (the length of the run). Costs and images are null before the probe."""


class Plan:
    """plan.json and machine.jsonl in the folder of a comparison.

    Attributes:
        out: the folder. terms: of the comparison. runs: name of a recipe -> its run.
    """

    def __init__(self, out: Path, terms: Terms, about: dict[str, Any], runs: dict[str, PlannedRun]) -> None:
        self.out, self.terms, self.runs = out, terms, runs
        self._about = about

    @classmethod
    def open(cls, out: Path, recipes: Sequence[Recipe], terms: Terms, data: record.MeasuredData, protocol: str) -> Plan:
        """The plan that lies in a folder, with the recipes that it lacks; or a new one, which is not written yet.

        Raises:
            ValueError: the folder holds a comparison on other terms, or a recipe had other settings.
        """
        about = {**asdict(terms), "data": data.dataset, "checksum": data.checksum, "protocol": protocol}
        path, runs = out / "plan.json", dict[str, PlannedRun]()
        if path.exists():
            old = read_object(path)
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
        """Write plan.json."""
        self.out.mkdir(parents=True, exist_ok=True)
        write_text(self.out / "plan.json", json.dumps({"terms": self._about, "runs": self.runs}, indent=2) + "\n")

    def log(self, what: str, jobs: Sequence[TrainingJob], use: MachineUse) -> None:
        """Add what the machine did to machine.jsonl; `what` is "probe" or "train"."""
        line = {"what": what, "runs": [job.name for job in jobs], **asdict(use), "date": record.stamp()["date"]}
        record.append(self.out / "machine.jsonl", line)

    def machine_use(self, name: str) -> dict[str, Any]:
        """Means over all that the training of a run took, weighted by seconds."""
        path = self.out / "machine.jsonl"
        lines = read_object_lines(path) if path.exists() else []
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
