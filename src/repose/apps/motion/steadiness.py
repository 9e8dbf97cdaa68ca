"""How steady a clip is: `jitter` of its joints, `flicker` of its pictures.

Flicker is the warping error of Lai et al. 2018 ("Learning blind video temporal consistency", section 4.1), with two
changes: differences are absolute instead of squared, in grey levels, and the flow is that of the joints instead of an
estimated one, so that it is the motion that was wanted, not the one that the pictures show.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.apps.motion.smoothing import trunk_length
from repose.represent.figure import figure_mask
from repose.represent.flow import warp
from repose.represent.keypoints import BONES
from repose.represent.retarget import person_size

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

_REACH: Final = 0.09
"""Sigma of the Gaussian around a bone within which pixels move with it, a share of trunk + thigh + shin."""


def jitter(joints: Floats) -> float:
    """The mean second difference of the joints in time, a share of the trunk's length: 0 for even motion.

    Args:
        joints: (N, 18, 2), NaN where a joint is missing; three frames on which it is located count.
    """
    second = np.linalg.norm(np.diff(joints, 2, axis=0), axis=2)
    return float(np.nanmean(second)) / trunk_length(joints)


def flicker(pictures: Iterable[Pixels], joints: Tensor) -> float:
    """The mean difference, in grey levels, of each picture from the one before it moved along the joints.

    Over the pixels of the figure and around it, by the joints. 0 where the figure moves as the joints do and its
    colours stay.

    Args:
        pictures: uint8 (H, W, 3) of N frames. joints: (N, 18, 3) of the motion that was wanted, in these pixels.
    """
    before: Tensor | None = None
    total, count = 0.0, 0.0
    for number, picture in enumerate(pictures):
        now = torch.from_numpy(picture[..., :3].astype(np.float32)).movedim(-1, 0)
        if before is not None:
            height, width = now.shape[-2:]
            flow = flow_of_joints(joints[number], joints[number - 1], height, width)
            moved = warp(before[None], flow[None])[0]
            shown = figure_mask(joints[number], height, width, loose=1.2)
            total += float(((moved - now).abs().mean(0) * shown[0]).sum())
            count += float(shown.sum())
        before = now
    return total / max(count, 1e-9)


def flow_of_joints(now: Tensor, before: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel of a frame was on the frame before, by the joints: (2, H, W), x and y, -1 to 1 edge to edge.

    A pixel near a bone moves with it, by the similarity that takes the bone's two ends to where they were; between
    bones by their Gaussian weights; far from all of them it stands still.

    Args:
        now, before: keypoints (18, 3).
    """
    y = torch.arange(height, dtype=torch.float32)[:, None].expand(height, width)
    x = torch.arange(width, dtype=torch.float32)[None].expand(height, width)
    sigma = _REACH * float(person_size(now))
    weights, shift_x, shift_y = torch.full_like(x, 1e-3), torch.zeros_like(x), torch.zeros_like(x)
    for first, second in BONES:
        if not bool((now[[first, second], 2] > 0).all() and (before[[first, second], 2] > 0).all()):
            continue
        a, b, c, d = (complex(*points[joint, :2].tolist()) for points in (now, before) for joint in (first, second))
        turn = (d - c) / (b - a) if abs(b - a) > 1 else 1 + 0j
        turn = turn / max(1.0, abs(turn) / 1.5)
        ax, ay, dx, dy = a.real, a.imag, (b - a).real, (b - a).imag
        along = (((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-6)).clamp(0, 1)
        away = (x - ax - along * dx).square() + (y - ay - along * dy).square()
        near = torch.exp(-away / (2 * sigma * sigma))
        weights += near
        shift_x += near * (c.real + turn.real * (x - ax) - turn.imag * (y - ay) - x)
        shift_y += near * (c.imag + turn.imag * (x - ax) + turn.real * (y - ay) - y)
    place_x, place_y = x + shift_x / weights, y + shift_y / weights
    return torch.stack([(2 * place_x + 1) / width - 1, (2 * place_y + 1) / height - 1])
