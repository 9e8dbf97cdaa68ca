"""Converted official PATN weights give the official outputs, every entry used once."""

from pathlib import Path

import pytest
import torch

from repose.models.convert import load_converted
from repose.models.patn.convert import convert_discriminator, convert_generator, generator_config
from repose.models.patn.discriminator import Discriminator, DiscriminatorConfig
from repose.models.patn.network import PATNGenerator
from tests.parity.fixtures import fixture


@pytest.mark.parametrize(("norm", "count"), [("instance", 41_358_019), ("batch", 41_365_763)])
def test_generator(shared: Path, norm: str, count: int) -> None:
    state, recorded = fixture(shared, f"patn_{norm}_generator")
    config = generator_config(state)
    assert config.norm == norm
    converted = convert_generator(state)
    assert len(converted) == len(state)
    assert sorted(float(v.double().sum()) for v in converted.values()) == sorted(
        float(v.double().sum()) for v in state.values()
    )
    model = PATNGenerator(config).eval()
    assert sum(p.numel() for p in model.parameters()) == count
    load_converted(model, converted, "converted")
    with torch.inference_mode():
        image = model.synthesise(recorded["input_image"], recorded["input_pose"]).image
    torch.testing.assert_close(image, recorded["output_image"], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("name", "channels"), [("appearance", 6), ("shape", 21)])
def test_discriminator(shared: Path, name: str, channels: int) -> None:
    state, recorded = fixture(shared, f"patn_{name}_discriminator")
    converted = convert_discriminator(state)
    assert len(converted) == len(state)
    model = Discriminator(channels, DiscriminatorConfig()).eval()
    load_converted(model, converted, "converted")
    with torch.inference_mode():
        score = model(recorded["input_x"])
    torch.testing.assert_close(score, recorded["output_score"], rtol=0, atol=1e-4)
