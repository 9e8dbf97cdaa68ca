"""SSD300 on VGG16 (Liu et al. 2016), trained on COCO, as torchvision publishes it: scores and boxes of 8,732 places."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.nn.weights import load_named, loaded

WEIGHTS: Final = "ssd300_vgg16_coco-b556d3b4.pth"

PERSON: Final = 1
"""Of the 91 classes of COCO's own numbering; 0 is background."""

CLASSES: Final = 91
SIDE: Final = 300

FLOOR: Final = 0.01
"""A detection below this score is none (score_thresh of the published detector)."""

_MEAN: Final = (0.48235, 0.45882, 0.40784)  # and no deviation: the network sees values of about -123 to 151

_MAPS: Final = (
    # channels, side, pixels between places, scale, aspect ratios besides 1
    (512, 38, 8, 0.07, (2,)),
    (1024, 19, 16, 0.15, (2, 3)),
    (512, 10, 32, 0.33, (2, 3)),
    (256, 5, 64, 0.51, (2, 3)),
    (256, 3, 100, 0.69, (2,)),
    (256, 1, 300, 0.87, (2,)),
)
_SCALES: Final = (*(scale for _, _, _, scale, _ in _MAPS), 1.05)


class SSD300(nn.Module):
    """The detector without its suppression of overlapping boxes; frozen. 35,641,826 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.head = nn.ModuleDict({"classification_head": _Head(CLASSES), "regression_head": _Head(4)})
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and box offsets of every place.

        Args:
            images: (B, 3, H, W) in [0, 1]; any size, resized to 300x300 (bilinear), without keeping its shape.

        Returns:
            softmax over the classes, (B, 8732, 91), and offsets (B, 8732, 4), which `boxes` reads.
        """
        x = (images - self.get_buffer("mean")) * 255
        x = F.interpolate(x, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        maps = list(self.backbone(x))
        scores: Tensor = self.head["classification_head"](maps)
        offsets: Tensor = self.head["regression_head"](maps)
        return scores.softmax(2), offsets

    def load(self, state: Mapping[str, Tensor], origin: str = "the state dict") -> None:
        """Take the published weights. ValueError names what is missing or misshapen."""
        expected = "torchvision's SSD300 has 'backbone.scale_weight' to 'head.regression_head.module_list.5.bias'"
        load_named(self, state, origin, expected)


class _Backbone(nn.Module):
    """Six maps of features: conv4_3 brought to length 20 x learnt, conv7, and four further ones."""

    def __init__(self) -> None:
        super().__init__()
        layers = (
            (0, 64),
            (2, 64),
            (5, 128),
            (7, 128),
            (10, 256),
            (12, 256),
            (14, 256),
            (17, 512),
            (19, 512),
            (21, 512),
        )
        self.scale_weight = nn.Parameter(torch.full((512,), 20.0))
        self.features = nn.ModuleDict()
        before = 3
        for index, width in layers:
            self.features[str(index)] = nn.Conv2d(before, width, 3, padding=1)
            before = width
        deep: dict[str, nn.Module] = {index: nn.Conv2d(512, 512, 3, padding=1) for index in ("1", "3", "5")}
        deep["7"] = nn.ModuleDict({"1": nn.Conv2d(512, 1024, 3, padding=6, dilation=6), "3": nn.Conv2d(1024, 1024, 1)})
        self.extra = nn.ModuleList([nn.ModuleDict(deep)])
        for into, narrow, out, stride, padding in (
            (1024, 256, 512, 2, 1),
            (512, 128, 256, 2, 1),
            (256, 128, 256, 1, 0),
            (256, 128, 256, 1, 0),
        ):
            wide = nn.Conv2d(narrow, out, 3, stride=stride, padding=padding)
            self.extra.append(nn.ModuleDict({"0": nn.Conv2d(into, narrow, 1), "2": wide}))

    def forward(self, x: Tensor) -> Iterator[Tensor]:
        """(B, 3, 300, 300) -> the maps of `_MAPS`."""
        for name, layer in self.features.items():
            if name in ("5", "10", "17"):
                x = F.max_pool2d(x, 2, ceil_mode=name == "17")  # 150, 75, 38
            x = F.relu(layer(x))
        yield self.scale_weight.view(1, -1, 1, 1) * F.normalize(x)  # (B, 512, 38, 38)
        x = F.max_pool2d(x, 2)  # (B, 512, 19, 19)
        for name in ("0.1", "0.3", "0.5"):
            x = F.relu(self.extra.get_submodule(name)(x))
        x = F.max_pool2d(x, 3, 1, 1)
        for name in ("0.7.1", "0.7.3"):
            x = F.relu(self.extra.get_submodule(name)(x))
        yield x  # (B, 1024, 19, 19)
        for number in (1, 2, 3, 4):
            for name in (f"{number}.0", f"{number}.2"):
                x = F.relu(self.extra.get_submodule(name)(x))
            yield x  # (B, 512, 10, 10), (B, 256, 5, 5), (B, 256, 3, 3), (B, 256, 1, 1)


class _Head(nn.Module):
    """`columns` numbers for every box of every place of the maps."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns
        self.module_list = nn.ModuleList(
            nn.Conv2d(width, columns * (2 + 2 * len(ratios)), 3, padding=1) for width, _, _, _, ratios in _MAPS
        )

    def forward(self, maps: list[Tensor]) -> Tensor:
        """-> (B, 8732, columns), row by row, place by place, box by box."""
        parts = []
        for layer, features in zip(self.module_list, maps, strict=True):
            x = layer(features)  # (B, A columns, H, W)
            parts.append(x.permute(0, 2, 3, 1).reshape(len(x), -1, self.columns))
        return torch.cat(parts, 1)


def boxes(offsets: Tensor) -> Tensor:
    """The boxes of the offsets (B, 8732, 4): left, top, right, bottom as shares of the picture, within it."""
    default = default_boxes().to(offsets)
    centre = default[:, :2] + offsets[..., :2] / 10 * default[:, 2:]
    half = default[:, 2:] * (offsets[..., 2:] / 5).clamp(max=math.log(1000 / 16)).exp() / 2
    return torch.cat([centre - half, centre + half], 2).clamp(0, 1)


def default_boxes() -> Tensor:
    """(8732, 4): centre x, y, width, height as shares of the picture (paper, section 2.2)."""
    boxes_of_maps = []
    for number, (_, side, step, scale, ratios) in enumerate(_MAPS):
        larger = math.sqrt(scale * _SCALES[number + 1])
        sizes = [(scale, scale), (larger, larger)]
        for ratio in ratios:
            long, short = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
            sizes += [(long, short), (short, long)]
        at = (torch.arange(side) + 0.5) * step / SIDE
        y, x = torch.meshgrid(at, at, indexing="ij")
        shape = torch.tensor(sizes).clamp(max=1)  # (A, 2)
        centre = torch.stack([x, y], 2).view(-1, 1, 2).expand(-1, len(sizes), 2)  # (H W, A, 2)
        boxes_of_maps.append(torch.cat([centre, shape.expand(side * side, -1, -1)], 2).reshape(-1, 4))
    return torch.cat(boxes_of_maps)


def ssd300(path: Path | str | None = None) -> SSD300:
    """SSD300 with its published COCO weights.

    Args:
        path: the file `ssd300_vgg16_coco-b556d3b4.pth`; None asks `repose.hub`.

    Raises:
        FileNotFoundError: the file is not there; the text names it, its address and the folder.
        ValueError: the file is of another network.
    """
    return loaded(SSD300(), WEIGHTS, path)
