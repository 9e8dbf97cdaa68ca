"""Where a new figure stands: on the ground of the old one, in its column, as tall, of the same build."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from repose.represent.retarget import anchor, person_size, retarget, size_ratio

_LEGS: Final = ((8, 11), (9, 12), (10, 13))
"""Hips, knees, ankles: what a picture that ends above them lacks on both sides."""

_PARENT: Final = {8: 1, 11: 1, 9: 8, 12: 11, 10: 9, 13: 12}


def stand(target: Tensor, source: Tensor, retargeting: bool = True, size: tuple[int, int] | None = None) -> Tensor:
    """The target's pose where the source's person stands, in the pixels of the source's photograph.

    The size is the source's, however much of the two is seen; the lowest ankle stands on the row of the source's, where
    both show ankles, else the hips (or the neck) lie in the same place. Somebody upside down, both ankles above the
    hips, stands on their lowest joint, in the photograph as in the target. A single ankle above the hips is not
    counted, nor an ankle that is all that is located of the legs.

    Legs of which the target shows nothing from the hips or the knees on (a portrait has none) are the source's own. So
    are shins where both ankles are missing and the target's picture is known to end above them. Any other joint that
    is missing is hidden, and stays missing.

    Args:
        target, source: keypoints (18, 3).
        retargeting: give the limbs the source's proportions, see `repose.represent.retarget`.
        size: (height, width) of the target's picture, where it is known.

    Returns:
        float32 keypoints (18, 3); some may lie outside the photograph.
    """
    target, source = target.float(), source.float().to(target.device)
    new = retarget(target, source, "source") if retargeting else _scaled(target, float(size_ratio(source, target)))
    for joint in _not_shown(target, size):
        parent = _PARENT[joint]
        if source[joint, 2] > 0 and source[parent, 2] > 0 and new[parent, 2] > 0:
            new[joint, :2] = new[parent, :2] + source[joint, :2] - source[parent, :2]
            new[joint, 2] = source[joint, 2]
    return _shifted(new, _way(new, source))


def similarity(target: Tensor, source: Tensor) -> tuple[float, Tensor]:
    """The scale and the shift that bring the target's figure to where the source's stands, as it is.

    No limb changes its proportions, and no joint is added, so that maps of the target may move with its joints.

    Args:
        target, source: keypoints (18, 3).

    Returns:
        scale and shift, (2,): a pixel (x, y) of the target's picture lies at scale * (x, y) + shift in the photograph.
    """
    target, source = target.float(), source.float().to(target.device)
    scale = float(size_ratio(source, target))
    return scale, _way(_scaled(target, scale), source)


def moved(keypoints: Tensor, scale: float, shift: Tensor) -> Tensor:
    """Keypoints (18, 3) at scale * (x, y) + shift, float32; missing joints stay missing."""
    return _shifted(_scaled(keypoints.float(), scale), shift)


# -- inside ---------------------------------------------------------------------------------------------------------


def _scaled(keypoints: Tensor, scale: float) -> Tensor:
    new = keypoints.clone()
    new[:, :2] *= scale * (keypoints[:, 2:] > 0)
    return new


def _shifted(keypoints: Tensor, shift: Tensor) -> Tensor:
    new = keypoints.clone()
    new[:, :2] += shift * (keypoints[:, 2:] > 0)
    return new


def _way(new: Tensor, source: Tensor) -> Tensor:
    """The shift (2,) that stands the figure `new` where the source's person stands; 0 where nothing says where."""
    old, like = _without_lone_ankle(source), _without_lone_ankle(new)
    for group in ((10, 13), (8, 11), (1,)):  # both stand on what both have
        rows = list(group)
        if not all(bool((points[rows, 2] > 0).any()) for points in (old, like)):
            old[rows], like[rows] = 0, 0
    shared = (old[:, 2:] > 0) & (like[:, 2:] > 0)
    if not bool((old[[1, 8, 10, 11, 13], 2] > 0).any()):  # compare the middles of the same joints
        old, like = old * shared, like * shared
    if bool((old[:, 2] > 0).any()) and bool((like[:, 2] > 0).any()):
        high, before = _ankles_above_hips(like), _ankles_above_hips(old)
        ground = _lowest(source) if before == 2 else anchor(old)[0, 1]
        if high == 1 or before == 1:  # a kick, whose other foot nobody sees: it tells nothing of the ground
            old[[10, 13]], like[[10, 13]] = 0, 0
        way = (anchor(old) - anchor(like))[0]
        if high == 2 or before == 2:
            way[1] = ground - (_lowest(new) if high == 2 else anchor(like)[0, 1])
        return way
    return torch.zeros(2, device=new.device)


def _lowest(figure: Tensor) -> Tensor:
    """The row of the lowest joint."""
    return figure[figure[:, 2] > 0, 1].max()


def _without_lone_ankle(figure: Tensor) -> Tensor:
    """A copy without an ankle that is all that is located of both legs below the hips: an estimator's guess."""
    figure = figure.clone()
    below = [joint for joint in (9, 10, 12, 13) if figure[joint, 2] > 0]
    if len(below) == 1 and below[0] in (10, 13):
        figure[below[0]] = 0
    return figure


def _ankles_above_hips(figure: Tensor) -> int:
    """How many ankles are located, if all of them are above the hips; else 0. With two, another joint is the lowest."""
    ankles, hips = figure[[10, 13]], figure[[8, 11]]
    ankles, hips = ankles[ankles[:, 2] > 0], hips[hips[:, 2] > 0]
    if not len(ankles) or not len(hips) or float(ankles[:, 1].max()) >= float(hips[:, 1].min()):
        return 0
    return len(ankles)


def _not_shown(target: Tensor, size: tuple[int, int] | None) -> list[int]:
    """The joints of the legs that the target's picture does not show, hips first; see `stand`."""
    there = [bool((target[list(pair), 2] > 0).any()) for pair in _LEGS]
    if there == [True, True, False]:  # knees without ankles: they kneel, or the picture ends
        knees = target[list(_LEGS[1])]
        lowest = float(knees[knees[:, 2] > 0, 1].max())
        if size is None or lowest + 0.3 * float(person_size(target)) < size[0] - 1:
            return []
    return [joint for level, pair in enumerate(_LEGS) if not any(there[level:]) for joint in pair]


__all__ = ["moved", "similarity", "stand"]
