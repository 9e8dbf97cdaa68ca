"""HPN's objective: perceptual distance of whole pictures and of windows on the body, squared first, absolute then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.losses.perceptual import Perceptual
from repose.models.base import Objective, Output, Phase, Progress, Term
from repose.person import Pair
from repose.represent.descriptors import crops, descriptors, window


@dataclass(frozen=True)
class HPNObjectiveConfig:
    """Terms and weights; the defaults are the text's (eq. 4).

    Attributes:
        shares: how the run is divided among the trained levels, `HPNConfig.trained` of them, from the lowest on; they
            need not add up to 1.
        descriptors: local descriptors at each of these levels, 18 + 13 k each; () for no local term.
        weight_perceptual: of the features, of the whole picture and of windows alike; 0 leaves them out.
        weight_pixels: of the pictures themselves, as if they were one more layer; 0 leaves them out.
        weight_local: of the windows' sum, beside the whole picture.
        perceptual: the frozen network, or "none".
        perceptual_layers: its taps; () takes the backbone's defaults.

    Raises:
        ValueError: no count of descriptors for each share, or nothing to lose on.
    """

    shares: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    descriptors: tuple[int, ...] = (18, 18, 31, 31, 44)
    weight_perceptual: float = 1.0
    weight_pixels: float = 0.0
    weight_local: float = 1.0
    perceptual: Literal["vgg19", "vgg16", "mobilenet_v2", "none"] = "vgg16"
    perceptual_layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.shares or min(self.shares) <= 0:
            raise ValueError(f"shares: numbers above 0 are wanted, got {self.shares}")
        if len(self.descriptors) not in (0, len(self.shares)):
            raise ValueError(f"descriptors: one count for each of the {len(self.shares)} shares, or none at all")
        if not self.weight_pixels and (self.perceptual == "none" or not self.weight_perceptual):
            raise ValueError("weight_pixels: without features it must be above 0, or there is nothing to learn from")


def stage(progress: Progress, shares: Sequence[float]) -> tuple[int, bool]:
    """Where a run is: which of `shares` it is in, from 0, and whether that one is half over."""
    done = sum(shares) * progress.images / max(1, progress.total)
    for index, share in enumerate(shares):
        if done < share or index == len(shares) - 1:
            return index, done >= share / 2
        done -= share
    raise ValueError("stage: shares are empty")


class HPNObjective(Objective):
    """One phase a half level: "level0-l2", "level0-l1", "level1-l2" ..., which all train the generator;
    their stages are "level0", "level1" ...

    The criterion C of eq. 2 is the mean squared difference in the first half of a level and the mean absolute one in
    the second (3.1). The windows' distances are added up over the descriptors (eq. 3) and averaged over the batch; a
    descriptor that is missing is left out.
    """

    def __init__(self, config: HPNObjectiveConfig = HPNObjectiveConfig()) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleDict()
        self.stages = [(level, late) for level in range(len(config.shares)) for late in (False, True)]
        self._phases = [
            Phase(f"level{level}-{'l1' if late else 'l2'}", ("generator",), f"level{level}")
            for level, late in self.stages
        ]
        self.perceptual: Perceptual | None = None
        if config.perceptual != "none" and config.weight_perceptual:
            self.perceptual = Perceptual(config.perceptual, config.perceptual_layers or None)

    def phases(self, progress: Progress) -> Sequence[Phase]:
        """The half level of this moment."""
        return [self._phases[self.stages.index(stage(progress, self.config.shares))]]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        """Eq. 4 at the level of the phase, against the target averaged down to it.

        Raises:
            ValueError: another phase, or the generator stands at another level.
        """
        if phase not in self._phases:
            raise ValueError(f"HPNObjective has no phase '{phase.name}'")
        level, late = self.stages[self._phases.index(phase)]
        native, image, keypoints = output.extra["native"].float(), pair.target.image, pair.target.keypoints
        assert image is not None  # training pairs have both
        assert keypoints is not None
        smaller = 2 ** (len(self.config.shares) - 1 - level)
        if native.shape[-2] * smaller != image.shape[-2]:
            raise ValueError(
                f"the phase '{phase.name}' wants a picture {image.shape[-2] // smaller} high, the generator gives "
                f"{native.shape[-2]}; network.trained must be {len(self.config.shares)}, one level for each of "
                "objective.shares"
            )
        target = F.avg_pool2d(image, smaller) if smaller > 1 else image
        terms = self._distance("", native, target, late, 1.0)
        if self.config.descriptors:
            keypoints = torch.cat([(keypoints[..., :2] + 0.5) / smaller - 0.5, keypoints[..., 2:]], -1)
            ours, theirs = self._windows(native, target, keypoints, self.config.descriptors[level])
            if len(ours):  # the mean over M windows of B people: M / B times it is the sum over a person's
                weight = self.config.weight_local * len(ours) / len(native)
                terms |= self._distance("local ", ours, theirs, late, weight)
        return terms

    def _windows(self, native: Tensor, target: Tensor, keypoints: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The windows of the present descriptors in both pictures, (M, 3, s, s) each."""
        height, width = native.shape[-2:]
        centres, present = descriptors(keypoints, height, width, count)
        side = window(height, width)
        return crops(native, centres, side)[present], crops(target, centres, side)[present]

    def _distance(self, name: str, ours: Tensor, theirs: Tensor, late: bool, weight: float) -> dict[str, Term]:
        """C of the pictures and of their features, by the config's weights."""
        terms = {}
        if self.config.weight_pixels:
            apart = ours - theirs
            value = apart.abs().mean() if late else apart.square().mean()
            terms[f"{name}{'l1' if late else 'l2'}"] = Term(value, weight * self.config.weight_pixels)
        if self.perceptual is not None:
            value = self.perceptual.between(*self.perceptual.features(ours, theirs), "l1" if late else "squared")
            terms[f"{name}perceptual"] = Term(value, weight * self.config.weight_perceptual)
        return terms
