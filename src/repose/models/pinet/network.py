"""PINet: a parsing generator, then an image generator that its map guides, both of gated convolutions.

Zhang, Liu, Li, "Human Pose Transfer by Adaptive Hierarchical Deformation" (2020), section 3, and the code released with
it. Each place where the two differ is an option of `PINetConfig`; the card beside this file lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from repose.estimate.suppliers import supplier
from repose.models.base import Generator, Needs, Output
from repose.nn.initialisation import initialise_kaiming, initialise_normal
from repose.person import JOINTS, Person
from repose.represent.keypoints import pose_maps
from repose.represent.parsing import PINET_LABELS, TO_PINET, one_hot, relabel

LABELS: Final = len(PINET_LABELS)


@dataclass(frozen=True)
class PINetConfig:
    """Sizes and variants of the two generators; the defaults are the released network, 20,407,934 parameters.

    Attributes:
        width: channels at the first resolution; they double twice.
        stages: 2 generators; 1 is an image generator alone that reads no parsing (Table 3, "One").
        gated: False has LeakyReLU of a plain convolution wherever there is a gated one (Table 3, "VC").
        layout: "released": the parsing generator doubles its channels in the strided convolutions and both end in 3x3;
            "table": Table 1, where both double after them and end in 7x7.
        detach: the image generator's loss does not reach the parsing generator (released); False: it does.
        gamma: share of the self-attention before training.
        pose: "point" (released) or "gaussian".
        sigma: of the Gaussian, pixels.
        stem: "full" starts with 7x7 convolutions at the size of the picture; "half", ours for the small preset,
            folds 2x2 pixels into channels, starts with 3x3 at half the size and unfolds at the end.
        downs: downsamplings by two after the stem, and upsamplings.
        initialisation: of the convolutions, "kaiming" (released) or "normal", N(0, 0.02), as PATN's.
    """

    width: int = 64
    stages: Literal[1, 2] = 2
    gated: bool = True
    layout: Literal["released", "table"] = "released"
    detach: bool = True
    gamma: float = 0.0
    pose: Literal["gaussian", "point"] = "point"
    sigma: float = 6.0
    stem: Literal["full", "half"] = "full"
    downs: int = 2
    initialisation: Literal["normal", "kaiming"] = "normal"


class PINet(Generator):
    """The first level deforms the labels, the second the picture, guided by the labels of both poses."""

    def __init__(self, config: PINetConfig = PINetConfig()) -> None:
        super().__init__()
        self.config = config
        self.stage = "joint"
        fields = ("image", "keypoints", "parsing") if config.stages == 2 else ("image", "keypoints")
        step = (2 if config.stem == "half" else 1) * 2**config.downs
        self.needs = Needs(source=fields, target=("keypoints",), multiple=step)
        joints, early = len(JOINTS), config.layout == "released"
        self.parsing: GatedGenerator | None = None
        if config.stages == 2:
            self.parsing = GatedGenerator(LABELS + 2 * joints, LABELS, config, early=early)
        self.image = GatedGenerator((2 * LABELS if config.stages == 2 else joints) + joints, 3, config)
        self.apply(initialise_kaiming if config.initialisation == "kaiming" else initialise_normal)

    def set_stage(self, stage: str) -> None:
        """Choose what a forward in training mode runs: "parsing", "image" or "joint"; in eval mode all of it runs."""
        stages = ("parsing", "image", "joint") if self.config.stages == 2 else ("joint",)
        if stage not in stages:
            raise ValueError(
                f"PINet with network.stages={self.config.stages} trains in {', '.join(stages)}, not in '{stage}'; one "
                "generator has the joint stage alone, which is objective.alone=[0,0]"
            )
        self.stage = stage

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        """-> picture (B, 3, H, W), poses of source and target (B, 18, H, W), source parsing (B, 12, H, W).

        One stage has no parsing. While the image generator trains alone, the target's true parsing comes last.

        Raises:
            ValueError: it trains alone and target.parsing is missing.
        """
        assert source.image is not None  # `check` has seen to it
        inputs = (source.image, *pose_maps(source, target, self.config.pose, self.config.sigma))
        if self.config.stages == 1:
            return inputs
        if not (self.training and self.stage == "image"):
            return *inputs, labels(source)
        if target.parsing is None:
            raise ValueError(
                "PINet's image generator, trained alone, needs target.parsing, which is missing; "
                f"{supplier('parsing')}; or train both at once (objective.alone=[0,0])"
            )
        return *inputs, labels(source), labels(target)

    def synthesise(  # type: ignore[override]
        self,
        image: Tensor,
        source_pose: Tensor,
        target_pose: Tensor,
        source_parsing: Tensor | None = None,
        target_parsing: Tensor | None = None,
    ) -> Output:
        """The picture, and `extra["parsing"]`, the logits of the 12 labels (B, 12, H, W).

        Args:
            image: (B, 3, H, W) in [-1, 1].
            source_pose, target_pose: (B, 18, H, W).
            source_parsing: one-hot (B, 12, H, W); None for one stage.
            target_parsing: one-hot; where given, it guides the image generator in place of a generated one.

        While the parsing generator trains alone, the picture is the source's.
        """
        if self.parsing is None or source_parsing is None:
            return Output(self.image(image, torch.cat([source_pose, target_pose], 1)).clamp(-1, 1))
        if target_parsing is not None:
            return Output(self.paint(image, source_parsing, target_parsing, target_pose))
        maps = torch.cat([source_parsing, source_pose, target_pose], 1)  # (B, 48, H, W)
        parsing = self.parsing(image, maps)  # (B, 12, H, W), eq. 3
        if self.training and self.stage == "parsing":
            return Output(image, {"parsing": parsing})
        guide = parsing.detach() if self.config.detach else parsing
        return Output(self.paint(image, source_parsing, guide, target_pose), {"parsing": parsing})

    def paint(self, image: Tensor, source_parsing: Tensor, target_parsing: Tensor, target_pose: Tensor) -> Tensor:
        """The image generator alone (3.3): source, its labels, wanted labels and pose -> (B, 3, H, W) in [-1, 1]."""
        picture: Tensor = self.image(image, torch.cat([source_parsing, target_parsing, target_pose], 1))
        return picture.clamp(-1, 1)

    @torch.no_grad()
    def gates(self, source: Person, target: Person) -> dict[str, list[Tensor]]:
        """The gates of every layer, mean over channels: {"parsing", "image"} -> (B, h, w) in [0, 1] (Figure 8).

        Raises:
            ValueError: the network is of plain convolutions; or what `forward` raises.
        """
        if not self.config.gated:
            raise ValueError("a PINet of plain convolutions has no gates; use one with network.gated=true")
        gates: dict[str, list[Tensor]] = {}
        hooks: list[RemovableHandle] = []

        def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
            return lambda module, inputs, output: gates[name].append(torch.sigmoid(output).mean(1))

        for name, part in (("parsing", self.parsing), ("image", self.image)):
            if part is not None:
                gates[name] = []
                layers = [layer for layer in part.modules() if isinstance(layer, GatedConv)]
                hooks += [layer.gate.register_forward_hook(keep(name)) for layer in layers if layer.gate is not None]
        try:
            self(source, target)
        finally:
            for hook in hooks:
                hook.remove()
        return gates


def labels(person: Person) -> Tensor:
    """A batched person's parsing as PINet's 12 labels, one-hot: float32 (B, 12, H, W)."""
    assert person.parsing is not None
    return one_hot(relabel(person.parsing, TO_PINET, PINET_LABELS), LABELS)


class GatedGenerator(nn.Module):
    """The encoder-decoder of Table 1, which both generators share.

    Args:
        maps: channels that come beside the picture.
        out: channels of the result: 12 or 3.
        config: the network's.
        early: channels double in a strided convolution, not in the one after it.
    """

    def __init__(self, maps: int, out: int, config: PINetConfig, early: bool = False) -> None:
        super().__init__()
        self.folded = config.stem == "half"
        into, out = (12 + maps, 4 * out) if self.folded else (3 + maps, out)
        width, gated = config.width, config.gated
        encoder = [GatedConv(into, width, gated, kernel=3 if self.folded else 7)]
        for _ in range(config.downs):
            middle = 2 * width if early else width
            encoder += [GatedConv(width, middle, gated, stride=2), GatedConv(middle, 2 * width, gated)]
            width *= 2
        encoder += [GatedConv(width, width, gated) for _ in range(2)]
        encoder += [GatedConv(width, width, gated, dilation=dilation) for dilation in (2, 4)]
        decoder = [GatedConv(width, width, gated) for _ in range(2)]
        for left in reversed(range(config.downs)):
            width //= 2
            decoder += [GatedConv(2 * width, width, gated, up=True)]
            decoder += [GatedConv(width, width if left else width // 2, gated)]
        kernel = 7 if config.layout == "table" and not self.folded else 3
        decoder += [GatedConv(width // 2, out, gated, kernel, last=True)]
        self.encoder = nn.Sequential(*encoder)
        self.attention = SelfAttention(config.width * 2**config.downs, config.gamma)
        self.decoder = nn.Sequential(*decoder)

    def forward(self, image: Tensor, maps: Tensor) -> Tensor:
        """(B, 3, H, W) and (B, maps, H, W) -> (B, out, H, W), any real numbers."""
        if self.folded:
            image, maps = F.pixel_unshuffle(image, 2), F.avg_pool2d(maps, 2)  # (B, 12, H/2, W/2)
        x = self.encoder(torch.cat([image, maps], 1))  # (B, 256, H/4, W/4)
        x = self.attention(x)
        x = self.decoder(x)  # (B, out, H, W)
        return F.pixel_shuffle(x, 2) if self.folded else x


class GatedConv(nn.Module):
    """LeakyReLU(u * x) sigmoid(v * x), eq. 2, then batch norm.

    Args:
        into, out: channels.
        gated: False leaves the sigmoid's factor out.
        kernel: 7 pads by reflection, 3 with zeros.
        dilation: of the dilated gated convolution.
        up: double the sides by nearest pixel first.
        last: there is no LeakyReLU: the layer gives the result.
    """

    def __init__(
        self,
        into: int,
        out: int,
        gated: bool = True,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        up: bool = False,
        last: bool = False,
    ) -> None:
        super().__init__()

        def convolution() -> nn.Conv2d:
            padding: Literal["reflect", "zeros"] = "reflect" if kernel == 7 else "zeros"
            return nn.Conv2d(into, out, kernel, stride, dilation * (kernel // 2), dilation, padding_mode=padding)

        self.up, self.last = up, last
        self.conv = convolution()
        self.gate = convolution() if gated else None
        self.batch_norm = nn.BatchNorm2d(out)  # behind the gate: what folds norms into convolutions must not take it

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H/stride, W/stride), or (B, out, 2H, 2W)."""
        if self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        features = self.conv(x)
        features = features if self.last else F.leaky_relu(features, 0.2)
        if self.gate is not None:
            features = features * torch.sigmoid(self.gate(x))
        out: Tensor = self.batch_norm(features)
        return out


class SelfAttention(nn.Module):
    """x + gamma softmax(q k^T) v over all places (Zhang et al. 2019, SAGAN): queries and keys of C/8 channels."""

    def __init__(self, channels: int, gamma: float = 0.0) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 8, 1)
        self.key = nn.Conv2d(channels, channels // 8, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.full((1,), gamma))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        q, k, v = (conv(x).flatten(2).mT.unsqueeze(1) for conv in (self.query, self.key, self.value))  # (B, 1, HW, C)
        seen = F.scaled_dot_product_attention(q, k, v, scale=1.0)  # (B, 1, HW, C)
        return x + self.gamma * seen.squeeze(1).mT.reshape(x.shape)
