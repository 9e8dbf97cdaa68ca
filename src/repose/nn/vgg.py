"""Features of VGG16 and VGG19 (Simonyan and Zisserman 2015), as far as losses need them, by their published names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.nn.weights import checked_taps, load_named, loaded

WEIGHTS: Final = "vgg19-dcbb9e9d.pth"
WEIGHTS_16: Final = "vgg16-397923af.pth"

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)
"""RGB in [0, 1]; what both were trained with."""

_STAGES: Final = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
_STAGES_16: Final = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Width and number of 3x3 convolutions of each stage; a 2x2 maximum lies between stages."""


def _plan(stages: Sequence[tuple[int, int]]) -> dict[str, tuple[int, int, int]]:
    """Tap -> (index in the published `features`, channels in, channels out), in order."""
    plan, index, before = {}, 0, 3
    for stage, (width, count) in enumerate(stages, start=1):
        for number in range(1, count + 1):
            plan[f"relu{stage}_{number}"] = (index, before, width)
            index, before = index + 2, width  # a convolution and its ReLU
        index += 1  # the pooling
    return plan


TAPS: Final = tuple(_plan(_STAGES))
"""relu1_1 ... relu5_4. "Layer 4" and "layer 9" of a published `features` list (from 1) are relu1_2 and relu2_2."""

TAPS_16: Final = tuple(_plan(_STAGES_16))
"""relu1_1 ... relu5_3."""


class VGG19(nn.Module):
    """The convolutions of VGG19 up to the deepest tap, frozen.

    Args:
        taps: which of `TAPS` are returned.

    Raises:
        ValueError: no tap, or an unknown one (names the nearest).
    """

    stages: ClassVar[tuple[tuple[int, int], ...]] = _STAGES

    def __init__(self, taps: Sequence[str] = ("relu1_2", "relu2_2")) -> None:
        super().__init__()
        whole = _plan(self.stages)
        self.taps = checked_taps(taps, tuple(whole), type(self).__name__)
        deepest = max(tuple(whole).index(tap) for tap in self.taps)
        plan = dict(list(whole.items())[: deepest + 1])
        self.names = {tap: str(index) for tap, (index, _, _) in plan.items()}
        self.features = nn.ModuleDict(
            {str(index): nn.Conv2d(into, out, 3, padding=1) for index, into, out in plan.values()}
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [0, 1] -> tap: its features after ReLU; stage k is at H / 2^(k-1)."""
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        x = (images - mean) / std  # (B, 3, H, W)
        features: dict[str, Tensor] = {}
        for tap, name in self.names.items():
            if tap.endswith("_1") and tap != "relu1_1":
                x = F.max_pool2d(x, 2)  # (B, C, H/2, W/2) of the stage before
            x = F.relu(self.features[name](x))  # (B, C, H/2^k, W/2^k)
            if tap in self.taps:
                features[tap] = x
        return features

    def load(self, state: Mapping[str, Tensor], origin: str = "the state dict") -> None:
        """Take the published weights (`features.N.weight` ...). ValueError names what is missing or misshapen."""
        last = max(index for index, _, _ in _plan(self.stages).values())
        expected = f"the {type(self).__name__} file of torchvision has 'features.0.weight' to 'features.{last}.bias'"
        load_named(self, state, origin, expected)


class VGG16(VGG19):
    """The same of VGG16, which has three convolutions in its last three stages; its taps are `TAPS_16`."""

    stages = _STAGES_16


def vgg19(taps: Sequence[str] = ("relu1_2", "relu2_2"), path: Path | str | None = None) -> VGG19:
    """VGG19 with its published ImageNet weights.

    Args:
        taps: which of `TAPS` are returned.
        path: the file `vgg19-dcbb9e9d.pth`; None asks `repose.hub`.

    Raises:
        FileNotFoundError: the file is not there; the text names it, its address and the folder.
        ValueError: the file is of another network.
    """
    return loaded(VGG19(taps), WEIGHTS, path)


def vgg16(taps: Sequence[str] = ("relu1_2", "relu2_2"), path: Path | str | None = None) -> VGG16:
    """VGG16 with its published ImageNet weights, the file `vgg16-397923af.pth`; arguments and errors as of `vgg19`."""
    return loaded(VGG16(taps), WEIGHTS_16, path)
