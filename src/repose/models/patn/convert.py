"""Checkpoints of the released PATN code -> the networks here.

Their layouts: `stream1_down`, `stream2_down` and `stream1_up` are flat sequences, a block's two streams are
`att.{i}.conv_block_stream{1,2}`. In each the second convolution has index 6 with the dropout module, 5 without.
DeepFashion files of old PyTorch hold running statistics of instance norms, which play no part; Market-1501 files of old
PyTorch lack `num_batches_tracked`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

from repose.models.convert import WeightsError, looks_like, plain_state, rename
from repose.models.patn.discriminator import Discriminator, DiscriminatorConfig
from repose.models.patn.network import PATNConfig, PATNGenerator

_CONV = ("weight", "bias")
_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def convert_generator(state: Mapping[str, Tensor], config: PATNConfig | None = None) -> dict[str, Tensor]:
    """A released generator's state dict -> that of `PATNGenerator(config)`.

    Args:
        state: official names, with or without `module.` and `model.` in front.
        config: None takes `generator_config(state)`.

    Raises:
        WeightsError: an entry is left over or missing, or has another shape.
    """
    state = _below_model(state)
    config = config or generator_config(state)
    return rename(
        state, generator_names(config, _has_dropout(state)), PATNGenerator(config), "PATN generator", _dead(config)
    )


def convert_discriminator(state: Mapping[str, Tensor], config: DiscriminatorConfig | None = None) -> dict[str, Tensor]:
    """A released discriminator's state dict -> that of `Discriminator(channels, config)`, channels as the file has.

    Raises:
        WeightsError: as `convert_generator`.
    """
    state = _below_model(state)
    if "1.weight" not in state or state["1.weight"].ndim != 4:
        like = looks_like(state)
        raise WeightsError(
            "PATN discriminator: the file has no model.1.weight, the first convolution"
            + (f"; this looks like a checkpoint of {like}" if like else "")
        )
    config = config or DiscriminatorConfig(
        width=state["1.weight"].shape[0],
        norm="instance" if "1.bias" in state else "batch",
        blocks=len({name.split(".")[0] for name in state if ".conv_block." in name}),
    )
    network = Discriminator(state["1.weight"].shape[1], config)
    names = discriminator_names(config, _has_dropout(state))
    return rename(state, names, network, "PATN discriminator", _dead(config))


def generator_config(state: Mapping[str, Tensor]) -> PATNConfig:
    """The config of a released generator, read off its names and shapes.

    Batch norm means the Market-1501 release and so the Gaussian pose, instance norm DeepFashion and points. "Without
    add" has no mark in the weights: pass the config for such a file.

    Raises:
        WeightsError: this is no PATN generator.
    """
    state = _below_model(state)
    try:
        width = state["stream1_down.1.weight"].shape[0]
        indices = {int(found[1]) for name in state if (found := re.match(r"att\.(\d+)\.", name))}
        later = state["att.1.conv_block_stream2.1.weight"] if 1 in indices else None
    except KeyError as error:
        like = looks_like(state)
        hint = f"; this looks like a checkpoint of {like}" if like else ""
        raise WeightsError(f"PATN generator: the file has no model.{error.args[0]}{hint}") from None
    batch = "stream1_down.1.bias" not in state
    joined = later is None or later.shape[1] == 8 * width
    return PATNConfig(
        width=width,
        blocks=len(indices),
        block="patb" if joined else "patb-without-cat",
        norm="batch" if batch else "instance",
        pose="gaussian" if batch else "point",
    )


def generator_names(config: PATNConfig, dropout: bool = True) -> dict[str, str]:
    """Official name below `model.` -> our name, for the layouts with or without the dropout module."""
    names: dict[str, str] = {}
    for stream, encoder in (("stream1_down", "image_encoder"), ("stream2_down", "pose_encoder")):
        _join(names, f"{stream}.1", f"{encoder}.stem.conv", _CONV)
        _join(names, f"{stream}.2", f"{encoder}.stem.norm", _NORM)
        for i in range(2):
            _join(names, f"{stream}.{4 + 3 * i}", f"{encoder}.downs.{i}.conv", _CONV)
            _join(names, f"{stream}.{5 + 3 * i}", f"{encoder}.downs.{i}.norm", _NORM)
    for i in range(config.blocks):
        for stream, part in (("conv_block_stream1", "image"), ("conv_block_stream2", "pose")):
            _join_two_convs(names, f"att.{i}.{stream}", f"blocks.{i}.{part}", dropout)
    for i in range(2):
        _join(names, f"stream1_up.{3 * i}", f"decoder.ups.{i}.conv", _CONV)
        _join(names, f"stream1_up.{1 + 3 * i}", f"decoder.ups.{i}.norm", _NORM)
    _join(names, "stream1_up.7", "decoder.last", _CONV)
    return names


def discriminator_names(config: DiscriminatorConfig, dropout: bool = True) -> dict[str, str]:
    """Official name below `model.` -> our name."""
    names: dict[str, str] = {}
    _join(names, "1", "stem", _CONV)
    _join(names, "2", "stem_norm", _NORM)
    for i in range(2):
        _join(names, str(4 + 3 * i), f"downs.{i}", _CONV)
        _join(names, str(5 + 3 * i), f"down_norms.{i}", _NORM)
    for i in range(config.blocks):
        _join_two_convs(names, f"{10 + i}.conv_block", f"blocks.{i}.convs", dropout)
    return names


def _join(names: dict[str, str], official: str, ours: str, parts: tuple[str, ...]) -> None:
    names.update({f"{official}.{part}": f"{ours}.{part}" for part in parts})


def _join_two_convs(names: dict[str, str], official: str, ours: str, dropout: bool) -> None:
    second = 6 if dropout else 5
    _join(names, f"{official}.1", f"{ours}.conv1", _CONV)
    _join(names, f"{official}.2", f"{ours}.norm1", _NORM)
    _join(names, f"{official}.{second}", f"{ours}.conv2", _CONV)
    _join(names, f"{official}.{second + 1}", f"{ours}.norm2", _NORM)


def _has_dropout(state: Mapping[str, Tensor]) -> bool:
    return not any(re.search(r"conv_block\w*\.5\.weight$", name) for name in state)


def _below_model(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("model."): value for name, value in plain_state(state).items()}


def _dead(config: PATNConfig | DiscriminatorConfig) -> Callable[[str], bool]:
    """Which entries play no part: under instance norm, the statistics that old files hold."""
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return lambda name: config.norm == "instance" and name.endswith(statistics)
