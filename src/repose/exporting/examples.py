"""Drawn people that exported networks are checked on: a figure of limbs in clothes, before a background of noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.estimate import estimator
from repose.person import LIP_LABELS, Person
from repose.represent.keypoints import heatmaps, limb_maps

_STANDING: Final = (
    (0.50, 0.12), (0.50, 0.22), (0.40, 0.22), (0.35, 0.36), (0.33, 0.49), (0.60, 0.22), (0.65, 0.36), (0.67, 0.49),
    (0.44, 0.50), (0.43, 0.70), (0.42, 0.90), (0.56, 0.50), (0.57, 0.70), (0.58, 0.90),
    (0.48, 0.10), (0.52, 0.10), (0.46, 0.11), (0.54, 0.11),
)  # fmt: skip
"""x and y of the 18 joints of a standing figure, shares of the height, x from the middle at 0.5."""

_CHAINS: Final = ((2, 3, 4), (5, 6, 7), (8, 9, 10), (11, 12, 13))
"""Arms and legs: the joint that they turn about, then what turns with it."""

_DRAWN: Final = (
    ("pants", ((8, 9), (11, 12), (8, 11)), 0.045),
    ("left leg", ((12, 13),), 0.032),
    ("right leg", ((9, 10),), 0.032),
    ("upper clothes", ((1, 8), (1, 11), (2, 8), (5, 11), (2, 5), (2, 3), (5, 6)), 0.05),
    ("left arm", ((6, 7),), 0.026),
    ("right arm", ((3, 4),), 0.026),
)
"""Labels of LIP, the limbs that show them, half their width as a share of the height; later ones hide earlier ones."""


def drawn_people(count: int, height: int, width: int, seed: int, fields: Sequence[str] = ()) -> tuple[Person, Person]:
    """Pairs of pictures of one person each in two poses: batches of `count`, on a canvas of that size.

    Args:
        seed: of poses, colours and backgrounds.
        fields: of the people; "iuv" takes a moment more, and is that of the body that is fitted to the joints.
    """
    random = torch.Generator().manual_seed(seed)
    pairs = [_pair(height, width, random, fields) for _ in range(count)]
    source, target = (Person.stack([pair[side] for pair in pairs]) for side in (0, 1))
    return source, target


# -- inside ---------------------------------------------------------------------------------------------------------


def _pair(height: int, width: int, random: torch.Generator, fields: Sequence[str]) -> tuple[Person, Person]:
    colours = {name: torch.rand(3, generator=random) * 1.6 - 0.8 for name, _, _ in _DRAWN}
    skin = torch.tensor([0.6, 0.3, 0.15]) + 0.3 * (torch.rand(3, generator=random) - 0.5)
    colours |= dict.fromkeys(("left arm", "right arm", "left leg", "right leg", "face"), skin)
    colours["hair"] = torch.rand(3, generator=random) * 0.8 - 0.9
    behind = _noise(height, width, random)
    source, target = (_person(height, width, _pose(height, width, random), colours, behind, random) for _ in range(2))
    if "iuv" in fields:
        body = estimator("body", field="iuv")
        blank = torch.zeros(height, width, 3, dtype=torch.uint8).numpy()
        both = [
            Person(one.image, one.keypoints, one.parsing, body.iuv(blank, one.keypoints), one.mask)
            for one in (source, target)
            if one.keypoints is not None
        ]
        source, target = both
    return source, target


def _pose(height: int, width: int, random: torch.Generator) -> Tensor:
    """Joints (18, 3): the standing figure with its limbs turned."""
    points = torch.tensor(_STANDING)
    for chain, most in zip(_CHAINS, (1.6, 1.6, 0.5, 0.5), strict=True):
        for place in range(2):
            angle = float(torch.rand((), generator=random) - 0.5) * most
            turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
            moved = list(chain[place + 1 :])
            points[moved] = (points[moved] - points[chain[place]]) @ turn.T + points[chain[place]]
    size = 0.9 + 0.1 * float(torch.rand((), generator=random))
    points = (points - 0.5) * size * height
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    shift = (torch.rand(2, generator=random) - 0.5) * torch.tensor([0.1 * width, 0.02 * height])
    return torch.cat([points + middle + shift, torch.ones(18, 1)], 1)


def _person(
    height: int, width: int, joints: Tensor, colours: dict[str, Tensor], behind: Tensor, random: torch.Generator
) -> Person:
    image, parsing = behind.clone(), torch.zeros(height, width, dtype=torch.int64)
    cloth = 0.25 * _noise(height, width, random)
    layers = [(name, limb_maps(joints, height, width, wide * height, limbs).amax(0)) for name, limbs, wide in _DRAWN]
    head = joints[:1].clone()
    for name, rise, radius in (("hair", -0.02, 0.07), ("face", 0.01, 0.055)):
        place = torch.zeros(18, 3)
        place[0] = head[0] + torch.tensor([0.0, rise * height, 0.0])
        layers.append((name, heatmaps(place, height, width, "disc", radius=radius * height)[0]))
    for name, mask in layers:
        shown = mask > 0
        image = torch.where(shown, (colours[name][:, None, None] + cloth).clamp(-1, 1), image)
        parsing[shown] = LIP_LABELS.index(name)
    return Person(image, joints, parsing, mask=(parsing > 0).float()[None])


def _noise(height: int, width: int, random: torch.Generator) -> Tensor:
    """Smooth colours (3, H, W) in -1 to 1, coarse and fine."""
    image = torch.zeros(3, height, width)
    for cells, weight in ((3, 0.5), (12, 0.25), (48, 0.1)):
        rough = torch.rand(1, 3, cells, max(1, cells * width // height), generator=random) * 2 - 1
        image += weight * F.interpolate(rough, (height, width), mode="bicubic", align_corners=False)[0]
    return image.clamp(-1, 1)
