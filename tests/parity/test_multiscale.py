"""Converted official multi-scale weights give the official outputs, every entry used once."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from repose.models.convert import WeightsError, load_converted
from repose.models.multiscale.convert import convert_discriminator, convert_generator
from repose.models.multiscale.network import MultiScale, MultiScaleConfig, PatchDiscriminator
from tests.parity.fixtures import fixture


def _sums(state: dict[str, Tensor]) -> list[float]:
    return sorted(float(value.double().sum()) for value in state.values())


def test_generator(shared: Path) -> None:
    state, recorded = fixture(shared, "multiscale_generator")
    converted = convert_generator(state)
    assert len(converted) == len(state)
    assert _sums(converted) == _sums(state)  # every entry once
    model = MultiScale().eval()
    load_converted(model, converted, "converted")
    with torch.inference_mode():
        image = model.synthesise(recorded["input_image"], recorded["input_pose"]).image
    wanted = next(value for key, value in recorded.items() if key.startswith("output"))
    assert wanted.std() > 0.1  # the fixture says something
    torch.testing.assert_close(image, wanted, rtol=0, atol=1e-4)


def test_discriminator(shared: Path) -> None:
    state, recorded = fixture(shared, "multiscale_discriminator")
    converted = convert_discriminator({f"module.{name}": value for name, value in state.items()})
    assert len(converted) == len(state)
    assert _sums(converted) == _sums(state)
    model = PatchDiscriminator().eval()
    load_converted(model, converted, "converted")
    with torch.inference_mode():
        score = model(recorded["input_x"][:, :3], recorded["input_x"][:, 3:])
    wanted = next(value for key, value in recorded.items() if key.startswith("output"))
    torch.testing.assert_close(score, wanted, rtol=0, atol=1e-4)


def _small_official() -> dict[str, Tensor]:
    """A tiny network's weights under the official names, made by hand."""
    torch.manual_seed(0)

    def norm(name: str, width: int) -> dict[str, Tensor]:
        entries = ("weight", "bias", "running_mean", "running_var")
        return {f"{name}.{entry}": torch.rand(width) for entry in entries} | {
            f"{name}.num_batches_tracked": torch.tensor(7)
        }

    def residual(name: str, width: int) -> dict[str, Tensor]:
        made = {f"{name}.layers.{index}.weight": torch.rand(width, width, 3, 3) for index in (0, 3)}
        return made | norm(f"{name}.layers.1", width) | norm(f"{name}.layers.4", width)

    state = {"out_conv1.4.weight": torch.rand(3, 2, 1, 1)}
    for branch, channels in (("in1", 3), ("in2", 36)):
        state |= {f"{branch}_conv1.0.weight": torch.rand(2, channels, 3, 3)} | norm(f"{branch}_conv1.1", 2)
        state |= {f"{branch}_down1.0.weight": torch.rand(4, 2, 4, 4)} | norm(f"{branch}_down1.1", 4)
        state |= residual(f"{branch}_down1.3", 4)
    state |= {"out_up1.0.weight": torch.rand(4, 2, 4, 4)} | norm("out_up1.1", 2) | residual("out_up1.3", 2)
    for number in range(4):
        state |= residual(f"out_conv1.{number}", 2)
    return state


def test_old_and_wrapped_files() -> None:
    state = _small_official()
    model = MultiScale(MultiScaleConfig(width=2, levels=1))
    load_converted(model, convert_generator(state), "converted")
    assert torch.equal(
        model.get_parameter("pose_encoder.downs.0.residual.conv2.weight"), state["in2_down1.3.layers.3.weight"]
    )
    old = {f"module.{name}": value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    load_converted(model, convert_generator({"state_dict": old}), "converted")
    assert model.get_buffer("tail.3.norm2.num_batches_tracked") == 0
    assert torch.equal(model.get_buffer("tail.3.norm2.running_var"), state["out_conv1.3.layers.4.running_var"])


def test_faults_are_named() -> None:
    state = _small_official()
    missing = {name: value for name, value in state.items() if name != "out_up1.0.weight"}
    with pytest.raises(WeightsError, match=r"1 missing \(out_up1\.0\.weight\)"):
        convert_generator(missing)
    with pytest.raises(WeightsError, match=r"1 not known \(extra\)"):
        convert_generator({**state, "extra": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"in2_conv1\.0\.weight is \(2, 32, 3, 3\), wanted \(2, 36, 3, 3\)"):
        convert_generator({**state, "in2_conv1.0.weight": torch.zeros(2, 32, 3, 3)})
    with pytest.raises(WeightsError, match="official multi-scale generator"):
        convert_discriminator(state)
    with pytest.raises(ValueError, match="official layout"):
        convert_generator(state, MultiScaleConfig(links="none"))
