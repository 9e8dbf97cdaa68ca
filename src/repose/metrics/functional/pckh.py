"""PCKh, the share of joints in the right place, as the papers of pose transfer count it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from repose.person import JOINTS

HEAD = (0, 1, 14, 15, 16, 17)
"""Nose, neck, eyes and ears: their bounding box is the head."""

Counting = Literal["ours", "released"]
"""How PCKh counts: as here, or as the released scripts of PATN and of Roy et al. do, with what is wrong in them."""


def head_box(keypoints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The box around the located joints of the head: its width and height, and whether distances can be measured by it.

    >>> keypoints = torch.zeros(1, 18, 3)
    >>> keypoints[0, [0, 1]] = torch.tensor([[30.0, 20.0, 1.0], [34.0, 32.0, 1.0]])  # nose and neck
    >>> head_box(keypoints)
    (tensor([4.], dtype=torch.float64), tensor([12.], dtype=torch.float64), tensor([True]))

    Args:
        keypoints: (B, 18, 3), missing joints have visible = 0.

    Returns:
        Width and height in pixels, float64 (B,), and bool (B,): False where the box has no area or fewer than two
        joints.
    """
    head = keypoints[:, list(HEAD)].double()  # (B, 6, 3)
    located = head[..., 2] > 0

    def extent(values: Tensor) -> Tensor:
        high = values.masked_fill(~located, -torch.inf).amax(1)
        low = values.masked_fill(~located, torch.inf).amin(1)
        return torch.where(located.any(1), high - low, 0.0)

    width, height = extent(head[..., 0]), extent(head[..., 1])
    return width, height, (width > 0) & (height > 0)


def pckh(predicted: Tensor, target: Tensor, alpha: float = 0.5, counting: Counting = "ours") -> tuple[Tensor, Tensor]:
    """Joints of each pair that lie within `alpha` times the head box of the target, per axis.

    >>> target = torch.zeros(1, 18, 3)
    >>> target[0, :3] = torch.tensor([[30.0, 20.0, 1.0], [34.0, 32.0, 1.0], [26.0, 40.0, 1.0]])
    >>> predicted = target.clone()
    >>> predicted[0, 2, 0] += 2.1  # the box is 4 wide, so 2 pixels are still right
    >>> right, counted = pckh(predicted, target)
    >>> right / counted
    tensor([0.6667], dtype=torch.float64)

    A joint missing in the prediction is wrong; a joint missing in the target does not count. The score of many pairs is
    sum(right) / sum(counted), so a target with more joints weighs more, as in the papers.

    Counted as "ours", a target whose head box has no area counts nothing, and a joint on the border of the box is
    right. Counted as "released", only a target with fewer than two joints of the head counts nothing, and a joint on
    the border is wrong. So where the box has no width or no height, every joint of the target is wrong, also one that
    is exactly in its place. That is a fault of the released scripts; it is kept for their numbers.

    Args:
        predicted, target: (B, 18, 3): x, y in pixels, visible (0 is missing).
        alpha: share of the box's width and height.
        counting: "ours" or "released", see above.

    Returns:
        right and counted, float64 (B,) each, whole numbers from 0 to 18; right is at most counted.

    Raises:
        ValueError: the keypoints are not (B, 18, 3).

    Source: PATN, Sec. 4.2 and its official counting; Multi-scale Attention Guided Pose Transfer, Sec. 4.
    """
    if predicted.shape != target.shape or target.ndim != 3 or target.shape[1:] != (len(JOINTS), 3):
        raise ValueError(f"pckh: keypoints of shape (B, 18, 3), got {tuple(predicted.shape)} and {tuple(target.shape)}")
    width, height, usable = head_box(target)
    if counting == "released":
        usable = (target[:, list(HEAD), 2] > 0).sum(1) >= 2
    offset = (predicted[..., :2].double() - target[..., :2].double()).abs()  # (B, 18, 2)
    reach = alpha * torch.stack([width, height], dim=-1)[:, None]  # (B, 1, 2)
    near = (offset < reach if counting == "released" else offset <= reach).all(-1)
    counts = (target[..., 2] > 0) & usable[:, None]
    right = counts & near & (predicted[..., 2] > 0)
    return right.double().sum(1), counts.double().sum(1)
