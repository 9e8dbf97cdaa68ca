"""The cut of a garment: where it covers what the old one left bare, and leaves bare what the old one covered.

A short sleeve in place of a long one shows the arm; a long one in place of a short one covers it. Where the garment and
the skin of its person come to lie when they are posed like the source says which.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.apps.clothes.laying import Cloth, Fitting, posed
from repose.apps.garments import Garment, label_mask
from repose.person import JOINTS, Person

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

_BONES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    f"{side} {limb}": tuple((f"{side}_{one}", f"{side}_{other}") for one, other in itertools.pairwise(joints))
    for side in ("left", "right")
    for limb, joints in (("arm", ("shoulder", "elbow", "wrist")), ("leg", ("hip", "knee", "ankle")))
}
"""Limb -> its bones."""

_THICK: Final = 0.085
"""A limb with a sleeve reaches so far from its bones, a share of the person's size."""

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
    shown = (limb.mask[0] > 0.5) & ~covered & region & _near_bones(into, skin)
    bare = _smooth(shown, into.size) & region & ~covered
    gain = _mean(into.person, here) / _mean(owner, label_mask(owner.parsing, _SKIN)).clamp_min(1e-3)
    colours = ((limb.colours.clamp(-1, 1) + 1) / 2) ** 2.2 * gain.clamp(0.1, 8).view(3, 1, 1)
    return Outline(whole, bare, colours.clamp(0, 1) ** (1 / 2.2) * 2 - 1)


def _near_bones(into: Fitting, limbs: Iterable[str]) -> Tensor:
    """Where the limbs of the source are, by their joints, bool (k H, k W)."""
    assert into.target.keypoints is not None
    joints = into.target.keypoints
    height, width = into.image.shape[-2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    near = torch.zeros(height, width, dtype=torch.bool)
    for limb in limbs:
        for names in _BONES[limb]:
            one, other = (joints[JOINTS.index(name)] for name in names)
            if min(float(one[2]), float(other[2])) <= 0:
                continue
            (x, y), (u, v) = (((end[:2] + 0.5) * into.times - 0.5).tolist() for end in (one, other))
            length = max((u - x) ** 2 + (v - y) ** 2, 1e-3)
            along = (((columns - x) * (u - x) + (rows - y) * (v - y)) / length).clamp(0, 1)
            far = ((columns - x - along * (u - x)) ** 2 + (rows - y - along * (v - y)) ** 2).sqrt()
            near |= far <= _THICK * into.size
    return near


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
