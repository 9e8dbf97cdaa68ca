"""Scores as a table for the terminal and for a document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table
from rich.text import Text

from repose.metrics.accumulators import Score
from repose.metrics.networks import COLUMNS
from repose.metrics.protocols import shared

METRICS: Final[dict[str, tuple[str, str, int]]] = {
    "ssim": ("SSIM", "higher", 3),
    "ssim_51": ("SSIM (51x51)", "higher", 3),
    "ssim_sigma_1_2": ("SSIM (sigma 1.2)", "higher", 3),
    "mask_ssim": ("mask-SSIM", "higher", 3),
    "ms_ssim": ("MS-SSIM", "higher", 3),
    "local_ssim": ("local-SSIM", "higher", 3),
    "psnr": ("PSNR (dB)", "higher", 2),
    "l1": ("L1", "lower", 3),
    "pckh": ("PCKh", "higher", 3),
    "pckh_csv": ("PCKh (annotation)", "higher", 3),
    "feature_distance": ("feature distance", "lower", 3),
    "appearance": ("appearance", "higher", 3),
    "fd": ("FD", "lower", 1),
    "kd": ("KD", "lower", 3),
    "identity": ("identity", "higher", 3),
    "clothing": ("clothing", "higher", 3),
} | {name: (spec.title, spec.better, spec.digits) for name, spec in COLUMNS.items()}
"""Metric -> its title, which way is better, and the digits shown."""


WIDE: Final = 6
"""More columns than these do not fit a terminal of 80 characters: there each row becomes a column."""


@dataclass(frozen=True)
class Line:
    """One row of a table.

    Attributes:
        name: of the row.
        scores: metric -> score.
        protocol: name@version by which they were measured: there is no number without it.
        facts: what else is to be said of it by heading, shown before the scores.
        missing: metric -> the weight file for want of which it was not measured, or "not measured: ..." for another
            reason.
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


def without(why: str, compact: bool = False) -> str:
    """What is said in the place of a number that was not measured, of a value of `Line.missing`."""
    if why.startswith("not measured"):
        return "not measured" if compact else why
    return "no file" if compact else f"weights missing: {why}"


def rich_table(lines: Sequence[Line], title: str = "", caption: str = "") -> Table:
    """The table for the terminal. Only facts and metrics that some line has are columns; of many they are rows.

    Raises:
        ValueError: the lines are of different protocols, or of none.
    """
    title, caption = _named(lines, title, caption)
    # Text, not str: a name in brackets must not be read as markup
    table = Table(title=Text(title), caption=Text(caption), title_justify="left", caption_justify="left")
    table.add_column("", no_wrap=True)
    cells = [_cells(line, lines, compact=True) for line in lines]
    if len(_headings(lines)) > WIDE:
        for line in lines:
            table.add_column(Text(line.name), justify="right")
        for heading, across in zip(_headings(lines), zip(*cells, strict=True), strict=True):
            table.add_row(heading, *across)
        return table
    for heading in _headings(lines):
        table.add_column(heading, justify="right")
    for line, row in zip(lines, cells, strict=True):
        table.add_row(Text(line.name), *row)
    return table


def markdown(lines: Sequence[Line], title: str = "", caption: str = "") -> str:
    """The same table as Markdown, ending in a newline. ValueError as `rich_table`."""
    title, caption = _named(lines, title, caption)
    headings = _headings(lines)
    rows = [["", *headings], ["---", *["---:"] * len(headings)]]
    rows += [[line.name.replace("|", "\\|"), *_cells(line, lines)] for line in lines]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join(part for part in (title, text, caption) if part) + "\n"


def grid(lines: Sequence[Line]) -> list[list[str]]:
    """The cells of the table, headings first; ValueError as `rich_table`."""
    _named(lines, "", "")
    return [["", *_headings(lines)], *([line.name, *_cells(line, lines)] for line in lines)]


def measured(lines: Sequence[Line]) -> list[str]:
    """The metrics that are columns of these lines, in their order."""
    return [metric for metric in METRICS if any(metric in line.scores or metric in line.missing for line in lines)]


def _named(lines: Sequence[Line], title: str, caption: str) -> tuple[str, str]:
    """Title and caption, one of which names the protocol."""
    made = shared(line.protocol for line in lines)
    if made not in title and made not in caption:
        caption = f"{made}; {caption}" if caption else made
    return title, caption


def _facts(lines: Sequence[Line]) -> list[str]:
    return list(dict.fromkeys(heading for line in lines for heading in line.facts))


def _headings(lines: Sequence[Line]) -> list[str]:
    scored = [f"{METRICS[m][0]} {'↑' if METRICS[m][1] == 'higher' else '↓'}" for m in measured(lines)]
    return [*_facts(lines), *scored]


def _cells(line: Line, lines: Sequence[Line], compact: bool = False) -> list[str]:
    scored = [
        without(line.missing[metric], compact)
        if metric in line.missing
        else shown(line.scores.get(metric), METRICS[metric][2], compact)
        for metric in measured(lines)
    ]
    return [*(line.facts.get(heading, "") for heading in _facts(lines)), *scored]
