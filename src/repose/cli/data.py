"""The verbs on data sets: export-layout. `repose prepare` is in `data_sets.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common, reporting
from repose.cli.common import print_line


def export_layout(
    data: Annotated[Path, typer.Argument(help="The store, as `repose prepare` makes it.")],
    out: Annotated[Path, typer.Argument(help="The folder to make.")],
    png: Annotated[bool, typer.Option("--png", help="Pictures as PNG, without loss; JPEG of quality 95 else.")] = False,
) -> None:
    """Write a store in the layout of DeepFashion, so that other people's code can be tried on it.

    Pictures in train/ and test/ with DeepFashion's names, train.lst, fasion-resize-annotation-train.csv,
    fasion-resize-pairs-train.csv, and as PNG whatever the store has of parsing, DensePose's IUV, mask and depth.

    [bold]repose export-layout data/people-fashion out/fashion[/bold]
    """
    from repose.data import Store
    from repose.data.deepfashion_layout import export_layout as export

    store = Store.open(data)
    with common.progress_bar(speed=True) as bar:
        counts = export(store, out, png, common.progress_callback(bar, "export-layout"))
    reporting.number(**counts)
    print_line(f"{out}: {', '.join(f'{count:,} {split}' for split, count in counts.items())}")
