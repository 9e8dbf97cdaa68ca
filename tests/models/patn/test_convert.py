"""Official layouts in all their ages, and what is said about files that are something else."""

import pytest
import torch
from torch import Tensor

from repose.models.convert import WeightsError, load_converted, looks_like, plain_state
from repose.models.multiscale.network import MultiScale, MultiScaleConfig
from repose.models.patn.convert import (
    convert_discriminator,
    convert_generator,
    discriminator_names,
    generator_config,
    generator_names,
)
from repose.models.patn.discriminator import Discriminator, DiscriminatorConfig
from repose.models.patn.network import PATNConfig, PATNGenerator

SMALL = PATNConfig(width=4, blocks=2)
SMALL_BATCH = PATNConfig(width=4, blocks=2, norm="batch", pose="gaussian")


def official(config: PATNConfig, dropout: bool = True) -> dict[str, Tensor]:
    """A generator's weights under official names."""
    torch.manual_seed(1)
    own = PATNGenerator(config).state_dict()
    return {f"model.{name}": own[ours] for name, ours in generator_names(config, dropout).items() if ours in own}


@pytest.mark.parametrize("config", [SMALL, SMALL_BATCH])
@pytest.mark.parametrize("dropout", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_layouts(config: PATNConfig, dropout: bool, prefix: str) -> None:
    state = {prefix + name: value for name, value in official(config, dropout).items()}
    second = 6 if dropout else 5
    assert f"{prefix}model.att.1.conv_block_stream2.{second}.weight" in state
    assert generator_config(plain_state(state)) == config
    converted = convert_generator(state)
    assert set(converted) == set(PATNGenerator(config).state_dict())
    torch.manual_seed(1)
    assert all(torch.equal(value, converted[name]) for name, value in PATNGenerator(config).state_dict().items())


def test_old_fashion_files_hold_statistics_of_instance_norms() -> None:
    state = official(SMALL)
    for place in ("stream1_down.2", "att.0.conv_block_stream1.7", "stream1_up.1"):
        state[f"model.{place}.running_mean"] = torch.zeros(4)
        state[f"model.{place}.running_var"] = torch.ones(4)
    assert set(convert_generator(state)) == set(PATNGenerator(SMALL).state_dict())


def test_old_market_files_lack_num_batches_tracked() -> None:
    state = {name: value for name, value in official(SMALL_BATCH).items() if not name.endswith("tracked")}
    converted = convert_generator(state)
    load_converted(PATNGenerator(SMALL_BATCH), converted, "old file")


def test_missing_and_left_over_entries_are_named() -> None:
    state = official(SMALL)
    del state["model.att.1.conv_block_stream2.6.bias"]
    with pytest.raises(WeightsError, match=r"1 missing \(att\.1\.conv_block_stream2\.6\.bias\)"):
        convert_generator(state)
    with pytest.raises(WeightsError, match=r"1 not known \(extra\.weight\)"):
        convert_generator({**official(SMALL), "model.extra.weight": torch.zeros(1)})
    with pytest.raises(WeightsError, match="not known"):
        convert_generator({**official(SMALL_BATCH), "model.stream1_down.9.running_var": torch.zeros(1)})


def test_wrong_shapes_are_named() -> None:
    state = official(SMALL)
    state["model.stream1_up.7.weight"] = torch.zeros(3, 4, 5, 5)
    with pytest.raises(WeightsError, match=r"stream1_up\.7\.weight is \(3, 4, 5, 5\), wanted \(3, 4, 7, 7\)"):
        convert_generator(state)


def test_another_models_checkpoint_is_recognised() -> None:
    with torch.device("meta"):
        multiscale = MultiScale(MultiScaleConfig()).state_dict()
    with pytest.raises(WeightsError, match="looks like a checkpoint of Repose's 'multiscale' generator"):
        load_converted(PATNGenerator(SMALL), multiscale, "weights.safetensors")
    with pytest.raises(WeightsError, match="looks like a checkpoint of Repose's 'multiscale' generator"):
        convert_generator(multiscale)
    with pytest.raises(WeightsError, match="looks like a checkpoint of the official PATN generator"):
        load_converted(PATNGenerator(SMALL), official(SMALL), "weights.pth")
    with pytest.raises(WeightsError, match="same network in another size"):
        load_converted(
            PATNGenerator(SMALL), PATNGenerator(PATNConfig(width=6, blocks=2)).state_dict(), "weights.safetensors"
        )
    with pytest.raises(WeightsError, match="no model known here"):
        load_converted(PATNGenerator(SMALL), {"fc.weight": torch.zeros(1)}, "weights.safetensors")


def test_nothing_is_loaded_when_something_does_not_fit() -> None:
    model = PATNGenerator(SMALL)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    broken = {name: value + 1 for name, value in before.items()}
    del broken["decoder.last.bias"]
    with pytest.raises(WeightsError, match=r"decoder\.last\.bias"):
        load_converted(model, broken, "weights")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dropout", [True, False])
def test_discriminators(dropout: bool) -> None:
    config = DiscriminatorConfig(width=4, norm="batch")
    own = Discriminator(21, config).state_dict()
    state = {f"model.{n}": own[ours] for n, ours in discriminator_names(config, dropout).items() if ours in own}
    converted = convert_discriminator(state)
    assert all(torch.equal(own[name], value) for name, value in converted.items())
    assert set(own) == set(converted)
    assert looks_like(state) == "an official PATN or PINet discriminator"
    with pytest.raises(WeightsError, match="looks like a checkpoint of the official PATN generator"):
        convert_discriminator(official(SMALL))


@pytest.mark.parametrize("state", [{}, {"a": 1}, [torch.zeros(1)], {"epoch": 3, "model": {}}])
def test_not_a_state_dict(state: object) -> None:
    with pytest.raises(WeightsError, match="a state dict"):
        plain_state(state)
