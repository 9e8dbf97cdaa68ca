"""The table of documents, from result lines of `repose research photographs`."""

from __future__ import annotations

from repose.markdown import each_value, grid_table
from repose.metrics.accumulators import Score
from repose.metrics.tables import shown
from repose.record import ResultLine, or_nan, reading_line
from repose.research.photographs.columns import COLUMNS, GROUPS, OWN_POSE, SOURCE, headings


def photographs_table(lines: list[ResultLine]) -> str:
    """The newest numbers of each model on each set of photographs, beside the copied source.

    Lines of one set stand together only if they are of the same photographs and the same seed as its newest one.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line, or one lacks a key.
    """
    known = [line for line in lines if line.get("kind") == "photographs"]
    if not known:
        raise ValueError("results hold no line of `repose research photographs`")
    grid = [["photographs", "pairs", "", *headings()]]
    used: list[ResultLine] = []
    for data in sorted({str(line["data"]) for line in known}):
        of_data = [line for line in known if line["data"] == data]
        newest = of_data[-1]
        same = ("checksum", "seed", "version")
        of_data = [line for line in of_data if all(line.get(key) == newest.get(key) for key in same)]
        models = {line["model"]: line for line in of_data}
        used += models.values()
        for group in GROUPS:
            grid += _rows(data, group, models)
    about = "; ".join(f"{line['data']} `{line['checksum']}`, {line['people']} people" for line in _once(used))
    return (
        f"{grid_table(grid)}\nIn brackets 95 % bootstrap intervals over the pairs. {about}; seed "
        f"{each_value(used, 'seed')}; commit {each_value(used, 'commit', '`{}`')}, {each_value(used, 'hardware')}.\n"
    )


def _rows(data: str, group: str, models: dict[str, ResultLine]) -> list[list[str]]:
    rows: list[list[str]] = []
    for model, line in models.items():
        with reading_line(line):
            measured = line["groups"].get(group)
            if measured is None:
                continue
            first = f"{data}, {group}"
            if not rows and group != OWN_POSE:  # there the source is the target
                rows.append([first, str(measured["pairs"]), SOURCE, *_cells(measured["source"])])
            rows.append([first, str(measured["pairs"]), f"`{model}`", *_cells(measured["generated"])])
    return rows


def _cells(row: dict[str, list[float | None]]) -> list[str]:
    scores = ([or_nan(number) for number in row[column]] for column in COLUMNS)
    return [shown(Score(value, low, high), 3) for value, low, high in scores]


def _once(lines: list[ResultLine]) -> list[ResultLine]:
    """One line of each set of photographs."""
    return list({line["data"]: line for line in lines}.values())
