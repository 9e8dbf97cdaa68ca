"""The cut of a garment: where it covers what the old one left bare, and leaves bare what the old one covered.

A short sleeve in place of a long one shows the arm; a long one in place of a short one covers it. Where the garment and
the skin of its person come to lie when they are posed like the source says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.apps.clothes.laying import Cloth, Fitting, posed
from repose.apps.garments import Garment, label_mask
from repose.person import Person

Cut = Literal["own", "garment"]
CUTS: Final[tuple[Cut, ...]] = ("own", "garment")
"""Whose outline the new garment has: that of the source's own, or its own."""

_ARMS: Final = ("left arm", "right arm")
_LEGS: Final = ("left leg", "right leg", "socks")
LIMBS: Final[Mapping[str, tuple[str, ...]]] = {
    "upper clothes": _ARMS, "coat": _ARMS, "jumpsuits": (*_ARMS, *_LEGS), "dress": (*_ARMS, *_LEGS), "pants": _LEGS,
    "skirt": _LEGS,
}  # fmt: skip
"""Label of a garment -> the limbs that it covers or leaves bare."""

_SKIN: Final = ("face", *_ARMS, "left leg", "right leg")

_FEWEST: Final = 30
"""Pixels of skin from which its colour is known."""


@dataclass(frozen=True)
class Outline:
    """Where a garment goes, in the crop of the source's photograph.

    Attributes:
        region: bool (k H, k W), where the picture changes. bare: bool, the part of it that shows skin instead.
        skin: (3, k H, k W), what is seen there.
    """

    region: Tensor
    bare: Tensor
    skin: Tensor

    def over(self, cloth: Tensor) -> Tensor:
        """Cloth (3, k H, k W) with the skin where it is bare."""
        if not bool(self.bare.any()):
            return cloth
        soft = F.avg_pool2d(self.bare[None, None].float(), 3, 1, 1, count_include_pad=False)[0]
        return cloth * (1 - soft) + self.skin * soft

    @property
    def cloth(self) -> Tensor:
        """Where the garment is to be seen, bool (k H, k W)."""
        return self.region & ~self.bare


def own_outline(region: Tensor) -> Outline:
    """The outline of the source's own garment."""
    return Outline(region, torch.zeros_like(region), torch.zeros(3, *region.shape))


def garment_cut(into: Fitting, owner: Person, piece: Garment, worn: Cloth, region: Tensor) -> Outline:
    """The outline that the garment has by its own cut, as far as its photograph tells.

    Args:
        into: the source. owner: the garment's person, on their whole photograph. piece: what is exchanged.
        worn: the garment in the source's pose. region: bool (k H, k W), the outline of the source's garment.
    """
    limbs = tuple(dict.fromkeys(limb for label in piece.labels for limb in LIMBS.get(label, ())))
    assert into.person.parsing is not None
    assert owner.parsing is not None
    if not limbs:
        return own_outline(region)
    covered = _smooth(worn.mask[0] > 0.5, into.size)
    more = covered & into.region(label_mask(into.person.parsing, limbs))
    whole = _smooth(region | more, into.size) & (region | more)
    skin = [label for label in limbs if label != "socks"]
    there, here = label_mask(owner.parsing, skin), label_mask(into.person.parsing, _SKIN)
    if int(there.sum()) < _FEWEST or int(here.sum()) < _FEWEST:
        return Outline(whole, torch.zeros_like(region), torch.zeros_like(worn.colours))
    limb = posed(into, owner, there)
    bare = _smooth((limb.mask[0] > 0.5) & ~covered & region, into.size) & region & ~covered
    gain = _mean(into.person, here) / _mean(owner, label_mask(owner.parsing, _SKIN)).clamp_min(1e-3)
    colours = ((limb.colours.clamp(-1, 1) + 1) / 2) ** 2.2 * gain.clamp(0.1, 8).view(3, 1, 1)
    return Outline(whole, bare, colours.clamp(0, 1) ** (1 / 2.2) * 2 - 1)


def _mean(person: Person, mask: Tensor) -> Tensor:
    """The mean colour of a mask (H, W) in linear light, (3,)."""
    assert person.image is not None
    return (((person.image[:, mask].clamp(-1, 1) + 1) / 2) ** 2.2).mean(1)


def _smooth(mask: Tensor, size: float) -> Tensor:
    """A mask (H, W) without specks and notches that are smaller than a fiftieth of the person."""
    radius = max(1, round(0.01 * size))
    soft = mask[None, None].float()
    for _ in range(2):
        soft = F.avg_pool2d(soft, 2 * radius + 1, 1, radius, count_include_pad=False)
    return soft[0, 0] > 0.5


__all__ = ["CUTS", "LIMBS", "Cut", "Outline", "garment_cut", "own_outline"]
