"""Dense Pose Transfer: a predictive stream, a warping stream through the surface of the body, and what blends them.

Neverova, Guler, Kokkinos, "Dense Pose Transfer" (ECCV 2018), sections 3.1 and 3.3 and the discriminator of 3.4; the
warping stream (3.2) is in `warping.py`. No code was released: what the text leaves open is listed in the card beside
this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.base import Generator, Needs, Output
from repose.models.densepose.warping import Inpainting, InpaintingConfig, from_atlas, to_atlas
from repose.person import JOINTS, Person
from repose.represent.iuv import PARTS
from repose.represent.keypoints import heatmaps

Pose = Literal["mask", "parts", "keypoints", "iuv", "onehot"]
"""What a pose is told by (Table 3): the foreground, the 24 body parts, the 18 joints, part, u and v, or the parts with
u and v."""

CHANNELS: Final[dict[str, int]] = {
    "none": 0,
    "mask": 1,
    "parts": PARTS,
    "keypoints": len(JOINTS),
    "iuv": 3,
    "onehot": PARTS + 2,
}
"""Planes that tell one pose."""


@dataclass(frozen=True)
class DensePoseConfig:
    """Sizes and variants of the generator; the defaults are the text's.

    Attributes:
        modules: each row of Table 4 holds those before: "predictive" stream alone; + "blending" (self-refinement);
            + "warping" of what is seen; + "inpainting" of what is not, the full model.
        source_pose, target_pose: what the predictive stream is told (Table 3, Table 7); "none" tells it nothing of the
            source's pose. The blending reads the target's too.
        width: channels of the predictive stream's first convolution; the two strided ones double them.
        residuals: its residual blocks.
        downs: its strided convolutions, and as many transposed ones.
        blend_width, blend_residuals: channels and residual blocks of the blending module.
        fold: side of the squares of pixels that are folded into channels before the convolutions of both, and
            unfolded at their end; 1 in the text, 2 saves the small preset three quarters of the time.
        up: "transposed" convolutions as in the text, or "bilinear", then a convolution, which leave no grid early on.
        norm: "instance" in the text, "batch" for short runs of small batches.
        joints, sigma: maps of `repose.represent.heatmaps` for "keypoints": "point" is one-hot, as the text says.
        keep_seen: what the source shows stays on the surface as it is, and only the rest is painted; by the text all of
            it is the painter's.
        inpainting: sizes of the inpainting network and of the atlas.

    Raises:
        ValueError: a size is below 1.
    """

    modules: Literal["predictive", "blending", "warping", "inpainting"] = "inpainting"
    source_pose: Literal["none", "mask", "parts", "keypoints", "iuv", "onehot"] = "iuv"
    target_pose: Pose = "iuv"
    width: int = 64
    residuals: int = 6
    downs: int = 2
    blend_width: int = 64
    blend_residuals: int = 3
    fold: int = 1
    up: Literal["transposed", "bilinear"] = "transposed"
    norm: Literal["instance", "batch"] = "instance"
    joints: Literal["point", "disc", "gaussian"] = "point"
    sigma: float = 6.0
    keep_seen: bool = False
    inpainting: InpaintingConfig = field(default_factory=InpaintingConfig)

    def __post_init__(self) -> None:
        for name in ("width", "blend_width", "fold"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: at least 1 is wanted, got {getattr(self, name)}")


class DensePoseTransfer(Generator):
    """What the predictive stream paints, plus a residual from seeing the warped surface beside it.

    `stage` is what a training step runs, set by `set_stage`; a network in eval mode always runs whole. The last
    convolution of the blending begins near 0, so the weights of an early stage give the predictive stream's picture.
    """

    def __init__(self, config: DensePoseConfig = DensePoseConfig()) -> None:
        super().__init__()
        self.config = config
        self.stage = "joint"
        self.blends, self.warps = config.modules != "predictive", config.modules in ("warping", "inpainting")
        self.needs = Needs(
            source=fields_of("image", config.source_pose, "iuv" if self.warps else ""),
            target=fields_of("", config.target_pose, "iuv" if self.warps else ""),
            multiple=config.fold * 2**config.downs,
        )
        given, wanted = 3 + CHANNELS[config.source_pose], CHANNELS[config.target_pose]
        self.predictive = Predictive(given + wanted, config)
        if config.modules == "inpainting":
            self.inpainting = Inpainting(config.inpainting)
        if self.blends:
            self.blending = Blending(3 + (3 if self.warps else 0) + wanted, config)

    def set_stage(self, stage: str) -> None:
        """What a training step runs: "predictive", "inpainting" (where there is one), or "joint"."""
        stages = ("predictive", *(("inpainting",) if self.config.modules == "inpainting" else ()), "joint")
        if stage not in stages:
            raise ValueError(
                f"DensePoseTransfer with network.modules={self.config.modules} trains in {', '.join(stages)}, not in "
                f"'{stage}'; where nothing is inpainted, objective.inpainting_until is objective.predictive_until"
            )
        self.stage = stage

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        """-> source picture and pose (B, 3 + P, H, W), target pose (B, Q, H, W); and where it warps, of the target the
        IUV (B, 3, H, W), of the source the atlas (B, 24, 3, S, S) and what is seen there (B, 24, 1, S, S).

        The atlas is left out while the predictive stream trains alone.
        """
        assert source.image is not None  # `check` has seen to it
        given = torch.cat([source.image, *self._pose(source, self.config.source_pose)], dim=1)
        (wanted,) = self._pose(target, self.config.target_pose)
        if not self.warps or self._now() == "predictive":
            return given, wanted
        assert source.iuv is not None
        assert target.iuv is not None
        return given, wanted, target.iuv, *to_atlas(source.image, source.iuv, self.config.inpainting.side)

    def synthesise(  # type: ignore[override]
        self,
        given: Tensor,
        wanted: Tensor,
        iuv: Tensor | None = None,
        texture: Tensor | None = None,
        seen: Tensor | None = None,
    ) -> Output:
        """The tensors of `encode` -> the picture (B, 3, H, W).

        `extra` has, of the modules that ran: "predicted" (B, 3, H, W), "warped" (B, 3, H, W), "inpainted"
        (B, 24, 3, S, S) as the network painted it, and "residual" (B, 3, H, W). While a stream trains alone the picture
        is its own. In training the sum is not cut to [-1, 1], so that what lies outside is pulled back.
        """
        stage = self._now()
        extra: dict[str, Tensor] = {}
        warped = []
        if texture is not None and seen is not None and iuv is not None:
            if self.config.modules == "inpainting":
                painted = self.inpainting(texture, seen)  # (B, 24, 3, S, S)
                extra["inpainted"] = painted
                texture = torch.where(seen > 0, texture, painted) if self.config.keep_seen else painted
            extra["warped"], _ = from_atlas(texture, iuv)  # (B, 3, H, W), 0 beside the body
            warped = [extra["warped"]]
        if stage == "inpainting":
            return Output(extra["warped"], extra)

        predicted = self.predictive(torch.cat([given, wanted], dim=1))  # (B, 3, H, W)
        if stage == "predictive" or not self.blends:
            return Output(predicted, extra)
        residual = self.blending(torch.cat([predicted, *warped, wanted], dim=1))  # (B, 3, H, W)
        image = predicted + residual
        extra |= {"predicted": predicted, "residual": residual}
        return Output(image if self.training else image.clamp(-1, 1), extra)

    def _now(self) -> str:
        return self.stage if self.training else "joint"

    def _pose(self, person: Person, kind: str) -> list[Tensor]:
        return pose_planes(person, kind, self.config.joints, self.config.sigma)


class Predictive(nn.Module):
    """Picture and poses -> a picture: three convolutions, residual blocks, two transposed ones and a last (3.1)."""

    def __init__(self, channels: int, config: DensePoseConfig) -> None:
        super().__init__()
        self.fold, norm = config.fold, config.norm
        widths = [config.width * 2**i for i in range(config.downs + 1)]
        self.stem = ConvNormReLU(channels * config.fold**2, widths[0], norm)
        self.downs = nn.Sequential(*(ConvNormReLU(w, 2 * w, norm, stride=2) for w in widths[:-1]))
        self.blocks = nn.Sequential(*(ResidualBlock(widths[-1], norm) for _ in range(config.residuals)))
        self.ups = nn.Sequential(*(UpNormReLU(w, w // 2, norm, config.up) for w in reversed(widths[1:])))
        self.last = nn.Conv2d(widths[0], 3 * config.fold**2, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        """(B, 9, H, W) -> (B, 3, H, W) in [-1, 1]."""
        x = F.pixel_unshuffle(x, self.fold) if self.fold > 1 else x
        x = self.stem(x)  # (B, 64, H, W)
        x = self.downs(x)  # (B, 256, H/4, W/4)
        x = self.blocks(x)  # (B, 256, H/4, W/4)
        x = self.ups(x)  # (B, 64, H, W)
        x = torch.tanh(self.last(x))  # (B, 3, H, W)
        return F.pixel_shuffle(x, self.fold) if self.fold > 1 else x


class Blending(nn.Module):
    """Predicted picture, warped picture and target pose -> what to add to the predicted one (3.3)."""

    def __init__(self, channels: int, config: DensePoseConfig) -> None:
        super().__init__()
        self.fold = config.fold
        self.first = ConvNormReLU(channels * config.fold**2, config.blend_width, config.norm)
        self.blocks = nn.Sequential(
            *(ResidualBlock(config.blend_width, config.norm) for _ in range(config.blend_residuals))
        )
        self.last = nn.Conv2d(config.blend_width, 3 * config.fold**2, 3, padding=1, padding_mode="reflect")
        nn.init.normal_(self.last.weight, 0.0, 1e-3)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 9, H, W) -> (B, 3, H, W), any real numbers."""
        x = F.pixel_unshuffle(x, self.fold) if self.fold > 1 else x
        x = self.first(x)  # (B, 64, H, W)
        x = self.blocks(x)  # (B, 64, H, W)
        x = self.last(x)  # (B, 3, H, W)
        return F.pixel_shuffle(x, self.fold) if self.fold > 1 else x


# -- poses ----------------------------------------------------------------------------------------------------------


def pose_planes(person: Person, kind: str, joints: Literal["point", "disc", "gaussian"], sigma: float) -> list[Tensor]:
    """One pose as planes in [0, 1], a list of one (B, `CHANNELS[kind]`, H, W); of none for "none" (Table 3).

    Parts and foreground are the index of DensePose's result, as in 4.4; the part's number is divided by 24.
    """
    if kind == "none":
        return []
    if kind == "keypoints":
        assert person.keypoints is not None
        assert person.size is not None
        return [heatmaps(person.keypoints, *person.size, kind=joints, sigma=sigma)]
    assert person.iuv is not None
    part, uv = person.iuv[:, :1], person.iuv[:, 1:]
    if kind == "mask":
        return [(part > 0).to(uv.dtype)]
    if kind == "iuv":
        return [torch.cat([part / PARTS, uv], dim=1)]
    numbers = torch.arange(1, PARTS + 1, device=part.device, dtype=part.dtype).view(1, -1, 1, 1)
    hot = (part == numbers).to(uv.dtype)  # (B, 24, H, W)
    return [torch.cat([hot, uv], dim=1) if kind == "onehot" else hot]


def fields_of(*what: str) -> tuple[str, ...]:
    """The fields of `Person` behind kinds of poses and names of fields, each once."""
    fields = {"mask": "iuv", "parts": "iuv", "onehot": "iuv"}
    return tuple(dict.fromkeys(fields.get(one, one) for one in what if one not in ("", "none")))


# -- blocks ---------------------------------------------------------------------------------------------------------


def make_norm(kind: str, channels: int) -> nn.Module:
    """Either has an affine part, so the convolution before it needs no bias."""
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.InstanceNorm2d(channels, affine=True)


class ConvNormReLU(nn.Module):
    """3x3 convolution, norm, ReLU."""

    def __init__(self, into: int, out: int, norm: str, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, 3, stride, padding=1, bias=False, padding_mode="reflect")
        self.norm = make_norm(norm, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, H/stride, W/stride), 0 or more."""
        return F.relu(self.norm(self.conv(x)))


class UpNormReLU(nn.Module):
    """Twice the sides by a transposed 3x3 convolution, or bilinear and by a plain one; norm, ReLU."""

    def __init__(self, into: int, out: int, norm: str, up: str) -> None:
        super().__init__()
        self.bilinear = up == "bilinear"
        self.conv: nn.Conv2d | nn.ConvTranspose2d
        if self.bilinear:
            self.conv = nn.Conv2d(into, out, 3, padding=1, bias=False, padding_mode="reflect")
        else:
            self.conv = nn.ConvTranspose2d(into, out, 3, stride=2, padding=1, output_padding=1, bias=False)
        self.norm = make_norm(norm, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, into, H, W) -> (B, out, 2H, 2W), 0 or more."""
        if self.bilinear:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        return F.relu(self.norm(self.conv(x)))


class ResidualBlock(nn.Module):
    """x plus two 3x3 convolutions of it, each with a norm, a ReLU between them (Johnson et al. 2016)."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.first = ConvNormReLU(channels, channels, norm)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False, padding_mode="reflect")
        self.norm = make_norm(norm, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        out: Tensor = x + self.norm(self.conv(self.first(x)))
        return out


# -- discriminator --------------------------------------------------------------------------------------------------


class Discriminator(nn.Module):
    """The 70x70 PatchGAN of Isola et al. 2017 on a picture beside the source picture and the target's IUV (3.4).

    Args:
        width: channels of the first convolution.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 + 3 + 3, width, 4, 2, 1)
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.convs = nn.ModuleList(
            nn.Conv2d(into, out, 4, stride, 1, bias=False)
            for into, out, stride in zip(widths[:-1], widths[1:], (2, 2, 1), strict=True)
        )
        self.norms = nn.ModuleList(make_norm("instance", out) for out in widths[1:])
        self.last = nn.Conv2d(widths[-1], 1, 4, 1, 1)

    def forward(self, images: Sequence[Tensor]) -> Tensor:
        """Source, IUV planes and the picture, (B, 3, H, W) each -> raw scores (B, 1, H/8 - 2, W/8 - 2)."""
        x = F.leaky_relu(self.first(torch.cat(list(images), dim=1)), 0.2)  # (B, 64, H/2, W/2)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)  # (B, 512, H/8 - 1, W/8 - 1) at the end
        out: Tensor = self.last(x)
        return out
