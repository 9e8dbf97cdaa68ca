"""PATN's recipes against the numbers of PAPERS: lengths in steps, sizes, and that each can be written and read."""

import json

import pytest
import torch

from repose.models import RECIPES, build_generator, build_objective, recipe
from repose.train.recipe import from_dict, to_dict

NAMES = [name for name in RECIPES if name.startswith("patn")]


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_and_build(name: str) -> None:
    made = recipe(name)
    assert made.name == name
    assert from_dict(json.loads(json.dumps(to_dict(made)))) == made
    with torch.device("meta"):
        build_generator(made)
    assert set(build_objective(made).networks) == {"appearance", "shape"}
    # the shape discriminator must see the maps that the generator saw
    assert (made.network.pose, made.network.sigma) == (made.objective.pose, made.objective.sigma)


def test_lengths() -> None:
    market, fashion, paper = recipe("patn-market"), recipe("patn-fashion"), recipe("patn-paper")
    assert market.images / market.data.batch == 87_500
    assert fashion.images / fashion.data.batch == 400_000
    assert paper.images / paper.data.batch == 90_000
    assert market.schedule.hold == fashion.schedule.hold == 500 * 4_000
    assert paper.schedule.hold / paper.data.batch == 60_000


def test_small_is_small() -> None:
    model = build_generator(recipe("patn-s"))
    assert sum(p.numel() for p in model.parameters()) < 3e6
    assert model.needs.multiple <= 16
