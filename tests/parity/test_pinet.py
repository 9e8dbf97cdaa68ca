"""Converted official PINet weights give the official outputs, every entry used once."""

from pathlib import Path

import torch

from repose.models.convert import load_converted
from repose.models.pinet.convert import convert_generator
from repose.models.pinet.network import PINet
from tests.parity.fixtures import fixture


def test_generator(shared: Path) -> None:
    state, recorded = fixture(shared, "pinet_generator")
    converted = convert_generator(state)
    assert len(converted) == len(state)
    assert sorted(float(v.double().sum()) for v in converted.values()) == sorted(
        float(v.double().sum()) for v in state.values()
    )
    model = PINet().eval()
    assert sum(p.numel() for p in model.parameters()) == 20_407_934
    load_converted(model, converted, "converted")
    inputs = (recorded[f"input_{name}"] for name in ("image", "source_pose", "target_pose", "source_parsing"))
    with torch.inference_mode():
        output = model.synthesise(*inputs)
    assert recorded["output_out0"].std() > 0.1  # the fixture says something
    torch.testing.assert_close(output.image, recorded["output_out0"], rtol=0, atol=1e-4)
    torch.testing.assert_close(output.extra["parsing"], recorded["output_out1"], rtol=0, atol=1e-4)
