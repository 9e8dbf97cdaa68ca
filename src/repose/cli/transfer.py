"""The verb transfer: photographs of people into other poses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from repose.cli import common, completion
from repose.cli.common import (
    AsJson,
    Backend,
    Device,
    Estimator,
    Force,
    Labels,
    MinScore,
    ModelName,
    Out,
    TargetPerson,
    TargetSize,
)
from repose.cli.inputs import (
    files_of,
    joint_files,
    map_of,
    parse_result_size,
    pictures_in,
    require_new,
    result_size,
    roles,
    targets_in,
)
from repose.cli.outputs import require_folder, require_no_input, require_picture, sheet_beside
from repose.cli.people import Watched
from repose.cli.reporting import Report
from repose.cli.starting import give_memory_back, let_threads_sleep, pause_collector, resume_collector

_LARGE: Final = 6_000_000
"""Values of a photograph from which memory matters."""


def transfer(
    pictures: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE TARGET",
            help="SOURCE: a photograph, or a folder of them. TARGET: a photograph, a drawing of a skeleton, a folder, "
            "or a pose file of any tool (FILE#NAME takes one pose of it). FILE#12 is a frame, from 0, of a GIF, WebP, "
            "TIFF or video. With --to: one or more photographs of one person.",
            show_default=False,
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The target, after several photographs of one person: front, back, side."),
    ] = None,
    out: Out = Path("out/transfer.png"),
    model: ModelName = "default",
    weights: Annotated[Path | None, typer.Option(help="A weight file or folder to use instead of --model.")] = None,
    pose: Estimator = "movenet",
    source_keypoints: Annotated[
        list[str] | None,
        typer.Option(
            help="A keypoint file with the joints of SOURCE; no estimator is needed then. FILE#NAME takes one pose of "
            "several, FILE the one of the photograph's name. Of several photographs: one for each, in their order."
        ),
    ] = None,
    person: Annotated[
        str,
        typer.Option(
            "--person", help="Of several people on SOURCE: largest, best, left, right, middle, or a number from 0."
        ),
    ] = "largest",
    source_parsing: Annotated[
        Path | None,
        typer.Option(
            help="A label map of SOURCE that a parser wrote, or a folder of them (NAME.png) for a folder; "
            "estimated otherwise, where the model reads one.",
            show_default=False,
        ),
    ] = None,
    source_iuv: Annotated[
        Path | None,
        typer.Option(help="DensePose for SOURCE, or a folder of it; estimated otherwise.", show_default=False),
    ] = None,
    target_parsing: Annotated[
        Path | None, typer.Option(help="The same of TARGET, a photograph.", show_default=False)
    ] = None,
    target_iuv: Annotated[Path | None, typer.Option(help="The same of TARGET.", show_default=False)] = None,
    labels: Labels = None,
    target_person: TargetPerson = "largest",
    target_size: TargetSize = None,
    min_score: MinScore = 0.3,
    crop: Annotated[
        bool, typer.Option("--crop", help="Only the model's canvas, as it comes from the network, not the photograph.")
    ] = False,
    background: Annotated[
        str,
        typer.Option(
            metavar="keep|generated|white|transparent|PICTURE",
            autocompletion=completion.of(completion.BACKGROUNDS),
            help="What is behind the new figure: the photograph, filled where the old figure was (keep); what the "
            "model paints (generated); white; nothing (transparent: PNG, WebP, TIFF); or a picture, scaled to cover.",
        ),
    ] = "keep",
    room: Annotated[
        bool, typer.Option("--room", help="Enlarge the photograph where the new figure would leave it, and fill it.")
    ] = False,
    mask: Annotated[
        str,
        typer.Option(
            help="How the person is cut out: auto (networks where they are here, else joints and colours), none "
            "(joints and colours), or an estimator of masks."
        ),
    ] = "auto",
    retarget: Annotated[
        bool, typer.Option(help="Give the pose the build of the source's person, or take its limbs as they are.")
    ] = True,
    size: Annotated[
        str | None,
        typer.Option(
            help="Scale the result, with its proportions: 1024 is the longer side, never more than the photograph's; "
            "768x512 (HEIGHTxWIDTH) is filled as far as the proportions allow, larger than the photograph, too."
        ),
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of a JPEG or WebP.")] = 95,
    force: Force = False,
    as_json: AsJson = False,
    scale: Annotated[int, typer.Option(help="Enlarge the pictures of the contact sheet so many times.")] = 2,
    device: Device = "auto",
    backend: Backend = "auto",
) -> None:
    """Put the person of SOURCE into the pose of TARGET.

    The result is the whole photograph: the new figure stands where the old one stood. One source and one target give
    one picture, and a sheet with both beside it (OUT.sheet.png). Folders give every source in every pose: a contact
    sheet at OUT and the single pictures in a folder named like it.

    Models that read a parsing or DensePose (PINet, Dense Pose Transfer) get them estimated from the photograph, or from
    files of a parser and of DensePose: --source-parsing, --source-iuv, --target-iuv.

    Several photographs of one person and --to: each part of the figure comes from the photograph that shows it best.
    The first photograph is the one that comes back; the others may have any size and light. Models of the recipe
    bodywarp-s take several, the default too.

    The suffix of OUT chooses the format: png, jpg, webp, tif. The result has the photograph's colour profile and EXIF.

    Exit status: 0 all was done; 2 an error, nothing was done; 3 some pictures were skipped, the others are written.

    [bold]repose transfer me.jpg dancer.jpg -o me_dancing.png[/bold]
    [bold]repose transfer me.jpg dancer.jpg --background transparent -o cutout.png[/bold]
    [bold]repose transfer me.jpg star.json --room --background beach.jpg -o star.jpg[/bold]
    [bold]repose transfer people/ poses.csv -o sheet.png[/bold]
    [bold]repose transfer me.jpg openpose.json --target-person 1 -o second.png[/bold]
    [bold]repose transfer me.jpg person_keypoints_val2017.json#000000000785.jpg -o skier.png[/bold]
    [bold]repose transfer me.jpg pose.json --source-keypoints me.json[/bold]
    [bold]repose transfer me.jpg dancer.jpg --model runs/pinet --source-parsing me_labels.png --labels cihp[/bold]
    [bold]repose transfer front.jpg back.jpg --to dancer.jpg -o me_dancing.png[/bold]
    """
    pause_collector()
    let_threads_sleep()
    import numpy as np
    import torch

    from repose.draw.sheet import reduced, sheet
    from repose.estimate import NobodyFound
    from repose.images import Photograph, format_of, on_white, save_image, stem_of
    from repose.person import Person
    from repose.pipeline import (
        covering,
        load,
        read_background,
        read_person,
        read_pose,
        require_mask,
        with_mask,
    )
    from repose.represent.canvas import from_uint8, to_uint8
    from repose.represent.keypoints import draw_skeleton
    from repose.represent.known_joints import KeypointFile
    from repose.represent.maps import with_maps

    report = Report("transfer", as_json)
    with report.running():
        source, more, target = roles(pictures, to)
        behind = read_background(background)  # a picture that cannot be read is told before the work
        if crop and (background != "keep" or room):
            option = "--room" if background == "keep" else "--background"
            raise ValueError(f"{option} is of the whole photograph: leave --crop away, or leave {option} away")
        if background == "transparent" and format_of(out) == "JPEG":
            raise ValueError(f"{out}: a JPEG cannot be transparent; write a .png, .webp or .tif")
        require_mask(mask)
        which, target_which = common.parse_person(person), common.parse_person(target_person, "--target-person")
        pose_size = None if target_size is None else common.parse_size(target_size)
        wanted_size = None if size is None else parse_result_size(size)
        one = not source.is_dir()
        given_joints = joint_files(source_keypoints or [], 1 + len(more))
        places = [*([] if isinstance(behind, str) else [Path(background)]), source, *more, target]
        maps = [str(place) for place in (source_parsing, source_iuv, target_parsing, target_iuv) if place is not None]
        _check_outputs(out, places, [*given_joints, *maps], one and not target.is_dir(), force)
        loaded = load(weights if weights is not None else model, device)
        resume_collector()
        if more:
            loaded.require_gathering()
        loaded = loaded.with_backend(backend)  # an unknown one is told before the work
        source_paths, target_paths = pictures_in(source), targets_in(target)
        height, width = loaded.canvas.size
        read = dict.fromkeys(("keypoints", *loaded.generator.needs.target))
        eyes = Watched(pose)
        report.document |= {
            "model": loaded.name,
            "background": background,
            "room": room,
            "mask": mask,
            "whole": not crop,
            "retarget": retarget,
        }

        def seen(person: Person, pixels: Any = None) -> Any:
            """What the sheet shows of a photograph: as much as the result shows. `pixels`: its own, if at hand."""
            if pixels is not None and not crop:
                return reduced(pixels, height * scale)
            placed = loaded.place(person) if crop else person
            if placed.image is None:
                return np.full((height, width, 3), 255, np.uint8)
            return reduced(to_uint8(placed.image), height * scale)

        def joints_of(path: Path, own: Person | None) -> tuple[Any, dict[str, Any]]:
            """The joints of a photograph, known ones or those that the estimator finds, and what --json says of it."""
            eyes.forget()
            person = read_person(path, eyes, which, own)
            if choice := eyes.choice(which, "--person"):
                report.note(f"{path}: {choice}", path)
            return person.keypoints, {"name": stem_of(path), **eyes.entry(path, person)}

        def said(estimated: dict[str, str]) -> list[str]:
            return [f"{name} by {by}" for name, by in estimated.items()]

        files = [KeypointFile.read(file, which, min_score) for file in given_joints]
        known = files[0] if files else None
        # one file: each photograph needs a pose of its own name
        shared = bool(more) and len(source_keypoints or []) == 1

        # of many photographs only joints and the target's maps are kept, the pixels are read again at their turn
        sources: dict[str, tuple[Path, Any]] = {}
        entries = report.document["sources"] = []
        for path in source_paths:
            with report.skipping(path, alone=one), report.noting(path):
                name = stem_of(path)
                require_new(name, sources)
                own = None if known is None else known.pose_of(path.name, alone=one and not shared)
                joints, entry = joints_of(path, own)
                sources[name] = path, joints
                entries.append(entry)
        further: list[tuple[Path, Any]] = []
        entries = report.document["further"] = []
        for number, path in enumerate(more, 1):
            own = files[number].pose_of(path.name, alone=not shared) if files else None
            try:
                with report.noting(path):
                    joints, entry = joints_of(path, own)
                further.append((path, joints))
                entries.append(entry)
            except NobodyFound as error:
                report.note(f"{error}; the picture is computed without it", path)
        targets: dict[str, Person] = {}
        shown: dict[str, Any] = {}
        entries = report.document["targets"] = []
        for path in target_paths:
            with report.skipping(path, alone=path == target), report.noting(path):
                require_new(stem_of(path), targets)
                eyes.forget()
                for name, posed in read_pose(path, eyes, target_which, min_score, pose_size).items():
                    parsed, surface = map_of(target_parsing, path), map_of(target_iuv, path)
                    posed, estimated = loaded.completed_target(with_maps(posed, parsed, surface, labels))
                    targets[name], shown[name] = posed.only(*read), seen(posed)
                    entries.append({"name": name, **eyes.entry(path, posed), "estimated": said(estimated)})
                if choice := eyes.choice(target_which, "--target-person"):
                    report.note(f"{path}: {choice}", path)
        report.document["estimator"] = pose if eyes.asked else None
        if not sources or not targets:
            raise ValueError("nothing is left to transfer: every source or every target was skipped")
        if backend == "auto":
            loaded = loaded.with_backend(backend, len(sources) * len(targets))

        if loaded.backend != "plain":
            common.stderr.print(f"{loaded.backend} prepares the network at the first picture, which takes seconds")
        skeletons = {}
        for name, posed in targets.items():
            keypoints = loaded.place(posed).keypoints
            assert keypoints is not None
            skeletons[name] = reduced(draw_skeleton(keypoints, height, width), height * scale)
        alone = len(sources) == len(targets) == 1
        rows: list[list[Any]] = [[None, *skeletons.values()]]
        done = 0
        with common.progress_bar() as bar:
            task = bar.add_task("transfer", total=len(sources) * len(targets))
            for (source_name, (path, joints)), entry in zip(sources.items(), report.document["sources"], strict=True):
                with report.noting(path):
                    photograph = Photograph.read(path)
                # a scene makes floats of the parts that it reads
                image = from_uint8(photograph.pixels) if crop else torch.from_numpy(photograph.pixels).movedim(-1, 0)
                given = Person(image=image, keypoints=joints)
                others = []
                for place, points in further:
                    with report.noting(place):
                        others.append(Person(image=from_uint8(Photograph.read(place).pixels), keypoints=points))
                row: list[Any] = [seen(given, photograph.pixels)]
                scene, large, views = None, None, []
                ready = False
                with report.skipping(path, alone), report.noting(path):
                    given = with_maps(given, map_of(source_parsing, path), map_of(source_iuv, path), labels)
                    if not crop:
                        given, *others = (with_mask(one, mask) for one in (given, *others))
                    given, estimated = loaded.completed(given)
                    entry["estimated"] = said(estimated)
                    ready = True
                    if photograph.pixels.size > _LARGE:
                        give_memory_back()
                    if not crop:
                        scene, *views = (loaded.scene(one) for one in (given, *others))
                for target_name, posed in targets.items():
                    picture = None
                    with report.skipping(path, alone), report.noting(path):
                        if scene is not None:
                            large = loaded.roomy(scene, posed, retarget) if room else scene
                            back = behind if isinstance(behind, str) else covering(behind, large.placement.size)
                            picture = loaded.picture(large, posed, back, retarget, views)
                        elif crop and ready:
                            picture = to_uint8(loaded.crop(given, posed, retarget, others))
                    row.append(None if picture is None else reduced(on_white(picture), height * scale))
                    bar.advance(task)
                    if picture is None:
                        continue
                    name = f"{source_name}_2_{target_name}".replace("/", "_")  # names of a keypoint file may be paths
                    place = out if alone else out.with_suffix("") / f"{name}.png"
                    final = result_size(wanted_size, picture.shape)
                    photograph.save(place, picture, quality, final)
                    done += 1
                    shape = final or picture.shape[:2]
                    pair = {"source": source_name, "target": target_name}
                    report.wrote(place, "picture", **pair, height=shape[0], width=shape[1])
                rows += [row, *([seen(other)] for other in others)]
                del photograph, given, scene, others, views, large  # one photograph at a time
        report.document |= {"backend": loaded.backend, "backend_note": loaded.backend_note}
        if not done:
            raise ValueError("no picture was computed: every pair of a source and a target was skipped")
        if alone:
            (beside,) = shown.values()
            names = ["source", *(f"source {number}" for number in range(2, len(rows)))]
            line = [*(row[0] for row in rows[1:]), rows[0][1], rows[1][1], beside]
            page = sheet([line], [*names, "pose", "generated", "target"])
            report.wrote(save_image(sheet_beside(out), np.asarray(page), result=True), "sheet")
            report.say(f"{out}  (with source and target beside it: {sheet_beside(out)})")
        else:
            report.wrote(save_image(out, np.asarray(sheet(rows, ["source", *targets])), result=True), "sheet")
            report.say(f"{out}  ({len(sources)} x {len(targets)}; single pictures in {out.with_suffix('')}/)")


def _check_outputs(out: Path, places: list[Path], joints: list[str], single: bool, force: bool) -> None:
    """Check before any work that everything can be written, and that no input is overwritten.

    Args:
        places: of all pictures, as they were given. joints: keypoint files.
        single: one source and one target, though a keypoint file may still hold several poses.
    """
    from repose.images import file_of

    require_picture(out)
    singles = out.with_suffix("")
    several = not single or file_of(places[-1]).suffix.lower() in (".csv", ".json")
    if several:
        require_folder(singles)
    if force:
        return
    require_no_input([out, sheet_beside(out)], files_of([*places, *joints]))
    if several:
        require_no_input([singles], [place for place in places if place.is_dir()])
