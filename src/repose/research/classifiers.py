"""Classifiers of columns of numbers that tell two kinds of pictures apart, tried on people they have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SEED: Final = 0
"""Of the first weights of the MLP."""


@dataclass(frozen=True)
class Classification:
    """How well a classifier tells held-out pictures of held-out people.

    Attributes:
        accuracy: mean of the two kinds' shares of right answers; 0.5 is chance.
        area: under the ROC curve; 0.5 is chance.
        weights: (D,) of the standardised columns, positive for the first kind; empty for the MLP.
    """

    accuracy: float
    area: float
    weights: Tensor


def tell_apart(
    one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], hidden: int = 0, decay: float = 1e-2, steps: int = 200
) -> Classification:
    """Train a classifier of columns on one half of the people and try it on the other.

    Args:
        one, other: for each kind the rows for training and those held out, each (N, D).
        hidden: units of the one hidden layer; 0 is logistic regression.
        decay: weight of half the squared weights beside the mean loss.
        steps: of the MLP.
    """
    train = torch.cat([one[0], other[0]]).float()
    middle, spread = train.mean(0), train.std(0).clamp_min(1e-6)
    x = (train - middle) / spread
    y = torch.cat([torch.ones(len(one[0])), torch.zeros(len(other[0]))])
    balance = torch.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        first = nn.Linear(x.shape[1], hidden or 1)
        model = nn.Sequential(first, nn.ReLU(), nn.Linear(hidden, 1)) if hidden else nn.Sequential(first)
        if not hidden:
            nn.init.zeros_(first.weight)
        _fit(model, x, y, balance, decay, steps if hidden else 0)
    with torch.no_grad():
        scores = [model((rows.float() - middle) / spread)[:, 0] for rows in (one[1], other[1])]
    right = ((scores[0] > 0).double().mean() + (scores[1] <= 0).double().mean()) / 2
    return Classification(float(right), roc_area(*scores), torch.empty(0) if hidden else first.weight.detach()[0])


def roc_area(positive: Tensor, negative: Tensor) -> float:
    """Area under the ROC curve of two lists of scores, ties counted half."""
    order = torch.cat([positive, negative]).double()
    _, inverse, counts = torch.unique(order, return_inverse=True, return_counts=True)
    rank = (counts.cumsum(0).double() - (counts - 1) / 2)[inverse]  # 1-based, the mean of ties
    many, few = len(positive), len(negative)
    return float((rank[:many].sum() - many * (many + 1) / 2) / (many * few))


# -- inside ---------------------------------------------------------------------------------------------------------


def _fit(model: nn.Module, x: Tensor, y: Tensor, balance: Tensor, decay: float, steps: int) -> None:
    """Train on all rows at once: by L-BFGS where `steps` is 0, as the loss is convex, otherwise by Adam."""

    def loss() -> Tensor:
        wrong = F.binary_cross_entropy_with_logits(model(x)[:, 0], y, weight=balance, reduction="sum")
        ridge: Tensor = sum((p.square().sum() for p in model.parameters() if p.ndim > 1), torch.zeros(()))
        return wrong + decay / 2 * ridge

    if not steps:
        optimiser = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> float:
            optimiser.zero_grad()
            value = loss()
            value.backward()  # type: ignore[no-untyped-call]
            return float(value.detach())

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        return
    adam = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        adam.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        adam.step()
