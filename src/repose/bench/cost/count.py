"""What a recipe costs by counting: its networks are built of fake tensors, which hold no numbers."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from repose import models
from repose.bench.cost.result import (
    COUNTED_SIZES,
    MEASURED_SIZE,
    SEED,
    SQUARE_SIZE,
    CountedCost,
    TrainingMemory,
    size_name,
)
from repose.bench.workload import example, gmacs
from repose.files import first_line
from repose.recipes import Recipe
from repose.train.memory_count import StorageCounter, feature_networks, inference_memory, step_memory


def count_cost(recipe: Recipe) -> CountedCost:
    """Weights, multiply-adds and memory of a recipe. A size that the network refuses is left out, with the reason."""
    with torch.random.fork_rng(devices=[]), FakeTensorMode(allow_non_fake_inputs=True):
        generator, objective = models.build_generator(recipe).eval(), models.build_objective(recipe)
        parameters = {
            "generator": _count_weights([generator]),
            "objective": _count_weights(objective.networks.values()),
            "features": _count_weights(feature_networks(objective)),
        }
        arithmetic: dict[str, float] = {}
        memory: dict[str, int] = {}
        why: dict[str, str] = {}
        for size in (*COUNTED_SIZES, SQUARE_SIZE):
            if size == SQUARE_SIZE and size_name(MEASURED_SIZE) in arithmetic:
                continue
            try:
                people = example(*size, seed=SEED)
                generator.check(*people)
                with StorageCounter(), torch.no_grad():  # it answers where a network asks for a number
                    arithmetic[size_name(size)] = gmacs(generator, generator.encode(*people))
                memory[size_name(size)] = inference_memory(generator, *people)
            except Exception as error:
                why[size_name(size)] = first_line(error, kind=True)
    one, whole = step_memory(recipe, batch=1), step_memory(recipe)
    training = TrainingMemory(
        recipe.data.batch, whole.batch, one.step, whole.step, whole.activations, whole.not_counted
    )  # fmt: skip
    return CountedCost(parameters, arithmetic, memory, why, training)


def _count_weights(networks: Iterable[nn.Module]) -> int:
    sizes = {id(weight): weight.numel() for network in networks for weight in network.parameters()}
    return sum(sizes.values())
