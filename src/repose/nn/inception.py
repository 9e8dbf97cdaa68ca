"""Inception v3 (Szegedy et al. 2016) in the two dialects that scores are published with.

"torchvision" is the network of the paper as torchvision has it, 1,000 classes. "tf" is the graph of 2015-12-05 with
which Inception Score and FID were defined, 1,008 outputs: its averages leave the padding out, and the last block takes
a maximum where all others take an average. Both come under the same names.

The batch norms are folded into weight and bias when weights are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.nn.weights import loaded

Dialect = Literal["torchvision", "tf"]

WEIGHTS: Final[Mapping[Dialect, str]] = {
    "torchvision": "inception_v3_google-0cc3c7bd.pth",
    "tf": "pt_inception-2015-12-05-6726825d.pth",
}
CLASSES: Final[Mapping[Dialect, int]] = {"torchvision": 1000, "tf": 1008}

SIDE: Final = 299
"""Pictures are 299x299."""

FEATURES: Final = 2048

_EPSILON: Final = 0.001
"""Of the batch norms."""

_Branches = tuple[tuple[str, ...], ...]
"""Branches side by side; a step is "name channels HxW", with "/2" for stride 2, or the pooling; " | " forks."""


def _a(pooled: int) -> _Branches:
    """35x35 (Figure 5 of the paper, a 5x5 left whole)."""
    return (
        ("branch1x1 64 1x1",),
        ("branch5x5_1 48 1x1", "branch5x5_2 64 5x5"),
        ("branch3x3dbl_1 64 1x1", "branch3x3dbl_2 96 3x3", "branch3x3dbl_3 96 3x3"),
        ("pool", f"branch_pool {pooled} 1x1"),
    )


def _b() -> _Branches:
    """35x35 -> 17x17 (Figure 10)."""
    return (
        ("branch3x3 384 3x3/2",),
        ("branch3x3dbl_1 64 1x1", "branch3x3dbl_2 96 3x3", "branch3x3dbl_3 96 3x3/2"),
        ("pool/2",),
    )


def _c(c: int) -> _Branches:
    """17x17, 7x7 as 1x7 and 7x1 (Figure 6)."""
    return (
        ("branch1x1 192 1x1",),
        (f"branch7x7_1 {c} 1x1", f"branch7x7_2 {c} 1x7", "branch7x7_3 192 7x1"),
        (
            f"branch7x7dbl_1 {c} 1x1",
            f"branch7x7dbl_2 {c} 7x1",
            f"branch7x7dbl_3 {c} 1x7",
            f"branch7x7dbl_4 {c} 7x1",
            "branch7x7dbl_5 192 1x7",
        ),
        ("pool", "branch_pool 192 1x1"),
    )


def _d() -> _Branches:
    """17x17 -> 8x8."""
    return (
        ("branch3x3_1 192 1x1", "branch3x3_2 320 3x3/2"),
        ("branch7x7x3_1 192 1x1", "branch7x7x3_2 192 1x7", "branch7x7x3_3 192 7x1", "branch7x7x3_4 192 3x3/2"),
        ("pool/2",),
    )


def _e() -> _Branches:
    """8x8, forked filters (Figure 7)."""
    return (
        ("branch1x1 320 1x1",),
        ("branch3x3_1 384 1x1", "branch3x3_2a 384 1x3 | branch3x3_2b 384 3x1"),
        ("branch3x3dbl_1 448 1x1", "branch3x3dbl_2 384 3x3", "branch3x3dbl_3a 384 1x3 | branch3x3dbl_3b 384 3x1"),
        ("pool", "branch_pool 192 1x1"),
    )


_BLOCKS: Final = {
    "Mixed_5b": (192, _a(32)),
    "Mixed_5c": (256, _a(64)),
    "Mixed_5d": (288, _a(64)),
    "Mixed_6a": (288, _b()),
    "Mixed_6b": (768, _c(128)),
    "Mixed_6c": (768, _c(160)),
    "Mixed_6d": (768, _c(160)),
    "Mixed_6e": (768, _c(192)),
    "Mixed_7a": (768, _d()),
    "Mixed_7b": (1280, _e()),
    "Mixed_7c": (2048, _e()),
}
"""Channels in, branches."""


class _Conv(nn.Conv2d):
    """A convolution with its batch norm folded in, then ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(super().forward(x), inplace=True)

    def fold(self, name: str, state: Mapping[str, Tensor], origin: str) -> None:
        """Take `name.conv.weight` and the four tensors of `name.bn`. ValueError names what is missing or misshapen."""
        width = self.out_channels
        weight = _entry(state, f"{name}.conv.weight", tuple(self.weight.shape), origin).double()
        scale, shift, mean, variance = (
            _entry(state, f"{name}.bn.{part}", (width,), origin).double()
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / (variance + _EPSILON).sqrt()
        assert self.bias is not None
        with torch.no_grad():
            self.weight.copy_(weight * factor.view(-1, 1, 1, 1))
            self.bias.copy_(shift - mean * factor)


class _Block(nn.Module):
    """Branches joined along the channels."""

    def __init__(self, into: int, branches: _Branches, pool: Literal["average", "inner average", "maximum"]) -> None:
        super().__init__()
        self.branches, self.pool = branches, pool
        for branch in branches:
            before = into
            for step in branch:
                if not step.startswith("pool"):
                    before = sum(self._add(before, *one.split()) for one in step.split(" | "))

    def _add(self, into: int, name: str, channels: str, kernel: str) -> int:
        kernel, _, stride = kernel.partition("/")
        height, width = (int(side) for side in kernel.split("x"))
        padding = (0, 0) if stride else (height // 2, width // 2)
        self.add_module(name, _Conv(into, int(channels), (height, width), int(stride or 1), padding))
        return int(channels)

    def forward(self, x: Tensor) -> Tensor:
        joined = []
        for branch in self.branches:
            y = x
            for step in branch:
                if step == "pool/2":
                    y = F.max_pool2d(y, 3, 2)
                elif step == "pool" and self.pool == "maximum":
                    y = F.max_pool2d(y, 3, 1, 1)
                elif step == "pool":
                    y = F.avg_pool2d(y, 3, 1, 1, count_include_pad=self.pool == "average")
                else:
                    parts = [self.get_submodule(one.split()[0])(y) for one in step.split(" | ")]
                    y = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
            joined.append(y)
        return torch.cat(joined, 1)


class InceptionV3(nn.Module):
    """Inception v3 up to its 2,048 features, and the matrix from there to the classes; frozen.

    Args:
        dialect: "torchvision" or "tf".

    Raises:
        ValueError: another dialect.
    """

    def __init__(self, dialect: Dialect = "torchvision") -> None:
        super().__init__()
        if dialect not in get_args(Dialect):
            raise ValueError(f"InceptionV3: dialect is 'torchvision' or 'tf', got {dialect!r}")
        self.dialect: Dialect = dialect
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        for name, (into, branches) in _BLOCKS.items():
            pool: Literal["average", "inner average", "maximum"] = "average"
            if dialect == "tf":
                pool = "maximum" if name == "Mixed_7c" else "inner average"
            self.add_module(name, _Block(into, branches, pool))
        self.fc = nn.Linear(FEATURES, CLASSES[dialect])
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, 299, 299), scaled as the dialect's user does, about [-1, 1] -> features (B, 2048)."""
        x = self.Conv2d_1a_3x3(images)  # (B, 32, 149, 149)
        x = self.Conv2d_2a_3x3(x)  # (B, 32, 147, 147)
        x = self.Conv2d_2b_3x3(x)  # (B, 64, 147, 147)
        x = F.max_pool2d(x, 3, 2)  # (B, 64, 73, 73)
        x = self.Conv2d_3b_1x1(x)  # (B, 80, 73, 73)
        x = self.Conv2d_4a_3x3(x)  # (B, 192, 71, 71)
        x = F.max_pool2d(x, 3, 2)  # (B, 192, 35, 35)
        for name in _BLOCKS:
            x = self.get_submodule(name)(x)  # (B, 288, 35, 35), (B, 768, 17, 17), (B, 2048, 8, 8)
        pooled: Tensor = x.mean((2, 3))
        return pooled

    def logits(self, features: Tensor, bias: bool = True) -> Tensor:
        """Features (B, 2048) -> (B, classes). Without bias as the published Inception Score takes them."""
        return F.linear(features, self.fc.weight, self.fc.bias if bias else None)

    def load(self, state: Mapping[str, Tensor], origin: str = "the state dict") -> None:
        """Take the published weights and fold the norms; the auxiliary classifier of training stays behind.

        Raises:
            ValueError: an entry is missing or has another shape, so of the other dialect too.
        """
        classes = CLASSES[self.dialect]
        weight = _entry(state, "fc.weight", (classes, FEATURES), origin)
        bias = _entry(state, "fc.bias", (classes,), origin)
        for name, module in self.named_modules():
            if isinstance(module, _Conv):
                module.fold(name, state, origin)
        with torch.no_grad():
            self.fc.weight.copy_(weight)
            self.fc.bias.copy_(bias)


def inception_v3(dialect: Dialect = "torchvision", path: Path | str | None = None) -> InceptionV3:
    """Inception v3 with its published weights.

    Args:
        dialect: "torchvision" or "tf".
        path: the file of `WEIGHTS`; None asks `repose.hub`.

    Raises:
        FileNotFoundError: the file is not there; the text names it, its address and the folder.
        ValueError: no such dialect, or the file is of another network.
    """
    network = InceptionV3(dialect)  # refuses an unknown dialect
    return loaded(network, WEIGHTS[dialect], path)


# -- pictures -> 299x299 -------------------------------------------------------------------------------------------


def prepared(pictures: Tensor, how: Literal["tf", "clean", "unit", "imagenet"]) -> Tensor:
    """uint8 (B, 3, H, W) as one of the four habits hands it to the network: float32 (B, 3, 299, 299).

    Args:
        pictures: RGB.
        how: "tf": bilinear as TensorFlow 1 has it, (x - 128) / 128: the first Inception Score and FID, torch-fidelity.
            "clean": bicubic with antialias, not rounded, clipped to 0 to 255, (x - 128) / 128: clean-fid.
            "unit": bilinear, x / 127.5 - 1: the Inception Score of Multi-scale Attention Guided Pose Transfer.
            "imagenet": bilinear, x / 255, then times 0.458, 0.448, 0.45 and minus 0.03, 0.088, 0.188: the FID of
            Global-Flow-Local-Attention and all that took its measurement over. The step is meant for pictures with mean
            and deviation of ImageNet taken out; theirs were not, so the network sees low contrast. It is part of
            the numbers.

    Source: Parmar, Zhang, Zhu 2022, "On Aliased Resizing and Surprising Subtleties in GAN Evaluation".
    """
    x = pictures.float()
    if how == "tf":
        return (_tf_bilinear(x) - 128) / 128
    if how == "clean":
        x = F.interpolate(x, size=(SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True)
        return (x.clamp(0, 255) - 128) / 128
    x = F.interpolate(x, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    if how == "unit":
        return x / 127.5 - 1
    if how == "imagenet":
        scale, shift = (x.new_tensor(v).view(1, 3, 1, 1) for v in ((0.458, 0.448, 0.45), (-0.03, -0.088, -0.188)))
        return x / 255 * scale + shift
    raise ValueError(f"prepared: how is 'tf', 'clean', 'unit' or 'imagenet', got {how!r}")


def _tf_bilinear(x: Tensor) -> Tensor:
    """`tf.image.resize_bilinear` of TensorFlow 1: pixel i lies at i * side / 299, without the half pixel."""
    for dim in (2, 3):
        side = x.shape[dim]
        at = torch.arange(SIDE, dtype=torch.float32, device=x.device) * (side / SIDE)
        low = at.long()
        share = (at - low).view(-1, 1) if dim == 2 else at - low
        first, second = x.index_select(dim, low), x.index_select(dim, (low + 1).clamp(max=side - 1))
        x = first + (second - first) * share
    return x


def _entry(state: Mapping[str, Tensor], name: str, shape: tuple[int, ...], origin: str) -> Tensor:
    expected = (
        "an Inception v3 file has 'Conv2d_1a_3x3.conv.weight' to 'fc.bias', 1,000 classes or 1,008 in dialect 'tf'"
    )
    if name not in state:
        raise ValueError(f"{origin} has no '{name}'; {expected}")
    if tuple(state[name].shape) != shape:
        raise ValueError(f"{origin}: '{name}' is {tuple(state[name].shape)}, wanted {shape}; {expected}")
    return state[name]
