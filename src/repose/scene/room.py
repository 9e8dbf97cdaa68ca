"""What of a new figure lies beyond the photograph, and a larger photograph that holds it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.images import MAX_PIXELS
from repose.person import JOINTS, Person
from repose.represent.figure import figure_mask, reach, size_of
from repose.scene.fill import fill

Sides = tuple[int, int, int, int]
"""Pixels to the left, above, to the right and below."""

_FINE: Final = 120  # pixels that a figure's size (trunk + thigh + shin) has where its parts are counted
_FAR: Final = 2048  # nothing of a figure is further from its middle, at that size
_ROOM: Final = 0.04  # between the figure and the new border, in units of its size
_MOST: Final = 1.0
"""A photograph grows by so many times its longer side at most, to either side."""

_DOWN: Final = 1.0
"""Of `fill`: beside a photograph ground goes on as ground and a wall as wall, so a row takes from its own row. At the
cost of a hole inside a photograph (0.02), which has known pixels on both sides, a bush came to stand on the ground."""

_NOTED: Final = 0.02  # the share of a figure beyond the photograph that is worth a note

_NAMED: Final = {
    "head": (0, 14, 15, 16, 17), "right hand": (4,), "left hand": (7,), "right foot": (10,), "left foot": (13,),
}  # fmt: skip


def share_beyond(keypoints: Tensor, size: tuple[int, int]) -> float:
    """The share of a figure that lies beyond a photograph, by its joints.

    Args:
        keypoints: (18, 3), in the photograph's pixels. size: (height, width) of the photograph.
    """
    scale = min(1.0, _FINE / max(1.0, size_of(keypoints)))
    points = keypoints.float().clone()
    points[:, :2] *= scale
    located = points[points[:, 2] > 0, :2]
    if not len(located):
        return 0.0
    room = math.ceil(0.3 * size_of(points)) + 2
    middle = located.median(0).values.floor()  # a stray joint does not make the picture of the figure huge
    first = torch.maximum(located.amin(0).floor() - room, middle - _FAR)
    last = torch.minimum(located.amax(0).ceil() + room, middle + _FAR)
    moved = points - torch.tensor([float(first[0]), float(first[1]), 0.0]) * (points[:, 2:] > 0)
    columns, rows = (int(side) + 1 for side in (last - first).tolist())
    mask = figure_mask(moved, rows, columns)[0]
    y, x = torch.arange(rows) + float(first[1]), torch.arange(columns) + float(first[0])
    inside = ((y >= -0.5) & (y < size[0] * scale))[:, None] & ((x >= -0.5) & (x < size[1] * scale))
    return float((mask * ~inside).sum() / mask.sum().clamp_min(1e-6))


def parts_beyond(keypoints: Tensor, size: tuple[int, int]) -> list[str]:
    """The named ends of a figure (head, hands, feet) whose joints lie beyond a photograph of this size."""
    assert len(keypoints) == len(JOINTS)

    def outside(joint: int) -> bool:
        x, y, there = keypoints[joint].tolist()
        return there > 0 and not (-0.5 <= x < size[1] - 0.5 and -0.5 <= y < size[0] - 0.5)

    return [name for name, joints in _NAMED.items() if any(outside(joint) for joint in joints)]


def worth_a_note(keypoints: Tensor, own: Tensor, size: tuple[int, int]) -> tuple[float, list[str]] | None:
    """How much of a new figure lies beyond a photograph, and which ends of it; None if it is little.

    Args:
        keypoints: of the new figure, (18, 3), in the photograph's pixels. own: of the old figure, which may be cut off,
            too. size: (height, width) of the photograph.
    """
    beyond = share_beyond(keypoints, size)
    if beyond < _NOTED or beyond < _NOTED + share_beyond(own, size):
        return None
    return beyond, parts_beyond(keypoints, size)


def room_for(keypoints: Tensor, size: tuple[int, int]) -> Sides:
    """By how much a photograph must grow so that a figure lies in it: 0 where it does already.

    Args:
        keypoints: (18, 3), in the photograph's pixels. size: (height, width) of the photograph.
    """
    height, width = size
    far = 64 * max(size)  # further away, no room helps
    shifted = keypoints.float().clone()
    shifted[:, :2] += far * (keypoints[:, 2:] > 0)
    top, left, bottom, right = reach(shifted, height + 2 * far, width + 2 * far, 0.55)  # a limb is not thicker
    if top >= bottom:
        return 0, 0, 0, 0
    room = _ROOM * size_of(keypoints)
    most = round(_MOST * max(size))
    over = (far - left, far - top, right - far - width, bottom - far - height)
    sides = [min(most, math.ceil(side + room)) if side > 0 else 0 for side in over]
    return sides[0], sides[1], sides[2], sides[3]


def with_room(person: Person, hidden: Tensor, sides: Sides) -> Person:
    """The same person on a larger photograph, whose new pixels are filled from their surroundings.

    Args:
        person: unbatched, with an image (3, H, W). hidden: (1, H, W), above 0 where they hide what is behind:
            nothing of them goes into the new pixels.

    Raises:
        ValueError: the larger photograph would have more than `MAX_PIXELS`.
    """
    if not any(sides):
        return person
    assert person.image is not None
    left, top, right, bottom = sides
    height, width = person.image.shape[1] + top + bottom, person.image.shape[2] + left + right
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"with room for the new figure the photograph would have {width}x{height} = {height * width / 1e6:.0f} "
            f"million pixels, the limit is {MAX_PIXELS / 1e6:g} million; reduce the photograph, or do without room"
        )
    padded = person.pad(left, top, right, bottom, fill="edge")
    assert padded.image is not None
    new = F.pad(torch.zeros_like(hidden), (left, right, top, bottom), value=1.0)
    filled = fill(padded.image, torch.maximum(new, (F.pad(hidden, (left, right, top, bottom)) > 0).float()), _DOWN)
    return replace(padded, image=torch.where(new > 0, filled, padded.image))  # of the picture's type


__all__ = ["parts_beyond", "room_for", "share_beyond", "with_room", "worth_a_note"]
