"""The objective of Roy et al.: L1, a PatchGAN on the transition, and a perceptual term (section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from repose.losses.adversarial import AdversarialKind, adversarial, frozen
from repose.losses.perceptual import Backbone, Perceptual, Rescale
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.models.multiscale.network import PatchDiscriminator
from repose.person import Pair

DISCRIMINATOR = Phase("discriminator", ("discriminator",))
GENERATOR = Phase("generator", ("generator",))
PLAIN = Phase("generator-plain", ("generator",))
"""The generator without an adversarial term, before the discriminator begins."""


@dataclass(frozen=True)
class MultiScaleObjectiveConfig:
    """Weights and kinds; the defaults are the official code's.

    Attributes:
        l1, gan, perceptual: lambda 1, 2, 3 of section 3.3.1; 0 leaves a term out (gan=0: no discriminator is built).
        adversarial: "lsgan" in the code, "bce" in the text.
        adversarial_from: fraction of the run before which there is no adversarial term and no discriminator's step.
        discriminator_width: features of the PatchGAN's first convolution.
        backbone, layers, rescale: of the perceptual term, see `repose.losses.perceptual`. "batch" is the code's.
    """

    l1: float = 5.0
    gan: float = 1.0
    perceptual: float = 5.0
    adversarial: AdversarialKind = "lsgan"
    adversarial_from: float = 0.0
    discriminator_width: int = 64
    backbone: Backbone = "vgg19"
    layers: tuple[str, ...] | None = None
    rescale: Rescale = "batch"


class MultiScaleObjective(Objective):
    """L_G = 5 L1 + GAN + 5 (P_4 + P_9); L_D = (real + fake) / 2; the discriminator steps first."""

    def __init__(self, config: MultiScaleObjectiveConfig | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else MultiScaleObjectiveConfig()
        self.networks = nn.ModuleDict()
        if self.config.gan:
            self.networks["discriminator"] = PatchDiscriminator(self.config.discriminator_width)
        self.perceptual: Perceptual | None = None  # without the term its weight file need not be here
        if self.config.perceptual:
            self.perceptual = Perceptual(self.config.backbone, self.config.layers, self.config.rescale)

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """Discriminator, then generator, as in the code; the generator alone before `adversarial_from`."""
        if not self.config.gan or progress.images < self.config.adversarial_from * progress.total:
            return (PLAIN,)
        return (DISCRIMINATOR, GENERATOR)

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """ "real" and "fake" of the discriminator, or "l1", "gan" and "perceptual" of the generator."""
        source, target = pair.source.image, pair.target.image
        if source is None or target is None:
            raise ValueError("MultiScaleObjective needs the image of source and target")
        if phase == DISCRIMINATOR:
            return self._discriminator(source, target, output.image.detach())
        if phase not in (GENERATOR, PLAIN):
            raise ValueError(f"MultiScaleObjective knows no phase '{phase.name}'")
        return self._generator(source, target, output.image, phase == GENERATOR)

    def _discriminator(self, source: Tensor, target: Tensor, generated: Tensor) -> dict[str, Term]:
        judge, kind = self.networks["discriminator"], self.config.adversarial
        fake = adversarial(judge(source, generated), False, kind)
        real = adversarial(judge(source, target), True, kind)
        return {"real": Term(real, 0.5), "fake": Term(fake, 0.5)}

    def _generator(self, source: Tensor, target: Tensor, generated: Tensor, judged: bool) -> dict[str, Term]:
        config, terms = self.config, {}
        if config.l1:
            terms["l1"] = Term((generated - target).abs().mean(), config.l1)
        if judged:
            judge = self.networks["discriminator"]
            with frozen(judge):
                score = judge(source, generated)
            terms["gan"] = Term(adversarial(score, True, config.adversarial, generator=True), config.gan)
        if self.perceptual is not None:
            terms["perceptual"] = Term(self.perceptual(generated, target), config.perceptual)
        return terms
