"""Where a figure is in a picture, by its joints, by a mask, or by its colours."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.nn.blocks import widest
from repose.person import Person
from repose.represent.figure import LEAST_COVERED, box_of, figure_mask, limbs_covered
from repose.represent.retarget import person_size
from repose.scene.fill import spread

_SIDE: Final = 250
"""Trunk + thigh + shin of a person on the grid where their outline is told by colours, pixels; at most twice that."""

_GAP: Final = 0.05
"""Half the width of a gap in a mask that is filled, in units of trunk + thigh + shin."""

_FAINT: Final = 0.15
"""What a mask shows by less is not the person."""


def known_mask(person: Person) -> Tensor | None:
    """The person's mask with what it misses of their bones, (1, H, W) in [0, 1], of its type; None if it is not theirs.

    A mask that covers less than 30 % of the middles of the limbs is empty, or another person's.

    Args:
        person: unbatched, with keypoints, and with a mask or without.
    """
    if person.mask is None:
        return None
    assert person.keypoints is not None
    height, width = (int(side) for side in person.mask.shape[-2:])
    if limbs_covered(person.mask, person.keypoints) < LEAST_COVERED:
        return None
    y, x = within = box_of(person.keypoints, height, width, 0.6)
    mask = person.mask.clone()
    figure = figure_mask(person.keypoints, height, width, 0.6, within).to(mask)
    mask[:, y, x] = torch.maximum(mask[:, y, x], figure)
    return mask


def old_figure(photograph: Tensor, keypoints: Tensor, mask: Tensor | None) -> Tensor:
    """What hides the background, generously: (1, H, W) in [0, 1].

    With a mask, what it covers, what it encloses (such as a ball before a leg) and a seam around, for shoes and hair
    have soft borders. Without one, around the bones, and further where colours are the figure's: skirts, bags and the
    tips of shoes lie off the bones; their colours occur on the figure, and seldom around it.

    Args:
        photograph: (3, H, W) in [-1, 1], or a part of it. keypoints: (18, 3) in its pixels; may lie outside.
        mask: (1, H, W), of `known_mask`; None: there is none.
    """
    if mask is not None:
        shown = (mask - _FAINT).div_(0.5 - _FAINT).clamp_(0, 1)
        return wider(_closed(shown, float(person_size(keypoints))), seam(keypoints))
    _, height, width = photograph.shape
    times = max(1, int(person_size(keypoints)) // _SIDE)
    if times > 1:  # a generous outline needs no fine grid
        small = F.interpolate(photograph[None], (-(-height // times), -(-width // times)), mode="area")[0]
        scale = torch.tensor([small.shape[2] / width, small.shape[1] / height])
        points = keypoints.clone()
        points[:, :2] = ((keypoints[:, :2] + 0.5) * scale - 0.5) * (keypoints[:, 2:] > 0)
        hole = old_figure(small, points, None)
        return F.interpolate(hole[None], (height, width), mode="bilinear", align_corners=False)[0]
    hole = figure_mask(keypoints, height, width, loose=1.3)
    near = figure_mask(keypoints, height, width, loose=2.2) > 0
    if not bool(near.all()):
        size = float(person_size(keypoints))
        core = figure_mask(keypoints, height, width, loose=0.8) > 0.5
        further = near & (_likely(photograph, core[0], ~near[0], size) > 0.75)
        hole = torch.maximum(hole, wider(further.float(), 1 + round(0.01 * size)))
    return hole


def new_figure(picture: Tensor, keypoints: Tensor, height: int, width: int) -> Tensor:
    """Where a generated picture shows its figure, (1, height, width): near its bones, and unlike what is behind it.

    Weak models paint a plain background, and a mask of bones alone would carry a rim of it into the photograph.

    Args:
        picture: (3, k height, k width) in [-1, 1]. keypoints: (18, 3), the figure's joints at (height, width).
    """
    small = F.interpolate(picture[None], (height, width), mode="area")[0]
    sure, perhaps = (figure_mask(keypoints, height, width, loose) for loose in (0.6, 1.2))
    behind = spread(small, (figure_mask(keypoints, height, width, 1.4) == 0).float())
    unlike = ((small - behind).abs().amax(0, keepdim=True) - 0.1) / 0.2
    unlike = F.avg_pool2d(unlike.clamp(0, 1)[None], 3, 1, 1, count_include_pad=False)[0]
    return torch.maximum(sure, perhaps * unlike)


def seam(keypoints: Tensor) -> int:
    """How far the soft border of a figure reaches, pixels."""
    return max(1, round(0.015 * float(person_size(keypoints))))


def wider(mask: Tensor, by: int) -> Tensor:
    """(1, H, W) grown by so many pixels, or a quarter more where they are many, with a soft border of one more."""
    times = by // 8
    if times > 1:  # far wider: on cells of so many pixels, a little more generously
        _, height, width = mask.shape
        small = wider(F.max_pool2d(mask[None], times, ceil_mode=True)[0], -(-by // times))
        large = F.interpolate(small[None], scale_factor=float(times), mode="bilinear", align_corners=False)
        return large[0, :, :height, :width]
    grown = F.max_pool2d(mask[None], (2 * by + 1, 1), 1, (by, 0))
    grown = F.max_pool2d(grown, (1, 2 * by + 1), 1, (0, by))
    return F.avg_pool2d(grown, 3, 1, 1, count_include_pad=False)[0]


# -- inside ---------------------------------------------------------------------------------------------------------


def _closed(mask: Tensor, size: float) -> Tensor:
    """The mask (1, H, W) itself, changed: gaps that are narrower than a tenth of the person are filled."""
    height, width = mask.shape[-2:]
    times = max(1, round(size / 100))
    reach = max(1, round(_GAP * size / times))
    small = F.max_pool2d(mask[None], times, ceil_mode=True)
    small = F.pad(small, (reach,) * 4)  # beyond the picture is no person
    closed = -widest(-widest(small, reach), reach)
    closed = F.interpolate(closed[..., reach:-reach, reach:-reach], scale_factor=float(times), mode="nearest")
    return torch.maximum(mask, closed[0, :, :height, :width], out=mask)


def _likely(photograph: Tensor, on: Tensor, off: Tensor, size: float) -> Tensor:
    """How likely a pixel is the figure's by its colour, (1, H, W).

    Args:
        photograph: (3, H, W). on, off: (H, W), the pixels that surely show the figure, and those that surely do not.
        size: of the person, pixels.
    """
    levels = ((photograph + 1) * 5.999).long().clamp(0, 11)  # (3, H, W)
    colour = (levels[0] * 12 + levels[1]) * 12 + levels[2]
    counts = [torch.bincount(colour[part], minlength=12**3).float() for part in (on, off)]
    figure, around = (count / count.sum().clamp_min(1) for count in counts)
    likely = (figure / (figure + around).clamp_min(1e-9))[colour][None]
    soft = round(0.01 * size)
    return F.avg_pool2d(likely[None], 2 * soft + 1, 1, soft, count_include_pad=False)[0]


__all__ = ["known_mask", "new_figure", "old_figure", "seam", "wider"]
