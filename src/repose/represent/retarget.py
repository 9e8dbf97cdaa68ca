"""Retargeting: move the joints of a target pose to where a body of other proportions would have them.

In a single picture a short bone looks like one that points at the camera. But foreshortening only shortens: the longest
bones of a person, each in units of its length in a mean body, show the size of the person. A bone that is longer than
that size implies, or slightly shorter, shows the proportions. A much shorter one shows nothing.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor

from repose.names import nearest
from repose.person import JOINTS

BodySize = Literal["target", "source"]

_HIPS, _EARS = 18, 19
"""Two points after the 18 joints: the middle of the hips and the middle of the ears."""

_PARTS: Final[dict[str, tuple[float, tuple[tuple[int, int, float], ...]]]] = {
    "trunk": (0.65, ((1, _HIPS, 0.386),)),
    "shoulders": (0.55, ((2, 5, 0.251),)),
    "hips": (0.35, ((8, 11, 0.144),)),
    "upper arms": (0.25, ((2, 3, 0.209), (5, 6, 0.209))),
    "forearms": (0.4, ((3, 4, 0.192), (6, 7, 0.192))),
    "thighs": (0.7, ((8, 9, 0.306), (11, 12, 0.306))),
    "shins": (0.4, ((9, 10, 0.308), (12, 13, 0.308))),
    "head": (0.5, ((16, 17, 0.117), (0, 16, 0.101), (0, 17, 0.101), (1, _EARS, 0.157), (1, 0, 0.181))),
}
"""Part -> the weight of its measured length (0 to 1), and the stretches that measure it, left and right pooled, with
their lengths in a mean body in units of trunk + thigh + shin. Means of 700 rendered bodies, among which a part's share
varies by 2 to 7 % (standard deviation), and by ten times that in pictures. The weights are 0.8 of the regressions over
these pictures: larger ones improve no pose of another person, and change poses of the same."""

_SURE: Final = ("trunk", "thighs", "shins")
_SIZING: Final = ("trunk", "upper arms", "forearms", "thighs", "shins", "head")
"""The parts that show the size: `_SURE` if two of them are measured, `_SIZING` otherwise."""

_SHORTER: Final = 0.14
"""A part this much shorter than expected (logarithm) has the weight 1/e, an even shorter one less."""

_MOST: Final = 0.25
"""The logarithm of a part's share differs from the mean body's by at most this; more is an error of joints."""

_LONGEST: Final = 0.85
"""The share of a clip's frames on which a part looks shorter than it is, or as long."""

_PART_OF: Final = ("head", "trunk", "shoulders", "upper arms", "forearms", "shoulders", "upper arms", "forearms",
                   "hips", "thighs", "shins", "hips", "thighs", "shins", "head", "head", "head", "head")  # fmt: skip
"""What scales the stretch from a joint's parent to the joint."""

_PARENTS: Final = (1, _HIPS, 1, 2, 3, 1, 5, 6, _HIPS, 8, 9, _HIPS, 11, 12, 0, 0, 0, 0)
"""The parent of the neck is the middle of the hips, the root."""

_ORDER: Final = (1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)


def retarget(target: Tensor, source: Tensor, size: BodySize = "target") -> Tensor:
    """The target's pose with the proportions of the source's body.

    Every limb keeps its direction. The ground keeps its place (the row of the lowest ankle; without ankles of the hips;
    without hips of the neck), and so does the column of the hips (or the neck). For one person in two pictures little
    should change: the joints of rendered people move by 0.7 pixels in a mean, in pictures 128 high.

    Args:
        target, source: keypoints (18, 3) or (B, 18, 3), in any pixels. One source may serve a batch of targets.
        size: "target": the size of the target, with other proportions; "source": as many pixels tall as the source
            would be in this pose.

    Returns:
        float32 keypoints like the target's. Missing joints stay missing. A part that cannot be measured in one of the
        two follows the size of the whole.

    Raises:
        ValueError: shapes that do not go together, or another size.
    """
    if size not in ("target", "source"):
        raise ValueError(f"retarget: no size {size!r}; {nearest(size, ('target', 'source'))}")
    for name, points in (("target", target), ("source", source)):
        if points.ndim not in (2, 3) or points.shape[-2:] != (len(JOINTS), 3):
            raise ValueError(f"retarget: the {name} must be (18, 3) or (B, 18, 3), got {tuple(points.shape)}")
    if source.ndim == 3 and (target.ndim == 2 or source.shape[0] not in (1, target.shape[0])):
        raise ValueError(f"retarget: sources {tuple(source.shape)} do not go with targets {tuple(target.shape)}")
    old = target.float() if target.ndim == 3 else target.float()[None]
    given = source.to(old) if source.ndim == 3 else source.to(old)[None]
    lengths, own = _lengths(given), _lengths(old)
    factor = size_ratio(given, old)  # (B,)
    share = (_shares(lengths) - _shares(own)).clamp(-1.5 * _MOST, 1.5 * _MOST).exp()  # (B, parts)
    if size == "source":
        share = share * factor[:, None]
    moved = _rebuilt(old, share.expand(len(old), -1))
    moved[..., :2] += anchor(old) - anchor(moved)
    moved = torch.where(old[..., 2:] > 0, moved, 0.0)
    return moved if target.ndim == 3 else moved[0]


def retarget_clip(clip: Tensor, source: Tensor, scale: Tensor) -> Tensor:
    """The poses of one person through a clip with the proportions of the source's body, determined once for the clip.

    Every limb keeps its direction on every frame, and foreshortened ones stay so. The middle of the hips keeps its
    place. In a single frame a short bone may point at the camera; over a clip the frames on which a bone is longest
    show its length, so that the build does not change from frame to frame as `retarget` of each would have it.

    Args:
        clip: keypoints (N, 18, 3) of one person, in any pixels.
        source: keypoints (18, 3), in any pixels.
        scale: (N,), what the figure's size (trunk + thigh + shin) is multiplied with on each frame.

    Returns:
        float32 (N, 18, 3). Missing joints stay missing. A part that cannot be measured in one of the two follows the
        size of the whole.

    Raises:
        ValueError: shapes that do not go together.
    """
    if clip.ndim != 3 or clip.shape[1:] != (len(JOINTS), 3) or tuple(scale.shape) != (len(clip),):
        shapes = f"{tuple(clip.shape)} and {tuple(scale.shape)}"
        raise ValueError(f"retarget_clip: joints (N, 18, 3) and scales (N,) go together, not {shapes}")
    old = clip.float()
    lengths = _lengths(old)
    sizes = _size(lengths)
    known = (lengths > 0) & (sizes > 0)[:, None]
    relative = torch.where(known, lengths / sizes.clamp_min(1e-6)[:, None], torch.nan)  # (N, parts)
    longest = torch.nanquantile(relative, _LONGEST, dim=0, keepdim=True).nan_to_num(0.0)
    share = (_shares(_lengths(source.float()[None])) - _shares(longest)).clamp(-1.5 * _MOST, 1.5 * _MOST).exp()
    return _rebuilt(old, share * scale.float()[:, None])


def size_ratio(source: Tensor, target: Tensor) -> Tensor:
    """How many times larger, in pixels, the source's person is: (B,), 1 where one of the two cannot be measured.

    Whether they stand, sit or point at the camera hardly matters: a standard deviation of about 4 % for one picture of
    a rendered person.

    Args:
        source, target: keypoints (18, 3) or (B, 18, 3).
    """
    first, second = (_size(_lengths(points if points.ndim == 3 else points[None])) for points in (source, target))
    known = (first > 0) & (second > 0)
    return torch.where(known, first / second.clamp_min(1e-6), 1.0)


def person_size(keypoints: Tensor) -> Tensor:
    """About how long trunk + thigh + shin are in pixels, (B,), or () for one person; 0.76 of how tall they stand.

    Where no bone can be measured, half of the extent of the joints, and 1 at least.

    Args:
        keypoints: (18, 3) or (B, 18, 3).
    """
    points = (keypoints if keypoints.ndim == 3 else keypoints[None]).float()
    located, x, y = points[..., 2] > 0, points[..., 0], points[..., 1]
    extents = [
        torch.where(located, at, -torch.inf).amax(1) - torch.where(located, at, torch.inf).amin(1) for at in (x, y)
    ]
    extent = torch.maximum(*extents).nan_to_num(0.0, 0.0, 0.0).clamp_min(2.0)
    size = _size(_lengths(points))
    size = torch.where(size > 0, size, 0.5 * extent)
    return size if keypoints.ndim == 3 else size[0]


def anchor(keypoints: Tensor) -> Tensor:
    """Where a person stands, (..., 1, 2): the column of the hips and the row of the lowest ankle.

    Without ankles the row of the hips, without hips the neck; without a neck, the middle of the located joints.
    """
    located = keypoints[..., 2] > 0
    points = keypoints[..., :2]

    def mean(joints: list[int]) -> tuple[Tensor, Tensor]:
        there = located[..., joints, None]
        count = there.sum(-2, keepdim=True)
        return (points[..., joints, :] * there).sum(-2, keepdim=True) / count.clamp_min(1), count > 0

    place, _ = mean(list(range(len(JOINTS))))
    for joints in ([1], [8, 11]):
        middle, there = mean(joints)
        place = torch.where(there, middle, place)
    ankles = torch.where(located[..., [10, 13]], points[..., [10, 13], 1], -torch.inf).amax(-1)[..., None]
    row = torch.where(ankles.isfinite(), ankles, place[..., 1])
    return torch.stack([place[..., 0], row], -1)


# -- inside ---------------------------------------------------------------------------------------------------------


def _whole(keypoints: Tensor) -> Tensor:
    """(B, 18, 3) -> (B, 20, 3) with the middles of hips and ears; missing if only one of the two is located."""
    middles = []
    for first, second in ((8, 11), (16, 17)):
        a, b = keypoints[:, first], keypoints[:, second]
        there = (a[:, 2:] > 0) & (b[:, 2:] > 0)
        middles.append(torch.where(there, (a + b) / 2, 0.0))
    return torch.cat([keypoints, torch.stack(middles, 1)], 1)


def _lengths(keypoints: Tensor) -> Tensor:
    """For every part the size of the person in pixels that its length implies, (B, parts), 0 if not measured."""
    points = _whole(keypoints.float())
    first, second, mean = (table.to(points.device) for table in _STRETCHES)
    there = (points[:, first, 2] > 0) & (points[:, second, 2] > 0)  # (B, parts, stretches)
    length = (points[:, first, :2] - points[:, second, :2]).norm(dim=-1) / mean
    return torch.where(there, length, 0.0).amax(2)


def _stretches() -> tuple[Tensor, Tensor, Tensor]:
    """(parts, stretches) both ends and the mean length of the stretches of every part, the last one repeated."""
    most = max(len(stretches) for _, stretches in _PARTS.values())
    rows = [[*stretches, *[stretches[-1]] * (most - len(stretches))] for _, stretches in _PARTS.values()]
    first, second, mean = zip(*(zip(*row, strict=True) for row in rows), strict=True)
    return torch.tensor(first), torch.tensor(second), torch.tensor(mean)


_STRETCHES: Final = _stretches()


def _size(lengths: Tensor) -> Tensor:
    """The size of the whole person (trunk + thigh + shin, pixels), (B,): nearly the largest that a part implies."""
    names = list(_PARTS)
    sure, all_parts = (lengths[:, [names.index(part) for part in parts]] for parts in (_SURE, _SIZING))
    chosen = torch.where(((sure > 0).sum(1) >= 2)[:, None], torch.nn.functional.pad(sure, (0, 3)), all_parts)
    most = chosen.amax(1)
    relative = chosen / most.clamp_min(1e-6)[:, None]
    mean: Tensor = (relative**16).sum(1) / (chosen > 0).sum(1).clamp_min(1)
    return most * mean ** (1 / 16)


def _shares(lengths: Tensor) -> Tensor:
    """Logarithm of every part's length over its length in a mean body of this size; 0 if not known."""
    size = _size(lengths)[:, None]
    known = (lengths > 0) & (size > 0)
    seen = torch.where(known, (lengths.clamp_min(1e-6) / size.clamp_min(1e-6)).log(), 0.0)
    seen = torch.where(seen < 0, seen * torch.exp(-((seen / _SHORTER) ** 2)), seen)
    weights = torch.tensor([weight for weight, _ in _PARTS.values()], device=lengths.device)
    return (seen * weights).clamp(-_MOST, _MOST)


def _rebuilt(keypoints: Tensor, ratios: Tensor) -> Tensor:
    """The skeleton with every stretch from parent to joint scaled by its part's ratio (B, parts); the root stays.

    A joint whose parent is missing follows its nearest located ancestor, by a stretch of its own part.
    """
    names = list(_PARTS)
    old = _whole(keypoints)
    new = old.clone()
    centre = anchor(keypoints)[:, 0]  # joints without a located ancestor are scaled about it
    for joint in _ORDER:
        ratio = ratios[:, names.index(_PART_OF[joint])][:, None]
        start, start_new = centre, centre
        chain = [joint]
        while chain[-1] < len(JOINTS):
            chain.append(_PARENTS[chain[-1]])
        for ancestor in reversed(chain[1:]):  # the nearest one that is there wins
            there = old[:, ancestor, 2:] > 0
            start = torch.where(there, old[:, ancestor, :2], start)
            start_new = torch.where(there, new[:, ancestor, :2], start_new)
        new[:, joint, :2] = start_new + (old[:, joint, :2] - start) * ratio
    return new[:, : len(JOINTS)]


__all__ = ["anchor", "person_size", "retarget", "retarget_clip", "size_ratio"]
