"""The verb tryon: the person of a photograph in a garment of another, by one of several ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repose.cli.clothing import (
    Garments,
    LabelTable,
    Photographs,
    Quality,
    ResultSize,
    Shading,
    SourceParsing,
    put_on_all,
)
from repose.cli.common import AsJson, Device, Estimator, Force, ModelName, Out, PersonChoice

if TYPE_CHECKING:
    from torch import Tensor

    from repose.apps.garments import Garment
    from repose.person import Person


def tryon(
    source: Annotated[Path, typer.Argument(help="A photograph, or a folder of them.", show_default=False)],
    garment: Annotated[
        Path, typer.Argument(help="The photograph of somebody who wears the garment.", show_default=False)
    ],
    labels: Garments = "shirt",
    out: Out = Path("out/tryon.png"),
    way: Annotated[
        str,
        typer.Option(
            help="flow: the model, then the appearance flow network (HPN, section 4.4). texture: the model alone, as "
            "`repose texture`. bitwise: a network by label maps, as `repose reconstruct` (Roy et al., section 4.5.2)."
        ),
    ] = "flow",
    model: ModelName = "default",
    flow: Annotated[str, typer.Option(help="Weights of the flow network.")] = "garment-s-synthetic",
    cut: Annotated[
        str,
        typer.Option(
            metavar="own|garment",
            help="Whose outline: own, the old garment's; garment, sleeves and legs become as long as the new one's "
            "(the garment's photograph must be from the same side, with arms and legs free of the trunk).",
        ),
    ] = "own",
    first: Annotated[
        str,
        typer.Option(
            metavar="source|frontal|none",
            help="Into which pose the garment's person is brought before the flow network: that of SOURCE, a frontal "
            "one without self-occlusion, or none.",
        ),
    ] = "source",
    shading: Shading = 0.8,
    pose: Estimator = "movenet",
    person: PersonChoice = "largest",
    garment_person: Annotated[str, typer.Option(help="The same for GARMENT.")] = "largest",
    source_parsing: SourceParsing = None,
    garment_parsing: Annotated[Path | None, typer.Option(help="The same of GARMENT.")] = None,
    table: LabelTable = None,
    mask: Annotated[
        str, typer.Option(help="How the person of GARMENT is cut out: auto, none, or an estimator of masks.")
    ] = "auto",
    size: ResultSize = None,
    quality: Quality = 95,
    force: Force = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Try a garment of GARMENT on the person of SOURCE.

    The garment takes the place of the one that the person wears; everything else of the photograph
    stays. A garment that one of the two does not wear is an error that says what they wear.

    One source gives OUT and a sheet beside it (OUT.sheet.png). A folder gives a contact sheet at OUT and the single
    pictures in a folder named like it.

    Exit status: 0 all was done; 2 an error, nothing was done; 3 some pictures were skipped, the others are written.

    [bold]repose tryon me.jpg catalogue.jpg -o me_trying.png[/bold]
    [bold]repose tryon me.jpg catalogue.jpg --labels trousers --first frontal -o me_trying.png[/bold]
    [bold]repose tryon team/ catalogue.jpg --way texture -o trying.png[/bold]
    """
    from repose.names import nearest

    def ready(other: Person, garments: tuple[Garment, ...]) -> Callable[[Person], Tensor]:
        from repose.apps.clothes.cut import CUTS
        from repose.apps.clothes.flow import FIRST
        from repose.apps.clothes.wearing import WAYS, Settings
        from repose.pipeline import load, require_mask

        if way not in WAYS:
            raise ValueError(f"no way to try a garment on is called '{way}'; {nearest(way, WAYS)}")
        if first not in FIRST:
            raise ValueError(f"no pose of the first step is called '{first}'; {nearest(first, FIRST)}")
        if cut not in CUTS:
            raise ValueError(f"no cut is called '{cut}'; {nearest(cut, CUTS)}")
        require_mask(mask)
        put_on = WAYS[way](Settings(load(model, device), flow, first, shading, mask, cut))
        return lambda person: put_on(person, other, garments)

    given = Photographs(
        source, garment, out, labels, "garment", source_parsing, garment_parsing, table, pose, person, garment_person,
        size, quality, force, {"model": model, "way": way, "cut": cut, "shading": shading, "mask": mask},
    )  # fmt: skip
    put_on_all("tryon", given, as_json, ready)
