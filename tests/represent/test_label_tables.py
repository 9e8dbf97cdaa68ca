"""The table of numbers in docs/parsing-files.md is the one of the code."""

from pathlib import Path

from repose.represent.label_tables import TABLES

DOCUMENT = Path(__file__).parents[2] / "docs" / "parsing-files.md"


def rows(head: str) -> list[list[str]]:
    lines = DOCUMENT.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(head))
    table = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return [table[0], *table[2:]]


def test_the_document_says_what_each_number_means() -> None:
    head, *numbers = rows("| number |")
    assert head[1:] == list(TABLES)
    for column, table in enumerate(TABLES.values(), 1):
        written = [row[column] for row in numbers if row[column]]
        assert written == [label or "not used" for label in table.labels], table.name
    assert [int(row[0]) for row in numbers] == list(range(21))


def test_the_document_lists_every_table() -> None:
    _, *tables = rows("| `--labels` |")
    assert [row[0] for row in tables] == list(TABLES)
    for row in tables:
        assert row[1].split(",")[0] == str(len(TABLES[row[0]].labels))
