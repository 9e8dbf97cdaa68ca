"""The joints of one person through a clip: people are found, followed, joined after gaps, and one of them is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.apps.motion.sources import Frame, ahead, count_of, frames_of
from repose.data.clips import by_number
from repose.data.tracking import Sight, Track, Tracker
from repose.estimate import Detection, KeypointEstimator, NobodyFound
from repose.person import JOINTS
from repose.represent.choosing import WORDS, NoSuchPersonError, Which
from repose.represent.pose_files import MIN_SCORE, FormatError, read_pose_file
from repose.represent.pose_files.arrays import UNIT

Floats = npt.NDArray[np.float64]
Advance = Callable[[int, int | None], None]
"""(frames that are done, all frames or None where nobody knows it)."""

AGAIN: Final = 12
"""Everybody is looked for on every frame of this number; between them only around those who are known."""

_EMPTY: Final = 6  # likewise while nobody is known: a frame without people takes an estimator longest
_CLOSE: Final = 1.4  # side of the square around a known person, in units of the longer side of their box
_FEWEST: Final = 5  # located joints that make a person
_SAME: Final = 0.15  # two people whose joints differ by less, in units of the longer side, are one
_LOST: Final = 3.0  # seconds after which somebody who comes back is not taken for the same person
_STEP: Final = 1.0  # how far somebody moves in a second of absence, in units of the longer side, at most


@dataclass(frozen=True)
class Motion:
    """The joints of one person through a clip.

    Attributes:
        joints: float64 (N, 18, 2), x and y in pixels of the clip; NaN where a joint is not located.
        times: (N,) seconds from the first frame.
        lasts: (N,) seconds that each frame is shown.
        size: (height, width) of the clip, None where it is not known.
    """

    joints: Floats
    times: Floats
    lasts: Floats
    size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.times)


def follow_frames(
    place: Path,
    estimator: KeypointEstimator,
    which: Which = "largest",
    rate: float = 25.0,
    advance: Advance | None = None,
    most: float | None = None,
    near_only: bool = True,
) -> Motion:
    """The joints of one person of a video, an animation or a folder of pictures.

    Everybody is looked for on every `AGAIN`-th frame, and on the next one when somebody is lost; between them the
    estimator sees the surroundings of those who are known alone.

    Args:
        estimator: of joints.
        which: of several people: the "largest" (who fills most of the clip), "best" (by score), "left", "right" or
            "middle" in the mean of the clip, or a number, 0 the largest.
        rate: frames a second of a folder of pictures.
        advance: told the frames that are done.
        most: seconds of the clip that are read; None reads all.
        near_only: False looks for everybody on every frame.

    Raises:
        NobodyFound: nobody is in the clip, or not the one asked for.
        ImageError: the clip cannot be read to its end.
    """
    tracker, last = Tracker(), list[Detection]()
    times, lasts, size = list[float](), list[float](), (0, 0)
    lost = True
    total = None if advance is None else count_of(place)
    for number, frame in enumerate(ahead(_until(frames_of(place, rate), most))):
        pixels = frame.pixels
        if size not in ((0, 0), pixels.shape[:2]):
            sizes = f"{pixels.shape[0]}x{pixels.shape[1]}, those before it {size[0]}x{size[1]} (height x width)"
            remedy = "bring all pictures to one size" if place.is_dir() else "cut the clip there"
            raise ValueError(f"{place}: frame {number}, counted from 0, is {sizes}; {remedy}")
        size = (int(pixels.shape[0]), int(pixels.shape[1]))
        whole = not near_only or number % (AGAIN if last else _EMPTY) == 0 or (lost and bool(last))
        people = estimator.people(pixels) if whole else _near(estimator, pixels, last)
        lost = not whole and len(people) < len(last)
        last = people
        tracker.add(pixels, people)
        times.append(frame.seconds)
        lasts.append(frame.lasts)
        if advance is not None:
            advance(number + 1, None if total is None else max(total, number + 1))
    if advance is not None and times:
        advance(len(times), len(times))
    known = _lasts(np.array(times), np.array(lasts))
    track = chosen_person(tracker.finish(), np.array(times), which, str(place), size)
    return Motion(_joints(track, len(times)), np.array(times), known, size)


def follow_joints(place: Path, which: Which = "largest", rate: float = 25.0, min_score: float = MIN_SCORE) -> Motion:
    """The joints of one person of a keypoint file with a pose a frame, or of a folder of them.

    Frames are in the order of the numbers in their names, else of the file. An .npy file of (frames, N, 2 | 3) is read
    as so many frames of one person.

    Args:
        which: of several people, see `follow_frames`. rate: frames a second. min_score: a joint with a lower score is
            missing.

    Raises:
        FormatError: the file cannot be read. NobodyFound: no frame has a pose.
    """
    if place.is_file() and place.suffix.lower() == ".npy":
        array = _array(place)
        if array.ndim == 3:
            return motion_of_array(array, rate, str(place))
    layers: list[dict[str, Tensor]] = []
    names: list[str] = []
    size = None
    while True:  # the largest of every frame, then the second largest
        missing: list[FormatError] = []
        read = read_pose_file(place, missing.append if layers else "raise", len(layers), None, min_score, shares=True)
        layer = {
            name: person.keypoints
            for name, person in read.poses.items()
            if person.keypoints is not None and bool((person.keypoints[:, 2] > 0).any())
        }
        if not layers:
            names = list(read.poses)
            sizes = {person.size for person in read.poses.values() if person.size is not None}
            size = next(iter(sizes)) if len(sizes) == 1 else None
        if not layer:
            break
        layers.append(layer)
    if not layers:
        raise NobodyFound(f"{place} holds no frame with a pose")
    if all(any(sign.isdecimal() for sign in name) for name in names):
        names = sorted(names, key=lambda name: by_number(Path(name)))
    if len(names) < 2:
        raise ValueError(f"{place} holds one pose, and a clip is wanted: give frames, or use `repose transfer`")
    times = np.arange(len(names)) / rate
    tracker, blank = Tracker(), np.zeros((4, 4, 3), np.uint8)
    for name in names:
        tracker.add(blank, [_detection(layer[name], 1.0) for layer in layers if name in layer])
    track = chosen_person(tracker.finish(), times, which, str(place), size)
    joints = _joints(track, len(names))
    if size == UNIT:  # shares of a picture that nobody knows: a square one
        joints, size = joints * 1000, (1000, 1000)
    return Motion(joints, times, np.full(len(names), 1 / rate), size)


def motion_of_array(array: npt.NDArray[np.generic] | Tensor, rate: float = 25.0, what: str = "the motion") -> Motion:
    """An array of joints (frames, 18, 2 | 3), or of another skeleton that `represent.pose_files.arrays` knows.

    Raises:
        ValueError: another shape.
    """
    from repose.represent.pose_files.arrays import read_array

    values = array.detach().cpu().numpy() if isinstance(array, Tensor) else array
    if values.ndim != 3 or len(values) < 2:
        raise ValueError(
            f"{what} has the shape {values.shape}; joints of a clip are (frames, 18, 3), two frames at least"
        )
    joints = np.stack(
        [_located(read_array(frame, "largest", None, 0.0, what, shares=True)[0].keypoints) for frame in values]
    )
    return Motion(joints, np.arange(len(joints)) / rate, np.full(len(joints), 1 / rate))


def chosen_person(
    tracks: Sequence[Track], times: Floats, which: Which, where: str, size: tuple[int, int] | None
) -> Track:
    """One person of a clip, joined again after gaps.

    Args:
        tracks: of `Tracker.finish`. times: seconds of every frame. where: for errors.

    Raises:
        NobodyFound: there are no tracks, or there is no such person.
        ValueError: `which` is another word.
    """
    if isinstance(which, str) and which not in WORDS:
        raise ValueError(f"which person: {', '.join(map(repr, WORDS))} or a number is wanted, not {which!r}")
    if not tracks:
        raise NobodyFound(
            f"{where}: no person was found on any frame; use a clip in which somebody is seen from head to feet, 60 "
            "pixels tall or more, or give the joints in a file"
        )
    people = sorted(joined(tracks, times), key=lambda track: -track.size)
    if isinstance(which, int):
        if not 0 <= which < len(people):
            known = "only 0 is there" if len(people) == 1 else f"use 0 to {len(people) - 1}, 0 is the largest"
            raise NobodyFound(str(NoSuchPersonError(f"{where}: person {which} was asked for; {known}")))
        return people[which]
    if which == "largest":
        return people[0]
    there = [track for track in people if len(track.sights) >= 0.5 * len(people[0].sights)]  # no passers-by
    if which == "best":
        return max(there, key=lambda track: track.score)
    centres = [float(np.mean([(sight.box[0] + sight.box[2]) / 2 for sight in track.sights])) for track in there]
    if which == "left":
        return there[int(np.argmin(centres))]
    if which == "right":
        return there[int(np.argmax(centres))]
    middle = (min(centres) + max(centres)) / 2 if size is None else size[1] / 2
    return there[int(np.argmin(np.abs(np.array(centres) - middle)))]


def joined(tracks: Sequence[Track], times: Floats) -> list[Track]:
    """Tracks of which one begins where another one was lost shortly before are one person's; the nearest pair first.

    `repose.data.tracking.Tracker` ends a track after three frames without the person.
    """
    pairs = []
    for first, before in enumerate(tracks):
        end = before.sights[-1]
        for second, after in enumerate(tracks):
            begin = after.sights[0]
            gap = float(times[begin.sample] - times[end.sample])
            if begin.sample <= end.sample or gap > _LOST:
                continue
            apart = _apart(end, begin)
            if apart is not None and apart < 0.3 + _STEP * gap:
                pairs.append((apart + gap, first, second))
    follows, taken = dict[int, int](), set[int]()
    for _, first, second in sorted(pairs):
        if first not in follows and second not in taken:
            follows[first] = second
            taken.add(second)
    people = []
    for number in range(len(tracks)):
        if number in taken:
            continue
        sights, at = list(tracks[number].sights), number
        while at in follows:
            at = follows[at]
            sights += tracks[at].sights
        people.append(Track(sights))
    return people


# -- inside ---------------------------------------------------------------------------------------------------------


def _until(frames: Iterable[Frame], most: float | None) -> Iterable[Frame]:
    for frame in frames:
        if most is not None and frame.seconds >= most:
            return
        yield frame


def _lasts(times: Floats, given: Floats) -> Floats:
    """Seconds that each frame is shown: to the next one; the last as long as most."""
    between = np.diff(times)
    usual = float(np.median(between)) if len(between) else 0.04
    last = float(given[-1]) if len(given) and given[-1] > 0 else usual
    lasts: Floats = np.maximum(np.append(between, last), 1e-3)
    return lasts


def _near(estimator: KeypointEstimator, pixels: npt.NDArray[np.uint8], people: Sequence[Detection]) -> list[Detection]:
    """The same people on the next frame, in squares around where they were."""
    if not people:
        return []
    height, width = pixels.shape[:2]
    squares, corners = [], []
    for person in people:
        left, top, right, bottom = person.box
        side = max(16, round(_CLOSE * max(right - left, bottom - top)))
        first, row = round((left + right - side) / 2), round((top + bottom - side) / 2)
        inside = pixels[max(0, row) : max(0, min(height, row + side)), max(0, first) : max(0, min(width, first + side))]
        if not inside.size:
            continue
        square = np.zeros((side, side, 3), np.uint8)
        y, x = max(0, -row), max(0, -first)
        square[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        squares.append(square)
        corners.append((first, row, person.score))
    if not squares:
        return []
    seen: list[Detection] = []
    for joints, (first, row, score) in zip(estimator.crops(squares), corners, strict=True):
        located = joints[:, 2] > 0
        if int(located.sum()) < _FEWEST:
            continue
        points = joints.clone()
        points[located, :2] += torch.tensor([first, row], dtype=points.dtype)
        one = _detection(points, score)
        if not any(_alike(one, other) for other in seen):
            seen.append(one)
    return seen


def _detection(keypoints: Tensor, score: float) -> Detection:
    points = keypoints[keypoints[:, 2] > 0, :2]
    (left, top), (right, bottom) = points.amin(0).tolist(), points.amax(0).tolist()
    room = 0.1 * max(1.0, bottom - top, right - left)
    return Detection(keypoints, (left - room, top - room, right + room, bottom + room), score)


def _alike(one: Detection, other: Detection) -> bool:
    both = (one.keypoints[:, 2] > 0) & (other.keypoints[:, 2] > 0)
    if not bool(both.any()):
        return False
    apart = float((one.keypoints[both, :2] - other.keypoints[both, :2]).norm(dim=1).mean())
    left, top, right, bottom = one.box
    return apart < _SAME * max(right - left, bottom - top)


def _apart(before: Sight, after: Sight) -> float | None:
    """How far two sights are from each other, in units of the longer side; None where they are not of one size."""
    ratio = after.side / before.side
    if not 1 / 2 <= ratio <= 2:
        return None
    first, second = ((np.array(sight.box[:2]) + np.array(sight.box[2:])) / 2 for sight in (before, after))
    return float(np.linalg.norm(second - first)) / max(before.side, after.side)


def _joints(track: Track, count: int) -> Floats:
    joints = np.full((count, len(JOINTS), 2), np.nan)
    for sight in track.sights:
        joints[sight.sample] = _located(sight.keypoints)
    return joints


def _located(keypoints: Tensor | None) -> Floats:
    assert keypoints is not None
    values = keypoints.numpy().astype(np.float64)
    located: Floats = np.where(values[:, 2:] > 0, values[:, :2], np.nan)
    return located


def _array(place: Path) -> npt.NDArray[np.generic]:
    try:
        array: npt.NDArray[np.generic] = np.load(place, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FormatError(place, None, f"the array cannot be read: {error}") from None
    return array
