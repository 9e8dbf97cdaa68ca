"""The tables of result lines of `repose eval`: all models on a data set, one model on all, the rungs of our own model.

All that the tables of this package need of `repose.metrics` is imported here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from repose.bench.evaluation_lines import require_evaluation
from repose.markdown import each_value
from repose.metrics.accumulators import Score
from repose.metrics.columns import columns_from
from repose.metrics.result import REFERENCES
from repose.metrics.tables import TableRow, missing_notes
from repose.metrics.tables import markdown as score_table
from repose.record import ResultLine

_RUNG: Final = re.compile(r"rung \d+ ")
"""Such models are rungs of the ladder in docs/experiments.md; the number is their place."""


def evaluation_table(lines: list[ResultLine], data: str, protocol: str, columns: Sequence[str] | None = None) -> str:
    """The newest complete evaluation of each model on a data set: reference rows first, then the models by SSIM.

    Of a data set that was packed anew, only the newest store counts, of a protocol only the newest version: other
    numbers cannot stand beside them.

    Args:
        lines: result lines, the newest last.
        data: name of the data set.
        protocol: its name without the version.
        columns: only these, without intervals; None: all, with intervals.

    Raises:
        ValueError: there is no such line.
    """
    of_data = [line for line in _complete(lines) if line["data"] == data]
    of_protocol = [line for line in of_data if line["protocol"].split("@")[0] == protocol]
    if not of_protocol:
        raise ValueError(f"results hold no evaluation of {data} under {protocol}")
    version = max((line["protocol"] for line in of_protocol), key=lambda name: int(name.split("@")[1]))
    alike = [line for line in of_protocol if line["protocol"] == version]
    alike = [line for line in alike if line["checksum"] == alike[-1]["checksum"]]
    newest = alike[-1]
    models = by_ssim({line["model"]: line for line in alike}.values())
    missing = newest.get("networks_missing", {})
    rows = reference_rows(newest)
    # of another network: not comparable in one column
    kinds = {"features": columns_from("features"), "estimator": columns_from("joints")}
    for line in models:
        scores = read_scores(line["rows"]["generated"])
        for key, of_kind in kinds.items():
            if line.get(key) != newest.get(key):
                scores = {metric: score for metric, score in scores.items() if metric not in of_kind}
        rows.append(TableRow(f"`{line['model']}`", scores, version))
    intervals = "in brackets 95 % bootstrap intervals; "
    rows = [replace(row, missing=missing) for row in rows]
    if columns is not None:
        rows, intervals = [_short(row, columns) for row in rows], ""
    absent = missing_notes({name: why for name, why in missing.items() if columns is None or name in columns})
    caption = (
        f"{version}, {data} `{models[0]['checksum']}`, {models[0]['pairs']:,} test pairs; {intervals}"
        f"commit {each_value(models, 'commit', '`{}`')}, {each_value(models, 'hardware')}."
        f"{features_note(newest) if columns is None else ''}{''.join(f' {note}.' for note in absent)}"
    )
    return score_table(rows, caption=caption)


def model_table(lines: list[ResultLine], model: str) -> str:
    """The complete evaluations of a model's newest weights, the newest of each data set: a table for each protocol.

    Args:
        lines: result lines, the newest last. model: its name.

    Raises:
        ValueError: there is no such line.
    """
    of_model = [line for line in _complete(lines) if line["model"] == model]
    if not of_model:
        raise ValueError(
            f"results hold no evaluation of {model} on all test pairs; run `repose eval {model} --results ...` first"
        )
    weights = of_model[-1]["weights"]
    newest = {(line["data"], line["protocol"]): line for line in of_model if line["weights"] == weights}
    rows: dict[str, list[TableRow]] = {}
    for (data, protocol), line in newest.items():
        rows.setdefault(protocol, []).append(TableRow(data, read_scores(line["rows"]["generated"]), protocol))
    source = f"Weights sha256 `{weights}`.\n" if weights else "Measured from a folder of pictures.\n"
    return "\n".join([*(score_table(table, caption=f"{protocol}.") for protocol, table in rows.items()), source])


def ladder_table(lines: list[ResultLine]) -> str:
    """The rungs of our own model: the newest line of each model called "rung N WHAT", on validation people.

    Raises:
        ValueError: there is no such line.
    """
    rungs = [
        line for line in _evaluations(lines) if line["split"] == "val" and _RUNG.match(str(line["model"]))
    ]  # fmt: skip
    if not rungs:
        raise ValueError("results hold no evaluation of a rung on split val")
    rungs = like_the_newest(rungs, ("checksum", "protocol", "pairs", "estimator", "features"))
    rungs = sorted({line["model"]: line for line in rungs}.values(), key=lambda line: int(line["model"].split()[1]))
    last = rungs[-1]
    rows = reference_rows(last)
    for line in rungs:
        scores = read_scores(line["rows"]["generated"])
        rows.append(TableRow(line["model"].removeprefix("rung "), scores, last["protocol"]))
    caption = (
        f"{last['protocol']}, {last['data']} `{last['checksum']}`, {last['pairs']:,} pairs of split {last['split']}; "
        f"in brackets 95 % bootstrap intervals.{features_note(last)} Commit {each_value(rungs, 'commit', '`{}`')}."
    )
    return score_table(rows, caption=caption)


# -- what tables of scores share ------------------------------------------------------------------------------------


def read_scores(row: Mapping[str, Sequence[float | None]]) -> dict[str, Score]:
    """The scores of one row of a result line, [value, low, high] by metric.

    null was an infinite PSNR, or NaN of another metric where not one pair counted.
    """
    scores = {}
    for metric, numbers in row.items():
        null = math.inf if metric == "psnr" else math.nan
        value, low, high = (null if number is None else number for number in numbers)
        scores[metric] = Score(value, low, high)
    return scores


def reference_rows(line: ResultLine) -> list[TableRow]:
    """The rows of the real target and of the copied source, as far as the line has them."""
    rows = line["rows"]
    return [
        TableRow(label, read_scores(rows[kind]), line["protocol"]) for kind, label in REFERENCES.items() if kind in rows
    ]


def by_ssim(lines: Iterable[ResultLine]) -> list[ResultLine]:
    """Lines by the SSIM of the generated pictures, the highest first."""
    return sorted(lines, key=lambda line: -line["rows"]["generated"]["ssim"][0])


def like_the_newest(lines: list[ResultLine], keys: Sequence[str]) -> list[ResultLine]:
    """Those lines that say under these keys what the last one says."""
    return [line for line in lines if all(line.get(key) == lines[-1].get(key) for key in keys)]


def features_note(line: ResultLine) -> str:
    """The sentence of a caption that names the version of the features; empty where none were measured."""
    return f" Features: {line['features']}." if line.get("features") else ""


# -- inside ---------------------------------------------------------------------------------------------------------


def _complete(lines: list[ResultLine]) -> list[ResultLine]:
    """The evaluations of a model on all test pairs: no other split, no limit. DamagedLineError: a line is damaged."""
    return [
        line for line in _evaluations(lines) if "generated" in line["rows"]
        and line["split"] == "test" and line["pairs"] == line["pairs_in_split"]
    ]  # fmt: skip


def _evaluations(lines: list[ResultLine]) -> list[ResultLine]:
    """The lines of `repose eval`, each whole. DamagedLineError: one is not."""
    found = [line for line in lines if line.get("kind") == "evaluation"]
    for line in found:
        require_evaluation(line)
    return found


def _short(row: TableRow, columns: Sequence[str]) -> TableRow:
    """Some columns of a row, without their intervals."""
    scores = {
        name: replace(score, low=math.nan, high=math.nan) for name, score in row.scores.items() if name in columns
    }
    missing = {name: why for name, why in row.missing.items() if name in columns}
    return replace(row, scores=scores, missing=missing)


__all__ = [
    "TableRow",
    "by_ssim",
    "evaluation_table",
    "features_note",
    "ladder_table",
    "like_the_newest",
    "model_table",
    "read_scores",
    "reference_rows",
    "score_table",
]
