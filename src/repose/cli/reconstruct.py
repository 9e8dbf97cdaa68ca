"""The verb reconstruct: the person of a photograph in the layout of a label map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repose.cli import common
from repose.cli.common import AsJson, Device, Estimator, Force, Labels, MinScore, Out, PersonChoice
from repose.cli.inputs import files_of, map_of, pictures_in, require_new
from repose.cli.outputs import require_folder, require_no_input, require_picture, sheet_beside
from repose.cli.reporting import Report

if TYPE_CHECKING:
    from repose.person import Person

_SUFFIXES = (".npy", ".npz")  # of label maps beside pictures


def reconstruct(
    source: Annotated[Path, typer.Argument(help="A photograph of a person, or a folder of them.")],
    layout: Annotated[
        Path,
        typer.Argument(
            metavar="MAP",
            help="Where the parts of the person shall lie: a label map of a parser, an edited one, or a photograph, "
            "which is parsed; or a folder of these.",
        ),
    ],
    out: Out = Path("out/reconstruct.png"),
    model: Annotated[
        str, typer.Option("-m", "--model", help="Weights of a recipe multiscale-parsing-*, by name or folder.")
    ] = "multiscale-parsing-s-synthetic",
    labels: Labels = None,
    source_parsing: Annotated[
        Path | None,
        typer.Option(help="Label map of SOURCE, from a parser; of a folder a folder. Otherwise it is estimated."),
    ] = None,
    source_keypoints: Annotated[
        str | None, typer.Option(help="Keypoint file of SOURCE, or FILE#NAME; otherwise the joints are estimated.")
    ] = None,
    true: Annotated[
        Path | None, typer.Option("--true", help="For the sheet: the picture that MAP is of, to compare with.")
    ] = None,
    pose: Estimator = "movenet",
    person: PersonChoice = "largest",
    target_person: Annotated[
        str, typer.Option("--target-person", help="The same for MAP, if it is a photograph.")
    ] = "largest",
    min_score: MinScore = 0.3,
    scale: Annotated[int, typer.Option(min=1, help="Enlarge the pictures of the contact sheet so many times.")] = 2,
    force: Force = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Give the layout of MAP the looks of the person of SOURCE (conditional semantic reconstruction).

    A label map says where hair, face, shirt, trousers, arms and legs shall lie; the photograph says what they look
    like. The result is a picture of the network's size, with a sheet beside it (OUT.sheet.png): source, map,
    reconstruction, and the true picture where there is one.

    Edit a map in any paint program: `repose estimate` writes one, with a palette. Folders give every source by every
    map: a contact sheet at OUT and the single pictures in a folder named like it.

    Exit status: 0 all was done; 2 an error, nothing was done; 3 some pictures were skipped, the others are written.

    [bold]repose reconstruct me.jpg map.png -o me_as_map.png[/bold]
    [bold]repose reconstruct me.jpg labels.png --labels atr --true dancer.jpg[/bold]
    [bold]repose reconstruct me.jpg dancer.jpg -o me_as_dancer.png[/bold]
    [bold]repose estimate me.jpg --fields parsing -o maps[/bold]   (then edit maps/me.parsing.png)
    [bold]repose reconstruct me.jpg maps/me.parsing.png -o edited.png[/bold]
    """
    import numpy as np

    from repose.apps.layouts import place_layout, read_layout
    from repose.apps.people import parsed_person
    from repose.apps.reconstruction import reconstruct_person, require_model
    from repose.draw.panels import label_map
    from repose.draw.sheet import reduced, sheet
    from repose.images import load_image, save_image, stem_of
    from repose.pipeline import load
    from repose.represent.canvas import to_uint8

    report = Report("reconstruct", as_json)
    with report.running():
        which, layout_which = common.parse_person(person), common.parse_person(target_person, "--target-person")
        several = source.is_dir() or layout.is_dir()
        given = [source, layout, *(place for place in (source_parsing, true) if place is not None)]
        _check_outputs(out, given, several, force)
        if true is not None and layout.is_dir():
            raise ValueError("--true is the picture of one map, and MAP is a folder: leave --true away")
        truth = None if true is None else load_image(true)
        loaded = require_model(load(model, device))
        canvas = loaded.canvas
        height = canvas.window[2] * scale
        sources, layouts = pictures_in(source), _layouts_in(layout)
        report.document |= {"model": loaded.name, "sources": [], "maps": []}

        plans: dict[str, Person] = {}
        for path in layouts:
            with report.skipping(path, alone=path == layout), report.noting(path):
                require_new(stem_of(path), plans)
                plan = read_layout(path, labels, pose=pose, which=layout_which)
                plans[stem_of(path)] = plan
                kind = "label map" if plan.image is None else "photograph"
                report.document["maps"].append({"path": str(path), "kind": kind})
        if not plans:
            raise ValueError("no map is left: every one was skipped")

        def shown(image: Any) -> Any:
            return reduced(to_uint8(image), height)

        def true_of(name: str) -> Any:
            """The true picture of a map as the sheet shows it, None where there is none."""
            if truth is not None:
                return reduced(truth, height)
            image = canvas.take(place_layout(plans[name], canvas)).image
            return None if image is None else shown(image)

        maps = {}
        for name, plan in plans.items():
            parsing = canvas.take(place_layout(plan, canvas)).parsing
            assert parsing is not None
            maps[name] = reduced(label_map(parsing), height)
        rows: list[list[Any]] = []
        names: set[str] = set()
        done = 0
        with common.progress_bar() as bar:
            task = bar.add_task("reconstruct", total=len(sources) * len(plans))
            for path in sources:
                row: list[Any] = []
                with report.skipping(path, alone=not source.is_dir()), report.noting(path):
                    require_new(stem_of(path), names)
                    known = map_of(source_parsing, path)
                    one = parsed_person(
                        path, known, table=labels, pose=pose, which=which, keypoints=source_keypoints,
                        min_score=min_score,
                    )  # fmt: skip
                    names.add(stem_of(path))
                    report.document["sources"].append({"path": str(path)})
                    for name, plan in plans.items():
                        result = reconstruct_person(loaded, one, plan)
                        assert result.source.image is not None
                        row = row or [shown(result.source.image)]
                        row.append(shown(result.image))
                        place = out.with_suffix("") / f"{stem_of(path)}_2_{name}.png" if several else out
                        save_image(place, to_uint8(result.image), result=True)
                        pair = {"source": stem_of(path), "map": name}
                        report.wrote(place, "picture", **pair, height=canvas.window[2], width=canvas.window[3])
                        done += 1
                bar.advance(task, len(plans))
                rows += [row] if row else []
        if not done:
            raise ValueError("no picture was computed: every source was skipped")
        if several:
            head = [[None, *maps.values()]]
            pictures = {name: true_of(name) for name in plans}
            tail = [[None, *pictures.values()]] if any(each is not None for each in pictures.values()) else []
            page = sheet([*head, *rows, *tail], ["source", *plans])
            report.wrote(save_image(out, np.asarray(page), result=True), "sheet")
            report.say(f"{out}  ({len(rows)} x {len(plans)}; single pictures in {out.with_suffix('')}/)")
            return
        (name,) = plans
        line, columns = [rows[0][0], maps[name], rows[0][1]], ["source", "map", "reconstruction"]
        picture = true_of(name)
        if picture is not None:
            line, columns = [*line, picture], [*columns, "picture of the map"]
        report.wrote(save_image(sheet_beside(out), np.asarray(sheet([line], columns)), result=True), "sheet")
        report.say(f"{out}  (with source and map beside it: {sheet_beside(out)})")


def _layouts_in(place: Path) -> list[Path]:
    """A file alone; of a folder its pictures and arrays, sorted; of one that `repose estimate` wrote the label maps."""
    written = sorted(place.glob("*.parsing.png")) if place.is_dir() else []
    if written:  # masks, IUV and the sheet lie beside them
        return written
    arrays = sorted(path for path in place.iterdir() if path.suffix.lower() in _SUFFIXES) if place.is_dir() else []
    if place.is_file() and place.suffix.lower() in _SUFFIXES:
        return [place]
    try:
        return sorted([*pictures_in(place), *arrays])
    except ValueError:
        if arrays:
            return arrays
        raise


def _check_outputs(out: Path, given: list[Path], several: bool, force: bool) -> None:
    """Check before any work that everything can be written, and that no input is overwritten."""
    require_picture(out)
    if several:
        require_folder(out.with_suffix(""))
    if force:
        return
    require_no_input([out, sheet_beside(out)], files_of(given))
    if several:
        require_no_input([out.with_suffix("")], [place for place in given if place.is_dir()])
