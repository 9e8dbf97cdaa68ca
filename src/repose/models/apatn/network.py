"""APATN: PATN with Aligned Pose-Attentional Transfer Blocks, and their ablations.

Zhu et al., "Progressive and Aligned Pose Attention Transfer for Person Image Generation" (TPAMI), sections 3.2 and 3.3.
No code of it was released. What the text leaves open is an option of `APATNConfig`; the card beside this file says
which choices give the published size. Encoders, residual blocks, decoder and discriminators are those of PATN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.base import Generator, Needs, Output
from repose.models.patn.network import Decoder, Encoder, Norm, Padding, PATNConfig, ResidualBlock
from repose.nn.initialisation import initialise_normal
from repose.person import JOINTS, Person
from repose.represent.keypoints import pose_maps


@dataclass(frozen=True)
class APATNConfig:
    """Sizes and variants of the generator; the defaults are the published size, 16,931,075 parameters.

    Attributes:
        width: channels at the first resolution; they double with every downsampling.
        blocks: number of blocks in the transfer network (1, 5, 9 in Table 4).
        block: "apatb"; "apatb-add" adds where eq. 7 concatenates, "apatb-without-cat" takes the moved code alone,
            "apatb-without-res" leaves the pose codes as the encoders gave them (Table 5).
        shrink: by what the 1x1 convolutions of eq. 5 and 6 divide the channels; 1 gives the published size.
        scale: of the alignment before its softmax: "none" as eq. 5, or "root", ours for short runs: by the root of the
            number of channels, without which it soon looks at single places and learns no more.
        project: a 1x1 convolution after the attention, as non-local blocks have.
        pose_encoders: "two", one for each pose, or "one" for both, as section 3.1 reads.
        code_residual: a residual block on the last image code, before the first upsampling.
        whole_last: the last block, too, has the residual block of eq. 8. Nothing reads what it would give, so it is
            never computed and takes no gradient; the published size counts it.
        start: "released" draws every convolution as PATN's code does, N(0, 0.02); "identity", ours for short runs: the
            1x1 convolutions of the blocks as PyTorch draws them, which makes the first alignment less even, and the one
            behind the concatenation hands the image code on as it is.
        norm, dropout, pose, sigma, stem, downs, padding: as in `PATNConfig`.

    Raises:
        ValueError: codes that are added or replaced must have as many channels, so `shrink` needs `project` there.
    """

    width: int = 64
    blocks: int = 5
    block: Literal["apatb", "apatb-add", "apatb-without-cat", "apatb-without-res"] = "apatb"
    shrink: int = 1
    scale: Literal["none", "root"] = "none"
    project: bool = True
    pose_encoders: Literal["two", "one"] = "two"
    code_residual: bool = True
    whole_last: bool = True
    start: Literal["released", "identity"] = "released"
    norm: Norm = "instance"
    dropout: float = 0.5
    pose: Literal["gaussian", "point"] = "point"
    sigma: float = 6.0
    stem: Literal["full", "half"] = "full"
    downs: int = 2
    padding: Padding = "reflect"

    def __post_init__(self) -> None:
        if self.shrink > 1 and not self.project and self.block in ("apatb-add", "apatb-without-cat"):
            raise ValueError(f"project: with shrink={self.shrink}, '{self.block}' needs project=true")

    def parts(self) -> PATNConfig:
        """What PATN's encoder and decoder need to know."""
        return PATNConfig(
            width=self.width,
            norm=self.norm,
            dropout=self.dropout,
            decoder="bilinear",
            stem=self.stem,
            downs=self.downs,
            padding=self.padding,
        )


class APATN(Generator):
    """The image code is carried through the blocks; in each, the likeness of the two poses says what goes where."""

    def __init__(self, config: APATNConfig = APATNConfig()) -> None:
        super().__init__()
        self.config = config
        step = (2 if config.stem == "half" else 1) * 2**config.downs
        self.needs = Needs(source=("image", "keypoints"), target=("keypoints",), multiple=step)
        parts, wide = config.parts(), config.width * 2**config.downs
        self.image_encoder = Encoder(3, 0, parts)
        self.source_encoder = Encoder(0, len(JOINTS), parts)
        if config.pose_encoders == "two":
            self.target_encoder = Encoder(0, len(JOINTS), parts)
        self.blocks = nn.ModuleList(APATB(wide, i == config.blocks - 1, config) for i in range(config.blocks))
        self.residual = ResidualBlock(wide, config.norm, 0.0, config.padding) if config.code_residual else nn.Identity()
        self.decoder = Decoder(parts)
        self.apply(initialise_normal)
        if config.start == "identity":
            for block in self.blocks:
                block.apply(_start)

    def encode(self, source: Person, target: Person) -> tuple[Tensor, Tensor, Tensor]:
        """-> source image (B, 3, H, W), pose maps of the source and of the target, each (B, 18, H, W)."""
        assert source.image is not None  # `check` has seen to it
        return source.image, *pose_maps(source, target, self.config.pose, self.config.sigma)

    def synthesise(self, image: Tensor, source: Tensor, target: Tensor) -> Output:  # type: ignore[override]
        """(B, 3, H, W) in [-1, 1] and two poses (B, 18, H, W) in [0, 1] -> the picture (B, 3, H, W)."""
        code, source, target = self.codes(image, source, target)
        for block in self.blocks:
            code, source, target = block(code, source, target)
        return Output(self.decode(code))  # (B, 3, H, W)

    def codes(self, image: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The image code and the two pose codes before the first block, each (B, 256, H/4, W/4)."""
        target_encoder = self.target_encoder if self.config.pose_encoders == "two" else self.source_encoder
        return self.image_encoder(image, None), self.source_encoder(None, source), target_encoder(None, target)

    def decode(self, code: Tensor) -> Tensor:
        """An image code (B, 256, H/4, W/4) -> a picture (B, 3, H, W) in [-1, 1] (section 3.3)."""
        return torch.tanh(self.decoder(self.residual(code)))


class APATB(nn.Module):
    """Aligned Pose-Attentional Transfer Block (3.2.2): where the two poses are alike, the image code is carried over.

    Args:
        wide: channels of all three codes.
        last: whether no block follows.
        config: the generator's.
    """

    def __init__(self, wide: int, last: bool, config: APATNConfig) -> None:
        super().__init__()
        inner = wide // config.shrink
        moved = wide if config.project else inner
        self.cat, self.add = config.block in ("apatb", "apatb-without-res"), config.block == "apatb-add"
        self.last, self.scale = last, 1.0 if config.scale == "none" else inner**-0.5
        self.theta = nn.Conv2d(wide, inner, 1)  # of the target's pose code
        self.phi = nn.Conv2d(wide, inner, 1)  # of the source's
        self.gamma = nn.Conv2d(wide, inner, 1)  # of the image code
        self.project = nn.Conv2d(inner, wide, 1) if config.project else nn.Identity()
        self.merge = nn.Conv2d(moved + wide, wide, 1) if self.cat else nn.Identity()
        self.image = ResidualBlock(wide, config.norm, config.dropout, config.padding)
        self.pose: nn.Module = nn.Identity()
        if config.block != "apatb-without-res" and (config.whole_last or not last):
            self.pose = ResidualBlock(wide, config.norm, config.dropout, config.padding)

    def forward(self, image: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Image code and the pose codes of source and target, each (B, 256, H, W) -> the same three."""
        moved = attend(self.theta(target), self.phi(source), self.gamma(image), self.scale)  # eq. 5, 6
        moved = self.project(moved)  # (B, 256, H, W)
        if self.cat:
            moved = self.merge(torch.cat([moved, image], dim=1))
        elif self.add:
            moved = moved + image
        image = self.image(moved)  # eq. 7
        if self.last:
            return image, source, target
        return image, self.pose(source), self.pose(target)  # eq. 8, one block for both

    def alignment(self, source: Tensor, target: Tensor) -> Tensor:
        """A of eq. 5 after its softmax, (B, HW, HW): a row for each place of the target. To look at: it is large."""
        theta, phi = self.theta(target).flatten(2), self.phi(source).flatten(2)  # (B, C, HW)
        return torch.softmax(self.scale * theta.transpose(1, 2) @ phi, dim=2)


def _start(module: nn.Module) -> None:
    """`APATNConfig.start` "identity"."""
    if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
        module.reset_parameters()
    if isinstance(module, APATB) and isinstance(module.merge, nn.Conv2d):  # after its parts
        wide = module.merge.out_channels
        with torch.no_grad():
            module.merge.weight[:, -wide:, 0, 0] = torch.eye(wide)


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float = 1.0) -> Tensor:
    """The softmax of query times key, times value, over all places (eq. 5, 6), without the HW x HW matrix in memory.

    Args:
        query, key, value: (B, C, H, W), of as many channels: PyTorch's kernel for the CPU asks for that.
        scale: on query times key; eq. 5 has none.

    Returns:
        (B, C, H, W).
    """
    # (B, 1, HW, C), its last side dense: with a stride the kernel would fall back to the whole matrix
    q, k, v = (x.flatten(2).transpose(1, 2).unsqueeze(1).contiguous() for x in (query, key, value))
    moved = F.scaled_dot_product_attention(q, k, v, scale=scale)
    return moved.squeeze(1).transpose(1, 2).reshape(value.shape)
