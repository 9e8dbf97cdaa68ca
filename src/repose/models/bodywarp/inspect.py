"""Both bodies, where each pixel comes from, and how carried and painted pixels are put together."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.draw.panels import Panel, enlargement, flow_key, flow_map, grid, heat, label_map, over, picture
from repose.models.bodywarp.network import BodyWarp
from repose.person import Person
from repose.represent.iuv import fine_correspondence


def panels(generator: BodyWarp, source: Person, target: Person) -> list[Panel]:
    """The bodies, the flow, the composition and the surroundings; of pictures with IUV the truth beside the flow.

    Everything is shown at the size that the network works on (`BodyWarpConfig.height`).

    Args:
        source, target: batches of one, on the model's canvas.
    """
    inputs = generator.encode(source, target)
    output = generator.synthesise(*inputs)
    traits, bodies = inputs[3][0], [maps[0] for maps in inputs[4:6]]
    extra = {name: value[0].float() for name, value in output.extra.items()}  # without the batch
    height, width = int(extra["core"].shape[-2]), int(extra["core"].shape[-1])
    image = F.interpolate(inputs[0], (height, width), mode="bilinear", antialias=True)[0].clamp(-1, 1)
    drawn = [
        _bodies(image, extra["core"], bodies),
        _flow(image, extra, traits),
        _composition(extra),
        _surroundings(image, extra),
    ]
    if source.iuv is not None and target.iuv is not None:
        drawn.append(_truth(source.iuv, target.iuv, extra))
    return drawn


def _bodies(image: Tensor, core: Tensor, bodies: list[Tensor]) -> Panel:
    row = []
    for shown, maps in ((image, bodies[0]), (core, bodies[1])):
        mask = maps[7]
        normals = torch.where(mask > 0.5, maps[3:6], torch.ones_like(shown))
        row += [picture(normals), over(shown, mask, 0, 1)]
    caption = (
        "The bodies that are lifted from the joints of both poses: their normals, and where they lie in the source and "
        "in the result. Clothes and hair reach beyond the naked body."
    )
    columns = ["source body", "in the source", "target body", "in the result"]
    return Panel("bodies", caption, grid([row], columns, scale=enlargement(image.shape[-2])))


def _flow(image: Tensor, extra: dict[str, Tensor], traits: Tensor) -> Panel:
    height, width = int(image.shape[-2]), int(image.shape[-1])
    key = flow_key(height, width)
    dimmed = (0.6 * key + 0.4 * picture(image)).round().astype(key.dtype)
    figure = torch.where(extra["outline"] > 0.5, extra["flow"], torch.nan)
    row = [dimmed, flow_map(figure), heat(traits[3], low=0, high=1), heat(traits[4], low=0, high=1)]
    columns = ["places", "flow", "source shows it", "mirrored"]
    if "correction" in extra:
        pixels = extra["correction"] * torch.tensor([width / 2, height / 2]).view(2, 1, 1)
        row.append(heat(pixels.norm(dim=0), low=0, high=height / 32))
        columns.append("correction")
    caption = (
        "Where every pixel of the figure comes from: the colour of a place in the source stands in the target where "
        "that place is carried to. Then where the source shows that point or its mirror image (yellow), and by how "
        f"many pixels the network corrects the flow of the bodies (0 to {height / 32:g})."
    )
    return Panel("flow", caption, grid([row], columns, scale=enlargement(height)))


def _composition(extra: dict[str, Tensor]) -> Panel:
    row = [
        picture(extra["carried"]),
        picture(extra["aside"]),
        picture(extra["painted"]),
        label_map(extra["shares"].argmax(0) + 1),
        picture(extra["figure"]),
        heat(extra["outline"][0], low=0, high=1),
        picture(extra["core"]),
    ]
    columns = ["carried", "mirrored", "painted", "which", "figure", "outline", "picture"]
    figure = (extra["outline"] > 0.5).float()
    share = [float((part * figure[0]).sum() / figure.sum().clamp_min(1)) for part in extra["shares"]]
    caption = (
        "Figure = shares of what is carried, of what is carried from the other side of the body, and of what is "
        f"painted: {share[0]:.0%}, {share[1]:.0%} and {share[2]:.0%} of this figure. The outline "
        "puts it before the surroundings."
    )
    return Panel("composition", caption, grid([row], columns, scale=enlargement(extra["core"].shape[-2])))


def _surroundings(image: Tensor, extra: dict[str, Tensor]) -> Panel:
    row = [
        over(image, torch.sigmoid(extra["matte"])[0], 0, 1),
        picture(extra["surroundings"]),
        heat(extra["still"][0], low=0, high=1),
    ]
    caption = (
        "What shows the person in the source (yellow), the source without them, and where nothing moves, so that "
        "the source stays as it is (yellow)."
    )
    columns = ["matte", "surroundings", "stays"]
    return Panel("surroundings", caption, grid([row], columns, scale=enlargement(image.shape[-2])))


def _truth(source: Tensor, target: Tensor, extra: dict[str, Tensor]) -> Panel:
    """The true flow and visibility of pictures that carry IUV, (1, 3, H, W) each, beside those of the network."""
    height, width = int(source.shape[-2]), int(source.shape[-1])
    place, seen = fine_correspondence(source, target)
    size = torch.tensor([width, height], device=place.device).view(2, 1, 1)
    true = torch.where(seen[0], (2 * place[0] + 1) / size - 1, torch.nan)  # pixels to -1 ... 1
    flow, mask = (
        F.interpolate(extra[name][None], (height, width), mode="bilinear", align_corners=False)[0]
        for name in ("flow", "mask")
    )
    visible, figure = seen[0], (target[:, 0] > 0)[0]
    off = ((flow - true) * size / 2).norm(dim=0)
    row = [
        flow_map(true),
        flow_map(torch.where(visible, flow, torch.nan)),
        heat(off, low=0, high=height / 16),
        heat(torch.where(figure, visible[0].float(), torch.nan), low=0, high=1),
        heat(torch.where(figure, mask[0], torch.nan), low=0, high=1),
    ]
    columns = ["true flow", "flow", "distance", "truly seen", "carried"]
    middle = f"{float(off[visible[0]].median()):.1f}" if bool(visible.any()) else "no"
    caption = (
        "What IUV of both pictures tells: the true flow where the source shows the point, the network's there, the "
        f"distance between them (0 to {height / 16:g} pixels; the median is {middle} pixels), which points of the "
        "figure the source shows (yellow), and the share that is carried, which should be high there."
    )
    return Panel("truth", caption, grid([row], columns, scale=enlargement(height)))
