"""Where Carry takes each pixel from, how sure it is, and which part of the picture is carried."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.draw.panels import (
    LOOKED_UP,
    Panel,
    Pixels,
    enlargement,
    flow_key,
    flow_map,
    grid,
    heat,
    label_map,
    over,
    picture,
)
from repose.models.carry.network import Carry
from repose.person import JOINTS, Person
from repose.represent.iuv import correspondence


def panels(generator: Carry, source: Person, target: Person) -> list[Panel]:
    """The search, the flow, the composition and the outline; of pictures with IUV the truth beside flow and share.

    Everything is shown at the size that the network works on (`CarryConfig.height`). A variant without attention
    searches nothing, and one that carries nothing has no flow: those panels are left out.

    Args:
        source, target: batches of one, on the model's canvas.
    """
    raw: list[Tensor] = []
    hook = generator.to_picture.register_forward_hook(lambda *call: raw.append(call[2]))
    try:
        output = generator.synthesise(*generator.encode(source, target))
    finally:
        hook.remove()
    assert source.image is not None
    extra = {name: value[0] for name, value in output.extra.items()}  # without the batch
    image = F.avg_pool2d(source.image, generator.shrink(source.image.shape[-2]))[0]  # as the network sees it
    size = (int(image.shape[-2]), int(image.shape[-1]))
    extra["person"] = F.interpolate(extra["person"][None], size, mode="area")[0]
    drawn: list[Panel] = []
    if "match" in extra:
        drawn.append(_search(image, target, extra))
    if "flow" in extra:
        drawn.append(_flow(image, extra))
        drawn.append(_composition(extra, torch.tanh(F.pixel_shuffle(raw[0], 2)[0, :3])))
        if source.iuv is not None and target.iuv is not None:
            drawn.append(_truth(source.iuv, target.iuv, extra))
    row, columns = [over(extra["core"], extra["person"][0], 0, 1)], ["person"]
    caption = "By this outline the figure is put back into a photograph: probability from 0 (blue) to 1 (yellow)."
    if "parts" in extra:
        parts = extra["parts"].argmax(0).repeat_interleave(4, 0).repeat_interleave(4, 1)
        row.append(label_map(parts))
        columns.append("body parts")
        caption += " Beside it DensePose's 24 parts, guessed from the target pose alone."
    drawn.append(Panel("person", caption, grid([row], columns, scale=enlargement(size[0]))))
    return drawn


def _search(image: Tensor, target: Person, extra: dict[str, Tensor]) -> Panel:
    """Where some joints of the target look for themselves in the source, and how sure every cell is."""
    size = height, width = int(image.shape[-2]), int(image.shape[-1])
    rows, columns = height // 4, width // 4
    chance = extra["match"].exp()  # (N, N)
    small = Person(keypoints=target.keypoints, size=target.size).resize(rows, columns).keypoints
    assert small is not None
    shown: list[Pixels | None] = [picture(image)]
    names = ["source"]
    for joint in LOOKED_UP:
        x, y, visible = small[0, JOINTS.index(joint)].tolist()
        column, row = round(x), round(y)
        if visible > 0 and 0 <= column < columns and 0 <= row < rows:
            # chances spread over cells: the square root shows the weak ones too
            chances = chance[row * columns + column].reshape(rows, columns).sqrt()
            shown.append(over(image, chances, 0))
            names.append(joint.replace("_", " "))
    sure = heat(chance.amax(-1).reshape(rows, columns), size, 0)
    caption = (
        "The search, in cells of 4 pixels. For joints of the target: where in the source the cell under the joint "
        "finds itself (yellow: the likeliest place; square root of the chance). Last, for every cell of the target: "
        f"the chance of its likeliest place, from 0 to {float(chance.max()):.2f}."
    )
    scale = enlargement(height)
    return Panel("search", caption, grid([[*shown, sure]], [*names, "how sure"], scale=scale))


def _flow(image: Tensor, extra: dict[str, Tensor]) -> Panel:
    """The flow as colour, and what it carries."""
    height, width = int(image.shape[-2]), int(image.shape[-1])
    key = flow_key(height, width)
    dimmed = (0.6 * key + 0.4 * picture(image)).round().astype(key.dtype)
    figure = torch.where(extra["person"] > 0.5, extra["flow"], torch.nan)
    caption = (
        "Where every pixel comes from: the colour of a place in the source (first two) stands in the target where that "
        "place is carried to. Large squares are stretched, small ones squeezed; a torn pattern is a torn flow. Last "
        "the figure alone."
    )
    row = [picture(image), dimmed, flow_map(extra["flow"]), flow_map(figure)]
    columns = ["source", "its places", "flow", "flow of the figure"]
    return Panel("flow", caption, grid([row], columns, scale=enlargement(height)))


def _composition(extra: dict[str, Tensor], synthesised: Tensor) -> Panel:
    """picture = m * carried + (1 - m) * synthesised."""
    mask = extra["mask"]
    row = [
        picture(extra["carried"]),
        heat(mask[0], low=0, high=1),
        picture(synthesised),
        picture(extra["core"]),
        over(extra["core"], mask[0], 0, 1),
    ]
    share = float((mask * (extra["person"] > 0.5)).sum() / (extra["person"] > 0.5).sum().clamp_min(1))
    caption = (
        "Picture = m x carried + (1 - m) x synthesised. Carried is the source along the flow; m is 1 (yellow) where "
        f"pixels are carried and 0 (blue) where they are drawn anew: {share:.0%} of the figure is carried."
    )
    columns = ["carried", "share m", "synthesised", "picture", "m over it"]
    return Panel("composition", caption, grid([row], columns, scale=enlargement(int(mask.shape[-2]))))


def _truth(source: Tensor, target: Tensor, extra: dict[str, Tensor]) -> Panel:
    """The true flow and visibility of pictures that carry IUV, (1, 3, H, W) each, beside those of the network."""
    height, width = int(source.shape[-2]), int(source.shape[-1])
    place, seen = correspondence(source, target)
    size = torch.tensor([width, height], device=place.device).view(2, 1, 1)
    true = torch.where(seen[0], (2 * place[0] + 1) / size - 1, torch.nan)  # pixels to -1 ... 1
    flow, mask = (
        F.interpolate(extra[name][None], (height, width), mode="bilinear", align_corners=False)[0]
        for name in ("flow", "mask")
    )
    visible = seen[0]
    off = ((flow - true) * size / 2).norm(dim=0)
    figure = (target[:, 0] > 0)[0]
    shown = torch.where(figure, visible[0].float(), torch.nan)
    row = [
        flow_map(true),
        flow_map(torch.where(visible, flow, torch.nan)),
        heat(off, low=0, high=height / 16),
        heat(shown, low=0, high=1),
        heat(torch.where(figure, mask[0], torch.nan), low=0, high=1),
    ]
    columns = ["true flow", "flow", "distance", "truly seen", "share m"]
    middle = f"{float(off[visible[0]].median()):.1f}" if bool(visible.any()) else "no"
    caption = (
        "What IUV of both pictures tells: the true flow where the source shows the point, the network's there, the "
        f"distance between them (0 to {height / 16:g} pixels; the median is {middle} pixels), which points of the "
        "figure the source shows (yellow), and the share m, which should be high there and low elsewhere."
    )
    return Panel("truth", caption, grid([row], columns, scale=enlargement(height)))
