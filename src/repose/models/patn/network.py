"""PATN: the generator of Pose-Attentional Transfer Blocks, and its ablations.

Zhu et al., "Progressive and Aligned Pose Attention Transfer for Person Image Generation" (TPAMI), sections 3 and 4.4,
and the code released with its conference version. Each place where the two differ is an option of `PATNConfig`; the
card beside this file lists them. The discriminators are in `discriminator.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.base import Generator, Needs, Output
from repose.nn.initialisation import initialise_normal
from repose.person import JOINTS, Person
from repose.represent.keypoints import pose_maps

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


class PATNGenerator(Generator):
    """An image code passes through the blocks; in each, a pose code decides where it changes."""

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
        self.apply(initialise_normal)

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
            raise ValueError("the ResNet generator has no attention masks; use one with another `block`")
        self.check(source, target)
        image, pose = self.encode(source, target)
        code, pose_code = self.image_encoder(image, None), self.pose_encoder(None, pose)
        masks = []
        for block in self.blocks:
            code, pose_code, mask = block(code, pose_code)
            masks.append(mask.mean(dim=1))  # (B, H/4, W/4)
        return torch.stack(masks, dim=1)


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
        """(B, 3, H, W) and (B, 18 or 36, H, W), one of them None if it reads one alone -> (B, 256, H/4, W/4)."""
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
