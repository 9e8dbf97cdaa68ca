"""The verb video: the person of a photograph in the motion of a clip."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repose.cli import common, completion
from repose.cli.common import AsJson, Device, Estimator, Force, MinScore, ModelName
from repose.cli.inputs import files_of
from repose.cli.outputs import require_folder, require_no_input, require_place, sheet_beside
from repose.cli.reporting import Report, telling_unfinished
from repose.cli.starting import pause_collector, resume_collector

if TYPE_CHECKING:
    from repose.apps.motion.video import Clip

Source = Annotated[Path, typer.Argument(metavar="ME", help="The photograph.", show_default=False)]
Weights = Annotated[Path | None, typer.Option(help="A weight file or folder to use instead of --model.")]
SourceKeypoints = Annotated[
    str | None,
    typer.Option(help="A keypoint file with the joints of ME; no estimator is needed then.", show_default=False),
]
Person = Annotated[
    str,
    typer.Option("--person", help="Of several people on ME: largest, best, left, right, middle, or a number from 0."),
]
Mask = Annotated[
    str,
    typer.Option(
        help="How the person is cut out of ME: auto (networks where they are here, else joints and colours), none, or "
        "an estimator of masks."
    ),
]
Behind = Annotated[
    str,
    typer.Option(
        metavar="keep|generated|white|transparent|PICTURE",
        autocompletion=completion.of(completion.BACKGROUNDS),
        help="What is behind the figure; see `repose transfer`. transparent: .webp or a folder.",
    ),
]
Room = Annotated[
    bool, typer.Option("--room", help="Enlarge the photograph where the figure would leave it, and fill it.")
]
Size = Annotated[int, typer.Option(min=32, help="The longer side of the pictures, at most, pixels.")]


def video(
    source: Source,
    clip: Annotated[
        str,
        typer.Argument(
            metavar="CLIP",
            help="A video; an animated GIF, WebP or PNG; a folder of frames; a keypoint file with a pose a frame, or a "
            "folder of them; or the number of a camera (0, /dev/video0).",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The result: .mp4, .mov, .webm, .gif, .webp, or a folder of PNG files.")
    ] = Path("out/video.mp4"),
    model: ModelName = "default",
    weights: Weights = None,
    pose: Estimator = "movenet",
    source_keypoints: SourceKeypoints = None,
    person: Person = "largest",
    target_person: Annotated[
        str,
        typer.Option(
            "--target-person",
            help="Of several people in CLIP, who are followed through it: largest, best (by score), left, right, "
            "middle, or a number from 0 (who fills most of the clip).",
        ),
    ] = "largest",
    min_score: MinScore = 0.3,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="The figure crosses the photograph as the person crosses CLIP; else it stays."),
    ] = False,
    smooth: Annotated[
        bool,
        typer.Option(
            "--smooth/--raw", help="Joints smoothed in time, or each frame by itself as `repose transfer` does it."
        ),
    ] = True,
    background: Behind = "keep",
    room: Room = False,
    mask: Mask = "auto",
    rate: Annotated[
        float, typer.Option(help="Frames a second of keypoints and of folders, which do not say it.")
    ] = 25.0,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="Only so much of CLIP, from its beginning; a camera records so long (10).", show_default=False
        ),
    ] = None,
    size: Size = 1280,
    sound: Annotated[bool, typer.Option(help="Keep the sound of CLIP.")] = True,
    force: Force = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Put the person of ME into the motion of CLIP.

    The figure has the build of ME and one size throughout. Joints are smoothed in time, and what an estimator loses for
    a while is bridged; feet that stand stay on their spot. The result has the frames, the times and the sound of CLIP,
    at the size of the photograph. A contact sheet lies beside it (OUT.sheet.png).

    A run that is stopped leaves OUT.parts/: the same command goes on from there. Memory does not grow with the clip.

    Videos, cameras, mp4, webm, gif and webp need PyAV (the extra video); keypoints into a folder of PNG files do not.

    [bold]repose video me.jpg dance.mp4 -o me_dancing.mp4[/bold]
    [bold]repose video me.jpg street.mp4 --target-person left --follow -o me_walking.mp4[/bold]
    [bold]repose video me.jpg openpose_frames/ --rate 30 -o me.webm[/bold]
    [bold]repose video me.jpg cat-dance.gif --background beach.jpg -o me.gif[/bold]
    [bold]repose video me.jpg 0 --seconds 5 -o me.mp4[/bold]
    """
    pause_collector()
    from repose.apps.motion.camera import camera_number
    from repose.apps.motion.encoding import container_of
    from repose.apps.motion.sources import kind_of_clip
    from repose.apps.motion.video import video as make
    from repose.images import load_image
    from repose.pipeline import load, read_background, require_mask

    report = Report("video", as_json)
    with report.running():
        container_of(out)
        require_out(out)
        require_mask(mask)
        behind = read_background(background)
        camera = camera_number(clip)
        places = [source, *([] if isinstance(behind, str) else [Path(background)])]
        places += [] if camera is not None else [Path(clip)]
        if camera is None:
            kind_of_clip(Path(clip))
        if not force:
            require_no_input(
                [out, sheet_beside(out)], files_of([*places, *([source_keypoints] if source_keypoints else [])])
            )
        which = common.parse_person(person)
        target_which = common.parse_person(target_person, "--target-person")
        load_image(source)  # one that cannot be read is told before the networks are loaded
        loaded = load(weights if weights is not None else model, device)
        resume_collector()
        report.document |= {"model": loaded.name, "clip": clip, "follow": follow, "smooth": smooth}
        with progress_of_clip(out) as progress, report.noting(source):
            made = make(
                source, clip, out=out, model=loaded, pose=pose, which=which, target_which=target_which, mask=mask,
                background=background, room=room, source_keypoints=source_keypoints, min_score=min_score, follow=follow,
                smooth=smooth, rate=rate, seconds=seconds, size=size, sound=sound, progress=progress,
            )  # fmt: skip
        finish(report, made, source)


# -- shared with the verb animate -----------------------------------------------------------------------------------


def require_out(out: Path) -> None:
    """Check before any work that a clip can be written at this place."""
    if out.suffix:
        require_place(out)
    else:
        require_folder(out)
        if out.is_dir() and any(out.iterdir()):
            raise ValueError(
                f"-o {out} is a folder with files in it: name a new one, or a file such as {out / 'me.mp4'}"
            )


@contextlib.contextmanager
def progress_of_clip(out: Path) -> Iterator[Callable[[str, int, int | None], None]]:
    """A line of progress for each kind of work, with the time that is left; on Ctrl-C where unfinished work lies."""
    with telling_unfinished(out.with_name(f"{out.name}.parts")), common.progress_bar(speed=True) as bar:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, completed=done)
            bar.update(tasks[what], completed=done, total=total)

        yield advance


def finish(report: Report, clip: Clip, source: Path) -> None:
    """Write the contact sheet and say what was written."""
    import numpy as np

    from repose.apps.motion.shown import clip_sheet
    from repose.images import save_image

    place = sheet_beside(clip.path) if clip.path.suffix else clip.path.with_name(f"{clip.path.name}.sheet.png")
    report.wrote(
        clip.path, "clip", frames=clip.frames, seconds=round(clip.seconds, 3), height=clip.height, width=clip.width,
        sound=clip.sound, resumed=clip.resumed,
    )  # fmt: skip
    report.wrote(save_image(place, np.asarray(clip_sheet(clip, source)), result=True), "sheet")
    sound = ", with the sound of the clip" if clip.sound else ""
    resumed = "; a stopped run was continued" if clip.resumed else ""
    report.say(
        f"{clip.path}  ({clip.frames} frames, {clip.seconds:.2f} s, {clip.width}x{clip.height}{sound}{resumed}; some: "
        f"{place})"
    )
