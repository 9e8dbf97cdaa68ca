"""The scores as numbers with intervals: over all pairs, by the turn of the trunk, and of people in their own pose."""

from __future__ import annotations

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from repose.metrics.accumulators import PairScores, Score, scores
from repose.metrics.tables import shown
from repose.record import ResultLine
from repose.research.photographs.columns import ALL, COLUMNS, GROUPS, OWN_POSE, VERSION, headings, turn_class
from repose.research.photographs.run import CropPair, Judged
from repose.research.photographs.scores import Scores

Group = dict[str, dict[str, Score]]
"""Row -> column of `COLUMNS` -> score with its 95 % bootstrap interval over the pairs."""


def groups_of(pair: CropPair) -> tuple[str, ...]:
    """The groups that a pair counts in."""
    return (OWN_POSE,) if pair.own_pose else (ALL, turn_class(pair.turn))


def grouped(judged: Judged) -> dict[str, tuple[int, Group]]:
    """Group -> how many pairs were scored, and the scores of every row; groups without a pair are left out."""
    members: dict[str, list[int]] = {group: [] for group in GROUPS}
    for pair in judged.drawn.pairs:
        if all(pair.number in row for row in judged.rows.values()):
            for group in groups_of(pair):
                members[group].append(pair.number)
    return {
        group: (len(numbers), {row: _scores([of_pair[n] for n in numbers]) for row, of_pair in judged.rows.items()})
        for group, numbers in members.items()
        if numbers
    }


def result_lines(judged: Judged) -> list[ResultLine]:
    """The result line of each model, without the stamp; the copied source's numbers stand on each.

    "kind" is "photographs"; "groups" holds, by group, "pairs" (how many) and by row the columns as [value, low, high].
    """
    source, *models = judged.rows
    groups = grouped(judged)
    lines = []
    for model in models:
        measured = {
            group: {"pairs": count}
            | {
                title: {column: [s.value, s.low, s.high] for column, s in rows[row].items()}
                for title, row in (("source", source), ("generated", model))
            }
            for group, (count, rows) in groups.items()
        }
        drawn = judged.drawn
        lines.append(
            {
                "kind": "photographs", "version": VERSION, "model": model, "weights": judged.weights[model],
                "data": drawn.crops, "checksum": drawn.checksum, "people": drawn.people, "seed": drawn.seed,
                "groups": measured,
            }
        )  # fmt: skip
    return lines


def print_scores(judged: Judged, screen: Console) -> None:
    """Print the table: columns are metrics, rows the copied source and the models in each group."""
    title = f"{judged.drawn.crops}: photographs of {judged.drawn.people} people, 256x176"
    table = Table(Column(no_wrap=True), *headings(), title=title, box=SIMPLE_HEAD, padding=0)
    for group, (count, rows) in grouped(judged).items():
        table.add_section()
        table.add_row(f"{group}: {count}")
        for row, of_row in rows.items():
            table.add_row(row, *(shown(of_row[column], 3, compact=True) for column in COLUMNS))
    screen.print(table)


def _scores(of_pairs: list[Scores]) -> dict[str, Score]:
    columns = {}
    for column in COLUMNS:
        values = torch.tensor([pair[column] for pair in of_pairs], dtype=torch.float64)
        counts = ~values.isnan()
        columns[column] = PairScores(values.nan_to_num(), counts.double())
    return scores(columns)
