"""Checkpoints of the released code of Roy et al. -> the networks here.

The layouts: `in{1,2}_conv1`, `in{1,2}_down{1..4}`, `out_up{1..4}` (from the smallest maps on), `out_conv1`, and the
discriminator's flat `layers`. Only names differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from torch import Tensor

from repose.models.convert import plain_state, rename
from repose.models.multiscale.network import MultiScale, MultiScaleConfig, PatchDiscriminator

_CONV: Final = ("weight",)
_NORM: Final = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def generator_names(config: MultiScaleConfig) -> dict[str, str]:
    """Official entry -> ours, for the published generator and any other width and number of levels.

    Raises:
        ValueError: the network is folded, has no norms, or is an ablation: no official layout is known.
    """
    if config.fold or config.norm != "batch" or config.links != "full" or config.tail != 4:
        raise ValueError("only a network with links='full', norm='batch', tail=4 and no fold has an official layout")
    names: dict[str, str] = {}
    for branch, ours in (("in1", "image_encoder"), ("in2", "pose_encoder")):
        names |= _pair(f"{branch}_conv1.0", f"{branch}_conv1.1", f"{ours}.stem.conv", f"{ours}.stem.norm")
        for level in range(1, config.levels + 1):
            names |= _block(f"{branch}_down{level}", f"{ours}.downs.{level - 1}")
    for level in range(1, config.levels + 1):  # counted from the smallest maps on
        names |= _block(f"out_up{level}", f"ups.{level - 1}")
    for number in range(config.tail):
        names |= _residual(f"out_conv1.{number}", f"tail.{number}")
    return {**names, f"out_conv1.{config.tail}.weight": "to_image.weight"}


DISCRIMINATOR_NAMES: Final = {
    "layers.0.weight": "conv1.weight",
    "layers.0.bias": "conv1.bias",
    **{f"layers.{index}.weight": f"conv{number}.weight" for number, index in ((2, 2), (3, 5), (4, 8), (5, 11))},
    **{f"layers.{index}.{e}": f"norm{number}.{e}" for number, index in ((2, 3), (3, 6), (4, 9)) for e in _NORM},
    "layers.11.bias": "conv5.bias",
}
"""Official entry -> ours, of the PatchGAN."""


def convert_generator(state: Mapping[str, Tensor], config: MultiScaleConfig | None = None) -> dict[str, Tensor]:
    """A released generator's state dict -> that of `MultiScale(config)`.

    Args:
        state: official names (`in1_conv1` ... `out_conv1`), with or without `module.` in front.
        config: None takes `generator_config(state)`.

    Raises:
        WeightsError: an entry is left over or missing, or has another shape.
    """
    state = plain_state(state)
    config = config or generator_config(state)
    return rename(state, generator_names(config), MultiScale(config), "multi-scale generator")


def generator_config(state: Mapping[str, Tensor]) -> MultiScaleConfig:
    """The sizes that a released generator's state dict has; the published ones where it does not tell."""
    state = plain_state(state)
    stem = state.get("in1_conv1.0.weight")
    if stem is None:
        return MultiScaleConfig()
    return MultiScaleConfig(
        width=stem.shape[0], levels=len({n.split(".")[0] for n in state if n.startswith("in1_down")})
    )


def convert_discriminator(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A released discriminator's state dict (`layers.*`) -> that of `PatchDiscriminator`. Errors as the generator."""
    state = plain_state(state)
    first = state.get("layers.0.weight")
    network = PatchDiscriminator(first.shape[0] if first is not None else 64)
    return rename(state, DISCRIMINATOR_NAMES, network, "multi-scale discriminator")


def _pair(conv: str, norm: str, our_conv: str, our_norm: str) -> dict[str, str]:
    return {f"{conv}.{e}": f"{our_conv}.{e}" for e in _CONV} | {f"{norm}.{e}": f"{our_norm}.{e}" for e in _NORM}


def _block(official: str, ours: str) -> dict[str, str]:
    """Down2x and Up2x alike: convolution 0, norm 1, ReLU 2, residual block 3."""
    return _pair(f"{official}.0", f"{official}.1", f"{ours}.conv", f"{ours}.norm") | _residual(
        f"{official}.3", f"{ours}.residual"
    )


def _residual(official: str, ours: str) -> dict[str, str]:
    official = f"{official}.layers"
    return _pair(f"{official}.0", f"{official}.1", f"{ours}.conv1", f"{ours}.norm1") | _pair(
        f"{official}.3", f"{official}.4", f"{ours}.conv2", f"{ours}.norm2"
    )
