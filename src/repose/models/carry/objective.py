"""Carry's loss terms: of the target picture, and where the data has them, of correspondence, parts and person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.losses.adversarial import adversarial, frozen
from repose.losses.chances import cross_entropy_of_chances
from repose.losses.perceptual import Backbone, Perceptual
from repose.losses.structure import dissimilarity
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.models.carry.critic import Critic
from repose.person import JOINTS, Pair
from repose.represent.iuv import correspondence
from repose.represent.keypoints import heatmaps

_PLAIN = Phase("generator-plain", ("generator",))
_GENERATOR = Phase("generator", ("generator",))
_CRITIC = Phase("critic", ("critic",))

FACE_AND_HANDS = (0, 4, 7, 14, 15)
"""Nose, wrists, eyes."""


@dataclass(frozen=True)
class CarryObjectiveConfig:
    """Weights of the terms; 0 leaves one out. Those that need labels are left out where the data has none.

    Attributes:
        l1, structure, perceptual: the picture against the target: mean difference, (1 - SSIM) / 2, features.
        focus: additional weight of a pixel of face and hands in l1.
        assemble: the source, assembled by the correspondence at a quarter of the size, against the target.
        match: cross-entropy of the correspondence with the true place (needs IUV).
        flow: distance of the flow from the true place, in cells of a quarter of the size, 8 at most (needs IUV).
        carried: the picture that is carried against the target, where the source shows the point (needs IUV).
        visible: whether the share that is carried is high where the source shows the point (needs IUV).
        parts: DensePose's parts of the target, from its pose (needs IUV). person: its outline (needs a mask).
        full: l1 at the photograph's own size, for networks that work on a smaller one.
        gan: adversarial term of the last part of the run, from the share `gan_from` on. r1: penalty on the critic's
            gradient at real pictures (Mescheder et al. 2018). critic: its width.
        backbone, layers: of the features.

    Raises:
        ValueError: a weight is negative, `gan_from` is no share, or the critic has no width.
    """

    l1: float = 1.0
    structure: float = 0.0
    perceptual: float = 0.25
    focus: float = 0.0
    assemble: float = 0.5
    match: float = 0.05
    flow: float = 0.1
    carried: float = 0.3
    visible: float = 0.05
    parts: float = 0.05
    person: float = 0.1
    full: float = 0.0
    gan: float = 0.0
    gan_from: float = 0.6
    r1: float = 1.0
    critic: int = 32
    backbone: Backbone = "mobilenet_v2"
    layers: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not 0 <= value < math.inf:
                raise ValueError(f"{field.name}: a finite number of at least 0 is wanted, got {value}")
        if self.gan_from > 1 or self.critic < 1:
            raise ValueError(
                f"gan_from is a share of the run, critic a width of 1 or more; got {self.gan_from}, {self.critic}"
            )


class CarryObjective(Objective):
    """One phase; with `gan`, from `gan_from` of the run on, generator and critic in turn."""

    reads = ("iuv", "mask")

    def __init__(self, config: CarryObjectiveConfig | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else CarryObjectiveConfig()
        self.networks = nn.ModuleDict()
        if self.config.gan:
            self.networks["critic"] = Critic(self.config.critic)
        self.perceptual: Perceptual | None = None  # without the term its weight file need not be here
        if self.config.perceptual:
            self.perceptual = Perceptual(self.config.backbone, self.config.layers)

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """The generator alone before `gan_from`; then generator, critic."""
        if not self.config.gan or progress.images < self.config.gan_from * progress.total:
            return [_PLAIN]
        return [_GENERATOR, _CRITIC]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """The terms of one phase of `phases`; ValueError for another."""
        if phase == _PLAIN:
            return self._picture(pair, output) | self._labels(pair, output)
        if phase == _GENERATOR:
            return self._picture(pair, output) | self._labels(pair, output) | self._adversarial(pair, output)
        if phase == _CRITIC:
            return self._discriminator(pair, output)
        raise ValueError(f"CarryObjective has no phase '{phase.name}'")

    # -- against the target's pixels ----------------------------------------------------------------------------

    def _picture(self, pair: Pair, output: Output) -> dict[str, Term]:
        weights = self.config
        assert pair.target.image is not None  # training pairs have both pictures
        core = output.extra["core"].float()
        times = pair.target.image.shape[-1] // core.shape[-1]
        target = F.avg_pool2d(pair.target.image, times)
        off = (core - target).abs()
        if weights.focus:
            off = off * (1 + weights.focus * self._near_face_and_hands(pair, *core.shape[-2:]))
        terms = {"l1": Term(off.mean(), weights.l1)}
        if weights.structure:
            terms["structure"] = Term(dissimilarity(core, target, floor=1e-3), weights.structure)
        if self.perceptual is not None:
            terms["perceptual"] = Term(self.perceptual(core, target), weights.perceptual)
        if weights.full and times > 1:
            terms["full"] = Term((output.image - pair.target.image).abs().mean(), weights.full)
        if weights.assemble and "match" in output.extra:
            assert pair.source.image is not None
            cell = 4 * times
            chance = output.extra["match"].float().exp()
            wanted = F.avg_pool2d(pair.target.image, cell)
            colours = F.avg_pool2d(pair.source.image, cell).flatten(2)  # (B, 3, N)
            off = ((colours @ chance.transpose(1, 2)).view_as(wanted) - wanted).abs()
            if pair.target.mask is not None:  # what is behind somebody need not be in the other picture
                off = off * (0.1 + F.avg_pool2d(pair.target.mask, cell))
            terms["assemble"] = Term(off.mean(), weights.assemble)
        return terms

    def _near_face_and_hands(self, pair: Pair, height: int, width: int) -> Tensor:
        joints = pair.target.only("keypoints").resize(height, width).keypoints
        assert joints is not None
        others = [joint for joint in range(len(JOINTS)) if joint not in FACE_AND_HANDS]
        joints = joints.index_fill(1, torch.tensor(others, device=joints.device), 0)  # missing
        return heatmaps(joints, height, width, "gaussian", sigma=0.03 * height).amax(1, keepdim=True)

    # -- against the labels of rendered people ------------------------------------------------------------------

    def _labels(self, pair: Pair, output: Output) -> dict[str, Term]:
        weights, extra = self.config, output.extra
        terms: dict[str, Term] = {}
        if weights.person and pair.target.mask is not None:
            terms["person"] = Term(cross_entropy_of_chances(extra["person"], pair.target.mask).mean(), weights.person)
        if pair.target.iuv is None or pair.source.iuv is None or "match" not in extra:
            return terms
        height, width = extra["core"].shape[-2:]
        times = pair.target.iuv.shape[-1] // width
        place, seen = correspondence(pair.source.iuv, pair.target.iuv)  # in the source's pixels
        size = place.new_tensor([width * times, height * times]).view(1, 2, 1, 1)
        place = (place * 2 + 1) / size - 1  # -1 to 1 from edge to edge
        place, known = _average_places(place, seen.float(), times)  # (B, 2, h, w) and (B, 1, h, w)
        target = pair.target.iuv[..., times // 2 :: times, times // 2 :: times]  # part numbers have no mean
        if weights.match:
            terms["match"] = Term(
                _cross_entropy(extra["match"].float(), *_average_places(place, known, 4)), weights.match
            )
        if weights.flow and "flow" in extra:
            cells = place.new_tensor([width / 8, height / 8]).view(1, 2, 1, 1)
            off = ((extra["flow"].float() - place) * cells).abs().sum(1, keepdim=True)
            terms["flow"] = Term((off.clamp_max(8) * known).sum() / known.sum().clamp_min(1), weights.flow)
        if weights.carried and "carried" in extra:
            assert pair.target.image is not None
            wanted = F.avg_pool2d(pair.target.image, times)
            off = (extra["carried"].float() - wanted).abs().mean(1, keepdim=True)
            terms["carried"] = Term((off * known).sum() / known.sum().clamp_min(1), weights.carried)
        person = (target[:, :1] > 0).float()
        if weights.visible and "mask" in extra:
            off = cross_entropy_of_chances(extra["mask"], known)
            terms["visible"] = Term((off * person).sum() / person.sum().clamp_min(1), weights.visible)
        if weights.parts:
            parts = target[:, 0, 2::4, 2::4].long()
            terms["parts"] = Term(F.cross_entropy(extra["parts"].float(), parts), weights.parts)
        return terms

    # -- adversarial ----------------------------------------------------------------------------------------------

    def _adversarial(self, pair: Pair, output: Output) -> dict[str, Term]:
        critic = self.networks["critic"]
        with frozen(critic):
            score = critic(output.extra["core"].float(), pair.target)
        return {"fool": Term(adversarial(score, True, "bce", generator=True), self.config.gan)}

    def _discriminator(self, pair: Pair, output: Output) -> dict[str, Term]:
        critic, fake = self.networks["critic"], output.extra["core"].detach().float()
        assert pair.target.image is not None
        real = F.avg_pool2d(pair.target.image, pair.target.image.shape[-1] // fake.shape[-1])
        real = real.detach().requires_grad_(self.config.r1 > 0)
        score = critic(real, pair.target)
        terms = {
            "critic_real": Term(adversarial(score, True, "bce")),
            "critic_generated": Term(adversarial(critic(fake, pair.target), False, "bce")),
        }
        if self.config.r1:
            (slope,) = torch.autograd.grad(score.sum(), real, create_graph=True)
            terms["r1"] = Term(slope.square().sum((1, 2, 3)).mean(), self.config.r1 / 2)
        return terms


def _average_places(place: Tensor, known: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """Places (B, 2, k h, k w), and where they are known (B, 1, k h, k w), of k x k pixels together.

    Returns:
        The mean of the known places (B, 2, h, w), and 1 where half of the pixels are known, 0 elsewhere (B, 1, h, w).
    """
    share = F.avg_pool2d(known, times)
    mean = F.avg_pool2d(place * known, times) / share.clamp_min(1e-6)
    return mean, (share >= 0.5).float()


def _cross_entropy(match: Tensor, place: Tensor, known: Tensor) -> Tensor:
    """Mean cross-entropy of log-chances (B, N, N) with the true places, shared among the four cells around each.

    Args:
        place: (B, 2, h, w) of N = h w cells, -1 to 1 from edge to edge. known: (B, 1, h, w), 0 or 1.
    """
    height, width = place.shape[-2:]
    known = known[:, 0].flatten(1)  # (B, N)
    x = ((place[:, 0] + 1) * width / 2 - 0.5).clamp(0, width - 1).flatten(1)  # (B, N)
    y = ((place[:, 1] + 1) * height / 2 - 0.5).clamp(0, height - 1).flatten(1)
    left, top = x.floor().clamp_max(width - 2), y.floor().clamp_max(height - 2)
    right, down = x - left, y - top
    log_chance = torch.zeros_like(x)
    for dy, share_y in ((0, 1 - down), (1, down)):
        for dx, share_x in ((0, 1 - right), (1, right)):
            cell = ((top + dy) * width + left + dx).long()  # (B, N)
            log_chance = log_chance + share_x * share_y * match.gather(2, cell[..., None])[..., 0]
    return -(log_chance * known).sum() / known.sum().clamp_min(1)
