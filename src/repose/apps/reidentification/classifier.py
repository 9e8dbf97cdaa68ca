"""Classifiers of people: a backbone, a batch norm, and one vector for each person of the training.

Sources: the ResNet-50 with cross-entropy follows Open-ReID, whose protocol PATN names (section 5): 256x128, an
embedding of 128 numbers with batch norm, ReLU and dropout 0.5. The other loss is circle loss (Sun et al. 2020).
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.extras import how_to_install
from repose.losses.circle import circle_loss
from repose.names import nearest
from repose.nn.mobilenet import mobilenet_v2

LOSSES: Final = ("cross-entropy", "circle")


class Backbone(nn.Module):
    """Pictures to features, in two parts: `prepare` is the same in every step of the training, `forward` learns.

    Attributes:
        channels: of the features. embedding: the size of a linear layer that follows, 0 for none. dropout: after it.
    """

    channels: int
    embedding: int = 0
    dropout: float = 0.0

    def prepare(self, images: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) -> what `vary` and `forward` take, (B, ...)."""
        raise NotImplementedError

    def vary(self, prepared: Tensor, generator: torch.Generator) -> Tensor:
        """A random change of the pictures of one training step; here none. Mirrored pictures are prepared apart."""
        return prepared

    def settled(self, prepared: Tensor) -> Tensor:
        """What `forward` takes when people are looked for: without a random change."""
        return prepared


class LightBackbone(Backbone):
    """MobileNetV2 (1.0, ImageNet, batch norms folded) whose first blocks are frozen and computed once a picture.

    Args:
        frozen: so many blocks. last: the last block that is used, counted from 0.
    """

    def __init__(self, frozen: int = 13, last: int = 16) -> None:
        super().__init__()
        network = mobilenet_v2((f"blocks.{last}",))
        self.first = nn.Sequential(network.stem, *network.blocks[:frozen])
        self.rest = nn.Sequential(*network.blocks[frozen:]).requires_grad_(True)
        self.channels = next(p for p in reversed(list(self.rest.parameters())) if p.ndim == 1).shape[0]

    @torch.no_grad()
    def prepare(self, images: Tensor) -> Tensor:
        """-> features of the last frozen block, such as (B, 96, H/16, W/16)."""
        return torch.cat([self.first(part.float().div(127.5).sub(1)) for part in torch.split(images, 64)])

    def forward(self, prepared: Tensor) -> Tensor:
        """-> (B, C)."""
        features: Tensor = self.rest(prepared)
        return features.mean((2, 3))


class ResNet50(Backbone):
    """ResNet-50 of torchvision; 128x64 pictures are enlarged to 256x128, cropped at random in training.

    Args:
        imagenet: start from ImageNet weights (fetched by torchvision, or in its cache), not from random ones.

    Raises:
        ImportError: torchvision is not installed, or does not fit the torch that is.
    """

    channels = 2048
    embedding = 128
    dropout = 0.5

    def __init__(self, imagenet: bool = True) -> None:
        super().__init__()
        try:
            from torchvision.models import ResNet50_Weights, resnet50
        except (ImportError, RuntimeError) as error:
            raise ImportError(
                f"resnet-50 needs torchvision, which cannot be imported here ({error}): {how_to_install('reid')}, of "
                "the release that fits this torch; mobilenet-v2 needs no torchvision"
            ) from error
        network = resnet50(weights=ResNet50_Weights.IMAGENET1K_V1 if imagenet else None)
        network.fc = nn.Identity()
        self.network = network
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1) * 255)

    def prepare(self, images: Tensor) -> Tensor:
        """The pictures as they are."""
        return images

    def vary(self, prepared: Tensor, generator: torch.Generator) -> Tensor:
        """A crop of 0.64 to 1 of the area, 2 to 3 times as high as wide (Open-ReID's RandomSizedRectCrop)."""
        high, wide = prepared.shape[2:]
        parts = []
        for image in prepared:
            share, ratio, top, left = torch.rand(4, generator=generator).tolist()
            area, form = (0.64 + 0.36 * share) * high * wide, 2 + ratio
            height, width = min(high, round((area * form) ** 0.5)), min(wide, round((area / form) ** 0.5))
            y, x = round(top * (high - height)), round(left * (wide - width))
            parts.append(self.settled(image[None, :, y : y + height, x : x + width]))
        return torch.cat(parts)

    def settled(self, prepared: Tensor) -> Tensor:
        """-> float (B, 3, 256, 128), normalised as for ImageNet."""
        images = F.interpolate(prepared.float(), (256, 128), mode="bilinear", align_corners=False)
        normal: Tensor = (images - self.get_buffer("mean")) / self.get_buffer("std")
        return normal

    def forward(self, prepared: Tensor) -> Tensor:
        """-> (B, 2048)."""
        features: Tensor = self.network(prepared)
        return features


class Classifier(nn.Module):
    """A backbone with a head that tells the people of the training apart.

    Args:
        people: how many. loss: one of `LOSSES`.

    Raises:
        ValueError: no such loss.
    """

    def __init__(self, backbone: Backbone, people: int, loss: str = "cross-entropy") -> None:
        super().__init__()
        if loss not in LOSSES:
            raise ValueError(f"no loss is called '{loss}'; {nearest(loss, LOSSES)}")
        self.backbone, self.loss_name = backbone, loss
        width = backbone.embedding or backbone.channels
        self.embedding = nn.Linear(backbone.channels, width) if backbone.embedding else nn.Identity()
        self.norm = nn.BatchNorm1d(width)
        self.people = nn.Parameter(torch.randn(people, width) * 0.01)

    def features(self, prepared: Tensor) -> Tensor:
        """Prepared pictures -> (B, D); people are compared by the cosine of these."""
        features: Tensor = self.norm(self.embedding(self.backbone(prepared)))
        return features

    def loss(self, prepared: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch."""
        features = self.features(prepared)
        if self.loss_name == "circle":
            return circle_loss(F.normalize(features) @ F.normalize(self.people).T, labels)
        if self.backbone.embedding:
            features = F.dropout(F.relu(features), self.backbone.dropout, self.training)
        return F.cross_entropy(features @ self.people.T, labels)


CLASSIFIERS: Final = ("mobilenet-v2", "resnet-50")


def build_backbone(name: str, imagenet: bool = True) -> Backbone:
    """A backbone with its weights of ImageNet, or random ones where it can be built without.

    Raises:
        ValueError: no such backbone, or it cannot be built without ImageNet weights.
        ImportError: resnet-50 without torchvision. FileNotFoundError: no weight file for mobilenet-v2.
    """
    if name not in CLASSIFIERS:
        raise ValueError(f"no classifier is called '{name}'; {nearest(name, CLASSIFIERS)}")
    if name == "resnet-50":
        return ResNet50(imagenet)
    if not imagenet:
        raise ValueError("mobilenet-v2 keeps its first blocks, so it needs its ImageNet weights")
    return LightBackbone()
