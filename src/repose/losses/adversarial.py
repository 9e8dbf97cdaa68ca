"""Adversarial terms on raw patch scores, and the history of generated pictures that steadies a discriminator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.names import nearest

AdversarialKind = Literal["lsgan", "bce", "hinge"]

KINDS: Final[tuple[str, ...]] = get_args(AdversarialKind)


def adversarial(
    score: Tensor, real: bool, kind: AdversarialKind, *, generator: bool = False, weight: Tensor | None = None
) -> Tensor:
    """How far a discriminator's scores are from "real" or from "generated"; a scalar, the mean over all scores.

    Args:
        score: raw output of a discriminator (no sigmoid), any shape.
        real: the label that the scores should show; the generator's own term asks for True.
        kind: "lsgan": (score - label)^2 with labels 1 and 0 (Mao et al. 2017, a = 0, b = c = 1); "bce":
            cross-entropy of the sigmoid (Goodfellow et al. 2014, the generator's term not saturating); "hinge":
            max(0, 1 -+ score) (Lim and Ye 2017).
        generator: the term is the generator's. Only "hinge" differs: it is then the mean of -score.
        weight: how much each score counts, 0 or more, of the scores' shape: the mean becomes the weighted mean, and a
            weight of 0 everywhere gives 0. No gradient flows to it.

    Raises:
        ValueError: another kind (names the nearest), a generator's term with real=False, or a weight of another shape.
    """
    if kind not in KINDS:
        raise ValueError(f"adversarial: no kind '{kind}'; {nearest(kind, KINDS)}")
    if generator and not real:
        raise ValueError("adversarial: the generator's term asks for real=True")
    if weight is not None and weight.shape != score.shape:
        raise ValueError(f"adversarial: a weight of {tuple(score.shape)} is wanted, got {tuple(weight.shape)}")
    if kind == "lsgan":
        off = (score - float(real)).square()
    elif kind == "bce":
        off = F.softplus(-score if real else score)
    elif generator:
        off = -score
    else:
        off = F.relu(1 - score if real else 1 + score)
    if weight is None:
        return off.mean()
    weight = weight.detach()
    return (off * weight).sum() / weight.sum().clamp_min(1e-6)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Inside, the network's parameters take no gradient: a generator's term passes through a discriminator."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


class ImagePool(nn.Module):
    """A history of generated pictures: a discriminator sees an old one in half of the cases (Shrivastava et al. 2017).

    While the pool fills, every picture is stored and returned. From then on each picture is returned itself with
    probability 1/2, or changes places with a random stored one. The pictures and the state of the pool's own random
    numbers stand in `state_dict`, so a resumed run goes on as the unbroken one would have.

    Args:
        size: pictures held; 0 returns everything unchanged (CycleGAN's and PATN's code, where Market-1501 has 50).
        seed: of the pool's random numbers, which are drawn on the CPU on every device.
    """

    def __init__(self, size: int = 50, seed: int = 0) -> None:
        super().__init__()
        if size < 0:
            raise ValueError(f"ImagePool: size must be 0 or more, got {size}")
        self.size = size
        self._held: list[Tensor] = []
        self._random = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self._held)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape, new and old pictures mixed, without gradient."""
        images = images.detach()
        if self.size == 0:
            return images
        given = []
        for image in images:
            if len(self._held) < self.size:
                self._held.append(image.clone())
                given.append(image)
            elif torch.rand((), generator=self._random).item() < 0.5:
                given.append(image)
            else:
                place = int(torch.randint(self.size, (), generator=self._random))
                given.append(self._held[place].to(image))
                self._held[place] = image.clone()
        return torch.stack(given)

    def get_extra_state(self) -> dict[str, Tensor]:
        """The held pictures, uint8 state of the random numbers; tensors only, so any checkpoint can hold them."""
        held = torch.stack(self._held) if self._held else torch.empty(0)
        return {"held": held, "random": self._random.get_state()}

    def set_extra_state(self, state: Any) -> None:
        """Inverse of `get_extra_state`. ValueError if more pictures are given than the pool holds."""
        if len(state["held"]) > self.size:
            raise ValueError(f"ImagePool: {len(state['held'])} pictures given, but the pool holds {self.size}")
        self._held = list(state["held"].clone().unbind()) if len(state["held"]) else []
        self._random.set_state(state["random"].cpu())
