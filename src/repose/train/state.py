"""Everything of a run that changes, and that a checkpoint therefore holds."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from repose.models.base import Generator, Objective
from repose.train.recipe import OptimiserConfig, Recipe, to_dict

_MAY_DIFFER = ("images", "tick", "notes", "name")
"""Keys of a recipe that may change between a checkpoint and the run that goes on from it."""


@dataclass
class State:
    """Networks, optimisers and counters of a run.

    Attributes:
        modules: what a phase may train, by name: "generator" and the objective's networks.
        weights: the parameters of each that take part in training.
        average: the generator with averaged weights; the generator itself where the recipe has no EMA.
        images, step: shown to the generator, and steps made.
        seconds: spent, over all starts.
    """

    recipe: Recipe
    generator: Generator
    objective: Objective
    average: Generator
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
    def fresh(cls, recipe: Recipe, generator: Generator, objective: Objective) -> State:
        """The state before the first step; the modules are on their device already."""
        average = copy.deepcopy(generator).eval().requires_grad_(False) if recipe.ema else generator
        return cls(recipe, generator.train(), objective.train(), average)

    def tree(self) -> dict[str, Any]:
        """All of it as tensors and plain values, for a checkpoint."""
        random = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random["cuda"] = torch.cuda.get_rng_state()
        return {
            "recipe": to_dict(self.recipe),
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
        """Take over a checkpoint's tree. ValueError, naming the keys, if it is of another recipe."""
        differ = _differences(tree["recipe"], to_dict(self.recipe))
        if differ:
            raise ValueError(
                f"{where} was made by another recipe ({'; '.join(differ)}); give this run another folder, or the "
                "settings it began with"
            )
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


def _optimiser(weights: list[nn.Parameter], config: OptimiserConfig) -> torch.optim.Optimizer:
    """Adam, or AdamW where there is a weight decay; fused, which is the same arithmetic in one pass."""
    kind = torch.optim.AdamW if config.weight_decay else torch.optim.Adam
    betas = (config.beta1, config.beta2)
    return kind(weights, config.lr, betas, config.eps, weight_decay=config.weight_decay, fused=True)


def _differences(old: dict[str, Any], new: dict[str, Any], where: str = "") -> list[str]:
    found: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        path, was, now = f"{where}{key}", old.get(key), new.get(key)
        if path in _MAY_DIFFER or was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            found += _differences(was, now, f"{path}.")
        else:
            found.append(f"{path} was {was!r}, is {now!r}")
    return found
