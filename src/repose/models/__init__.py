"""The registry of the shelves: literal tables from a name to "module:attribute", nothing found by scanning."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from repose.words import nearest

if TYPE_CHECKING:
    from repose.models.base import Generator, Objective
    from repose.train.recipe import Recipe


@dataclass(frozen=True)
class Entry:
    """Where a model's parts live, each as "module:attribute"; `convert` is None where nothing was released."""

    generator: str
    network_config: str
    objective: str
    objective_config: str
    convert: str | None


MODELS: Final[dict[str, Entry]] = {
    "patn": Entry(
        generator="repose.models.patn.network:PATN",
        network_config="repose.models.patn.network:PATNConfig",
        objective="repose.models.patn.objective:PATNObjective",
        objective_config="repose.models.patn.objective:PATNObjectiveConfig",
        convert="repose.models.patn.convert:convert_generator",
    ),
    "multiscale": Entry(
        generator="repose.models.multiscale.network:MultiScale",
        network_config="repose.models.multiscale.network:MultiScaleConfig",
        objective="repose.models.multiscale.objective:MultiScaleObjective",
        objective_config="repose.models.multiscale.objective:MultiScaleObjectiveConfig",
        convert="repose.models.multiscale.convert:convert_generator",
    ),
    "carry": Entry(
        generator="repose.models.carry.network:Carry",
        network_config="repose.models.carry.network:CarryConfig",
        objective="repose.models.carry.objective:CarryObjective",
        objective_config="repose.models.carry.objective:CarryObjectiveConfig",
        convert=None,
    ),
}

RECIPES: Final[dict[str, str]] = {
    "patn-market": "repose.models.patn.recipe:official_market",
    "patn-fashion": "repose.models.patn.recipe:official_fashion",
    "patn-paper": "repose.models.patn.recipe:paper",
    "patn-s": "repose.models.patn.recipe:small",
    "patn-market-5": "repose.models.patn.recipe:blocks_5",
    "patn-market-13": "repose.models.patn.recipe:blocks_13",
    "patn-market-without-add": "repose.models.patn.recipe:without_add",
    "patn-market-without-cat": "repose.models.patn.recipe:without_cat",
    "patn-market-resnet-5": "repose.models.patn.recipe:resnet_5",
    "patn-market-resnet-9": "repose.models.patn.recipe:resnet_9",
    "patn-market-resnet-13": "repose.models.patn.recipe:resnet_13",
    "multiscale-fashion": "repose.models.multiscale.recipe:official",
    "multiscale-paper": "repose.models.multiscale.recipe:paper",
    "multiscale-full": "repose.models.multiscale.recipe:full",
    "multiscale-a0": "repose.models.multiscale.recipe:a0",
    "multiscale-a1-lr": "repose.models.multiscale.recipe:a1_lr",
    "multiscale-a1-hr": "repose.models.multiscale.recipe:a1_hr",
    "multiscale-s": "repose.models.multiscale.recipe:small",
    "carry": "repose.models.carry.recipe:base",
    "carry-s": "repose.models.carry.recipe:small",
    "carry-s-fashion": "repose.models.carry.recipe:small_fashion",
}


def resolve(path: str) -> Any:
    """ "module:attribute" -> the attribute."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def recipe(name: str) -> Recipe:
    """The recipe of that name. KeyError, with the nearest name, if there is none."""
    if name not in RECIPES:
        raise KeyError(f"no recipe is called '{name}'; {nearest(name, RECIPES)}")
    made: Recipe = resolve(RECIPES[name])()
    return made


def build_generator(recipe: Recipe) -> Generator:
    """A recipe's generator with fresh weights."""
    made: Generator = resolve(MODELS[recipe.model].generator)(recipe.network)
    return made


def build_objective(recipe: Recipe) -> Objective:
    """A recipe's objective with fresh discriminators."""
    made: Objective = resolve(MODELS[recipe.model].objective)(recipe.objective)
    return made
