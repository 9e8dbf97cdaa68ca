"""The long and the short table of what systems cost, with the figures of the papers beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from repose.bench.cost.published import OTHERS
from repose.bench.cost.result import COUNTED_SIZES, MEASURED_SIZE, SQUARE_SIZE, Cost, MeasuredRun, size_name
from repose.markdown import each_value, grid_table
from repose.models import RECIPES, PublishedCost, main_recipes, published_costs
from repose.record import ResultLine

_MOST_NAMED: Final = 12
"""Recipes that lack the same thing are named up to so many, and counted beyond."""

_ON_GPU: Final = ("pictures a second on the GPU", "GB on the GPU")
_LONG_ONLY: Final = ("M of discriminators", "with one pair", "quartiles", "of peak")


def cost_table(lines: list[ResultLine]) -> str:
    """The newest cost of each recipe of the registry, in its order; published figures beside.

    Of lines on the same settings one that is measured comes before those that are counted only.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    return _table(lines, list(RECIPES), COUNTED_SIZES)


def short_cost_table(lines: list[ResultLine]) -> str:
    """The same of each model's recipe of full size and its small one, with fewer columns."""
    return _table(lines, main_recipes(), COUNTED_SIZES[1:2], short=True)


# -- inside ---------------------------------------------------------------------------------------------------------


def _table(
    lines: list[ResultLine], recipes: Sequence[str], sizes: Sequence[tuple[int, int]], short: bool = False
) -> str:
    newest = _newest(lines)
    stamps = [newest[name] for name in recipes if name in newest and name in RECIPES]
    if not stamps:
        raise ValueError("results hold no line of `repose bench cost`")
    costs = [Cost.read(line) for line in stamps]
    runs = [cost.measured for cost in costs if cost.measured is not None]
    gpu = any(run.cuda is not None for run in runs)
    rows = [_row(cost, sizes) for cost in costs]
    left_out = (() if gpu else _ON_GPU) + (_LONG_ONLY if short else ())
    head = [name for name in rows[0] if name not in left_out]
    grid = [[*head, "published: M weights", "published: pictures a second"]]
    published = published_costs()
    for cost, row in zip(costs, rows, strict=True):
        grid.append([row[name] for name in head] + _published_cells(published.get(cost.recipe)))
    for name, other in OTHERS.items():
        grid.append([f"{name}, not here", *[""] * (len(head) - 1), *_published_cells(other)])
    notes = _notes(stamps, runs, gpu)
    if missing := _missing(costs, short):
        notes += f" Missing: {missing}."
    return f"{grid_table(grid)}\n{notes}\n"


def _newest(lines: list[ResultLine]) -> dict[str, ResultLine]:
    """The line of each recipe that counts."""
    newest: dict[str, ResultLine] = {}
    for line in lines:
        if line.get("kind") == "cost":
            before = newest.get(line["recipe"], line)
            hides = before["measured"] and not line["measured"] and before.get("digest") == line.get("digest")
            if not hides:
                newest[line["recipe"]] = line
    return newest


def _row(cost: Cost, sizes: Sequence[tuple[int, int]]) -> dict[str, str]:
    """The cells of one recipe by the head of their column."""
    weights, training, run = cost.counted.parameters, cost.counted.training, cost.measured
    more = "at least " if training.lacks else ""
    gpu = None if run is None else run.cuda
    return {
        "recipe": f"`{cost.recipe}`",
        "M weights": _millions(weights["generator"]),
        "M of discriminators": _millions(weights["objective"]),
        **{f"GMAC {size_name(size)}": _arithmetic(cost, size) for size in sizes},
        "training GB": f"{more}{training.bytes / 1e9:.2f} at batch {training.batch}",
        "with one pair": f"{more}{training.bytes_at_one / 1e9:.2f}",
        **_speed(cost),
        "inference GB": "" if run is None else f"{run.bytes / 1e9:.2f}",
        "pictures a second on the GPU": "" if gpu is None else f"{1 / gpu.seconds.median:.1f}",
        "GB on the GPU": "" if gpu is None else f"{gpu.bytes / 1e9:.2f}",
    }


def _arithmetic(cost: Cost, size: tuple[int, int]) -> str:
    """GMAC at a size; those at 256x256, with a star, where the network refuses 256x176."""
    gmac = cost.counted.gmac
    if size_name(size) in gmac:
        return f"{gmac[size_name(size)]:.1f}"
    instead = gmac.get(size_name(SQUARE_SIZE)) if size == MEASURED_SIZE else None
    return "" if instead is None else f"{instead:.1f}*"


def _speed(cost: Cost) -> dict[str, str]:
    """Pictures a second of the plain module, their quartiles, and its share of the machine's peak; a faster backend."""
    run = cost.measured
    if run is None or not run.ran:
        return {"pictures a second": "" if run is None else "did not run", "quartiles": "", "of peak": ""}
    star = "" if run.size == MEASURED_SIZE else "*"
    plain = run.ran.get("plain") or next(iter(run.ran.values()))
    text = f"{1 / plain.median:.2f}{star}"
    fastest = min(run.ran, key=lambda name: run.ran[name].median)
    if run.ran[fastest].median < plain.median:
        text += f", `{fastest}` {1 / run.ran[fastest].median:.2f}"
    share = 2 * cost.counted.gmac[size_name(run.size)] / plain.median / run.peak_gflops
    return {
        "pictures a second": text,
        "quartiles": f"{1 / plain.high:.2f} to {1 / plain.low:.2f}",
        "of peak": f"{share:.0%}",
    }


def _notes(stamps: list[ResultLine], runs: list[MeasuredRun], gpu: bool) -> str:
    """What the numbers of a cost table mean and where they come from."""
    text = (
        "GMAC: 10^9 multiply-adds of one picture by the direct sums. Training: what `repose train` forecasts for its "
        "fullest step, on a CPU; it is counted, not measured."
    )
    if runs:
        rounds = ", ".join(dict.fromkeys(str(run.rounds) for run in runs))
        peaks = [run.peak_gflops for run in runs]
        text += (
            f" Measured: one picture of {size_name(MEASURED_SIZE)}, plain eager module, median of {rounds} rounds, "
            f"weights included in the memory, the interpreter not; peak measured beside each {min(peaks):.0f} to "
            f"{max(peaks):.0f} GFLOP/s; {each_value(stamps, 'hardware')}; threads: {each_value(stamps, 'threads')}; "
            f"torch {each_value(stamps, 'torch')}."
        )
        if gpu:
            names = dict.fromkeys(run.cuda.name for run in runs if run.cuda is not None)
            text += f" GPU: {', '.join(names)}, float32, memory of tensors alone."
    sources = dict.fromkeys(one.source for one in (*published_costs().values(), *OTHERS.values()))
    return (
        f"{text} Published: {'; '.join(sources)}. * at {size_name(SQUARE_SIZE)}. "
        f"Commit {each_value(stamps, 'commit', '`{}`')}."
    )


def _missing(costs: list[Cost], short: bool) -> str:
    """Why some numbers are missing, each reason with its recipes."""
    recipes: dict[str, list[str]] = {}
    for cost in costs:
        for size, why in cost.counted.why.items():
            if short and size not in ("measured", size_name(MEASURED_SIZE)):
                continue
            recipes.setdefault(f"{'not measured' if size == 'measured' else size}: {why}", []).append(cost.recipe)
        if lacks := cost.counted.training.lacks:
            recipes.setdefault(f"training without {lacks}", []).append(cost.recipe)
    return "; ".join(
        f"{why} ({', '.join(f'`{name}`' for name in names) if len(names) <= _MOST_NAMED else f'{len(names)} recipes'})"
        for why, names in recipes.items()
    )


def _millions(count: float) -> str:
    return f"{count / 1e6:.2f}" if count else ""


def _published_cells(published: PublishedCost | None) -> list[str]:
    if published is None:
        return ["", ""]
    return [_millions(published.parameters), "" if published.rate is None else f"{published.rate:.2f}"]
