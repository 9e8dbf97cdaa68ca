"""How many images of a run fit into a number of seconds, where an image costs more in one part than in another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

_QUARTERS: Final = 4


def quarter_costs(images: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """Seconds an image in each quarter of a run, from (images, seconds) of its log; the first line is warm-up."""
    edges = np.linspace(0, images[-1], _QUARTERS + 1).clip(images[0])
    times = np.interp(edges, images, seconds)
    whole = (seconds[-1] - seconds[0]) / (images[-1] - images[0])
    return [
        float((t1 - t0) / (e1 - e0)) if e1 > e0 else float(whole)
        for (e0, e1), (t0, t1) in zip(pairwise(edges), pairwise(times), strict=True)
    ]


def expected_seconds(costs: Sequence[float], total: float, done: float = 0.0) -> float:
    """Seconds from image `done` to the end of a run of `total` images; `costs` as `quarter_costs` gives them."""
    edges = np.linspace(0, total, len(costs) + 1)
    return float(sum(c * max(0.0, e1 - max(e0, done)) for c, (e0, e1) in zip(costs, pairwise(edges), strict=True)))


def images_for(costs: Sequence[float], seconds: float, done: int, step: int) -> int:
    """The length of a run, in whole steps, that has `done` images behind it and `seconds` left; a step at least.

    Args:
        costs: as `quarter_costs` gives them. step: images a step.
    """
    low, high = float(done), done + seconds / min(costs) * len(costs) + step
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expected_seconds(costs, middle, done) < seconds else (low, middle)
    return done + max(1, round((low - done) / step)) * step
