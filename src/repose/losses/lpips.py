"""LPIPS v0.1 as a loss, on AlexNet or VGG16: differentiable, over the picture or over a person alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.losses.frozen import FrozenNetworkTerm
from repose.names import nearest
from repose.nn.alexnet import AlexNet
from repose.nn.lpips import LPIPS_TAPS, distance_maps, lpips_alexnet, lpips_vgg16
from repose.nn.vgg import VGG16

Trunk = Literal["alex", "vgg"]

TRUNKS: Final[tuple[str, ...]] = get_args(Trunk)

_CHANNELS: Final = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}

_LEAST: Final = {"alex": 63, "vgg": 16}
"""Rows and columns of a picture, at least."""


class WeightedTrunk(nn.Module):
    """The trunk of LPIPS with the learnt weights of its channels; frozen.

    Args:
        network: returns its taps of pictures in [0, 1].
        weights: tap -> (C,), 0 or more.
    """

    def __init__(self, network: nn.Module, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.network = network
        self.taps = tuple(weights)
        for tap, weight in weights.items():
            self.register_buffer(tap, weight.detach().clone())
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [-1, 1] -> tap: its features after ReLU."""
        features: dict[str, Tensor] = self.network((images + 1) / 2)
        return features

    @property
    def weights(self) -> dict[str, Tensor]:
        """Tap -> the weights of its channels (C,)."""
        return {tap: self.get_buffer(tap) for tap in self.taps}


class Lpips(FrozenNetworkTerm):
    """LPIPS v0.1, mean over the pictures: the number of the metric, with a gradient.

    Args:
        network: takes the place of the trunk and the weights of the files.
        trunk: "alex", AlexNet; or "vgg", VGG16, which takes about 20 times the arithmetic.

    Raises:
        ValueError: another trunk (names the nearest).

    Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", eq. 1.
    """

    def __init__(self, network: WeightedTrunk | None = None, trunk: Trunk = "alex") -> None:
        super().__init__(network)
        if trunk not in TRUNKS:
            raise ValueError(f"Lpips: no trunk '{trunk}'; {nearest(trunk, TRUNKS)}")
        self.trunk: Trunk = trunk

    def forward(self, generated: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The distance, a scalar of 0 or more; no gradient flows to `target` or `weight`.

        Args:
            generated, target: (B, 3, H, W) in [-1, 1], H and W of 63 or more on AlexNet, of 16 or more on VGG16.
            weight: (B, 1, H, W), 0 or more: how much each pixel counts, such as the mask of a person; averaged down to
                the size of each layer. The mean over places and pictures becomes the weighted mean, and a weight of 0
                everywhere gives 0. None: every pixel counts the same.

        Raises:
            FileMissingError: a weight file is not here.
            ValueError: shapes that do not go together.
        """
        with torch.no_grad():
            wanted = self.features(target)
        return self.between(self.features(generated), wanted, weight)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [-1, 1] -> {layer: (B, C, h, w)}, for `between`: a target's can be used several times."""
        least = _LEAST[self.trunk]
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[-2:]) < least:
            raise ValueError(
                f"Lpips: pictures (B, 3, H, W) with H and W of {least} or more are wanted, got {tuple(images.shape)}"
            )
        features: dict[str, Tensor] = self.network(images.device)(images)
        return features

    def between(
        self, generated: Mapping[str, Tensor], target: Mapping[str, Tensor], weight: Tensor | None = None
    ) -> Tensor:
        """The distance of two sets of `features`, a scalar; `weight` as in `forward`."""
        first = next(iter(generated.values()))
        if weight is not None and (weight.ndim != 4 or weight.shape[1] != 1 or len(weight) != len(first)):
            raise ValueError(
                f"Lpips: a weight (B, 1, H, W) for {len(first)} pictures is wanted, got {tuple(weight.shape)}"
            )
        network = self.network(first.device)
        assert isinstance(network, WeightedTrunk)
        with torch.autocast(first.device.type, enabled=False):  # sums of many products
            maps = distance_maps(
                {tap: value.float() for tap, value in generated.items()},
                {tap: value.detach().float() for tap, value in target.items()},
                network.weights,
            )
            return torch.stack([_mean(apart, weight) for apart in maps.values()]).sum()

    def _read(self) -> nn.Module:
        network, weights = lpips_alexnet() if self.trunk == "alex" else lpips_vgg16()
        return WeightedTrunk(network, weights)

    def _unread(self) -> nn.Module:
        taps = LPIPS_TAPS[self.trunk]
        weights = {tap: torch.rand(channels) for tap, channels in zip(taps, _CHANNELS[self.trunk], strict=True)}
        return WeightedTrunk(AlexNet(taps) if self.trunk == "alex" else VGG16(taps), weights)


def _mean(apart: Tensor, weight: Tensor | None) -> Tensor:
    """The mean of (B, h, w), weighted by (B, 1, H, W)."""
    if weight is None:
        return apart.mean()
    share = F.adaptive_avg_pool2d(weight.detach().float(), (apart.shape[1], apart.shape[2]))[:, 0]
    return (apart * share).sum() / share.sum().clamp_min(1e-6)
