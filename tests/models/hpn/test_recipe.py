"""HPN's recipes against the numbers of the text, and that each can be written and read."""

import json

import pytest
import torch

from repose.models import RECIPES, build_generator, build_objective, recipe
from repose.models.base import Progress, stage_of
from repose.models.hpn.network import HPN
from repose.represent.canvas import canvas
from repose.train.recipe import from_dict, to_dict

NAMES = [name for name in RECIPES if name.startswith("hpn")]


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_and_build(name: str) -> None:
    made = recipe(name)
    assert made.name == name
    assert from_dict(json.loads(json.dumps(to_dict(made)))) == made
    with torch.device("meta"):
        network = build_generator(made)
    assert isinstance(network, HPN)
    objective = build_objective(made)
    assert not objective.networks
    assert made.network.trained == len(made.objective.shares)
    stages = [stage_of(objective.phases(Progress(made.images * n // 20, made.images))) for n in range(20)]
    for stage in stages:  # the network has every stage of the run, the last is the canvas's own level
        network.prepare(stage)
    assert network.level == made.network.levels - 1
    assert all(side % network.needs.multiple == 0 for side in canvas(made.canvas).size)


def test_numbers_of_the_text() -> None:
    made = recipe("hpn")
    assert canvas(made.canvas).size == (1024, 1024)
    assert made.images / made.data.batch / made.network.trained == 700_000
    assert (made.generator_optimiser.lr, made.generator_optimiser.weight_decay) == (2e-4, 5e-4)
    assert (made.network.width, made.network.levels, made.network.sigma) == (1024, 5, 3.2)
    assert made.objective.descriptors == (18, 18, 31, 31, 44)
    fashion = recipe("hpn-fashion")
    assert fashion.images / fashion.data.batch / fashion.network.trained == 700_000
    assert fashion.objective.descriptors == made.objective.descriptors[:3]
    assert [canvas(one.canvas).height // 2**one.network.levels for one in (made, fashion)] == [32, 32]


def test_modes() -> None:
    modes = {name: recipe(name) for name in ("hpn-baseline", "hpn-ld", "hpn-pt", "hpn")}
    assert [made.network.trained > 1 for made in modes.values()] == [False, False, True, True]
    assert [bool(made.objective.descriptors) for made in modes.values()] == [False, True, False, True]
    assert len({made.images for made in modes.values()}) == 1


def test_small_is_small() -> None:
    model = build_generator(recipe("hpn-s"))
    assert sum(p.numel() for p in model.parameters()) < 1.2e6
    assert model.needs.multiple == 8
