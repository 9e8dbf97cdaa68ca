"""Joints with the errors of an estimator: off, missing, exchanged, or invented at the lower border."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from repose.data.augment_config import AugmentConfig
from repose.data.draws import Draws
from repose.person import JOINTS, MIRROR

OUTLIER: Final = 0.08
"""Standard deviation in x and y of a joint that is badly off, a share of the person's height."""


def _numbers(*names: str) -> list[int]:
    """Of the joints with these words in their names."""
    return [number for number, name in enumerate(JOINTS) if any(word in name for word in names)]


def _weights(**weights: float) -> Tensor:
    """(18,) 1, or the weight of the word that is in a joint's name."""
    return torch.tensor([next((weight for word, weight in weights.items() if word in name), 1.0) for name in JOINTS])


def _permutations() -> Tensor:
    """(6, 18): wrists exchanged, elbows and wrists, whole arms; ankles, knees and ankles, whole legs."""
    table = torch.arange(len(JOINTS)).repeat(6, 1)
    for limb, words in enumerate((("wrist", "elbow", "shoulder"), ("ankle", "knee", "hip"))):
        for length in range(3):
            moved = _numbers(*words[: length + 1])
            table[3 * limb + length, moved] = torch.tensor(MIRROR)[moved]
    return table


ANKLES: Final = _numbers("ankle")
_ARMS: Final = _numbers("elbow", "wrist")
_NECK: Final = JOINTS.index("neck")
_FACE, _EARS = _numbers("nose", "eye"), _numbers("ear")
_LIMBS: Final = [[_numbers(f"{side}_{end}")[0] for end in ends]
                 for side in ("right", "left") for ends in (("elbow", "wrist"), ("knee", "ankle"))]  # fmt: skip
_PERMUTATIONS: Final = _permutations()
_ERRORS: Final = _weights(hip=1.6, nose=0.6, eye=0.6, ear=0.6)
_DROPS: Final = _weights(wrist=2, ankle=2, nose=2, eye=2, ear=2, neck=0.5, shoulder=0.5, hip=0.5)
_BEFORE: Final = tuple(
    (JOINTS.index(f"{side}_{joint}"), JOINTS.index(f"{side}_{before}"))
    for joint, before in (
        ("elbow", "shoulder"), ("wrist", "elbow"), ("hip", "shoulder"), ("knee", "hip"), ("ankle", "knee"),
    )
    for side in ("right", "left")
)  # fmt: skip
"""A joint and the one before it on its limb, in this order."""


def estimated(keypoints: Tensor, size: tuple[int, int], config: AugmentConfig, draws: Draws) -> Tensor:
    """Joints (2B, 18, 3), sources first, with the errors of an estimator."""
    count = len(JOINTS)
    k = keypoints.reshape(2, -1, count, 3).transpose(0, 1)  # (B, 2, 18, 3)
    located = k[..., 2:] > 0
    xy = k[..., :2]
    extent = xy.where(located, -math.inf).amax(2) - xy.where(located, math.inf).amin(2)  # (B, 2, 2)
    tall = extent.amax(-1).clamp_min(0)[..., None]  # (B, 2, 1) the longer side of the joints' box; 0 without joints

    spread = (config.jitter * _ERRORS * tall)[..., None]  # (B, 2, 18, 1)
    error = spread * draws.normal(2, count, 2)
    far = OUTLIER * tall[..., None] * draws.normal(2, count, 2)
    error = error + far * (draws.uniform(2, count) < config.outlier)[..., None]
    k = inside(torch.cat([xy + error, k[..., 2:]], -1), size)

    k = _with_ghosts(k, tall[..., 0], size, config.ghost, draws)

    exchanged, which = draws.uniform(2) < config.swap, (draws.uniform(2) * len(_PERMUTATIONS)).long()
    order = torch.where(exchanged[..., None], _PERMUTATIONS[which], torch.arange(count))  # (B, 2, 18)
    k = k.gather(2, order[..., None].expand_as(k))

    chance = config.drop * _DROPS * torch.where(k[..., 2] < 1, 3.0, 1.0)
    gone = draws.uniform(2, count) < chance  # (B, 2, 18)
    lost, limb = draws.uniform(2) < config.drop_limb, (draws.uniform(2) * len(_LIMBS)).long()
    for number, joints in enumerate(_LIMBS):
        gone[..., joints] |= (lost & (limb == number))[..., None]
    behind, ears = draws.uniform(2) < config.drop_face, draws.uniform(2) < 0.5
    gone[..., _FACE] |= behind[..., None]
    gone[..., _EARS] |= (behind & ears)[..., None]
    return torch.where(gone[..., None], 0.0, k).transpose(0, 1).flatten(0, 1)


def _with_ghosts(k: Tensor, tall: Tensor, size: tuple[int, int], share: float, draws: Draws) -> Tensor:
    """Missing joints (B, 2, 18, 3) at the lower border, 1 to 3 % above it, under the joint before them."""
    height, width = size
    coin, above, aside = draws.uniform(2, len(JOINTS)), draws.uniform(2, len(JOINTS)), draws.normal(2, len(JOINTS))
    if not share:
        return k
    k = k.clone()
    for joint, before in _BEFORE:
        arm, hip = joint in _ARMS, "hip" in JOINTS[joint]
        near = (k[..., before, 2] > 0) & (k[..., before, 1] > height * (0.65 if arm else 0.5))  # not beside the picture
        seen = (k[..., joint, 2] == 0) & near & (coin[..., joint] < share * (2 if hip else 1))
        x = k[..., before, 0]
        if hip:  # halfway between the shoulder and the neck
            x = torch.where(k[..., _NECK, 2] > 0, (x + k[..., _NECK, 0]) / 2, x)
        x = (x + 0.05 * tall * aside[..., joint]).clamp(0, width - 1)
        y = (height - 1) - (0.01 + 0.02 * above[..., joint]) * height
        ghost = torch.stack([x, y, torch.ones_like(x)], -1)
        k[..., joint, :] = torch.where(seen[..., None], ghost, k[..., joint, :])
    return k


def inside(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """What is missing, or lies on no pixel of (H, W), is (0, 0, 0)."""
    x, y, visible = keypoints.unbind(-1)
    stays = (visible > 0) & (x >= -0.5) & (x < size[1] - 0.5) & (y >= -0.5) & (y < size[0] - 0.5)
    return torch.where(stays[..., None], keypoints, 0.0)
