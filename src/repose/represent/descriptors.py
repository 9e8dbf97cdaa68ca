"""Local descriptors: small windows at the joints and along the bones of a person.

HPN's section 3.2 compares windows of an eighth of the picture around the joints and around points between them. The
text counts 18, 31 and 44 of them, and 31 and 44 are 18 + 13 and 18 + 2 x 13: one point, and two, on each of the
thirteen bones that the 18 joints have below the face. Which bones are meant the text does not say.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from repose.person import JOINTS, LIMBS

DESCRIPTOR_BONES: Final = LIMBS[:13]
"""Neck to shoulders, arms, neck to hips, legs, neck to nose: pairs of joints on which further points lie."""

SHARE: Final = 1 / 8
"""Side of a window, of the height of the picture (3.2)."""


def descriptors(keypoints: Tensor, height: int, width: int, count: int) -> tuple[Tensor, Tensor]:
    """The centres of `count` windows: the 18 joints, then points evenly on the bones.

    Args:
        keypoints: (B, 18, 3).
        height, width: of the picture that the keypoints are on, pixels.
        count: 18 + 13 k: k points on each of `DESCRIPTOR_BONES` divide it into k + 1 equal parts; all bones' first
            points come before their second ones.

    Returns:
        centres float32 (B, count, 2), x and y in pixel index units; present bool (B, count): the joint is located, or
        both ends of the bone are, and the point lies on the picture. Ignore the centre of an absent one.

    Raises:
        ValueError: no batch of keypoints, or another count.
    """
    joints, bones = len(JOINTS), len(DESCRIPTOR_BONES)
    between, rest = divmod(count - joints, bones)
    if count < joints or rest:
        raise ValueError(f"descriptors: count must be {joints} + {bones} k (18, 31, 44 ...), got {count}")
    if keypoints.ndim != 3 or keypoints.shape[1:] != (joints, 3):
        raise ValueError(f"descriptors: keypoints (B, 18, 3), got {tuple(keypoints.shape)}")
    points, located = keypoints[..., :2].float(), keypoints[..., 2] > 0
    first, second = ([bone[end] for bone in DESCRIPTOR_BONES] for end in (0, 1))
    centres, present = [points], [located]
    for k in range(1, between + 1):
        centres.append(torch.lerp(points[:, first], points[:, second], k / (between + 1)))
        present.append(located[:, first] & located[:, second])
    middles, there = torch.cat(centres, 1), torch.cat(present, 1)  # (B, N, 2), (B, N)
    x, y = middles.unbind(-1)
    there = there & (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    return middles, there


def window(height: int, width: int) -> int:
    """The side of a descriptor's window on a picture, pixels: an eighth of its height, at most its shorter side."""
    return max(1, min(round(height * SHARE), height, width))


def corners(centres: Tensor, height: int, width: int, side: int) -> Tensor:
    """The first column and row of each window, int64 (..., 2); at the border a window is moved onto the picture.

    Args:
        centres: (..., 2), x and y. height, width: of the picture. side: of the windows, at most either.
    """
    if not 1 <= side <= min(height, width):
        raise ValueError(f"a window of {side} pixels does not lie on a picture of {height}x{width}")
    corner = torch.floor(centres - (side - 1) / 2 + 0.5).long()
    return torch.stack([corner[..., 0].clamp(0, width - side), corner[..., 1].clamp(0, height - side)], -1)


def crops(image: Tensor, centres: Tensor, side: int) -> Tensor:
    """The windows around the centres, whole pixels, nothing resampled; gradients flow to the picture.

    Args:
        image: (B, C, H, W). centres: (B, N, 2), x and y in its pixels. side: of the windows, pixels.

    Returns:
        (B, N, C, side, side).

    Raises:
        ValueError: the batches differ, or the window is larger than the picture.
    """
    if centres.ndim != 3 or image.ndim != 4 or len(centres) != len(image):
        raise ValueError(f"crops: (B, C, H, W) and (B, N, 2), got {tuple(image.shape)} and {tuple(centres.shape)}")
    height, width = image.shape[-2:]
    corner = corners(centres, height, width, side)
    steps = torch.arange(side, device=image.device)
    columns, rows = corner[..., 0, None] + steps, corner[..., 1, None] + steps  # (B, N, side)
    which = torch.arange(len(image), device=image.device)[:, None, None, None]
    windows = image.movedim(1, -1)[which, rows[..., :, None], columns[..., None, :]]  # (B, N, side, side, C)
    return windows.movedim(-1, 2)
