"""APATN's recipes against the text, a run that was stopped between its phases, and the baseline on both data sets."""

from pathlib import Path

import pytest
import torch

from repose.models import MODELS, RECIPES, build_generator, build_objective, recipe
from repose.models.base import Progress
from repose.models.patn.network import PATNGenerator, ResidualBlock
from repose.recipes import override
from tests import tiny
from tests.train.runs import broken_off, last, run_here

NAMES = [name for name in RECIPES if name.startswith("apatn")]


@pytest.mark.parametrize("name", ["apatn-market", "apatn-fashion"])
def test_as_in_section_35(name: str) -> None:
    made, words = recipe(name), recipe(name).objective
    assert made.images / made.data.batch == 90_000
    assert made.schedule.hold / made.data.batch == 60_000
    assert (words.weight_adversarial, words.weight_l1, words.weight_perceptual) == (5, 1, 1)
    assert (words.adversarial, words.combine, words.perceptual_layers) == ("bce", "product", ("relu1_2",))
    assert (words.discriminator.slope, words.discriminator.norm, words.discriminator.dropout) == (0.2, "instance", 0)
    assert (made.network.blocks, made.network.norm, made.network.dropout) == (5, "instance", 0.5)
    assert (made.generator_optimiser.lr, made.generator_optimiser.beta1, made.generator_optimiser.beta2) == (
        2e-4,
        0.5,
        0.999,
    )


def test_ablations() -> None:
    networks = {name.removeprefix("apatn-market-"): recipe(name).network for name in NAMES if "market-" in name}
    assert {name: (one.blocks, one.block) for name, one in networks.items()} == {
        "1": (1, "apatb"),
        "9": (9, "apatb"),
        "add": (5, "apatb-add"),
        "without-cat": (5, "apatb-without-cat"),
        "without-res": (5, "apatb-without-res"),
    }


def test_small_is_small() -> None:
    model = build_generator(recipe("apatn-s"))
    assert sum(p.numel() for p in model.parameters()) < 2e6
    assert model.needs.multiple == 4


@pytest.mark.parametrize("name", ["patn-market", "patn-fashion"])
@pytest.mark.parametrize("blocks", [5, 9, 13])
def test_the_resnet_baseline_is_a_setting_on_both_data_sets(name: str, blocks: int) -> None:
    made = override(recipe(name), ["network.block=resnet", f"network.blocks={blocks}"])
    with torch.device("meta"):
        model = build_generator(made)
    assert isinstance(model, PATNGenerator)
    assert sum(isinstance(block, ResidualBlock) for block in model.blocks) == blocks
    if name == "patn-market":
        assert made.network == recipe(f"patn-market-resnet-{blocks}").network


@pytest.mark.parametrize("stop", [16, 32], ids=["generator alone", "with discriminators"])
def test_a_run_stopped_in_either_stage_goes_on_bit_for_bit(stop: int, tmp_path: Path) -> None:
    words = ["network.dropout=0.5", "objective.adversarial_from=0.5", "objective.pool=4", "images=48", "tick=16"]
    made = tiny.recipe("apatn-s", *words, "canvas=market", "data.batch=4", "schedule.warmup=0", "ema=20")
    assert [len(build_objective(made).phases(Progress(at, 48))) for at in (16, 32)] == [1, 3]
    store = tiny.store(tmp_path / "store")
    run = tmp_path / "broken"
    assert broken_off(made, store, run, stop + 8)["images"] == stop
    for folder in (run, tmp_path / "whole"):
        assert run_here(made, store, folder).images == 48
    one, other = last(run), last(tmp_path / "whole")
    for part in ("generator", "average", "objective"):
        assert one[part].keys() == other[part].keys()
        for name, value in one[part].items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, other[part][name]), f"{part}.{name}"


def test_it_is_in_the_registry_without_a_converter() -> None:
    assert MODELS["apatn"].convert is None
    assert MODELS["apatn"].inspect is not None
