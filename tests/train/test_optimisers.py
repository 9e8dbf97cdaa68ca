"""Two things are called weight decay: a share of the weight (AdamW), and a share added to the gradient (L2)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from repose import models
from repose.recipes import OptimiserConfig
from repose.train.state import _optimiser


def after(steps: int, config: OptimiserConfig, gradient: float = 0.0) -> float:
    """A weight of 0.05 after so many steps with this gradient."""
    weight = nn.Parameter(torch.tensor([0.05]))
    optimiser = _optimiser([weight], config)
    for _ in range(steps):
        weight.grad = torch.full_like(weight, gradient)
        optimiser.step()
    return float(weight.detach())


def test_without_a_gradient() -> None:
    """Decoupled: lr x decay of the weight at each step. L2: Adam scales the tiny gradient up to steps of lr."""
    rate, decay = 2e-4, 5e-4
    decoupled = after(100, OptimiserConfig(rate, 0.9, 0.999, weight_decay=decay))
    assert decoupled == pytest.approx(0.05 * (1 - rate * decay) ** 100, rel=1e-5)
    assert 0.029 < after(100, OptimiserConfig(rate, 0.9, 0.999, weight_decay=decay, decay="l2")) < 0.033  # not 0.05


def test_l2_is_the_decay_added_to_the_gradient() -> None:
    weight, other = (nn.Parameter(torch.tensor([0.05])) for _ in range(2))
    ours = _optimiser([weight], OptimiserConfig(1e-3, 0.9, 0.999, weight_decay=0.1, decay="l2"))
    plain = torch.optim.Adam([other], 1e-3, (0.9, 0.999))
    for step in range(20):
        weight.grad = torch.tensor([0.001 * step])
        other.grad = torch.tensor([0.001 * step]) + 0.1 * other.detach()
        ours.step()
        plain.step()
    torch.testing.assert_close(weight.detach(), other.detach(), rtol=1e-5, atol=0)


def test_without_decay_the_kind_does_not_matter() -> None:
    assert after(5, OptimiserConfig(decay="l2"), 0.1) == after(5, OptimiserConfig(), 0.1)


@pytest.mark.parametrize("name", ["hpn", "hpn-ld", "hpn-pt", "hpn-baseline", "hpn-fashion"])
def test_hpn_takes_l2(name: str) -> None:
    config = models.recipe(name).generator_optimiser
    assert (config.decay, config.weight_decay) == ("l2", 5e-4)
