"""The loss terms of body warp: of the target's person before the source's surroundings, and of what the bodies say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from repose.losses.adversarial import adversarial, frozen
from repose.losses.chances import cross_entropy_of_chances
from repose.losses.identity import Identity, IdentityNetwork
from repose.losses.lpips import Lpips, Trunk
from repose.losses.perceptual import Backbone, Perceptual
from repose.losses.regions import enlarged, squares
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.models.carry.critic import Critic
from repose.nn.blocks import widest
from repose.person import Pair, Person
from repose.represent.iuv import fine_correspondence

_PLAIN = Phase("generator", ("generator",))
_JUDGED = Phase("generator-adversarial", ("generator",))
_DISCRIMINATOR = Phase("discriminator", ("discriminator",))

BORDER = 4
"""Rows and columns to both sides of a person's border that count in full for the discriminator."""

ELSEWHERE = 0.1
"""How much the rest of the person, the carried pixels, count there."""


@dataclass(frozen=True)
class BodyWarpObjectiveConfig:
    """Weights of the terms; 0 leaves one out. Those that need labels are left out where the data has none.

    Attributes:
        l1: the picture against the target, mean difference on the person and around.
        painted: the same of what is painted, before it is put together, on the person.
        lpips: LPIPS of the picture, on the person and around. perceptual: features of `backbone`.
        crops: LPIPS of head, hands and feet, each enlarged to `crop_size` rows; where the target shows them.
        identity: 1 less the cosine of the vectors of `identity_network`, both people cut out (needs masks).
        adversarial: hinge loss of a discriminator of patches, above all on paint and outline, from the share
            `adversarial_from` of the run on.
        outline: cross-entropy of the target's person. matte: of the source's (both need masks).
        visible: cross-entropy of the share that is carried with what the source shows (needs IUV).
        flow: distance of the flow from the true place, in pixels of a picture of 256 rows, 12 at most (needs IUV).
        smooth: mean slope of misfit and correction of the flow, in pixels.
        backbone, layers: of `perceptual`.
        lpips_trunk: "alex" or "vgg", of `lpips` and `crops`.
        crop_size: rows and columns of a crop. identity_network: see `repose.losses.identity`.
        discriminator: features of the discriminator's first convolution.

    Raises:
        ValueError: a weight is negative, `adversarial_from` is no share, the discriminator has no width, or crops are
            smaller than 64.
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
    crops: float = 0.0
    crop_size: int = 64
    lpips_trunk: Trunk = "alex"
    identity: float = 0.0
    identity_network: IdentityNetwork = "person-reidentification-retail-0288"
    adversarial: float = 0.0
    adversarial_from: float = 0.5
    discriminator: int = 32

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not 0 <= value < math.inf:
                raise ValueError(f"{field.name}: a finite number of at least 0 is wanted, got {value}")
        if self.adversarial_from > 1:
            raise ValueError(f"adversarial_from: a share of the run, 0 to 1, is wanted, got {self.adversarial_from}")
        if self.discriminator < 1:
            raise ValueError(f"discriminator: a width of 1 or more is wanted, got {self.discriminator}")
        if self.crop_size < 64:
            raise ValueError(f"crop_size: 64 rows or more are wanted, got {self.crop_size}")


class BodyWarpObjective(Objective):
    """One phase; with `adversarial`, from `adversarial_from` of the run on, discriminator and generator in turn.

    The discriminator is Carry's, which sees patches of 56 rows and the pose that they should show, with spectral norm
    on each convolution (Miyato et al. 2018).

    The target of a run is not the target photograph: its surroundings are the source's, as those of the picture are.
    What lies behind the source's person is not known, and counts for nothing.
    """

    reads = ("iuv", "mask")

    def __init__(self, config: BodyWarpObjectiveConfig | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else BodyWarpObjectiveConfig()
        self.networks = nn.ModuleDict()
        if self.config.adversarial:
            critic = Critic(self.config.discriminator)
            for convolution in [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]:
                spectral_norm(convolution)
            self.networks["discriminator"] = critic
        self.lpips: Lpips | None = None  # without the term its weight file need not be here
        if self.config.lpips or self.config.crops:
            self.lpips = Lpips(trunk=self.config.lpips_trunk)
        self.perceptual: Perceptual | None = None
        if self.config.perceptual:
            self.perceptual = Perceptual(self.config.backbone, self.config.layers)
        self.identity: Identity | None = Identity(self.config.identity_network) if self.config.identity else None

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """The generator alone before `adversarial_from`; then discriminator, generator."""
        start = self.config.adversarial_from * progress.total
        if not self.config.adversarial or progress.images < start or self.config.adversarial_from >= 1:
            return [_PLAIN]
        return [_DISCRIMINATOR, _JUDGED]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of one phase of `phases`; ValueError for another."""
        core = output.extra["core"].float()
        if phase == _DISCRIMINATOR:
            return self._discriminator(pair, output, Wanted.of(pair, *core.shape[-2:]))
        if phase not in (_PLAIN, _JUDGED):
            raise ValueError(f"BodyWarpObjective has no phase '{phase.name}'")
        wanted = Wanted.of(pair, *core.shape[-2:])
        terms = self._picture(pair, output, wanted) | self._labels(pair, output)
        return terms | (self._adversarial(pair, output, wanted) if phase == _JUDGED else {})

    # -- against the target's pixels ----------------------------------------------------------------------------

    def _picture(self, pair: Pair, output: Output, wanted: Wanted) -> dict[str, Term]:
        weights, core = self.config, output.extra["core"].float()
        off = (core - wanted.picture).abs().mean(1, keepdim=True)
        terms = {"l1": Term(_mean(off, wanted.counts), weights.l1)}
        if weights.painted:
            off = (output.extra["painted"].float() - wanted.picture).abs().mean(1, keepdim=True)
            terms["painted"] = Term(_mean(off, wanted.person), weights.painted)
        judged = wanted.judged(core)
        if self.lpips is not None and weights.lpips:
            terms["lpips"] = Term(self.lpips(judged, wanted.picture, wanted.counts), weights.lpips)
        if self.lpips is not None and weights.crops:
            terms["crops"] = Term(self._crops(self.lpips, pair, output.image.float()), weights.crops)
        if self.perceptual is not None:
            terms["perceptual"] = Term(self.perceptual(judged, wanted.picture), weights.perceptual)
        if self.identity is not None and wanted.masked:
            terms["identity"] = Term(self.identity(core, wanted.picture, wanted.person), weights.identity)
        return terms

    def _crops(self, lpips: Lpips, pair: Pair, image: Tensor) -> Tensor:
        """LPIPS of what the target shows of head, hands and feet; 0 where it shows none of them."""
        wanted = Wanted.of(pair, *image.shape[-2:])  # at full size
        where = squares(_of_size(pair.target, *image.shape[-2:]))
        both = torch.cat([wanted.judged(image), wanted.picture, wanted.counts], 1)
        crops = enlarged(both, where, self.config.crop_size)[where[..., 3] > 0]  # (N, 7, side, side)
        if not len(crops):
            return image.sum() * 0
        distance: Tensor = lpips(crops[:, :3], crops[:, 3:6], crops[:, 6:])
        return distance

    # -- against a discriminator --------------------------------------------------------------------------------

    def _adversarial(self, pair: Pair, output: Output, wanted: Wanted) -> dict[str, Term]:
        critic = self.networks["discriminator"]
        with frozen(critic):
            score = critic(wanted.judged(output.extra["core"].float()), pair.target)
        weight = _where_judged(output, wanted, score)
        off = adversarial(score.float(), True, "hinge", generator=True, weight=weight)
        return {"adversarial": Term(off, self.config.adversarial)}

    def _discriminator(self, pair: Pair, output: Output, wanted: Wanted) -> dict[str, Term]:
        critic = self.networks["discriminator"]
        real = critic(wanted.picture, pair.target)
        generated = critic(wanted.judged(output.extra["core"].detach().float()), pair.target)
        weight = _where_judged(output, wanted, real)
        return {
            "real": Term(adversarial(real.float(), True, "hinge", weight=weight)),
            "generated": Term(adversarial(generated.float(), False, "hinge", weight=weight)),
        }

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


@dataclass(frozen=True)
class Wanted:
    """The picture that a pair wants, and where it counts.

    Attributes:
        picture: (B, 3, h, w): the target's person before the source's surroundings; the target where masks are missing.
        person: (B, 1, h, w) in [0, 1]: the target's person. counts: where the picture is known: the person and 8 rows
            of 256 around, without what the source's person hides. Both are 1 everywhere where masks are missing.
        masked: whether there are masks.
    """

    picture: Tensor
    person: Tensor
    counts: Tensor
    masked: bool

    @classmethod
    def of(cls, pair: Pair, height: int, width: int) -> Wanted:
        """Of a pair, in a size."""
        assert pair.target.image is not None  # training pairs have both pictures
        assert pair.source.image is not None
        target, source = (_sized(person.image, height, width) for person in (pair.target, pair.source))
        if pair.target.mask is None or pair.source.mask is None:
            everywhere = torch.ones_like(target[:, :1])
            return cls(target, everywhere, everywhere, False)
        person, old = (_sized(one.mask, height, width) for one in (pair.target, pair.source))
        times = max(1, height // 256)
        hidden = widest(old, 3 * times) * (1 - person)
        counts = widest(person, 8 * times) * (1 - hidden)
        return cls(person * target + (1 - person) * source, person, counts, True)

    def judged(self, generated: Tensor) -> Tensor:
        """A generated picture (B, 3, h, w) where it counts, and the wanted one elsewhere."""
        return self.counts * generated + (1 - self.counts) * self.picture


def _where_judged(output: Output, wanted: Wanted, score: Tensor) -> Tensor:
    """How much each score (B, 1, H, W) of a discriminator counts, in 0 to 1: above all on paint and on the outline."""
    extra = output.extra
    person = wanted.person if wanted.masked else extra["outline"].detach().float()
    border = widest(person, BORDER) + widest(-person, BORDER)  # the largest less the smallest around
    painted = extra["shares"][:, 2:].detach().float() * person
    weight = torch.maximum(torch.maximum(painted, border), ELSEWHERE * person) * wanted.counts
    return F.adaptive_avg_pool2d(weight, (score.shape[-2], score.shape[-1]))


def _of_size(person: Person, height: int, width: int) -> Person:
    """Joints and IUV of a person on a picture of another size."""
    fields = ("keypoints",) if person.iuv is None else ("keypoints", "iuv")
    alone = person.only(*fields)
    return alone if person.size == (height, width) else alone.resize(height, width)


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
