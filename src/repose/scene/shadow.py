"""The shadow that a figure casts on the ground around its feet."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.nn.blocks import widest
from repose.represent.retarget import person_size
from repose.scene.fill import spread

_ROWS: Final = 160  # of the reduced picture of the ground, at most
_WIDE, _HIGH, _BELOW = 0.6, 0.16, 0.05  # of the ground that is looked at, in units of trunk + thigh + shin
_DARKER: Final = 0.87
"""Ground in a shadow has at most this share of the light of the ground around."""

_COLOUR: Final = 0.035
"""The shares of red, green and blue differ by no more from those of the ground around."""


def add_shadow(photograph: Tensor, hidden: Tensor, keypoints: Tensor) -> None:
    """`shadow`, added to `hidden` (1, H, W), which is changed: nothing of the size of the photograph is made."""
    found = _seen(photograph, hidden, keypoints)
    if found is not None:
        (y, x), dark = found
        hidden[:, y, x] = torch.maximum(hidden[:, y, x], dark)


def shadow(photograph: Tensor, hidden: Tensor, keypoints: Tensor) -> Tensor:
    """Where the ground is darker at somebody's feet, of the colour of the ground around: (1, H, W) in [0, 1].

    Only what touches the figure counts. Without a located ankle nothing is.

    Args:
        photograph: (3, H, W) in [-1, 1], or its levels. hidden: (1, H, W), above 0 where the figure is. keypoints:
            (18, 3).
    """
    whole, found = torch.zeros_like(hidden), _seen(photograph, hidden, keypoints)
    if found is not None:
        (y, x), dark = found
        whole[:, y, x] = dark
    return whole


# -- inside ---------------------------------------------------------------------------------------------------------


def _seen(photograph: Tensor, hidden: Tensor, keypoints: Tensor) -> tuple[tuple[slice, slice], Tensor] | None:
    """Rows and columns around the feet, and the shadow there (1, rows, columns); None where there is none."""
    ankles = keypoints[[10, 13]][keypoints[[10, 13], 2] > 0, :2].float()
    if not len(ankles):
        return None
    height, width = photograph.shape[-2:]
    size = float(person_size(keypoints))
    middle, apart = ankles.mean(0), float((ankles[:, 0].max() - ankles[:, 0].min()) / 2)
    x, y = float(middle[0]), float(ankles[:, 1].max()) + _BELOW * size
    wide, high = apart + _WIDE * size, _HIGH * size
    top, bottom = max(0, round(y - 2.2 * high)), min(height, round(y + 2.2 * high) + 1)
    left, right = max(0, round(x - 1.6 * wide)), min(width, round(x + 1.6 * wide) + 1)
    if bottom - top < 4 or right - left < 4:
        return None
    part = photograph[:, top:bottom, left:right]
    figure = (hidden[:, top:bottom, left:right] > 0).float()
    share = min(1.0, _ROWS / max(part.shape[-2:]))
    small = [max(2, round(share * side)) for side in part.shape[-2:]]
    planes = (one / 127.5 - 1 if one.dtype == torch.uint8 else one for one in part)  # one at a time, for memory
    light = (torch.cat([F.interpolate(one[None, None], small, mode="area")[0] for one in planes]) + 1) / 2
    figure = F.interpolate(figure[None], small, mode="area")[0]
    rows = torch.linspace(top, bottom - 1, small[0])[:, None]
    columns = torch.linspace(left, right - 1, small[1])[None]
    away = ((columns - x) / wide).square() + ((rows - y) / high).square()
    ground = spread(light, ((away > 1)[None] & (figure == 0)).float())  # what it would be in the light
    level, usual = light.mean(0, True), ground.mean(0, True)
    tint = (
        (light / light.sum(0, True).clamp_min(1e-3) - ground / ground.sum(0, True).clamp_min(1e-3)).abs().amax(0, True)
    )
    level = F.avg_pool2d(level[None], 3, 1, 1, count_include_pad=False)[0]
    dark = (level < _DARKER * usual) & (tint < _COLOUR) & (figure < 0.5) & (away < 1)[None]
    dark = widest(1 - widest(1 - dark[None].float(), 2), 2)[0] > 0.5  # no lines of boards, no single blades of grass
    seen = _touching(dark, figure > 0)
    if not bool(seen.any()):
        return None
    soft = widest(seen[None].float(), 1)
    dark = F.interpolate(soft, part.shape[-2:], mode="bilinear", align_corners=False)[0]
    return (slice(top, bottom), slice(left, right)), dark


def _touching(dark: Tensor, figure: Tensor) -> Tensor:
    """The parts of `dark` (1, h, w) that are connected with the figure (1, h, w)."""
    reached, there = figure, dark | figure
    for _ in range(sum(dark.shape)):
        grown = (widest(reached[None].float(), 1)[0] > 0) & there
        if torch.equal(grown, reached):
            break
        reached = grown
    return reached & dark


__all__ = ["add_shadow", "shadow"]
