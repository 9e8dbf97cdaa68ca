"""Garment: the flow network of HPN's virtual try-on, which lays a photographed garment into another pose.

"High-Resolution Pose Transfer via Progressive Training" (HPN), section 4.4, after the appearance flow of Zhou et al.
(2016). The text gives the inputs (garment, its mask in the reference pose, its mask in the target pose), an
encoder-decoder, flow as 2-D coordinates, and a bilinear sampling layer. The rest is ours; the card lists it.

    garment on white, two masks -> encoder-decoder -> ways
    masks -> start -> + ways = flow: where in the source each pixel lies -> sampled garment, on white
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.base import Generator, Needs, Output
from repose.models.hpn.network import Block, initialise
from repose.names import nearest
from repose.person import LIP_LABELS, Person
from repose.represent.flow import at_rest, warp
from repose.represent.parsing import fold_neck

UPPER: Final = ("upper clothes", "dress", "coat", "jumpsuits")
"""What covers the torso: with it nearly every picture of a dressed person has a garment."""

LOWER: Final = ("pants", "skirt")
"""What covers the legs."""


@dataclass(frozen=True)
class GarmentConfig:
    """Which garment, and the sizes of the network; the defaults are those of the recipe "garment".

    Attributes:
        labels: names of `LIP_LABELS` that make the garment; all of them together are one piece.
        others: likewise, of a second garment. In training every other person of a batch shows it instead, where both
            pictures do, so that the network learns to lay on more than one kind; () for none.
        width: channels at the first resolution; they double with every downsampling.
        downs: downsamplings by two after the stem, and upsamplings.
        blocks: further blocks at the smallest size, so that a pixel's flow depends on both masks as a whole.
        stem: "full" works at the size of the picture; "half" folds 2x2 pixels into channels and finds the flow at half
            the size.
        start: what the network adds to: "identity", every pixel from its own place; "aligned", the two masks laid on
            each other by their centres and extents (mean and standard deviation along x and y).

    Raises:
        ValueError: an unknown label (names the nearest), no label, or a size that is too small.
    """

    labels: tuple[str, ...] = UPPER
    others: tuple[str, ...] = field(default=(), metadata={"leave_out_default": True})
    width: int = 32
    downs: int = 4
    blocks: int = 2
    stem: Literal["full", "half"] = "full"
    start: Literal["identity", "aligned"] = "identity"

    def __post_init__(self) -> None:
        known = LIP_LABELS[1:]  # the background is no garment
        if not self.labels:
            raise ValueError(f"labels: at least one label is wanted that makes the garment; there are: {known}")
        for name in (*self.labels, *self.others):
            if name not in known:
                raise ValueError(f"labels: no label of a garment is called '{name}'; {nearest(name, known)}")
        if min(self.width, self.downs) < 1 or self.blocks < 0:
            raise ValueError(f"width and downs must be 1 or more, blocks 0 or more; got {self}")


class GarmentFlow(Generator):
    """The garment of `source`, laid into the outline that the target's garment has; on white."""

    def __init__(self, config: GarmentConfig | None = None) -> None:
        super().__init__()
        self.config = config = config if config is not None else GarmentConfig()
        self.folded = config.stem == "half"
        self.needs = Needs(
            source=("image", "parsing"), target=("parsing",), multiple=(2 if self.folded else 1) * 2**config.downs
        )
        widths = [config.width * 2**level for level in range(config.downs + 1)]
        self.first = Block((4 if self.folded else 1) * 5, widths[0], widths[0])
        self.downs = nn.ModuleList(Block(a, b, b) for a, b in itertools.pairwise(widths))
        self.middle = nn.Sequential(*(Block(widths[-1], widths[-1], widths[-1]) for _ in range(config.blocks)))
        self.ups = nn.ModuleList(Block(a + b, a, a) for a, b in reversed(list(itertools.pairwise(widths))))
        self.last = nn.Conv2d(widths[0], 2, 3, padding=1)
        self.apply(initialise)
        nn.init.normal_(self.last.weight, 0, 1e-3)  # nearly at the start; at 0 the layers before would not learn

    def mask(self, person: Person, labels: Sequence[str] = ()) -> Tensor:
        """Where the garment is: (B, H, W) labels -> float (B, 1, H, W), 1 on it. ValueError without parsing.

        Args:
            labels: names of `LIP_LABELS` that make it, the neck counts as face; () takes those of the config.
        """
        if person.parsing is None:
            raise ValueError("the garment's mask needs parsing, which is missing")
        names = labels or self.config.labels
        numbers = torch.tensor([LIP_LABELS.index(name) for name in names], device=person.parsing.device)
        return torch.isin(fold_neck(person.parsing), numbers).float().unsqueeze(-3)

    def encode(self, source: Person, target: Person) -> tuple[Tensor, Tensor, Tensor]:
        """-> the garment on white (B, 3, H, W), its mask in the source, and in the target, both (B, 1, H, W)."""
        assert source.image is not None  # `check` has seen to it
        here, there = self.mask(source), self.mask(target)
        if self.training and self.config.others:
            second_here, second_there = (self.mask(person, self.config.others) for person in (source, target))
            shown = (second_here.amax((2, 3), keepdim=True) * second_there.amax((2, 3), keepdim=True)) > 0
            turn = torch.arange(len(here), device=here.device).view(-1, 1, 1, 1) % 2 == 1
            here = torch.where(shown & turn, second_here, here)
            there = torch.where(shown & turn, second_there, there)
        return on_white(source.image, here), here, there

    def synthesise(self, garment: Tensor, source_mask: Tensor, target_mask: Tensor) -> Output:  # type: ignore[override]
        """Garment on white (B, 3, H, W) in [-1, 1], masks (B, 1, H, W) -> the garment in its new outline.

        extra:
            flow (B, 2, H, W): x and y in the source, -1 to 1 from edge to edge.
            garment_mask (B, 1, H, W): the target's.
            inside (B, 1, H, W) in [0, 1]: whether the place in the source lies on the garment.
        """
        x = torch.cat([garment, source_mask, target_mask], dim=1)  # (B, 5, H, W)
        x = self.first(F.pixel_unshuffle(x, 2) if self.folded else x)  # (B, 32, H, W)
        skips = []
        for down in self.downs:
            skips.append(x)
            x = down(F.avg_pool2d(x, 2))  # (B, 512, H/16, W/16) at the end
        x = self.middle(x)
        for up in self.ups:
            x = up(x, skips.pop())  # (B, 32, H, W) at the end
        way = self.last(x).float()  # (B, 2, H, W)
        if self.folded:
            way = F.interpolate(way, scale_factor=2.0, mode="bilinear", align_corners=False)
        flow = self._start(source_mask, target_mask) + way
        return Output(
            on_white(warp(garment, flow), target_mask),
            {"flow": flow, "garment_mask": target_mask, "inside": warp(source_mask, flow)},
        )

    def _start(self, source_mask: Tensor, target_mask: Tensor) -> Tensor:
        """The flow that the network's ways are added to, (1 or B, 2, H, W)."""
        return at_rest(source_mask) if self.config.start == "identity" else aligned(source_mask, target_mask)


# -- flow -----------------------------------------------------------------------------------------------------------


def aligned(source_mask: Tensor, target_mask: Tensor) -> Tensor:
    """The flow that lays two masks on each other by centre and extent: (B, 1, H, W) twice -> (B, 2, H, W).

    At rest where one of them is empty.
    """
    place = at_rest(source_mask)  # (1, 2, H, W)
    (here, wide, there_is), (there, as_wide, is_wanted) = (_extent(mask, place) for mask in (source_mask, target_mask))
    return torch.where(there_is & is_wanted, here + (place - there) * (wide / as_wide), place)


def _extent(mask: Tensor, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and standard deviation of a mask's places, (B, 2, 1, 1), and whether it is not empty, (B, 1, 1, 1)."""
    count = mask.float().sum((2, 3), keepdim=True)  # (B, 1, 1, 1)
    share = mask.float() / count.clamp_min(1)
    mean = (place * share).sum((2, 3), keepdim=True)
    spread = ((place - mean).square() * share).sum((2, 3), keepdim=True).sqrt()
    return mean, spread.clamp_min(0.02), count > 0  # a line has no extent to divide by


def on_white(image: Tensor, mask: Tensor) -> Tensor:
    """(B, 3, H, W) where the mask (B, 1, H, W) is 1, white (1) where it is 0."""
    return image * mask + (1 - mask)
