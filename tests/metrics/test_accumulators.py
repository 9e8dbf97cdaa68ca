"""Scores and their bootstrap intervals."""

import math

import numpy as np
import pytest
import torch

from repose.metrics.accumulators import PairScores, scores


def test_mean_and_interval_agree_with_theory() -> None:
    values = torch.from_numpy(np.random.default_rng(0).normal(5, 2, 2000))
    score = scores({"x": PairScores.mean_of(values)})["x"]
    assert score.value == pytest.approx(values.mean().item(), abs=1e-12)
    assert score.low < score.value < score.high
    half = 1.96 * values.std().item() / math.sqrt(2000)
    assert (score.high - score.low) / 2 == pytest.approx(half, rel=0.1)


def test_the_interval_covers_the_true_mean_about_95_times_in_100() -> None:
    random = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        column = PairScores.mean_of(torch.from_numpy(random.exponential(1.0, 300)))
        score = scores({"x": column}, resamples=400, seed=trial)["x"]
        covered += score.low <= 1.0 <= score.high
    assert 178 <= covered <= 198


def test_a_ratio_weighs_by_its_counts_and_skips_empty_pairs() -> None:
    column = PairScores(torch.tensor([3.0, 0.0, 1.0]).double(), torch.tensor([6.0, 0.0, 2.0]).double())
    score = scores({"pckh": column})["pckh"]
    assert score.value == 0.5
    assert column.skipped == score.skipped == 1
    assert torch.isnan(column.each[1])


def test_seed_decides() -> None:
    column = PairScores.mean_of(torch.from_numpy(np.random.default_rng(2).uniform(size=50)))
    assert scores({"x": column}, seed=1) == scores({"x": column}, seed=1)
    assert scores({"x": column}, seed=1) != scores({"x": column}, seed=2)


def test_blocks_are_drawn_whole() -> None:
    """Every pair twice says nothing more than once: in blocks the interval stays, drawn singly it would shrink."""
    random = np.random.default_rng(3)
    once = torch.from_numpy(random.normal(5, 2, 400))
    twice, blocks = once.repeat_interleave(2), torch.arange(400).repeat_interleave(2)
    single = scores({"x": PairScores.mean_of(once)})["x"]
    assert scores({"x": PairScores.mean_of(twice)}, blocks=blocks)["x"] == pytest.approx(single, abs=1e-12)
    shrunk = scores({"x": PairScores.mean_of(twice)})["x"]
    assert (shrunk.high - shrunk.low) / (single.high - single.low) == pytest.approx(2**-0.5, rel=0.1)
    uneven = torch.tensor([1, 0, 0, 1, 2])
    column = PairScores(torch.tensor([1.0, 2, 3, 4, 5]).double(), torch.ones(5).double())
    score = scores({"x": column}, blocks=uneven)["x"]
    assert (score.value, score.low, score.high) == (3, 2.5, 5), "the mean of each block alone is the widest"


def test_infinite_psnr_stays_infinite() -> None:
    score = scores({"psnr": PairScores.mean_of(torch.full((5,), torch.inf).double())})["psnr"]
    assert (score.value, score.low, score.high) == (math.inf, math.inf, math.inf)


def test_equal_pairs_are_counted_apart() -> None:
    some = torch.tensor([30.0, torch.inf, 20.0, torch.inf, torch.inf, torch.inf]).double()
    score = scores({"psnr": PairScores.mean_of(some)})["psnr"]
    assert (score.value, score.equal, score.skipped) == (25, 4, 0)
    assert (score.low, score.high) == (20, 30), "resamples of equal pairs alone say nothing"
    lone = scores({"psnr": PairScores.mean_of(some.flip(0)), "ssim": PairScores.mean_of(torch.ones(6).double())})
    assert (lone["ssim"].value, lone["ssim"].equal) == (1, 0)


def test_nothing_counted_is_nan_not_zero() -> None:
    nothing = PairScores(torch.zeros(4).double(), torch.zeros(4).double())
    assert math.isnan(scores({"pckh": nothing})["pckh"].value)


def test_unequal_or_empty_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        scores({"a": PairScores.mean_of(torch.zeros(3)), "b": PairScores.mean_of(torch.zeros(4))})
    with pytest.raises(ValueError, match="one length"):
        scores({"a": PairScores.mean_of(torch.zeros(0))})
