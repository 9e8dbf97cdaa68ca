"""Scores as a table for the terminal and for a document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table
from rich.text import Text

from repose.metrics.accumulators import Score

METRICS: Final = {
    "ssim": ("SSIM", "higher", 3),
    "mask_ssim": ("mask-SSIM", "higher", 3),
    "psnr": ("PSNR (dB)", "higher", 2),
    "l1": ("L1", "lower", 3),
    "pckh": ("PCKh", "higher", 3),
    "pckh_csv": ("PCKh (annotation)", "higher", 3),
    "feature_distance": ("feature distance", "lower", 3),
    "appearance": ("appearance", "higher", 3),
    "fd": ("FD", "lower", 1),
}
"""Metric -> its title, which way is better, and the digits shown."""


@dataclass(frozen=True)
class Line:
    """One row of a table: a name, its scores, and what else is to be said of it by heading, shown before them."""

    name: str
    scores: Mapping[str, Score]
    facts: Mapping[str, str] = field(default_factory=dict)


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


def rich_table(lines: Sequence[Line], title: str = "", caption: str = "") -> Table:
    """The table for the terminal. Only facts and metrics that some line has are columns."""
    # Text, not str: a name in brackets must not be read as markup
    table = Table(title=Text(title), caption=Text(caption), title_justify="left", caption_justify="left")
    table.add_column("", no_wrap=True)
    for heading in _headings(lines):
        table.add_column(heading, justify="right")
    for line in lines:
        table.add_row(Text(line.name), *_cells(line, lines, compact=True))
    return table


def markdown(lines: Sequence[Line], title: str = "", caption: str = "") -> str:
    """The same table as Markdown, ending in a newline."""
    headings = _headings(lines)
    rows = [["", *headings], ["---", *["---:"] * len(headings)]]
    rows += [[line.name.replace("|", "\\|"), *_cells(line, lines)] for line in lines]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join(part for part in (title, text, caption) if part) + "\n"


def _measured(lines: Sequence[Line]) -> list[str]:
    return [metric for metric in METRICS if any(metric in line.scores for line in lines)]


def _facts(lines: Sequence[Line]) -> list[str]:
    return list(dict.fromkeys(heading for line in lines for heading in line.facts))


def _headings(lines: Sequence[Line]) -> list[str]:
    scored = [f"{METRICS[m][0]} {'↑' if METRICS[m][1] == 'higher' else '↓'}" for m in _measured(lines)]
    return [*_facts(lines), *scored]


def _cells(line: Line, lines: Sequence[Line], compact: bool = False) -> list[str]:
    scored = [shown(line.scores.get(metric), METRICS[metric][2], compact) for metric in _measured(lines)]
    return [*(line.facts.get(heading, "") for heading in _facts(lines)), *scored]
