"""The tables of README and docs, written from the lines in `results/`: no number is typed by hand.

A table stands between `<!-- table: NAME -->` and `<!-- /table -->`; `repose bench tables` writes each anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from repose.metrics.accumulators import Score
from repose.metrics.evaluate import REFERENCES
from repose.metrics.tables import Line as TableLine
from repose.metrics.tables import markdown

Line = dict[str, Any]

_OF_MODEL: Final = "measured-"
"""`measured-NAME` is the table of one model's card."""

_BLOCK: Final = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- /table -->)", re.DOTALL)


def write_tables(results: Path, documents: list[Path]) -> dict[Path, list[str]]:
    """Fill the tables of these Markdown files from the .jsonl files of a folder.

    Returns:
        The names of the tables that each file has.

    Raises:
        KeyError: a document names a table that is not known.
        ValueError: there is no line in the results for a table.
    """
    lines = [
        json.loads(text) for path in sorted(results.glob("*.jsonl")) for text in path.read_text().splitlines() if text
    ]
    done = {}
    for document in documents:
        names: list[str] = []

        def fill(found: re.Match[str], names: list[str] = names) -> str:
            name = found[2]
            if name not in TABLES and not name.startswith(_OF_MODEL):
                raise KeyError(f"no table is called '{name}'; there are {', '.join(TABLES)}, {_OF_MODEL}MODEL")
            names.append(name)
            model = name.removeprefix(_OF_MODEL)
            return f"{found[1]}{TABLES[name](lines) if model == name else measured(lines, model)}{found[3]}"

        text = document.read_text()
        new = _BLOCK.sub(fill, text)
        if new != text:
            document.write_text(new)
        done[document] = names
    return done


def evaluations(lines: list[Line], data: str, protocol: str) -> str:
    """The newest evaluation of each model on a data set: reference rows first, then the models by SSIM."""
    found = [
        line for line in lines if line.get("kind") == "evaluation" and line["data"] == data and line["split"] == "test"
        and line["protocol"] == protocol and line["pairs"] == line["pairs_in_split"]
    ]  # fmt: skip
    newest = {line["model"]: line for line in found if line["model"]}
    if not newest:
        raise ValueError(f"results hold no evaluation of {data} under {protocol}")
    rows = sorted(newest.values(), key=lambda line: -line["rows"]["generated"]["ssim"][0])
    references = next(iter(line for line in reversed(found) if "target" in line["rows"]))["rows"]
    shown = [TableLine(label, _scores(references[kind])) for kind, label in REFERENCES.items()]
    shown += [TableLine(f"`{line['model']}`", _scores(line["rows"]["generated"])) for line in rows]
    one = rows[0]
    caption = (
        f"{protocol}, {one['data']} `{one['checksum']}`, {one['pairs']:,} test pairs; in brackets 95 % bootstrap "
        f"intervals; commit `{one['commit']}`, {one['hardware']}."
    )
    return markdown(shown, caption=caption)


def measured(lines: list[Line], model: str) -> str:
    """Every complete evaluation of one model, the newest of each data set and protocol."""
    newest = {
        (line["data"], line["protocol"]): line
        for line in lines
        if line.get("kind") == "evaluation" and line["model"] == model and line["pairs"] == line["pairs_in_split"]
    }
    if not newest:
        raise ValueError(f"results hold no evaluation of {model}; run `repose eval {model} --results ...` first")
    rows = [
        TableLine(f"{data}, {protocol}", _scores(line["rows"]["generated"]))
        for (data, protocol), line in newest.items()
    ]
    weights = {line["weights"] for line in newest.values()}
    return markdown(rows, caption=f"weights sha256 {', '.join(f'`{digest}`' for digest in sorted(weights))}.")


def forward(lines: list[Line]) -> str:
    """The newest timing of each network under every backend."""
    newest = {line["recipe"]: line for line in lines if line.get("bench") == "forward"}
    if not newest:
        raise ValueError("results hold no line of `repose bench forward`")
    runs = list(newest.values())
    names = [row["backend"] for row in runs[0]["rows"]]
    head = ["backend"]
    for run in runs:
        head += [f"`{run['recipe']}` s", "of peak", "difference"]
    table = [head]
    for name in names:
        cells = [f"`{name}`"]
        for run in runs:
            row = next(row for row in run["rows"] if row["backend"] == name)
            if row["best"] is None:
                cells += ["did not run", "", ""]
            else:
                cells += [f"{row['best']:.3f}", f"{row['share']:.0%}", f"{row['difference']:.0e}"]
        table.append(cells)
    about = "; ".join(
        f"`{run['recipe']}` {run['gmac']:.1f} GMAC at {run['height']}x{run['width']}, peak measured beside it "
        f"{run['peak_gflops']:.0f} GFLOP/s"
        for run in runs
    )
    one = runs[0]
    return f"{_markdown(table)}\nBest of the rounds. {about}. {one['threads']} threads, {one['hardware']}, " + (
        f"torch {one['torch']}, commit `{one['commit']}`.\n"
    )


TABLES: Final[dict[str, Callable[[list[Line]], str]]] = {
    "market": lambda lines: evaluations(lines, "market1501", "patn-market@1"),
    "synthetic": lambda lines: evaluations(lines, "synthetic", "patn-market@1"),
    "forward": forward,
}


def _scores(row: dict[str, list[float | None]]) -> dict[str, Score]:
    """The scores of one row of a result line; null, which only an infinite PSNR leaves, is infinity again."""

    def number(value: float | None) -> float:
        return float("inf") if value is None else value

    return {metric: Score(number(value), number(low), number(high)) for metric, (value, low, high) in row.items()}


def _markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines) + "\n"
