"""PATN's objective: L1, perceptual, and two discriminators for appearance and shape (section 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from repose.losses.adversarial import ImagePool, adversarial, frozen
from repose.losses.perceptual import Perceptual
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.models.patn.discriminator import Discriminator, DiscriminatorConfig
from repose.person import JOINTS, Pair
from repose.represent.keypoints import heatmaps


@dataclass(frozen=True)
class PATNObjectiveConfig:
    """Terms and weights; the defaults are the released DeepFashion ones.

    Attributes:
        adversarial: "lsgan" on raw scores, or "bce" on their sigmoid.
        combine: "mean" of the two discriminators' terms, and half of a discriminator's real and generated terms, as
            released; "product": the logarithm of R = R_A R_S, which is the plain sum of eq. 11 ("bce" only).
        weight_adversarial, weight_l1, weight_perceptual: alpha, lambda_1, lambda_2 of eq. 9.
        perceptual: the frozen network of the perceptual term, or "none".
        perceptual_layers: its taps; () takes the backbone's defaults.
        pool: generated pictures, each with its condition, that a discriminator's history holds.
        adversarial_from: fraction of the run before which there is no adversarial term and no discriminator step.
        pose, sigma: the maps that the shape discriminator reads; as in the generator's config.
        discriminator: both discriminators' sizes.
    """

    adversarial: Literal["lsgan", "bce"] = "lsgan"
    combine: Literal["mean", "product"] = "mean"
    weight_adversarial: float = 5.0
    weight_l1: float = 1.0
    weight_perceptual: float = 1.0
    perceptual: Literal["vgg19", "mobilenet_v2", "none"] = "vgg19"
    perceptual_layers: tuple[str, ...] = ("relu1_2",)
    pool: int = 0
    adversarial_from: float = 0.0
    pose: Literal["gaussian", "point"] = "point"
    sigma: float = 6.0
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)


_WARM_UP = Phase("generator-plain", ("generator",))
_GENERATOR = Phase("generator", ("generator",))
_APPEARANCE = Phase("appearance", ("appearance",))
_SHAPE = Phase("shape", ("shape",))


class PATNObjective(Objective):
    """Generator first, then each discriminator with its own step, as the released code does.

    Raises:
        ValueError: "product" without "bce": only probabilities can be multiplied.
    """

    def __init__(self, config: PATNObjectiveConfig = PATNObjectiveConfig()) -> None:
        super().__init__()
        if config.combine == "product" and config.adversarial != "bce":
            raise ValueError(f"PATNObjective: combine 'product' needs adversarial 'bce', got '{config.adversarial}'")
        self.config = config
        self.networks = nn.ModuleDict(
            {
                "appearance": Discriminator(3 + 3, config.discriminator),
                "shape": Discriminator(3 + len(JOINTS), config.discriminator),
            }
        )
        self.pools = nn.ModuleDict({name: ImagePool(config.pool, seed=seed) for seed, name in enumerate(self.networks)})
        self.perceptual: Perceptual | None = None
        if config.perceptual != "none":
            self.perceptual = Perceptual(config.perceptual, config.perceptual_layers or None)

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """The generator alone before `adversarial_from`; then generator, appearance, shape."""
        start = self.config.adversarial_from * progress.total
        if self.config.weight_adversarial == 0 or progress.images < start or self.config.adversarial_from >= 1:
            return [_WARM_UP]
        return [_GENERATOR, _APPEARANCE, _SHAPE]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of one phase of `phases`; ValueError for another."""
        if phase == _WARM_UP:
            return self._reconstruction(pair, output)
        if phase == _GENERATOR:
            return self._reconstruction(pair, output) | self._fooling(pair, output)
        if phase in (_APPEARANCE, _SHAPE):
            return self._telling_apart(phase.name, pair, output)
        raise ValueError(f"PATNObjective has no phase '{phase.name}'")

    def _reconstruction(self, pair: Pair, output: Output) -> dict[str, Term]:
        target = pair.target.image
        assert target is not None  # training pairs have both pictures
        terms = {"l1": Term((output.image - target).abs().mean(), self.config.weight_l1)}
        if self.perceptual is not None and self.config.weight_perceptual:
            terms["perceptual"] = Term(self.perceptual(output.image, target), self.config.weight_perceptual)
        return terms

    def _fooling(self, pair: Pair, output: Output) -> dict[str, Term]:
        """The generator's adversarial terms, eq. 11."""
        share = 0.5 if self.config.combine == "mean" else 1.0
        terms = {}
        for name, network in self.networks.items():
            with frozen(network):
                score = network(self._beside(name, output.image, pair))
            value = adversarial(score, True, self.config.adversarial, generator=True)
            terms[f"fool_{name}"] = Term(value, share * self.config.weight_adversarial)
        return terms

    def _telling_apart(self, name: str, pair: Pair, output: Output) -> dict[str, Term]:
        """One discriminator's terms: real and generated, each beside its condition."""
        share = 0.5 if self.config.combine == "mean" else 1.0
        weight = share * self.config.weight_adversarial
        assert pair.target.image is not None
        real = self._beside(name, pair.target.image, pair)
        generated = self.pools[name](self._beside(name, output.image.detach(), pair))
        network = self.networks[name]
        return {
            f"{name}_real": Term(adversarial(network(real), True, self.config.adversarial), weight),
            f"{name}_generated": Term(adversarial(network(generated), False, self.config.adversarial), weight),
        }

    def _beside(self, name: str, image: Tensor, pair: Pair) -> Tensor:
        """A picture joined with what it must agree with: (B, 6, H, W) with the source, (B, 21, H, W) with the pose."""
        if name == "appearance":
            assert pair.source.image is not None
            return torch.cat([image, pair.source.image], dim=1)
        assert pair.target.keypoints is not None
        height, width = image.shape[-2:]
        maps = heatmaps(pair.target.keypoints, height, width, kind=self.config.pose, sigma=self.config.sigma)
        return torch.cat([image, maps], dim=1)
