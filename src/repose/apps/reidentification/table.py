"""The table of re-identification in the layout of PATN's Table 6, with the published rows beside."""

from __future__ import annotations

import statistics
from typing import Any, Final

from rich.table import Table

from repose.apps.reidentification.settings import NONE
from repose.markdown import each_value, grid_table
from repose.record import ResultLine

PORTIONS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RATIOS: Final = (2, 3)

PUBLISHED: Final[dict[tuple[str, str], tuple[float | None, ...]]] = {
    ("None", "Inception-v2"): (5.7, 16.6, 26.0, 33.5, 39.2, 42.2, 46.5, 49.0, 49.5, 52.7, None, None),
    ("PATN", "Inception-v2"): (42.3, 43.6, 45.7, 46.7, 48.0, 48.5, 49.1, 50.7, 51.6, 52.7, 56.6, 57.1),
    ("None", "ResNet-50"): (9.2, 27.6, 41.5, 50.3, 56.2, 58.8, 61.2, 62.7, 63.8, 65.3, None, None),
    ("VUNet", "ResNet-50"): (49.8, 51.7, 53.7, 54.5, 56.6, 58.4, 59.4, 61.3, 62.9, 65.3, 63.9, 64.1),
    ("Deform", "ResNet-50"): (51.9, 53.9, 55.4, 56.1, 57.6, 59.4, 60.5, 62.2, 63.5, 65.3, 64.2, 64.6),
    ("PATN", "ResNet-50"): (52.6, 54.5, 56.5, 56.6, 60.3, 60.9, 62.1, 63.3, 64.8, 65.3, 65.3, 65.7),
    ("PATN*", "ResNet-50"): (53.3, 55.9, 56.0, 57.3, 58.8, 60.4, 60.7, 63.1, 64.5, 65.3, 65.1, 65.4),
    ("APATN*", "ResNet-50"): (52.7, 55.7, 56.1, 57.1, 58.9, 60.2, 61.4, 63.4, 64.3, 65.3, 65.1, 65.5),
    ("None", "ResNet-50, circle loss"): (6.4, 28.8, 50.9, 63.8, 73.1, 76.2, 80.0, 81.3, 82.3, 84.7, None, None),
    ("PATN*", "ResNet-50, circle loss"): (60.5, 66.7, 69.3, 73.2, 74.8, 77.9, 79.4, 81.6, 83.1, 84.7, 84.3, 83.5),
    ("APATN*", "ResNet-50, circle loss"): (60.7, 66.2, 69.9, 72.7, 75.3, 77.4, 80.1, 81.5, 82.8, 84.7, 84.1, 83.7),
}
"""(augmentation, backbone) -> Table 6 of PATN (TPAMI): p = 0.1 to 1.0, ratio 2, ratio 3; in percent."""

_STARS: Final = {"own": "", "kept": "*", "all": "**"}

_Group = tuple[str, ...]
_Cells = dict[tuple[float, int], dict[int, ResultLine]]
_Rows = dict[tuple[str, str | None], _Cells]


def reid_table(lines: list[ResultLine]) -> str:
    """Mean average precision by portion and model, and rank-k of ours.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no line of `repose reid`.
    """
    mine = [line for line in lines if line.get("kind") == "reid"]
    if not mine:
        raise ValueError("results hold no line of `repose reid`")
    groups: dict[_Group, list[ResultLine]] = {}
    for line in mine:
        keys = ("checksum", "people", "classifier", "loss", "imagenet", "training", "split", "test", "area")
        groups.setdefault(tuple(str(line[key]) for key in keys), []).append(line)
    parts = []
    for place, group in enumerate(groups.values()):
        parts.append(_table(group, published=place == len(groups) - 1))
    return "\n".join(parts)


def short_table(lines: list[ResultLine]) -> Table:
    """The lines of one call of `reid` as a table for the screen: a row for each set, mean and spread over its seeds."""
    grid = _rank_rows(_rows(lines), max((line["seed"] for line in lines), default=0) + 1)
    table = Table(*(heading.strip("`") for heading in grid[0]), title="in percent", title_justify="left")
    for row in grid[1:]:
        table.add_row(*(cell.replace("`", "") for cell in row))
    return table


def _table(lines: list[ResultLine], published: bool) -> str:
    rows = _rows(lines)
    whole = rows.get((NONE, None), {}).get((1.0, 1), {})
    seeds = max(len(cell) for cells in rows.values() for cell in cells.values())
    keys = [*((portion, 1) for portion in PORTIONS), *((1.0, ratio) for ratio in RATIOS)]
    head = ["augmentation", "backbone", *(f"{p:g}" for p in PORTIONS), *(f"ratio {r}" for r in RATIOS)]
    grid = [head]
    backbone = _backbone(lines[0])
    for (model, poses), cells in _merged(rows).items():
        name = "None" if model == NONE else f"`{model}`{_STARS[poses or 'own']}"
        row = [_cell(whole if key == (1.0, 1) else cells.get(key, {}), seeds) for key in keys]
        grid.append([name, backbone, *row])
    if published:
        for (name, network), numbers in PUBLISHED.items():
            shown = ["-" if number is None else f"{number:.1f}" for number in numbers]
            grid.append([f"{name} (published)", network, *shown])
    text = grid_table(grid)
    text += f"\n{_caption(lines, seeds)}\n\n{grid_table(_rank_rows(rows, seeds))}"
    return text


def _rows(lines: list[ResultLine]) -> _Rows:
    """Model and poses (None where only the ratio says them) -> portion and ratio -> seed -> the newest line."""
    rows: _Rows = {}
    for line in lines:
        cells = rows.setdefault((line["model"], line["poses"] if line["ratio"] == 1 else None), {})
        cells.setdefault((line["portion"], line["ratio"]), {})[line["seed"]] = line
    return rows


def _merged(rows: _Rows) -> _Rows:
    """The ratios of a model beside its replacements: one row, as in the paper."""
    merged: _Rows = {}
    for (model, poses), cells in rows.items():
        if model != NONE and poses is None and any(m == model and p is not None for m, p in rows):
            continue
        beside = rows.get((model, None), {}) if model != NONE else {}
        merged[model, poses] = {**beside, **cells}
    return merged


def _rank_rows(rows: _Rows, seeds: int) -> list[list[str]]:
    """The cells of mAP and rank-k, the headings first; smaller portions first."""
    columns = ("mean_average_precision", "rank_1", "rank_5", "rank_10")
    grid = [["p", "augmentation", "real", "generated", "mAP", "rank-1", "rank-5", "rank-10"]]
    order = sorted({key for cells in rows.values() for key in cells})
    for key in order:
        for (model, poses), cells in rows.items():
            lines = list(cells.get(key, {}).values())
            if not lines:
                continue
            name = "None" if model == NONE else f"`{model}`{_STARS[poses or 'own']}"
            place = f"{key[0]:g}" if key[1] == 1 else f"ratio {key[1]}"
            counts = [each_value(lines, "real", "{:,}"), each_value(lines, "generated", "{:,}")]
            grid.append([place, name, *counts, *(_cell(cells[key], seeds, column) for column in columns)])
    return grid


def _cell(lines: dict[int, ResultLine], seeds: int, column: str = "mean_average_precision") -> str:
    """Mean and standard deviation in percent; how many seeds, where some are missing."""
    values = [100 * line[column] for line in lines.values()]
    if not values:
        return "-"
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}" + (f" ({len(values)})" if len(values) < seeds else "")


def _backbone(line: ResultLine) -> str:
    loss = "" if line["loss"] == "cross-entropy" else ", circle loss"
    return f"{line['classifier']}{loss}"


def _caption(lines: list[ResultLine], seeds: int) -> str:
    one, training = lines[-1], lines[-1]["training"]
    length: Any = f"{training['steps']:,} steps" if training["steps"] else f"{training['epochs']} epochs"
    count = len({line["draw"] for line in lines})
    draws = "one draw of reduced sets" if count == 1 else f"{count} draws of reduced sets"
    return (
        f"mAP in percent: mean and standard deviation over {seeds} seeds, which share {draws} (in brackets: how "
        f"many seeds, where fewer are done). "
        f"Ours: {one['data']} `{one['checksum']}`, {one['people']} people of split {one['split']}, "
        f"{one['queries']:,} queries among {one['gallery']:,} photographs of split {one['test']}; {length} of "
        f"{training['batch']} pictures; {len(lines)} classifiers; commit {each_value(lines, 'commit', '`{}`')}, "
        f"{each_value(lines, 'hardware')}. Without a star: poses of the pictures that are replaced; *: of random kept "
        "pictures; **: of random pictures of all."
    )
