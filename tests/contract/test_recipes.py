"""What every recipe of the registry keeps: it can be written and read, and its parts and stages fit each other."""

from __future__ import annotations

import json

import pytest
import torch

from repose.models import MODELS, RECIPES, build_generator, build_objective, recipe, recipe_from_dict
from repose.models.base import course, stage_of
from repose.names import resolve
from repose.recipes import to_dict
from repose.represent.canvas import canvas
from repose.train.state import named_part


@pytest.mark.parametrize("name", RECIPES)
class TestRecipe:
    def test_written_and_read(self, name: str) -> None:
        made = recipe(name)
        assert made.name == name
        assert recipe_from_dict(json.loads(json.dumps(to_dict(made)))) == made

    def test_builds_and_fits_its_canvas(self, name: str) -> None:
        made = recipe(name)
        with torch.device("meta"):
            generator = build_generator(made)
        assert type(generator) is resolve(MODELS[made.model].generator)
        assert all(side % generator.needs.multiple == 0 for side in canvas(made.canvas).size)

    def test_discriminators_see_the_pose_as_the_generator_does(self, name: str) -> None:
        made = recipe(name)
        for key in ("pose", "sigma"):
            if hasattr(made.network, key) and hasattr(made.objective, key):
                assert getattr(made.network, key) == getattr(made.objective, key)

    def test_the_network_has_every_stage_of_the_run(self, name: str) -> None:
        made = recipe(name)
        with torch.device("meta"):
            generator = build_generator(made)
        objective = build_objective(made)
        for phases in course(objective, made.images):
            generator.prepare(stage_of(phases))
            for part in [name for phase in phases for name in phase.trains]:
                assert list(named_part({"generator": generator, **objective.networks}, part).parameters())
