"""PATN: the generator of Pose-Attentional Transfer Blocks, its ablations, and its two discriminators.

Zhu et al., "Progressive and Aligned Pose Attention Transfer for Person Image Generation" (TPAMI), sections 3 and 4.4,
and the code released with its conference version. Each place where the two differ is an option of `PATNConfig` or
`DiscriminatorConfig`; the card beside this file lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.base import Generator, Needs, Output
from repose.person import JOINTS, Person
from repose.represent.keypoints import heatmaps

Norm = Literal["instance", "batch"]
Padding = Literal["reflect", "zeros"]


@dataclass(frozen=True)
class PATNConfig:
    """Sizes and variants of the generator; the defaults are the released DeepFashion network, 41,358,019 parameters.

    Attributes:
        width: channels at the first resolution; they double with every downsampling.
        blocks: number of blocks in the transfer network (5, 9, 13 in Table 4).
        block: "patb"; "patb-without-add" and "patb-without-cat" (Table 5); "resnet": plain residual blocks after one
            encoder that reads image and poses together (Table 4).
        norm: "instance" has no affine part and its convolutions have biases; "batch" the other way round.
        dropout: rate inside the blocks.
        decoder: "transposed" convolutions as released, or "bilinear" with residual blocks as in the text (3.3).
        pose: "gaussian" (released for Market-1501) or "point" (released for DeepFashion).
        sigma: of the Gaussian, pixels.
        stem: "full" starts with 7x7 convolutions at the size of the picture; "half", ours for the small preset,
            folds 2x2 pixels into channels, starts with 3x3 at half the size and unfolds at the end.
        downs: downsamplings by two after the stem, and upsamplings.
        padding: of every convolution but the strided ones, which pad with zeros.
    """

    width: int = 64
    blocks: int = 9
    block: Literal["patb", "patb-without-add", "patb-without-cat", "resnet"] = "patb"
    norm: Norm = "instance"
    dropout: float = 0.5
    decoder: Literal["transposed", "bilinear"] = "transposed"
    pose: Literal["gaussian", "point"] = "point"
    sigma: float = 6.0
    stem: Literal["full", "half"] = "full"
    downs: int = 2
    padding: Padding = "reflect"


class PATN(Generator):
    """The image code is carried through the blocks; a pose code beside it says at each step what may change."""

    def __init__(self, config: PATNConfig = PATNConfig()) -> None:
        super().__init__()
        self.config = config
        step = (2 if config.stem == "half" else 1) * 2**config.downs
        self.needs = Needs(source=("image", "keypoints"), target=("keypoints",), multiple=step)
        pose_channels = 2 * len(JOINTS)
        wide = config.width * 2**config.downs
        self.blocks = nn.ModuleList()
        if config.block == "resnet":
            self.encoder = Encoder(3, pose_channels, config)
            for _ in range(config.blocks):
                self.blocks.append(ResidualBlock(wide, config.norm, config.dropout, config.padding))
        else:
            self.image_encoder = Encoder(3, 0, config)
            self.pose_encoder = Encoder(0, pose_channels, config)
            for index in range(config.blocks):
                self.blocks.append(PATB(wide, first=index == 0, config=config))
        self.decoder = Decoder(config)
        self.apply(initialise)

    def encode(self, source: Person, target: Person) -> tuple[Tensor, Tensor]:
        """-> source image (B, 3, H, W) and the pose maps of source and target (B, 36, H, W), in that order."""
        assert source.image is not None  # `check` has seen to it
        return source.image, torch.cat(pose_maps(source, target, self.config.pose, self.config.sigma), dim=1)

    def synthesise(self, image: Tensor, pose: Tensor) -> Output:  # type: ignore[override]
        """(B, 3, H, W) in [-1, 1] and (B, 36, H, W) in [0, 1] -> the picture (B, 3, H, W)."""
        if self.config.block == "resnet":
            code = self.encoder(image, pose)  # (B, 256, H/4, W/4)
            for block in self.blocks:
                code = block(code)
        else:
            code = self.image_encoder(image, None)  # (B, 256, H/4, W/4)
            pose_code = self.pose_encoder(None, pose)  # (B, 256, H/4, W/4)
            for block in self.blocks:
                code, pose_code, _ = block(code, pose_code)  # pose code (B, 512, H/4, W/4) from here on
        return Output(torch.tanh(self.decoder(code)))  # (B, 3, H, W)

    @torch.no_grad()
    def masks(self, source: Person, target: Person) -> Tensor:
        """The attention masks of the blocks, mean over channels: (B, blocks, H/4, W/4) in [0, 1] (Figure 10).

        Raises:
            ValueError: the "resnet" variant has none; or what `forward` raises.
        """
        if self.config.block == "resnet":
            raise ValueError("the ResNet generator has no attention masks; use a PATN with another `block`")
        self.check(source, target)
        image, pose = self.encode(source, target)
        code, pose_code = self.image_encoder(image, None), self.pose_encoder(None, pose)
        masks = []
        for block in self.blocks:
            code, pose_code, mask = block(code, pose_code)
            masks.append(mask.mean(dim=1))  # (B, H/4, W/4)
        return torch.stack(masks, dim=1)


def pose_maps(
    source: Person, target: Person, kind: Literal["gaussian", "point"], sigma: float
) -> tuple[Tensor, Tensor]:
    """The joints of two batched people as maps on their own canvases (`heatmaps`), each (B, 18, H, W)."""
    maps = []
    for person in (source, target):
        assert person.keypoints is not None
        assert person.size is not None
        maps.append(heatmaps(person.keypoints, *person.size, kind=kind, sigma=sigma))
    return maps[0], maps[1]


class Encoder(nn.Module):
    """Image, poses or both -> a code of the transfer network's width (section 3.1)."""

    def __init__(self, image_channels: int, pose_channels: int, config: PATNConfig) -> None:
        super().__init__()
        self.folded = config.stem == "half"
        channels = (4 if self.folded else 1) * image_channels + pose_channels
        kernel = 3 if self.folded else 7
        self.stem = ConvNormReLU(channels, config.width, kernel, config)
        self.downs = nn.Sequential(
            *(
                ConvNormReLU(config.width * 2**i, config.width * 2 ** (i + 1), 3, config, stride=2)
                for i in range(config.downs)
            )
        )

    def forward(self, image: Tensor | None, pose: Tensor | None) -> Tensor:
        """(B, 3, H, W) and (B, 18 or 36, H, W), one of them None where it reads one -> (B, 256, H/4, W/4)."""
        if self.folded:
            image = None if image is None else F.pixel_unshuffle(image, 2)  # (B, 12, H/2, W/2)
            pose = None if pose is None else F.avg_pool2d(pose, 2)  # (B, 36, H/2, W/2)
        x = torch.cat([part for part in (image, pose) if part is not None], dim=1)
        x = self.stem(x)  # (B, 64, H, W)
        out: Tensor = self.downs(x)  # (B, 256, H/4, W/4)
        return out


class PATB(nn.Module):
    """Pose-Attentional Transfer Block (3.2.1): the pose code decides where the image code changes.

    Args:
        wide: channels of the image code.
        first: whether the pose code comes straight from the encoder, not yet joined with an image code.
        config: the generator's.
    """

    def __init__(self, wide: int, first: bool, config: PATNConfig) -> None:
        super().__init__()
        self.add = config.block != "patb-without-add"
        self.cat = config.block != "patb-without-cat"
        pose_wide = wide if first or not self.cat else 2 * wide
        norm, dropout, padding = config.norm, config.dropout, config.padding
        self.image = TwoConvs(wide, wide, norm, dropout, padding)
        self.pose = TwoConvs(pose_wide, wide, norm, dropout, padding, last_norm=False)

    def forward(self, image: Tensor, pose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> image code (B, 256, H, W), pose code (B, 512, H, W), mask (B, 256, H, W)."""
        pose = self.pose(pose)  # (B, 256, H, W)
        mask = torch.sigmoid(pose)  # eq. 1
        moved = mask * self.image(image)  # eq. 2
        image = image + moved if self.add else moved  # eq. 3
        if self.cat:
            pose = torch.cat([pose, image], dim=1)  # (B, 512, H, W), eq. 4
        return image, pose, mask


class Decoder(nn.Module):
    """The last image code -> the picture before its tanh (section 3.3)."""

    def __init__(self, config: PATNConfig) -> None:
        super().__init__()
        self.folded = config.stem == "half"
        widths = [config.width * 2**i for i in range(config.downs, 0, -1)]
        if config.decoder == "transposed":
            self.ups = nn.Sequential(*(TransposedNormReLU(w, w // 2, config.norm) for w in widths))
        else:
            self.ups = nn.Sequential(*(BilinearUp(w, w // 2, config) for w in widths))
        channels, kernel = (12, 3) if self.folded else (3, 7)
        # the last convolution has its bias under either norm
        self.last = nn.Conv2d(config.width, channels, kernel, padding=kernel // 2, padding_mode=config.padding)

    def forward(self, code: Tensor) -> Tensor:
        """(B, 256, H/4, W/4) -> (B, 3, H, W), any real numbers."""
        x = self.ups(code)  # (B, 64, H, W)
        x = self.last(x)  # (B, 3, H, W)
        return F.pixel_shuffle(x, 2) if self.folded else x


# -- blocks ---------------------------------------------------------------------------------------------------------


def make_norm(kind: Norm, channels: int) -> nn.Module:
    """Instance norm without, batch norm with an affine part."""
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.InstanceNorm2d(channels)


def initialise(module: nn.Module) -> None:
    """Convolutions N(0, 0.02), norms N(1, 0.02), as in the official code; biases of convolutions as PyTorch does."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class ConvNormReLU(nn.Module):
    """Convolution, norm, ReLU. A strided one pads with zeros."""

    def __init__(self, into: int, out: int, kernel: int, config: PATNConfig, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            into,
            out,
            kernel,
            stride,
            padding=kernel // 2,
            bias=config.norm == "instance",
            padding_mode=config.padding if stride == 1 else "zeros",
        )
        self.norm = make_norm(config.norm, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H/stride, W/stride), 0 or more."""
        return F.relu(self.norm(self.conv(x)))


class TransposedNormReLU(nn.Module):
    """Transposed 3x3 convolution that doubles the sides, norm, ReLU."""

    def __init__(self, into: int, out: int, norm: Norm) -> None:
        super().__init__()
        bias = norm == "instance"
        self.conv = nn.ConvTranspose2d(into, out, 3, stride=2, padding=1, output_padding=1, bias=bias)
        self.norm = make_norm(norm, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, 2H, 2W), 0 or more."""
        return F.relu(self.norm(self.conv(x)))


class BilinearUp(nn.Module):
    """Bilinear x2, a 3x3 convolution that halves the channels, a residual block. The text leaves the halving open."""

    def __init__(self, into: int, out: int, config: PATNConfig) -> None:
        super().__init__()
        self.halve = ConvNormReLU(into, out, 3, config)
        self.residual = ResidualBlock(out, config.norm, 0.0, config.padding)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, 2H, 2W)."""
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)  # (B, 2c, 2H, 2W)
        x = self.halve(x)  # (B, c, 2H, 2W)
        out: Tensor = self.residual(x)
        return out


class TwoConvs(nn.Module):
    """3x3, norm, activation, dropout, 3x3, norm; `into` channels inside, `out` after the second convolution."""

    def __init__(
        self,
        into: int,
        out: int,
        norm: Norm,
        dropout: float,
        padding: Padding,
        last_norm: bool = True,
        slope: float = 0.0,
    ) -> None:
        super().__init__()
        bias = norm == "instance"
        self.conv1 = nn.Conv2d(into, into, 3, padding=1, bias=bias, padding_mode=padding)
        self.norm1 = make_norm(norm, into)
        self.activation = nn.LeakyReLU(slope) if slope else nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(into, out, 3, padding=1, bias=bias, padding_mode=padding)
        self.norm2 = make_norm(norm, out) if last_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H, W)."""
        x = self.activation(self.norm1(self.conv1(x)))
        out: Tensor = self.norm2(self.conv2(self.dropout(x)))
        return out


class ResidualBlock(nn.Module):
    """x plus two convolutions of it."""

    def __init__(self, channels: int, norm: Norm, dropout: float, padding: Padding, slope: float = 0.0) -> None:
        super().__init__()
        self.convs = TwoConvs(channels, channels, norm, dropout, padding, slope=slope)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        out: Tensor = x + self.convs(x)
        return out


# -- discriminators -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes and variants of both discriminators; the defaults are the released DeepFashion ones.

    Attributes:
        width: channels at the size of the picture; two downsamplings double them twice.
        blocks: residual blocks after them.
        norm: as in `PATNConfig`.
        slope: of LeakyReLU; 0 is the ReLU of the released code, 0.2 the text.
        dropout: rate inside the residual blocks.
        head: end in a 1x1 convolution to one score a place (the text's score); the released code scores every one
            of the last 256 channels.
    """

    width: int = 64
    blocks: int = 3
    norm: Norm = "instance"
    slope: float = 0.0
    dropout: float = 0.5
    head: bool = False


class Discriminator(nn.Module):
    """A picture beside its source (appearance) or its pose (shape) -> raw scores at a quarter of the size (3.4)."""

    def __init__(self, channels: int, config: DiscriminatorConfig = DiscriminatorConfig()) -> None:
        super().__init__()
        bias = config.norm == "instance"
        self.activation = nn.LeakyReLU(config.slope) if config.slope else nn.ReLU()
        widths = [config.width, 2 * config.width, 4 * config.width]
        self.stem = nn.Conv2d(channels, widths[0], 7, padding=3, bias=bias, padding_mode="reflect")
        self.stem_norm = make_norm(config.norm, widths[0])
        self.downs = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 3, stride=2, padding=1, bias=bias) for i in range(2)
        )
        self.down_norms = nn.ModuleList(make_norm(config.norm, widths[i + 1]) for i in range(2))
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(widths[2], config.norm, config.dropout, "reflect", config.slope)
                for _ in range(config.blocks)
            )
        )
        self.head = nn.Conv2d(widths[2], 1, 1) if config.head else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 6 or 21, H, W) -> (B, 256, H/4, W/4), or (B, 1, H/4, W/4) with a head; no sigmoid."""
        x = self.activation(self.stem_norm(self.stem(x)))  # (B, 64, H, W)
        for conv, norm in zip(self.downs, self.down_norms, strict=True):
            x = self.activation(norm(conv(x)))  # (B, 256, H/4, W/4) at the end
        x = self.blocks(x)
        out: Tensor = self.head(x)
        return out
