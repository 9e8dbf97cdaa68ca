"""Choosing among checkpoints, by validation people alone."""

from __future__ import annotations

from collections.abc import Sequence

from repose.data.store import Store
from repose.metrics.columns import COLUMNS
from repose.metrics.protocols import Protocol
from repose.metrics.result import Evaluation, table_rows
from repose.names import nearest

LAST = 70
"""The papers compare their last 70 checkpoints and take the best by a metric."""


def allowed(store: Store, protocol: Protocol, split: str | None) -> str:
    """The split on which checkpoints may be compared in order to choose one.

    Args:
        store: the data set.
        protocol: under which they are compared.
        split: of the store; None is the protocol's own.

    Raises:
        ValueError: it is the protocol's own, another one that is called a test, or "train", or it shares people with
            one of these; the text tells why that is refused.
    """
    _require_choosable(protocol, split or protocol.split)
    assert split is not None
    people = _people(store, split)
    for other in dict.fromkeys(store.splits):  # of each picture
        reason = _objection(protocol, other)
        if reason and (both := people & _people(store, other)):
            raise ValueError(
                f"no choosing on the split '{split}': {len(both)} of its people are in '{other}', too, such as "
                f"{min(both)}; {reason}"
            )
    return split


def left_out(evaluations: Sequence[Evaluation]) -> list[str]:
    """The models that `best` does not compare: those before the last `LAST`, in the order given."""
    return [str(one.facts["model"]) for one in evaluations[: max(0, len(evaluations) - LAST)]]


def best(evaluations: Sequence[Evaluation], column: str = "ssim") -> Evaluation:
    """The evaluation that is best by one column; of equal ones the last.

    Args:
        evaluations: of one measurement, on a split that `allowed` returned, oldest first: only the last `LAST` are
            compared, `left_out` names the others.
        column: key of `repose.metrics.COLUMNS`.

    Raises:
        KeyError: no such column; the text names the nearest.
        ValueError: there are no evaluations, they are of different measurements, on test or training pairs, or one
            lacks the column.
    """
    if column not in COLUMNS:
        raise KeyError(f"no column is called '{column}'; {nearest(column, COLUMNS)}")
    table_rows(evaluations)  # raises where they are not of one protocol, store, split and pairs
    _require_choosable(evaluations[0].protocol, str(evaluations[0].facts["split"]))
    sign = 1 if COLUMNS[column].better == "higher" else -1
    chosen, top = None, float("-inf")
    for one in list(evaluations)[-LAST:]:
        score = one["generated"].scores.get(column)
        if score is None or score.value != score.value:
            raise ValueError(f"{one.facts['model']} has no {COLUMNS[column].title}, by which one is to be chosen")
        if sign * score.value >= top:
            chosen, top = one, sign * score.value
    assert chosen is not None
    return chosen


def _require_choosable(protocol: Protocol, split: str) -> None:
    if reason := _objection(protocol, split):
        raise ValueError(f"no choosing on the split '{split}': {reason}; take validation people (--split val)")


def _objection(protocol: Protocol, split: str) -> str:
    """Why checkpoints must not be chosen on a split, by its name; "" if they may."""
    if split == protocol.split or "test" in split.lower():
        return (
            "a checkpoint that is chosen by its numbers on test pairs has been fitted to them, and what it scores "
            "there is no longer a measurement"
        )
    if split == "train":
        return "on people that it was trained on the checkpoint that remembers best wins, not the one that generalises"
    return ""


def _people(store: Store, split: str) -> set[str]:
    """All people of a split, and those whom its list of pairs takes from other splits."""
    indices = {*store.split(split).tolist(), *store.pairs(split).flatten().tolist()}
    return {store.people[index] for index in indices}
