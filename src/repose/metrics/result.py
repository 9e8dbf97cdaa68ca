"""The result of an evaluation: its rows, its result line, and tables of several of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from torch import Tensor

from repose import record
from repose.metrics import tables
from repose.metrics.accumulators import PairScores, Score
from repose.metrics.columns import COLUMNS, REPLACED, columns_from
from repose.metrics.pairs import blocks_of
from repose.metrics.protocols import Protocol

REFERENCES: Final = {"target": "real target", "source": "copied source"}
"""Kind of real picture -> the name of its row."""


@dataclass(frozen=True)
class EvaluationRow:
    """What was measured of one kind of picture.

    Attributes:
        kind: "generated", or the references "target" and "source".
        name: in tables.
        columns: column -> its numbers of the pairs.
        scores: column -> its score.
    """

    kind: str
    name: str
    columns: Mapping[str, PairScores]
    scores: Mapping[str, Score]


@dataclass(frozen=True)
class Evaluation:
    """The rows of one evaluation and everything that is needed to trust and repeat it.

    Attributes:
        protocol: by which it was measured.
        rows: the real target and the copied source, then the generated pictures if there were any.
        pairs: int64 (N, 2), source and target index in the store, in the order of the columns.
        facts: what else a result line says.
    """

    protocol: Protocol
    rows: tuple[EvaluationRow, ...]
    pairs: Tensor
    facts: dict[str, Any] = field(repr=False)

    def __getitem__(self, kind: str) -> EvaluationRow:
        """The row "target", "source" or "generated"; KeyError if there is none."""
        for row in self.rows:
            if row.kind == kind:
                return row
        raise KeyError(f"no row {kind!r}; there are {', '.join(row.kind for row in self.rows)}")

    def table(self) -> Table:
        """For the terminal: `rich.print(evaluation.table())`."""
        return tables.rich_table(*table_rows([self]))

    def markdown(self) -> str:
        """The table as Markdown."""
        return tables.markdown(*table_rows([self]))

    def line(self) -> dict[str, Any]:
        """The result line: scores as [value, low, high] by row, `skipped` pairs by column, `equal` by row, facts.

        `equal` counts the pairs of equal pictures, which PSNR leaves out. An infinite PSNR (all are equal) becomes null
        in the file, as JSON knows no infinity; so does the interval of a set's score, which has none.
        """
        measured = {row.kind: {c: [s.value, s.low, s.high] for c, s in row.scores.items()} for row in self.rows}
        skipped = {c: s.skipped for row in self.rows for c, s in row.scores.items() if s.skipped}
        equal = {row.kind: s.equal for row in self.rows for s in row.scores.values() if s.equal}
        return {
            "kind": "evaluation",
            "protocol": str(self.protocol),
            **self.facts,
            "skipped": skipped,
            **({"equal": equal} if equal else {}),
            "rows": measured,
        }

    def append(self, path: Path | str) -> None:
        """Add the result line to a .jsonl file, whole or not at all."""
        record.append(Path(path), self.line())


def comparison_table(evaluations: Sequence[Evaluation]) -> Table:
    """Several models in one table, the reference rows once. ValueError if they are not of the same measurement."""
    return tables.rich_table(*table_rows(evaluations))


def comparison_markdown(evaluations: Sequence[Evaluation]) -> str:
    """`comparison_table` as Markdown."""
    return tables.markdown(*table_rows(evaluations))


def require_same(lines: Sequence[Mapping[str, Any]]) -> None:
    """Check that result lines are of one measurement.

    Raises:
        ValueError: they differ in protocol, data, split, pairs, estimator, features or networks.
    """
    for key in ("protocol", "checksum", "split", "pairs", "estimator", "features", "networks"):
        different = {str(line.get(key)) for line in lines}
        if len(different) > 1:
            raise ValueError(f"evaluations of different {key} cannot stand in one table: {sorted(different)}")


def table_rows(evaluations: Sequence[Evaluation], name_files: bool = True) -> tuple[list[tables.TableRow], str, str]:
    """Rows, title and caption of the table of some evaluations.

    Args:
        evaluations: of one measurement.
        name_files: the caption names the weight files that are missing.

    Raises:
        ValueError: there are none, or they are not of the same measurement.
    """
    if not evaluations:
        raise ValueError("a table needs at least one evaluation")
    require_same([evaluation.line() for evaluation in evaluations])
    first = evaluations[0]
    rows = [row for row in first.rows if row.kind in REFERENCES]
    rows += [row for evaluation in evaluations for row in evaluation.rows if row.kind == "generated"]
    facts = first.facts
    count = f"{facts['pairs']:,}"
    if facts["pairs"] < facts["pairs_in_split"]:
        count += f" of {facts['pairs_in_split']:,}"
    title = f"{first.protocol}: {facts['data']} {facts['checksum']}, split {facts['split']}, {count} pairs"
    missing = facts.get("networks_missing", {})
    caption = "; ".join(
        [*_interval_notes(first, rows), *_file_notes(evaluations), *_missing_notes(facts, missing, name_files)]
    )
    return [tables.TableRow(row.name, row.scores, str(first.protocol), missing=missing) for row in rows], title, caption


# -- inside ---------------------------------------------------------------------------------------------------------


def _interval_notes(first: Evaluation, rows: Sequence[EvaluationRow]) -> list[str]:
    """What the numbers in brackets are, which pairs do not count, and where PSNR is infinite."""
    notes = [
        "in brackets or after ±: 95 % interval, bootstrap over the pairs"
        + (", a pair and its reverse drawn together" if blocks_of(first.pairs) is not None else "")
    ]
    skipped = first.line()["skipped"]
    for reason in dict.fromkeys(column.skips for column in COLUMNS.values() if column.skips):
        columns = [f"{count:,} pairs of {name}" for name, count in skipped.items() if COLUMNS[name].skips == reason]
        if columns:
            ours = reason == "no head box" and first.protocol.pckh_counting == "ours"
            more = ", or one without width or height" if ours else ""
            notes.append(f"left out, {reason}{more}: {', '.join(columns)}")
    if first.protocol.pckh_counting == "released" and any("pckh" in row.scores for row in rows):
        notes.append(
            "PCKh as the released scripts count it: wrong are all joints of a target whose head box has no width or no "
            "height"
        )
    if any(math.isinf(score.value) for row in rows for score in row.scores.values()):
        notes.append("∞: equal pictures")
    some = [
        f"{score.equal:,} of {row.name}"
        for row in rows
        for score in row.scores.values()
        if score.equal and not math.isinf(score.value)
    ]
    if some:
        notes.append(f"PSNR without the pairs of equal pictures: {', '.join(some)}")
    if first.facts["features"]:
        replaced = REPLACED if any("identity_reid" in row.scores for row in rows) else ()
        shown = [name for name in columns_from("features") if name not in replaced]
        notes.append(f"{_titles(shown)}: {first.facts['features']}")
    return notes


def _file_notes(evaluations: Sequence[Evaluation]) -> list[str]:
    """Whose pictures are JPEG files, where the protocol has others."""
    lossy = [str(one.facts["model"]) for one in evaluations if one.facts.get("files") == "jpeg"]
    if not lossy or evaluations[0].protocol.file == "jpeg":
        return []
    return [f"JPEG files, whose losses move every number: {', '.join(lossy)}"]


def _missing_notes(facts: Mapping[str, Any], missing: Mapping[str, str], name_files: bool) -> list[str]:
    """Which columns were not measured, and why."""
    notes = []
    if not facts["features"] and "weights_missing" in facts:
        notes.append(f"weights missing: {facts['weights_missing']}")
    notes += tables.missing_notes(missing, name_files)
    if left_out := facts.get("networks_left_out"):
        notes.append(f"features off, so not measured: {_titles(left_out)}")
    return notes


def _titles(columns: Sequence[str]) -> str:
    return ", ".join(COLUMNS[column].title for column in columns)
