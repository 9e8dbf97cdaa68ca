"""What the verbs texture and tryon share: photographs in, checks before the work, pictures and a sheet out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repose.cli import common
from repose.cli.inputs import files_of, map_of, parse_result_size, pictures_in, require_new, result_size
from repose.cli.outputs import require_folder, require_no_input, require_picture, sheet_beside
from repose.cli.reporting import Report

if TYPE_CHECKING:
    from torch import Tensor

    from repose.apps.garments import Garment
    from repose.person import Person

Garments = Annotated[
    str,
    typer.Option(
        "--labels",
        help="What is exchanged, with commas: shirt, coat, top, trousers, skirt, bottom, dress, jumpsuit, outfit, hat, "
        "shoes, socks, gloves, scarf, glasses, hair, face, arms, legs, or labels of LIP.",
    ),
]
SourceParsing = Annotated[
    Path | None,
    typer.Option(help="A label map of SOURCE that a parser wrote, or a folder of them; estimated otherwise."),
]
LabelTable = Annotated[
    str | None,
    typer.Option(
        "--table", help="The table of the label maps: lip, cihp, atr, ... (see `repose transfer --labels`).",
        show_default=False,
    ),
]  # fmt: skip
Shading = Annotated[
    float,
    typer.Option(min=0, max=1, help="How far the garment takes the light and shade of the old one, 0 to 1."),
]
ResultSize = Annotated[
    str | None,
    typer.Option(help="Scale the result, with its proportions: 1024 is the longer side; 768x512 is filled."),
]
Quality = Annotated[int, typer.Option(min=1, max=100, help="Of a JPEG or WebP.")]


@dataclass
class Photographs:
    """What a verb was given beside its own options."""

    source: Path
    other: Path
    out: Path
    labels: str
    other_name: str
    source_parsing: Path | None = None
    other_parsing: Path | None = None
    table: str | None = None
    pose: str = "movenet"
    person: str = "largest"
    other_person: str = "largest"
    size: str | None = None
    quality: int = 95
    force: bool = False
    known: dict[str, Any] = field(default_factory=dict)


def put_on_all(
    verb: str,
    given: Photographs,
    as_json: bool,
    ready: Callable[[Person, tuple[Garment, ...]], Callable[[Person], Tensor]],
) -> None:
    """Read, check, put the garments on every source, write.

    Args:
        verb: of the command. given: its photographs.
        ready: (the person with the garments, the garments) -> what puts them on a source; called once, after all
            cheap checks.
    """
    import numpy as np

    from repose.apps.garments import read_garments, require_worn, worn
    from repose.apps.people import parsed_person
    from repose.draw.sheet import reduced, sheet
    from repose.images import Photograph, load_image, save_image, stem_of
    from repose.pipeline import to_pixels

    report = Report(verb, as_json)
    with report.running():
        garments = read_garments(given.labels)
        which = common.parse_person(given.person)
        other_which = common.parse_person(given.other_person, f"--{given.other_name}-person")
        wanted_size = None if given.size is None else parse_result_size(given.size)
        one = not given.source.is_dir()
        maps = [str(place) for place in (given.source_parsing, given.other_parsing) if place is not None]
        _check_outputs(given, maps, one)
        paths = pictures_in(given.source)
        if given.other.is_dir():
            raise ValueError(f"{given.other} is a folder: the garment comes from one photograph, name it")
        (other_path,) = pictures_in(given.other)
        options: dict[str, Any] = {"table": given.table, "pose": given.pose}
        with report.skipping(other_path, alone=True), report.noting(other_path):
            other = parsed_person(
                load_image(other_path), map_of(given.other_parsing, other_path), which=other_which, **options
            )
            require_worn(other, garments, str(other_path))
        with report.noting(other_path):
            put_on = ready(other, garments)
        report.document |= {**given.known, "labels": [garment.name for garment in garments]}
        report.document[given.other_name] = {"path": str(other_path), "worn": worn(_parsing(other))}
        entries = report.document["sources"] = []
        names: list[str] = []
        rows: list[list[Any]] = []
        height = 384
        shown = reduced(load_image(other_path), height)
        with common.progress_bar() as bar:
            task = bar.add_task(verb, total=len(paths))
            for path in paths:
                with report.skipping(path, alone=one), report.noting(path):
                    name = stem_of(path)
                    require_new(name, names)
                    photograph = Photograph.read(path)
                    person = parsed_person(
                        photograph.pixels, map_of(given.source_parsing, path), which=which, **options
                    )
                    require_worn(person, garments, str(path))
                    picture = to_pixels(put_on(person))
                    place = given.out if one else given.out.with_suffix("") / f"{name}.png"
                    final = result_size(wanted_size, picture.shape)
                    photograph.save(place, picture, given.quality, final)
                    names.append(name)
                    rows.append([reduced(photograph.pixels, height), shown, reduced(picture, height)])
                    shape = final or picture.shape[:2]
                    entries.append({"path": str(path), "worn": worn(_parsing(person))})
                    report.wrote(place, "picture", source=name, height=shape[0], width=shape[1])
                bar.advance(task)
        if not rows:
            raise ValueError("no picture was computed: every source was skipped")
        page = np.asarray(sheet(rows, ["source", given.other_name, verb]))
        if one:
            report.wrote(save_image(sheet_beside(given.out), page, result=True), "sheet")
            report.say(f"{given.out}  (with source and {given.other_name} beside it: {sheet_beside(given.out)})")
        else:
            report.wrote(save_image(given.out, page, result=True), "sheet")
            report.say(f"{given.out}  ({len(rows)} pictures; single ones in {given.out.with_suffix('')}/)")


def _parsing(person: Person) -> Tensor:
    assert person.parsing is not None
    return person.parsing


def _check_outputs(given: Photographs, maps: list[str], one: bool) -> None:
    """Check before any work that everything can be written, and that no input is overwritten."""
    require_picture(given.out)
    singles = given.out.with_suffix("")
    if not one:
        require_folder(singles)
    if given.force:
        return
    require_no_input([given.out, sheet_beside(given.out)], files_of([given.source, given.other, *maps]))
    if not one:
        require_no_input([singles], [place for place in (given.source, given.other) if place.is_dir()])
