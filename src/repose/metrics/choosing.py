"""Choosing among checkpoints, by validation people alone."""

from __future__ import annotations

from collections.abc import Sequence

from repose.data.store import Store
from repose.metrics.evaluate import Evaluation, described
from repose.metrics.protocols import Protocol
from repose.metrics.tables import METRICS
from repose.names import nearest

LAST = 70
"""The papers look at their last 70 checkpoints and take the best by the metrics."""


def allowed(store: Store, made: Protocol, split: str | None) -> str:
    """The split on which checkpoints may be compared in order to choose one.

    Raises:
        ValueError: it is the protocol's own, another one that is called a test, or "train", or it shares people with
            one of these; the text says why that is refused.
    """
    _refused(made, split or made.split)
    assert split is not None
    whom = _people(store, split)
    taboo = [name for name in store.splits if _why(made, name)]
    for other in taboo:
        if both := whom & _people(store, other):
            raise ValueError(
                f"no choosing on the split '{split}': {len(both)} of its people are in '{other}', too, such as "
                f"{min(both)}; {_why(made, other)}"
            )
    return split


def left_out(evaluations: Sequence[Evaluation]) -> list[str]:
    """The models that `best` does not look at: those before the last `LAST`, in the order given."""
    return [str(one.facts["model"]) for one in evaluations[: max(0, len(evaluations) - LAST)]]


def _why(made: Protocol, split: str) -> str:
    """Why a split is not one to choose on, by its name; "" if it may be."""
    if split == made.split or "test" in split.lower():
        return (
            "a checkpoint that is chosen by its numbers on test pairs has been fitted to them, and what it scores "
            "there is no longer a measurement"
        )
    if split == "train":
        return "on people that it was trained on the checkpoint that remembers best wins, not the one that generalises"
    return ""


def _refused(made: Protocol, split: str) -> None:
    if why := _why(made, split):
        raise ValueError(f"no choosing on the split '{split}': {why}; take validation people (--split val)")


def _people(store: Store, split: str) -> set[str]:
    """Everybody of a split, and whom its list of pairs may bring from elsewhere."""
    indices = {*store.split(split).tolist(), *store.pairs(split).flatten().tolist()}
    return {store.people[index] for index in indices}


def best(evaluations: Sequence[Evaluation], metric: str = "ssim") -> Evaluation:
    """The evaluation that is best by one metric; of equal ones the last.

    Args:
        evaluations: of one measurement, on a split that `allowed` let through, oldest first: only the last `LAST` in
            this order count, `left_out` names the others.
        metric: key of `repose.metrics.tables.METRICS`.

    Raises:
        KeyError: no such metric; names the nearest.
        ValueError: there are none, they are of different measurements, on test or training pairs, or one lacks the
            metric.
    """
    if metric not in METRICS:
        raise KeyError(f"no metric is called '{metric}'; {nearest(metric, METRICS)}")
    described(evaluations)  # of one protocol, store, split and pairs
    _refused(evaluations[0].protocol, str(evaluations[0].facts["split"]))
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
