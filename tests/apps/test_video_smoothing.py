"""Joints of a clip: names of sides, outliers, gaps and noise, on motions that are known."""

from __future__ import annotations

import numpy as np
import pytest

from repose.apps.motion import smoothing
from repose.apps.motion.steadiness import jitter

LEGS, OTHER = [8, 9, 10, 11, 12, 13], [11, 12, 13, 8, 9, 10]


def moving(count: int = 120, rate: float = 25.0, hertz: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Joints (N, 18, 2) that swing about a standing body of 300 pixels, and their times."""
    rng = np.random.default_rng(1)
    at = [(50, 10), (50, 60), (20, 60), (10, 110), (5, 160), (80, 60), (90, 110), (95, 160), (35, 160), (35, 230),
          (35, 300), (65, 160), (65, 230), (65, 300), (45, 5), (55, 5), (40, 8), (60, 8)]  # fmt: skip
    times = np.arange(count) / rate
    swing = rng.uniform(-12, 12, (18, 2))
    return np.array(at, float) + np.sin(2 * np.pi * hertz * times)[:, None, None] * swing, times


def far(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.nanmax(np.linalg.norm(a - b, axis=-1)))


def test_a_slow_motion_without_noise_stays() -> None:
    joints, times = moving()
    assert far(smoothing.steadied(joints, times), joints) < 0.6  # of a swing of 12 pixels


def test_noise_gets_less_and_the_motion_is_not_late() -> None:
    joints, times = moving()
    noisy = joints + np.random.default_rng(0).normal(0, 2, joints.shape)
    smooth = smoothing.steadied(noisy, times)
    assert jitter(smooth) < 0.25 * jitter(noisy)
    error = np.sqrt(np.mean((smooth - joints) ** 2))
    assert error < 0.6 * np.sqrt(np.mean((noisy - joints) ** 2))
    late = [np.sqrt(np.mean((smooth[2:-2] - joints[2 + by : len(joints) - 2 + by]) ** 2)) for by in (-1, 0, 1)]
    assert late[1] == min(late)


@pytest.mark.parametrize("frames", [(40,), (40, 41), (0,), (119,)])
def test_a_joint_that_is_thrown_away_is_brought_back(frames: tuple[int, ...]) -> None:
    joints, times = moving()
    seen = joints + np.random.default_rng(0).normal(0, 0.5, joints.shape)
    seen[list(frames), 4] += [60, -80]
    assert far(smoothing.steadied(seen, times)[:, 4], joints[:, 4]) < 8


def test_a_fast_joint_is_no_outlier() -> None:
    joints, times = moving()
    joints[:, 4, 0] += 400 * np.clip(times - 2, 0, 0.5)  # 400 pixels a second for half a second
    kept = smoothing.without_outliers(joints, smoothing.trunk_length(joints))
    assert np.isfinite(kept[:, 4]).mean() > 0.97


@pytest.mark.parametrize("lost", [range(50, 51), range(50, 62), range(6), range(110, 120)])
def test_a_gap_is_bridged_and_follows_the_body(lost: range) -> None:
    joints, times = moving()
    joints = joints + (100 * times)[:, None, None] * [1, 0]  # they walk by 100 pixels a second
    seen = joints.copy()
    seen[list(lost), 10] = np.nan
    whole = smoothing.bridged(seen, times)
    assert np.isfinite(whole[:, 10]).all()
    assert far(whole[:, 10], joints[:, 10]) < 30  # not the 48 to 160 pixels that they walk meanwhile
    assert far(whole[:, :10], joints[:, :10]) == 0


def test_a_face_that_is_turned_away_stays_away() -> None:
    joints, times = moving()
    seen = joints.copy()
    seen[40:80, 0] = np.nan  # 1.6 seconds
    seen[90:96, 14] = np.nan  # a quarter of a second
    whole = smoothing.bridged(seen, times)
    assert np.isnan(whole[45:75, 0]).all()
    assert np.isfinite(whole[:, 14]).all()
    assert np.isnan(smoothing.steadied(seen, times)[60, 0]).all()


@pytest.mark.parametrize("frames", [range(30, 31), range(30, 38), range(100, 120)])
def test_legs_that_change_their_names_are_named_again(frames: range) -> None:
    joints, _ = moving()
    seen = joints.copy()
    seen[np.ix_(list(frames), LEGS)] = seen[np.ix_(list(frames), OTHER)]
    assert far(smoothing.unswapped(seen), joints) == 0


def test_legs_that_cross_keep_their_names() -> None:
    joints, times = moving()
    way = 60 * np.sin(2 * np.pi * times / 2)[:, None]
    joints[:, 8:11, 0] += way
    joints[:, 11:14, 0] -= way
    assert far(smoothing.unswapped(joints), joints) == 0


def test_times_may_be_uneven() -> None:
    joints, times = moving(200, 50.0)
    kept = np.sort(np.random.default_rng(0).choice(200, 120, replace=False))
    smooth = smoothing.steadied(joints[kept], times[kept])
    assert far(smooth, joints[kept]) < 1.5


def test_a_joint_that_is_never_seen_stays_missing_and_short_clips_pass() -> None:
    joints, times = moving()
    joints[:, 13] = np.nan
    assert np.isnan(smoothing.steadied(joints, times)[:, 13]).all()
    for count in (1, 2, 3, 4):
        assert smoothing.steadied(joints[:count], times[:count]).shape == (count, 18, 2)


def test_jitter_of_even_motion_is_none() -> None:
    even = np.zeros((10, 18, 2)) + np.arange(10)[:, None, None]
    even[:, 1, 1] -= 100
    assert jitter(even) < 1e-12
    shaken = even + np.where(np.arange(10) % 2 == 0, 1.0, -1.0)[:, None, None] * [1, 0]
    assert jitter(shaken) == pytest.approx(4 / 100, rel=0.05)
