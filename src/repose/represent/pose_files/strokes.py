"""From patches of colour to people: which patches are limbs, which way round, and which joints they meet in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from repose.person import JOINTS
from repose.represent.pose_files.figures import Floats
from repose.represent.pose_files.patches import Patches

LIMBS: Final = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""The limbs in the order of their colours: pairs of joints."""

LEAST: Final = 5
"""So many limbs make a skeleton."""


@dataclass(frozen=True)
class Palette:
    """Which hue, of `HUES`, every limb and every joint has."""

    limbs: tuple[int, ...]
    joints: tuple[int, ...]


_OPENPOSE_JOINTS: Final = (17, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 14, 15, 13)

PALETTES: Final = (
    Palette(tuple(range(len(LIMBS))), tuple(range(len(JOINTS)))),
    Palette(tuple(_OPENPOSE_JOINTS[second] for _, second in LIMBS), _OPENPOSE_JOINTS),
)
"""ControlNet's, then that of OpenPose's own pictures."""


@dataclass
class _Stroke:
    """A limb as it is drawn: its ends (2, 2), x and y, and its width."""

    ends: Floats
    width: float

    @property
    def length(self) -> float:
        """From end to end, pixels."""
        return float(np.hypot(*(self.ends[1] - self.ends[0])))


def _stroke(points: Floats) -> _Stroke:
    """The stroke that pixels (M, 2) make."""
    centre = points.mean(0)
    spread = np.cov((points - centre).T) if len(points) > 2 else np.eye(2)
    axes = np.linalg.eigh(spread)[1]
    along, aside = (points - centre) @ axes[:, 1], (points - centre) @ axes[:, 0]
    middle = (np.quantile(aside, 0.02) + np.quantile(aside, 0.98)) / 2
    ends = centre + axes[:, 0] * middle + np.outer([along.min(), along.max()], axes[:, 1])
    return _Stroke(ends, float(np.quantile(aside, 0.98) - np.quantile(aside, 0.02)) + 1)


def _drawn_limb(patches: Patches, hue: int, allowed: npt.NDArray[np.bool_], discs: bool) -> _Stroke | None:
    """The limb of a hue among patches: the largest, and what continues it beyond what is drawn over it. Round patches
    are no limbs where discs as bright as limbs are drawn (`discs`)."""
    mine = np.flatnonzero(allowed & (patches.hue == hue) & ~patches.bright & (patches.area >= 6))
    strokes = {int(patch): _stroke(patches.points(patch)) for patch in mine}
    for disc in np.flatnonzero(
        allowed & (patches.hue == hue) & patches.bright
    ):  # the dimmer rim that JPEG gives a disc
        reach = 1.6 * float(np.sqrt(patches.area[disc] / np.pi)) + 1
        mine = np.array(
            [one for one in mine if np.hypot(*(strokes[int(one)].ends - patches.centre[disc]).T).max() > reach], int
        )
    if discs:
        mine = np.array([patch for patch in mine if strokes[int(patch)].length > 1.5 * strokes[int(patch)].width], int)
    if not len(mine):
        return None
    # a disc of the same hue elsewhere is round: a long patch counts more than a large one
    best = max(mine, key=lambda patch: strokes[int(patch)].length * patches.area[patch])
    stroke = strokes[int(best)]
    direction = np.diff(stroke.ends, axis=0)[0]
    length = stroke.length
    if length < 1e-6:
        return stroke
    direction /= length
    points = [patches.points(best)]
    for patch in mine:
        if patch == best:
            continue
        offset = patches.centre[patch] - stroke.ends[0]
        aside = abs(float(offset[0] * direction[1] - offset[1] * direction[0]))
        along = float(offset @ direction)
        gap = max(-along, along - length, 0.0)
        if aside < 0.6 * stroke.width and gap < 1.5 * length and gap < 6 * stroke.width and length > 2 * stroke.width:
            points.append(patches.points(patch))
    return _stroke(np.concatenate(points)) if len(points) > 1 else stroke


def people_drawn(patches: Patches, palette: Palette) -> tuple[list[Floats], float]:
    """The people that a palette finds, (18, 3) each, and how well they fit it: limbs that meet where they should."""
    found, fit = [], 0.0
    for blobs in _groups(patches, palette):
        joints, good = _person(patches, palette, np.isin(patches.blob, blobs))
        if good >= LEAST:
            found.append(joints)
            fit += good
    return found, fit


def _groups(patches: Patches, palette: Palette) -> list[list[int]]:
    """Connected groups of patches, put together to people: two groups with the same limbs are two people."""
    significant = ~patches.bright & (patches.area >= max(6.0, 0.02 * float(patches.area.max(initial=0))))
    groups: list[tuple[list[int], set[int], Floats]] = []
    sizes = np.bincount(patches.blob, patches.area) if len(patches.blob) else np.zeros(0)
    for blob in np.argsort(-sizes):
        mine = significant & (patches.blob == blob)
        limbs = {number for number, hue in enumerate(palette.limbs) if (mine & (patches.hue == hue)).any()}
        if not limbs:
            continue
        centre = patches.centre[mine].mean(0)
        fits = [group for group in groups if not group[1] & limbs]
        if fits:
            nearest = min(fits, key=lambda group: float(np.hypot(*(group[2] - centre))))
            nearest[0].append(int(blob))
            nearest[1].update(limbs)
        elif len(limbs) >= LEAST:
            groups.append(([int(blob)], limbs, centre))
    return [group[0] for group in groups]


def _person(patches: Patches, palette: Palette, allowed: npt.NDArray[np.bool_]) -> tuple[Floats, float]:
    """The joints (18, 3) of one person, and how many limbs meet others where they should."""
    alone = set(palette.joints) - set(palette.limbs)  # a hue of ControlNet's that only a disc has
    flat_discs = not patches.levels and bool((allowed & np.isin(patches.hue, list(alone)) & (patches.area >= 6)).any())
    strokes = {
        number: stroke
        for number, hue in enumerate(palette.limbs)
        if (stroke := _drawn_limb(patches, hue, allowed, flat_discs)) is not None
    }
    if len(strokes) < LEAST:
        return np.zeros((len(JOINTS), 3)), 0.0
    width = float(np.median([stroke.width for stroke in strokes.values()]))
    strokes = {  # what JPEG leaves at the edges of other colours is thin and short
        limb: stroke
        for limb, stroke in strokes.items()
        if stroke.width > 0.4 * width and stroke.width * max(stroke.length, stroke.width) > 0.4 * width**2
    }
    discs = _discs(patches, palette, allowed, width)
    while True:
        turned, good, worst = _oriented(strokes, discs, width)
        if worst is None or len(strokes) <= LEAST:
            break
        del strokes[worst]
    if flat_discs:  # a disc of the limb's own hue lengthens it
        for limb, ends in turned.items():
            for at, joint in enumerate(LIMBS[limb]):
                if palette.joints[joint] == palette.limbs[limb]:
                    inward = ends[1 - at] - ends[at]
                    ends[at] += inward * min(0.5, 0.5 * width / max(float(np.hypot(*inward)), 1e-6))
    joints = np.zeros((len(JOINTS), 3))
    for joint in range(len(JOINTS)):
        ends = np.array([turned[limb][LIMBS[limb].index(joint)] for limb in strokes if joint in LIMBS[limb]])
        if len(ends):
            place = np.median(ends, axis=0)
            near = discs[joint][np.hypot(*(discs[joint] - place).T) < 2.5 * width] if len(discs[joint]) else []
            if len(near):
                place = near[np.argmin(np.hypot(*(near - place).T))]
            joints[joint] = *place, 1
        elif len(discs[joint]) == 1 and (patches.levels or palette.joints[joint] in alone):
            joints[joint] = *discs[joint][0], 1
    _add_face(joints, discs)
    return joints, good


def _add_face(joints: Floats, discs: Sequence[Floats]) -> None:
    """Eyes and ears whose limb lies below the discs on its ends: the disc nearest to the joint beside, in the head."""
    there = joints[joints[:, 2] > 0, :2]
    reach = 0.15 * float(np.hypot(*np.ptp(there, axis=0))) if len(there) else 0.0
    for beside, joint in LIMBS[13:]:
        if joints[joint, 2] == 0 and joints[beside, 2] > 0 and len(discs[joint]):
            away = np.hypot(*(discs[joint] - joints[beside, :2]).T)
            if away.min() < reach:
                joints[joint] = *discs[joint][np.argmin(away)], 1


def _discs(patches: Patches, palette: Palette, allowed: npt.NDArray[np.bool_], width: float) -> list[Floats]:
    """The centres (M, 2) of round patches of each joint's hue."""
    size = width**2 * 0.785
    discs = []
    for hue in palette.joints:
        mine = allowed & (patches.hue == hue) & (patches.bright | (not patches.levels))
        mine &= (patches.area > 0.25 * size) & (patches.area < 6 * size)
        centres = []
        for patch in np.flatnonzero(mine):
            low, high = patches.points(patch).min(0), patches.points(patch).max(0) + 1
            across, down = high - low
            if max(across, down) <= 1.7 * min(across, down) and patches.area[patch] > 0.5 * across * down:
                centres.append(
                    (low + high - 1) / 2 if patches.area[patch] > 0.7 * across * down else patches.centre[patch]
                )
        discs.append(np.array(centres).reshape(-1, 2))
    return discs


def _oriented(
    strokes: dict[int, _Stroke], discs: Sequence[Floats], width: float
) -> tuple[dict[int, Floats], float, int | None]:
    """Which end of every stroke is which joint: the choice in which strokes meet best and have discs on their ends.

    Returns:
        the ends of each limb in the order of its joints; how many limbs meet others; the limb that fits worst, if it
        touches nothing that it should.
    """
    limbs = list(strokes)
    ways = np.arange(1 << len(limbs))
    total = np.zeros(len(ways))
    far = 6 * width
    for joint in range(len(JOINTS)):
        mine = [(place, limb) for place, limb in enumerate(limbs) if joint in LIMBS[limb]]
        if not mine:
            continue
        table = np.zeros(1 << len(mine))
        for way in range(len(table)):
            ends = np.array(
                [strokes[limb].ends[LIMBS[limb].index(joint) ^ (way >> at & 1)] for at, (_, limb) in enumerate(mine)]
            )
            middle = np.median(ends, axis=0)
            off = np.minimum(np.hypot(*(ends - middle).T), 4 * far)
            to_disc = [np.hypot(*(discs[joint] - end).T).min(initial=far) if len(discs[joint]) else far for end in ends]
            table[way] = float((off**2).sum()) + 0.5 * float((np.minimum(to_disc, far) ** 2).sum())
        index = np.zeros(len(ways), np.int64)
        for at, (place, _) in enumerate(mine):
            index |= (ways >> place & 1) << at
        total += table[index]
    best = int(np.argmin(total))
    turned = {
        limb: (strokes[limb].ends[::-1] if best >> place & 1 else strokes[limb].ends).copy()
        for place, limb in enumerate(limbs)
    }
    good, worst, furthest = 0.0, None, 0.0
    for limb in limbs:
        gaps = []
        for at, joint in enumerate(LIMBS[limb]):
            others = [
                turned[other][LIMBS[other].index(joint)] for other in limbs if other != limb and joint in LIMBS[other]
            ]
            gaps += [float(np.hypot(*(turned[limb][at] - end))) for end in others]
        if not gaps:  # nothing tells whether it is a limb but the discs on its ends, or its length where none are drawn
            off = [
                float(np.hypot(*(discs[joint] - turned[limb][at]).T).min(initial=4 * far))
                for at, joint in enumerate(LIMBS[limb])
            ]
            bare = not any(len(one) for one in discs)
            sure = strokes[limb].length > 2.5 * width if bare else max(off) < 2 * width
            gaps = [0.0 if sure else 4 * far]
        gap = min(gaps)
        if gap < 3 * width:
            good += 1
        elif gap > max(far, furthest):
            worst, furthest = limb, gap
    return turned, good, worst
