"""The verb doctor: what is installed, found and missing."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from repose.cli.common import print_line, stdout

TRANSFERS_DO_NOT_WORK = 2
"""The exit status where transfers do not work."""


def doctor(
    trying: Annotated[
        bool,
        typer.Option(
            "--try",
            help="Also do it: compute, find joints, transfer, render, write a clip. Takes some seconds.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON document.")] = False,
) -> None:
    """Say what is installed, found and missing, what each missing thing would give, and the command that brings it.

    Weights and networks are checked against their sha256. Nothing is changed or fetched; with --try, a network that is
    missing may be fetched.

    Exit status: 0 if transfers work, 2 if not.

    [bold]repose doctor[/bold]
    [bold]repose doctor --try[/bold]
    [bold]repose doctor --json[/bold]
    """
    from repose.doctor import examine
    from repose.extras import FROM_A_CHECKOUT

    report = examine(trying)
    if as_json:
        stdout.print_json(json.dumps(report.as_dict()))
    else:
        for line in report.lines():
            print_line(line)
        if any("pose-transfer" in one.todo for one in report.findings if one.status != "ok"):
            print_line(FROM_A_CHECKOUT)
    if not report.works:
        raise typer.Exit(TRANSFERS_DO_NOT_WORK)
