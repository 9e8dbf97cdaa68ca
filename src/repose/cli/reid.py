"""The verb reid: whether classifiers of people gain from generated pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TaskID

from repose.cli import common, reporting
from repose.cli.common import Device, Results, print_line, stdout
from repose.cli.outputs import require_folder


def reid(
    store: Annotated[Path, typer.Argument(help="The store: people and cameras named as Market-1501 names them.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The folder of generated pictures and of the lines of classifiers.")
    ] = Path("out/reid"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            help="Weights by name, or the folder of a run; again for a further one. none generates nothing, and is "
            "measured in any case.",
            show_default="default",
        ),
    ] = None,
    portions: Annotated[
        str, typer.Option("--p", help="Shares of the real pictures that are kept, with commas; none: only all of them.")
    ] = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9",
    ratios: Annotated[
        str, typer.Option("--ratio", help="All real pictures with generated ones to so many times, such as 2,3.")
    ] = "",
    seeds: Annotated[int, typer.Option(min=1, help="How many; each trains its own classifiers.")] = 3,
    draws: Annotated[
        int | None,
        typer.Option(min=1, help="Of reduced sets: 1 shares one among all seeds.", show_default="one for each seed"),
    ] = None,
    poses: Annotated[
        str,
        typer.Option(
            help="Of the generated pictures: own (of the picture that is replaced), kept (of a random kept one), all "
            "(of a random one of the set, or of --poses-from)."
        ),
    ] = "own",
    poses_from: Annotated[
        Path | None, typer.Option(help="Another store, of the same size, whose poses are taken (with --poses all).")
    ] = None,
    classifier: Annotated[
        str, typer.Option(help="mobilenet-v2 (light, for two cores) or resnet-50 (needs torchvision).")
    ] = "mobilenet-v2",
    loss: Annotated[str, typer.Option(help="cross-entropy or circle.")] = "cross-entropy",
    imagenet: Annotated[bool, typer.Option(help="Start from ImageNet weights.")] = True,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Of each training, for every set alike.", show_default="the classifier's"),
    ] = None,
    people: Annotated[
        int | None, typer.Option(min=2, help="Train on so many people, spread evenly.", show_default="all")
    ] = None,
    area: Annotated[
        str,
        typer.Option(help="Of the average precision: steps (as most code) or trapezoids (Market-1501's own)."),
    ] = "steps",
    device: Device = "auto",
    results: Results = None,
) -> None:
    """Train classifiers of people with and without generated pictures, and see how well they find people again.

    Of the training pictures a share p is kept, with one of every person; the rest is left out, or replaced by pictures
    that a model generates from kept ones (PATN, section 5, Table 6). Each classifier looks for the people of the test
    split under the protocol of Market-1501: mAP, rank-1, rank-5, rank-10.

    A classifier that is finished is not trained again, and a picture is generated once: the same line, given again,
    goes on where it was stopped; more seeds, portions or models add to it.

    [bold]repose reid data/market1501 -m patn-s-market --p 0.1,0.5 --people 150 -o out/reid[/bold]
    [bold]repose reid data/market1501 -m patn-s-market -m default --ratio 2,3 -o out/reid[/bold]
    [bold]repose reid data/market1501 -m runs/mine --classifier resnet-50 --loss circle --poses kept -o out/reid[/bold]
    """
    from dataclasses import replace

    from repose.apps.reidentification.run import reid as run
    from repose.apps.reidentification.settings import ReidSettings
    from repose.apps.reidentification.table import short_table
    from repose.apps.reidentification.train import TRAININGS

    require_folder(out)
    settings = ReidSettings(
        tuple(_numbers(portions, "--p")),
        tuple(_whole(number, "--ratio") for number in _numbers(ratios, "--ratio")),
        seeds,
        draws,
        poses,
        classifier,
        loss,
        imagenet,
        people=people,
        area=area,
        device=device,
    )
    if steps is not None:
        settings = replace(settings, training=replace(TRAININGS[classifier], steps=steps))
    with common.progress_bar() as bar:
        bars: dict[str, TaskID] = {}

        def tick(what: str, done: int, total: int) -> None:
            if what != "classifiers":  # one line at a time beside that of all classifiers
                for other in [name for name in bars if name not in ("classifiers", what)]:
                    bar.remove_task(bars.pop(other))
            if what not in bars:
                bars[what] = bar.add_task(what, total=total)
            bar.update(bars[what], completed=done, total=total)

        lines = run(store, out=out, model=model or ["default"], settings=settings, poses_from=poses_from,
                    results=results, tick=tick)  # fmt: skip
    reporting.wrote(out, "folder")
    reporting.number(classifiers=[dict(line) for line in lines])
    stdout.print(short_table(lines))
    print_line(f"{out}: {len(lines)} classifiers")


def _numbers(text: str, option: str) -> list[float]:
    """Numbers with commas between them. ValueError names the option."""
    try:
        return [float(word) for word in text.replace(",", " ").split() if word != "none"]
    except ValueError as error:
        raise ValueError(f"{option} takes numbers with commas between them, such as 0.1,0.5, not '{text}'") from error


def _whole(number: float, option: str) -> int:
    """A whole number. ValueError names the option."""
    if not number.is_integer():
        raise ValueError(f"{option} takes whole numbers, such as 2,3, not {number:g}")
    return int(number)
