"""The verbs of `repose bench`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from repose.cli import common
from repose.cli.common import Device, Eyes, Features, Limit, Out, StoreFolder, console, say, screen

app = typer.Typer(help="Measure models, data and speed.", no_args_is_help=True)


@app.command()
def forward(
    recipes: Annotated[list[str] | None, typer.Argument(help="Recipes; PATN and multi-scale by default.")] = None,
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH.")] = "256x176",
    rounds: Annotated[int, typer.Option(help="Turns of each backend.")] = 7,
    backends: Annotated[str, typer.Option(help="Comma-separated; all by default.")] = "",
    results: Annotated[Path | None, typer.Option(help="Append lines to this .jsonl.")] = None,
) -> None:
    """Forward time and share of the machine's peak, every backend side by side in one run."""
    from repose.backends import BACKENDS
    from repose.bench.forward import measure
    from repose.record import append, stamp

    height, width = common.size(size)
    chosen = [name.strip() for name in backends.split(",") if name.strip()] or list(BACKENDS)
    for name in recipes or ["patn-fashion", "multiscale-fashion"]:
        with console.status(name) as status:
            result = measure(name, height, width, 1, rounds, chosen, status.update)
        title = (
            f"{name} {height}x{width}: {result.gmac:.1f} GMAC, {result.parameters / 1e6:.2f}M parameters; "
            f"peak {result.peak_gflops:.0f} GFLOP/s on {result.threads} threads"
        )
        table = Table("backend", "best s", "median s", "share of peak", "difference", "note", title=title)
        for row in result.rows:
            table.add_row(
                row.backend,
                f"{row.best:.3f}",
                f"{row.median:.3f}",
                f"{row.share:.0%}",
                f"{row.difference:.1e}",
                row.note,
            ) if not row.note else table.add_row(row.backend, "", "", "", "", row.note)
        screen.print(table)
        if results is not None:
            append(results, {"bench": "forward", **asdict(result), **stamp()})


@app.command()
def attention(
    what: Annotated[
        list[str] | None, typer.Argument(help="attention: that of one block alone (the default); or recipes of apatn.")
    ] = None,
    size: Annotated[list[str] | None, typer.Option(help="HEIGHTxWIDTH; 256x256 and 128x88 by default.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each way.")] = 5,
    results: Annotated[Path | None, typer.Option(help="Append lines to this .jsonl.")] = None,
) -> None:
    """Time and memory of APATN's attention, fused against the plain product, without and with the backward pass.

    [bold]repose bench attention attention apatn-fashion --results results/attention.jsonl[/bold]
    """
    from repose.bench.attention import ATTENTION, SIZES, measure, report
    from repose.record import append, stamp

    found = []
    for name in what or [ATTENTION]:
        for height, width in [common.size(text) for text in size] if size else SIZES:
            with console.status(f"{name} {height}x{width}"):
                found.append(measure(name, height, width, rounds))
            if results is not None:
                append(results, {**found[-1].line(), **stamp()})
    report(found, screen)


@app.command()
def cost(
    recipes: Annotated[list[str] | None, typer.Argument(help="By name (see `repose models`); all by default.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each backend after one that does not count.")] = 7,
    backends: Annotated[str, typer.Option(help="On the CPU, comma-separated, such as plain,compiled.")] = "plain",
    device: Annotated[str, typer.Option(help="auto, cpu, or cuda for the GPU beside the CPU.")] = "auto",
    run: Annotated[bool, typer.Option("--run/--count", help="Measure speed and memory, or only count.")] = True,
    anew: Annotated[bool, typer.Option("--anew", help="Measure again what RESULTS has.")] = False,
    results: Annotated[Path, typer.Option(help="Lines are appended to this .jsonl.")] = Path("results/cost.jsonl"),
) -> None:
    """What systems cost: weights, multiply-adds, memory of training, pictures a second, memory of inference.

    Weights, arithmetic (at 128x64, 256x176 and 1024x1024) and the memory of a training step are counted without running
    anything. Speed and memory of inference are measured here, one picture of 256x176, each recipe in a process of its
    own, the machine's peak beside it. Use a machine that does nothing else.

    Killed at any moment, the same command goes on: what RESULTS has of this machine stays. A recipe that fails is named
    and skipped; one that needs more memory than is free is counted and not run. `repose bench tables` makes tables.

    [bold]repose bench cost[/bold]
    [bold]repose bench cost patn-fashion pinet-s --backends plain,compiled,onnxruntime --anew[/bold]
    [bold]repose bench cost densepose-fashion --count[/bold]
    """
    import torch

    from repose.bench.cost import costs, text
    from repose.models import RECIPES

    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"--device is auto, cpu or cuda, got '{device}'")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: there is no GPU that torch can use")
    device = "cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"
    chosen = [name.strip() for name in backends.split(",") if name.strip()]
    with console.status("cost") as status:
        for name, line, happened in costs(
            recipes or list(RECIPES), results, rounds=rounds, backends=chosen, device=device, run=run, anew=anew,
            say=status.update,
        ):  # fmt: skip
            say(f"{name}: {happened}" if line is None else f"{text(line)} ({happened})")
    say(f"{results}: `repose bench tables` writes them into README and docs")


@app.command()
def loading(
    data: StoreFolder,
    seconds: float = 3.0,
    results: Annotated[Path | None, typer.Option(help="Append a line to this .jsonl.")] = None,
) -> None:
    """Pairs a second out of a store, with the heatmaps of both poses."""
    from repose.bench.loading import measure
    from repose.data import Store
    from repose.record import append, stamp

    store = Store.open(data)
    rates = measure(store, seconds)
    screen.print(rates)
    if results is not None:
        append(results, {"bench": "loading", "data": store.dataset, "checksum": store.checksum, **rates, **stamp()})


@app.command(name="metrics")
def metrics_(
    data: StoreFolder,
    pairs: Annotated[int, typer.Option(min=2, help="So many pairs, evenly spaced over the test list.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, help="The best counts.")] = 3,
    whole: Annotated[
        int, typer.Option(min=0, help="Also a whole evaluation of N pairs a protocol, by the clock on all cores.")
    ] = 0,
    results: Annotated[Path | None, typer.Option(help="Append a line to this .jsonl.")] = None,
) -> None:
    """What the metrics that need no network cost a pair, beside scikit-image in the same run."""
    from repose.bench.metrics import measure, report
    from repose.data import Store
    from repose.record import append, stamp

    store = Store.open(data)
    measured = measure(store, pairs=pairs, rounds=rounds, whole=whole)
    screen.print(report(measured))
    if results is not None:
        append(results, measured.line() | {"data": store.dataset, "checksum": store.checksum, **stamp()})


@app.command()
def rendering(
    sizes: Annotated[list[str] | None, typer.Argument(help="HEIGHTxWIDTH; 128x64 and 256x176 by default.")] = None,
    seconds: Annotated[float, typer.Option(help="Of every measurement.")] = 10.0,
    workers: Annotated[int, typer.Option(min=0, help="Processes of the second measurement; 0 for one a core.")] = 0,
    style: Annotated[str | None, typer.Option(help="Of the people; the renderer's choice by default.")] = None,
    results: Annotated[Path | None, typer.Option(help="Append lines to this .jsonl.")] = None,
) -> None:
    """Finished pictures of rendered people a second with all labels, in one process and on all cores."""
    from repose.bench.rendering import SIZES, measure, report
    from repose.record import append, stamp

    chosen = [common.size(text) for text in sizes] if sizes else list(SIZES)
    found = []
    for height, width in chosen:
        for processes in dict.fromkeys((1, workers or os.cpu_count() or 1)):
            with console.status(f"{height}x{width}, processes: {processes}"):
                found.append(measure(height, width, processes, seconds, style))
            if results is not None:
                append(results, {**found[-1].line(), "style": style, **stamp()})
    report(found, screen)


@app.command()
def realism(
    synthetic: Annotated[Path, typer.Option("--synthetic", help="The store of rendered people.")],
    real: Annotated[
        Path | None, typer.Option(help="The store of photographs; without it only the joints are looked for.")
    ] = None,
    plain: Annotated[Path | None, typer.Option(help="A store of the plain single-colour people.")] = None,
    split: Annotated[str, typer.Option(help="Of every store.")] = "train",
    count: Annotated[int, typer.Option(help="Pictures of each store for the distances, at most.")] = 4000,
    judged: Annotated[int, typer.Option(help="Pictures of each for the classifiers that see a part.")] = 800,
    joints: Annotated[int, typer.Option(help="Rendered pictures that MoveNet looks at; 0 for none.")] = 1000,
    neighbours: Annotated[
        Path | None,
        typer.Option(help="PNG of photographs and the rendered pictures nearest to them; it shows real people."),
    ] = None,
    results: Annotated[Path | None, typer.Option(help="Append lines to this .jsonl.")] = None,
) -> None:
    """How far rendered people are from photographs, what gives them away, and whether MoveNet finds their joints.

    [bold]repose bench realism --real data/market1501 --synthetic data/people-market --plain data/plain[/bold]
    [bold]repose bench realism --synthetic data/people-fashion[/bold]
    """
    from repose.bench.realism import compare, found_joints, neighbour_sheet, report, report_joints, sample
    from repose.data import Store
    from repose.estimate import estimator
    from repose.images import save_image
    from repose.record import append, stamp

    rich = Store.open(synthetic)
    if real is None and (plain is not None or neighbours is not None):
        raise ValueError("--plain and --neighbours need photographs to compare with: --real STORE")
    if real is not None:
        rendered = {"rich": rich} | ({} if plain is None else {"plain": Store.open(plain)})
        with common.bar() as bar:
            task = bar.add_task("realism", total=None)

            def progress(what: str, done: int, total: int) -> None:
                bar.update(task, description=what, completed=done, total=total)

            found = compare(Store.open(real), rendered, split, count, judged, progress=progress)
        report(found, screen)
        if results is not None:
            append(results, {**found.line(), "split": split, **stamp()})
        if neighbours is not None:
            page = neighbour_sheet(sample(Store.open(real), split, 12), sample(rich, split, min(count, 2000)))
            save_image(neighbours, page)
            say(f"{neighbours}: a photograph, then the rendered pictures nearest to it")
    if joints:
        with common.bar() as bar:
            looked = sample(rich, split, joints)
            task = bar.add_task("joints", total=len(looked))
            seen = found_joints(looked, estimator("movenet"), tick=lambda count: bar.advance(task, count))
        report_joints(seen, screen)
        if results is not None:
            append(results, {**seen.line(), "split": split, **stamp()})


@app.command()
def turns(
    model: Annotated[str, typer.Argument(help="Weights by name (see `repose models`), or the folder of a run.")],
    people: Annotated[int, typer.Option(min=1, help="How many, each with a pattern on the clothes.")] = 20,
    degrees: Annotated[str, typer.Option(help="To the person's left, comma-separated.")] = "30,90,180",
    style: Annotated[str, typer.Option(help="fashion, street or mixed.")] = "fashion",
    results: Annotated[Path | None, typer.Option(help="Append a line to this .jsonl.")] = None,
    out: Out = Path("out/turns.png"),
    device: Device = "auto",
) -> None:
    """What is left of patterns, colours and heads when unseen rendered people turn on the spot.

    Leaves a sheet: the source, then each turn as it was made and as it truly is.

    [bold]repose bench turns default --results results/turns.jsonl[/bold]
    """
    from repose.bench.turns import measure, render, report
    from repose.images import save_image
    from repose.models.weights import weights_checksum
    from repose.pipeline import load
    from repose.record import append, stamp

    loaded = load(model, device)
    with common.bar() as bar:
        turning = render(loaded.canvas, people, style, _degrees(degrees), progress=common.progress(bar, "render"))
    found = measure(loaded, turning)
    report(found, loaded.name, screen)
    if results is not None:
        facts = {"model": loaded.name, "recipe": loaded.recipe.name, "weights": weights_checksum(model)}
        append(results, {**found.line(), **facts, **stamp()})
    save_image(out, found.sheet(1 if loaded.canvas.height > 200 else 2))
    say(f"{out}: {people} people, the source and every turn as made and as it is")


@app.command()
def budget(
    recipes: Annotated[
        list[str], typer.Argument(help="Recipes by name or file, each with its settings in quotation marks.")
    ],
    data: StoreFolder,
    minutes: Annotated[float, typer.Option(help="Of training, for each.")] = 60.0,
    threads: Annotated[int, typer.Option(min=1, help="Of each run.")] = 1,
    side_by_side: Annotated[int, typer.Option(min=1, help="So many runs at a time, each on cores of its own.")] = 1,
    protocol: Annotated[str, typer.Option("-p", "--protocol", help="By which they are measured.")] = "people-half",
    limit: Limit = 0,
    pose: Eyes = "movenet",
    features: Features = "auto",
    results: Annotated[Path | None, typer.Option(help="Append lines to this .jsonl; OUT/results.jsonl else.")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of runs, plan and sheet.")] = Path("runs/budget"),
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train recipes for equal minutes on this machine and compare them: a table, and the same ten pairs of all.

    Killed at any moment, the same command goes on; what is trained and measured stays.

    [bold]repose bench budget patn-s "multiscale-s network.width=24 name=wide" -d data/people --minutes 60[/bold]
    """
    from repose.bench.budget import Terms, compare_budgets

    terms = Terms(minutes, threads, side_by_side, accelerator)
    compare_budgets(
        recipes, data, protocol, terms, out, results, screen,
        limit=limit or None, pose=pose, features=common.features(features),
    )  # fmt: skip


@app.command()
def tables(
    results: Annotated[Path, typer.Argument(help="Folder of .jsonl files.")] = Path("results"),
    documents: Annotated[
        list[Path] | None, typer.Argument(help="Markdown files; README, docs and cards by default.")
    ] = None,
) -> None:
    """Write the tables of README and docs anew from the result lines."""
    from repose.bench.tables import write_tables

    usual = [Path("README.md"), *sorted(Path("docs").glob("*.md")), *sorted(Path("weights").glob("*/CARD.md"))]
    for path, names in write_tables(results, documents or usual).items():
        if names:
            say(f"{path}: {', '.join(names)}")


# -- inside ---------------------------------------------------------------------------------------------------------


def _degrees(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ValueError(f"--degrees takes whole numbers with commas, such as 30,90,180, not '{text}'") from None
