"""The inside of the garment flow network: what goes in, where each pixel comes from, what comes out."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.draw.panels import Panel, Pixels, flow_key, flow_map, heat, picture
from repose.models.garment.network import GarmentFlow, on_white
from repose.models.garment.tryon import dress
from repose.person import Person


def panels(generator: GarmentFlow, source: Person, target: Person) -> list[Panel]:
    """Garment, both masks, flow and result; the true garment and the target dressed, where it has a picture.

    Args:
        generator: in eval mode. source, target: batches of one; `target.image` is read if it is there. If the
            target is another person, "try-on" is the use of section 4.4 and "true" the garment that is replaced.

    Raises:
        ValueError: what `forward` raises, or one of the two has no such garment.
    """
    generator.check(source, target)
    garment, source_mask, target_mask = generator.encode(source, target)
    output = generator.synthesise(garment, source_mask, target_mask)
    size = (int(garment.shape[-2]), int(garment.shape[-1]))
    beside = target_mask[0] == 0  # (1, H, W)
    flow = output.extra["flow"][0].masked_fill(beside, torch.nan)
    inside = output.extra["inside"][0].masked_fill(beside, torch.nan)
    shown = [
        Panel("garment", "The garment, cut out of the source picture: what is carried.", picture(garment[0])),
        Panel("source-mask", "Where the garment is in the source.", _mask(source_mask)),
        Panel("target-mask", "Where it shall be.", _mask(target_mask)),
        Panel("flow-key", "The colour of every place in the source, to read the flow by.", flow_key(*size)),
        Panel(
            "flow", "Appearance flow: each pixel has the colour of the place in the source it takes.", flow_map(flow)
        ),
        Panel(
            "inside",
            "Light where a pixel takes from the garment, dark where beside it.",
            heat(inside[0], low=0, high=1),
        ),
        Panel("synthesised", "The garment sampled along the flow.", picture(output.image[0])),
    ]
    if target.image is not None:
        true = on_white(target.image, target_mask)
        shown += [
            Panel("true", "The garment in the target's own picture.", picture(true[0])),
            Panel(
                "try-on",
                "The target's picture with the synthesised garment.",
                picture(dress(target, source, generator)[0]),
            ),
        ]
    return shown


def _mask(mask: Tensor) -> Pixels:
    """(1, 1, H, W), white where it is 1."""
    return picture(mask[0].expand(3, -1, -1) * 2 - 1)
