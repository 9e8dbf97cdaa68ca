"""The command `repose`: a few verbs, each a thin door to one module.

Heavy imports happen inside the verbs, so that `repose --help` answers at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from repose.words import nearest

if TYPE_CHECKING:
    from repose.data import Report
    from repose.data.synthetic import Stream

console = Console(stderr=True, highlight=False)
screen = Console(highlight=False, markup=False)


class _Verbs(TyperGroup):
    """The verbs; Ctrl-C in any of them ends with one line in place of nothing."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            console.print("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Verbs,
    help="A photograph of a person and a target pose in, a photograph of that person in that pose out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench_app = typer.Typer(help="Measure models, data and speed.", no_args_is_help=True)
app.add_typer(bench_app, name="bench")
study_app = typer.Typer(
    help="Let people judge pictures in a browser, under the protocols of the papers.\n\n"
    "`protocols` lists them, `prepare` makes a study of folders of pictures, `serve` puts it on the web, `table` gives "
    "the results beside the published ones, `export` the single answers.\n\n"
    "[bold]repose study prepare ours=out/ours patn=out/patn -d data/people -p patn -o out/study.db[/bold]\n\n"
    "[bold]repose study serve out/study.db[/bold]\n\n[bold]repose study table out/study.db[/bold]",
    no_args_is_help=True,
)
app.add_typer(study_app, name="study")

Out = Annotated[Path, typer.Option("-o", "--out", help="Where the result goes.")]
ModelName = Annotated[
    str, typer.Option("-m", "--model", help="Weights by name (see `repose models`), or the folder of a run.")
]
Estimator = Annotated[str, typer.Option("--pose", help="The pose estimator.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda; auto is cuda if there is one.")]
StoreFolder = Annotated[Path, typer.Option("-d", "--data", help="The store.")]
Limit = Annotated[int, typer.Option(help="Only N pairs, spread over the list; 0 for all.")]
Eyes = Annotated[str, typer.Option(help="Estimator for PCKh, or none.")]
Features = Annotated[
    str, typer.Option(help="Distances of features: auto (where MobileNetV2's file is here), none, or a version.")
]
Which = Annotated[str, typer.Option("--person", help="Of several people: largest, best, or a number from 0.")]

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@app.command()
def transfer(
    source: Annotated[Path, typer.Argument(help="A photograph, or a folder of them.")],
    target: Annotated[Path, typer.Argument(help="A photograph, a folder, or a keypoint file (CSV, JSON).")],
    out: Out = Path("out/transfer.png"),
    model: ModelName = "default",
    weights: Annotated[Path | None, typer.Option(help="A weight file or folder to use instead of --model.")] = None,
    pose: Estimator = "movenet",
    person: Annotated[
        str, typer.Option("--person", help="Of several people on SOURCE: largest, best, or a number from 0.")
    ] = "largest",
    target_person: Annotated[
        str, typer.Option("--target-person", help="Of several people on TARGET, likewise.")
    ] = "largest",
    crop: Annotated[
        bool, typer.Option("--crop", help="Only the model's canvas, as it comes from the network, not the photograph.")
    ] = False,
    background: Annotated[
        str, typer.Option(help="Of the photograph: keep it, take the generated one, or white.")
    ] = "keep",
    retarget: Annotated[
        bool, typer.Option(help="Give the pose the build of the source's person, or take its limbs as they are.")
    ] = True,
    scale: Annotated[int, typer.Option(help="Enlarge the pictures of the contact sheet so many times.")] = 2,
    device: Device = "auto",
) -> None:
    """Put the person of SOURCE into the pose of TARGET.

    The result is the whole photograph: the new figure stands where the old one stood. One source and one target give
    one picture, and a sheet with both beside it (OUT.sheet.png). Folders give every source in every pose: a contact
    sheet at OUT and the single pictures in a folder named like it.

    [bold]repose transfer me.jpg dancer.jpg -o me_dancing.png[/bold]
    [bold]repose transfer me.jpg dancer.jpg --background white -o on_white.png[/bold]
    [bold]repose transfer people/ poses.csv -o sheet.png[/bold]
    """
    import numpy as np

    from repose.images import load_image, save_image
    from repose.person import Person
    from repose.pipeline import load, read_person, read_pose
    from repose.represent.canvas import from_uint8, to_uint8
    from repose.represent.keypoints import draw_skeleton
    from repose.sheet import reduced, sheet
    from repose.whole import find_background

    behind = find_background(background)
    if crop and behind != "keep":
        raise ValueError("--background is of the whole photograph: leave --crop away, or leave --background away")
    which, target_which = _which(person), _which(target_person, "--target-person")
    loaded = load(weights if weights is not None else model, device)
    height, width = loaded.canvas.size

    def seen(person: Person) -> Any:
        """What the sheet shows of a photograph: as much as the result shows."""
        placed = loaded.place(person) if crop else person
        if placed.image is None:
            return np.full((height, width, 3), 255, np.uint8)
        return reduced(to_uint8(placed.image), height * scale)

    # of many photographs only the joints are kept, the pixels are read again when it is their turn
    sources: dict[str, tuple[Path, Any]] = {}
    for path in _pictures(source):
        with _skipping(path, alone=source.is_file()):
            _require_new(path.stem, sources)
            sources[path.stem] = path, read_person(path, pose, which).keypoints
    targets: dict[str, Person] = {}
    shown: dict[str, Any] = {}
    for path in [target] if target.is_file() else _pictures(target):
        with _skipping(path, alone=target.is_file()):
            _require_new(path.stem, targets)
            for name, posed in read_pose(path, pose, target_which).items():
                targets[name], shown[name] = posed.only("keypoints"), seen(posed)
    if not sources or not targets:
        raise ValueError("nothing is left to transfer: every source or every target was skipped")

    skeletons = {}
    for name, posed in targets.items():
        keypoints = loaded.place(posed).keypoints
        assert keypoints is not None
        skeletons[name] = reduced(draw_skeleton(keypoints, height, width), height * scale)
    alone = len(sources) == len(targets) == 1
    rows: list[list[Any]] = [[None, *skeletons.values()]]
    with _bar() as bar:
        task = bar.add_task("transfer", total=len(sources) * len(targets))
        for source_name, (path, joints) in sources.items():
            given = Person(image=from_uint8(load_image(path)), keypoints=joints)
            row: list[Any] = [seen(given)]
            for target_name, posed in targets.items():
                with _noting(path):
                    made = loaded.crop(given, posed, retarget) if crop else loaded.whole(given, posed, behind, retarget)
                picture = to_uint8(made)
                row.append(reduced(picture, height * scale))
                name = f"{source_name}_2_{target_name}".replace("/", "_")  # names of a keypoint file may be paths
                save_image(out if alone else out.with_suffix("") / f"{name}.png", picture)
                bar.advance(task)
            rows.append(row)
    if alone:
        (beside,) = shown.values()
        page = sheet([[rows[1][0], rows[0][1], rows[1][1], beside]], ["source", "pose", "generated", "target"])
        save_image(out.with_suffix(".sheet.png"), np.asarray(page))
        _say(f"{out}  (with source and target beside it: {out.with_suffix('.sheet.png')})")
    else:
        save_image(out, np.asarray(sheet(rows, ["source", *targets])))
        _say(f"{out}  ({len(sources)} x {len(targets)}; single pictures in {out.with_suffix('')}/)")


@app.command()
def estimate(
    pictures: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    out: Out = Path("out/keypoints.json"),
    pose: Estimator = "movenet",
    person: Which = "largest",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on each picture, as NAME#0, NAME#1, ...")] = False,
) -> None:
    """Find the 18 joints of the people on photographs.

    Writes a keypoint file (the ending chooses: .json ours, .csv as PATN's annotations) and OUT.sheet.png with the
    skeletons drawn on the pictures.

    [bold]repose estimate photos/ -o poses.csv[/bold]
    """
    import numpy as np
    from PIL import Image
    from torch import Tensor

    from repose.estimate import choose, estimator
    from repose.images import load_image, save_image
    from repose.represent.formats import write_keypoints
    from repose.represent.keypoints import draw_skeleton
    from repose.sheet import sheet

    network, which = estimator(pose), _which(person)
    paths = [path for given in pictures for path in _pictures(given)]
    joints: dict[str, Tensor] = {}
    sizes: set[tuple[int, int]] = set()
    drawn: list[Any] = []
    with _bar() as bar:
        for path in bar.track(paths, description="estimate"):
            with _skipping(path, alone=len(paths) == 1):
                _require_new(path.name, (name.partition("#")[0] for name in joints))
                pixels = load_image(path)
                found = network.people(pixels)
                chosen = list(found) if everybody and found else [choose(found, which)]
                sizes.add((pixels.shape[0], pixels.shape[1]))
                over = pixels.astype(np.float32)
                for index, one in enumerate(chosen):
                    joints[f"{path.name}#{index}" if everybody else path.name] = one.keypoints
                    skeleton = draw_skeleton(one.keypoints, *pixels.shape[:2]).astype(np.float32)
                    on = skeleton.max(axis=-1, keepdims=True) > 0
                    over = np.where(on, 0.25 * over + 0.75 * skeleton, over)
                if len(drawn) < 24:
                    small = Image.fromarray(over.astype(np.uint8))
                    small.thumbnail((320, 320))
                    drawn.append(np.asarray(small))
    if not joints:
        raise ValueError("no joints were found on any picture")
    write_keypoints(out, joints, size=sizes.pop() if len(sizes) == 1 else None)
    page = out.with_suffix(".sheet.png")
    save_image(page, np.asarray(sheet([drawn[i : i + 6] for i in range(0, len(drawn), 6)])))
    _say(f"{out}: {len(joints)} people on {len(paths)} pictures; drawn in {page}")


@app.command()
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
    from repose.models import resolve

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
    with _bar(rate=True) as bar:
        progress = _progress(bar, f"prepare {named or dataset}")
        if named is not None:
            report = _prepare_set(place, named, people, workers, progress, fresh)
        elif dataset == "synthetic":
            settings = (
                200 if people is None else people, 8 if images is None else images, *_size(size or "128x64"),
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
        _say(f"left out: {count:,} x {why} ({', '.join(names[:3])}{' ...' if count > 3 else ''})")
    _say(f"{place}; samples in {_store_sheet(place)}")


@app.command(name="export-layout")
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
    from repose.data.synthetic import layout

    store = Store.open(data)
    with _bar(rate=True) as bar:
        task = bar.add_task("export-layout", total=len(store))
        counts = layout.export_layout(store, out, png, lambda done, total: bar.update(task, completed=done))
    _say(f"{out}: {', '.join(f'{count:,} {split}' for split, count in counts.items())}")


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe by name (`repose models` lists them) or a recipe.json.")],
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
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew where the folder holds a run.")] = False,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes (GPUs, or gloo processes on the CPU).")] = 1,
    overfit: Annotated[int, typer.Option(help="Debug: only ever the first N pairs.")] = 0,
    channels_last: Annotated[
        bool, typer.Option(help="Memory layout that the convolutions of CPUs and GPUs like.")
    ] = True,
    compile: Annotated[
        bool, typer.Option("--compile", help="torch.compile the generator: a slow first step, faster ones after it.")
    ] = False,
    weights: Annotated[Path | None, typer.Option(help="Begin from these weights, with fresh optimisers.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the resolved recipe and stop.")] = False,
) -> None:
    """Train a recipe. Killed at any moment, the same command goes on where it was.

    The folder gets recipe.json, log.jsonl, checkpoints, a contact sheet at every tick, and at the end
    weights.safetensors, which `repose transfer --model FOLDER` takes.

    [bold]repose train patn-s --data data/market1501 -o runs/patn-s[/bold]
    [bold]repose train patn-s images=2_000 data.batch=4 --data data/people[/bold]
    [bold]repose train patn-s --data synthetic:street:128x64[/bold]
    """
    from repose import models
    from repose.data import Store
    from repose.train.loop import train as run
    from repose.train.recipe import from_dict, override, to_dict

    if recipe.endswith(".json"):
        try:
            made = from_dict(json.loads(Path(recipe).read_text(encoding="utf-8")))
        except (ValueError, AttributeError) as error:  # AttributeError: JSON, but a list or a number
            raise ValueError(f"{recipe} is no recipe: {error}") from error
    else:
        made = models.recipe(recipe)
    made = override(made, settings or [])
    if show:
        screen.print_json(json.dumps(to_dict(made)))
        return
    folder = out or Path("runs") / made.name
    with contextlib.ExitStack() as stack:
        if data.startswith("synthetic:"):
            store: Store = stack.enter_context(_stream(data, folder, fresh))
        else:
            store = Store.open(data)
        summary = run(
            made,
            store,
            folder,
            resume=not fresh,
            accelerator=accelerator,
            devices=devices,
            overfit=overfit,
            weights=weights,
            channels_last=channels_last,
            compile=compile,
        )
    if summary.stopped:
        raise typer.Exit(130)


@app.command(name="eval")
def evaluate(
    names: Annotated[list[str], typer.Argument(help="Weights by name, folders of runs, or folders of pictures.")],
    data: StoreFolder,
    protocol: Annotated[
        str,
        typer.Option(
            "-p", "--protocol", help="patn-market, patn-fashion, roy-fashion, people-fashion ... or name@version."
        ),
    ] = ("patn-market"),
    split: Annotated[str | None, typer.Option(help="Another split than the protocol's (val, while you tune).")] = None,
    limit: Limit = 0,
    pose: Eyes = "movenet",
    features: Features = "auto",
    results: Annotated[Path | None, typer.Option(help="Append lines to this .jsonl.")] = None,
    out: Out = Path("out/eval.png"),
    report: Annotated[
        list[Path] | None,
        typer.Option(help="A file for the table, also several: .md, .tex, .csv, .html with pictures."),
    ] = None,
    choose: Annotated[
        str | None,
        typer.Option(help="Say which is best by a metric (ssim ...); on validation people only, --split val."),
    ] = None,
    strips: Annotated[
        bool, typer.Option("--strips", help="Pictures are PATN's strips of five; the last counts.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Measure trained networks, or anybody's folders of pictures, under a named protocol, beside the reference rows.

    Pictures are named SOURCE_2_TARGET.png, or as the code of PATN, GFLA, DPTN, NTED, PIDM or Roy et al. does.

    [bold]repose eval patn-s-market multiscale-s-market --data data/market1501 -p patn-market[/bold]
    [bold]repose eval out/mine out/theirs -d data/fashion -p fashion-256 --report out/eval.html[/bold]
    """
    from repose.bench.evaluate import evaluate_models

    switch = _features(features)
    reports = report or []
    evaluate_models(
        names,
        data,
        protocol,
        split,
        limit or None,
        pose,
        results,
        out,
        screen,
        device,
        switch,
        reports,
        strips,
        choose,
    )


@app.command()
def inspect(
    model: Annotated[
        str, typer.Argument(help="Weights by name, the folder of a run, or a recipe (with random weights).")
    ],
    source: Annotated[
        str | None, typer.Argument(help="A photograph; with --store the name or index of a picture.")
    ] = None,
    target: Annotated[str | None, typer.Argument(help="Likewise, or a keypoint file (CSV, JSON; FILE#NAME).")] = None,
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
    pose: Estimator = "movenet",
    person: Annotated[str, typer.Option(help="Of several people on SOURCE: largest, best, or a number.")] = "largest",
    target_person: Annotated[str, typer.Option(help="Of several people on TARGET, likewise.")] = "largest",
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

    Attention masks, flows, warped pictures, predicted label maps: whatever the system is made of. OUT gets a picture a
    panel, OUT/sheet.png with all of them and their captions, and the captions as OUT/index.md.

    A photograph brings its pixels and joints. Systems that read a parsing or DensePose take it from a store of
    rendered people, or from files that a parser or DensePose made of the photographs.

    [bold]repose inspect default me.jpg dancer.jpg -o inside[/bold]
    [bold]repose inspect runs/patn-s --store data/people-fashion --pair 12[/bold]
    [bold]repose inspect default p000000_00 p000000_03 --store data/people-fashion[/bold]
    [bold]repose inspect pinet-s me.jpg poses.json#dancer --source-parsing me_labels.png[/bold]
    """
    from repose.data import Store
    from repose.inspection import find_model, find_pair, find_person, look_inside, write
    from repose.represent.maps import with_maps

    data = None if store is None else Store.open(store)
    loaded, warning = find_model(model, device)
    if warning:
        console.print("[bold yellow]warning:[/bold yellow]", end=" ")
        console.print(warning, markup=False, soft_wrap=True)
    if pair is not None:
        if data is None or source is not None or target is not None:
            raise ValueError("--pair N stands in place of SOURCE and TARGET, and needs --store FOLDER")
        given, posed = find_pair(data, pair, split)
        names = f"pair {pair} of {split}, {data.folder.name}"
    elif source is None or target is None:
        raise ValueError("give SOURCE and TARGET, or --store FOLDER --pair N; `repose inspect --help` has examples")
    else:
        given = find_person(source, data, False, pose, _which(person))
        posed = find_person(target, data, True, pose, _which(target_person, "--target-person"))
        names = f"{Path(source).name} in the pose of {Path(target).name}"
    given, posed = with_maps(given, source_parsing, source_iuv), with_maps(posed, target_parsing, target_iuv)
    build = retarget if retarget is not None else data is None
    panels = look_inside(loaded, given, posed, build)
    folder = out or Path("out") / "inspect" / loaded.name
    note = "Random weights: this network has learnt nothing" if warning else ""
    paths = write(panels, folder, f"{loaded.name}: {names}", note)
    for panel in panels:
        _say(f"{folder / panel.name}.png: {panel.caption}")
    if {panel.name for panel in panels} <= {"result", "input"}:
        _say(f"{loaded.name} has nothing inside that could be shown: this variant goes without")
    _say(f"{paths[-2]}: all of them; captions in {paths[-1]}")


@app.command()
def convert(
    checkpoint: Annotated[Path, typer.Argument(help="A released checkpoint of the official code (.pth).")],
    recipe: Annotated[str, typer.Option("-r", "--recipe", help="The preset it was trained by, such as patn-market.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder of the result.")] = None,
) -> None:
    """Turn a released checkpoint into weights that `--model` takes. Every entry must be used, or it is an error.

    [bold]repose convert latest_net_netG.pth --recipe patn-fashion -o weights/patn-fashion[/bold]
    """
    from repose.hub.convert import convert_checkpoint

    folder = convert_checkpoint(checkpoint, recipe, out or Path("out") / recipe)
    _say(f"{folder}: use it as --model {folder}")


@app.command(name="models")
def list_models() -> None:
    """List the recipes that can be trained and the weights that are here."""
    from repose import models
    from repose.weights import DEFAULT, shipped

    table = Table("recipe", "model", "canvas", "images", "where the numbers come from")
    for name in models.RECIPES:
        made = models.recipe(name)
        table.add_row(name, made.model, made.canvas, f"{made.images:,}", made.notes)
    screen.print(table)
    here = Table("weights", "licence", "trained on")
    for name, folder in shipped().items():
        card_file = folder / "card.json"
        card = json.loads(card_file.read_text()) if card_file.exists() else {}
        here.add_row(f"{name} (default)" if name == DEFAULT else name, card.get("licence", "?"), card.get("data", "?"))
    screen.print(here)


@app.command()
def demo(out: Out = Path("out/demo.png"), seed: Annotated[int, typer.Option(help="Which people.")] = 7) -> None:
    """Leave a picture of rendered people put into each other's poses: source, pose, generated, target."""
    from repose.demo import make_demo

    _say(make_demo(out, seed))


@bench_app.command()
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

    height, width = _size(size)
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


@bench_app.command()
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
        for height, width in [_size(text) for text in size] if size else SIZES:
            with console.status(f"{name} {height}x{width}"):
                found.append(measure(name, height, width, rounds))
            if results is not None:
                append(results, {**found[-1].line(), **stamp()})
    report(found, screen)


@bench_app.command()
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
            _say(f"{name}: {happened}" if line is None else f"{text(line)} ({happened})")
    _say(f"{results}: `repose bench tables` writes them into README and docs")


@bench_app.command()
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


@bench_app.command(name="metrics")
def metrics_(
    data: StoreFolder,
    pairs: Annotated[int, typer.Option(min=2, help="So many pairs, evenly spaced over the test list.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, help="The best counts.")] = 3,
    results: Annotated[Path | None, typer.Option(help="Append a line to this .jsonl.")] = None,
) -> None:
    """What the metrics that need no network cost a pair, beside scikit-image in the same run."""
    from repose.bench.metrics import measure, report
    from repose.data import Store
    from repose.record import append, stamp

    store = Store.open(data)
    measured = measure(store, pairs=pairs, rounds=rounds)
    screen.print(report(measured))
    if results is not None:
        append(results, measured.line() | {"data": store.dataset, "checksum": store.checksum, **stamp()})


@bench_app.command()
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

    chosen = [_size(text) for text in sizes] if sizes else list(SIZES)
    found = []
    for height, width in chosen:
        for processes in dict.fromkeys((1, workers or os.cpu_count() or 1)):
            with console.status(f"{height}x{width}, processes: {processes}"):
                found.append(measure(height, width, processes, seconds, style))
            if results is not None:
                append(results, {**found[-1].line(), "style": style, **stamp()})
    report(found, screen)


@bench_app.command()
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
        with _bar() as bar:
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
            _say(f"{neighbours}: a photograph, then the rendered pictures nearest to it")
    if joints:
        with _bar() as bar:
            looked = sample(rich, split, joints)
            task = bar.add_task("joints", total=len(looked))
            seen = found_joints(looked, estimator("movenet"), tick=lambda count: bar.advance(task, count))
        report_joints(seen, screen)
        if results is not None:
            append(results, {**seen.line(), "split": split, **stamp()})


@bench_app.command()
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
    from repose.bench.evaluate import digest
    from repose.bench.turns import measure, render, report
    from repose.images import save_image
    from repose.pipeline import load
    from repose.record import append, stamp

    loaded = load(model, device)
    with _bar() as bar:
        turning = render(loaded.canvas, people, style, _degrees(degrees), progress=_progress(bar, "render"))
    found = measure(loaded, turning)
    report(found, loaded.name, screen)
    if results is not None:
        facts = {"model": loaded.name, "recipe": loaded.recipe.name, "weights": digest(model)}
        append(results, {**found.line(), **facts, **stamp()})
    save_image(out, found.sheet(1 if loaded.canvas.height > 200 else 2))
    _say(f"{out}: {people} people, the source and every turn as made and as it is")


@bench_app.command()
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
        limit=limit or None, pose=pose, features=_features(features),
    )  # fmt: skip


@bench_app.command()
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
            _say(f"{path}: {', '.join(names)}")


@study_app.command(name="protocols")
def study_protocols() -> None:
    """List the protocols of studies: what is asked, for how long, how many pictures, and which paper says so."""
    from repose.study import STUDIES

    table = Table("protocol", "question", "seconds", "pool", "in a session", "practice", "source")
    for name, made in STUDIES.items():
        seconds = ", then ".join("∞" if s is None else f"{s:g}" for s in made.seconds)
        aside = str(made.trials - made.counted)
        table.add_row(name, made.question, seconds, str(made.pool), str(made.counted), aside, made.notes)
    screen.print(table)
    _say("pool: pictures of each kind that a study needs; in a session: answers that count, without practice")


@study_app.command(name="prepare")
def study_prepare(
    methods: Annotated[list[str], typer.Argument(help="Folders of generated pictures, each FOLDER or NAME=FOLDER.")],
    protocol: Annotated[str, typer.Option("-p", "--protocol", help="One of `repose study protocols`.")] = "roy",
    real: Annotated[Path | None, typer.Option(help="A folder of real pictures.")] = None,
    data: Annotated[
        Path | None, typer.Option("-d", "--data", help="Or a store, which has the real pictures, sources and poses.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the store.")] = "test",
    title: Annotated[
        str, typer.Option(help="Heads the page; say nothing in it that gives pictures away.")
    ] = "Picture study",
    seed: Annotated[int, typer.Option(help="Which pictures are drawn, and the order of every session.")] = 0,
    out: Out = Path("out/study.db"),
) -> None:
    """Make the file of a study from folders of pictures.

    Every picture is looked at first: what is missing, broken or of another size is named, and then no study is made.
    The drawn ones go into OUT, all re-encoded alike. Participants see neither file names nor names of methods.

    With --data the folders are as `repose eval` reads them, SOURCE_2_TARGET.png; with --real names are free, but those
    of several methods must be the same.

    [bold]repose study prepare ours=out/ours patn=out/patn -d data/people -p patn -o out/study.db[/bold]
    [bold]repose study prepare out/ours --real photographs -p roy-untimed -o out/untimed.db[/bold]
    [bold]repose study prepare ours=out/ours patn=out/patn -d data/people -p preference -o out/which.db[/bold]
    """
    from repose.data import Store
    from repose.study import prepare as make

    folders: dict[str, Path] = {}
    for given in methods:
        name, mark, folder = given.partition("=")
        place = Path(folder if mark else given)
        name = name if mark else place.name
        if name in folders:
            raise ValueError(f"two methods are called '{name}': give NAME=FOLDER")
        folders[name] = place
    store = None if data is None else Store.open(data)
    with console.status("looking at the pictures"):
        done = make(out, protocol, folders, real=real, store=store, split=split, seed=seed, title=title)
    for note in done.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{count} {what}" for what, count in done.counts.items())
    size = f"{done.size[0]}x{done.size[1]}"
    _say(f"{out}: {done.protocol}, {counts}, {size}; `repose study serve {out}` puts it on the web")


@study_app.command(name="serve")
def study_serve(
    study: Annotated[Path, typer.Argument(help="The file that `repose study prepare` made.")] = Path("out/study.db"),
    host: Annotated[
        str, typer.Option(help="127.0.0.1 is this machine alone; 0.0.0.0 everybody who reaches it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8010,
) -> None:
    """Put a study on the web until Ctrl-C.

    The page works without a network, on a phone as well, by keys and by touch. Every answer is in the file at once:
    a closed tab goes on where it was, and so does a server that was stopped and started again.

    Nothing is encrypted here: where people come over the internet, put a server with HTTPS in front.

    [bold]repose study serve out/study.db[/bold]
    [bold]repose study serve out/study.db --host 0.0.0.0 --port 8080[/bold]
    """
    from repose.study import Study, StudyServer

    opened = Study(study)
    with StudyServer(opened, host, port) as server:
        begun, finished = opened.sessions()
        _say(f"{opened.protocol} on {server.url}; sessions so far: {begun} begun, {finished} finished; Ctrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            begun, finished = opened.sessions()
            opened.close()
            _say(f"{begun} sessions begun, {finished} finished; `repose study table {study}` shows what they say")


@study_app.command(name="table")
def study_table(
    study: Annotated[Path, typer.Argument(help="The file of a study.")] = Path("out/study.db"),
    published: Annotated[bool, typer.Option(help="The papers' rows below, marked as published.")] = True,
    flagged: Annotated[
        bool, typer.Option("--flagged", help="Count answers with impossible times too (page hidden, seen twice, ...).")
    ] = False,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Count sessions that nobody ended too.")] = False,
    document: Annotated[bool, typer.Option("--markdown", help="As Markdown.")] = False,
) -> None:
    """What the people said, with intervals, beside the papers' numbers.

    [bold]repose study table out/study.db[/bold]
    [bold]repose study table out/study.db --markdown --no-published[/bold]
    """
    from repose.study import Study, results
    from repose.study.results import markdown, rich_table

    found = results(Study(study), flagged=flagged, unfinished=unfinished)
    if document:
        sys.stdout.write(markdown(found, published))
    else:
        screen.print(rich_table(found, published))


@study_app.command(name="export")
def study_export(
    study: Annotated[Path, typer.Argument(help="The file of a study.")] = Path("out/study.db"),
    out: Out = Path("out/answers.csv"),
) -> None:
    """Write every single answer as CSV or JSON, practice and flagged ones included; nothing in it leads to a person.

    [bold]repose study export out/study.db -o answers.csv[/bold]
    [bold]repose study export out/study.db -o answers.json[/bold]
    """
    from repose.study import Study, export

    _say(f"{out}: {export(Study(study), out)} answers")


def main() -> None:
    """Run the command; an expected error is one clear line, REPOSE_DEBUG=1 shows where it came from."""
    try:
        app()
    except (ValueError, KeyError, OSError, RuntimeError, ImportError) as error:
        if os.environ.get("REPOSE_DEBUG"):
            raise
        text = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
        console.print("[red]error:[/red]", end=" ")
        console.print(text or type(error).__name__, markup=False, soft_wrap=True)
        sys.exit(2)


# -- inside ---------------------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    """A line of the result; never broken, so that a path in it can be copied."""
    screen.print(text, soft_wrap=True)


class _skipping:  # noqa: N801  (reads as a verb: with _skipping(path): ...)
    """Name and skip what is wrong with one file among many; alone, it stops the command, named as well."""

    def __init__(self, path: Path, alone: bool) -> None:
        self.path, self.alone = path, alone

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ValueError | OSError):
            return False
        named = str(self.path) in str(error)
        if self.alone and not named:
            raise ValueError(f"{self.path}: {error}") from error
        if self.alone:
            return False
        text = str(error) if named else f"{self.path}: {error}"
        console.print(f"skipped: {text}", markup=False, soft_wrap=True)
        return True


@contextlib.contextmanager
def _noting(path: Path) -> Iterator[None]:
    """A line for every warning about a file; each once for the file."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(f"{path}: {warning.message}" for warning in said):
        console.print(f"note: {text}", markup=False, soft_wrap=True)


def _pictures(place: Path) -> list[Path]:
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist")
    if place.is_file():
        return [place]
    found = sorted(path for path in place.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise ValueError(f"{place} holds no pictures ({', '.join(PICTURES)})")
    return found


def _require_new(name: str, known: Iterable[str]) -> None:
    if name in known:
        raise ValueError(f"another one is called '{name}', too; rename one of the two")


def _which(text: str, option: str = "--person") -> Any:
    if text in ("largest", "best"):
        return text
    if text.isdecimal():
        return int(text)
    raise ValueError(f"{option} takes largest, best or a number from 0, not '{text}'")


def _features(text: str) -> bool | str:
    """--features as `evaluate` takes it: auto is True, none is False, anything else the name of a version."""
    return {"auto": True, "none": False}.get(text, text)


def _size(text: str) -> tuple[int, int]:
    height, mark, width = text.lower().partition("x")
    if not (mark and height.isdecimal() and width.isdecimal()):
        raise ValueError(f"a size is HEIGHTxWIDTH, such as 256x176, not '{text}'")
    return int(height), int(width)


def _degrees(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ValueError(f"--degrees takes whole numbers with commas, such as 30,90,180, not '{text}'") from None


class _Rate(ProgressColumn):
    """Steps a second, of late."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


def _bar(rate: bool = False) -> Progress:
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    return Progress(*columns, *([_Rate()] if rate else []), console=console)


def _progress(bar: Progress, what: str) -> Callable[[int, int], None]:
    """A line of the bar, there from the first (done, total) on; what was done before that is no part of its speed."""
    task: TaskID | None = None

    def progress(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            task = bar.add_task(what, total=total, completed=done)
        bar.update(task, completed=done, total=total)

    return progress


def _prepare_set(
    place: Path, name: str, people: int | None, workers: int, progress: Callable[[int, int], None], fresh: bool
) -> Report:
    """A named set of rendered people; says before it starts what it will cost."""
    from repose.data import synthetic
    from repose.data.synthetic.sets import find_set

    spec = find_set(name, people)
    seconds, size = synthetic.expected(spec, workers)
    console.print(
        f"{spec.name}: {spec.people:,} people in {spec.pictures} pictures of {spec.height}x{spec.width}; "
        f"{'some seconds' if seconds < 60 else f'about {seconds / 60:.0f} min'} without a GPU, {size:.1f} GB"
    )
    return synthetic.prepare_set(place, name, people, workers, progress, fresh)


def _stream(data: str, run: Path, fresh: bool) -> Stream:
    """The endless people of `--data synthetic:...`; a run that goes on begins with other people than it began with."""
    from repose.data import synthetic
    from repose.train.checkpoint import checkpoints

    found = [] if fresh else checkpoints(run / "checkpoints")
    # training sees a person many times, so people with numbers as high as that of the images are new as a rule
    return synthetic.open_stream(data, start=int(found[0].stem) if found else 0)


def _store_sheet(place: Path) -> Path:
    """A sheet of samples of a store, left inside it."""
    import numpy as np
    import torch

    from repose.data import Store
    from repose.images import save_image
    from repose.represent.canvas import to_uint8
    from repose.represent.keypoints import draw_skeleton
    from repose.sheet import sheet

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
