"""The verb texture: clothes of one photograph on the person of another, in the outline of their own."""

from __future__ import annotations

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
    from repose.apps.clothes.texture import Texture
    from repose.apps.garments import Garment
    from repose.person import Person


def texture(
    source: Annotated[Path, typer.Argument(help="A photograph, or a folder of them.", show_default=False)],
    condition: Annotated[
        Path, typer.Argument(help="The photograph of somebody who wears the clothes.", show_default=False)
    ],
    labels: Garments = "shirt",
    out: Out = Path("out/texture.png"),
    model: ModelName = "default",
    shading: Shading = 0.8,
    pose: Estimator = "movenet",
    person: PersonChoice = "largest",
    condition_person: Annotated[str, typer.Option(help="The same for CONDITION.")] = "largest",
    source_parsing: SourceParsing = None,
    condition_parsing: Annotated[Path | None, typer.Option(help="The same of CONDITION.")] = None,
    table: LabelTable = None,
    mask: Annotated[
        str, typer.Option(help="How the person of CONDITION is cut out: auto, none, or an estimator of masks.")
    ] = "auto",
    size: ResultSize = None,
    quality: Quality = 95,
    force: Force = False,
    as_json: AsJson = False,
    device: Device = "auto",
) -> None:
    """Put the cloth of CONDITION on the person of SOURCE: shirt, trousers, dress, hat, or any set of labels.

    The person, their pose and the photograph stay; the garment keeps its outline and gets other cloth. Both photographs
    are parsed. A garment that one of the two does not wear is an error that says what they wear; of a folder such a
    photograph is skipped and named.

    With a PINet of two stages the garment is painted by equation 11 of its paper, on its canvas. With any other model
    the person of CONDITION is brought into the pose of SOURCE, and the garment's own pixels come on, sharp.

    One source gives OUT and a sheet beside it (OUT.sheet.png). A folder gives a contact sheet at OUT and the single
    pictures in a folder named like it.

    Exit status: 0 all was done; 2 an error, nothing was done; 3 some pictures were skipped, the others are written.

    [bold]repose texture me.jpg friend.jpg -o me_in_their_shirt.png[/bold]
    [bold]repose texture me.jpg friend.jpg --labels shirt,trousers -o me.png[/bold]
    [bold]repose texture team/ jersey.jpg --labels top -o in_jerseys.png[/bold]
    [bold]repose texture me.jpg friend.jpg --source-parsing me_labels.png --table cihp[/bold]
    """

    def ready(other: Person, garments: tuple[Garment, ...]) -> Texture:
        from repose.apps.clothes.texture import Texture
        from repose.pipeline import load, require_mask

        require_mask(mask)
        return Texture(load(model, device), other, garments, shading, mask)

    given = Photographs(
        source, condition, out, labels, "condition", source_parsing, condition_parsing, table, pose, person,
        condition_person, size, quality, force, {"model": model, "shading": shading, "mask": mask},
    )  # fmt: skip
    put_on_all("texture", given, as_json, ready)
