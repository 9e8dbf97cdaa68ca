"""Every recipe can be measured under the protocol that its model names for its canvas.

`repose eval` runs for each pair of a model and a canvas: a tiny network of the first such recipe, a store of two
pictures of noise on the canvas, no feature networks.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from repose import cli
from repose.data import StoreWriter
from repose.metrics.protocols import protocol
from repose.models import MODELS, RECIPES, build_generator, recipe
from repose.models.weights import save_weights
from repose.recipes import override
from repose.represent.canvas import canvas
from tests.contract.checks import person

WITHOUT = ("garment",)
"""The picture is a garment, not a person in a pose."""

PAIRS = [(name, place) for name, model in MODELS.items() for place in model.protocols]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_one(name: str) -> None:
    chosen = recipe(name)
    if chosen.model in WITHOUT:
        assert not MODELS[chosen.model].protocols
        return
    assert chosen.canvas in MODELS[chosen.model].protocols
    assert protocol(MODELS[chosen.model].protocols[chosen.canvas]).canvas == chosen.canvas


@pytest.mark.parametrize(("model", "place"), PAIRS)
def test_it_runs(model: str, place: str, tmp_path: Path) -> None:
    names = [name for name in RECIPES if (recipe(name).model, recipe(name).canvas) == (model, place)]
    assert names, f"no recipe of {model} is on the canvas {place}"
    more = ["network.downs=2"] if model == "pinet" else []  # its attention at 128x88 would take half a gigabyte
    chosen = override(recipe(names[0]), [*MODELS[model].tiny, *more])
    torch.manual_seed(0)
    save_weights(tmp_path / "weights", build_generator(chosen).eval(), chosen, {"licence": "none", "data": "noise"})
    height, width = canvas(place).size
    people = person(2, 0, height, width)
    with StoreWriter(tmp_path / "store", height, width, "noise") as writer:
        for index in range(2):
            one = people[index]
            pixels = ((one.image.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
            iuv = (one.iuv.permute(1, 2, 0) * torch.tensor([1, 255, 255])).round().byte().numpy()
            writer.add(
                str(index), "somebody", pixels, one.keypoints, one.parsing.byte().numpy(),
                (one.mask[0] * 255).byte().numpy(), np.ascontiguousarray(iuv), "test",
            )  # fmt: skip
    results = tmp_path / "results.jsonl"
    words = [str(tmp_path / "weights"), "-d", str(tmp_path / "store"), "-p", MODELS[model].protocols[place]]
    more = [
        "--pose",
        "none",
        "--features",
        "none",
        "--limit",
        "1",
        "--results",
        str(results),
        "-o",
        str(tmp_path / "e.png"),
    ]
    done = CliRunner().invoke(cli.app, ["eval", *words, *more])
    assert done.exit_code == 0, (done.output, done.exception)
    (line,) = [json.loads(text) for text in results.read_text(encoding="utf-8").splitlines()]
    assert line["protocol"].partition("@")[0] == MODELS[model].protocols[place]
