"""The verb generate: a model's pictures of the pairs of a store, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common, completion, reporting
from repose.cli.common import Device, Limit, StoreFolder, print_line


def generate(
    model: Annotated[
        str,
        typer.Argument(
            help="Weights by name (see `repose models`), or the folder of a run.", autocompletion=completion.models
        ),
    ],
    data: StoreFolder,
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder of the pictures.", show_default=False)],
    split: Annotated[str | None, typer.Option(help="Of the store; by default the protocol's, or test.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "-p",
            "--protocol",
            autocompletion=completion.of(completion.PROTOCOLS),
            help="Take its canvas and pairs, for `repose eval OUT -p` the same; by default the model's canvas and the "
            "pairs of the split as they are listed.",
        ),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="A CSV from,to of names in the store, in place of the split's pairs.")
    ] = None,
    names: Annotated[
        str,
        typer.Option(
            metavar="repose|gfla|patn|stems|roy",
            help="The names of the files: A_2_B.png (repose), A_2_B_vis.png (gfla: GFLA, DPTN, NTED, PIDM), "
            "A.jpg___B.jpg_vis.png (patn), A___B_vis.png (stems), fake_B/12@B.png (roy).",
        ),
    ] = "repose",
    limit: Limit = 0,
    batch: Annotated[int, typer.Option(min=1, help="Pairs at a time.")] = 32,
    seed: Annotated[int, typer.Option(help="Of a model that draws random numbers.")] = 0,
    device: Device = "auto",
) -> None:
    """Write a model's pictures of the pairs of a store into a folder, a PNG file for each pair.

    `repose eval OUT` measures them, and gives the numbers of `repose eval MODEL`; `repose study` shows them to people;
    test code of other projects reads them. An interrupted command, given again, goes on where it was. A folder with
    pictures of another model or of other weights is an error.

    [bold]repose generate patn-s-market --data data/market1501 -p patn-market -o out/patn[/bold]
    [bold]repose generate runs/mine --data data/fashion -p fashion-256 --names gfla -o out/mine[/bold]
    [bold]repose generate runs/mine --data data/fashion --pairs few.csv -o out/few[/bold]
    """
    from repose.generate import GenerateSettings
    from repose.generate import generate as write

    settings = GenerateSettings(split, protocol, pairs, limit or None, names, batch, seed, device)
    with common.progress_bar(speed=True) as bar:
        done = write(model, data, out, settings, common.progress_callback(bar, "generate"))
    was_there = f", {done.before:,} of them were there" if done.before else ""
    reporting.number(pictures=done.pictures, before=done.before)
    reporting.wrote(done.folder, "folder")
    print_line(f"{done.folder}: {done.pictures:,} pictures{was_there}")
