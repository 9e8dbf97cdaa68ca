"""From answers to rates with intervals, beside the numbers that papers published.

R2G is the share of real pictures rated as generated, G2R that of generated ones rated as real (PATN, Table 3). All
answers are counted together, not each session's share averaged: "the mean of global aggregation of all submissions"
(Multi-scale, section 4.2). Accuracy is the share of right answers; as many real as generated ones make it
1 - (R2G + G2R) / 2.

Two intervals of 95 % belong to a rate. Wilson's takes the answers for independent. They are not, some people see better
than others, so the one to cite draws people again, not answers (cluster bootstrap, percentiles).
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from rich.table import Table
from rich.text import Text

from repose.files import replacing
from repose.study.sessions import Study
from repose.study.times import FLAGS

RESAMPLES: Final = 5000

Interval = tuple[float, float]


@dataclass(frozen=True)
class Rate:
    """A share of answers, its interval over answers (Wilson) and over people (bootstrap; NaN of a single person)."""

    hits: int
    of: int
    wilson: Interval
    people: Interval

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else math.nan


@dataclass(frozen=True)
class StudyRow:
    """One line of a table; a published one has `numbers`, percent as printed there, ours `rates`.

    Attributes:
        protocol: which of `STUDIES` a published row belongs to; empty where it was taken over from another paper.
    """

    name: str
    seconds: float | None
    participants: int | None
    rates: Mapping[str, Rate] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    protocol: str = ""


@dataclass(frozen=True)
class Results:
    """The rows of a study, and the number of answers by flag and of sessions.

    Attributes:
        unanswered: pictures without an answer in time, of how many timed ones that count, and what they count as.
    """

    protocol: str
    question: str
    columns: tuple[str, ...]
    rows: tuple[StudyRow, ...]
    begun: int
    finished: int
    flagged: Mapping[str, int]
    unanswered: tuple[int, int, str] = (0, 0, "")


def _published(
    source: str, seconds: float | None, people: int, *rows: tuple[str, Mapping[str, str]], protocol: str = ""
) -> list[StudyRow]:
    return [
        StudyRow(name, seconds, people or None, numbers=numbers, source=source, protocol=protocol)
        for name, numbers in rows
    ]


_T2, _T3, _DPT = "Multi-scale, Table 2", "PATN/APATN, Table 3, DeepFashion", "Dense Pose Transfer, Table 2"
_T3M = "PATN/APATN, Table 3, Market-1501"
_RELEASED = "roy-released@1"  # docs/study.md says why

PUBLISHED: Final[dict[str, tuple[StudyRow, ...]]] = {
    "realism": (
        *_published(
            _T2, 1.0, 0,
            ("PG2", {"R2G": "9.20", "G2R": "14.90", "accuracy": "87.95"}),
            ("Deformable GAN", {"R2G": "12.42", "G2R": "24.61", "accuracy": "81.49"}),
            ("PATN", {"R2G": "19.14", "G2R": "31.78", "accuracy": "74.54"}),
        ),
        *_published(
            _T2, 5.0, 61, ("Multi-scale", {"R2G": "25.90", "G2R": "54.26", "accuracy": "59.92"}), protocol=_RELEASED
        ),
        *_published(
            _T2, None, 61, ("Multi-scale", {"R2G": "30.37", "G2R": "46.30", "accuracy": "61.67"}), protocol=_RELEASED
        ),
        *_published(
            _T3, 1.0, 0,
            ("PG2", {"R2G": "9.2", "G2R": "14.9"}),
            ("Deformable GAN", {"R2G": "12.42", "G2R": "24.61"}),
            ("Tang et al.", {"R2G": "21.61", "G2R": "33.75"}),
        ),
        *_published(
            _T3, 1.0, 30, ("PATN", {"R2G": "19.14", "G2R": "31.78"}), ("APATN", {"R2G": "20.26", "G2R": "35.51"}),
            protocol="patn@1",
        ),
        *_published(
            _T3M, 1.0, 0,
            ("PG2", {"R2G": "11.2", "G2R": "5.5"}),
            ("Deformable GAN", {"R2G": "22.67", "G2R": "50.24"}),
            ("Tang et al.", {"R2G": "35.28", "G2R": "65.16"}),
        ),
        *_published(
            _T3M, 1.0, 30, ("PATN", {"R2G": "32.23", "G2R": "63.47"}), ("APATN", {"R2G": "34.17", "G2R": "70.32"}),
            protocol="patn@1",
        ),
        *_published(
            _DPT, 1.0, 0,
            ("PG2", {"R2G": "9.2", "G2R": "14.9"}),
            ("Deformable GAN, experts", {"R2G": "12.4", "G2R": "24.6"}),
        ),
        *_published(
            _DPT, 1.0, 30,
            ("Deformable GAN, AMT", {"R2G": "11.8", "G2R": "23.5"}),
            ("Dense Pose Transfer, AMT", {"R2G": "13.1", "G2R": "17.2"}),
            protocol="dpt-realism@1",
        ),
    ),
    "anatomy": (
        *_published(
            _DPT, 1.0, 30,
            ("Deformable GAN, AMT", {"real": "77.5", "generated": "34.1"}),
            ("Dense Pose Transfer, AMT", {"real": "75.6", "generated": "40.7"}),
            protocol="dpt-anatomy@1",
        ),
    ),
    "pose": (
        *_published(
            _DPT, 1.0, 30,
            ("Deformable GAN, AMT", {"generated": "69.3"}),
            ("Dense Pose Transfer, AMT", {"generated": "78.2"}),
            protocol="dpt-pose@1",
        ),
    ),
    "preference": (),
}  # fmt: skip
"""Question -> the papers' rows, percent. People and protocol are given where the paper itself asked people."""

COLUMNS: Final = {
    "realism": ("R2G", "G2R", "accuracy"),
    "anatomy": ("real", "generated"),
    "pose": ("generated",),
    "preference": ("preferred",),
}
_MEANING: Final = {
    "realism": "R2G: real pictures rated as generated; G2R: generated ones rated as real",
    "anatomy": "bodies found plausible, of real and of generated pictures",
    "pose": "generated pictures found in the same pose as their target",
    "preference": "comparisons in which the first method was chosen",
}


def wilson(hits: int, of: int, level: float = 0.95) -> Interval:
    """The score interval of a share. NaN of nothing.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if not 0 <= hits <= of:
        raise ValueError(f"wilson: hits are 0 to {of}, got {hits}")
    if of == 0:
        return math.nan, math.nan
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, scale = hits / of, 1 + z**2 / of
    centre = (share + z**2 / (2 * of)) / scale
    half = z * math.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)) / scale
    # at the ends the formula is exact in numbers, not in floats
    return 0.0 if hits == 0 else centre - half, 1.0 if hits == of else centre + half


def people_interval(
    hits: Sequence[int], of: Sequence[int], level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Percentile bootstrap of sum(hits) / sum(of) over people. NaN of less than two people.

    Args:
        hits, of: of every person, equally many.
        resamples: how often as many people are drawn with replacement.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13; Davison, Hinkley, "Bootstrap Methods
    and their Application", 1997, section 3.8, for drawing whole clusters.
    """
    if len(hits) != len(of):
        raise ValueError(f"people_interval: {len(hits)} people have hits, {len(of)} have answers")
    pairs = np.array([(h, n) for h, n in zip(hits, of, strict=True) if n > 0], dtype=np.float64)
    if len(pairs) < 2:
        return math.nan, math.nan
    picks = np.random.default_rng(seed).integers(len(pairs), size=(resamples, len(pairs)))  # (R, P)
    sums = pairs[picks].sum(1)  # (R, 2)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def results(study: Study, *, flagged: bool = False, unfinished: bool = False) -> Results:
    """The rates of a study, a row for each method (for preference each two methods) and track.

    Args:
        flagged: count answers whose times cannot be right (`FLAGS`) too.
        unfinished: count sessions that were not finished too. A paper's submission is a whole session.
    """
    question = study.protocol.question
    counting = [row for row in study.answers() if not row["practice"] and (unfinished or row["finished"])]
    marks = {flag: sum(flag in row["flags"] for row in counting) for flag in FLAGS}
    kept = [row for row in counting if flagged or not row["flags"]]
    rows: list[StudyRow] = []
    groups: list[tuple[str, list[dict[str, Any]]]] = []
    if question == "preference":
        for one, two in combinations(study.methods, 2):
            duo = [row for row in kept if {row["method"], row["other"]} == {one, two}]
            groups.append((f"{one} over {two}", [row | {"hit": _chosen(row) == one} for row in duo]))
    else:
        # real pictures belong to the method that their session judges
        groups = [(name, [row for row in kept if row["judges"] == name]) for name in study.methods]
    for track, seconds in enumerate(study.protocol.seconds):
        for name, mine in groups:
            here = [row for row in mine if row["track"] == track]
            people = len({row["session"] for row in here})
            rates = {column: _rate(_judged(column, here)) for column in COLUMNS[question]}
            rows.append(StudyRow(name, seconds, people, rates))
    begun, finished = study.sessions()
    flag_counts = {flag: count for flag, count in marks.items() if count}
    timed = [row for row in kept if study.protocol.whole(row["seconds"])]
    without = sum(not row["answered"] for row in timed), len(timed), study.protocol.unanswered
    return Results(str(study.protocol), question, COLUMNS[question], tuple(rows), begun, finished, flag_counts, without)


def _judged(column: str, rows: Sequence[dict[str, Any]]) -> list[tuple[int, bool]]:
    """(session, hit) of every answer that a column counts."""
    real = [row for row in rows if row["kind"] == "real"]
    generated = [row for row in rows if row["kind"] == "generated"]
    match column:
        case "R2G":
            return [(row["session"], row["choice"] == "fake") for row in real]
        case "G2R":
            return [(row["session"], row["choice"] == "real") for row in generated]
        case "accuracy":
            return [(row["session"], row["right"]) for row in rows]
        case "real":
            return [(row["session"], row["choice"] == "plausible") for row in real]
        case "generated":
            return [(row["session"], row["choice"] in ("plausible", "same")) for row in generated]
        case _:
            return [(row["session"], row["hit"]) for row in rows]


def _rate(judged: Sequence[tuple[int, bool]]) -> Rate:
    people = sorted({session for session, _ in judged})
    hits = [sum(hit for session, hit in judged if session == one) for one in people]
    of = [sum(session == one for session, _ in judged) for one in people]
    return Rate(sum(hits), sum(of), wilson(sum(hits), sum(of)), people_interval(hits, of))


def _chosen(row: Mapping[str, Any]) -> str:
    """The method whose picture was preferred."""
    return str(row["method"] if row["choice"] == "one" else row["other"])


# -- shown ----------------------------------------------------------------------------------------------------------


def table_lines(outcome: Results, published: bool = True) -> tuple[list[str], list[list[str]]]:
    """The table as headings and rows of text, in percent; published rows last, with their source."""
    headings = ["method", "seconds", "people", *(f"{column} %" for column in outcome.columns), "source"]
    rows = []
    for row in (*outcome.rows, *(PUBLISHED[outcome.question] if published else ())):
        seconds = "∞" if row.seconds is None else f"{row.seconds:g}"
        cells = [_cell(row, column) for column in outcome.columns]
        people = "" if row.participants is None else str(row.participants)
        of = f", {row.protocol}" if row.protocol else ""
        source = f"published: {row.source}{of}" if row.source else outcome.protocol
        rows.append([row.name, seconds, people, *cells, source])
    return headings, rows


def caption(outcome: Results) -> str:
    """What the numbers mean and what they leave out, in a few lines."""
    text = [
        f"{_MEANING[outcome.question]}.",
        "Intervals of 95 %: first over people (cluster bootstrap; the one to cite), then over answers (Wilson).",
        f"{outcome.finished} sessions finished of {outcome.begun} begun.",
    ]
    without, of, counts = outcome.unanswered
    if of:
        text.append(f"{without} of {of} pictures with a time limit had no answer in time and count as '{counts}'.")
    if outcome.flagged:
        marks = ", ".join(f"{count} {flag} ({FLAGS[flag]})" for flag, count in outcome.flagged.items())
        text.append(f"Answers with impossible times: {marks}.")
    if 0 < max((row.participants or 0 for row in outcome.rows), default=0) < 10:
        text.append("Fewer than ten people: the interval over people is too narrow.")
    return "\n".join(text)


def results_table(outcome: Results, published: bool = True) -> Table:
    """The table for the terminal."""
    headings, rows = table_lines(outcome, published)
    # Text, not str: a name in brackets must not be read as markup
    table = Table(
        title=Text(outcome.protocol), caption=Text(caption(outcome)), title_justify="left", caption_justify="left"
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("method", "source") else "right")
    ours = len(outcome.rows)
    for number, row in enumerate(rows):
        table.add_row(
            *(Text(cell) for cell in row), style=None if number < ours else "dim", end_section=number == ours - 1
        )
    return table


def results_markdown(outcome: Results, published: bool = True) -> str:
    """The same as Markdown, ending in a newline."""
    headings, rows = table_lines(outcome, published)
    table = [headings, ["---", *["---:"] * (len(headings) - 2), "---"]]
    table += [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in table) + f"\n\n{caption(outcome)}\n"


def export(study: Study, path: Path | str) -> int:
    """Write every answer, practice and flagged ones included, and say how many.

    Args:
        path: .csv has a line for each answer; .json the answers, and the protocol and data that they belong to.

    Raises:
        ValueError: another ending, or the study is damaged.
        OSError: the file cannot be written, because the disk is full, say; one that was there stays as it was.
    """
    path, answers = Path(path), study.answers()
    if path.suffix == ".json":
        facts = {name: study.facts[name] for name in ("protocol", "methods", "seed", "data")}
        text = json.dumps({"study": str(study.protocol), **facts, "answers": answers}, indent=1, ensure_ascii=False)
        text += "\n"
    elif path.suffix == ".csv":
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            row | {"pictures": "|".join(row["pictures"]), "flags": " ".join(row["flags"])} for row in answers
        )
        text = buffer.getvalue()
    else:
        raise ValueError(f"{path}: answers are written as .csv or .json")
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return len(answers)


FIELDS: Final = (
    "session", "judges", "finished", "position", "track", "practice", "seconds", "kind", "method", "other", "pictures",
    "choice", "right", "exposure", "reaction", "elapsed", "flags", "answered",
)  # fmt: skip
"""Columns of the exported CSV."""


def _cell(row: StudyRow, column: str) -> str:
    if column in row.numbers:
        return row.numbers[column]
    rate = row.rates.get(column)
    if rate is None or not rate.of:
        return "-"
    parts = [f"{100 * rate.value:.1f}"]
    for low, high in (rate.people, rate.wilson):
        parts.append("[-]" if math.isnan(low) else f"[{100 * low:.1f}, {100 * high:.1f}]")
    return "\n".join(parts)
