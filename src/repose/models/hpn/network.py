"""HPN: an autoencoder that grows from 64x64 to 1024x1024, with the target pose at its bottleneck.

"High-Resolution Pose Transfer via Progressive Training and Pose Disentangling", sections 3.1, 3.3 and 3.4. No code was
released; the card beside this file lists what the text leaves open and what was chosen.

Level 0 has one halving and is the whole network at first; each level puts a block around it that works at twice the
side. Sizes in the comments are those of the paper: 5 levels, 1024 channels at the bottleneck, pictures of 1024x1024.

    level 4 (1024)  from_rgb -> down ---------------------- skip ----------------------> up -> to_rgb
    level 3  (512)               `-> down ----------------- skip -----------------> up -'
      ...                               ...                                      ...
    level 0   (64)                         `-> down ------ skip ------> up -'
    bottleneck (32)                              `-> pose -> middle -'
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from repose.models.base import Generator, Needs, Output
from repose.person import JOINTS, Person
from repose.represent.keypoints import heatmaps


@dataclass(frozen=True)
class HPNConfig:
    """Sizes; the defaults are the paper's network for 1024x1024.

    Attributes:
        width: channels at the bottleneck; they halve as the side doubles.
        levels: how many times the side doubles from the bottleneck to the canvas; the bottleneck has the canvas's sides
            divided by 2^levels.
        trained: how many levels are trained, of which the last is the canvas's own; 5 is the progressive training of
            the text, 1 the whole network at full size from the start.
        sigma: of the Gaussian of a joint, cells of the bottleneck.
        middle: blocks at the bottleneck, after the pose has come in.
        checkpoint: keep only what enters a block in training and compute the block again on the way back: less memory,
            one more forward pass, the same numbers. A compiled network decides by itself what to keep.

    Raises:
        ValueError: a value is outside its range; the text names it.
    """

    width: int = 1024
    levels: int = 5
    trained: int = 5
    sigma: float = 3.2
    middle: int = 1
    checkpoint: bool = False

    def __post_init__(self) -> None:
        if self.levels < 1 or self.width < 1 or self.width % 2**self.levels:
            raise ValueError(f"width: a multiple of 2^levels (levels is {self.levels}) is wanted, got {self.width}")
        if not 1 <= self.trained <= self.levels:
            raise ValueError(f"trained: 1 to {self.levels} (levels) is wanted, got {self.trained}")
        if self.sigma <= 0 or self.middle < 0:
            raise ValueError(f"sigma above 0 and middle of at least 0 are wanted, got {self.sigma} and {self.middle}")


class HPN(Generator):
    """What the picture of the source is at every scale meets the target's pose at the bottleneck only.

    `level` says how far the network has grown, 0 to levels - 1. A fresh one stands at its last level; `set_stage` moves
    it. At a lower level the source is averaged down before it goes in, and `Output.image` is the level's own picture
    enlarged to the canvas; the picture itself is `Output.extra["native"]` (B, 3, H / 2^k, W / 2^k).
    """

    def __init__(self, config: HPNConfig = HPNConfig()) -> None:
        super().__init__()
        self.config = config
        self.needs = Needs(source=("image",), target=("keypoints",), multiple=2**config.levels)
        self.top = config.levels - 1
        self.first = config.levels - config.trained  # the lowest level that is trained
        wide = [config.width // 2 ** (level + 1) for level in range(config.levels)]  # channels at a level's side
        trained = range(self.first, config.levels)
        self.from_rgb = nn.ModuleDict({str(level): nn.Conv2d(3, wide[level], 1) for level in trained})
        self.down = nn.ModuleList(Block(w, w, 2 * w) for w in wide)
        into = config.width + len(JOINTS)
        self.middle = nn.Sequential()
        for _ in range(config.middle):
            self.middle.append(Block(into, config.width, config.width))
            into = config.width
        below = [into, *(2 * w for w in wide[1:])]  # channels that come up to a level
        self.up = nn.ModuleList(Block(b + 2 * w, w, w) for b, w in zip(below, wide, strict=True))
        self.to_rgb = nn.ModuleDict({str(level): nn.Conv2d(wide[level], 3, 1) for level in trained})
        self.apply(initialise)
        self.register_buffer("grown", torch.tensor(self.top))
        self._level = self.top  # the same as a number: what a compiler and an exporter take for a constant

    @property
    def level(self) -> int:
        """How far the network has grown, 0 to levels - 1."""
        return self._level

    def grow(self, level: int) -> None:
        """Stand at a level. ValueError if it is not one of those that are trained."""
        if not self.first <= level <= self.top:
            raise ValueError(f"HPN.grow: levels {self.first} to {self.top} are trained, got {level}")
        if level != self._level:
            self._level = level
            self.get_buffer("grown").fill_(level)

    def set_stage(self, stage: str) -> None:
        """Stand at the level of a stage: "level0" is the lowest that is trained."""
        levels = {f"level{index}": self.first + index for index in range(self.config.trained)}
        if stage not in levels:
            raise ValueError(
                f"HPN with network.trained={self.config.trained} trains in {', '.join(levels)}, not in '{stage}'; "
                "objective.shares has one number for each of them"
            )
        self.grow(levels[stage])

    def train(self, mode: bool = True) -> Self:
        """As of every module. In eval, the level is taken from the buffer, which the moving average copies."""
        if not mode and type(self.get_buffer("grown")) is Tensor and not self.get_buffer("grown").is_meta:
            self._level = int(self.get_buffer("grown"))
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self._level = int(self.get_buffer("grown"))

    def encode(self, source: Person, target: Person) -> tuple[Tensor, Tensor]:
        """-> source image (B, 3, H, W), and the target's pose at the bottleneck (B, 18, H / 2^levels, W / 2^levels)."""
        assert source.image is not None  # `check` has seen to it
        return source.image, self.pose(target)

    def pose(self, person: Person) -> Tensor:
        """Gaussian maps of the joints on the grid of the bottleneck (eq. 1), (B, 18, h, w); 0 for a missing joint."""
        assert person.keypoints is not None
        assert person.size is not None
        cell = 2**self.config.levels
        height, width = person.size
        place = (person.keypoints[..., :2] + 0.5) / cell - 0.5
        joints = torch.cat([place, person.keypoints[..., 2:]], -1)
        return heatmaps(joints, height // cell, width // cell, sigma=self.config.sigma)

    def synthesise(self, image: Tensor, pose: Tensor) -> Output:  # type: ignore[override]
        """(B, 3, H, W) in [-1, 1] and (B, 18, h, w) in [0, 1] -> the picture (B, 3, H, W); extra: "native"."""
        level = self._level
        _, x = self._features(image, pose)[-1]
        native = torch.tanh(self.to_rgb[str(level)](x))  # (B, 3, 1024, 1024)
        larger = 2 ** (self.top - level)
        if larger == 1:
            return Output(native, {"native": native})
        enlarged = F.interpolate(native, scale_factor=float(larger), mode="bilinear", align_corners=False)
        return Output(enlarged, {"native": native})

    def pictures(self, image: Tensor, pose: Tensor) -> dict[int, Tensor]:
        """What every level's own projection makes of its features: level -> picture (B, 3, H / 2^k, W / 2^k).

        Only the last one's is trained at this level; the others are as their own levels left them.
        """
        return {
            level: torch.tanh(self.to_rgb[str(level)](x))
            for level, x in self._features(image, pose)
            if str(level) in self.to_rgb
        }

    def _features(self, image: Tensor, pose: Tensor) -> list[tuple[int, Tensor]]:
        """The features of each level of the decoder, (level, (B, C, H, W)), from the bottleneck upwards."""
        level = self._level
        x = F.avg_pool2d(image, 2 ** (self.top - level)) if level < self.top else image
        x = self.from_rgb[str(level)](x)  # (B, 32, 1024, 1024)
        skips = []
        for k in range(level, -1, -1):
            skip = self._run(self.down[k], x)  # (B, 64, 1024, 1024) ... (B, 1024, 64, 64)
            skips.append(skip)
            x = F.avg_pool2d(skip, 2)  # (B, 64, 512, 512) ... (B, 1024, 32, 32)
        x = torch.cat([x, pose], 1)  # (B, 1042, 32, 32)
        for block in self.middle:
            x = self._run(block, x)  # (B, 1024, 32, 32)
        features = []
        for k in range(level + 1):
            x = self._run(self.up[k], x, skips.pop())  # (B, 512, 64, 64) ... (B, 32, 1024, 1024)
            features.append((k, x))
        return features

    def _run(self, block: nn.Module, *inputs: Tensor) -> Tensor:
        """A block, kept or computed again on the way back."""
        if self.config.checkpoint and self.training and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            once_more = partial(_first_and_again, block)
            out: Tensor = checkpoint(
                block, *inputs, use_reentrant=False, preserve_rng_state=False, context_fn=once_more
            )
        else:
            out = block(*inputs)
        return out


class Block(nn.Module):
    """Two times 3x3 convolution, batch norm, LeakyReLU 0.2 (3.4); with a skip, what comes from below is doubled first.

    Args:
        into: channels in, those of the skip included. inner, out: channels after the first and the second convolution.
    """

    def __init__(self, into: int, inner: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, inner, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        """(B, into, H, W), or (B, into - S, H/2, W/2) and a skip (B, S, H, W) -> (B, out, H, W)."""
        if skip is not None:
            x = torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skip], 1)  # (B, into, H, W)
        x = F.leaky_relu(self.norm1(self.conv1(x)), 0.2, inplace=True)  # (B, inner, H, W)
        return F.leaky_relu(self.norm2(self.conv2(x)), 0.2, inplace=True)  # (B, out, H, W)


def initialise(module: nn.Module) -> None:
    """He's initialisation (3.4) for a LeakyReLU of 0.2 after a 3x3, and for none after a 1x1; no offsets."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(
            module.weight, 0.2, nonlinearity="linear" if module.kernel_size == (1, 1) else "leaky_relu"
        )
        if module.bias is not None:
            nn.init.zeros_(module.bias)


# -- computing a block again ------------------------------------------------------------------------------------------


def _first_and_again(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What `checkpoint` runs a block in, the first time and again."""
    return contextlib.nullcontext(), _counted_already(block)


@contextlib.contextmanager
def _counted_already(block: nn.Module) -> Iterator[None]:
    """Batch norms do not move their running statistics by the same batch a second time."""
    norms = [module for module in block.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    before = [(norm.momentum, norm.get_buffer("num_batches_tracked").clone()) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.get_buffer("num_batches_tracked").copy_(count)
