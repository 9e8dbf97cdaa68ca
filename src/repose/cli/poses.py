"""The verb on pose files: convert-pose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from repose.cli import common, reporting
from repose.cli.common import Force, MinScore, PersonChoice, print_line


def convert_pose(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN", help="A pose file of any tool, FILE#NAME for one pose of it, a folder of them, or a drawing."
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="A file: .json, .csv, .npy, or .png, a drawing. A folder: a file for each picture."
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Of OUT; by default repose for .json, patn for .csv, numpy for .npy, drawing for .png and .jpg. "
            "`--format list` lists all.",
        ),
    ] = None,
    person: PersonChoice = "largest",
    min_score: MinScore = 0.3,
    size: Annotated[
        str | None,
        typer.Option(help="HEIGHTxWIDTH of the pictures, where IN does not tell it: for shares (0 to 1) and drawings."),
    ] = None,
    force: Force = False,
) -> None:
    """Convert poses between the files of OpenPose, ControlNet, COCO, mmpose, AlphaPose, MediaPipe and others.

    What IN is, its content says. Joints that the format of OUT does not have are lost; the neck, where IN has none, is
    the middle of the shoulders. A format of one picture writes several into a folder: give OUT without an ending.

    [bold]repose convert-pose alphapose-results.json poses.csv[/bold]
    [bold]repose convert-pose me_keypoints.json me.json --format coco[/bold]
    [bold]repose convert-pose landmarks.json pose.json --format controlnet --size 768x512[/bold]
    [bold]repose convert-pose poses.csv drawings --format drawing --size 256x176[/bold]
    [bold]repose convert-pose skeleton.png pose.json --format openpose[/bold]
    [bold]repose convert-pose any.json any --format list[/bold]
    """
    from repose.cli.outputs import require_no_input
    from repose.names import nearest
    from repose.pipeline import read_pose
    from repose.represent.pose_files.drawing import draw_openpose, is_drawing, read_drawing
    from repose.represent.pose_files.reading import is_pose_file, pose_files_in, split_name
    from repose.represent.pose_files.writing import FORMATS, WRITERS, Format, default_format, write_keypoints

    if format == "list":
        for name, writer in WRITERS.items():
            print_line(f"{name:18}{writer.suffix}  {writer.about}")
        print_line(f"{'drawing':18}.png   a skeleton in OpenPose's colours, as ControlNet takes it")
        return
    drawn = format == "drawing" or (format is None and out.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if format is not None and format != "drawing" and format not in FORMATS:
        raise ValueError(f"no format is called '{format}'; {nearest(format, (*FORMATS, 'drawing'))}")
    if format is None and out.suffix.lower() not in ("", ".json", ".csv", ".npy", ".png", ".jpg", ".jpeg"):
        raise ValueError(f"{out}: poses are written as .json, .csv, .npy, .png or .jpg; or name the --format")
    which, given = common.parse_person(person), None if size is None else common.parse_size(size)
    file, _ = split_name(source)
    with common.noting(source):
        if is_pose_file(file) or (file.is_dir() and pose_files_in(file)):
            poses: dict[str, Any] = read_pose(source, which=which, min_score=min_score, size=given)
        else:
            from repose.images import load_image

            pixels = load_image(source)
            if not is_drawing(pixels):
                raise ValueError(
                    f"{source} is a picture, and no drawing of a skeleton in OpenPose's colours; `repose estimate` "
                    "finds the joints of people on photographs"
                )
            poses = {file.stem: read_drawing(pixels, which)}
    chosen = cast(Format, "repose" if drawn else format or default_format(out))
    single = drawn or not WRITERS[chosen].several
    folder = out.is_dir() or (not out.suffix and (single or len(poses) > 1))
    if not folder and len(poses) > 1 and single:
        raise ValueError(
            f"{source} holds {len(poses)} poses, and {'a drawing' if drawn else chosen} shows one: give a folder as "
            f"OUT (a name without an ending), or one pose, such as '{file}#{next(iter(poses))}'"
        )
    if folder:
        suffix = ".png" if drawn else WRITERS[chosen].suffix
        files = {out / f"{name}{suffix}".replace("/", "_"): {name: pose} for name, pose in poses.items()}
    else:
        files = {out: poses}
    if not force:
        inputs = pose_files_in(file) if file.is_dir() else [file]
        require_no_input(list(files), inputs)
    for path, some in files.items():
        if not drawn:
            write_keypoints(path, some, chosen, given)
            continue
        from repose.images import save_image

        ((label, pose),) = some.items()
        canvas = pose.size or given
        if canvas is None:
            raise ValueError(f"{source}, {label} does not tell the size of its picture: give --size HEIGHTxWIDTH")
        save_image(path, draw_openpose(pose.keypoints, *canvas))
    for path in files:
        reporting.wrote(path, "drawing" if drawn else "poses")
    reporting.number(poses=len(poses))
    written: str = "drawing" if drawn else chosen
    print_line(f"{out}: {len(poses)} {'pose' if len(poses) == 1 else 'poses'}, {written}")
