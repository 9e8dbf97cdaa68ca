"""Garment's objective: the perceptual term between the true and the synthesised garment (HPN, section 4.4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import nn

from repose.losses.perceptual import Perceptual
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.models.garment.network import on_white
from repose.person import Pair

_FLOW = Phase("flow", ("generator",))


@dataclass(frozen=True)
class GarmentObjectiveConfig:
    """Terms and weights; the defaults are the text's: the perceptual term alone.

    Attributes:
        perceptual: the frozen network of the perceptual term (VGG-16 in 3.1), or "none".
        perceptual_layers: its taps; () takes the backbone's defaults.
        weight_perceptual: its weight.
        weight_l1: weight of the mean difference over the garment's pixels; not in the text.

    Raises:
        ValueError: a weight is negative or not finite.
    """

    perceptual: Literal["vgg16", "vgg19", "mobilenet_v2", "none"] = "vgg16"
    perceptual_layers: tuple[str, ...] = ()
    weight_perceptual: float = 1.0
    weight_l1: float = 0.0

    def __post_init__(self) -> None:
        for name in ("weight_perceptual", "weight_l1"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: a finite number of at least 0 is wanted, got {getattr(self, name)}")


class GarmentObjective(Objective):
    """One phase. What is no garment is white in both pictures, so only the garment is compared.

    Raises:
        ValueError: no term has a weight.
    """

    def __init__(self, config: GarmentObjectiveConfig | None = None) -> None:
        super().__init__()
        self.config = config = config if config is not None else GarmentObjectiveConfig()
        self.networks = nn.ModuleDict()
        self.perceptual: Perceptual | None = None  # without the term its weight file need not be here
        if config.perceptual != "none" and config.weight_perceptual:
            self.perceptual = Perceptual(config.perceptual, config.perceptual_layers or None)
        elif not config.weight_l1:
            raise ValueError("GarmentObjective: without the perceptual term weight_l1 must be above 0")

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """The generator, from the first to the last image."""
        return [_FLOW]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of the one phase; ValueError for another."""
        if phase != _FLOW:
            raise ValueError(f"GarmentObjective has no phase '{phase.name}'")
        assert pair.target.image is not None  # training pairs have both pictures
        mask = output.extra["garment_mask"]
        true = on_white(pair.target.image, mask)
        off = (output.image - true).abs().mean(1, keepdim=True)  # 0 beside the garment
        terms = {"l1": Term(off.sum() / mask.sum().clamp_min(1), self.config.weight_l1)}
        if self.perceptual is not None:
            terms["perceptual"] = Term(self.perceptual(output.image, true), self.config.weight_perceptual)
        return terms
