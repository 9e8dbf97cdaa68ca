"""PINet's objective: labels by cross-entropy and L1, the picture by PATN's terms, and stages (sections 3.2 to 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from repose.models.base import Output, Phase, Progress, Term
from repose.models.patn.objective import PATNObjective, PATNObjectiveConfig
from repose.models.pinet.network import labels
from repose.person import Pair


@dataclass(frozen=True)
class PINetObjectiveConfig(PATNObjectiveConfig):
    """Terms, weights and stages; the defaults are the released ones. For the picture see `PATNObjectiveConfig`.

    Attributes:
        alone: fractions of the run at which the parsing generator, then the image generator, ends to train alone
            (section 3.4); from there on both train together. (0, 0) is the released joint run, and what a network of
            one generator needs.
        weight_cross_entropy, weight_labels: of the terms of eq. 6; the second is the L1 of eq. 4, in no released run.
        spectral: spectral norm on every convolution of both discriminators.
        first: which step comes first in a batch, the generator's, or those of both discriminators (released). The
            generator is judged by them before their step, or after it.
    """

    alone: tuple[float, float] = (0.0, 0.0)
    weight_cross_entropy: float = 1.0
    weight_labels: float = 0.0
    spectral: bool = True
    first: Literal["generator", "discriminators"] = "generator"


class PINetObjective(PATNObjective):
    """The parsing generator, then the image generator with its discriminators, then all together.

    The discriminators are PATN's. Each generator's phase is called after its stage, with "-plain" behind it where there
    is no adversarial term: "parsing", "image", "image-plain", "joint", "joint-plain". One generator without labels has
    the last two. Labels are learnt where the generator gives some, which then reads them, so nothing is required here.

    Raises:
        ValueError: the stages do not follow each other within the run; or what `PATNObjective` raises.
    """

    config: PINetObjectiveConfig

    def __init__(self, config: PINetObjectiveConfig = PINetObjectiveConfig()) -> None:
        super().__init__(config)
        if not 0 <= config.alone[0] <= config.alone[1] <= 1:
            raise ValueError(f"PINetObjective: alone is two rising fractions of the run, 0 to 1, got {config.alone}")
        if config.spectral:
            convolutions = [layer for layer in self.networks.modules() if isinstance(layer, nn.Conv2d)]
            for convolution in convolutions:
                spectral_norm(convolution)

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """Those of the stage that `progress` is in."""
        if progress.images < self.config.alone[0] * progress.total:
            return [Phase("parsing", ("generator.parsing",), "parsing")]
        stage = "image" if progress.images < self.config.alone[1] * progress.total else "joint"
        trains = ("generator.image",) if stage == "image" else ("generator",)
        start = self.config.adversarial_from * progress.total
        if self.config.weight_adversarial == 0 or progress.images < start or self.config.adversarial_from >= 1:
            return [Phase(f"{stage}-plain", trains, stage)]
        generator, judges = Phase(stage, trains, stage), [Phase(name, (name,), stage) for name in self.networks]
        return [generator, *judges] if self.config.first == "generator" else [*judges, generator]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of one phase of `phases`.

        Raises:
            ValueError: another phase, or an output of another stage.
        """
        if phase.name in self.networks:
            return self._discriminator(phase.name, pair, output)
        stage, _, plain = phase.name.partition("-")
        if stage not in ("parsing", "image", "joint"):
            raise ValueError(f"PINetObjective has no phase '{phase.name}'")
        labelled = "parsing" in output.extra
        other = labelled != (stage == "parsing") and stage != "joint"
        if other or output.image.requires_grad == (stage == "parsing"):
            raise ValueError(
                f"PINetObjective: the phase '{phase.name}' gets an output of another stage of the generator; in "
                f"training mode set_stage('{stage}') comes before its forward"
            )
        terms = self._labels(pair, output) if labelled else {}
        if stage != "parsing":
            terms |= self._reconstruction(pair, output)
            terms |= {} if plain else self._adversarial(pair, output)
        return terms

    def _labels(self, pair: Pair, output: Output) -> dict[str, Term]:
        """Eq. 4 to 6, on the raw map; means over places, and of eq. 4 over labels too."""
        logits, wanted = output.extra["parsing"], labels(pair.target)  # (B, 12, H, W) both
        terms = {"cross_entropy": Term(F.cross_entropy(logits, wanted.argmax(1)), self.config.weight_cross_entropy)}
        if self.config.weight_labels:
            terms["labels_l1"] = Term((logits - wanted).abs().mean(), self.config.weight_labels)
        return terms
