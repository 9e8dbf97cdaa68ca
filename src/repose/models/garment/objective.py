"""Garment's objective: the perceptual term between the true and the synthesised garment (HPN, section 4.4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

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
        weight_inside: weight of the share of the garment that takes from beside the source's garment; not in the text.
        weight_smooth: weight of the flow's bends over the garment, in pixels (`bends`); not in the text.

    Raises:
        ValueError: a weight is negative or not finite.
    """

    perceptual: Literal["vgg16", "vgg19", "mobilenet_v2", "none"] = "vgg16"
    perceptual_layers: tuple[str, ...] = ()
    weight_perceptual: float = 1.0
    weight_l1: float = 0.0
    weight_inside: float = field(default=0.0, metadata={"leave_out_default": True})
    weight_smooth: float = field(default=0.0, metadata={"leave_out_default": True})

    def __post_init__(self) -> None:
        for name in ("weight_perceptual", "weight_l1", "weight_inside", "weight_smooth"):
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
        area = mask.sum().clamp_min(1)
        terms = {"l1": Term(off.sum() / area, self.config.weight_l1)}
        if self.config.weight_inside:
            beside = (1 - output.extra["inside"]) * mask
            terms["inside"] = Term(beside.sum() / area, self.config.weight_inside)
        if self.config.weight_smooth:
            terms["smooth"] = Term(bends(output.extra["flow"], mask), self.config.weight_smooth)
        if self.perceptual is not None:
            terms["perceptual"] = Term(self.perceptual(output.image, true), self.config.weight_perceptual)
        return terms


def bends(flow: Tensor, mask: Tensor) -> Tensor:
    """How far a flow is from straight over a garment: the mean of its second differences, pixels.

    A shift, a scale and a turn have none, so that a garment is laid on by a smooth way and not pixel by pixel.

    Args:
        flow: (B, 2, H, W), -1 to 1 from edge to edge. mask: (B, 1, H, W), 1 on the garment.
    """
    height, width = flow.shape[-2:]
    pixels = flow * flow.new_tensor([width / 2, height / 2]).view(1, 2, 1, 1)
    total = flow.new_zeros(())
    for axis in (2, 3):
        size = flow.shape[axis] - 2
        before, here, after = (pixels.narrow(axis, start, size) for start in (0, 1, 2))
        on = torch.stack([mask.narrow(axis, start, size) for start in (0, 1, 2)]).amin(0)  # all three on the garment
        total = total + ((before - 2 * here + after).abs() * on).sum() / on.sum().clamp_min(1)
    return total
