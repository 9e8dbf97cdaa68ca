"""What each module of Dense Pose Transfer gives: the surface before and after inpainting, and the two streams."""

from __future__ import annotations

from torch import Tensor

from repose.draw.panels import Panel, Pixels, enlargement, grid, label_map, picture
from repose.models.densepose.network import DensePoseTransfer
from repose.models.densepose.warping import atlas_picture, from_atlas, to_atlas
from repose.person import Person


def panels(generator: DensePoseTransfer, source: Person, target: Person) -> list[Panel]:
    """The streams and their blend (Figure 1), the texture atlas (Figure 2), both textures on the body (Figure 3).

    Modules that the config leaves out have no pictures.

    Args:
        source, target: batches of one, on the model's canvas.
    """
    output = generator(source, target)
    extra = {name: value[0] for name, value in output.extra.items()}  # without the batch
    assert source.image is not None
    shown = [_streams(source, target, output.image[0], extra)]
    if generator.warps:
        assert source.iuv is not None
        assert target.iuv is not None
        texture, seen = to_atlas(source.image, source.iuv, generator.config.inpainting.side)
        shown += [_atlas(source.image[0], texture[0], seen[0], extra), _body(source, target, texture, seen, extra)]
    return shown


def _streams(source: Person, target: Person, image: Tensor, extra: dict[str, Tensor]) -> Panel:
    """From left to right as the data flows."""
    assert source.image is not None
    columns: dict[str, Pixels] = {"source": picture(source.image[0])}
    if source.iuv is not None:
        columns["its parts"] = label_map(source.iuv[0, 0].round().long())
    if target.iuv is not None:
        columns["target's parts"] = label_map(target.iuv[0, 0].round().long())
    columns |= {name: picture(extra[name]) for name in ("predicted", "warped", "residual") if name in extra}
    columns["result"] = picture(image)
    if target.image is not None:
        columns["target"] = picture(target.image[0])
    caption = "The predictive stream's picture" + ", what the body's surface carries over" * ("warped" in extra)
    if "residual" in extra:
        caption += ", the blending's residual (grey adds nothing), and the sum of prediction and residual."
    else:
        caption += ", which is the result: this model has no other module."
    scale = enlargement(int(image.shape[-2]))
    return Panel("streams", caption, grid([list(columns.values())], list(columns), scale=scale))


def _atlas(image: Tensor, texture: Tensor, seen: Tensor, extra: dict[str, Tensor]) -> Panel:
    """The 24 parts, before and after inpainting."""
    rows: list[list[Pixels | None]] = [[picture(atlas_picture(texture, seen))]]
    labels, caption = (
        ["seen"],
        "The 24 parts of the surface, u to the right and v down, grey where the source sees nothing.",
    )
    if "inpainted" in extra:
        rows.append([picture(atlas_picture(extra["inpainted"]))])
        labels.append("inpainted")
        caption = caption[:-1] + "; below it what the autoencoder makes of them."
    caption += " Rows: head, torso, hands and feet; arms; legs."
    return Panel("atlas", caption, grid(rows, labels=labels, scale=enlargement(int(rows[0][0].shape[0]))))  # type: ignore[union-attr]


def _body(source: Person, target: Person, texture: Tensor, seen: Tensor, extra: dict[str, Tensor]) -> Panel:
    """The textures put back on the source's and on the target's body."""
    rows, labels = [texture * seen], ["seen"]
    if "inpainted" in extra:
        rows.append(extra["inpainted"][None])
        labels.append("inpainted")
    assert source.iuv is not None
    assert target.iuv is not None
    drawn: list[list[Pixels | None]] = [
        [picture(from_atlas(surface, iuv)[0][0]) for iuv in (source.iuv, target.iuv)] for surface in rows
    ]
    caption = "The surface on the body of the source and of the target: what was seen alone"
    caption += (
        "; below, as inpainted; grey is unknown or no body." if len(rows) > 1 else "; grey is unknown or no body."
    )
    scale = enlargement(int(source.iuv.shape[-2]))
    return Panel("body", caption, grid(drawn, ["source's pose", "target's pose"], labels, scale))
