"""The verb animate: the person of a photograph in a motion that goes round."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common, completion
from repose.cli.common import AsJson, Device, Estimator, Force, MinScore, ModelName
from repose.cli.inputs import files_of
from repose.cli.outputs import require_no_input, sheet_beside
from repose.cli.reporting import Report
from repose.cli.starting import pause_collector, resume_collector
from repose.cli.video import (
    Behind,
    Mask,
    Person,
    Room,
    Size,
    Source,
    SourceKeypoints,
    Weights,
    finish,
    progress_of_clip,
    require_out,
)


def animate(
    source: Source,
    motion: Annotated[
        str,
        typer.Option("--motion", help="walk, turn, wave or dance.", autocompletion=completion.of(completion.MOTIONS)),
    ] = "walk",
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The result: .gif, .webp, .mp4, .mov, .webm, or a folder of PNG files.")
    ] = Path("out/animate.gif"),
    model: ModelName = "default",
    weights: Weights = None,
    pose: Estimator = "movenet",
    source_keypoints: SourceKeypoints = None,
    person: Person = "largest",
    min_score: MinScore = 0.3,
    background: Behind = "keep",
    room: Room = False,
    mask: Mask = "auto",
    rate: Annotated[float, typer.Option(min=1, max=120, help="Frames a second.")] = 25.0,
    loops: Annotated[int, typer.Option(min=1, max=100, help="Rounds in the file; a gif and a webp repeat anyway.")] = 1,
    size: Size = 1280,
    force: Force = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Let the person of ME walk, turn, wave or dance, round and round.

    The motions are those of the rendered people's body; the figure keeps the build of ME, and stands where it stands.
    A contact sheet lies beside the result (OUT.sheet.png).

    [bold]repose animate me.jpg --motion wave -o me.gif[/bold]
    [bold]repose animate me.jpg --motion dance --background white -o me.webp[/bold]
    [bold]repose animate me.jpg --motion walk --loops 5 -o me.mp4[/bold]
    """
    pause_collector()
    from repose.apps.motion.animate import animate as make
    from repose.apps.motion.encoding import container_of
    from repose.apps.motion.loops import require_motion
    from repose.images import load_image
    from repose.pipeline import load, read_background, require_mask

    report = Report("animate", as_json)
    with report.running():
        container_of(out)
        require_out(out)
        require_mask(mask)
        require_motion(motion)
        behind = read_background(background)
        places = [source, *([] if isinstance(behind, str) else [Path(background)])]
        if not force:
            known = [source_keypoints] if source_keypoints else []
            require_no_input([out, sheet_beside(out)], files_of([*places, *known]))
        which = common.parse_person(person)
        load_image(source)  # one that cannot be read is told before the networks are loaded
        loaded = load(weights if weights is not None else model, device)
        resume_collector()
        report.document |= {"model": loaded.name, "motion": motion}
        with progress_of_clip(out) as progress, report.noting(source):
            made = make(
                source, motion, out=out, model=loaded, pose=pose, which=which, mask=mask, background=background,
                room=room, source_keypoints=source_keypoints, min_score=min_score, rate=rate, loops=loops, size=size,
                progress=progress,
            )  # fmt: skip
        finish(report, made, source)
