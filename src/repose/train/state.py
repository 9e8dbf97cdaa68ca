"""What changes in a run: networks, optimisers, counters. A checkpoint holds all of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from repose.files import differences
from repose.models import recipe_from_dict
from repose.models.base import Generator, Objective
from repose.recipes import OptimiserConfig, Recipe, RecipeError, to_dict

_MAY_DIFFER = ("images", "tick", "notes", "name")
"""Keys of a recipe that may change between a checkpoint and the run that goes on from it."""


@dataclass
class State:
    """Networks, optimisers and counters of a run.

    Attributes:
        data: the data set's name and checksum; a checkpoint of other data is refused.
        overfit: as `train` takes it; a checkpoint of another number is refused.
        begun_from: the weights that the run began from (`repose.models.weights.lineage`); None: random ones.
        modules: what a phase may train, by name: "generator" and the objective's networks.
        weights: the parameters of each that take part in training.
        average: the generator with averaged weights; the generator itself where the recipe has no EMA.
        images, step: images shown to the generator, and optimiser steps.
        seconds: spent in all starts together.
    """

    recipe: Recipe
    generator: Generator
    objective: Objective
    average: Generator
    data: dict[str, str]
    overfit: int = 0
    begun_from: dict[str, str] | None = None
    modules: dict[str, nn.Module] = field(init=False)
    weights: dict[str, list[nn.Parameter]] = field(init=False)
    optimisers: dict[str, torch.optim.Optimizer] = field(init=False)
    images: int = 0
    step: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.modules = {"generator": self.generator, **dict(self.objective.networks.items())}
        self.weights = {name: [p for p in m.parameters() if p.requires_grad] for name, m in self.modules.items()}
        self.optimisers = {
            name: _optimiser(
                weights, self.recipe.generator_optimiser if name == "generator" else self.recipe.discriminator_optimiser
            )
            for name, weights in self.weights.items()
            if weights
        }

    @classmethod
    def fresh(
        cls,
        recipe: Recipe,
        generator: Generator,
        objective: Objective,
        data: dict[str, str],
        overfit: int = 0,
        begun_from: dict[str, str] | None = None,
    ) -> State:
        """The state before the first step; the modules are on their device already."""
        average = copy.deepcopy(generator).eval().requires_grad_(False) if recipe.ema else generator
        return cls(recipe, generator.train(), objective.train(), average, data, overfit, begun_from)

    def trained(self, name: str) -> list[nn.Parameter]:
        """The parameters that `Phase.trains` means by a name: a module's, or those of a part ("generator.parsing").

        Raises:
            ValueError: there is no such module, or it has no such part.
        """
        wanted = {id(weight) for weight in named_part(self.modules, name).parameters()}
        return [weight for weight in self.weights[name.partition(".")[0]] if id(weight) in wanted]

    def tree(self) -> dict[str, Any]:
        """All of it as tensors and plain values, for a checkpoint."""
        random = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random["cuda"] = torch.cuda.get_rng_state()
        return {
            "recipe": to_dict(self.recipe),
            "data": self.data,
            "overfit": self.overfit,
            "begun_from": self.begun_from,
            "images": self.images,
            "step": self.step,
            "seconds": self.seconds,
            "generator": dict(self.generator.state_dict()),
            "average": dict(self.average.state_dict()) if self.recipe.ema else None,
            "objective": dict(self.objective.state_dict()),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "random": random,
        }

    def load(self, tree: dict[str, Any], where: str, rank: int = 0) -> None:
        """Take over a checkpoint's tree.

        Args:
            tree: as `tree` gives it. where: its file, for errors. rank: of this process.

        Raises:
            ValueError: it is of another recipe or of other data; the text names what differs.
        """
        self._require_same_run(tree, where)
        self.begun_from = tree.get("begun_from")
        self.generator.load_state_dict(tree["generator"])
        if self.recipe.ema:
            self.average.load_state_dict(tree["average"])
        self.objective.load_state_dict(tree["objective"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(tree["optimisers"][name])
            for weight, moments in optimiser.state.items():  # fused Adam pairs numbers by their place in memory
                for key, value in moments.items():
                    if value.shape == weight.shape:
                        moments[key] = torch.empty_like(weight).copy_(value)
        self.images, self.step, self.seconds = tree["images"], tree["step"], tree["seconds"]
        if rank == 0:
            torch.set_rng_state(tree["random"]["cpu"])
            if "cuda" in tree["random"] and torch.cuda.is_available():
                torch.cuda.set_rng_state(tree["random"]["cuda"])
        else:  # only the first process writes, so the others begin a new stream
            torch.manual_seed(self.recipe.seed + 1_000_003 * self.step + rank)

    def _require_same_run(self, tree: dict[str, Any], where: str) -> None:
        # the checkpoints of the first versions name neither their data nor `overfit`
        if (overfit := tree.get("overfit", self.overfit)) != self.overfit:
            raise ValueError(
                f"{where} was made with overfit={overfit}, this run has overfit={self.overfit} (0 is a real run); "
                "give this run another folder"
            )
        if (data := tree.get("data", self.data)) != self.data:
            was, now = (f"{kind['dataset']} {kind['checksum']}" for kind in (data, self.data))
            raise ValueError(
                f"{where} was trained on the data {was}, this store is {now}; give this run another folder, or the "
                "data it began with"
            )
        old, new = (
            {key: value for key, value in recipe.items() if key not in _MAY_DIFFER}
            for recipe in (_completed(tree["recipe"]), to_dict(self.recipe))
        )
        differ = differences(old, new)
        if differ:
            raise ValueError(
                f"{where} was made by another recipe ({'; '.join(differ)}); give this run another folder, or the "
                "settings it began with"
            )
        if self.begun_from and "begun_from" in tree and tree["begun_from"] is None:
            raise ValueError(f"{where} is of a run that began without weights; give this run another folder, or none")


def named_part(modules: Mapping[str, nn.Module], name: str) -> nn.Module:
    """The module that `Phase.trains` means by a name: one of `modules`, or a part of it ("generator.parsing").

    Raises:
        ValueError: there is no such module, or it has no such part.
    """
    root, _, part = name.partition(".")
    if root not in modules:
        raise ValueError(f"a phase trains '{name}', but there is only {', '.join(modules)}")
    try:
        return modules[root].get_submodule(part)
    except AttributeError as error:
        raise ValueError(f"a phase trains '{name}', but {root} has no part '{part}'") from error


def _optimiser(weights: list[nn.Parameter], config: OptimiserConfig) -> torch.optim.Optimizer:
    """Adam, or AdamW where a weight decay is decoupled; fused, which is the same arithmetic in one pass."""
    decoupled = bool(config.weight_decay) and config.decay == "decoupled"
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    betas = (config.beta1, config.beta2)
    return kind(weights, config.lr, betas, config.eps, weight_decay=config.weight_decay, fused=True)


def _completed(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe of an earlier version with the settings that came later, whose defaults are what was done before."""
    try:
        return to_dict(recipe_from_dict(recipe))
    except RecipeError:  # it has a setting that no longer exists: `differences` names it
        return recipe
