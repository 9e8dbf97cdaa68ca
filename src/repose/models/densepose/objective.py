"""Dense Pose Transfer's objective: terms, their combinations, and three stages (sections 3.4, 4.1, appendix A)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from torch import Tensor, nn

from repose.losses.adversarial import adversarial, frozen
from repose.losses.perceptual import DEFAULT_LAYERS, Perceptual, style
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.models.densepose.network import Discriminator, pose_planes
from repose.models.densepose.warping import multi_view_loss
from repose.person import Pair

LAYERS: Final[dict[str, tuple[str, ...]]] = {
    "vgg19": ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_2"),
    "mobilenet_v2": DEFAULT_LAYERS["mobilenet_v2"],
}
"""Taps of the perceptual and the style term; those of VGG19 are Chen and Koltun's, whom the text follows."""


@dataclass(frozen=True)
class DensePoseObjectiveConfig:
    """Terms and weights; the defaults are the text's.

    Attributes:
        weight_l1, weight_perceptual, weight_style, weight_adversarial: lambdas of 4.1; 0 leaves a term out (Table 5).
        features: the frozen network of the perceptual and the style term.
        adversarial_from: fraction of the run before which there is no adversarial term and no discriminator step.
        discriminator: channels of its first convolution.
        views: further pictures of the person that the inpainting must agree with, beside source and target.
        predictive_until, inpainting_until: fractions of the run until which the predictive stream, then the
            inpainting, train alone; all train together afterwards (4.1).

    Raises:
        ValueError: the stages' ends do not rise.
    """

    weight_l1: float = 1.0
    weight_perceptual: float = 0.5
    weight_style: float = 5e5
    weight_adversarial: float = 0.1
    features: Literal["vgg19", "mobilenet_v2"] = "vgg19"
    adversarial_from: float = 0.0
    discriminator: int = 64
    views: int = 2
    predictive_until: float = 0.4
    inpainting_until: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.predictive_until <= self.inpainting_until <= 1:
            raise ValueError(
                "predictive_until, inpainting_until: fractions of the run that rise from 0 to 1 are wanted, got "
                f"{self.predictive_until} and {self.inpainting_until}"
            )


_PREDICTIVE = Phase("predictive", ("generator.predictive",), "predictive")
_INPAINTING = Phase("inpainting", ("generator.inpainting",), "inpainting")
_PLAIN = Phase("joint-plain", ("generator",), "joint")
_JOINT = Phase("joint", ("generator",), "joint")
_DISCRIMINATOR = Phase("discriminator", ("discriminator",), "joint")


class DensePoseObjective(Objective):
    """The predictive stream alone by L1, the inpainting alone by all views, then everything by all terms."""

    def __init__(self, config: DensePoseObjectiveConfig = DensePoseObjectiveConfig()) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleDict({"discriminator": Discriminator(config.discriminator)})
        inpaints = config.predictive_until < config.inpainting_until
        self.adversarial = config.weight_adversarial > 0 and config.adversarial_from < 1
        self.views = config.views if inpaints else 0
        self.requires = ("iuv",) if inpaints or self.adversarial else ()
        self.perceptual: Perceptual | None = None
        if config.weight_perceptual or config.weight_style:
            self.perceptual = Perceptual(config.features, LAYERS[config.features], distance="l2")

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """One phase while a stream trains alone; then the generator, and the discriminator from its beginning on."""
        if progress.images < self.config.predictive_until * progress.total:
            return [_PREDICTIVE]
        if progress.images < self.config.inpainting_until * progress.total:
            return [_INPAINTING]
        if self.adversarial and progress.images >= self.config.adversarial_from * progress.total:
            return [_JOINT, _DISCRIMINATOR]
        return [_PLAIN]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of one phase of `phases`.

        Raises:
            ValueError: another phase, or nothing inpainted where that is to be learnt.
        """
        if phase == _PREDICTIVE:
            return self._l1(pair, output)
        if phase == _INPAINTING:
            return self._views(pair, output)
        if phase == _PLAIN:
            return self._l1(pair, output) | self._features(pair, output)
        if phase == _JOINT:
            return self._l1(pair, output) | self._features(pair, output) | self._fooling(pair, output)
        if phase == _DISCRIMINATOR:
            return self._telling_apart(pair, output)
        raise ValueError(f"DensePoseObjective has no phase '{phase.name}'")

    def _l1(self, pair: Pair, output: Output) -> dict[str, Term]:
        assert pair.target.image is not None  # training pairs have both pictures
        return {"l1": Term((output.image - pair.target.image).abs().mean(), self.config.weight_l1)}

    def _views(self, pair: Pair, output: Output) -> dict[str, Term]:
        """The inpainted surface against every picture of the person (eq. 6), the source itself among them."""
        if "inpainted" not in output.extra:
            raise ValueError(
                "DensePoseObjective: the phase 'inpainting' finds no inpainted surface: the output is of another stage "
                "of the generator; in training mode set_stage('inpainting') comes before its forward"
            )
        views = []
        for person in (pair.source, pair.target, *pair.views):
            assert person.image is not None
            assert person.iuv is not None  # `requires`
            views.append((person.image, person.iuv))
        return {"views": Term(multi_view_loss(output.extra["inpainted"].float(), views))}

    def _features(self, pair: Pair, output: Output) -> dict[str, Term]:
        """The perceptual (eq. 1) and the style term (eq. 3), of one pass through the frozen network."""
        if self.perceptual is None:
            return {}
        assert pair.target.image is not None
        generated, wanted = self.perceptual.features(output.image, pair.target.image)
        terms = {}
        if self.config.weight_perceptual:
            terms["perceptual"] = Term(self.perceptual.between(generated, wanted), self.config.weight_perceptual)
        if self.config.weight_style:
            terms["style"] = Term(style(generated, wanted), self.config.weight_style)
        return terms

    def _fooling(self, pair: Pair, output: Output) -> dict[str, Term]:
        """The generator's term of eq. 4."""
        network = self.networks["discriminator"]
        with frozen(network):
            score = network(self._beside(pair, output.image))
        return {"fool": Term(adversarial(score, True, "lsgan", generator=True), 0.5 * self.config.weight_adversarial)}

    def _telling_apart(self, pair: Pair, output: Output) -> dict[str, Term]:
        """The discriminator's two terms of eq. 4."""
        assert pair.target.image is not None
        network = self.networks["discriminator"]
        real, generated = (network(self._beside(pair, image)) for image in (pair.target.image, output.image.detach()))
        return {
            "real": Term(adversarial(real, True, "lsgan"), 0.5),
            "generated": Term(adversarial(generated, False, "lsgan"), 0.5),
        }

    def _beside(self, pair: Pair, image: Tensor) -> list[Tensor]:
        """A picture behind z: the source picture and DensePose's results on the target."""
        assert pair.source.image is not None
        return [pair.source.image, *pose_planes(pair.target, "iuv", "point", 0.0), image]
