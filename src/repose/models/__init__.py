"""The registry of the shelves: literal tables from a name to "module:attribute", nothing found by scanning."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from repose.names import nearest, resolve
from repose.recipes import Recipe, RecipeError, typed_recipe, unknown

if TYPE_CHECKING:
    from repose.draw.panels import Panel
    from repose.models.base import Generator, Objective
    from repose.person import Person


@dataclass(frozen=True)
class Entry:
    """Where a model's parts live, each as "module:attribute"; `convert` is None where nothing was released.

    `inspect` draws what happens inside (`repose inspect`), None where nobody wrote it.
    """

    generator: str
    network_config: str
    objective: str
    objective_config: str
    convert: str | None
    inspect: str | None = None


MODELS: Final[dict[str, Entry]] = {
    "patn": Entry(
        generator="repose.models.patn.network:PATN",
        network_config="repose.models.patn.network:PATNConfig",
        objective="repose.models.patn.objective:PATNObjective",
        objective_config="repose.models.patn.objective:PATNObjectiveConfig",
        convert="repose.models.patn.convert:convert_generator",
        inspect="repose.models.patn.inspect:panels",
    ),
    "apatn": Entry(
        generator="repose.models.apatn.network:APATN",
        network_config="repose.models.apatn.network:APATNConfig",
        objective="repose.models.patn.objective:PATNObjective",  # the text changes nothing in it
        objective_config="repose.models.patn.objective:PATNObjectiveConfig",
        convert=None,
        inspect="repose.models.apatn.inspect:panels",
    ),
    "multiscale": Entry(
        generator="repose.models.multiscale.network:MultiScale",
        network_config="repose.models.multiscale.network:MultiScaleConfig",
        objective="repose.models.multiscale.objective:MultiScaleObjective",
        objective_config="repose.models.multiscale.objective:MultiScaleObjectiveConfig",
        convert="repose.models.multiscale.convert:convert_generator",
        inspect="repose.models.multiscale.inspect:panels",
    ),
    "pinet": Entry(
        generator="repose.models.pinet.network:PINet",
        network_config="repose.models.pinet.network:PINetConfig",
        objective="repose.models.pinet.objective:PINetObjective",
        objective_config="repose.models.pinet.objective:PINetObjectiveConfig",
        convert="repose.models.pinet.convert:convert_generator",
        inspect="repose.models.pinet.inspect:panels",
    ),
    "carry": Entry(
        generator="repose.models.carry.network:Carry",
        network_config="repose.models.carry.network:CarryConfig",
        objective="repose.models.carry.objective:CarryObjective",
        objective_config="repose.models.carry.objective:CarryObjectiveConfig",
        convert=None,
        inspect="repose.models.carry.inspect:panels",
    ),
    "hpn": Entry(
        generator="repose.models.hpn.network:HPN",
        network_config="repose.models.hpn.network:HPNConfig",
        objective="repose.models.hpn.objective:HPNObjective",
        objective_config="repose.models.hpn.objective:HPNObjectiveConfig",
        convert=None,
        inspect="repose.models.hpn.inspect:panels",
    ),
    "garment": Entry(
        generator="repose.models.garment.network:Garment",
        network_config="repose.models.garment.network:GarmentConfig",
        objective="repose.models.garment.objective:GarmentObjective",
        objective_config="repose.models.garment.objective:GarmentObjectiveConfig",
        convert=None,
        inspect="repose.models.garment.inspect:panels",
    ),
    "densepose": Entry(
        generator="repose.models.densepose.network:DensePoseTransfer",
        network_config="repose.models.densepose.network:DensePoseConfig",
        objective="repose.models.densepose.objective:DensePoseObjective",
        objective_config="repose.models.densepose.objective:DensePoseObjectiveConfig",
        convert=None,
        inspect="repose.models.densepose.inspect:panels",
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
    "apatn-market": "repose.models.apatn.recipe:market",
    "apatn-fashion": "repose.models.apatn.recipe:fashion",
    "apatn-literal": "repose.models.apatn.recipe:literal",
    "apatn-s": "repose.models.apatn.recipe:small",
    "apatn-market-1": "repose.models.apatn.recipe:blocks_1",
    "apatn-market-9": "repose.models.apatn.recipe:blocks_9",
    "apatn-market-add": "repose.models.apatn.recipe:add",
    "apatn-market-without-cat": "repose.models.apatn.recipe:without_cat",
    "apatn-market-without-res": "repose.models.apatn.recipe:without_res",
    "multiscale-fashion": "repose.models.multiscale.recipe:official",
    "multiscale-paper": "repose.models.multiscale.recipe:paper",
    "multiscale-full": "repose.models.multiscale.recipe:full",
    "multiscale-a0": "repose.models.multiscale.recipe:a0",
    "multiscale-a1-lr": "repose.models.multiscale.recipe:a1_lr",
    "multiscale-a1-hr": "repose.models.multiscale.recipe:a1_hr",
    "multiscale-s": "repose.models.multiscale.recipe:small",
    "pinet-fashion": "repose.models.pinet.recipe:official",
    "pinet-paper": "repose.models.pinet.recipe:paper",
    "pinet-one-vanilla": "repose.models.pinet.recipe:one_vanilla",
    "pinet-two-vanilla": "repose.models.pinet.recipe:two_vanilla",
    "pinet-one-gated": "repose.models.pinet.recipe:one_gated",
    "pinet-without-adversarial": "repose.models.pinet.recipe:without_adversarial",
    "pinet-s": "repose.models.pinet.recipe:small",
    "carry": "repose.models.carry.recipe:base",
    "carry-s": "repose.models.carry.recipe:small",
    "carry-s-fashion": "repose.models.carry.recipe:small_fashion",
    "hpn": "repose.models.hpn.recipe:paper",
    "hpn-ld": "repose.models.hpn.recipe:local",
    "hpn-pt": "repose.models.hpn.recipe:progressive",
    "hpn-baseline": "repose.models.hpn.recipe:baseline",
    "hpn-fashion": "repose.models.hpn.recipe:fashion",
    "hpn-s": "repose.models.hpn.recipe:small",
    "garment": "repose.models.garment.recipe:paper",
    "garment-s": "repose.models.garment.recipe:small",
    "densepose-fashion": "repose.models.densepose.recipe:paper",
    "densepose-s": "repose.models.densepose.recipe:small",
    "densepose-fashion-mask": "repose.models.densepose.recipe:mask",
    "densepose-fashion-segmentation": "repose.models.densepose.recipe:segmentation",
    "densepose-fashion-keypoints": "repose.models.densepose.recipe:keypoints",
    "densepose-fashion-onehot": "repose.models.densepose.recipe:onehot",
    "densepose-fashion-keypoints-iuv": "repose.models.densepose.recipe:keypoints_to_iuv",
    "densepose-fashion-iuv-keypoints": "repose.models.densepose.recipe:iuv_to_keypoints",
    "densepose-fashion-predictive": "repose.models.densepose.recipe:predictive",
    "densepose-fashion-blending": "repose.models.densepose.recipe:blending",
    "densepose-fashion-warping": "repose.models.densepose.recipe:warping",
    "densepose-fashion-l1": "repose.models.densepose.recipe:l1",
    "densepose-fashion-l1-perceptual": "repose.models.densepose.recipe:l1_perceptual",
    "densepose-fashion-l1-style": "repose.models.densepose.recipe:l1_style",
    "densepose-fashion-l1-perceptual-style": "repose.models.densepose.recipe:l1_perceptual_style",
    "densepose-fashion-l1-gan": "repose.models.densepose.recipe:l1_gan",
    "densepose-fashion-l1-perceptual-gan": "repose.models.densepose.recipe:l1_perceptual_gan",
    "densepose-fashion-l1-style-gan": "repose.models.densepose.recipe:l1_style_gan",
}


def recipe(name: str) -> Recipe:
    """The recipe of that name. KeyError, with the nearest name, if there is none."""
    if name not in RECIPES:
        raise KeyError(f"no recipe is called '{name}'; {nearest(name, RECIPES)}")
    made: Recipe = resolve(RECIPES[name])()
    return made


def recipe_from_dict(data: Mapping[str, Any]) -> Recipe:
    """JSON data -> the typed recipe; the inverse of `repose.recipes.to_dict`.

    Raises:
        RecipeError: no group of keys, an unknown model or key (names the nearest), a missing key, or a wrong value.
    """
    if not isinstance(data, Mapping):
        raise RecipeError(f"recipe: a group of keys is wanted, got {data!r}")
    model = data.get("model")
    if not isinstance(model, str) or model not in MODELS:
        raise RecipeError(f"recipe.model: {unknown(str(model), MODELS)}")
    entry = MODELS[model]
    return typed_recipe(data, resolve(entry.network_config), resolve(entry.objective_config))


def read_recipe(path: Path) -> Recipe:
    """The recipe of a JSON file, as a run writes it.

    Raises:
        RecipeError: it is no JSON, or what `recipe_from_dict` raises; the text names the file.
        OSError: there is no such file.
    """
    try:
        return recipe_from_dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise RecipeError(f"{path} is no recipe: {error}") from error


def inspector(model: str) -> Callable[[Generator, Person, Person], list[Panel]]:
    """What draws the inside of a model: (generator, source, target), both batches of one -> its panels.

    Raises:
        ValueError: the model has none; the text names those that have.
    """
    path = MODELS[model].inspect
    if path is None:
        have = ", ".join(name for name, entry in MODELS.items() if entry.inspect is not None)
        raise ValueError(f"nothing draws the inside of '{model}' so far; of {have} there are pictures")
    found: Callable[[Generator, Person, Person], list[Panel]] = resolve(path)
    return found


def build_generator(recipe: Recipe) -> Generator:
    """A recipe's generator with fresh weights."""
    made: Generator = resolve(MODELS[recipe.model].generator)(recipe.network)
    return made


def build_objective(recipe: Recipe) -> Objective:
    """A recipe's objective with fresh discriminators."""
    made: Objective = resolve(MODELS[recipe.model].objective)(recipe.objective)
    return made
