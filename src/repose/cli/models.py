"""The verbs about models and their weights: train, inspect, convert, models, demo."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from repose.cli import common, completion, reporting
from repose.cli.common import (
    AsJson,
    Device,
    Estimator,
    Labels,
    MinScore,
    Out,
    TargetPerson,
    TargetSize,
    print_line,
    stderr,
    stdout,
)
from repose.cli.inputs import files_of
from repose.cli.outputs import require_folder, require_no_input, require_picture
from repose.cli.reporting import Report

if TYPE_CHECKING:
    from repose.render import Stream


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe by name (`repose models` lists them) or a recipe.json.", autocompletion=completion.recipes
        ),
    ],
    settings: Annotated[list[str] | None, typer.Argument(help="key=value, such as data.batch=8 images=50_000.")] = None,
    data: Annotated[
        str,
        typer.Option(
            "-d",
            "--data",
            help="The store, as `repose prepare` makes it; or synthetic:STYLE:HEIGHTxWIDTH, people rendered while it "
            "trains, without end.",
        ),
    ] = "data",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The run's folder; runs/RECIPE by default.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again where the folder holds a run.")] = False,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes (GPUs, or gloo processes on the CPU).")] = 1,
    overfit: Annotated[int, typer.Option(help="For debugging: train on the first N pairs alone.")] = 0,
    channels_last: Annotated[bool, typer.Option(help="The memory layout in which convolutions are fastest.")] = True,
    compile: Annotated[
        bool, typer.Option("--compile", help="torch.compile the generator: a slow first step, faster later ones.")
    ] = False,
    snapshots: Annotated[
        int, typer.Option(min=0, help="Keep the weights of the last N ticks in OUT/snapshots, to choose from.")
    ] = 0,
    weights: Annotated[Path | None, typer.Option(help="Begin from these weights, with new optimisers.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the resolved recipe and stop.")] = False,
) -> None:
    """Train a recipe. After an interruption, the same command continues where the run stopped.

    The folder gets recipe.json, log.jsonl, checkpoints, a contact sheet at every tick, and at the end
    weights.safetensors, which `repose transfer --model FOLDER` takes.

    [bold]repose train patn-s --data data/market1501 -o runs/patn-s[/bold]
    [bold]repose train patn-s images=2_000 data.batch=4 --data data/people[/bold]
    [bold]repose train patn-s --data synthetic:street:128x64[/bold]
    """
    from repose import models
    from repose.data import Store
    from repose.models import read_recipe
    from repose.recipes import override, to_dict

    chosen = read_recipe(Path(recipe)) if recipe.endswith(".json") else models.recipe(recipe)
    chosen = override(chosen, settings or [])
    if show:
        stdout.print_json(json.dumps(to_dict(chosen)))
        return

    from repose.train.loop import train as run

    folder = out or Path("runs") / chosen.name
    with contextlib.ExitStack() as stack:
        if data.startswith("synthetic:"):
            store: Store = stack.enter_context(_stream(data, folder, fresh))
        else:
            store = Store.open(data)
        summary = run(
            chosen,
            store,
            folder,
            resume=not fresh,
            accelerator=accelerator,
            devices=devices,
            overfit=overfit,
            weights=weights,
            channels_last=channels_last,
            compile=compile,
            snapshots=snapshots,
        )
    reporting.wrote(folder, "run")
    reporting.number(images=summary.images, train_seconds=round(summary.seconds, 3), losses=summary.losses)
    if summary.stopped:
        raise typer.Exit(reporting.TERMINATED if summary.stopped == "SIGTERM" else reporting.INTERRUPTED)


def inspect(
    model: Annotated[
        str,
        typer.Argument(
            help="Weights by name, the folder of a run, or a recipe (with random weights).",
            autocompletion=completion.weights_or_recipes,
        ),
    ],
    source: Annotated[
        str | None, typer.Argument(help="A photograph; with --store the name or index of a picture.")
    ] = None,
    target: Annotated[
        str | None, typer.Argument(help="Likewise, or a pose file (FILE#NAME), or a drawing of a skeleton.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the pictures; out/inspect/MODEL.")] = None,
    store: Annotated[
        Path | None,
        typer.Option("--store", "-d", help="A store: its pictures carry all that it has (parsing, IUV, masks)."),
    ] = None,
    pair: Annotated[
        int | None, typer.Option(min=0, help="In place of SOURCE and TARGET: pair N of the store's list.")
    ] = None,
    split: Annotated[str, typer.Option(help="The split that --pair counts in.")] = "test",
    source_parsing: Annotated[Path | None, typer.Option(help="Label map of the source, from a parser.")] = None,
    source_iuv: Annotated[Path | None, typer.Option(help="DensePose's result for the source.")] = None,
    target_parsing: Annotated[Path | None, typer.Option(help="Label map of the target, from a parser.")] = None,
    target_iuv: Annotated[Path | None, typer.Option(help="DensePose's result for the target.")] = None,
    labels: Labels = None,
    pose: Estimator = "movenet",
    person: Annotated[
        str, typer.Option(help="Of several people on SOURCE: largest, best, left, right, middle, or a number.")
    ] = "largest",
    target_person: TargetPerson = "largest",
    target_size: TargetSize = None,
    min_score: MinScore = 0.3,
    retarget: Annotated[
        bool | None,
        typer.Option(
            help="Give the pose the build of the source's person; by default not of two pictures of a store.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
) -> None:
    """Draw what happens inside a model when it puts SOURCE into the pose of TARGET.

    Attention masks, flows, warped pictures, predicted label maps: each model has its own panels. OUT gets a PNG file
    for each panel, OUT/sheet.png with all of them and their captions, and the captions as OUT/index.md.

    A photograph gives pixels and joints. What else a model reads, a parsing or DensePose, is estimated from the
    photograph, or taken from a store, or from files that a parser or DensePose wrote for the photographs.

    [bold]repose inspect default me.jpg dancer.jpg -o inside[/bold]
    [bold]repose inspect runs/patn-s --store data/people-fashion --pair 12[/bold]
    [bold]repose inspect default p000000_00 p000000_03 --store data/people-fashion[/bold]
    [bold]repose inspect pinet-s me.jpg poses.json#dancer --source-parsing me_labels.png --labels atr[/bold]
    """
    from repose.data import Store
    from repose.draw.panels import write_panels
    from repose.inspection import find_model, find_pair, find_person, look_inside
    from repose.represent.maps import with_maps

    if out is not None:
        require_folder(out)
    data = None if store is None else Store.open(store)
    loaded, warning = find_model(model, device)
    if warning:
        stderr.print("[bold yellow]warning:[/bold yellow]", end=" ")
        stderr.print(warning, markup=False, soft_wrap=True)
    if pair is not None:
        if data is None or source is not None or target is not None:
            raise ValueError("--pair N replaces SOURCE and TARGET, and needs --store FOLDER")
        given, posed = find_pair(data, pair, split)
        names = f"pair {pair} of {split}, {data.folder.name}"
    elif source is None or target is None:
        raise ValueError("give SOURCE and TARGET, or --store FOLDER --pair N; `repose inspect --help` has examples")
    else:
        given = find_person(source, data, False, pose, common.parse_person(person))
        which = common.parse_person(target_person, "--target-person")
        size = None if target_size is None else common.parse_size(target_size)
        with common.noting():
            posed = find_person(target, data, True, pose, which, min_score, size)
        names = f"{Path(source).name} in the pose of {Path(target).name}"
    with common.noting():
        given = with_maps(given, source_parsing, source_iuv, labels)
        posed = with_maps(posed, target_parsing, target_iuv, labels)
    build = retarget if retarget is not None else data is None
    panels = look_inside(loaded, given, posed, build)
    folder = out or Path("out") / "inspect" / loaded.name
    note = "Random weights: this network has learnt nothing" if warning else ""
    drawn = [folder / f"{name}.png" for name in (*(panel.name for panel in panels), "sheet")]
    given_files = (source, target, source_parsing, source_iuv, target_parsing, target_iuv)
    require_no_input(drawn, files_of(file for file in given_files if file is not None), "another folder with -o")
    paths = write_panels(panels, folder, f"{loaded.name}: {names}", note)
    for path in paths:
        reporting.wrote(Path(path), "panel" if Path(path).suffix == ".png" else "captions")
    for panel in panels:
        print_line(f"{folder / panel.name}.png: {panel.caption}")
    if {panel.name for panel in panels} <= {"result", "input"}:
        print_line(f"{loaded.name} has nothing inside that could be shown: this variant has no such part")
    print_line(f"{paths[-2]}: all of them; captions in {paths[-1]}")


def convert(
    checkpoint: Annotated[Path, typer.Argument(help="A released checkpoint of the official code (.pth).")],
    recipe: Annotated[
        str,
        typer.Option(
            "-r",
            "--recipe",
            help="The preset it was trained by, such as patn-market.",
            autocompletion=completion.recipes,
        ),
    ],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the result.")] = None,
) -> None:
    """Convert a released checkpoint into weights that `--model` takes. An entry that is not used is an error.

    [bold]repose convert latest_net_netG.pth --recipe patn-fashion -o weights/patn-fashion[/bold]
    """
    from repose.models.released import convert_checkpoint

    folder = convert_checkpoint(checkpoint, recipe, out or Path("out") / recipe)
    reporting.wrote(folder, "weights")
    print_line(f"{folder}: use it as --model {folder}")


def list_models(as_json: AsJson = False) -> None:
    """List the recipes that can be trained and the weights that are here.

    With --json, "recipes" and "weights" of the document hold what the tables show.
    """
    from repose import models
    from repose.models.weights import DEFAULT, read_card, shipped

    report = Report("models", as_json)
    with report.running():
        recipes = [models.recipe(name) for name in models.RECIPES]
        weights = []
        for name, folder in shipped().items():
            card = read_card(folder)
            weights.append(
                {
                    "name": name, "default": name == DEFAULT, "licence": card.get("licence"), "data": card.get("data"),
                    "path": str(folder),
                }
            )  # fmt: skip
        report.document["recipes"] = [
            {"name": one.name, "model": one.model, "canvas": one.canvas, "images": one.images, "notes": one.notes}
            for one in recipes
        ]
        report.document["weights"] = weights
        if as_json:
            return
        _print_rows(
            ("recipe", "model", "canvas", "images", "where the numbers come from"),
            [(one.name, one.model, one.canvas, f"{one.images:,}", one.notes) for one in recipes],
        )
        _print_rows(
            ("weights", "licence", "trained on"),
            [
                (
                    f"{one['name']} (default)" if one["default"] else str(one["name"]),
                    str(one["licence"] or "?"),
                    str(one["data"] or "?"),
                )
                for one in weights
            ],
        )


def demo(
    out: Out = Path("out/demo.png"),
    seed: Annotated[int, typer.Option(help="Which people.")] = 7,
    photographs: Annotated[
        Path | None,
        typer.Option(
            help="Write pictures of rendered people with their joints into this folder instead, to try Repose on: "
            "people/NAME/NAME-1.jpg, people/keypoints.json, labels/NAME-1.png."
        ),
    ] = None,
) -> None:
    """Leave a picture of rendered people put into each other's poses: source, pose, generated, target."""
    if photographs is not None:
        require_folder(photographs / "people")
        from repose.demo import write_photographs

        print_line(write_photographs(photographs, seed))
        return
    require_picture(out)
    from repose.demo import make_demo

    print_line(make_demo(out, seed))


# -- inside ---------------------------------------------------------------------------------------------------------


def _print_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of texts as a table that cuts or breaks nothing but its last column.

    Where stdout is no terminal the table is as wide as it has to be; where a terminal is too narrow for it, each row is
    a line with the name, and the rest below.
    """
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    borders = 3 * len(head) + 1
    if stdout.is_terminal and stdout.width < sum(widths[:-1]) + min(widths[-1], 24) + borders:
        for row in rows:
            print_line(row[0])
            stdout.print(Padding(", ".join(row[1:-1]) + f": {row[-1]}", (0, 0, 0, 4)))
        return
    table = Table()
    for name in head[:-1]:
        table.add_column(name, no_wrap=True)
    table.add_column(head[-1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    if stdout.is_terminal:
        stdout.print(table)
    else:
        text = io.StringIO()
        Console(file=text, width=sum(widths) + borders, highlight=False, markup=False).print(table)
        print_line(text.getvalue().rstrip())


def _stream(data: str, run: Path, fresh: bool) -> Stream:
    """The stream of people of `--data synthetic:...`; a resumed run gets other people than it began with."""
    from repose import render
    from repose.train.checkpoint import checkpoints

    saved = [] if fresh else checkpoints(run / "checkpoints")
    # training sees a person many times, so people with numbers as high as that of the images are new as a rule
    return render.open_stream(data, start=int(saved[0].stem) if saved else 0)
