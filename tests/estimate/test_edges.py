"""A coarse map drawn along the edges of a photograph."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.estimate import edges
from repose.estimate.edges import along_edges

RED, BLUE = (200, 40, 40), (40, 60, 180)


def disc(size: int, radius: float) -> Tensor:
    """(size, size), True within a circle in the middle."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (y - size / 2).square() + (x - size / 2).square() < radius**2


def photograph(shape: Tensor) -> Tensor:
    """A red shape on blue, with a little noise; uint8 (H, W, 3)."""
    noise = torch.randint(-6, 7, (*shape.shape, 3), generator=torch.Generator().manual_seed(0))
    return (torch.where(shape[..., None], torch.tensor(RED), torch.tensor(BLUE)) + noise).to(torch.uint8)


def overlap(one: Tensor, other: Tensor) -> float:
    return float((one & other).sum() / (one | other).sum())


def step(mask: Tensor, size: int, radius: float) -> float:
    """How much higher a map is within two pixels inside a circle than within two pixels outside."""
    inside = disc(size, radius) & ~disc(size, radius - 2)
    outside = disc(size, radius + 2) & ~disc(size, radius)
    return float(mask[0][inside].mean() - mask[0][outside].mean())


def test_a_blurred_disc_becomes_the_sharp_one() -> None:
    """The coarse map has its border five pixels off, and soft over twenty."""
    true = disc(160, 45)
    coarse = F.avg_pool2d(disc(160, 48).float()[None, None], 17, 1, 8)[0]
    out = along_edges(coarse, photograph(true), 8)
    assert out.shape == (1, 160, 160)
    assert out.dtype == torch.float32
    assert 0 <= out.min() <= out.max() <= 1
    assert overlap(coarse[0] > 0.5, true) < 0.93
    assert overlap(out[0] > 0.5, true) > 0.985
    assert step(coarse, 160, 45) < 0.15
    assert step(out, 160, 45) > 0.4


@pytest.mark.parametrize("size", [(40, 31), (5, 90), (1, 1), (3, 2)])
@pytest.mark.parametrize("radius", [1, 3, 8])
def test_the_windows_are_those_of_pooling_bit_by_bit(size: tuple[int, int], radius: int) -> None:
    x = torch.rand(1, 4, *size, generator=torch.Generator().manual_seed(1))
    wanted = x
    for _ in range(2):
        wanted = F.avg_pool2d(wanted, (2 * radius + 1, 1), 1, (radius, 0), count_include_pad=False)
        wanted = F.avg_pool2d(wanted, (1, 2 * radius + 1), 1, (0, radius), count_include_pad=False)
    assert torch.equal(edges.mean(x, radius), wanted)


def test_a_small_map_is_resized() -> None:
    true = disc(160, 45)
    coarse = F.avg_pool2d(true.float()[None, None], 16)[0]  # (1, 10, 10)
    bilinear = F.interpolate(coarse[None], (160, 160), mode="bilinear")[0, 0] > 0.5
    out = along_edges(coarse, photograph(true), 10)[0] > 0.5
    assert overlap(out, true) > 0.97
    assert 1 - overlap(out, true) < 0.8 * (1 - overlap(bilinear, true))


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_flat_picture_leaves_the_map_as_it_is_but_blurred(level: int) -> None:
    coarse = disc(120, 30).float()[None]
    out = along_edges(coarse, torch.full((120, 120, 3), level, dtype=torch.uint8), 3)
    inside, outside = disc(120, 30 - 13), ~disc(120, 30 + 13)
    assert (out[0][inside] > 0.999).all()
    assert (out[0][outside] < 1e-3).all()
    assert float(out.sum()) == pytest.approx(float(coarse.sum()), rel=1e-3)

    def blurred(x: Tensor) -> Tensor:
        for _ in range(4):
            x = F.avg_pool2d(x[None], 7, 1, 3, count_include_pad=False)[0]
        return x

    assert (out - blurred(coarse)).abs().max() < 1e-4, "twice the means of the coefficients, each two boxes"


def test_a_map_without_a_border_stays() -> None:
    for value in (0.0, 0.25, 1.0):
        out = along_edges(torch.full((1, 60, 80), value), photograph(disc(80, 20)[10:70]), 4)
        assert out.shape == (1, 60, 80)
        assert (out - value).abs().max() < 1e-3


@pytest.mark.parametrize("strip", [7, 100, 1000])
def test_strips_change_nothing(strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    true = disc(160, 45)
    picture, coarse = photograph(true), F.avg_pool2d(disc(160, 47).float()[None, None], 9, 1, 4)[0]
    for rows in (512, 70):
        monkeypatch.setattr(edges, "_STRIP", 160)
        wanted = along_edges(coarse, picture, 3, rows)
        monkeypatch.setattr(edges, "_STRIP", strip)
        torch.testing.assert_close(along_edges(coarse, picture, 3, rows), wanted, rtol=0, atol=1e-5)


def test_a_large_picture_is_as_a_small_one() -> None:
    """A picture of four times the sides, reduced to the small one for the coefficients: the same border, sharper."""
    small, large = disc(150, 40), disc(600, 160)
    coarse = F.avg_pool2d(disc(150, 43).float()[None, None], 11, 1, 5)[0]
    fine, rough = along_edges(coarse, photograph(large), 4, 150), along_edges(coarse, photograph(small), 4, 150)
    assert fine.shape == (1, 600, 600)
    assert overlap(fine[0] > 0.5, large) > 0.985
    assert (F.avg_pool2d(fine, 4) - rough).abs().mean() < 0.01
    enlarged = F.interpolate(rough[None], (600, 600), mode="bilinear")[0]
    assert step(fine, 600, 160) > 1.5 * step(enlarged, 600, 160)


def test_views_of_arrays_are_taken() -> None:
    true = disc(100, 30)
    wide = np.zeros((120, 140, 3), np.uint8)
    wide[10:110, 20:120] = photograph(true).numpy()
    part = torch.from_numpy(wide)[10:110, 20:120]
    coarse = true.float()[None]
    assert torch.equal(along_edges(coarse, part, 3), along_edges(coarse, part.clone(), 3))
