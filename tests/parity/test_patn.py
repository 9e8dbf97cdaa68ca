"""Converted official PATN weights give the official outputs, every entry used once."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from repose.models.convert import load
from repose.models.patn.convert import convert_discriminator, convert_generator, generator_config
from repose.models.patn.network import PATN, Discriminator, DiscriminatorConfig


def _fill(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_fill", shared / "parity" / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fixture(shared: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Official state dict, and the recorded inputs and outputs."""
    folder = shared / "parity"
    state = {k: torch.from_numpy(v) for k, v in _fill(shared).state_dict(str(folder / f"{name}.json")).items()}
    with np.load(folder / f"{name}.npz") as recorded:
        return state, {key: torch.from_numpy(recorded[key]) for key in recorded.files}


@pytest.mark.parametrize(("norm", "count"), [("instance", 41_358_019), ("batch", 41_365_763)])
def test_generator(shared: Path, norm: str, count: int) -> None:
    state, recorded = _fixture(shared, f"patn_{norm}_generator")
    config = generator_config(state)
    assert config.norm == norm
    converted = convert_generator(state)
    assert len(converted) == len(state)
    assert sorted(float(v.double().sum()) for v in converted.values()) == sorted(
        float(v.double().sum()) for v in state.values()
    )
    model = PATN(config).eval()
    assert sum(p.numel() for p in model.parameters()) == count
    load(model, converted, "converted")
    with torch.inference_mode():
        image = model.synthesise(recorded["input_image"], recorded["input_pose"]).image
    torch.testing.assert_close(image, recorded["output_image"], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("name", "channels"), [("appearance", 6), ("shape", 21)])
def test_discriminator(shared: Path, name: str, channels: int) -> None:
    state, recorded = _fixture(shared, f"patn_{name}_discriminator")
    converted = convert_discriminator(state)
    assert len(converted) == len(state)
    model = Discriminator(channels, DiscriminatorConfig()).eval()
    load(model, converted, "converted")
    with torch.inference_mode():
        score = model(recorded["input_x"])
    torch.testing.assert_close(score, recorded["output_score"], rtol=0, atol=1e-4)
