"""What LPIPS v0.1 is made of: its layers, its learnt weights, and its distance at every place of a picture.

Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", eq. 1. The metric is
`repose.metrics.functional.lpips`, the loss `repose.losses.lpips`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor

from repose.hub.fetch import FileMissingError, locate
from repose.hub.files import FILES
from repose.nn import alexnet, vgg

LPIPS_TAPS: Final[Mapping[str, tuple[str, ...]]] = {
    "alex": alexnet.TAPS,
    "vgg": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
    "squeeze": ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
}
"""Trunk of LPIPS -> the layers whose features are compared."""

ALEXNET_WEIGHTS: Final = "lpips_v0.1_alex.pth"

VGG_WEIGHTS: Final = "lpips_v0.1_vgg.pth"

ALEXNET_WITH_WEIGHTS: Final = "alexnet_features_lpips.safetensors"
"""The convolutions of AlexNet and the learnt weights in one small file."""


def lpips_weights(file: Path | str, taps: Sequence[str]) -> dict[str, Tensor]:
    """The learnt weights of LPIPS version 0.1: tap -> (C,).

    Args:
        file: the published one, or a safetensors file that holds the network's convolutions too.
        taps: of the trunk, `LPIPS_TAPS`.

    Raises:
        ValueError: the file does not hold the weights of as many taps.
    """
    if Path(file).suffix == ".safetensors":
        state = {name: value for name, value in load_file(file).items() if name.startswith("lpips.")}
        names = [f"lpips.lin{number}.weight" for number in range(len(taps))]
    else:
        state = torch.load(file, map_location="cpu", weights_only=True)
        names = [f"lin{number}.model.1.weight" for number in range(len(taps))]
    if sorted(state) != sorted(names):
        raise ValueError(
            f"{file} is no file of LPIPS v0.1 for {len(taps)} taps: {names[0]} to {names[-1]} are expected, it holds "
            f"{len(state)} entries, {', '.join(sorted(state)[:3])} ..."
        )
    return {tap: state[name].flatten() for tap, name in zip(taps, names, strict=True)}


def lpips_alexnet() -> tuple[alexnet.AlexNet, dict[str, Tensor]]:
    """AlexNet and the learnt weights of LPIPS on it, both from `repose.hub`.

    They come from `ALEXNET_WITH_WEIGHTS` if a copy is here, else from the two published files.

    Raises:
        FileNotFoundError: the files are not there; the text names one, its address and the folder.
        ValueError: a file is of another network.
    """
    try:
        both = locate(FILES[ALEXNET_WITH_WEIGHTS])
    except FileMissingError:
        weights = locate(FILES[ALEXNET_WEIGHTS])  # the small one first: it fails at once
        return alexnet.alexnet(), lpips_weights(weights, alexnet.TAPS)
    return alexnet.alexnet(path=both), lpips_weights(both, alexnet.TAPS)


def lpips_vgg16() -> tuple[vgg.VGG16, dict[str, Tensor]]:
    """VGG16 and the learnt weights of LPIPS on it, both from `repose.hub`; errors as of `lpips_alexnet`."""
    taps = LPIPS_TAPS["vgg"]
    weights = lpips_weights(locate(FILES[VGG_WEIGHTS]), taps)
    return vgg.vgg16(taps), weights


def distance_maps(
    one: Mapping[str, Tensor], other: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Squared differences of unit vectors, weighted by channel: tap -> (B, H, W), 0 or more.

    Args:
        one, other: tap -> features after ReLU (B, C, H, W) of the two pictures.
        weights: tap -> learnt weights (C,); its taps are the ones that are compared.
    """
    maps = {}
    for tap, weight in weights.items():
        apart = (unit(one[tap]) - unit(other[tap])).square()  # (B, C, H, W)
        maps[tap] = torch.einsum("bchw,c->bhw", apart, weight.to(apart))
    return maps


def unit(features: Tensor) -> Tensor:
    """Features (B, C, H, W) with vectors of length 1 along C; a vector of zeros stays, and its slope is finite."""
    squares = features.square().sum(1, keepdim=True)
    return features / ((squares + (squares == 0)).sqrt() + 1e-10)
