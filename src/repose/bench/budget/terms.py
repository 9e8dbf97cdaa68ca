"""What is equal for all recipes of a comparison, and the recipes on these terms."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from repose import models
from repose.bench.budget.machine import own_cores
from repose.models import read_recipe
from repose.recipes import Recipe, override

EMA: Final = 10_000
"""Half-life for recipes that have no moving average: all are compared by their averaged weights."""


@dataclass(frozen=True)
class Terms:
    """What is equal for all recipes of a comparison.

    Attributes:
        minutes: of training. threads: of each process. side_by_side: so many train at a time, each on cores of its own;
            where there is nothing left to train beside a run, a run that is thrown away keeps the machine as busy.
        accelerator: of `repose.train.loop.train`.

    Raises:
        ValueError: no minutes, no thread, no run at a time, or more cores than there are.
    """

    minutes: float
    threads: int = 1
    side_by_side: int = 1
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        if not self.minutes > 0 or self.threads < 1 or self.side_by_side < 1:
            raise ValueError(f"a budget has more than 0 minutes and at least 1 thread and 1 run at a time, got {self}")
        there = len(own_cores())
        if self.side_by_side > 1 and self.side_by_side * self.threads > there:
            raise ValueError(
                f"{self.side_by_side} runs of {self.threads} threads need {self.side_by_side * self.threads} cores of "
                f"their own, there are {there}; choose fewer"
            )


def read_specs(specs: Sequence[str], canvas: str) -> list[Recipe]:
    """ "patn-s network.width=16 name=narrow" -> the recipe on equal terms.

    Args:
        specs: a recipe each, by name or file, with its settings behind it. canvas: of the protocol.

    Raises:
        ValueError: no recipe, two of one name, another canvas, or one direction alone.
        KeyError: no such recipe or setting; names the nearest.
    """
    recipes: list[Recipe] = []
    for spec in specs:
        first, *words = shlex.split(spec) or [""]
        recipe = read_recipe(Path(first)) if first.endswith(".json") else models.recipe(first)
        recipe = override(recipe, [f"canvas={canvas}", "data.both_directions=true", *words])
        if recipe.canvas != canvas or not recipe.data.both_directions:
            raise ValueError(f"'{spec}': all are compared on the canvas '{canvas}' and in both directions")
        if recipe.name in (other.name for other in recipes):
            raise ValueError(f"two recipes are called '{recipe.name}'; give one of them another: name=...")
        recipes.append(recipe if recipe.ema else replace(recipe, ema=EMA))
    if not recipes:
        raise ValueError("there is no recipe to compare")
    return recipes
