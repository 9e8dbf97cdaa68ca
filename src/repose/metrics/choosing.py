"""Choosing among checkpoints, by validation people alone."""

from __future__ import annotations

from collections.abc import Sequence

from repose.data.store import Store
from repose.metrics.evaluate import Evaluation, described
from repose.metrics.protocols import Protocol
from repose.metrics.tables import METRICS
from repose.words import nearest

LAST = 70
"""The papers look at their last 70 checkpoints and take the best by the metrics."""


def allowed(store: Store, made: Protocol, split: str | None) -> str:
    """The split on which checkpoints may be compared in order to choose one.

    Raises:
        ValueError: it is the protocol's own, another one that is called a test, or it shares people with that of the
            protocol; the text says why that is refused.
    """
    why = (
        "a checkpoint that is chosen by its numbers on test pairs has been fitted to them, and what it scores there is "
        "no longer a measurement"
    )
    if split is None or split == made.split or "test" in split.lower():
        raise ValueError(
            f"no choosing on the split '{split or made.split}': {why}; take validation people (--split val)"
        )
    tested = {store.people[index] for index in store.pairs(made.split).flatten().tolist()}
    both = tested & {store.people[index] for index in store.pairs(split).flatten().tolist()}
    if both:
        raise ValueError(
            f"no choosing on the split '{split}': {len(both)} of its people are in '{made.split}', too, such as "
            f"{min(both)}; {why}"
        )
    return split


def best(evaluations: Sequence[Evaluation], metric: str = "ssim") -> Evaluation:
    """The evaluation that is best by one metric; of equal ones the last.

    Args:
        evaluations: of one measurement, on a split that `allowed` let through; only the last `LAST` count.
        metric: key of `repose.metrics.tables.METRICS`.

    Raises:
        KeyError: no such metric; names the nearest.
        ValueError: there are none, they are of different measurements, or one lacks the metric.
    """
    if metric not in METRICS:
        raise KeyError(f"no metric is called '{metric}'; {nearest(metric, METRICS)}")
    described(evaluations)  # of one protocol, store, split and pairs
    sign = 1 if METRICS[metric][1] == "higher" else -1
    chosen, top = None, float("-inf")
    for one in list(evaluations)[-LAST:]:
        score = one["generated"].scores.get(metric)
        if score is None or score.value != score.value:
            raise ValueError(f"{one.facts['model']} has no {METRICS[metric][0]}, by which one is to be chosen")
        if sign * score.value >= top:
            chosen, top = one, sign * score.value
    assert chosen is not None
    return chosen
