"""How far apart two pictures are in a frozen network: by features, by Gram matrices (Johnson et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn

from repose.losses.frozen import FrozenNetworkTerm
from repose.names import nearest
from repose.nn import mobilenet, vgg
from repose.nn.weights import checked_taps

Backbone = Literal["vgg19", "vgg16", "mobilenet_v2"]
Distance = Literal["l1", "l2", "squared"]
Rescale = Literal["imagenet", "batch"]

DEFAULT_LAYERS: Final[dict[str, tuple[str, ...]]] = {
    "vgg19": ("relu1_2", "relu2_2"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
    "mobilenet_v2": ("blocks.0", "blocks.2", "blocks.5", "blocks.12"),
}


class Perceptual(FrozenNetworkTerm):
    """Distance of features of a frozen backbone, added up over layers.

    Args:
        backbone: "vgg19", "vgg16" (features after ReLU, as they are) or "mobilenet_v2" (linear features, each channel
            divided by a fixed standard deviation, `repose.nn.mobilenet.feature_scale`).
        layers: taps of the backbone; None: relu1_2 and relu2_2 (layers 4 and 9 of VGG19); relu1_2, relu2_2, relu3_3
            and relu4_3 of VGG16 (those of Johnson et al.); or blocks 0, 2, 5, 12.
        rescale: "imagenet" gives the backbone what it was trained on; "batch" stretches each of the two inputs
            between the minimum and the maximum of its whole batch first (Roy et al., official code).
        reduce: "sum" of the layers' distances (Roy et al.) or their "mean".
        distance: "l1": mean absolute difference; "l2": the norm of a picture's difference over the root of its number
            of features, mean over the pictures; "squared": mean squared difference.
        features: another network in place of the backbone: pictures -> {layer: features}.

    Raises:
        ValueError: an unknown backbone, layer, rescale, reduction or distance.
    """

    def __init__(
        self,
        backbone: Backbone = "vgg19",
        layers: tuple[str, ...] | None = None,
        rescale: Rescale = "imagenet",
        reduce: Literal["sum", "mean"] = "sum",
        features: nn.Module | None = None,
        distance: Distance = "l1",
    ) -> None:
        super().__init__(features)
        if backbone not in DEFAULT_LAYERS:
            raise ValueError(f"Perceptual: no backbone '{backbone}'; {nearest(backbone, DEFAULT_LAYERS)}")
        if rescale not in ("imagenet", "batch"):
            raise ValueError(f"Perceptual: no rescale '{rescale}'; {nearest(rescale, ('imagenet', 'batch'))}")
        if reduce not in ("sum", "mean"):
            raise ValueError(f"Perceptual: no reduction '{reduce}'; {nearest(reduce, ('sum', 'mean'))}")
        if distance not in get_args(Distance):
            raise ValueError(f"Perceptual: no distance '{distance}'; {nearest(distance, get_args(Distance))}")
        known = {"vgg19": vgg.TAPS, "vgg16": vgg.TAPS_16, "mobilenet_v2": mobilenet.TAPS}[backbone]
        self.backbone: Backbone = backbone
        self.layers = checked_taps(layers if layers is not None else DEFAULT_LAYERS[backbone], known, backbone)
        self.rescale, self.reduce, self.distance = rescale, reduce, distance

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        """Both (B, 3, H, W) in [-1, 1] -> scalar; no gradient flows to `target`."""
        return self.between(*self.features(generated, target))

    def features(self, generated: Tensor, target: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Both (B, 3, H, W) in [-1, 1] -> {layer: (B, C, h, w)} of each, for `between` and `style`."""
        network = self.network(generated.device)
        with torch.no_grad():
            target_features = network(self._prepared(target))
        return network(self._prepared(generated)), target_features

    def between(
        self, generated: Mapping[str, Tensor], target: Mapping[str, Tensor], distance: Distance | None = None
    ) -> Tensor:
        """The distance of two sets of `features`, a scalar; `distance` replaces that of the constructor."""
        apart = [generated[layer] - target[layer] for layer in self.layers]
        distance = distance or self.distance
        if distance == "l1":
            terms = torch.stack([x.abs().mean() for x in apart])
        elif distance == "squared":
            terms = torch.stack([x.square().mean() for x in apart])
        else:  # the root of 0 has no slope
            terms = torch.stack([x.square().mean(dim=(1, 2, 3)).add(1e-12).sqrt().mean() for x in apart])
        return terms.sum() if self.reduce == "sum" else terms.mean()

    def _read(self) -> nn.Module:
        """The backbone with the weights of its file."""
        if self.backbone == "vgg19":
            return vgg.vgg19(self.layers)
        if self.backbone == "vgg16":
            return vgg.vgg16(self.layers)
        return mobilenet.mobilenet_v2(self.layers, scaled=True)

    def _unread(self) -> nn.Module:
        """The same backbone with random weights."""
        if self.backbone == "mobilenet_v2":
            return mobilenet.MobileNetV2(self.layers, scaled=True)
        return (vgg.VGG19 if self.backbone == "vgg19" else vgg.VGG16)(self.layers)

    def _prepared(self, images: Tensor) -> Tensor:
        """[-1, 1] -> the backbone's own range: [0, 1] for VGG, [-1, 1] for MobileNetV2."""
        if self.rescale == "batch":
            low, high = images.amin(), images.amax()
            images = (images - low) / (high - low).clamp_min(1e-6)  # a flat batch must not divide by 0
        elif self.backbone != "mobilenet_v2":
            return (images + 1) / 2
        else:
            return images
        return images * 2 - 1 if self.backbone == "mobilenet_v2" else images

    def extra_repr(self) -> str:
        return f"{self.backbone}, layers={self.layers}, rescale={self.rescale}, reduce={self.reduce}"


def style(generated: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
    """How far the Gram matrices of two sets of features are apart (Gatys et al. 2015, Johnson et al. 2016); a scalar.

    A Gram matrix holds the products of any two channels, summed over the places and divided by C h w; of the
    difference it is the mean square over its C x C entries and the pictures, added up over the layers.

    Args:
        generated, target: {layer: (B, C, h, w)}, such as `Perceptual.features` gives.
    """
    return torch.stack([(gram(generated[layer]) - gram(target[layer])).square().mean() for layer in generated]).sum()


def gram(features: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, C, C) in float32: the products of channels, summed over places, divided by C h w."""
    with torch.autocast(features.device.type, enabled=False):  # sums of many products
        flat = features.float().flatten(2)
        return flat @ flat.mT / flat[0].numel()
