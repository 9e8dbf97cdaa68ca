"""The perceptual term: L1 between features of two pictures in a frozen network (Johnson et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Self

import torch
from torch import Tensor, nn

from repose.nn import mobilenet, vgg
from repose.words import nearest

Backbone = Literal["vgg19", "mobilenet_v2"]
Rescale = Literal["imagenet", "batch"]

DEFAULT_LAYERS: Final[dict[str, tuple[str, ...]]] = {
    "vgg19": ("relu1_2", "relu2_2"),
    "mobilenet_v2": ("blocks.0", "blocks.2", "blocks.5", "blocks.12"),
}


class Perceptual(nn.Module):
    """Mean absolute difference of features, added up over layers.

    The backbone is frozen, always in eval, moves with `.to(device)`, and is no part of `state_dict` or `parameters`.
    Its weights are read at the first use, so that an objective can be built, counted and loaded without the file.

    Args:
        backbone: "vgg19" (features after ReLU, as they are) or "mobilenet_v2" (linear features, each channel divided
            by a fixed standard deviation, `repose.nn.mobilenet.feature_scale`).
        layers: taps of the backbone; None: relu1_2 and relu2_2 (layers 4 and 9 of VGG19), or blocks 0, 2, 5, 12.
        rescale: "imagenet" gives the backbone what it was trained on; "batch" stretches each of the two inputs
            between the minimum and the maximum of its whole batch first (Roy et al., official code).
        reduce: "sum" of the layers' means (Roy et al.) or their "mean".
        features: an own network in place of the backbone's: pictures -> {layer: features}.

    Raises:
        ValueError: an unknown backbone, layer, rescale or reduction.
    """

    def __init__(
        self,
        backbone: Backbone = "vgg19",
        layers: tuple[str, ...] | None = None,
        rescale: Rescale = "imagenet",
        reduce: Literal["sum", "mean"] = "sum",
        features: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if backbone not in DEFAULT_LAYERS:
            raise ValueError(f"Perceptual: no backbone '{backbone}'; {nearest(backbone, DEFAULT_LAYERS)}")
        if rescale not in ("imagenet", "batch"):
            raise ValueError(f"Perceptual: no rescale '{rescale}'; {nearest(rescale, ('imagenet', 'batch'))}")
        if reduce not in ("sum", "mean"):
            raise ValueError(f"Perceptual: no reduction '{reduce}'; {nearest(reduce, ('sum', 'mean'))}")
        known = vgg.TAPS if backbone == "vgg19" else mobilenet.TAPS
        self.backbone: Backbone = backbone
        self.layers = vgg.checked_taps(layers if layers is not None else DEFAULT_LAYERS[backbone], known, backbone)
        self.rescale, self.reduce = rescale, reduce
        self._network: tuple[nn.Module, ...] = (features.requires_grad_(False).eval(),) if features else ()

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        """Both (B, 3, H, W) in [-1, 1] -> scalar; no gradient flows to `target`."""
        network = self.network(generated.device)
        with torch.no_grad():
            wanted = network(self._prepared(target))
        found = network(self._prepared(generated))
        terms = torch.stack([(found[layer] - wanted[layer]).abs().mean() for layer in self.layers])
        return terms.sum() if self.reduce == "sum" else terms.mean()

    def network(self, device: torch.device | str = "cpu") -> nn.Module:
        """The frozen backbone, read at the first call. FileNotFoundError names a missing weight file."""
        if not self._network:
            if self.backbone == "vgg19":
                made: nn.Module = vgg.vgg19(self.layers)
            else:
                made = mobilenet.mobilenet_v2(self.layers, scaled=True)
            made = made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from the stubs
            self._network = (made.to(device),)
        return self._network[0]

    def _prepared(self, images: Tensor) -> Tensor:
        """[-1, 1] -> the backbone's own range: [0, 1] for VGG19, [-1, 1] for MobileNetV2."""
        if self.rescale == "batch":
            low, high = images.amin(), images.amax()
            images = (images - low) / (high - low).clamp_min(1e-6)  # a flat batch must not divide by 0
        elif self.backbone == "vgg19":
            return (images + 1) / 2
        else:
            return images
        return images if self.backbone == "vgg19" else images * 2 - 1

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        for network in self._network:  # not registered, so nn.Module would leave it where it is
            network._apply(fn)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def extra_repr(self) -> str:
        return f"{self.backbone}, layers={self.layers}, rescale={self.rescale}, reduce={self.reduce}"
