"""The verb tune: a model adapted to one person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common, reporting
from repose.cli.common import Estimator, ModelName, print_line, stdout
from repose.cli.outputs import require_folder
from repose.cli.reporting import telling_unfinished


def tune(
    source: Annotated[
        list[Path],
        typer.Argument(
            help="A video of the person, or a folder of photographs of them; also several videos, or photographs.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder of the new weights.", show_default=False)],
    model: ModelName = "default",
    minutes: Annotated[float, typer.Option(help="For everything: reading, training, measuring.")] = 10.0,
    images: Annotated[
        int | None,
        typer.Option(min=1, help="Show so many to the network, however long it takes.", show_default="by the minutes"),
    ] = None,
    pictures: Annotated[int, typer.Option(help="Frames that are taken of videos, evenly over their length.")] = 120,
    hold_out: Annotated[
        float,
        typer.Option(
            "--hold-out", help="The share of the pictures on which both models are measured; 0 trains on all."
        ),
    ] = 0.2,
    pose: Estimator = "movenet",
    seed: Annotated[int, typer.Option(help="Of the training.")] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the store and the checkpoints in OUT/tuning.")] = False,
) -> None:
    """Adapt a model to one person, from a short clip or ten photographs of them.

    The model goes on training on pictures of this person, and learns what a photograph does not show of them. It
    is meant for this person alone. OUT is a folder that every --model takes. A part of the pictures is held out:
    OUT/held-out.png shows them before and after, OUT/held-out.json has the numbers.

    Interrupted, the same command goes on.

    [bold]repose tune me.mp4 -o weights/me[/bold]
    [bold]repose tune photographs/ --minutes 30 -o weights/me[/bold]
    [bold]repose transfer me.jpg dancer.jpg --model weights/me -o me_dancing.png[/bold]
    """
    require_folder(out)
    from repose.apps.tuning import tune as run

    with telling_unfinished(out / "tuning"), common.progress_bar() as bar, common.noting():
        done = run(
            source, out, model=model, minutes=minutes, images=images, pictures=pictures, hold_out=hold_out, pose=pose,
            seed=seed, keep=keep, progress=common.progress_callback(bar, "read pictures"), screen=stdout,
        )  # fmt: skip
    reporting.wrote(done.folder, "weights")
    reporting.number(
        images=done.images, tune_seconds=round(done.seconds, 3), pictures=done.pictures, before=done.before,
        after=done.after,
    )  # fmt: skip
    used = ", ".join(f"{count} for the {split}" for split, count in done.pictures.items())
    print_line(f"{done.folder}: {done.images:,} images in {done.seconds / 60:.1f} min, of {used} pictures")
    for name, value in done.after.items():
        if name in done.before:
            print_line(f"  {name:<12} {done.before[name]:.3f} before, {value:.3f} now")
    if done.sheet is not None:
        print_line(f"{done.sheet}: held-out pairs: source, pose, target, before, after")
