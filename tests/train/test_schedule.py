"""The learning rate against values worked out by hand."""

import math
from itertools import pairwise

import pytest

from repose.recipes import ScheduleConfig
from repose.train.schedule import factor


def test_patn_is_constant_and_then_linear() -> None:
    patn = ScheduleConfig(kind="linear", hold=500 * 4000)
    total = 700 * 4000
    assert [factor(patn, epoch * 4000, total) for epoch in (0, 499, 500)] == [1, 1, 1]
    assert factor(patn, 600 * 4000, total) == pytest.approx(0.5)
    assert factor(patn, total, total) == 0
    assert factor(patn, total + 1, total) == 0


def test_cosine_with_warm_up() -> None:
    schedule = ScheduleConfig(kind="cosine", warmup=100)
    assert [factor(schedule, seen, 1100) for seen in (0, 50, 100)] == [0, 0.5, 1]
    assert factor(schedule, 600, 1100) == pytest.approx(0.5)
    assert factor(schedule, 350, 1100) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert factor(schedule, 1100, 1100) == pytest.approx(0)


def test_constant() -> None:
    assert factor(ScheduleConfig(), 0, 10) == factor(ScheduleConfig(), 10, 10) == 1
    assert factor(ScheduleConfig(warmup=4), 1, 10) == 0.25


def test_falls_and_never_rises_again() -> None:
    for kind in ("linear", "cosine"):
        values = [factor(ScheduleConfig(kind=kind, hold=30), seen, 100) for seen in range(101)]  # type: ignore[arg-type]
        assert values == sorted(values, reverse=True)
        assert values[:31] == [1] * 31
        assert max(a - b for a, b in pairwise(values)) < 0.03
