"""Scores as a table for the terminal and for a document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table
from rich.text import Text

from repose.metrics.accumulators import Score
from repose.metrics.columns import COLUMNS
from repose.metrics.protocols import shared

WIDE: Final = 6
"""More columns than these do not fit a terminal of 80 characters: there each row becomes a column."""


@dataclass(frozen=True)
class TableRow:
    """One row of a table.

    Attributes:
        name: of the row.
        scores: column -> score.
        protocol: name@version by which they were measured: there is no number without it.
        facts: further cells by heading, shown before the scores.
        missing: column -> the weight file that is not here, or "not measured: ..." for another reason.
    """

    name: str
    scores: Mapping[str, Score]
    protocol: str
    facts: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def shown(score: Score | None, digits: int, compact: bool = False) -> str:
    """ "0.150 [0.148, 0.152]", or compact with half the interval below: "0.150" and "±0.002".

    The interval is left out where it has no width or there is none; "-" where nothing was measured, "∞" for PSNR of
    equal pictures.
    """
    if score is None or math.isnan(score.value):
        return "-"
    if math.isinf(score.value):
        return "∞"
    text = f"{score.value:.{digits}f}"
    low, high = f"{score.low:.{digits}f}", f"{score.high:.{digits}f}"
    if low == text == high or math.isnan(score.low):
        return text
    return f"{text}\n±{(score.high - score.low) / 2:.{digits}f}" if compact else f"{text} [{low}, {high}]"


NO_FILE: Final = "no file"
"""The cell of a column whose weight file is not here, in every form of a table."""


def without(reason: str, compact: bool = False) -> str:
    """The cell in place of a number that was not measured, of a value of `TableRow.missing`; a file is not named."""
    if reason.startswith("not measured"):
        return "not measured" if compact else reason
    return NO_FILE


def why(reason: str) -> str:
    """A value of `TableRow.missing` in words: "not measured: ..." or "weights missing: FILE"."""
    return reason if reason.startswith("not measured") else f"weights missing: {reason}"


def missing_notes(missing: Mapping[str, str], name_files: bool = True) -> list[str]:
    """The footnotes for the cells of `without`: one for all weight files, and one for each other reason.

    Args:
        missing: as `TableRow.missing`.
        name_files: say which files they are; else only which columns lack theirs.
    """
    files: dict[str, list[str]] = {}
    reasons: dict[str, list[str]] = {}
    for column, reason in missing.items():
        kind = reasons if reason.startswith("not measured") else files
        kind.setdefault(reason, []).append(COLUMNS[column].title)
    notes = [f"{reason} ({', '.join(titles)})" for reason, titles in reasons.items()]
    if files:
        each = [f"{', '.join(titles)} ({file})" if name_files else ", ".join(titles) for file, titles in files.items()]
        notes.append(f"{NO_FILE}: the weights are not here, of {'; '.join(each) if name_files else ', '.join(each)}")
    return notes


def rich_table(rows: Sequence[TableRow], title: str = "", caption: str = "") -> Table:
    """The table for the terminal. It has the facts and columns that some row has; where they are many, as its rows.

    Raises:
        ValueError: the rows are of different protocols, or of none.
    """
    title, caption = _named(rows, title, caption)
    # Text, not str: a name in brackets must not be read as markup
    table = Table(title=Text(title), caption=Text(caption), title_justify="left", caption_justify="left")
    table.add_column("", no_wrap=True)
    cells = [_cells(row, rows, compact=True) for row in rows]
    if len(_headings(rows)) > WIDE:
        for row in rows:
            table.add_column(Text(row.name), justify="right")
        for heading, across in zip(_headings(rows), zip(*cells, strict=True), strict=True):
            table.add_row(heading, *across)
        return table
    for heading in _headings(rows):
        table.add_column(heading, justify="right")
    for row, texts in zip(rows, cells, strict=True):
        table.add_row(Text(row.name), *texts)
    return table


def markdown(rows: Sequence[TableRow], title: str = "", caption: str = "") -> str:
    """The same table as Markdown, ending in a newline. ValueError as `rich_table`."""
    title, caption = _named(rows, title, caption)
    headings = _headings(rows)
    lines = [["", *headings], ["---", *["---:"] * len(headings)]]
    lines += [[row.name.replace("|", "\\|"), *_cells(row, rows)] for row in rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join(part for part in (title, text, caption) if part) + "\n"


def table_cells(rows: Sequence[TableRow]) -> list[list[str]]:
    """The cells of the table, headings first. ValueError as `rich_table`."""
    _named(rows, "", "")
    return [["", *_headings(rows)], *([row.name, *_cells(row, rows)] for row in rows)]


def shown_columns(rows: Sequence[TableRow]) -> list[str]:
    """The names of the columns that some of these rows have, in the order of tables."""
    return [column for column in COLUMNS if any(column in row.scores or column in row.missing for row in rows)]


def _named(rows: Sequence[TableRow], title: str, caption: str) -> tuple[str, str]:
    """Title and caption, one of which names the protocol."""
    protocol = shared(row.protocol for row in rows)
    if protocol not in title and protocol not in caption:
        caption = f"{protocol}; {caption}" if caption else protocol
    return title, caption


def _facts(rows: Sequence[TableRow]) -> list[str]:
    return list(dict.fromkeys(heading for row in rows for heading in row.facts))


def _headings(rows: Sequence[TableRow]) -> list[str]:
    return [*_facts(rows), *(COLUMNS[column].heading for column in shown_columns(rows))]


def _cells(row: TableRow, rows: Sequence[TableRow], compact: bool = False) -> list[str]:
    scored = [
        without(row.missing[column], compact)
        if column in row.missing
        else shown(row.scores.get(column), COLUMNS[column].digits, compact)
        for column in shown_columns(rows)
    ]
    return [*(row.facts.get(heading, "") for heading in _facts(rows)), *scored]
