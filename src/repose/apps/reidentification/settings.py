"""What `repose.apps.reid` is told beside store, models and folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from repose.apps.reidentification.classifier import CLASSIFIERS, LOSSES
from repose.apps.reidentification.reduce import POSES
from repose.apps.reidentification.train import TrainSettings
from repose.names import nearest

NONE: Final = "none"
"""The model of a classifier that sees real pictures only."""


@dataclass(frozen=True)
class ReidSettings:
    """What `reid` is told beside store, models and folder.

    Attributes:
        portions: shares of real pictures that are kept, each above 0 and below 1. All real pictures are
            measured in any case.
        ratios: sets of all real pictures and so many times as many in all, at least 2.
        seeds: how many; each trains its own classifiers.
        draws: of reduced sets and of what is generated. None: each seed has its own; 1: all seeds share one, so that
            fewer pictures are generated.
        poses: of replacements, one of `repose.apps.reidentification.reduce.POSES`.
        classifier, loss: one of `CLASSIFIERS`, one of `LOSSES`.
        imagenet: the backbone starts from ImageNet weights.
        training: None takes that of the classifier (`TRAININGS`).
        people: only so many of the training people, spread evenly; None: all.
        split, test: of the store: for training, and in which people are looked for.
        area: of the mean average precision, see `market_ranking`.
        device: where models and classifiers compute.
    """

    portions: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    ratios: tuple[int, ...] = ()
    seeds: int = 3
    draws: int | None = None
    poses: str = "own"
    classifier: str = "mobilenet-v2"
    loss: str = "cross-entropy"
    imagenet: bool = True
    training: TrainSettings | None = None
    people: int | None = None
    split: str = "train"
    test: str = "test"
    area: str = "steps"
    device: str = "auto"

    def __post_init__(self) -> None:
        for word, known, what in (
            (self.poses, POSES, "poses"),
            (self.classifier, CLASSIFIERS, "classifier"),
            (self.loss, LOSSES, "loss"),
        ):
            if word not in known:
                raise ValueError(f"--{what} is no '{word}'; {nearest(word, known)}")
        if wrong := [portion for portion in self.portions if not 0 < portion < 1]:
            raise ValueError(f"a portion of real pictures is above 0 and below 1, not {wrong[0]:g}: see --p")
        if wrong := [ratio for ratio in self.ratios if ratio < 2]:
            raise ValueError(f"a ratio of augmentation is at least 2, not {wrong[0]}: see --ratio")
        if self.seeds < 1 or (self.draws is not None and self.draws < 1):
            raise ValueError("give at least one seed and one draw")
        if self.people is not None and self.people < 2:
            raise ValueError(f"people are told apart, so give at least two, not {self.people}")
