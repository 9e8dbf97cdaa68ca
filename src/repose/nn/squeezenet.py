"""SqueezeNet 1.1 (Iandola et al. 2016) by its published names: taps for LPIPS, or the logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.nn.vgg import IMAGENET_MEAN, IMAGENET_STD
from repose.nn.weights import checked_taps, load_named, loaded

WEIGHTS: Final = "squeezenet1_1-b8a52dc0.pth"

_FIRES: Final = {
    "fire2": (3, 64, 16, 64),
    "fire3": (4, 128, 16, 64),
    "fire4": (6, 128, 32, 128),
    "fire5": (7, 256, 32, 128),
    "fire6": (9, 256, 48, 192),
    "fire7": (10, 384, 48, 192),
    "fire8": (11, 384, 64, 256),
    "fire9": (12, 512, 64, 256),
}
"""Index in the published `features`, channels in, of the squeeze, of each of the two expansions."""

_POOLED: Final = ("fire2", "fire4", "fire6")
"""Modules that a 3x3 maximum of stride 2 precedes, its last window hanging over the border."""

TAPS: Final = ("conv1", *_FIRES)
"""conv1: 64 channels at H/2; then twice the width of an expansion, at H/4 (2, 3), H/8 (4, 5), H/16 (6 to 9)."""


class _Fire(nn.Module):
    """1x1 squeeze, then 1x1 and 3x3 side by side, each followed by ReLU (Figure 1 of the paper)."""

    def __init__(self, into: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(into, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class SqueezeNet(nn.Module):
    """The modules of SqueezeNet 1.1, and its classifier if no tap is asked for; frozen.

    Args:
        taps: which of `TAPS` `forward` returns; empty builds the classifier too, for `logits`.

    Raises:
        ValueError: an unknown tap (names the nearest).
    """

    def __init__(self, taps: Sequence[str] = TAPS) -> None:
        super().__init__()
        self.taps = checked_taps(taps, TAPS, "SqueezeNet") if taps else ()
        self.features = nn.ModuleDict({"0": nn.Conv2d(3, 64, 3, stride=2)})
        for index, into, squeezed, expanded in _FIRES.values():
            self.features[str(index)] = _Fire(into, squeezed, expanded)
        if not self.taps:
            self.classifier = nn.ModuleDict({"1": nn.Conv2d(512, 1000, 1)})
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [0, 1], H and W of 17 or more -> tap: its features after ReLU."""
        features = self._convolved(images)
        return {tap: features[tap] for tap in self.taps}

    def logits(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 1000) of ImageNet, none below 0. Needs a network built with taps=()."""
        if self.taps:
            raise ValueError("SqueezeNet.logits: build the network with taps=()")
        return F.relu(self.classifier["1"](self._convolved(images)["fire9"])).mean((2, 3))

    def load(self, state: Mapping[str, Tensor], origin: str = "the state dict") -> None:
        """Take the published weights. ValueError names what is missing or misshapen."""
        expected = "the SqueezeNet 1.1 file of torchvision has 'features.0.weight' to 'classifier.1.bias'"
        load_named(self, state, origin, expected)

    def _convolved(self, images: Tensor) -> dict[str, Tensor]:
        x = (images - self.get_buffer("mean")) / self.get_buffer("std")  # (B, 3, H, W)
        x = F.relu(self.features["0"](x))  # (B, 64, H/2, W/2)
        features = {"conv1": x}
        for tap, (index, *_) in _FIRES.items():
            if tap in _POOLED:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            x = features[tap] = self.features[str(index)](x)
        return features


def squeezenet(taps: Sequence[str] = TAPS, path: Path | str | None = None) -> SqueezeNet:
    """SqueezeNet 1.1 with its published ImageNet weights.

    Args:
        taps: which of `TAPS` are returned; empty for `logits`.
        path: the file `squeezenet1_1-b8a52dc0.pth`; None asks `repose.hub`.

    Raises:
        FileNotFoundError: the file is not there; the text names it, its address and the folder.
        ValueError: the file is of another network.
    """
    return loaded(SqueezeNet(taps), WEIGHTS, path)
