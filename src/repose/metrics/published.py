"""The papers' numbers beside measured ones: which rows a protocol measures alike, and how they stand in tables.

They are never in a measured table, but in one of their own behind it, which says that they were not measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from repose.metrics.columns import COLUMNS
from repose.metrics.protocols import PROTOCOLS, Protocol, protocol
from repose.metrics.published_rows import PAPERS, PUBLISHED, REAL, PublishedRow

__all__ = [
    "PUBLISHED", "REAL", "PublishedRow", "heading_of", "headings", "notes_of", "published", "published_cells",
    "published_note",
]  # fmt: skip

_DETECTION: Final = "DS is of the papers' own detectors, and compares with no column of ours"
_FEW: Final = 6
"""So many rows are named that are not shown; of more the number is told."""

_COUNTING: Final = {"ours": "in this project", "released": "by the released scripts"}
_TEXT_ONLY: Final = frozenset({"name", "version", "networks", "notes", "file", "pckh_counting"})
"""What may differ between the protocol of a row and the one beside whose numbers it is shown."""


def published(measured: Protocol | str) -> tuple[PublishedRow, ...]:
    """The published rows that may be shown beside numbers of a protocol, in the order of the papers; () if none.

    Those are the rows whose own protocol measures the same, but for the file (the papers measured JPEG files), the
    columns of networks, and the head boxes that PCKh counts. So they are shown beside "patn-market@3" and
    "patn-market-jpeg@2"; a row of "pinet-fashion@2" is not shown beside "pinet-fashion@1", whose pictures have no
    padding.

    Args:
        measured: the protocol, or its name: "name@version", or "name" for its newest version.

    Raises:
        KeyError: there is no such protocol; the text names the nearest one.
    """
    asked = protocol(measured) if isinstance(measured, str) else measured
    return tuple(row for row in PUBLISHED if row.protocol and _alike(PROTOCOLS[row.protocol], asked))


def published_note(measured: Protocol) -> str:
    """The sentences under a table of published rows: whose they are, what differs, and which rows are left out."""
    rows = published(measured)
    parts = [
        "Published numbers, not measured here, on the papers' own pictures",
        "They compare only where data and pairs are the same",
    ]
    for own in dict.fromkeys(row.protocol for row in rows):
        if own != str(measured):
            parts.append(f"Their protocol is {own}{_differences(PROTOCOLS[own], measured)}")
    if any("DS" in row.printed for row in rows):
        parts.append(_DETECTION)
    parts += notes_of(rows)
    places = {(row.paper, row.table) for row in rows}
    others = [row for row in PUBLISHED if (row.paper, row.table) in places and row not in rows]
    for why in dict.fromkeys(_why(row) for row in others):
        alike = [row for row in others if _why(row) == why]
        few = ", ".join(row.method for row in alike)
        what = f"{len(alike)} rows" if len(alike) > _FEW else few
        parts.append(f"Not shown of {_places(alike)}: {what} ({why})")
    return ". ".join(parts)


def notes_of(rows: tuple[PublishedRow, ...]) -> list[str]:
    """What to know about some rows, "TABLES: what", with the methods where it is not about all rows of their tables."""
    notes = dict.fromkeys(note for row in rows for note in _notes(row))
    return [f"{_named(rows, note)}: {note}" for note in notes]


def headings(rows: tuple[PublishedRow, ...]) -> list[str]:
    """The columns that some of these rows have, in the order of tables, "DS" last."""
    columns = {column for row in rows for column in row.printed}
    return [name for name in (*COLUMNS, "DS") if name in columns]


def heading_of(column: str) -> str:
    """The heading of a column of published numbers, "SSIM ↑"."""
    if column in COLUMNS:
        return COLUMNS[column].heading
    return f"{column} ↑" if column == "DS" else column


def published_cells(rows: tuple[PublishedRow, ...]) -> list[list[str]]:
    """The cells of a table of published rows, headings first: paper and table, method, and the numbers as printed.

    "-" stands where the paper has no number.
    """
    columns = headings(rows)
    head = ["published", "method", *(heading_of(column) for column in columns)]
    return [head, *([row.place, row.method, *(row.printed.get(column, "-") for column in columns)] for row in rows)]


# -- inside ---------------------------------------------------------------------------------------------------------


def _alike(own: Protocol, other: Protocol) -> bool:
    """Whether two protocols measure the same, but for `_TEXT_ONLY`; the base names are the same, without "-jpeg"."""
    if own.name.removesuffix("-jpeg") != other.name.removesuffix("-jpeg"):
        return False
    same = {key: getattr(own, key) for key in _TEXT_ONLY}
    return replace(other, **same) == own


def _differences(own: Protocol, measured: Protocol) -> str:
    """What a row's protocol does otherwise than the one measured under, in brackets."""
    told = []
    if own.file != measured.file:
        told.append(f"{own.file.upper()} files, here {measured.file.upper()}")
    if own.pckh_counting != measured.pckh_counting:
        told.append(f"PCKh counted as {_COUNTING[own.pckh_counting]}, here as {_COUNTING[measured.pckh_counting]}")
    return f" ({'; '.join(told)})" if told else ""


def _named(rows: tuple[PublishedRow, ...], note: str) -> str:
    """The tables whose rows have a note; the methods, too, where not all of the tables' rows have it."""
    noted = [row for row in rows if note in _notes(row)]
    places = {row.place for row in noted}
    whole = len(noted) == sum(row.place in places for row in rows)
    return _places(noted) if whole else f"{', '.join(row.method for row in noted)} of {_places(noted)}"


def _notes(row: PublishedRow) -> list[str]:
    return [note for note in row.note.split("; ") if note]


def _places(rows: Sequence[PublishedRow]) -> str:
    """The tables of rows of one paper, "PATN and APATN, Tables 1, 4, 5"."""
    numbers = sorted({row.table for row in rows})
    return f"{PAPERS[rows[0].paper]}, Table{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def _why(row: PublishedRow) -> str:
    return f"measured as {row.protocol}" if row.protocol else row.note
