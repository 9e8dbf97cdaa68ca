"""Head, hands and feet as squares: where they are on a picture, and the picture within them, enlarged.

People look at these first, and they are a few hundredths of a picture: a mean over all pixels hardly sees them.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from repose.person import JOINTS, Person
from repose.represent.figure import FACE
from repose.represent.retarget import person_size
from repose.represent.sampling import sample

REGIONS: Final = ("head", "right_hand", "left_hand", "right_foot", "left_foot")

_PARTS: Final = ((23, 24), (3,), (4,), (6,), (5,))
"""DensePose's parts of each region."""

_FEWEST: Final = 12
"""Pixels of a part without which a region is not seen."""

_MARGINS: Final = (1.15, 1.3, 1.3, 1.3, 1.3)
"""Side of a square over the longer side of what DensePose's parts take: hair and shoes are more than the skin. The head
has the neck with it already."""

_SMALLEST: Final = 0.07
"""Half of a square's side, at least, in units of trunk + thigh + shin."""

_HEAD: Final = 0.14
_ENDS: Final = (
    ("right_elbow", "right_wrist", 0.06, 0.09), ("left_elbow", "left_wrist", 0.06, 0.09),
    ("right_knee", "right_ankle", 0.04, 0.11), ("left_knee", "left_ankle", 0.04, 0.11),
)  # fmt: skip
"""Of each hand and foot: the joint before it, its own, how far its middle lies beyond, and half of the square's side,
in units of trunk + thigh + shin; `_HEAD` is that of the head, about the middle of its joints."""


def squares(person: Person) -> Tensor:
    """Where the regions of `REGIONS` are: (B, 5, 4), the middle (x, y) in pixels, half of the side, and whether seen.

    The labels say it where there are some: a region is seen if the IUV shows `_FEWEST` pixels of it. Else the joints
    do: a region is seen if its joint is located and its middle lies on the picture. A square that is not seen means
    nothing; the last number is then 0, else 1.

    Args:
        person: batched, with keypoints, and with IUV or without.
    """
    assert person.keypoints is not None
    assert person.size is not None
    keypoints = person.keypoints.float()
    size = person_size(keypoints)  # (B,)
    if person.iuv is not None:
        return _of_labels(person.iuv[:, 0], _SMALLEST * size)
    height, width = person.size
    xy, located = keypoints[..., :2], keypoints[..., 2] > 0
    face = located[:, list(FACE), None]
    middles = [(xy[:, list(FACE)] * face).sum(1) / face.sum(1).clamp_min(1)]
    halves, seen = [_HEAD * size], [face.any(1)[:, 0]]
    for before, end, beyond, half in _ENDS:
        one, other = JOINTS.index(before), JOINTS.index(end)
        way = xy[:, other] - xy[:, one]
        way = way / way.norm(dim=1, keepdim=True).clamp_min(1e-6) * located[:, one, None]
        middles.append(xy[:, other] + way * (beyond * size)[:, None])
        halves.append(half * size)
        seen.append(located[:, other])
    middle = torch.stack(middles, 1)  # (B, 5, 2)
    inside = ((middle >= 0) & (middle < middle.new_tensor([width, height]))).all(2)
    there = (torch.stack(seen, 1) & inside).float()
    return torch.cat([middle, torch.stack(halves, 1)[..., None], there[..., None]], 2)


def enlarged(pictures: Tensor, where: Tensor, side: int) -> Tensor:
    """The pictures within squares, in another size: bilinear, the edge's pixels beyond the picture.

    Args:
        pictures: (B, C, H, W). where: (B, N, 4), as `squares` gives it, in their pixels. side: of the result.

    Returns:
        float32 (B, N, C, side, side); differentiable in the pictures.
    """
    batch, channels, height, width = pictures.shape
    count = where.shape[1]
    steps = (torch.arange(side, device=where.device) * 2 + 1) / side - 1  # -1 to 1 from edge to edge
    x = where[..., 0, None] + where[..., 2, None] * steps  # (B, N, side)
    y = where[..., 1, None] + where[..., 2, None] * steps
    x, y = (x * 2 + 1) / width - 1, (y * 2 + 1) / height - 1  # the middle of the first pixel is 0
    shape = (batch, count, side, side)
    places = torch.stack([x[:, :, None].expand(shape), y[..., None].expand(shape)], -1)
    read = sample(pictures, places.flatten(1, 2))  # (B, C, N side, side)
    return read.reshape(batch, channels, count, side, side).movedim(2, 1)


def _of_labels(parts: Tensor, smallest: Tensor) -> Tensor:
    """As `squares`, of DensePose's parts (B, H, W)."""
    height, width = parts.shape[-2:]
    part = parts.round().long()
    shown = torch.stack([torch.stack([part == number for number in numbers]).any(0) for numbers in _PARTS], 1)
    ends = []
    for dim, length in ((2, width), (3, height)):  # columns, then rows
        any_there = shown.any(dim)  # (B, 5, length)
        at = torch.arange(length, device=parts.device)
        ends.append((torch.where(any_there, at, length).amin(2), torch.where(any_there, at, -1).amax(2)))
    (left, right), (top, bottom) = ends
    longer = torch.maximum(right - left, bottom - top) + 1
    half = torch.maximum(longer * (longer.new_tensor(_MARGINS, dtype=torch.float32) / 2), smallest[:, None])
    there = (shown.sum((2, 3)) >= _FEWEST).float()
    return torch.stack([(left + right) / 2, (top + bottom) / 2, half, there], 2) * there[..., None]


__all__ = ["REGIONS", "enlarged", "squares"]
