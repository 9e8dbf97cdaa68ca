"""The verbs on data sets: prepare, export-layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from repose.cli import common
from repose.cli.common import console, say, screen
from repose.names import nearest

if TYPE_CHECKING:
    from repose.data import Report


def prepare(
    dataset: Annotated[str, typer.Argument(help="market1501 or synthetic.")],
    folder: Annotated[Path | None, typer.Argument(help="Where the data set lies (nothing for synthetic).")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The store; data/DATASET or data/SET.")] = None,
    named: Annotated[
        str | None,
        typer.Option(
            "--set", help="synthetic: people-s, people-market, people-fashion or people-1024, sets with a name."
        ),
    ] = None,
    people: Annotated[
        int | None,
        typer.Option(
            min=3, help="synthetic: how many people, 200 by default; of --set: only so many.", show_default=False
        ),
    ] = None,
    images: Annotated[
        int | None, typer.Option(min=2, max=100, help="synthetic: pictures of each, 8 by default.", show_default=False)
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="synthetic: HEIGHTxWIDTH, 128x64 by default.", show_default=False)
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            help="synthetic: street (small and cluttered), fashion (as in a catalogue), mixed (both; the default), or "
            "plain (single colours, for comparison).",
            show_default=False,
        ),
    ] = None,
    validation: Annotated[int, typer.Option(help="market1501: training people held out for validation.")] = 30,
    workers: Annotated[int, typer.Option(min=0, help="synthetic: processes; 0 for one a core.")] = 0,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Of every random draw; by default 0 for market1501 and 1 for synthetic, which takes up to 999,999.",
            show_default=False,
        ),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="synthetic: begin anew where a run was interrupted.")] = False,
) -> None:
    """Pack a data set into a store: one folder of memory-mapped arrays that training and evaluation read.

    Whatever cannot be used is named with the reason and skipped; the list stands in meta.json. A sheet of samples is
    left in the store.

    Rendered people are made on all cores. Killed at any moment, the same command goes on where it was.

    [bold]repose prepare market1501 Market-1501-v15.09.15 -o data/market1501[/bold]
    [bold]repose prepare synthetic --set people-fashion[/bold]
    [bold]repose prepare synthetic --set people-fashion --people 300 -o data/few[/bold]
    [bold]repose prepare synthetic --people 500 --images 8 --size 256x176 --style street -o data/people[/bold]
    """
    from repose.data import PREPARERS
    from repose.names import resolve

    if dataset not in PREPARERS:
        raise ValueError(f"no data set is called '{dataset}'; {nearest(dataset, PREPARERS)}")
    given = {"--set": named, "--people": people, "--images": images, "--size": size, "--style": style, "--seed": seed}
    extra = {option for option, value in given.items() if value is not None}
    if dataset != "synthetic":
        if extra := extra - {"--seed"}:
            raise ValueError(f"{', '.join(sorted(extra))}: for synthetic people only, not for {dataset}")
        if folder is None:
            raise ValueError(f"`repose prepare {dataset} FOLDER` needs the folder of the data set")
    elif folder is not None:
        raise ValueError(f"synthetic people are read from no folder; `-o {folder}` says where the store goes")
    elif named is not None and (extra := extra - {"--set", "--people"}):
        raise ValueError(f"{named} has a fixed content: leave {', '.join(sorted(extra))} away, or leave --set away")
    place = out or Path("data") / (named or dataset)
    with common.bar(rate=True) as bar:
        progress = common.progress(bar, f"prepare {named or dataset}")
        if named is not None:
            report = _prepare_set(place, named, people, workers, progress, fresh)
        elif dataset == "synthetic":
            settings = (
                200 if people is None else people, 8 if images is None else images, *common.size(size or "128x64"),
                1 if seed is None else seed,
            )  # fmt: skip
            report = resolve(PREPARERS[dataset])(place, *settings, workers, progress, style or "mixed", fresh)
        else:
            report = resolve(PREPARERS[dataset])(folder, place, validation, seed or 0, progress)
    table = Table("split", "photographs", "people", "pairs", title=f"{report.dataset} {report.checksum}")
    for split, count in report.photographs.items():
        table.add_row(split, f"{count:,}", f"{report.people[split]:,}", f"{report.pairs[split]:,}")
    screen.print(table)
    for why, count in report.reasons.items():
        names = [item.name for item in report.left_out if item.why == why]
        say(f"left out: {count:,} x {why} ({', '.join(names[:3])}{' ...' if count > 3 else ''})")
    say(f"{place}; samples in {_store_sheet(place)}")


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
    from repose.render import layout

    store = Store.open(data)
    with common.bar(rate=True) as bar:
        task = bar.add_task("export-layout", total=len(store))
        counts = layout.export_layout(store, out, png, lambda done, total: bar.update(task, completed=done))
    say(f"{out}: {', '.join(f'{count:,} {split}' for split, count in counts.items())}")


# -- inside ---------------------------------------------------------------------------------------------------------


def _prepare_set(
    place: Path, name: str, people: int | None, workers: int, progress: Callable[[int, int], None], fresh: bool
) -> Report:
    """A named set of rendered people; says before it starts what it will cost."""
    from repose import render
    from repose.render.sets import find_set

    spec = find_set(name, people)
    seconds, size = render.expected(spec, workers)
    console.print(
        f"{spec.name}: {spec.people:,} people in {spec.pictures} pictures of {spec.height}x{spec.width}; "
        f"{'some seconds' if seconds < 60 else f'about {seconds / 60:.0f} min'} without a GPU, {size:.1f} GB"
    )
    return render.prepare_set(place, name, people, workers, progress, fresh)


def _store_sheet(place: Path) -> Path:
    """A sheet of samples of a store, left inside it."""
    import numpy as np
    import torch

    from repose.data import Store
    from repose.draw.sheet import sheet
    from repose.images import save_image
    from repose.represent.canvas import to_uint8
    from repose.represent.keypoints import draw_skeleton

    store = Store.open(place)
    chosen = torch.linspace(0, len(store.names) - 1, 12).long()
    people = store.person(chosen)
    assert people.image is not None
    assert people.keypoints is not None
    assert people.size is not None
    pictures = list(to_uint8(people.image))
    poses = [draw_skeleton(keypoints, *people.size) for keypoints in people.keypoints]
    path = place / "samples.png"
    save_image(path, np.asarray(sheet([pictures, poses])))
    return path
