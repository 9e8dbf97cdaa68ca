"""The same person from frame to frame, by place, size and colour, and a crop that follows them steadily."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.estimate import Detection
from repose.person import JOINTS
from repose.represent.canvas import Box

NEAR: Final = 0.6
"""How far the joints of a person move between two samples on average, in units of their box's longer side, at most."""

RESIZED: Final = 1.6
"""How many times larger or smaller the box gets between two samples, at most."""

GAP: Final = 2
"""A person may be missed in so many samples in a row; after more of them they count as another person."""

CUT: Final = 45.0
"""A mean difference of two samples, in grey levels, from which the scene has been cut."""

_COLOUR: Final = 0.004  # what a grey level of difference between two trunks counts for, beside the place
_TRUNK: Final = tuple(JOINTS.index(name) for name in ("right_shoulder", "left_shoulder", "right_hip", "left_hip"))
_THUMBNAIL: Final = 24  # pixels to a side, of the picture that tells a cut

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sight:
    """A person on one sample of a clip.

    Attributes:
        sample: its number among the samples of the clip.
        keypoints: (18, 3), pixels of the frame.
        box: left, top, right, bottom.
        colour: the mean colour of the trunk, (3,); NaN where no trunk is located.
        score: how sure the estimator is.
    """

    sample: int
    keypoints: Tensor
    box: tuple[float, float, float, float]
    colour: npt.NDArray[np.float64]
    score: float = 1.0

    @property
    def side(self) -> float:
        """The longer side of the box, pixels."""
        left, top, right, bottom = self.box
        return max(1.0, right - left, bottom - top)


@dataclass
class Track:
    """One person through a clip: every sample on which they were found, in order."""

    sights: list[Sight] = field(default_factory=list)

    @property
    def size(self) -> float:
        """How much of the clip is of this person: the sum of the boxes' longer sides."""
        return sum(sight.side for sight in self.sights)

    @property
    def score(self) -> float:
        """The mean of the sights'."""
        return sum(sight.score for sight in self.sights) / len(self.sights)


class Tracker:
    """Follows everybody through the samples of a clip, which are given one after the other.

    The nearest pair of a known person and a detection is joined first. A cut ends everybody.
    """

    def __init__(self) -> None:
        self._open: list[Track] = []
        self._closed: list[Track] = []
        self._last: npt.NDArray[np.float32] | None = None
        self._count = 0
        self.cuts: list[int] = []

    def add(self, pixels: Pixels, people: Sequence[Detection]) -> None:
        """The next sample and everybody on it."""
        small = _thumbnail(pixels)
        if self._last is not None and float(np.abs(small - self._last).mean()) > CUT:
            self.cuts.append(self._count)
            self._closed += self._open
            self._open = []
        self._last = small
        sights = [
            Sight(self._count, one.keypoints, one.box, _trunk_colour(pixels, one.keypoints), one.score)
            for one in people
        ]
        costs = [
            (cost, number, place)
            for number, track in enumerate(self._open)
            for place, sight in enumerate(sights)
            if (cost := _cost(track.sights[-1], sight)) is not None
        ]
        tracks, found = set[int](), set[int]()
        for _, number, place in sorted(costs):
            if number not in tracks and place not in found:
                tracks.add(number)
                found.add(place)
                self._open[number].sights.append(sights[place])
        self._closed += [track for track in self._open if self._count - track.sights[-1].sample > GAP]
        self._open = [track for track in self._open if self._count - track.sights[-1].sample <= GAP]
        self._open += [Track([sight]) for place, sight in enumerate(sights) if place not in found]
        self._count += 1

    def finish(self) -> list[Track]:
        """Everybody, in the order in which they appeared."""
        tracks, self._closed, self._open = self._closed + self._open, [], []
        return sorted(tracks, key=lambda track: (track.sights[0].sample, -track.sights[0].side))


def steady(boxes: Sequence[Box], samples: Sequence[int], size: tuple[int, int], reach: int) -> list[Box]:
    """Boxes that follow a person without a jump: as large as the largest one near in time, on a smoothed centre.

    Each encloses the box that it replaces, as far as rounding allows, and lies inside the frame where it goes in.

    Args:
        boxes: (top, left, height, width) around the person on each sample, all of the same proportions.
        samples: their numbers, ascending. size: (height, width) of the frames.
        reach: how many samples before and after count.
    """
    times = np.array(samples)
    table = np.array(boxes, dtype=np.float64)
    near = np.abs(times[:, None] - times[None]) <= reach  # (N, N)
    largest = np.array([table[row, 2].max() for row in near])
    weights = np.exp(-2 * ((times[:, None] - times[None]) / max(1, reach)) ** 2) * near
    weights /= weights.sum(1, keepdims=True)
    heights = np.maximum(weights @ largest, table[:, 2])
    centres = weights @ (table[:, :2] + table[:, 2:] / 2)
    return [
        _around(box, height, (middle[0], middle[1]), size)
        for box, height, middle in zip(boxes, heights.tolist(), centres.tolist(), strict=True)
    ]


def visible_tracks(tracks: Sequence[Track], people: str) -> Iterator[tuple[int, Track]]:
    """(number, track) of those that are wanted: "all", or the "largest" one."""
    chosen = range(len(tracks)) if people == "all" else [max(range(len(tracks)), key=lambda k: tracks[k].size)]
    return ((number, tracks[number]) for number in (chosen if tracks else []))


# -- inside ---------------------------------------------------------------------------------------------------------


def _cost(before: Sight, now: Sight) -> float | None:
    """How unlikely it is that these are the same person; None if they are not."""
    ratio = now.side / before.side
    skipped = now.sample - before.sample
    both = (before.keypoints[:, 2] > 0) & (now.keypoints[:, 2] > 0)
    if not RESIZED**-skipped <= ratio <= RESIZED**skipped or not bool(both.any()):
        return None
    moved = (before.keypoints[both, :2] - now.keypoints[both, :2]).norm(dim=1).mean()
    distance = float(moved) / max(before.side, now.side)
    if distance > NEAR * skipped:
        return None
    colours = float(np.abs(before.colour - now.colour).mean())
    return distance + (0.0 if np.isnan(colours) else _COLOUR * colours)


def _trunk_colour(pixels: Pixels, keypoints: Tensor) -> npt.NDArray[np.float64]:
    points = keypoints[list(_TRUNK)]
    located = points[points[:, 2] > 0, :2]
    if len(located) < 3:
        return np.full(3, np.nan)
    low, high = located.amin(0), located.amax(0)
    (left, top), (right, bottom) = (low + 0.25 * (high - low)).tolist(), (high - 0.25 * (high - low)).tolist()
    part = pixels[max(0, int(top)) : int(bottom) + 2, max(0, int(left)) : int(right) + 2]
    return part.reshape(-1, 3).mean(0) if part.size else np.full(3, np.nan)


def _thumbnail(pixels: Pixels) -> npt.NDArray[np.float32]:
    small = torch.from_numpy(pixels[::4, ::4].astype(np.float32)).movedim(-1, 0)[None]
    thumbnail: npt.NDArray[np.float32] = torch.nn.functional.adaptive_avg_pool2d(small, _THUMBNAIL)[0].numpy()
    return thumbnail


def _around(box: Box, height: float, middle: tuple[float, float], size: tuple[int, int]) -> Box:
    """A box of this height on this middle, or as near to it as it must be to enclose `box`; moved into the frame."""
    top, left, rows, columns = box
    new_rows = max(rows, round(height))
    new_columns = max(columns, round(new_rows * columns / rows))
    first_row = _between(middle[0] - new_rows / 2, top + rows - new_rows, top)
    first = _between(middle[1] - new_columns / 2, left + columns - new_columns, left)
    if new_rows <= size[0]:
        first_row = _between(first_row, 0, size[0] - new_rows)
    if new_columns <= size[1]:
        first = _between(first, 0, size[1] - new_columns)
    return first_row, first, new_rows, new_columns


def _between(value: float, least: int, most: int) -> int:
    return min(max(round(value), least), most)
