"""The released layout, wrapped or not, and what is said of other files."""

import pytest
import torch
from torch import Tensor

from repose.models.convert import WeightsError, load_converted, looks_like
from repose.models.pinet.convert import convert_generator, generator_names
from repose.models.pinet.network import PINet, PINetConfig

SMALL = PINetConfig(width=8)


def official() -> tuple[PINet, dict[str, Tensor]]:
    """A small network, and its weights under official names."""
    torch.manual_seed(1)
    model = PINet(SMALL)
    own = model.state_dict()
    return model, {f"model.{name}": own[ours] for name, ours in generator_names(model).items()}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_layout(prefix: str) -> None:
    model, state = official()
    assert {"model.ParsingNet.gcnet.13.conv2d.mask_conv.weight", "model.refine_attn.gamma"} <= set(state)
    converted = convert_generator({prefix + name: value for name, value in state.items()})
    own = model.state_dict()
    assert set(converted) == set(own)
    assert all(torch.equal(own[name], value) for name, value in converted.items())
    assert looks_like(state) == "the official PINet generator"


def test_old_files_lack_num_batches_tracked() -> None:
    model, state = official()
    old = {name: value for name, value in state.items() if not name.endswith("tracked")}
    load_converted(model, convert_generator(old), "old file")


def test_faults_are_named() -> None:
    _, state = official()
    missing = {name: value for name, value in state.items() if name != "model.app_trans_net.9.mask_conv.bias"}
    with pytest.raises(WeightsError, match=r"1 missing \(app_trans_net\.9\.mask_conv\.bias\)"):
        convert_generator(missing)
    with pytest.raises(WeightsError, match=r"1 not known \(extra\)"):
        convert_generator({**state, "extra": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"refine_attn\.gamma is \(2,\), wanted \(1,\)"):
        convert_generator({**state, "model.refine_attn.gamma": torch.zeros(2)})
    with pytest.raises(WeightsError, match="looks like a checkpoint of Repose's 'pinet' generator"):
        convert_generator(PINet(SMALL).state_dict())
    with pytest.raises(ValueError, match="pinet-fashion"):
        convert_generator(state, PINetConfig(width=8, layout="table"))
