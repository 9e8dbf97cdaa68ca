"""Flow: places, and pictures along them."""

from __future__ import annotations

import pytest
import torch

from repose.represent.flow import at_rest, warp


def test_a_known_flow_moves_a_known_picture() -> None:
    picture = torch.rand(2, 3, 12, 8)
    assert torch.allclose(warp(picture, at_rest(picture).expand(2, -1, -1, -1)), picture, atol=1e-6)
    step = torch.tensor([3 * 2 / 8, 2 * 2 / 12]).view(1, 2, 1, 1)
    moved = warp(picture, (at_rest(picture) + step).expand(2, -1, -1, -1))  # from 3 right and 2 below
    assert torch.allclose(moved[..., :-2, :-3], picture[..., 2:, 3:], atol=1e-6)
    half = torch.tensor([2 / 8 / 2, 0]).view(1, 2, 1, 1)
    between = warp(picture, (at_rest(picture) + half).expand(2, -1, -1, -1))
    assert torch.allclose(between[..., :-1], (picture[..., :-1] + picture[..., 1:]) / 2, atol=1e-6)


def test_gradients_reach_the_flow() -> None:
    """Of a ramp, the gradient of a pixel by its place is the ramp's slope, and by no other place."""
    ramp = (torch.arange(8) * 0.1).expand(1, 1, 12, 8)
    flow = at_rest(ramp).clone() + 0.05  # not at a pixel's centre, where the slope is two-sided
    flow.requires_grad_()
    warp(ramp, flow)[0, 0, 5, 3].backward()  # type: ignore[no-untyped-call]
    assert flow.grad is not None
    assert flow.grad[0, 0, 5, 3] == pytest.approx(0.1 * 8 / 2, rel=1e-4)  # -1 to 1 is 8 pixels wide
    flow.grad[0, 0, 5, 3] = 0
    assert flow.grad.abs().max() < 1e-6
