"""The verbs of `repose bench`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common, research
from repose.cli.common import (
    Device,
    Estimator,
    Features,
    Limit,
    ModelName,
    PckhEstimator,
    Results,
    StoreFolder,
    print_line,
    stderr,
    stdout,
)

app = typer.Typer(help="Measure speed, memory and cost.", no_args_is_help=True)


@app.command()
def forward(
    recipes: Annotated[list[str] | None, typer.Argument(help="Recipes; PATN and multi-scale by default.")] = None,
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH.")] = "256x176",
    rounds: Annotated[int, typer.Option(help="Turns of each backend.")] = 7,
    backends: Annotated[str, typer.Option(help="Comma-separated; all by default.")] = "",
    results: Results = None,
) -> None:
    """Forward time and share of the machine's peak, every backend side by side in one run."""
    from repose.backends import BACKENDS
    from repose.bench.forward import print_forward, time_forward
    from repose.record import append_result

    height, width = common.parse_size(size)
    chosen = [name.strip() for name in backends.split(",") if name.strip()] or list(BACKENDS)
    for name in recipes or ["patn-fashion", "multiscale-fashion"]:
        with stderr.status(name) as status:
            times = time_forward(name, height, width, 1, rounds, chosen, status.update)
        print_forward(times, stdout)
        append_result(results, times.line())


@app.command()
def export(
    models: Annotated[list[str] | None, typer.Argument(help="Weights by name; all shipped ones by default.")] = None,
    formats: Annotated[str, typer.Option(help="Comma-separated; all by default.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Pictures of each file, of which the best counts.")] = 15,
    results: Results = None,
) -> None:
    """What `repose export` writes of each model: differences from PyTorch, size and speed of every file.

    [bold]repose bench export --results results/export.jsonl[/bold]
    """
    from repose.bench.exporting import print_exports, time_exports
    from repose.exporting import FORMATS
    from repose.models.weights import shipped
    from repose.record import append_result

    chosen = [name.strip() for name in formats.split(",") if name.strip()] or list(FORMATS)
    for name in models or list(shipped()):
        with stderr.status(name) as status:
            exports = time_exports(name, chosen, rounds, status.update)
        print_exports(exports, stdout)
        append_result(results, exports.line())


@app.command()
def attention(
    what: Annotated[
        list[str] | None, typer.Argument(help="attention: that of one block alone (the default); or recipes of apatn.")
    ] = None,
    size: Annotated[list[str] | None, typer.Option(help="HEIGHTxWIDTH; 256x256 and 128x88 by default.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each way.")] = 5,
    results: Results = None,
) -> None:
    """Time and memory of APATN's attention, fused against the plain product, without and with the backward pass.

    [bold]repose bench attention attention apatn-fashion --results results/attention.jsonl[/bold]
    """
    from repose.bench.attention import ATTENTION, ATTENTION_SIZES, print_attention, time_attention
    from repose.record import append_result

    costs = []
    for name in what or [ATTENTION]:
        for height, width in [common.parse_size(text) for text in size] if size else ATTENTION_SIZES:
            with stderr.status(f"{name} {height}x{width}"):
                costs.append(time_attention(name, height, width, rounds))
            append_result(results, costs[-1].line())
    print_attention(costs, stdout)


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

    The same command continues a run that was stopped: what RESULTS has of this machine stays. A recipe that fails is
    named and skipped; one that needs more memory than is free is counted and not run. `repose bench tables` makes
    tables.

    [bold]repose bench cost[/bold]
    [bold]repose bench cost patn-fashion pinet-s --backends plain,compiled,onnxruntime --anew[/bold]
    [bold]repose bench cost densepose-fashion --count[/bold]
    """
    import torch

    from repose.bench.cost.measure import measure_costs
    from repose.bench.cost.result import describe_cost
    from repose.models import RECIPES

    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"--device is auto, cpu or cuda, got '{device}'")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: there is no GPU that torch can use")
    device = "cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"
    chosen = [name.strip() for name in backends.split(",") if name.strip()]
    with stderr.status("cost") as status:
        for name, measured, happened in measure_costs(
            recipes or list(RECIPES), results, rounds=rounds, backends=chosen, device=device, run=run, anew=anew,
            say=status.update,
        ):  # fmt: skip
            print_line(f"{name}: {happened}" if measured is None else f"{describe_cost(measured)} ({happened})")
    print_line(f"{results}: `repose bench tables` writes them into README and docs")


@app.command()
def loading(
    data: StoreFolder,
    seconds: float = 3.0,
    results: Results = None,
) -> None:
    """Pairs a second out of a store, with the heatmaps of both poses."""
    from repose.bench.loading import print_loading, time_loading
    from repose.data import Store
    from repose.record import append_result

    store = Store.open(data)
    rates = time_loading(store, seconds)
    print_loading(rates, stdout)
    append_result(results, rates.line(), data=store)


@app.command(name="metrics")
def metrics_(
    data: StoreFolder,
    pairs: Annotated[int, typer.Option(min=2, help="So many pairs, evenly spaced over the test list.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, help="The best counts.")] = 3,
    whole: Annotated[
        int, typer.Option(min=0, help="Also a whole evaluation of N pairs a protocol, by the clock on all cores.")
    ] = 0,
    results: Results = None,
) -> None:
    """What the metrics that need no network cost a pair, beside scikit-image in the same run."""
    from repose.bench.metrics import print_metrics, time_metrics
    from repose.data import Store
    from repose.record import append_result

    store = Store.open(data)
    times = time_metrics(store, pairs=pairs, rounds=rounds, whole=whole)
    print_metrics(times, stdout)
    append_result(results, times.line(), data=store)


@app.command()
def rendering(
    sizes: Annotated[list[str] | None, typer.Argument(help="HEIGHTxWIDTH; 128x64 and 256x176 by default.")] = None,
    seconds: Annotated[float, typer.Option(help="Of every measurement.")] = 10.0,
    workers: Annotated[int, typer.Option(min=0, help="Processes of the second measurement; 0 for one a core.")] = 0,
    style: Annotated[str | None, typer.Option(help="Of the people; the renderer's choice by default.")] = None,
    results: Results = None,
) -> None:
    """Finished pictures of rendered people a second with all labels, in one process and on all cores."""
    from repose.bench.rendering import RENDERING_SIZES, print_rendering, time_rendering
    from repose.record import append_result

    speeds = []
    for height, width in [common.parse_size(text) for text in sizes] if sizes else RENDERING_SIZES:
        for processes in dict.fromkeys((1, workers or os.cpu_count() or 1)):
            with stderr.status(f"{height}x{width}, processes: {processes}"):
                speeds.append(time_rendering(height, width, processes, seconds, style))
            append_result(results, speeds[-1].line())
    print_rendering(speeds, stdout)


@app.command()
def scene(
    photograph: Annotated[Path, typer.Argument(help="Of one person, or of several: the largest is taken.")],
    model: ModelName = "default",
    poses: Annotated[int, typer.Option(min=2, help="The person raises an arm in so many pictures.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Of all poses, after one that does not count.")] = 3,
    pose: Estimator = "movenet",
    results: Results = None,
    device: Device = "auto",
) -> None:
    """One photograph in several poses: time of the first picture and of each further one, and what it goes to.

    [bold]repose bench scene me.jpg --poses 10 --results results/scene.jsonl[/bold]
    """
    from repose.bench.scene import print_scene, raise_arm, time_scene
    from repose.models.weights import weights_checksum
    from repose.pipeline import load, read_person
    from repose.record import append_result

    loaded, person = load(model, device), read_person(photograph, pose)
    with stderr.status("scene") as status:
        times = time_scene(loaded, person, raise_arm(person, poses), rounds, status.update)
    print_scene(times, loaded.name, stdout)
    append_result(results, times.line(), model=loaded.name, recipe=loaded.recipe.name, weights=weights_checksum(model))


@app.command()
def pictures(
    photograph: Annotated[Path, typer.Argument(help="Of one person, or of several: the largest is taken.")],
    models: Annotated[list[str], typer.Argument(help="Weights by name or folder; a recipe stands for random weights.")],
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH that the photograph is brought to.")] = "256x176",
    count: Annotated[int, typer.Option("--pictures", min=1, help="Of each model and kind.")] = 20,
    pose: Estimator = "movenet",
    keypoints: Annotated[Path | None, typer.Option(help="The joints of the photograph, a CSV or JSON file.")] = None,
    results: Results = None,
    device: Device = "auto",
) -> None:
    """Time of a picture with the joints given, several models side by side: of new pairs, and of further poses.

    [bold]repose bench pictures me.jpg default bodywarp-s[/bold]
    """
    from repose.bench.pictures import print_pictures, time_pictures
    from repose.inspection import find_model
    from repose.pipeline import read_person
    from repose.record import append_result

    height, width = common.parse_size(size)
    loaded = [find_model(name, device)[0] for name in models]
    person = read_person(photograph, pose, keypoints=keypoints).resize(height, width)
    with stderr.status("pictures") as status:
        times = time_pictures(loaded, person, count, status.update)
    print_pictures(times, stdout)
    for one in times:
        append_result(results, one.line())


@app.command()
def video(
    frames: Annotated[int, typer.Option(min=1, help="That count, after four that do not.")] = 48,
    rounds: Annotated[int, typer.Option(min=1, help="Of all ways, of which the medians are.")] = 3,
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the photograph of a rendered person.")] = "720x1280",
    against: Annotated[
        Path | None, typer.Option(help="The folder src of another checkout, measured frame by frame in turns.")
    ] = None,
    model: ModelName = "default",
    results: Results = None,
) -> None:
    """A video of one photograph, joints given, end to end: frame by frame and as a sequence.

    [bold]repose bench video --against ../before/src --results results/video-speed.jsonl[/bold]
    """
    from repose.bench.video import print_video, time_video
    from repose.record import append_result

    with stderr.status("video") as status:
        cost = time_video(frames, rounds, model, against, common.parse_size(size), status.update)
    print_video(cost, stdout)
    append_result(results, cost.line())


@app.command()
def live(
    steps: Annotated[int, typer.Option(min=1, help="Of the dragged wrist that count, at each size.")] = 100,
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the photograph of a rendered person.")] = "720x1280",
    model: ModelName = "default",
    results: Results = None,
) -> None:
    """The latency of `repose web`: from the joints that are posted to the picture, while a wrist is dragged.

    [bold]repose bench live --results results/live.jsonl[/bold]
    """
    from repose.bench.live import print_live, time_live
    from repose.record import append_result

    with stderr.status("live") as status:
        cost = time_live(steps, model, common.parse_size(size), status.update)
    print_live(cost, stdout)
    append_result(results, cost.line())


@app.command()
def large(
    sizes: Annotated[list[str] | None, typer.Argument(help="HEIGHTxWIDTH; 2880x5120 and 6000x3000 by default.")] = None,
    largest: Annotated[bool, typer.Option("--largest", help="Also 8000x8000, the most that is read.")] = False,
    against: Annotated[
        Path | None, typer.Option(help="The folder src of another checkout, measured in turns with this one.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Of each photograph, after a small one that does not count.")] = 1,
    model: ModelName = "default",
    results: Results = None,
) -> None:
    """Time and memory of the whole command `repose transfer` on large photographs of a rendered person.

    [bold]repose bench large --against ../before/src --results results/large.jsonl[/bold]
    """
    from repose.bench.large import LARGE_SIZES, LARGEST_SIZE, print_large, time_large
    from repose.record import append_result

    chosen = [common.parse_size(text) for text in sizes] if sizes else list(LARGE_SIZES)
    with stderr.status("large") as status:
        costs = time_large([*chosen, *([LARGEST_SIZE] if largest else [])], against, rounds, model, status.update)
    print_large(costs, stdout)
    for cost in costs:
        append_result(results, cost.line())


@app.command()
def serving(
    photographs: Annotated[
        list[Path] | None, typer.Argument(help="Each of one person; without them eight rendered people.")
    ] = None,
    parts: Annotated[str, typer.Option(help="Comma-separated.")] = "load,batching,memory,kill",
    visitors: Annotated[int, typer.Option(min=1, help="Of load, at once.")] = 100,
    seconds: Annotated[float, typer.Option(help="Of load: nobody sends a new request afterwards.")] = 60.0,
    workers: Annotated[int, typer.Option(min=0, help="Of the server; 0 for one a core.")] = 0,
    batch: Annotated[int, typer.Option(min=2, help="Of batching: requests that are computed together, at most.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of batching.")] = 3,
    pictures: Annotated[int, typer.Option(min=1, help="Of each turn of batching.")] = 24,
    requests: Annotated[int, typer.Option(min=10, help="Of memory.")] = 10_000,
    kills: Annotated[int, typer.Option(min=1, help="Of kill.")] = 3,
    model: ModelName = "default",
    results: Results = None,
) -> None:
    """A server under load: visitors, batches beside none, memory over many requests, and killed workers.

    The server is a process of its own, by `repose serve`; visitors go through HTTP, and send a request again after a
    503, as Retry-After says.

    [bold]repose bench serving --results results/serving.jsonl[/bold]
    [bold]repose bench serving me.jpg dancer.jpg --parts load --visitors 20 --seconds 30[/bold]
    """
    from repose.bench.serving.run import measure_serving
    from repose.bench.serving.table import print_serving
    from repose.record import append_result

    chosen = [name.strip() for name in parts.split(",") if name.strip()]
    with stderr.status("serving") as status:
        for cost in measure_serving(
            chosen, [path.read_bytes() for path in photographs or ()], model=model, workers=workers, batch=batch,
            visitors=visitors, seconds=seconds, rounds=rounds, pictures=pictures, requests=requests, kills=kills,
            say=status.update,
        ):  # fmt: skip
            print_serving(cost, stdout)
            append_result(results, cost.line())


@app.command()
def latency(
    against: Annotated[
        Path | None, typer.Option(help="The folder src of another checkout, measured in turns with this one.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="After one that does not count.")] = 5,
    ways: Annotated[str, typer.Option(help="Who tells joints and mask, comma-separated.")] = "estimators,joints",
    results: Results = None,
) -> None:
    """The latency of the command `repose transfer` on one megapixel, process start to file, and of its parts.

    [bold]repose bench latency --against ../before/src --results results/latency.jsonl[/bold]
    """
    from repose.bench.latency import print_latency, time_latency
    from repose.record import append_result

    chosen = [name.strip() for name in ways.split(",") if name.strip()]
    with stderr.status("latency") as status:
        costs = time_latency(against, rounds, chosen, say=status.update)
    print_latency(costs, stdout)
    for cost in costs:
        append_result(results, cost.line())


@app.command(name="estimate")
def estimate_(
    data: StoreFolder,
    fields: Annotated[str, typer.Option(help="As of `repose estimate --fields`.")] = "all",
    estimators: Annotated[str, typer.Option(help="As of `repose estimate --estimators`.")] = "",
    photographs: Annotated[int, typer.Option(min=1, help="So many, spread over the store.")] = 300,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one a core.")] = 0,
    rounds: Annotated[int, typer.Option(min=1, help="Parts of the photographs, for turns.")] = 2,
    results: Results = None,
) -> None:
    """All fields of photographs with `repose estimate --fields`, beside each network alone; minutes for 10,000.

    [bold]repose bench estimate -d data/people --results results/estimate.jsonl[/bold]
    """
    from repose.bench.estimating import print_estimating, time_estimating
    from repose.cli.estimate_fields import parse_estimators, parse_fields
    from repose.cores import cores
    from repose.data import Store
    from repose.record import append_result

    store, chosen, using = Store.open(data), parse_fields(fields), parse_estimators(estimators)
    with stderr.status("estimate") as status:
        times = time_estimating(store, chosen, using, photographs, workers or cores(), rounds, status.update)
    print_estimating(times, stdout)
    append_result(results, times.line(), data=store)


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
    pose: PckhEstimator = "movenet",
    features: Features = "auto",
    results: Annotated[
        Path | None, typer.Option(help="Append lines to this .jsonl; OUT/results.jsonl without it.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of runs, plan and sheet.")] = Path("runs/budget"),
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train recipes for equal minutes on this machine and compare them: a table, and the same ten pairs of all.

    The same command continues a run that was stopped at any moment; what is trained and measured stays.

    [bold]repose bench budget patn-s "multiscale-s network.width=24 name=wide" -d data/people --minutes 60[/bold]
    """
    from repose.bench.budget.compare import compare_budgets
    from repose.bench.budget.terms import Terms

    terms = Terms(minutes, threads, side_by_side, accelerator)
    compare_budgets(
        recipes, data, protocol, terms, out, results, stdout,
        limit=limit or None, pose=pose, features=common.parse_features(features),
    )  # fmt: skip


@app.command()
def seeds(
    recipes: Annotated[
        list[str],
        typer.Argument(help="Recipes by name or file, each with its settings in quotation marks; first the base."),
    ],
    data: StoreFolder,
    images: Annotated[int, typer.Option(min=1, help="Of each training.")] = 2_400,
    seed: Annotated[list[int] | None, typer.Option(help="Several times; 0, 1 and 2 by default.")] = None,
    protocol: Annotated[str, typer.Option("-p", "--protocol", help="By which they are measured.")] = "people-half",
    limit: Limit = 0,
    pose: PckhEstimator = "movenet",
    features: Features = "auto",
    results: Annotated[
        Path | None, typer.Option(help="Append lines to this .jsonl; OUT/results.jsonl without it.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of runs and sheet.")] = Path("runs/seeds"),
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train recipes for equally many images from several seeds: means with intervals over the seeds.

    For ablations: is a difference larger than that of two seeds? The second part of the table is each recipe less the
    first one, seed by seed. The same command continues what was stopped; what is trained and measured stays.

    [bold]repose bench seeds pinet-s "pinet-s network.gated=false name=pinet-s-vanilla" -d data/people[/bold]
    """
    from repose.bench.seeds import compare_seeds

    compare_seeds(
        recipes, data, protocol, images, seed or [0, 1, 2], out, results, stdout,
        limit=limit or None, pose=pose, features=common.parse_features(features), accelerator=accelerator,
    )  # fmt: skip


@app.command()
def runtimes(
    runtimes: Annotated[
        list[str],
        typer.Argument(metavar="RUNTIME=FOLDER...", help="onnxruntime, openvino, opencv or ncnn, and where it lies."),
    ],
    models: Annotated[
        list[str] | None, typer.Option("--model", help="Weights by name, also several; all shipped ones by default.")
    ] = None,
    exports: Annotated[
        Path, typer.Option(help="Folder of the exported networks, which are taken from there the next time.")
    ] = Path("out/exports"),
    results: Results = None,
) -> None:
    """Whether other versions of runtimes run the exported networks, and how far their pictures are from PyTorch's.

    Each version lies in a folder of its own, which pip fills by --target, and runs in a process of its own. A folder
    from which nothing can be imported is named and gives no line.

    [bold]pip install --target runtimes/openvino-2025.4.1 openvino==2025.4.1[/bold]
    [bold]repose bench runtimes openvino=runtimes/openvino-2025.4.1 --results results/export.jsonl[/bold]
    """
    from repose.bench.runtimes import named_folder, try_exports
    from repose.models.weights import shipped
    from repose.record import append_result

    failed = 0
    for runtime, folder in [named_folder(text) for text in runtimes]:
        try:
            with stderr.status(runtime) as status:
                tried = try_exports(runtime, folder, models or list(shipped()), exports, status.update)
        except RuntimeError as error:
            stderr.print(f"error: {error}", markup=False, soft_wrap=True)
            failed += 1
            continue
        append_result(results, tried.line())
        for row in tried.rows:
            print_line(f"{runtime} {tried.version} {row.model}: {row.error or format(row.largest, '.1e')}")
    if failed:
        raise typer.Exit(1)


@app.command()
def steadiness(
    clips: Annotated[list[Path] | None, typer.Argument(help="Videos, whose joints an estimator finds.")] = None,
    motions: Annotated[str, typer.Option(help="Comma-separated, of `repose animate`; none for clips alone.")] = (
        "walk,wave,dance"
    ),
    people: Annotated[str, typer.Option(help="Numbers of rendered people, comma-separated.")] = "1,3",
    frames: Annotated[int, typer.Option(min=4, help="Of each motion, at most.")] = 48,
    seconds: Annotated[float, typer.Option(help="Of each video.")] = 2.0,
    pose: Estimator = "movenet",
    model: ModelName = "default",
    seed: Annotated[int, typer.Option(help="Of the people and of the played detector.")] = 977,
    results: Results = None,
) -> None:
    """Flicker and jitter of `repose video`, and of frames that are transferred each by itself, in one run.

    [bold]repose bench steadiness --results results/video.jsonl[/bold]
    [bold]repose bench steadiness me_juggling.mp4 --motions none --results results/video.jsonl[/bold]
    """
    from repose.bench.steadiness import Steadiness, describe, measure_clip, measure_motion, rendered_people
    from repose.estimate import estimator
    from repose.pipeline import load
    from repose.record import append_result

    loaded = load(model)
    names = [] if motions == "none" else [name.strip() for name in motions.split(",") if name.strip()]
    with stderr.status("steadiness") as status:

        def tell(found: Steadiness) -> None:
            line = {**found.line(), "seed": seed, "data": "rendered people"}
            append_result(results, line, model=loaded.name)
            print_line(describe(found))

        for name, person in rendered_people([int(number) for number in people.split(",")], seed):
            for motion in names:
                tell(measure_motion(loaded, name, person, motion, seed, frames, status.update))
            for clip in clips or []:
                tell(measure_clip(loaded, name, person, clip, estimator(pose), seconds, status.update))


@app.command()
def tables(
    results: Annotated[Path, typer.Argument(help="Folder of .jsonl files.")] = Path("results"),
    documents: Annotated[
        list[Path] | None, typer.Argument(help="Markdown files; README, docs and cards by default.")
    ] = None,
) -> None:
    """Write the tables of README and docs anew from the result lines."""
    from repose.document_tables import write_tables

    usual = [Path("README.md"), *sorted(Path("docs").glob("*.md")), *sorted(Path("weights").glob("*/CARD.md"))]
    for path, names in write_tables(results, documents or usual).items():
        if names:
            print_line(f"{path}: {', '.join(names)}")


# as they were called before they became research
app.command("realism", hidden=True)(research.realism)
app.command("turns", hidden=True)(research.turns)
