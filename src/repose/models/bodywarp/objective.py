"""The loss terms of body warp: of the target's person before the source's surroundings, and of what the bodies say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.losses.chances import cross_entropy_of_chances
from repose.losses.lpips import Lpips
from repose.losses.perceptual import Backbone, Perceptual
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.nn.blocks import widest
from repose.person import Pair
from repose.represent.iuv import fine_correspondence

_PHASE = Phase("generator", ("generator",))


@dataclass(frozen=True)
class BodyWarpObjectiveConfig:
    """Weights of the terms; 0 leaves one out. Those that need labels are left out where the data has none.

    Attributes:
        l1: the picture against the target, mean difference on the person and around.
        painted: the same of what is painted, before it is put together, on the person.
        lpips: LPIPS (AlexNet) of the picture, on the person and around. perceptual: features of `backbone`.
        outline: cross-entropy of the target's person. matte: of the source's (both need masks).
        visible: cross-entropy of the share that is carried with what the source shows (needs IUV).
        flow: distance of the flow from the true place, in pixels of a picture of 256 rows, 12 at most (needs IUV).
        smooth: mean slope of misfit and correction of the flow, in pixels.
        backbone, layers: of `perceptual`.

    Raises:
        ValueError: a weight is negative.
    """

    l1: float = 1.0
    painted: float = 0.3
    lpips: float = 1.0
    perceptual: float = 0.0
    outline: float = 0.3
    matte: float = 0.2
    visible: float = 0.2
    flow: float = 0.05
    smooth: float = 0.05
    backbone: Backbone = "mobilenet_v2"
    layers: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not 0 <= value < math.inf:
                raise ValueError(f"{field.name}: a finite number of at least 0 is wanted, got {value}")


class BodyWarpObjective(Objective):
    """One phase.

    The target of a run is not the target photograph: its surroundings are the source's, as those of the picture are.
    What lies behind the source's person is not known, and counts for nothing.
    """

    reads = ("iuv", "mask")

    def __init__(self, config: BodyWarpObjectiveConfig | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else BodyWarpObjectiveConfig()
        self.networks = nn.ModuleDict()
        self.lpips: Lpips | None = Lpips() if self.config.lpips else None
        self.perceptual: Perceptual | None = None
        if self.config.perceptual:
            self.perceptual = Perceptual(self.config.backbone, self.config.layers)

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """The generator."""
        return [_PHASE]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of the phase; ValueError for another."""
        if phase != _PHASE:
            raise ValueError(f"BodyWarpObjective has no phase '{phase.name}'")
        return self._picture(pair, output) | self._labels(pair, output)

    # -- against the target's pixels ----------------------------------------------------------------------------

    def _picture(self, pair: Pair, output: Output) -> dict[str, Term]:
        weights, core = self.config, output.extra["core"].float()
        height, width = core.shape[-2:]
        assert pair.target.image is not None  # training pairs have both pictures
        assert pair.source.image is not None
        target, source = (_sized(person.image, height, width) for person in (pair.target, pair.source))
        if pair.target.mask is not None and pair.source.mask is not None:
            person, old = (_sized(one.mask, height, width) for one in (pair.target, pair.source))
            wanted = person * target + (1 - person) * source
            hidden = widest(old, 3) * (1 - person)
            counts = widest(person, 8) * (1 - hidden)
        else:
            wanted, person, counts = target, torch.ones_like(target[:, :1]), torch.ones_like(target[:, :1])
        terms = {"l1": Term(_mean((core - wanted).abs().mean(1, keepdim=True), counts), weights.l1)}
        if weights.painted:
            off = (output.extra["painted"].float() - wanted).abs().mean(1, keepdim=True)
            terms["painted"] = Term(_mean(off, person), weights.painted)
        if self.lpips is not None or self.perceptual is not None:
            judged = counts * core + (1 - counts) * wanted
        if self.lpips is not None:
            terms["lpips"] = Term(self.lpips(judged, wanted, counts), weights.lpips)
        if self.perceptual is not None:
            terms["perceptual"] = Term(self.perceptual(judged, wanted), weights.perceptual)
        return terms

    # -- against the labels of rendered people ------------------------------------------------------------------

    def _labels(self, pair: Pair, output: Output) -> dict[str, Term]:
        weights, extra = self.config, output.extra
        height, width = extra["core"].shape[-2:]
        terms: dict[str, Term] = {}
        if weights.outline and pair.target.mask is not None:
            person = _sized(pair.target.mask, height, width)
            terms["outline"] = Term(cross_entropy_of_chances(extra["outline"], person).mean(), weights.outline)
        if weights.matte and pair.source.mask is not None:
            old = _sized(pair.source.mask, height, width)
            off = F.binary_cross_entropy_with_logits(extra["matte"].float(), old)
            terms["matte"] = Term(off, weights.matte)
        if weights.smooth and "correction" in extra:
            slopes = _slope(extra["correction"].float()) + _slope(extra["misfit"].float())
            terms["smooth"] = Term(slopes * 128, weights.smooth)
        if pair.target.iuv is None or pair.source.iuv is None or not (weights.flow or weights.visible):
            return terms
        rows, columns = pair.target.iuv.shape[-2:]
        place, seen = fine_correspondence(pair.source.iuv, pair.target.iuv)  # in the source's pixels
        place = (place * 2 + 1) / place.new_tensor([columns, rows]).view(1, 2, 1, 1) - 1
        known = seen.float()
        person = (pair.target.iuv[:, :1] > 0).float()
        flow = F.interpolate(extra["flow"].float(), (rows, columns), mode="nearest")
        pixels = place.new_tensor([128 * columns / rows, 128]).view(1, 2, 1, 1)
        off = ((flow - place) * pixels).square().sum(1, keepdim=True).add(1e-4).sqrt()
        if weights.flow:
            terms["flow"] = Term(_mean(off.clamp_max(12), known), weights.flow)
        if weights.visible:
            near = known * (off.detach() < 8)
            share = F.interpolate(extra["shares"][:, :1].float(), (rows, columns), mode="nearest")
            terms["visible"] = Term(_mean(cross_entropy_of_chances(share, near), person), weights.visible)
        return terms


def _sized(image: Tensor | None, height: int, width: int) -> Tensor:
    assert image is not None
    if tuple(image.shape[-2:]) == (height, width):
        return image
    return F.interpolate(image, (height, width), mode="bilinear", align_corners=False, antialias=True)


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp_min(1)


def _slope(field: Tensor) -> Tensor:
    """Mean difference of neighbours."""
    return field.diff(dim=-1).abs().mean() + field.diff(dim=-2).abs().mean()
