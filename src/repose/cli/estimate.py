"""The verb estimate: the joints of the people on photographs, and with --fields all that a photograph shows of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from repose.cli import common
from repose.cli.common import AsJson, Estimator, Out, PersonChoice
from repose.cli.estimate_fields import estimate_fields, parse_estimators, parse_fields
from repose.cli.inputs import files_of, pictures_in, require_new
from repose.cli.outputs import require_no_input, require_place, require_suffix, sheet_beside
from repose.cli.people import numbers
from repose.cli.reporting import Report

_KEYPOINT_FILE: Final = Path("out/keypoints.json")
_FOLDER: Final = Path("out/fields")
_SUFFIXES: Final = (".json", ".csv")


def estimate(
    pictures: Annotated[
        list[Path],
        typer.Argument(
            help="Photographs, or folders of them. FILE#12 is a frame of a GIF, WebP, TIFF or video, from 0."
        ),
    ],
    out: Out = _KEYPOINT_FILE,
    pose: Estimator = "movenet",
    person: PersonChoice = "largest",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on each picture, as NAME#0, NAME#1, ...")] = False,
    fields: Annotated[
        str, typer.Option(help="Write these fields into the folder OUT: keypoints,mask,parsing,iuv, or all.")
    ] = "",
    estimators: Annotated[
        str,
        typer.Option(help="With --fields: by which, such as mask=selfie,iuv=body; FIELD=module:Class is your own."),
    ] = "",
    maps: Annotated[
        str,
        typer.Option(
            help="With --fields: folders of files of other tools, in place of an estimator, such as "
            "parsing=schp,iuv=densepose; NAME.png, NAME_IUV.png and the like: docs/parsing-files.md."
        ),
    ] = "",
    labels: Annotated[str | None, typer.Option(help="With --maps: the table of the label maps, such as atr.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="With --fields: so many processes, 0 for one a core; 1 by default, with --ray 0."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(help="With --fields: on a Ray cluster, by its address; 'local' starts one on this machine."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Write the result even into the place of an input; with --fields, estimate all anew."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the 18 joints of the people on photographs; with --fields their masks, labels and IUV, too.

    Writes a keypoint file (the suffix chooses: .json ours, .csv as PATN's annotations) and OUT.sheet.png with the
    skeletons drawn on the pictures.

    With --fields OUT is a folder: keypoints.json, for each photograph NAME.mask.png, NAME.parsing.png, NAME.iuv.png,
    and sheet.png with the first ones. The same command goes on where it was stopped: what is there of the same
    photograph, by the same estimator, stays.

    Exit status: 0 all was done; 2 an error, nothing was done; 3 some pictures were skipped, the others are written.

    [bold]repose estimate photos/ -o poses.csv[/bold]
    [bold]repose estimate dance.mp4#120 -o pose.json[/bold]
    [bold]repose estimate photos/ --fields keypoints,mask,parsing,iuv --workers 4 -o fields[/bold]
    """
    import numpy as np
    from PIL import Image
    from torch import Tensor

    from repose.draw.panels import skeleton_over
    from repose.draw.sheet import sheet
    from repose.estimate import choose, estimator
    from repose.images import load_image, save_image
    from repose.represent.pose_files import write_keypoints

    report = Report("estimate", as_json)
    with report.running():
        which = common.parse_person(person)
        if not fields:
            if estimators or maps or labels or workers is not None or ray is not None:
                raise ValueError(
                    "--estimators, --maps, --labels, --workers and --ray go with --fields, such as --fields mask,iuv"
                )
        elif everybody:
            raise ValueError("--all and --fields do not go together: fields are of one person, see --person")
        elif out.suffix.lower() in _SUFFIXES and out != _KEYPOINT_FILE and not out.is_dir():
            raise ValueError(f"-o {out} is a keypoint file, and fields go into a folder, such as {out.with_suffix('')}")
        else:
            using = {"keypoints": pose, **parse_estimators(estimators)}
            files = parse_estimators(maps, "--maps", "parsing=schp,iuv=densepose")
            folder = _FOLDER if out == _KEYPOINT_FILE else out
            estimate_fields(
                report, pictures, folder, parse_fields(fields), using=using, files=files, labels=labels, which=which,
                again=force, workers=workers, ray=ray,
            )  # fmt: skip
            return
        require_suffix(out, _SUFFIXES, "a keypoint file")
        require_place(out)
        page = sheet_beside(out)
        if not force:
            require_no_input([out, page], files_of(pictures))
        network = estimator(pose)
        paths = [path for given in pictures for path in pictures_in(given)]
        report.document |= {"estimator": pose, "pictures": []}
        joints: dict[str, Tensor] = {}
        sizes: set[tuple[int, int]] = set()
        drawn: list[Any] = []
        names: set[str] = set()
        with common.progress_bar() as bar:
            for path in bar.track(paths, description="estimate"):
                with report.skipping(path, alone=len(paths) == 1), report.noting(path):
                    require_new(path.name, names)
                    pixels = load_image(path)
                    found = network.people(pixels)
                    chosen = list(found) if everybody and found else [choose(found, which, pixels.shape[1])]
                    names.add(path.name)
                    sizes.add((pixels.shape[0], pixels.shape[1]))
                    over = pixels
                    people = []
                    for index, one in enumerate(chosen):
                        name = f"{path.name}#{index}" if everybody else path.name
                        joints[name] = one.keypoints
                        place = next(k for k, other in enumerate(found) if other is one)
                        located = int((one.keypoints[:, 2] > 0).sum())
                        entry = {"name": name, "person": place, "score": round(float(one.score), 4), "located": located}
                        people.append({**entry, "keypoints": numbers(one.keypoints)})
                        over = skeleton_over(over, one.keypoints)
                    size = {"height": pixels.shape[0], "width": pixels.shape[1]}
                    entry = {"path": str(path), **size, "people": len(found), "chosen": people}
                    report.document["pictures"].append(entry)
                    if len(drawn) < 24:
                        small = Image.fromarray(over)
                        small.thumbnail((320, 320))
                        drawn.append(np.asarray(small))
        if not joints:
            raise ValueError("no joints were found on any picture")
        write_keypoints(out, joints, size=sizes.pop() if len(sizes) == 1 else None)
        report.wrote(out, "keypoints")
        rows = [drawn[i : i + 6] for i in range(0, len(drawn), 6)]
        report.wrote(save_image(page, np.asarray(sheet(rows)), result=True), "sheet")
        report.say(f"{out}: {len(joints)} people on {len(paths)} pictures; drawn in {page}")
