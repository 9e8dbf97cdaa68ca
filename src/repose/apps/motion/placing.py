"""The figure of a clip in a photograph: the source's build, one scale, one ground, and feet that stay on their spot.

`repose.scene.standing` does this for one pose, from that pose alone. Frame by frame its answers waver: a bone that
looks longer makes the figure smaller, a lost ankle lets the other one carry the figure. Here everything that is one
thing in the world (the build, the scale, the ground, the spot of a foot) is told once, from all frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.apps.motion.following import Motion
from repose.represent.retarget import person_size, retarget_clip

Floats = npt.NDArray[np.float64]

_ANKLES: Final = (10, 13)
_KNEES: Final = (9, 12)
_HIPS: Final = (8, 11)
_PARENT: Final = {8: 1, 11: 1, 9: 8, 12: 11, 10: 9, 13: 12, 2: 1, 5: 1, 3: 2, 4: 3, 6: 5, 7: 6}

_TRAVELS: Final = 0.6
"""How far a person goes, in units of their size (trunk + thigh + shin), before it counts as walking away."""

_NEARS: Final = 1.35
"""How many times larger a person gets through a clip before it counts as coming nearer."""

_TREND: Final = 1.0  # seconds before and after that tell a slow trend

_STILL: Final = 0.45  # a foot that moves by less than this share of the person's size in a second stands
_GROUND: Final = 0.10  # a foot so near to the ground, a share of the size, stands on it
_SHORTEST: Final = 0.2  # seconds that a foot stands at least
_DRIFT: Final = 0.08
"""How far a foot goes while it stands, a share of the size, at most: one that slides on walks on the spot."""

_BLEND: Final = 0.12  # seconds over which a foot is brought to its spot
_LOOSE: Final = 0.05  # of a foot: less than that does not move the figure


@dataclass(frozen=True)
class Placed:
    """The figure of every frame, in pixels of the photograph.

    Attributes:
        joints: float32 (N, 18, 3) as in `repose.person`; may lie outside the photograph.
        contacts: (N, 2) bool, whether the right and the left foot stand on their spot.
    """

    joints: Tensor
    contacts: npt.NDArray[np.bool_]


def place_motion(
    motion: Motion, source: Tensor, size: tuple[int, int], follow: bool = False, contacts: bool = True
) -> Placed:
    """A clip's motion with the build of the photograph's person, where that person stands.

    Args:
        motion: smoothed (`smoothing.steadied`): no gaps but of joints that the clip never shows, and of the face.
        source: keypoints (18, 3) in the photograph. size: (height, width) of the photograph.
        follow: the figure crosses the photograph as the person crosses the clip, and comes nearer as they do; else it
            stays where the source's person stands: their way through the clip is taken out, sways and jumps stay.
        contacts: a foot that stands stays on its spot.

    Raises:
        ValueError: the clip shows no trunk on any frame.
    """
    points = motion.joints
    base = source.float().numpy().astype(np.float64)
    if not np.isfinite(points[:, 1, 0]).any() or not np.isfinite(points[:, list(_HIPS), 0]).any():
        raise ValueError(
            "the clip shows no trunk (neck and a hip) of the person on any frame, so their size is not known: use a "
            "clip that shows more of them"
        )
    own = float(person_size(source))
    sizes = sizes_of(points, motion.times)
    near = sizes.max() / sizes.min() > _NEARS and not follow
    scale = own / (sizes if near else np.full(len(points), np.median(sizes)))  # (N,)
    rebuilt = retarget_clip(_keypoints(points), source, torch.from_numpy(scale)).numpy().astype(np.float64)
    figure = np.where(rebuilt[..., 2:] > 0, rebuilt[..., :2], np.nan)
    figure -= _middle(points, _HIPS)[:, None]  # about the hips, in pixels of the photograph
    figure = _with_unseen(figure, base)
    middle = _middle(points, _HIPS)  # (N, 2) in the clip
    way = middle * scale[:, None]
    travels = float(np.ptp(_trend(middle[:, 0] / sizes, motion.times))) > _TRAVELS and not follow
    way[:, 0] -= _trend(way[:, 0], motion.times) if travels else np.median(way[:, 0])
    ankles = _lowest(figure + way[:, None])
    if follow:
        level = np.full(len(points), float(np.quantile(ankles, 0.5)))
    elif travels or near:
        level = _high(ankles, motion.times)
    else:
        level = np.full(len(points), float(np.quantile(ankles, 0.85)))
    way[:, 1] -= level
    figure = figure + way[:, None] + _spot(figure + way[:, None], base)
    if follow and motion.size is not None:
        # the middle of the way lies at the same share of the width
        share = float(middle[:, 0].min() + middle[:, 0].max()) / 2 / motion.size[1]
        now = _middle(figure, _HIPS)[:, 0]
        figure[..., 0] += share * size[1] - (now.min() + now.max()) / 2
    standing = np.zeros((len(points), 2), bool)
    if contacts and not near:
        figure, standing = pinned(figure, motion.times, own, sideways=not travels)
    return Placed(_keypoints(figure), standing)


def sizes_of(points: Floats, times: Floats) -> Floats:
    """About how large the person is on every frame (trunk + thigh + shin, pixels), without pumping: (N,).

    Foreshortening only shortens, so the largest of the frames around say how large; their trend is slow.
    """
    each = person_size(_keypoints(points)).numpy().astype(np.float64)
    known = np.isfinite(points[:, 1, 0]) & np.isfinite(points[:, list(_HIPS), 0]).any(1)
    each = np.interp(times, times[known], each[known])
    return np.exp(_trend(_high(np.log(each), times), times))


def pinned(figure: Floats, times: Floats, size: float, sideways: bool = True) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Feet that stand stay on one spot; the figure is moved with them, the other leg bends.

    A foot stands while it is near the ground and hardly moves. Its spot is the median of that while.

    Args:
        figure: (N, 18, 2) in the photograph. size: of the person there (trunk + thigh + shin), pixels.
        sideways: False pins the row alone, for somebody who walks on the spot.

    Returns:
        The figure, and which feet stand, (N, 2).
    """
    feet = figure[:, list(_ANKLES)]  # (N, 2, 2)
    standing = contacts_of(feet, times, size, sideways)
    missing, weight = np.zeros(feet.shape), np.zeros(feet.shape[:2])
    for foot in (0, 1):
        for first, last in _runs(standing[:, foot]):
            spot = np.median(feet[first:last, foot], axis=0)
            away = np.maximum(times[first] - times, times - times[last - 1]).clip(0)  # seconds from this while
            near = _smooth_step(1 - away / _BLEND)
            closer = near > weight[:, foot]
            weight[closer, foot] = near[closer]
            missing[closer, foot] = (spot - feet[:, foot])[closer]
    if not sideways:
        missing[..., 0] = 0
    whole = _common(missing, weight, times)
    out = figure + whole[:, None]
    for foot, (ankle, knee) in enumerate(zip(_ANKLES, _KNEES, strict=True)):
        rest = weight[:, foot, None] * (missing[:, foot] - whole)
        out[:, ankle] += rest
        out[:, knee] += 0.5 * rest
    return out, standing


def contacts_of(feet: Floats, times: Floats, size: float, sideways: bool = True) -> npt.NDArray[np.bool_]:
    """Which of the feet (N, 2, 2) stand on the ground, (N, 2); see `pinned`."""
    speed = np.stack([np.gradient(feet[:, foot], times, axis=0) for foot in (0, 1)], 1)
    speed = np.linalg.norm(speed, axis=2) if sideways else np.abs(speed[..., 1])
    ground = _high(np.fmax(feet[:, 0, 1], feet[:, 1, 1]), times)
    low = feet[..., 1] > ground[:, None] - _GROUND * size
    standing: npt.NDArray[np.bool_] = (speed < _STILL * size) & low
    for foot in (0, 1):
        for first, last in _runs(standing[:, foot]):
            stretch = feet[first:last, foot] if sideways else feet[first:last, foot, 1:]
            drift = float(np.linalg.norm(stretch - np.median(stretch, axis=0), axis=1).max())
            if times[last - 1] - times[first] < _SHORTEST or drift > _DRIFT * size:
                standing[first:last, foot] = False
    return standing


# -- inside ---------------------------------------------------------------------------------------------------------


def _keypoints(points: Floats) -> Tensor:
    there = np.isfinite(points[..., :1])
    return torch.from_numpy(np.concatenate([np.where(there, points, 0.0), there], -1).astype(np.float32))


def _middle(points: Floats, joints: tuple[int, ...]) -> Floats:
    """The mean of some joints, (N, 2), by those that are there; of frames without any, between those around."""
    with np.errstate(all="ignore"):
        there = np.isfinite(points[:, list(joints), 0])
        total = np.nansum(points[:, list(joints)], axis=1) / np.maximum(there.sum(1), 1)[:, None]
    seen = np.flatnonzero(there.any(1))
    number = np.arange(len(points))
    return np.stack([np.interp(number, seen, total[seen, axis]) for axis in (0, 1)], 1)


def _with_unseen(figure: Floats, source: Floats) -> Floats:
    """Joints of the limbs that the clip never shows are the source's own, hanging on their parents."""
    out = figure.copy()
    for joint, parent in _PARENT.items():
        if not np.isfinite(out[:, joint, 0]).any() and source[joint, 2] > 0 and source[parent, 2] > 0:
            out[:, joint] = out[:, parent] + source[joint, :2] - source[parent, :2]
    return out


def _lowest(figure: Floats) -> Floats:
    """The row of the lower ankle on every frame; without ankles of the hips."""
    ankles = figure[:, list(_ANKLES), 1]
    if np.isfinite(ankles).any():
        rows = np.fmax(ankles[:, 0], ankles[:, 1])
        seen = np.flatnonzero(np.isfinite(rows))
        return np.interp(np.arange(len(rows)), seen, rows[seen])
    return _middle(figure, _HIPS)[:, 1]


def _spot(figure: Floats, source: Floats) -> Floats:
    """The shift (2,) that brings the ground of the figure, row 0, and its hips, about column 0, to the source's."""
    ankles = source[list(_ANKLES)]
    hips = source[list(_HIPS)]
    shown = np.isfinite(figure[:, list(_ANKLES), 0]).any()
    if (ankles[:, 2] > 0).any() and shown:
        row = float(ankles[ankles[:, 2] > 0, 1].max())
    elif (hips[:, 2] > 0).any():
        row = float(hips[hips[:, 2] > 0, 1].mean()) - float(np.median(_middle(figure, _HIPS)[:, 1]))
    else:
        row = float(source[1, 1]) - float(np.nanmedian(figure[:, 1, 1]))
    if (hips[:, 2] > 0).any():
        column = float(hips[hips[:, 2] > 0, 0].mean())
    else:
        column = float(source[source[:, 2] > 0, 0].mean())
    return np.array([column, row])


def _trend(values: Floats, times: Floats) -> Floats:
    """The slow part of (N,): means of the seconds around by Gaussian weights; at the ends on the mirror image."""
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    reach = max(1, min(len(values) - 1, round(2 * _TREND / usual)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * usual / _TREND) ** 2)
    if len(values) < 2:
        return values.copy()
    # odd reflection about the ends, so that a straight way stays straight
    padded = np.pad(values, reach, mode="reflect", reflect_type="odd")
    trend: Floats = np.convolve(padded, weights / weights.sum(), mode="valid")
    return trend


def _high(values: Floats, times: Floats) -> Floats:
    """A high quantile (0.85) of the seconds around, (N,)."""
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    reach = max(1, min(len(values) - 1, round(_TREND / usual)))
    if len(values) < 2:
        return values.copy()
    padded = np.pad(values, reach, mode="reflect")
    step = max(1, reach // 12)  # neighbours are alike: a few of them tell it
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[:, ::step]
    high: Floats = np.quantile(windows, 0.85, axis=1)
    return high


def _smooth_step(share: Floats) -> Floats:
    """0 to 1 without corners, of a share below 0 to above 1."""
    inside = share.clip(0, 1)
    step: Floats = inside * inside * (3 - 2 * inside)
    return step


def _common(missing: Floats, weight: Floats, times: Floats) -> Floats:
    """What the whole figure is moved by, (N, 2): the slow part of what both feet miss; 0 far from where they stand.

    Args:
        missing: (N, 2 feet, 2). weight: (N, 2 feet), how far each of them stands.
    """
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    reach = max(1, min(len(times) - 1, round(3 * _BLEND / usual)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * usual / _BLEND) ** 2)
    kernel /= kernel.sum()

    def slow(values: Floats) -> Floats:
        out: Floats = np.convolve(np.pad(values, reach, mode="edge"), kernel, mode="valid")
        return out

    total = slow(weight.sum(1)) + _LOOSE
    moved = (missing * weight[..., None]).sum(1)
    return np.stack([slow(moved[:, axis]) / total for axis in (0, 1)], 1)


def _runs(there: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and behind the last of every stretch that is there."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
