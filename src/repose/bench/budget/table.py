"""Recipes after equal minutes, in one table: for documents and for the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rich.console import Console

from repose.bench.evaluations import (
    TableRow,
    by_ssim,
    features_note,
    like_the_newest,
    read_scores,
    reference_rows,
    score_table,
)
from repose.markdown import each_value
from repose.metrics.tables import rich_table
from repose.record import ResultLine

_TERMS: Final = (
    "protocol", "checksum", "split", "pairs", "minutes", "threads", "side_by_side", "estimator", "features"
)  # fmt: skip
"""Keys of a line of `repose bench budget` that are equal for all that stand in one table."""

_FIELDS: Final = {"iuv": "IUV", "parsing": "parsing", "mask": "mask", "depth": "depth"}
"""Field of a person -> its name in the column of what a model reads."""


def budget_table(lines: list[ResultLine], data: str, minutes: str | None = None, name: str | None = None) -> str:
    """The newest comparison of recipes after equal minutes on a data set: the lines on the terms of the newest one.

    Args:
        lines: result lines, the newest last.
        data: name of the data set. minutes: of these alone, such as "8". name: of the models of this name, or that
            begin with it and a hyphen, alone.

    Raises:
        ValueError: there is no such line.
    """
    chosen = [line for line in lines if line.get("kind") == "budget" and line["data"] == data]
    if minutes is not None:
        chosen = [line for line in chosen if f"{line['minutes']:g}" == minutes]
    if name is not None:
        chosen = [line for line in chosen if f"{line['model']}-".startswith(f"{name}-")]
    if not chosen:
        asked = ("" if minutes is None else f" of {minutes} minutes") + ("" if name is None else f" of {name}")
        raise ValueError(f"results hold no line of `repose bench budget`{asked} on {data}")
    newest = list({line["model"]: line for line in like_the_newest(chosen, _TERMS)}.values())
    return score_table(budget_rows(newest), caption=budget_caption(newest))


def print_budget(lines: list[ResultLine], screen: Console) -> None:
    """Print what each recipe had, and its scores."""
    rows = budget_rows(lines)
    spent = [replace(row, scores={}) for row in rows if row.facts]  # in a table of its own: a terminal is narrow
    screen.print(rich_table(spent, f"after {lines[-1]['minutes']:g} minutes"))
    screen.print(rich_table([replace(row, facts={}) for row in rows], "", budget_caption(lines)))


def budget_rows(lines: list[ResultLine]) -> list[TableRow]:
    """The rows of a comparison on equal terms: the references, then the models by SSIM.

    Raises:
        ValueError: some lines have the columns of features and others do not, or those of another version.
    """
    versions = {str(line.get("features")) for line in lines}
    if len(versions) > 1:
        raise ValueError(f"lines of different features cannot stand in one table: {', '.join(sorted(versions))}")
    rows = reference_rows(lines[-1])
    for line in by_ssim(lines):
        facts = {
            "parameters": f"{line['parameters'] / 1e6:.2f} M",
            "GMAC": f"{line['gmac']:.2f}",
            "images": f"{line['images']:,}",
            "minutes": f"{line['minutes_used']:.1f}",
        }
        if any("needs" in other for other in lines):
            facts["reads beside photograph and joints"] = _reads(line)
        rows.append(TableRow(f"`{line['model']}`", read_scores(line["rows"]["generated"]), line["protocol"], facts))
    return rows


def budget_caption(lines: list[ResultLine]) -> str:
    """What is equal for the lines of a comparison."""
    last = lines[-1]
    count = f"{last['pairs']:,}"
    if last["pairs"] < last["pairs_in_split"]:
        count += f" of {last['pairs_in_split']:,}"
    note = f" Weights missing: {last['weights_missing']}." if "weights_missing" in last else features_note(last)
    beside = f", {last['side_by_side']} runs side by side" if last["side_by_side"] > 1 else ""
    return (
        f"{last['protocol']}, {last['data']} `{last['checksum']}`, {count} {last['split']} pairs; in brackets 95 % "
        f"bootstrap intervals. Each trained for {last['minutes']:g} minutes on {last['threads']} thread"
        f"{'s' if last['threads'] > 1 else ''}{beside}, both directions, last averaged weights.{note} "
        f"Commit {each_value(lines, 'commit', '`{}`')}, {each_value(lines, 'hardware')}."
    )


def _reads(line: ResultLine) -> str:
    """What a model is given beside the source's picture and joints and the target's joints."""
    needs = line.get("needs")
    if needs is None:
        return "?"
    sides = {
        side: [name for name in needs[side] if name not in ("image", "keypoints")] for side in ("source", "target")
    }
    given = [f"{side}'s {_FIELDS[name]}" for side, names in sides.items() for name in names]
    return ", ".join(given) or "nothing"
