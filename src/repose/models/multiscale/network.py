"""Multi-scale Attention Guided Pose Transfer (Roy et al. 2022): generator and PatchGAN discriminator.

Two encoders, one for the source picture and one for both poses, and a decoder. At every resolution a sigmoid of the
pose features multiplies the decoder's picture features: the attention links (section 3.1.4).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.base import Generator, Needs, Output
from repose.person import JOINTS, Person
from repose.represent.keypoints import pose_maps
from repose.represent.parsing import INSHOP_LABELS, first_picture, part_maps

_STEEPEST: Final = 0.9
"""Of the first picture: beyond it the tanh is so flat that its pixels would hardly be corrected any more."""

Links = Literal["full", "none", "lowest", "highest"]


@dataclass(frozen=True)
class MultiScaleConfig:
    """Sizes of the generator; the defaults are the published network, 90,172,928 parameters.

    Attributes:
        width: features of level 0, N_f; level k has width * 2^k, `cap` at most.
        levels: halvings, N.
        links: where masks are taken: at every level ("full"), at the smallest maps only ("lowest", A1-LR), at the
            largest only ("highest", A1-HR), or nowhere ("none", A0; see `MultiScale`).
        tail: residual blocks at the end of the decoder.
        pose: "point", one pixel of 1 a joint, as in paper and code; "gaussian" with `sigma` pixels; "parsing", the
            binary masks of 16 parts in place of the joints (section 4.5.1, `repose.represent.parsing.part_maps`).
        cap: largest width of a level, 0 for none.
        fold: the first halving of both encoders folds 2x2 pixels into channels (the picture) or averages them (the
            poses), and the last doubling unfolds them, in place of a Down2x and an Up2x block. A quarter of the work.
        norm: "batch", or "none": biases, and residual branches that start small.
        guided: with "parsing" alone, ours: the picture's encoder also reads the maps of both people, as that of A0
            does, and a first picture (`repose.represent.parsing.first_picture`): the source's colours by parts. What
            the network gives is added to it before the last tanh.
        occluded: joints that are located but hidden: "drawn" as the others are, as the released code does, whose joints
            tell no occlusion; or "left_out", as section 3 says (v = 0 for an occluded joint, and 1s for visible ones
            alone). Of annotations that tell no occlusion both are the same.
    """

    width: int = 64
    levels: int = 4
    links: Links = "full"
    tail: int = 4
    pose: Literal["point", "gaussian", "parsing"] = "point"
    sigma: float = 6.0
    cap: int = 0
    fold: bool = False
    norm: Literal["batch", "none"] = "batch"
    guided: bool = field(default=False, metadata={"leave_out_default": True})  # younger than recipes on disk
    occluded: Literal["drawn", "left_out"] = field(default="drawn", metadata={"leave_out_default": True})

    @property
    def channels(self) -> int:
        """Pose channels of one person: 18 joints, or 16 parts."""
        return len(INSHOP_LABELS) if self.pose == "parsing" else len(JOINTS)

    def width_at(self, level: int) -> int:
        """Features of a level."""
        width = self.width << level
        return min(width, self.cap) if self.cap else width

    def linked(self, level: int) -> bool:
        """Whether a mask is taken at a level, 1 ... levels."""
        return {"full": True, "none": False, "lowest": level == self.levels, "highest": level == 1}[self.links]


class Residual(nn.Module):
    """conv 3x3, norm, ReLU, conv 3x3, norm, added to the input; no ReLU after the sum (section 3.1.1)."""

    def __init__(self, width: int, norm: str) -> None:
        super().__init__()
        self.conv1, self.norm1 = _conv(width, width, 3, norm), _norm(width, norm)
        self.conv2, self.norm2 = _conv(width, width, 3, norm), _norm(width, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        added: Tensor = x + self.norm2(self.conv2(y))
        return added


class Stem(nn.Module):
    """conv 3x3, norm, ReLU: the projection in front of the blocks."""

    def __init__(self, into: int, out: int, norm: str) -> None:
        super().__init__()
        self.conv, self.norm = _conv(into, out, 3, norm), _norm(out, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H, W), 0 or more."""
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Down(nn.Module):
    """Down2x: conv 4x4 of stride 2, norm, ReLU, residual block."""

    def __init__(self, into: int, out: int, norm: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 4, 2, 1, bias=norm == "none")
        self.norm = _norm(out, norm)
        self.residual = Residual(out, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H/2, W/2)."""
        x = F.relu(self.norm(self.conv(x)), inplace=True)  # (B, C', H/2, W/2)
        out: Tensor = self.residual(x)
        return out


class Up(nn.Module):
    """Up2x: transposed conv 4x4 of stride 2, norm, ReLU, residual block."""

    def __init__(self, into: int, out: int, norm: str) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(into, out, 4, 2, 1, bias=norm == "none")
        self.norm = _norm(out, norm)
        self.residual = Residual(out, norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, 2H, 2W)."""
        x = F.relu(self.norm(self.conv(x)), inplace=True)  # (B, C', 2H, 2W)
        out: Tensor = self.residual(x)
        return out


class Encoder(nn.Module):
    """A downsampling branch: the features of levels 1 ... depth, largest first.

    Args:
        into: channels of its input (after folding, where the network folds).
        depth: levels it goes down; a branch goes no deeper than its features are used.
    """

    def __init__(self, config: MultiScaleConfig, into: int, depth: int) -> None:
        super().__init__()
        first = 1 if config.fold else 0
        self.folded = config.fold
        self.stem = Stem(into, config.width_at(first), config.norm)
        self.downs = nn.ModuleList(
            Down(config.width_at(level - 1), config.width_at(level), config.norm)
            for level in range(first + 1, depth + 1)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, into, H, W), half the sides if folded -> level k = 1 ... depth: (B, F 2^k, H/2^k, W/2^k)."""
        x = self.stem(x)  # (B, F, H, W); (B, 2F, H/2, W/2) if folded
        features = [x] if self.folded else []  # level 0 is not used by any link
        for down in self.downs:
            x = down(x)  # (B, F 2^k, H/2^k, W/2^k)
            features.append(x)
        return features


class MultiScale(Generator):
    """The generator (section 3.1, Fig. 2).

    A0 has no links. The text calls it a generic encoder-decoder and says no more; here its one encoder takes the
    picture and both poses as channels. A1-HR takes its one mask at level 1, so its pose branch ends there.

    P is the number of pose channels of both people: 36, or 32 where label maps take the place of joints.
    """

    needs = Needs(source=("image", "keypoints"), target=("keypoints",))

    def __init__(self, config: MultiScaleConfig | None = None) -> None:
        super().__init__()
        config = config if config is not None else MultiScaleConfig()
        if config.levels < 1 or config.width < 1:
            raise ValueError(f"MultiScale: levels and width must be 1 or more, got {config.levels}, {config.width}")
        if config.guided and config.pose != "parsing":
            raise ValueError(f"MultiScale: guided needs pose='parsing', a label map, not '{config.pose}'")
        self.config = config
        pose = "parsing" if config.pose == "parsing" else "keypoints"
        self.needs = Needs(source=("image", pose), target=(pose,), multiple=1 << config.levels)
        folded = 4 if config.fold else 1
        picture, first = 3 * folded, 3 * folded if config.guided else 0
        linked = [level for level in range(1, config.levels + 1) if config.linked(level)]
        self.joined = config.guided or not linked  # the picture's encoder reads the pose channels, too
        maps = 2 * config.channels if self.joined else 0
        self.image_encoder = Encoder(config, picture + first + maps, config.levels)
        self.pose_encoder = Encoder(config, 2 * config.channels, max(linked)) if linked else None
        last = 1 if config.fold else 0
        self.ups = nn.ModuleList(
            Up(config.width_at(level), config.width_at(level - 1), config.norm)
            for level in range(config.levels, last, -1)
        )
        self.tail = nn.Sequential(*(Residual(config.width_at(last), config.norm) for _ in range(config.tail)))
        self.to_image = nn.Conv2d(config.width_at(last), picture, 1, bias=config.norm == "none")
        initialise(self)

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        """The source picture (B, 3, H, W) and the maps of both poses (B, P, H, W), source first.

        With `guided` the first picture (B, 3, H, W) comes last.
        """
        assert source.image is not None  # `check` has seen to it
        if self.config.pose == "parsing":
            maps = [part_maps(parsing) for parsing in (source.parsing, target.parsing) if parsing is not None]
        else:
            drawn = self.config.occluded == "drawn"
            maps = list(pose_maps(source, target, self.config.pose, self.config.sigma, drawn))
        pose = torch.cat(maps, 1)
        return (source.image, pose, first_picture(source.image, *maps)) if self.config.guided else (source.image, pose)

    def synthesise(self, *inputs: Tensor) -> Output:
        """image (B, 3, H, W) in [-1, 1], pose (B, P, H, W) -> image (B, 3, H, W) in [-1, 1].

        With `guided` the first picture (B, 3, H, W) comes behind them.
        """
        image, pose, *first = inputs
        masks = self.masks(pose)
        image = torch.cat([image, *first], 1)  # (B, 3, H, W), or 6 with a first picture
        if self.config.fold:
            image = F.pixel_unshuffle(image, 2)  # (B, 12, H/2, W/2)
        if self.joined:
            image = torch.cat([image, self._folded(pose)], 1)  # (B, 3 + P, H, W)
        x = self.image_encoder(image)[-1]  # (B, F 2^N, H/2^N, W/2^N)
        level = self.config.levels
        for up in self.ups:
            if level in masks:
                x = x * masks[level]
            x = up(x)  # (B, F 2^(k-1), H/2^(k-1), W/2^(k-1))
            level -= 1
        if level in masks:  # level 1 of a folded network, whose last doubling is the unfolding
            x = x * masks[level]
        x = self.tail(x)  # (B, F, H, W); (B, 2F, H/2, W/2) if folded
        x = self.to_image(x)  # (B, 3, H, W); (B, 12, H/2, W/2) if folded
        if self.config.fold:
            x = F.pixel_shuffle(x, 2)  # (B, 3, H, W)
        for picture in first:
            x = x + torch.atanh(picture.clamp(-_STEEPEST, _STEEPEST))
        return Output(torch.tanh(x))

    def masks(self, pose: Tensor) -> dict[int, Tensor]:
        """The attention masks (eq. of section 3.1.4): (B, P, H, W) -> level k: (B, F 2^k, H/2^k, W/2^k) in (0, 1).

        Averaged over channels they show where a level lets the source through.
        """
        if self.pose_encoder is None:
            return {}
        features = self.pose_encoder(self._folded(pose))
        return {level: torch.sigmoid(x) for level, x in enumerate(features, start=1) if self.config.linked(level)}

    def _folded(self, pose: Tensor) -> Tensor:
        return F.avg_pool2d(pose, 2) * 2 if self.config.fold else pose


class PatchDiscriminator(nn.Module):
    """The 70x70 PatchGAN of Isola et al. 2017 on two pictures side by side in channels (section 3.2).

    Args:
        width: features of the first convolution; 64 gives the published 2,768,705 parameters.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(6, width, 4, 2, 1)  # no norm, so a bias
        self.conv2 = nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * width)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(4 * width)
        self.conv4 = nn.Conv2d(4 * width, 8 * width, 4, 1, 1, bias=False)
        self.norm4 = nn.BatchNorm2d(8 * width)
        self.conv5 = nn.Conv2d(8 * width, 1, 4, 1, 1)
        initialise(self)

    def forward(self, source: Tensor, other: Tensor) -> Tensor:
        """Source and target (or generated), (B, 3, H, W) each -> raw scores (B, 1, H/8 - 2, W/8 - 2)."""
        x = torch.cat([source, other], 1)  # (B, 6, H, W)
        x = F.leaky_relu(self.conv1(x), 0.2)  # (B, F, H/2, W/2)
        x = F.leaky_relu(self.norm2(self.conv2(x)), 0.2)  # (B, 2F, H/4, W/4)
        x = F.leaky_relu(self.norm3(self.conv3(x)), 0.2)  # (B, 4F, H/8, W/8)
        x = F.leaky_relu(self.norm4(self.conv4(x)), 0.2)  # (B, 8F, H/8 - 1, W/8 - 1)
        score: Tensor = self.conv5(x)  # (B, 1, H/8 - 2, W/8 - 2)
        return score


def initialise(network: nn.Module) -> None:
    """N(0, 0.02) for convolutions, N(1, 0.02) for the gains of norms, biases 0 (section 3.4 and the official code).

    Without norms (`MultiScaleConfig.norm`) nothing would bring such small weights back to scale: there it is He's
    initialisation, and a tenth of it for the last convolution of a residual branch and of the network.
    """
    normed = any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            if normed:
                nn.init.normal_(module.weight, 0, 0.02)
            else:
                # a transposed 4x4 of stride 2 meets each output pixel with a quarter of its weights
                fan = module.in_channels * (
                    4 if isinstance(module, nn.ConvTranspose2d) else module.weight[0, 0].numel()
                )
                small = name.endswith(("conv2", "to_image"))
                nn.init.normal_(module.weight, 0, (0.1 if small else 1.0) * (2 / fan) ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
            nn.init.zeros_(module.bias)


def _conv(into: int, out: int, kernel: int, norm: str) -> nn.Conv2d:
    return nn.Conv2d(into, out, kernel, padding=kernel // 2, bias=norm == "none")


def _norm(width: int, norm: str) -> nn.Module:
    return nn.BatchNorm2d(width) if norm == "batch" else nn.Identity()
