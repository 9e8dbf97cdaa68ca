"""Tables as Markdown, and what several result lines say under one key."""

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
    """What lines say under a key, each value once and as `form` writes it, with commas between."""
    return ", ".join(dict.fromkeys(form.format(line[key]) for line in lines))
