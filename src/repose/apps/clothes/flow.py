"""Virtual try-on by appearance flow: section 4.4 of "High-Resolution Pose Transfer via Progressive Training" (HPN).

1. A model of pose transfer brings the person with the garment out of their self-occlusion, into a pose that is defined
   before. The text takes a frontal one; here it is the source's own, or the frontal one.
2. The appearance flow network lays the garment of that picture into the outline of the source's.
3. The garment's own pixels, carried along both flows, come back into the photograph.

The text poses the person who shall wear the garment; their photograph would then come back in another pose. Here the
other person is posed, and the source's photograph stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.apps.clothes.cut import Cut, Outline, garment_cut, own_outline
from repose.apps.clothes.laying import (
    SHADING,
    Cloth,
    Fitting,
    exchanged,
    filled,
    fitting,
    into_photograph,
    posed,
    shaded,
)
from repose.apps.clothes.outline import garment_outline
from repose.apps.garments import Garment
from repose.models.garment.network import GarmentFlow, on_white
from repose.person import JOINTS, Person
from repose.pipeline import Model, with_mask
from repose.represent.canvas import Canvas
from repose.represent.flow import at_rest, warp

First = Literal["source", "frontal", "none"]
FIRST: Final[tuple[First, ...]] = ("source", "frontal", "none")
"""The pose that the garment's person is brought into before the flow network: the source's, a frontal one, or none."""

FRONTAL: Final = {
    "nose": (0.5, 0.12), "neck": (0.5, 0.22), "right_shoulder": (0.4, 0.22), "right_elbow": (0.33, 0.36),
    "right_wrist": (0.28, 0.49), "left_shoulder": (0.6, 0.22), "left_elbow": (0.67, 0.36), "left_wrist": (0.72, 0.49),
    "right_hip": (0.44, 0.5), "right_knee": (0.43, 0.69), "right_ankle": (0.42, 0.89), "left_hip": (0.56, 0.5),
    "left_knee": (0.57, 0.69), "left_ankle": (0.58, 0.89), "right_eye": (0.48, 0.105), "left_eye": (0.52, 0.105),
    "right_ear": (0.455, 0.115), "left_ear": (0.545, 0.115),
}  # fmt: skip
"""The frontal pose without self-occlusion: joint -> x, a share of 0.69 of the height around the middle, and y, a share
of the height."""


def frontal(canvas: Canvas) -> Person:
    """The pose `FRONTAL` on a canvas, unbatched."""
    top, left, height, width = canvas.window
    middle, wide = left + width / 2, min(width, 0.69 * height)
    points = [(middle + (FRONTAL[name][0] - 0.5) * wide, top + FRONTAL[name][1] * height, 1.0) for name in JOINTS]
    return Person(keypoints=torch.tensor(points), size=canvas.size)


@dataclass(frozen=True)
class FlowSteps:
    """What the steps give for one garment, all in the crop of the source's photograph, (k H, k W).

    Attributes:
        first: the garment in the pose of the first step. outline: where it goes.
        flow: (1, 2, k H, k W), where in `first` each pixel lies, -1 to 1 from edge to edge.
        second: the garment along the flow. cloth: (3, k H, k W), all of the outline covered.
    """

    first: Cloth
    outline: Outline
    flow: Tensor
    second: Cloth
    cloth: Tensor


class FlowTryOn:
    """Try-on by appearance flow, on whole photographs.

    Args:
        generator: the flow network, in eval mode; `repose.models.weights.load_generator("garment-s-synthetic")`.
        model: of pose transfer, for the first step.
        first: the pose of the first step, of `FIRST`.
        shading: see `repose.apps.texture`. mask: how the garment's person is cut out.
        cut: see `repose.apps.clothes.texture.Texture`. The text's two masks know the source's outline alone, "own".
        keep: with the first step in the source's pose, what it covers of the outline stays, and the flow network gives
            the rest; False: the flow network gives all of it, as in the text.
    """

    def __init__(
        self,
        generator: GarmentFlow,
        model: Model,
        first: First = "source",
        shading: float = SHADING,
        mask: str | None = "auto",
        cut: Cut = "own",
        keep: bool = True,
    ) -> None:
        self.generator = generator.eval()
        self.model, self.first, self.shading, self.mask, self.cut = model, first, shading, mask, cut
        self.keep = keep

    def __call__(self, source: Person, garment: Person, garments: Sequence[Garment]) -> Tensor:
        """The source's photograph with these garments of the other person, (3, H, W) in [-1, 1].

        Args:
            source, garment: unbatched, each on their whole photograph, with image, joints and parsing.
            garments: that both wear.
        """
        owner = garment if garment.mask is not None else with_mask(garment, self.mask)
        into = fitting(self.model, source)
        picture, share = into.image, torch.zeros_like(into.image[:1])
        for piece in garments:
            steps = self.steps(into, owner, piece)
            if steps is None:
                continue
            both = steps.outline.cloth & into.region(garment_outline(source, piece))
            cloth = steps.outline.over(shaded(steps.cloth, into.image, both, into.size, self.shading))
            picture, changed = exchanged(picture, cloth, steps.outline.region, into.size)
            share = torch.maximum(share, changed)
        return into_photograph(into, picture, share)

    @torch.no_grad()
    def steps(self, into: Fitting, owner: Person, piece: Garment) -> FlowSteps | None:
        """Every step for one garment; None where the crop shows none of it."""
        region = into.region(garment_outline(into.person, piece))
        if not bool(region.any()):
            return None
        there = garment_outline(owner, piece)
        first = self._first(into, owner, there)
        outline = own_outline(region)
        if self.cut == "garment":
            worn = first if self.first == "source" else posed(into, owner, there)
            outline = garment_cut(into, owner, piece, worn, region)
        flow = self.flow(first, outline.cloth)
        moved = warp(torch.cat([first.colours, first.mask])[None], flow)[0]
        second = Cloth(moved[:3], moved[3:])
        if self.keep and self.first == "source":
            second = Cloth(
                torch.where(first.mask > 0.5, first.colours, moved[:3]), torch.maximum(first.mask, moved[3:])
            )
        return FlowSteps(first, outline, flow, second, filled(second, outline.cloth, into.size))

    def _first(self, into: Fitting, owner: Person, mask: Tensor) -> Cloth:
        """The garment after the first step."""
        if self.first == "none":
            own = fitting(self.model, owner)
            cloth = posed(own, owner, mask)
            if cloth.colours.shape == into.image.shape:
                return cloth
            size = into.image.shape[-2:]
            colours, shown = (
                F.interpolate(x[None], size, mode="bilinear", antialias=True)[0] for x in (cloth.colours, cloth.mask)
            )
            return Cloth(colours.clamp(-1, 1), shown)
        return posed(into, owner, mask, frontal(self.model.canvas) if self.first == "frontal" else None)

    def flow(self, cloth: Cloth, region: Tensor) -> Tensor:
        """The appearance flow that lays a garment into an outline, (1, 2, k H, k W).

        Args:
            cloth: (3, k H, k W). region: bool (k H, k W).
        """
        size = self._working_size(region.shape[0], region.shape[1])
        device = next(self.generator.parameters()).device
        small = F.interpolate(cloth.colours[None], size, mode="bilinear", antialias=True).clamp(-1, 1)
        here, there = (
            (F.interpolate(mask[None, None].float(), size, mode="area") > 0.5).float()
            for mask in (cloth.mask[0], region)
        )
        given = (on_white(small, here), here, there)
        output = self.generator.synthesise(*(x.to(device) for x in given))
        ways = output.extra["flow"].float().cpu() - at_rest(small)
        return F.interpolate(ways, region.shape, mode="bilinear", align_corners=False) + at_rest(cloth.colours)

    def _working_size(self, height: int, width: int) -> tuple[int, int]:
        """About the rows that the network was trained on, in the proportions of the crop."""
        multiple = self.generator.needs.multiple
        rows = multiple * round(128 / multiple)
        return rows, max(multiple, multiple * round(rows * width / height / multiple))


__all__ = ["FIRST", "FRONTAL", "First", "FlowSteps", "FlowTryOn", "frontal"]
