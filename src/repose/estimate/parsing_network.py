"""The network that parses: a crop of a photograph, the person's joints and BodyPix's parts in, 20 scores a pixel out.

An encoder and a decoder with skips, as U-Net (Ronneberger et al. 2015) has them. The encoder is MobileNetV2; the
decoder is of separable convolutions, so that a CPU runs it in a few hundredths of a second.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.nn.mobilenet import CHANNELS, TAPS, MobileNetV2
from repose.person import JOINTS, LIP_LABELS
from repose.represent.keypoints import heatmaps
from repose.tensor_files import CheckpointError, read_shipped

NAME: Final = "person-parser"

SIZE: Final = (256, 192)
"""Rows and columns of the crop that the network sees; multiples of 32."""

BODY: Final = 26
"""Channels of `body`: the chance of a person, of BodyPix's 24 parts, and 1 everywhere if BodyPix was asked."""

BODY_CELL: Final = 8
"""Pixels of the crop that a cell of `body` is wide and high."""

_JOINTS: Final = len(JOINTS)
_WIDTHS: Final = (48, 96, 128, 160)
"""Channels of the decoder at 1/2, 1/4, 1/8 and 1/16 of the size."""


class _Separable(nn.Module):
    """Depthwise 5x5, pointwise 1x1, each with batch norm; added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.across = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.mix = nn.Conv2d(width, width, 1, bias=False)
        self.mix_norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm(self.across(x)))  # (B, C, h, w)
        added: Tensor = F.relu(x + self.mix_norm(self.mix(y)))
        return added


class _Level(nn.Module):
    """One size of the decoder: what comes from below and the skip, joined by a 1x1 convolution."""

    def __init__(self, into: int, width: int, depth: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(into, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(*(_Separable(width) for _ in range(depth)))

    def forward(self, *parts: Tensor) -> Tensor:
        x = F.relu(self.norm(self.join(torch.cat(parts, 1))))
        out: Tensor = self.blocks(x)
        return out


class ParsingNetwork(nn.Module):
    """MobileNetV2's features and a decoder, 2.1 million weights.

    The joints enter the decoder as Gaussians and say whose labels are wanted, and which side is left. BodyPix's parts
    enter at 1/8 of the size; zeros in all of their channels say that BodyPix was not asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MobileNetV2(TAPS, scaled=True).requires_grad_(True)
        two, four, eight, sixteen = _WIDTHS
        skip = [CHANNELS[tap] for tap in TAPS]
        self.level32 = _Level(skip[4], sixteen, 0)
        self.level16 = _Level(sixteen + skip[3] + 2 * _JOINTS, sixteen, 2)
        self.level8 = _Level(sixteen + skip[2] + 2 * _JOINTS + BODY, eight, 2)
        self.level4 = _Level(eight + skip[1] + _JOINTS, four, 2)
        self.level2 = _Level(four + skip[0], two, 1)
        self.last = nn.Conv2d(two, len(LIP_LABELS), 1)

    def forward(self, image: Tensor, keypoints: Tensor, body: Tensor) -> Tensor:
        """Scores of the labels at half the size.

        Args:
            image: (B, 3, H, W) in [-1, 1], 0 beyond the photograph; H and W multiples of 32.
            keypoints: (B, 18, 3) in its pixels, as in `repose.person`.
            body: (B, 26, H/8, W/8) in [0, 1], see `BODY`.

        Returns:
            (B, 20, H/2, W/2) logits of `repose.person.LIP_LABELS`.
        """
        height, width = image.shape[-2:]
        halves, quarters, eighths, sixteenths, deepest = self.encoder(image).values()
        x = self.level32(deepest)  # (B, 160, H/32, W/32)
        x = self.level16(_twice(x), sixteenths, _joints(keypoints, height, width, 16, (1.0, 3.0)))  # 160 at H/16
        x = self.level8(_twice(x), eighths, _joints(keypoints, height, width, 8, (1.0, 2.5)), body)  # 128 at H/8
        x = self.level4(_twice(x), quarters, _joints(keypoints, height, width, 4, (1.5,)))  # 96 at H/4
        x = self.level2(_twice(x), halves)  # (B, 48, H/2, W/2)
        logits: Tensor = self.last(x)
        return logits


@cache
def load_parser(path: Path | None = None) -> ParsingNetwork:
    """The network with the weights of a file, or with those that came with this installation.

    Raises:
        FileNotFoundError: they are not there. CheckpointError: the file is damaged, or of something else.
    """
    path, tensors, _ = read_shipped(NAME, "parser", path)
    network = ParsingNetwork()
    wanted = network.state_dict()
    try:
        network.load_state_dict({name: value.to(wanted[name].dtype) for name, value in tensors.items()})
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path} is of another version of the parser: {error}") from error
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


# -- inside ---------------------------------------------------------------------------------------------------------


def _twice(x: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, C, 2 h, 2 w)."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _joints(keypoints: Tensor, height: int, width: int, cell: int, sigmas: tuple[float, ...]) -> Tensor:
    """(B, 18 S, H / cell, W / cell): Gaussians around the joints, sigma in cells."""
    places = torch.cat([(keypoints[..., :2] + 0.5) / cell - 0.5, keypoints[..., 2:]], -1)
    maps = [heatmaps(places, height // cell, width // cell, sigma=sigma) for sigma in sigmas]
    return torch.cat(maps, 1)


__all__ = ["BODY", "BODY_CELL", "NAME", "SIZE", "ParsingNetwork", "load_parser"]
