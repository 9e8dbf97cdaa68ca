"""The verb fetch: networks and weights beforehand."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repose.cli.common import print_line, stderr, stdout
from repose.cli.reporting import SKIPPED

if TYPE_CHECKING:
    from rich.progress import TaskID

    from repose.hub.bring import Brought, Reports
    from repose.hub.groups import Item


def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, weights or groups: photographs, hands, weights, metrics, training, all. `repose fetch --list` "
            "lists them.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of it, 1.8 GB; the same as the name all.")] = False,
    to: Annotated[
        Path | None,
        typer.Option(help="Another folder than the cache; REPOSE_FILES names it where it is used.", show_default=False),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FOLDER|URL",
            help="Copy from a folder, or fetch from a mirror, that has the files by their names.",
            show_default=False,
        ),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List what there is and what is here, and stop.")] = False,
    attempts: Annotated[int, typer.Option(min=1, help="How often a broken connection is tried.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of each as one JSON document.")] = False,
) -> None:
    """Bring estimators, networks of metrics and weights beforehand, so that no other command needs the network.

    Each file is checked against its sha256 before it takes its name, and a broken download goes on where it stopped.
    Without network: fetch on another machine with --to, carry the folder over, and give it to --from or REPOSE_FILES.

    Exit status: 0 if all is here, 3 if something could not be brought, 2 if the command line is wrong.

    [bold]repose fetch photographs[/bold]
    [bold]repose fetch all --to usb/repose[/bold]
    [bold]repose fetch all --from usb/repose[/bold]
    [bold]repose fetch carry-s-synthetic --from https://mirror.example/repose[/bold]
    """
    from repose.hub.bring import bring
    from repose.hub.groups import choose

    wanted = [*(names or []), *(["all"] if everything else [])]
    if listed or not wanted:
        _list(wanted, as_json)
        return
    items = choose(wanted)
    results: list[Brought] = []
    for item in items:
        if not as_json:
            print_line(f"{item.name}: {_size(item)}, {item.licence}; {item.purpose}")
        began = time.monotonic()
        with _progress() as reports:
            result = bring(item, to, source, reports, attempts)
        results.append(result)
        if as_json:
            continue
        if result.status == "failed":
            stderr.print("[red]failed:[/red]", end=" ")
            stderr.print(result.reason, markup=False, soft_wrap=True)
        else:
            took = "" if result.status == "here" else f" in {time.monotonic() - began:.1f} s"
            print_line(f"  {result.status}{took}: {result.path}")
    failed = [result.item.name for result in results if result.status == "failed"]
    if as_json:
        stdout.print_json(json.dumps({"items": [_as_json(result) for result in results]}))
    elif failed:
        stderr.print(f"{len(failed)} of {len(results)} could not be brought: {', '.join(failed)}", soft_wrap=True)
    if failed:
        raise typer.Exit(SKIPPED)


# -- inside ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _progress() -> Iterator[Reports]:
    """A bar for each file on a terminal; elsewhere nothing moves."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from repose.hub.bring import Reports

    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def arrived(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        def note(text: str) -> None:
            stderr.print(text, markup=False, soft_wrap=True)

        yield Reports(arrived, note)


def _list(names: list[str], as_json: bool) -> None:
    """Print what can be fetched, by groups, and whether it is here."""
    from repose.hub.bring import where
    from repose.hub.groups import GROUPS, ITEMS, choose

    items = choose(names or ["all"])
    here = {item.name: where(item) for item in items}
    if as_json:
        document = {
            "groups": {name: {"purpose": purpose, "names": members} for name, (purpose, members) in GROUPS.items()},
            "items": [
                {
                    "name": item.name,
                    "kind": item.kind,
                    "bytes": item.size,
                    "licence": item.licence,
                    "purpose": item.purpose,
                    "path": None if here[item.name] is None else str(here[item.name]),
                    "addresses": [file.url for file in item.files if file.url],
                }
                for item in items
            ],
        }
        stdout.print_json(json.dumps(document))
        return
    shown: set[str] = set()
    for group, (purpose, members) in GROUPS.items():
        if within := [ITEMS[name] for name in members if name in here and name not in shown]:
            print_line(f"{group}: {purpose}")
            for item in within:
                _line(item, here[item.name])
                shown.add(item.name)
    if rest := [item for item in items if item.name not in shown]:
        print_line("in no group:")
        for item in rest:
            _line(item, here[item.name])
    if not names:
        print_line("`repose fetch NAME` brings a file, a set of weights or a group; `repose fetch all` brings all.")


def _line(item: Item, path: Path | None) -> None:
    print_line(f"  {'missing' if path is None else 'here':8}{_size(item):>9}  {item.name}, {item.licence}")


def _size(item: Item) -> str:
    if item.size is None:
        return "? MB"
    return f"{item.size / 1e6:.1f} MB" if item.size >= 100_000 else f"{item.size / 1e3:.0f} kB"


def _as_json(result: Brought) -> dict[str, object]:
    return {
        "name": result.item.name,
        "kind": result.item.kind,
        "status": result.status,
        "path": None if result.path is None else str(result.path),
        "bytes": result.item.size,
        "sha256": {file.name: file.sha256 for file in result.item.files},
        "licence": result.item.licence,
        "reason": result.reason,
    }
