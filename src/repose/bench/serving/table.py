"""What was measured of a server, for the terminal and for docs/server.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from repose.bench.serving.measure import PARTS, ServingCost
from repose.markdown import each_value, grid_table
from repose.record import ResultLine, reading_line


def read_serving(line: ResultLine) -> ServingCost:
    """Of a result line. ValueError if it lacks a key."""
    with reading_line(line):
        return ServingCost(
            line["part"], line["model"], line["photographs"], line["workers"], line["cores"], line["numbers"]
        )


def print_serving(cost: ServingCost, screen: Console) -> None:
    """Print a part."""
    head, *rows = _GRIDS[cost.part](cost)
    table = Table(*head, title=f"{cost.part}: {cost.model}, workers: {cost.workers}, cores: {cost.cores}")
    for row in rows:
        table.add_row(*row)
    screen.print(table)
    for text in cost.numbers.get("first_errors") or ():
        screen.print(f"error: {text}", markup=False, soft_wrap=True)


def serving_table(lines: list[ResultLine]) -> str:
    """The newest run of each part.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["part"]: line for line in lines if line.get("bench") == "serving"}
    if not newest:
        raise ValueError("results hold no line of `repose bench serving`")
    stamps = [newest[part] for part in PARTS if part in newest]
    parts = []
    for line in stamps:
        cost = read_serving(line)
        about = f"`{cost.model}`, {cost.photographs}, workers: {cost.workers}, cores: {cost.cores}"
        parts.append(f"{_TITLES[cost.part]} ({about}):\n\n{grid_table(_GRIDS[cost.part](cost))}")
    facts = f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}; "
    return "\n".join(parts) + f"\n{facts}commit {each_value(stamps, 'commit', '`{}`')}.\n"


# -- inside ---------------------------------------------------------------------------------------------------------

_TITLES: Final = {
    "load": "Visitors who each send the next request when the last is answered",
    "batching": "Batches beside none, two servers in turns, medians",
    "memory": "Memory over many requests, of all processes together",
    "kill": "`kill -9` of a worker under load",
}


def _load(cost: ServingCost) -> list[list[str]]:
    numbers = cost.numbers
    head = [
        "visitors", "seconds", "served", "p50, s", "p99, s", "requests a second", "processor s a request",
        "mean batch", "503 that were served later", "errors",
    ]  # fmt: skip
    return [head, [
        str(numbers["visitors"]), f"{numbers['seconds']:.0f}", str(numbers["served"]), f"{numbers['p50']:.1f}",
        f"{numbers['p99']:.1f}", f"{numbers['rate']:.2f}", f"{numbers['processor']:.2f}",
        f"{numbers['mean_batch']:.1f}", str(numbers["refused"]), str(numbers["errors"]),
    ]]  # fmt: skip


def _batching(cost: ServingCost) -> list[list[str]]:
    head = ["batch, at most", "requests a second", "processor s a request", "p50, s", "mean batch", "errors"]
    return [head, *(
        [name, f"{way['rate']:.2f}", f"{way['processor']:.3f}", f"{way['p50']:.1f}", f"{way['mean_batch']:.1f}",
         str(way["errors"])]
        for name, way in cost.numbers["ways"].items()
    )]  # fmt: skip


def _memory(cost: ServingCost) -> list[list[str]]:
    numbers = cost.numbers
    shares = {0: "before", 1: "a tenth", 5: "half", 10: "all"}
    head = ["requests", *(f"MB, {name}" for name in shares.values()), "requests a second", "errors"]
    sizes = [f"{numbers['resident'][k] / 1e6:.0f}" for k in shares]
    return [head, [f"{numbers['requests']:,}", *sizes, f"{numbers['rate']:.0f}", str(numbers["errors"])]]


def _kill(cost: ServingCost) -> list[list[str]]:
    numbers = cost.numbers
    head = [
        "visitors", "workers killed", "requests that they held", "served by another worker", "lost", "served in all",
        "back after, s",
    ]  # fmt: skip
    names = ("visitors", "kills", "held", "again", "lost", "served")
    return [head, [*(str(numbers[name]) for name in names), f"{numbers['back']:.1f}"]]


_GRIDS: Final[dict[str, Callable[[ServingCost], list[list[Any]]]]] = {
    "load": _load, "batching": _batching, "memory": _memory, "kill": _kill,
}  # fmt: skip
