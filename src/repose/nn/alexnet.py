"""AlexNet in one tower (Krizhevsky 2014) by its published names: taps for LPIPS, or the logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.nn.vgg import IMAGENET_MEAN, IMAGENET_STD
from repose.nn.weights import checked_taps, load_named, loaded

WEIGHTS: Final = "alexnet-owt-7be5be79.pth"

TAPS: Final = ("relu1", "relu2", "relu3", "relu4", "relu5")
"""After each convolution: 64, 192, 384, 256, 256 channels; about H/4, H/8, and H/16 for the last three."""

_POOLED: Final = ("relu2", "relu3")
"""Convolutions that a 3x3 maximum of stride 2 precedes."""


class AlexNet(nn.Module):
    """The convolutions of AlexNet, and its classifier if no tap is asked for; frozen.

    Args:
        taps: which of `TAPS` `forward` returns; empty builds the classifier too, for `logits`.

    Raises:
        ValueError: an unknown tap (names the nearest).
    """

    def __init__(self, taps: Sequence[str] = TAPS) -> None:
        super().__init__()
        self.taps = checked_taps(taps, TAPS, "AlexNet") if taps else ()
        self.features = nn.ModuleDict(
            {
                "0": nn.Conv2d(3, 64, 11, stride=4, padding=2),
                "3": nn.Conv2d(64, 192, 5, padding=2),
                "6": nn.Conv2d(192, 384, 3, padding=1),
                "8": nn.Conv2d(384, 256, 3, padding=1),
                "10": nn.Conv2d(256, 256, 3, padding=1),
            }
        )
        if not self.taps:
            self.classifier = nn.ModuleDict(
                {"1": nn.Linear(9216, 4096), "4": nn.Linear(4096, 4096), "6": nn.Linear(4096, 1000)}
            )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [0, 1], H and W of 63 or more -> tap: its features after ReLU."""
        features = self._convolved(images)
        return {tap: features[tap] for tap in self.taps}

    def logits(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 1000) of ImageNet. Needs a network built with taps=()."""
        if self.taps:
            raise ValueError("AlexNet.logits: build the network with taps=()")
        x = F.max_pool2d(self._convolved(images)["relu5"], 3, 2)
        x = F.adaptive_avg_pool2d(x, 6).flatten(1)  # (B, 9216)
        for name in ("1", "4"):
            x = F.relu(self.classifier[name](x))  # (B, 4096)
        logits: Tensor = self.classifier["6"](x)
        return logits

    def load(self, state: Mapping[str, Tensor], origin: str = "the state dict") -> None:
        """Take the published weights. ValueError names what is missing or misshapen."""
        load_named(
            self, state, origin, "the AlexNet file of torchvision has 'features.0.weight' to 'classifier.6.bias'"
        )

    def _convolved(self, images: Tensor) -> dict[str, Tensor]:
        x = (images - self.get_buffer("mean")) / self.get_buffer("std")  # (B, 3, H, W)
        features: dict[str, Tensor] = {}
        for tap, layer in zip(TAPS, self.features.values(), strict=True):
            if tap in _POOLED:
                x = F.max_pool2d(x, 3, 2)
            x = features[tap] = F.relu(layer(x))
        return features


def alexnet(taps: Sequence[str] = TAPS, path: Path | str | None = None) -> AlexNet:
    """AlexNet with its published ImageNet weights.

    Args:
        taps: which of `TAPS` are returned; empty for `logits`.
        path: the file `alexnet-owt-7be5be79.pth`; None asks `repose.hub`.

    Raises:
        FileNotFoundError: the file is not there; the text names it, its address and the folder.
        ValueError: the file is of another network.
    """
    return loaded(AlexNet(taps), WEIGHTS, path)
