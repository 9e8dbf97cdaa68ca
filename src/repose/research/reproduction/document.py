"""The generated part of docs/reproduce.md."""

from __future__ import annotations

from collections.abc import Iterator

from repose.markdown import grid_table
from repose.metrics.published import PUBLISHED, heading_of, headings, notes_of
from repose.metrics.published_rows import PAPERS, PublishedRow
from repose.models import recipe
from repose.recipes import iterations, override
from repose.research.reproduction.paper_tables import TABLES
from repose.research.reproduction.plan import DATA, Measurement, PaperTable


def reproduction_page() -> str:
    """An overview of all tables, then each paper: its data, and of each table commands, needs, limits and its rows."""
    parts = [grid_table([["table", "what", "commands", "what cannot be repeated"], *map(_summary, TABLES)])]
    for paper, title in PAPERS.items():
        tables = [table for table in TABLES if table.paper == paper]
        parts += [f"## {title}\n", _data(tables), *map(_section, tables)]
    return "\n".join(parts)


def rows_of(table: PaperTable) -> list[PublishedRow]:
    """The published rows of the tables that it repeats."""
    return [row for row in PUBLISHED if row.paper == table.paper and row.table in table.numbers]


# -- inside ---------------------------------------------------------------------------------------------------------


def _summary(table: PaperTable) -> list[str]:
    """The row of the overview."""
    numbers = " and ".join(map(str, table.numbers))
    verbs = dict.fromkeys(_verb(line) for line in table.lines())
    return [f"{PAPERS[table.paper]}, {numbers}", table.title, ", ".join(f"`{verb}`" for verb in verbs),
            table.missing or "nothing"]  # fmt: skip


def _verb(line: str) -> str:
    """ "train" of "repose train ...", "bench cost", "scripts/train_font.py"."""
    words = line.split()
    if words[0] != "repose":
        return words[1]
    return " ".join(words[1:3]) if words[1] in ("bench", "study") else words[1]


def _data(tables: list[PaperTable]) -> str:
    """The commands that pack the data of a paper."""
    names = dict.fromkeys(one.data for table in tables for one in table.measurements)
    needs = "\n".join(f"- `{DATA[name].store}`: {DATA[name].needs}." for name in names)
    lines = "\n".join(DATA[name].prepare for name in names)
    return f"{needs}\n\n```bash\n{lines}\n```\n"


def _section(table: PaperTable) -> str:
    """One table of a paper."""
    facts = [f"- Training: {_trainings(table)}." if table.measurements else "",
             f"- Needs: {table.needs}." if table.needs else "",
             f"- Cannot be repeated: {table.missing or 'nothing is missing'}.",
             f"- More: [{table.page}]({table.page})." if table.page else ""]  # fmt: skip
    text = [
        f"### {PAPERS[table.paper]}, {table.heading}\n",
        *(fact for fact in facts if fact),
        "",
        "```bash",
        *table.lines(),
        "```",
        "",
    ]
    return "\n".join([*text, *_rows(table)])


def _trainings(table: PaperTable) -> str:
    """ "9 runs of 87,500 steps of 32 ..." of the different lengths."""
    lengths: dict[tuple[int, int], int] = {}
    for one in table.measurements:
        for run in one.runs:
            chosen = override(recipe(run.recipe), list(run.settings))
            key = (iterations(chosen), chosen.data.batch)
            lengths[key] = lengths.get(key, 0) + 1
    told = [
        f"{count} run{'s' * (count > 1)} of {steps:,} steps of {batch} pair{'s' * (batch > 1)}"
        for (steps, batch), count in lengths.items()
    ]
    return ", ".join(told)


def _rows(table: PaperTable) -> Iterator[str]:
    """The paper's own numbers, a table for each protocol, each row with the run that repeats it."""
    rows = rows_of(table)
    for measurement in table.measurements:
        chosen = tuple(row for row in rows if row.protocol == measurement.protocol)
        yield _published(f"Published, by `{measurement.protocol}`", chosen, measurement)
        if notes := notes_of(chosen):
            yield f"{'. '.join(notes)}.\n"
    protocols = {measurement.protocol for measurement in table.measurements}
    for own in dict.fromkeys(row.protocol for row in rows if row.protocol not in protocols):
        for note in dict.fromkeys(row.note for row in rows if row.protocol == own):
            chosen = tuple(row for row in rows if row.protocol == own and row.note == note)
            head = f"Published, by `{own}`" if own else "Published, and no protocol here compares"
            yield _published(f"{head}: {note}", chosen, None)


def _published(title: str, rows: tuple[PublishedRow, ...], measurement: Measurement | None) -> str:
    columns = headings(rows)
    runs = () if measurement is None else measurement.runs
    grid = [["row", "run", *(heading_of(column) for column in columns)]]
    for row in rows:
        own = ", ".join(f"`{run.folder}`" for run in runs if row.method in run.rows)
        place = f" (Table {row.table})" if len({one.table for one in rows}) > 1 else ""
        grid.append([row.method + place, own or "-", *(row.printed.get(column, "-") for column in columns)])
    return f"{title}:\n\n{grid_table(grid)}"
