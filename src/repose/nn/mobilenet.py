"""MobileNetV2 1.0 (Sandler et al. 2018) with ImageNet weights from TensorFlow: features for losses and distances.

The batch norms are folded into weight and bias, and the padding is TensorFlow's SAME: with stride 2 and an even side
one row and column of zeros at the end, where PyTorch's padding=1 puts one at either end and shifts every feature.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.nn.weights import checked_taps, load_named, loaded

WEIGHTS: Final = "mobilenet_v2_imagenet.safetensors"

_GROUPS: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Table 2 of the paper: expansion t, channels c, repeats n, stride s of the first."""

TAPS: Final = ("blocks.0", "blocks.2", "blocks.5", "blocks.12", "blocks.16")
"""The last block before each stride: 16, 24, 32, 96, 320 channels at H/2, H/4, H/8, H/16, H/32."""

CHANNELS: Final = {"blocks.0": 16, "blocks.2": 24, "blocks.5": 32, "blocks.12": 96, "blocks.16": 320}


def same_pad(x: Tensor) -> Tensor:
    """Zeros so that a 3x3 convolution of stride 2 without padding is TensorFlow's SAME: (B, C, H, W) -> larger.

    An even side gets (0, 1), an odd one (1, 1).
    """
    height, width = x.shape[-2:]
    return F.pad(x, (width % 2, 1, height % 2, 1))


class _Conv(nn.Conv2d):
    """A convolution with bias and SAME padding; followed by ReLU6 unless `linear`."""

    def __init__(
        self, into: int, out: int, kernel: int, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(into, out, kernel, stride, padding, groups=groups)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(same_pad(x) if self.stride[0] == 2 else x)
        return x if self.linear else F.relu6(x, inplace=True)


class _Block(nn.Module):
    """Inverted residual: 1x1 expand, 3x3 depthwise, 1x1 linear project (Sandler et al., Table 1)."""

    def __init__(self, into: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = into * expansion
        self.expand = _Conv(into, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _Conv(hidden, hidden, 3, stride, groups=hidden)
        self.project = _Conv(hidden, out, 1, linear=True)
        self.residual = stride == 1 and into == out

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x)  # (B, t C, H, W)
        y = self.depthwise(y)  # (B, t C, H/s, W/s)
        y = self.project(y)  # (B, C', H/s, W/s)
        added: Tensor = x + y if self.residual else y
        return added


class MobileNetV2(nn.Module):
    """MobileNetV2 up to the deepest tap, or to the logits; frozen.

    Args:
        taps: which of `TAPS` `forward` returns; empty builds head and classifier too, for `logits`.
        scaled: divide every channel of a tap by its `feature_scale`.
    """

    def __init__(
        self, taps: Sequence[str] = ("blocks.0", "blocks.2", "blocks.5", "blocks.12"), scaled: bool = False
    ) -> None:
        super().__init__()
        self.taps = checked_taps(taps, TAPS, "MobileNetV2") if taps else ()
        depth = 1 + max(int(tap.removeprefix("blocks.")) for tap in self.taps) if self.taps else 17
        shapes, before = [], 32
        for expansion, width, count, stride in _GROUPS:
            for number in range(count):
                shapes.append((before, width, stride if number == 0 else 1, expansion))
                before = width
        self.stem = _Conv(3, 32, 3, 2)
        self.blocks = nn.ModuleList(_Block(*shape) for shape in shapes[:depth])
        if not self.taps:
            self.head = _Conv(320, 1280, 1)
            self.classifier = nn.Linear(1280, 1001)
        self.scaled = scaled
        for number, tap in enumerate(self.taps if scaled else ()):
            self.register_buffer(f"scale{number}", feature_scale(tap).view(1, -1, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [-1, 1] -> tap: its linear features at H/2 ... H/32 (rounded up)."""
        x = self.stem(images)  # (B, 32, H/2, W/2)
        features: dict[str, Tensor] = {}
        for number, block in enumerate(self.blocks):
            x = block(x)
            if f"blocks.{number}" in self.taps:
                features[f"blocks.{number}"] = x
        if self.scaled:
            features = {tap: features[tap] / self.get_buffer(f"scale{n}") for n, tap in enumerate(self.taps)}
        return features

    def logits(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> (B, 1001), class 0 is background. Needs a network built with taps=()."""
        if self.taps:
            raise ValueError("MobileNetV2.logits: build the network with taps=()")
        x = self.stem(images)  # (B, 32, H/2, W/2)
        for block in self.blocks:
            x = block(x)  # (B, 320, H/32, W/32) at the end
        x = self.head(x).mean((2, 3))  # (B, 1280)
        logits: Tensor = self.classifier(x)
        return logits

    def load(self, state: Mapping[str, Tensor], origin: str = "the state dict") -> None:
        """Take weights by name. ValueError names what is missing or misshapen."""
        if not self.taps and "classifier.weight" in state:  # stored as the 1x1 convolution it is
            state = {**state, "classifier.weight": state["classifier.weight"].reshape(1001, 1280)}
        load_named(self, state, origin, f"{WEIGHTS} has 'stem.weight' to 'classifier.bias'")


def mobilenet_v2(
    taps: Sequence[str] = ("blocks.0", "blocks.2", "blocks.5", "blocks.12"),
    path: Path | str | None = None,
    scaled: bool = False,
) -> MobileNetV2:
    """MobileNetV2 with its ImageNet weights.

    Args:
        taps: which of `TAPS` are returned; empty for `logits`.
        path: the file `mobilenet_v2_imagenet.safetensors`; None asks `repose.hub`.
        scaled: divide every channel of a tap by its `feature_scale`.

    Raises:
        FileNotFoundError: the file is not there; the text names it, its address and the folder.
        ValueError: the file is of another network.
    """
    return loaded(MobileNetV2(taps, scaled), WEIGHTS, path)


def feature_scale(tap: str) -> Tensor:
    """The fixed standard deviation of every channel of a tap, (C,), measured on rendered people.

    The taps are linear and differ in scale per channel, so a loss divides by these. They are constants: divided by
    statistics of the generated picture itself, a network can lower its loss by turning grey.
    `scripts/measure_feature_scale.py` measures them again.
    """
    table = json.loads(resources.files("repose.nn").joinpath("mobilenet_scale.json").read_text("utf-8"))
    return torch.tensor(table["std"][checked_taps((tap,), TAPS, "MobileNetV2")[0]])
