"""The verbs of `repose research`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common
from repose.cli.common import Device, Out, Results, StoreFolder, print_line, stderr, stdout

app = typer.Typer(
    help="Research on rendered people, and on what models do to them and to photographs: "
    "[bold]repose research turns default[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


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
    results: Results = None,
) -> None:
    """How far rendered people are from photographs, what gives them away, and whether MoveNet finds their joints.

    [bold]repose research realism --real data/market1501 --synthetic data/people-market --plain data/plain[/bold]
    [bold]repose research realism --synthetic data/people-fashion[/bold]
    """
    from repose.data import Store
    from repose.estimate import estimator
    from repose.images import save_image
    from repose.record import append_result
    from repose.research.joints import count_joints, print_joints
    from repose.research.neighbours import draw_neighbours
    from repose.research.realism import compare_stores, print_realism
    from repose.research.sample import draw_sample

    rich = Store.open(synthetic)
    if real is None and (plain is not None or neighbours is not None):
        raise ValueError("--plain and --neighbours need photographs to compare with: --real STORE")
    if real is not None:
        rendered = {"rich": rich} | ({} if plain is None else {"plain": Store.open(plain)})
        with common.progress_bar() as bar:
            task = bar.add_task("realism", total=None)

            def progress(what: str, done: int, total: int) -> None:
                bar.update(task, description=what, completed=done, total=total)

            distances = compare_stores(Store.open(real), rendered, split, count, judged, progress=progress)
        print_realism(distances, stdout)
        append_result(results, distances.line(), split=split)
        if neighbours is not None:
            photographs, pictures = draw_sample(Store.open(real), split, 12), draw_sample(rich, split, min(count, 2000))
            save_image(neighbours, draw_neighbours(photographs, pictures))
            print_line(f"{neighbours}: a photograph, then the rendered pictures nearest to it")
    if joints:
        with common.progress_bar() as bar:
            sample = draw_sample(rich, split, joints)
            task = bar.add_task("joints", total=len(sample))
            result = count_joints(sample, estimator("movenet"), tick=lambda count: bar.advance(task, count))
        print_joints(result, stdout)
        append_result(results, result.line(), split=split)


@app.command()
def reidentification(
    data: StoreFolder,
    split: Annotated[str, typer.Option(help="Of the store.")] = "test",
    people: Annotated[int, typer.Option(min=0, help="So many people, the first ones; 0 for all.")] = 0,
    results: Results = None,
) -> None:
    """Whether the networks behind `identity_reid` and `attributes` tell people apart, on photographs of a data set.

    Names of photographs tell person and camera, as those of Market-1501 do.

    [bold]repose research reidentification -d data/market1501 --results results/people.jsonl[/bold]
    """
    from repose.data import Store
    from repose.record import append_result
    from repose.research.reidentification import print_people_told, tell_people

    store = Store.open(data)
    with common.progress_bar() as bar:
        task = bar.add_task("people", total=None)

        def tick(network: str, done: int, total: int) -> None:
            bar.update(task, description=network, completed=done, total=total)

        told = tell_people(store, split, people, tick)
    print_people_told(told, stdout)
    append_result(results, told.line(), data=store)


@app.command()
def looks(
    data: StoreFolder,
    split: Annotated[str, typer.Option(help="Of the store.")] = "test",
    count: Annotated[int, typer.Option(min=1, help="Photographs, drawn without repetition.")] = 1500,
    padded: Annotated[
        int, typer.Option(min=1, help="Of them, so many are looked at again, with a black border of one pixel.")
    ] = 400,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    results: Results = None,
) -> None:
    """How MoveNet's looks at one person are joined, on photographs whose joints are annotated.

    Of a store whose joints are not MoveNet's own, such as Market-1501's.

    [bold]repose research looks -d data/market1501 --results results/estimate.jsonl[/bold]
    """
    from repose.data import Store
    from repose.record import append_result
    from repose.research.looks import measure_looks, print_looks

    store = Store.open(data)
    with stderr.status("looking") as status:
        measured = measure_looks(store, split, count, padded, seed, status.update)
    print_looks(measured, stdout)
    append_result(results, measured.line(), data=store, split=split)


@app.command()
def turns(
    model: Annotated[str, typer.Argument(help="Weights by name (see `repose models`), or the folder of a run.")],
    people: Annotated[int, typer.Option(min=1, help="How many, each with a pattern on the clothes.")] = 20,
    degrees: Annotated[str, typer.Option(help="To the person's left, comma-separated.")] = "30,90,180",
    style: Annotated[str, typer.Option(help="fashion, street or mixed.")] = "fashion",
    results: Results = None,
    out: Out = Path("out/turns.png"),
    device: Device = "auto",
) -> None:
    """What is left of patterns, colours and heads when unseen rendered people turn on the spot.

    Leaves a sheet: the source, then each turn as the model makes it and as it truly is.

    [bold]repose research turns default --results results/turns.jsonl[/bold]
    """
    from repose.images import save_image
    from repose.models.weights import weights_checksum
    from repose.pipeline import load
    from repose.record import append_result
    from repose.research.turning import render_turning
    from repose.research.turns import print_turns, score_turns

    loaded = load(model, device)
    with common.progress_bar() as bar:
        turning = render_turning(
            loaded.canvas, people, style, _degrees(degrees), progress=common.progress_callback(bar, "render")
        )
    scored = score_turns(loaded, turning)
    print_turns(scored.result, loaded.name, stdout)
    append_result(
        results, scored.result.line(), model=loaded.name, recipe=loaded.recipe.name, weights=weights_checksum(model)
    )  # fmt: skip
    save_image(out, scored.sheet(1 if loaded.canvas.height > 200 else 2))
    print_line(f"{out}: {people} people, the source and every turn as the model makes it and as it is")


@app.command()
def tryon(
    model: Annotated[
        str, typer.Argument(help="Of pose transfer: weights by name, or the folder of a run.")
    ] = "default",
    flow: Annotated[str, typer.Option(help="Weights of the appearance flow network.")] = "garment-s-synthetic",
    shirts: Annotated[int, typer.Option(min=1, help="Exchanges of shirts.")] = 40,
    trousers: Annotated[int, typer.Option(min=1, help="Exchanges of trousers.")] = 20,
    shown: Annotated[int, typer.Option(min=1, help="Exchanges on the sheet, spread over all.")] = 10,
    results: Results = None,
    out: Out = Path("out/tryon.png"),
    device: Device = "auto",
) -> None:
    """Compare the ways of try-on on rendered people who truly put on another's garment.

    Leaves a sheet: the source, who wears the garment, the source in it, and each way's picture.

    [bold]repose research tryon --results results/tryon.jsonl[/bold]
    """
    import numpy as np

    from repose.images import save_image
    from repose.models.weights import weights_checksum
    from repose.pipeline import load
    from repose.record import append_result
    from repose.research.tryon import print_ways, score_ways
    from repose.research.tryon_ways import known_ways
    from repose.research.wardrobe import render_exchanges

    loaded = load(model, device)
    with common.progress_bar() as bar:
        counts = {"shirt": shirts, "trousers": trousers}
        exchanges = render_exchanges(loaded.canvas, counts, progress=common.progress_callback(bar, "render"))
        ways = known_ways(loaded, flow)
        scored = score_ways(exchanges, ways, common.progress_callback(bar, "try on"))
    print_ways(scored, stdout)
    for line in scored.lines():
        append_result(
            results, line, model=loaded.name, weights=weights_checksum(model), flow=flow,
            flow_weights=weights_checksum(flow),
        )  # fmt: skip
    numbers = [number * len(exchanges) // shown for number in range(min(shown, len(exchanges)))]
    save_image(out, np.asarray(scored.sheet(numbers, list(ways))))
    print_line(f"{out}: the source, who wears the garment, the truth, and each way")


@app.command()
def gallery(
    model: Annotated[str, typer.Argument(help="Weights by name (see `repose models`), or the folder of a run.")],
    data: StoreFolder,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the sheets.")] = Path("out/gallery"),
    name: Annotated[str, typer.Option(help="Of the sheets; the model's by default.")] = "",
    split: Annotated[str, typer.Option(help="Of the store.")] = "test",
    limit: Annotated[int, typer.Option(help="Pairs to judge, spread over the split; 0 for all.")] = 1000,
    people: Annotated[int, typer.Option(min=1, help="On the contact sheet.")] = 20,
    failures: Annotated[int, typer.Option(min=0, help="On the sheet of failures, at most.")] = 12,
    across: Annotated[int, typer.Option(min=1, help="People in a row of the contact sheet.")] = 4,
    scale: Annotated[int, typer.Option(min=0, help="Enlarge the pictures; 0 for 2 where they are small.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the lots.")] = 0,
    pose: Annotated[str, typer.Option("--pose", help="Estimator for joints and limbs, or none.")] = "movenet",
    results: Results = None,
    device: Device = "auto",
) -> None:
    """Draw what a model does to unseen people: some people by lot, and its failures with what was measured of them.

    Writes NAME-people.jpg (one pair of each person, drawn by lot from the seed and never by looks) and
    NAME-failures.jpg (the worst pairs by limbs lost, joints missed, left and right exchanged, colours changed and
    mask-SSIM; where nothing fails there is no such file, and an older one is removed). Of a store that does not say
    that its people are rendered only the result line is written: no photograph of a real person comes into a document.

    [bold]repose research gallery default -d data/people-half -o docs --name carry[/bold]
    """
    from PIL import Image

    from repose.data import Store
    from repose.estimate import estimator
    from repose.images import write_picture
    from repose.models.weights import weights_checksum
    from repose.pipeline import load
    from repose.record import append_result
    from repose.research.failures import judge_pairs, worst_pairs
    from repose.research.gallery import contact_sheet, draw_lots, failure_sheet, may_show

    loaded, store = load(model, device), Store.open(data)
    with common.progress_bar() as bar:
        judged = judge_pairs(
            loaded, store, split, limit or None, None if pose == "none" else estimator(pose),
            progress=common.progress_callback(bar, "judge"),
        )  # fmt: skip
    line = append_result(
        results, judged.line(), model=loaded.name, recipe=loaded.recipe.name, weights=weights_checksum(model), seed=seed
    )  # fmt: skip
    for criterion, numbers in line["criteria"].items():
        print_line(f"{criterion}: " + ", ".join(f"{key} {value:.3g}" for key, value in numbers.items()))
    if not may_show(store):
        print_line(f"{store.dataset} shows real people: numbers only, no sheet")
        return
    out.mkdir(parents=True, exist_ok=True)
    scale = scale or (1 if loaded.canvas.height > 200 else 2)
    lots = draw_lots(store, split, people, seed)
    sheets = {"people": contact_sheet(loaded, store, lots, across=across, scale=scale)}
    worst = worst_pairs(judged, failures)
    if worst:
        sheets["failures"] = failure_sheet(loaded, judged, worst, across=max(1, across // 2), scale=scale)
    else:
        (out / f"{name or loaded.name}-failures.jpg").unlink(missing_ok=True)  # of an earlier call
        print_line("no failures")
    for kind, pixels in sheets.items():
        path = out / f"{name or loaded.name}-{kind}.jpg"
        write_picture(path, Image.fromarray(pixels), quality=85)
        print_line(str(path))


@app.command()
def photographs(
    crops: Annotated[
        Path, typer.Argument(help="Folder of sharp photographs ID_NN.jpg or .png, one person each; ID is the person.")
    ],
    models: Annotated[
        list[str] | None,
        typer.Option("-m", "--models", help="Weights by name, or the folder of a run; may be given several times."),
    ] = None,
    pairs: Annotated[int, typer.Option(min=0, help="Pairs of two photographs of one person, at most.")] = 150,
    own_pose: Annotated[int, typer.Option(min=0, help="Photographs put into their own pose, at most.")] = 0,
    networks: Annotated[
        Path | None,
        typer.Option(help="Folder of the networks that judge; without it the folders of REPOSE_FILES are searched."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the pairs.")] = 20261129,
    again: Annotated[bool, typer.Option("--again", help="Make and score every picture again.")] = False,
    results: Results = None,
    out: Out = Path("out/photographs"),
    device: Device = "auto",
) -> None:
    """How well models do on photographs that no training saw: likeness, identity, sharpness, outline, body parts.

    Each photograph is put on 256x176 and its joints are found. It counts if the trunk and 13 joints or more are
    located; others are named and left out. Pairs are drawn from the seed: everybody gives one before anybody gives a
    second, and of one clip the frames of a pair lie far apart. The model puts the source into the target's pose.

    LPIPS (AlexNet) compares the person alone. Identity is the cosine of a re-identification network's vectors, people
    cut out; the column beside it keeps the backgrounds. Sharpness is the Laplacian on the person over that of the
    target. Outline and parts are by BodyPix. The row [italic]copied source[/italic] is the source unchanged: a model
    should beat it, except in sharpness. The table has all pairs, those under 30, 30 to 90 and over 90 degrees of turn
    of the trunk, and photographs in their own pose, where the right picture is the photograph itself.

    OUT gets a folder of pictures for each model, and two contact sheets. Pictures that are there already, of the same
    weights and commit, are not made again, and none is scored twice. They show real people: keep them out of documents.

    [bold]repose research photographs crops -m default -m runs/mine --own-pose 60 --networks networks[/bold]
    [bold]python scripts/crop_people.py walk.mp4 --out crops[/bold] cuts people out of clips.
    """
    from repose.estimate import estimator
    from repose.pipeline import load
    from repose.record import append_result
    from repose.research.photographs.run import draw, judge
    from repose.research.photographs.scores import PairScorer
    from repose.research.photographs.sheets import write_sheets
    from repose.research.photographs.table import print_scores, result_lines

    scorer = PairScorer.load(networks)
    loaded = [(name, load(name, device)) for name in models or ["default"]]
    with common.progress_bar() as bar:
        tasks = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = common.progress_callback(bar, what)
            tasks[what](done, total)

        drawn = draw(crops, pairs, own_pose, estimator("movenet"), seed, progress)
        judged = judge(drawn, loaded, scorer, out, again, progress)
    for reason in drawn.skipped:
        common.stderr.print(f"left out: {reason}", style="yellow", markup=False)
    print_scores(judged, stdout)
    for line in result_lines(judged):
        append_result(results, line)
    for path in write_sheets(judged):
        print_line(f"{path}: shows real people")
    print_line(f"{out}: the pictures of each model")


# -- inside ---------------------------------------------------------------------------------------------------------


def _degrees(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ValueError(f"--degrees takes whole numbers with commas, such as 30,90,180, not '{text}'") from None
