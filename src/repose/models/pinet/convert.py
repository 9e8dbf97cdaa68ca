"""Checkpoints of the released PINet code -> the network here.

Their layout: the parsing generator is one flat sequence `ParsingNet.gcnet.{1..17}` with the self-attention at 10; the
image generator is `app_trans_net.{1..9}`, `refine_attn`, `refine_upsample_net.{0..6}`. A gated convolution holds
`gated_conv`, `mask_conv` and `batch_norm2d`; one that upsamples first holds them below `conv2d`.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from repose.models.convert import WeightsError, looks_like, plain_state, rename
from repose.models.pinet.network import GatedConv, PINet, PINetConfig

_GATED = {"gated_conv": "conv", "mask_conv": "gate", "batch_norm2d": "batch_norm"}
_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def convert_generator(state: Mapping[str, Tensor], config: PINetConfig | None = None) -> dict[str, Tensor]:
    """A released generator's state dict -> that of `PINet(config)`.

    Args:
        state: official names, with or without `module.` and `model.` in front.
        config: None takes the released one, at the width that the file has.

    Raises:
        WeightsError: an entry is left over or missing, or has another shape.
        ValueError: the config is not of the released layout.
    """
    state = {name.removeprefix("model."): value for name, value in plain_state(state).items()}
    first = state.get("app_trans_net.1.gated_conv.weight")
    if first is None:
        like = looks_like(state)
        raise WeightsError(
            "PINet generator: the file has no model.app_trans_net.1.gated_conv.weight, the first convolution"
            + (f"; this looks like a checkpoint of {like}" if like else "")
        )
    config = config or PINetConfig(width=first.shape[0])
    model = PINet(config)
    return rename(state, generator_names(model), model, "PINet generator")


def generator_names(model: PINet) -> dict[str, str]:
    """Official name below `model.` -> our name. ValueError for a network that is not of the released layout."""
    config = model.config
    if (config.stages, config.gated, config.layout, config.stem, config.downs) != (2, True, "released", "full", 2):
        raise ValueError(
            "the official layout of PINet is that of stages=2, gated=true, layout='released', stem='full', downs=2 "
            "(pinet-fashion)"
        )
    names: dict[str, str] = {}
    flat = "ParsingNet.gcnet"
    for i in range(9):
        _gated(names, model, f"{flat}.{1 + i}", f"parsing.encoder.{i}")
        _gated(names, model, f"app_trans_net.{1 + i}", f"image.encoder.{i}")
    _attention(names, f"{flat}.10", "parsing.attention")
    _attention(names, "refine_attn", "image.attention")
    for i in range(7):
        _gated(names, model, f"{flat}.{11 + i}", f"parsing.decoder.{i}")
        _gated(names, model, f"refine_upsample_net.{i}", f"image.decoder.{i}")
    return names


def _gated(names: dict[str, str], model: PINet, official: str, ours: str) -> None:
    layer = model.get_submodule(ours)
    assert isinstance(layer, GatedConv)
    below = f"{official}.conv2d" if layer.up else official
    for theirs, part in _GATED.items():
        entries = _NORM if part == "batch_norm" else ("weight", "bias")
        names.update({f"{below}.{theirs}.{entry}": f"{ours}.{part}.{entry}" for entry in entries})


def _attention(names: dict[str, str], official: str, ours: str) -> None:
    names[f"{official}.gamma"] = f"{ours}.gamma"
    for part in ("query", "key", "value"):
        names.update({f"{official}.{part}_conv.{entry}": f"{ours}.{part}.{entry}" for entry in ("weight", "bias")})
