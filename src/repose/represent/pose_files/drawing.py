"""Drawings of skeletons in OpenPose's colours, such as ControlNet takes: drawn, recognised, and read as poses.

Joint number j of the 18 has the hue 20 j degrees, limb number l the hue 20 l at 0.6 of the brightness (ControlNet), or
the hue of its second joint (OpenPose itself). A drawing is read from these colours: every limb is the largest patch of
its hue, its ends are joints, and which end is which follows from the limbs that meet there and from the discs drawn on
the joints. So line width, size and losses of JPEG hardly matter; hands and faces, thinner and brighter or white, do not
count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.person import JOINTS, Person
from repose.represent.choosing import Which, choose_person
from repose.represent.pose_files.figures import Floats, boxes_of

_LIMBS: Final = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""The limbs in the order of their colours: pairs of joints."""

HUES: Final = 18
_COARSE: Final = 1024  # longer sides are read at every second pixel or fewer
_DARK: Final = 60  # a pixel below it, of 255, is background
_DIM: Final = 0.6
_LEAST: Final = 5  # limbs that make a skeleton


@dataclass(frozen=True)
class Palette:
    """Which hue, of `HUES`, every limb and every joint has."""

    limbs: tuple[int, ...]
    joints: tuple[int, ...]


_OPENPOSE_JOINTS: Final = (17, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 14, 15, 13)

PALETTES: Final = (
    Palette(tuple(range(len(_LIMBS))), tuple(range(len(JOINTS)))),
    Palette(tuple(_OPENPOSE_JOINTS[second] for _, second in _LIMBS), _OPENPOSE_JOINTS),
)
"""ControlNet's, then that of OpenPose's own pictures."""


def colour(hue: int, brightness: float = 1.0) -> tuple[int, int, int]:
    """The RGB of a hue of `HUES`."""
    sixth, rest = divmod(hue % HUES, 3)
    rise = round(255 * rest / 3)
    rgb = (
        (255, rise, 0),
        (255 - rise, 255, 0),
        (0, 255, rise),
        (0, 255 - rise, 255),
        (rise, 0, 255),
        (255, 0, 255 - rise),
    )
    return tuple(int(brightness * value) for value in rgb[sixth])  # type: ignore[return-value]


def draw_openpose(keypoints: Tensor, height: int, width: int, thickness: float | None = None) -> npt.NDArray[np.uint8]:
    """A skeleton on black as ControlNet draws it: limbs as ellipses at 0.6 of the brightness, discs on the joints.

    Args:
        keypoints: (18, 3), pixels.
        height, width: of the picture.
        thickness: half the width of a limb, and the radius of a disc, pixels; None: 4 for 512 pixels, and in
            proportion.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    radius = thickness or max(2.0, 4 * min(height, width) / 512)
    picture = np.zeros((height, width, 3), np.uint8)
    points, there = keypoints[:, :2].double().numpy(), keypoints[:, 2].numpy() > 0
    down, across = np.mgrid[:height, :width].astype(np.float64)
    for number, (first, second) in enumerate(_LIMBS):
        if there[first] and there[second]:
            middle, half = (points[first] + points[second]) / 2, (points[second] - points[first]) / 2
            length = max(float(np.hypot(*half)), 1e-6)
            along = ((across - middle[0]) * half[0] + (down - middle[1]) * half[1]) / length
            aside = ((across - middle[0]) * half[1] - (down - middle[1]) * half[0]) / length
            picture[(along / length) ** 2 + (aside / radius) ** 2 <= 1] = colour(number, _DIM)
    for number, (x, y) in enumerate(points):
        if there[number]:
            picture[(across - x) ** 2 + (down - y) ** 2 <= radius**2] = colour(number)
    return picture


def is_drawing(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether a picture uint8 (H, W, 3) looks like a drawing of a skeleton: saturated lines of many hues on black or
    white, without anything between. Cheap; `read_drawing` decides."""
    step = max(1, max(pixels.shape[:2]) // 512)
    small = pixels[::step, ::step].astype(np.int32)
    high, low = small.max(-1), small.min(-1)
    coloured = (high > _DARK) & (high - low > 0.35 * high)
    if float(((high <= _DARK) | (low > 195)).mean()) < 0.5 or not 0.0005 < float(coloured.mean()) < 0.4:
        return False
    pure = float((high - low)[coloured].mean() / high[coloured].mean())
    shares = np.bincount(_hues(small[coloured]), minlength=HUES) / coloured.sum()
    return pure > 0.7 and int((shares > 0.01).sum()) >= 6


def read_drawing(pixels: npt.NDArray[np.uint8], which: Which = "largest") -> Person:
    """The person of a drawing uint8 (H, W, 3), RGB, on black or white: keypoints (18, 3) and the size.

    Raises:
        ValueError: it is no drawing of a skeleton.
        NoSuchPersonError: fewer people are drawn.
    """
    step = -(-max(pixels.shape[:2]) // _COARSE)
    patches = _Patches(pixels[::step, ::step])
    people = max((_people(patches, palette) for palette in PALETTES), key=lambda read: read[1])[0]
    if not people:
        raise ValueError(
            "this is no drawing of a skeleton in OpenPose's colours: fewer than "
            f"{_LEAST} limbs that meet in joints are recognised. Give a drawing on black as ControlNet takes it, or a "
            "pose file; of a photograph `repose estimate` finds the joints"
        )
    joints = np.stack(people)
    joints[..., :2] = np.where(joints[..., 2:] > 0, joints[..., :2] * step, 0)
    joints = joints.astype(np.float32)
    chosen = choose_person(boxes_of(joints), None, which, pixels.shape[1], "in this drawing")
    return Person(keypoints=torch.from_numpy(joints[chosen]), size=(pixels.shape[0], pixels.shape[1]))


# -- patches of one colour ------------------------------------------------------------------------------------------


class _Patches:
    """The connected patches of one hue and brightness in a picture, and what connects them.

    Attributes:
        hue, bright, area, centre, blob: of each patch: its hue, whether it is as bright as discs on joints are, pixels,
            (x, y), and which connected group of any colours it is part of.
        levels: whether limbs are darker than discs.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        colours = pixels.astype(np.int32)
        high, low = colours.max(-1), colours.min(-1)
        coloured = (high > _DARK) & (high - low > 0.35 * high)
        top = float(np.quantile(high[coloured], 0.98)) if coloured.any() else 255.0
        bright = high > 0.8 * top
        dim = coloured & (high > 0.42 * top) & (high < 0.75 * top)
        self.levels = bool(dim.sum() > 0.25 * max(1, coloured.sum()))
        key = np.full(high.shape, -1, np.int32)
        hues = _hues(colours[coloured])
        key[coloured] = hues + HUES * (bright[coloured] & self.levels)
        labels, count = _labelled(key)
        blobs, _ = _labelled(np.where(_grown(coloured), 0, -1).astype(np.int32))
        rows, columns = np.nonzero(labels >= 0)
        self._x, self._y = columns.astype(np.float64), rows.astype(np.float64)
        self._label = labels[rows, columns]
        order = np.argsort(self._label, kind="stable")
        self._x, self._y, self._label = self._x[order], self._y[order], self._label[order]
        self._starts = np.searchsorted(self._label, np.arange(count + 1))
        self.area = np.diff(self._starts)
        total = np.maximum(self.area, 1)
        self.centre = np.column_stack([np.bincount(self._label, axis, count) / total for axis in (self._x, self._y)])
        first = self._starts[:-1]
        at = (self._y[first].astype(int), self._x[first].astype(int)) if count else (np.zeros(0, int), np.zeros(0, int))
        values = key[at]
        self.hue, self.bright = values % HUES, values >= HUES
        self.blob = blobs[at]

    def points(self, patch: int | np.integer) -> Floats:
        """The pixels of a patch, (M, 2): x, y."""
        place = slice(self._starts[patch], self._starts[patch + 1])
        return np.column_stack([self._x[place], self._y[place]])


def _hues(colours: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """(M, 3) -> the nearest of the `HUES`, (M,)."""
    high, low = colours.max(-1), colours.min(-1)
    spread = np.maximum(high - low, 1)
    red, green, blue = colours[:, 0], colours[:, 1], colours[:, 2]
    sixth = np.where(
        high == red,
        (green - blue) / spread,
        np.where(high == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    hues: npt.NDArray[np.int64] = np.rint(sixth * 3).astype(np.int64) % HUES
    return hues


def _grown(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A mask with all pixels at most two beside it: what is drawn together holds together."""
    wide = np.pad(mask, 2)
    height, width = mask.shape
    out = np.zeros_like(mask)
    for down in range(5):
        for across in range(5):
            out |= wide[down : down + height, across : across + width]
    return out


def _labelled(key: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], int]:
    """Connected pixels of one value -> one number; -1 where the value is -1. Eight neighbours.

    The runs of each row are joined to those of the row above that they touch.
    """
    height, width = key.shape
    change = np.ones((height, width), bool)
    change[:, 1:] = key[:, 1:] != key[:, :-1]
    starts = np.flatnonzero(change)
    ends = np.append(starts[1:], height * width)
    kept = key.reshape(-1)[starts] >= 0
    starts, ends = starts[kept], ends[kept]
    values, rows = key.reshape(-1)[starts].tolist(), (starts // width).tolist()
    left, right = (starts % width).tolist(), (ends - starts + starts % width).tolist()
    parent = list(range(len(starts)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above = 0
    for run in range(len(starts)):
        while above < run and (
            rows[above] < rows[run] - 1 or (rows[above] == rows[run] - 1 and right[above] < left[run])
        ):
            above += 1
        other = above
        while other < run and rows[other] == rows[run] - 1 and left[other] <= right[run]:
            if values[other] == values[run]:
                parent[root(other)] = root(run)
            other += 1
    names, numbers = np.unique([root(run) for run in range(len(starts))], return_inverse=True)
    labels = np.full(height * width, -1, np.int32)
    lengths = ends - starts
    places = np.repeat(starts - np.append(0, np.cumsum(lengths)[:-1]), lengths) + np.arange(lengths.sum())
    labels[places] = np.repeat(numbers, lengths)
    return labels.reshape(height, width), len(names)


# -- limbs ----------------------------------------------------------------------------------------------------------


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


def _drawn_limb(patches: _Patches, hue: int, allowed: npt.NDArray[np.bool_], discs: bool) -> _Stroke | None:
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


def _people(patches: _Patches, palette: Palette) -> tuple[list[Floats], float]:
    """The people that a palette finds, (18, 3) each, and how well they fit it: limbs that meet where they should."""
    found, fit = [], 0.0
    for blobs in _groups(patches, palette):
        joints, good = _person(patches, palette, np.isin(patches.blob, blobs))
        if good >= _LEAST:
            found.append(joints)
            fit += good
    return found, fit


def _groups(patches: _Patches, palette: Palette) -> list[list[int]]:
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
        elif len(limbs) >= _LEAST:
            groups.append(([int(blob)], limbs, centre))
    return [group[0] for group in groups]


def _person(patches: _Patches, palette: Palette, allowed: npt.NDArray[np.bool_]) -> tuple[Floats, float]:
    """The joints (18, 3) of one person, and how many limbs meet others where they should."""
    alone = set(palette.joints) - set(palette.limbs)  # a hue of ControlNet's that only a disc has
    flat_discs = not patches.levels and bool((allowed & np.isin(patches.hue, list(alone)) & (patches.area >= 6)).any())
    strokes = {
        number: stroke
        for number, hue in enumerate(palette.limbs)
        if (stroke := _drawn_limb(patches, hue, allowed, flat_discs)) is not None
    }
    if len(strokes) < _LEAST:
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
        if worst is None or len(strokes) <= _LEAST:
            break
        del strokes[worst]
    if flat_discs:  # a disc of the limb's own hue lengthens it
        for limb, ends in turned.items():
            for at, joint in enumerate(_LIMBS[limb]):
                if palette.joints[joint] == palette.limbs[limb]:
                    inward = ends[1 - at] - ends[at]
                    ends[at] += inward * min(0.5, 0.5 * width / max(float(np.hypot(*inward)), 1e-6))
    joints = np.zeros((len(JOINTS), 3))
    for joint in range(len(JOINTS)):
        ends = np.array([turned[limb][_LIMBS[limb].index(joint)] for limb in strokes if joint in _LIMBS[limb]])
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
    for beside, joint in _LIMBS[13:]:
        if joints[joint, 2] == 0 and joints[beside, 2] > 0 and len(discs[joint]):
            away = np.hypot(*(discs[joint] - joints[beside, :2]).T)
            if away.min() < reach:
                joints[joint] = *discs[joint][np.argmin(away)], 1


def _discs(patches: _Patches, palette: Palette, allowed: npt.NDArray[np.bool_], width: float) -> list[Floats]:
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
        mine = [(place, limb) for place, limb in enumerate(limbs) if joint in _LIMBS[limb]]
        if not mine:
            continue
        table = np.zeros(1 << len(mine))
        for way in range(len(table)):
            ends = np.array(
                [strokes[limb].ends[_LIMBS[limb].index(joint) ^ (way >> at & 1)] for at, (_, limb) in enumerate(mine)]
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
        for at, joint in enumerate(_LIMBS[limb]):
            others = [
                turned[other][_LIMBS[other].index(joint)] for other in limbs if other != limb and joint in _LIMBS[other]
            ]
            gaps += [float(np.hypot(*(turned[limb][at] - end))) for end in others]
        if not gaps:  # nothing tells whether it is a limb but the discs on its ends, or its length where none are drawn
            off = [
                float(np.hypot(*(discs[joint] - turned[limb][at]).T).min(initial=4 * far))
                for at, joint in enumerate(_LIMBS[limb])
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
