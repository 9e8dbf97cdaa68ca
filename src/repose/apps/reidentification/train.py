"""The training of one classifier of people: deterministic by its seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from repose.apps.reidentification.classifier import Backbone, Classifier
from repose.names import nearest

OPTIMISERS: Final = ("adam", "sgd")


@dataclass(frozen=True)
class TrainSettings:
    """How a classifier is trained.

    Attributes:
        steps: of the training; the same for every set, whatever its size. None: `epochs` times through the set.
        epochs: used where `steps` is None.
        batch: pictures a step.
        rate: learning rate of the new layers. backbone_rate: of the backbone's.
        decay: of the weights.
        optimiser: one of `OPTIMISERS`; "sgd" has Nesterov momentum 0.9.
        drop: at this share of the steps the rates fall to a tenth.
    """

    steps: int | None = 200
    epochs: int = 50
    batch: int = 32
    rate: float = 3e-3
    backbone_rate: float = 3e-4
    decay: float = 5e-4
    optimiser: str = "adam"
    drop: float = 0.7

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"no optimiser is called '{self.optimiser}'; {nearest(self.optimiser, OPTIMISERS)}")
        if (self.steps is not None and self.steps < 1) or self.epochs < 1 or self.batch < 2:
            raise ValueError("a training needs at least one step and one epoch, and two pictures a batch")

    def steps_for(self, pictures: int) -> int:
        """How many steps a set of so many pictures takes."""
        return self.steps if self.steps is not None else max(1, self.epochs * pictures // self.batch)


TRAININGS: Final = {
    "mobilenet-v2": TrainSettings(),
    # Open-ReID's examples/softmax_loss.py
    "resnet-50": TrainSettings(None, 50, 256, 0.1, 0.01, 5e-4, "sgd", 0.8),
}
"""Classifier -> how it is trained unless something else is said."""


def train_classifier(
    backbone: Backbone,
    pictures: Tensor,
    mirrored: Tensor,
    labels: Tensor,
    loss: str,
    settings: TrainSettings,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    device: str | torch.device = "cpu",
) -> Classifier:
    """Train a classifier of people.

    Args:
        backbone: with the weights to start from; it is changed.
        pictures, mirrored: what `backbone.prepare` gives of the pictures and of the mirrored pictures, (N, ...).
        labels: of the people, 0 to P - 1, int64 (N,).
        loss: one of `repose.apps.reidentification.classifier.LOSSES`.
        settings: of the training.
        seed: of the new layers, of the order and of all random changes.
        progress: called with (steps done, steps in all).

    Returns:
        The classifier in evaluation mode.

    Raises:
        ValueError: fewer pictures than a batch needs, or no such loss.
    """
    if len(labels) < 2:
        raise ValueError(f"a training needs at least two pictures, not {len(labels)}")
    settings = replace(settings, batch=min(settings.batch, len(labels)))
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        classifier = Classifier(backbone, int(labels.max()) + 1, loss).to(device).train()
        optimiser = _optimiser(classifier, settings)
        steps = settings.steps_for(len(labels))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: 0.1 if step >= settings.drop * steps else 1.0
        )
        order = torch.empty(0, dtype=torch.int64)
        for step in range(steps):
            if len(order) < settings.batch:
                order = torch.randperm(len(labels), generator=generator)
            rows, order = order[: settings.batch], order[settings.batch :]
            mirror = torch.rand(len(rows), generator=generator) < 0.5
            chosen = torch.where(mirror.view(-1, *[1] * (pictures.ndim - 1)), mirrored[rows], pictures[rows])
            batch = backbone.vary(chosen.to(device), generator)
            optimiser.zero_grad()
            classifier.loss(batch, labels[rows].to(device)).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if progress is not None:
                progress(step + 1, steps)
    return classifier.eval()


def _optimiser(classifier: Classifier, settings: TrainSettings) -> torch.optim.Optimizer:
    old = {id(parameter) for parameter in classifier.backbone.parameters()}
    groups = [
        {"params": [p for p in classifier.backbone.parameters() if p.requires_grad], "lr": settings.backbone_rate},
        {"params": [p for p in classifier.parameters() if id(p) not in old], "lr": settings.rate},
    ]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, weight_decay=settings.decay, nesterov=True)
    return torch.optim.AdamW(groups, weight_decay=settings.decay)
