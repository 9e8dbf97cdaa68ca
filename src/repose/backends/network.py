"""What every backend starts from: the network of tensors, a copy of it for evaluation, and its errors."""

from __future__ import annotations

import contextlib
import copy
import importlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from repose.extras import how_to_install
from repose.files import first_line
from repose.models.base import Generator

IMAGE: Final = "image"
"""The name of the picture among the outputs of a network; the others are names of `Output.extra`."""

ADVICE: Final = "`plain` runs every network, and onnxruntime every network of this package: take one of them"


class BackendError(RuntimeError):
    """The package of a backend is not installed, or cannot run this network; the text says which, and why."""


class Core(nn.Module):
    """Tensors in, named tensors out: the part of a `Generator` that is exported.

    Args:
        generator: whose `synthesise` is run.
        outputs: "image", and names of `Output.extra`.
    """

    def __init__(self, generator: Generator, outputs: Sequence[str] = (IMAGE,)) -> None:
        super().__init__()
        self.generator = generator
        self.outputs = tuple(outputs)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs of `Generator.synthesise`, in the order of their names."""
        output = self.generator.synthesise(*inputs)
        return tuple(output.image if name == IMAGE else output.extra[name] for name in self.outputs)


def fold_batch_norm(module: nn.Module) -> int:
    """Fold each BatchNorm2d called `norm*` into the convolution `conv*` beside it, in place.

    These names mean that the norm follows the convolution. For evaluation only; the output stays the same up to
    rounding.

    Returns:
        The number of norms folded.
    """
    folded = 0
    for owner in list(module.modules()):
        for name, norm in list(owner.named_children()):
            conv = getattr(owner, name.replace("norm", "conv"), None)
            if isinstance(norm, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d | nn.ConvTranspose2d):
                fused = nn.utils.fusion.fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d))
                setattr(owner, name.replace("norm", "conv"), fused)
                setattr(owner, name, nn.Identity())
                folded += 1
    return folded


def evaluation(generator: Generator) -> Generator:
    """A copy in eval mode whose weights take no gradient."""
    return copy.deepcopy(generator).eval().requires_grad_(False)


def folded_copy(generator: Generator) -> Generator:
    """A copy in eval mode with its batch norms folded into convolutions."""
    copied = evaluation(generator)
    fold_batch_norm(copied)
    return copied


def package(name: str, extra: str) -> Any:
    """A package that a backend needs.

    Raises:
        BackendError: it is not installed; the text names the extra.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendError(f"{name} is not installed: {how_to_install(extra)}") from error


@contextlib.contextmanager
def guarded(what: str, advice: str = ADVICE) -> Iterator[None]:
    """Any error of a library inside becomes a `BackendError` with advice.

    Args:
        what: what was tried, such as "openvino cannot run this network". advice: what to do instead.
    """
    try:
        yield
    except (BackendError, MemoryError):
        raise
    except Exception as error:
        raise BackendError(f"{what} ({first_line(error, 200, kind=True)}); {advice}") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporters' warnings: about torchvision, which is not used, about traced sizes, which are fixed, and
    about their own deprecations."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


@contextlib.contextmanager
def tracing() -> Iterator[None]:
    """Silence, and no gradients, but ordinary tensors: exporters refuse those of inference mode."""
    with quiet(), torch.inference_mode(False), torch.no_grad():
        yield
