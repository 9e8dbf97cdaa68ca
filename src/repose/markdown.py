"""Tables as Markdown, and the values of one key in several result lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def grid_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the headings first, as a Markdown table that ends in a newline."""
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines) + "\n"


def each_value(lines: Iterable[Mapping[str, Any]], key: str, form: str = "{}") -> str:
    """The different values of a key in these lines, each formatted by `form`, separated by commas."""
    return ", ".join(dict.fromkeys(form.format(line[key]) for line in lines))
