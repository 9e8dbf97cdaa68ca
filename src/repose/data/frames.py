"""Videos, and folders of their frames -> a store: sampled in time, everybody followed, the person cropped steadily."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from torch import Tensor

from repose.data.clips import Clip, clips_in, problem_of
from repose.data.datasets import DataSet, ProgressFunction, Setting
from repose.data.packing import Packer, Refused
from repose.data.photographs import VALIDATION_PAIRS
from repose.data.records import Framing, JointEstimator, Pixels
from repose.data.splits import held_out, pair_lists, split_people
from repose.data.store import Report, StoreWriter, remove_partial
from repose.data.tracking import Track, Tracker, steady, visible_tracks
from repose.estimate import Cached
from repose.images import ImageError
from repose.names import nearest
from repose.represent.canvas import Box

LICENCE: Final = "unknown: ask whoever filmed the videos"
SMALLEST: Final = 0.5
"""The height of the crop in the frame, a share of the store's, at least: a smaller person would be enlarged twice."""

PEOPLE: Final = ("all", "largest")
_DETECTIONS: Final = "detections"  # a folder in the unfinished store
_STEADY: Final = 2.0  # seconds before and after that decide a crop


@dataclass(frozen=True)
class Frames:
    """Settings of `prepare_frames`."""

    places: Annotated[tuple[Path, ...], Setting("Videos, or folders of videos or of frames.")]
    fps: Annotated[float, Setting("Frames a second that are taken.")] = 3.0
    every: Annotated[float | None, Setting("Seconds from one frame to the next; instead of --fps.")] = None
    rate: Annotated[float, Setting("Frames a second of folders of frames, which do not say it.")] = 25.0
    people: Annotated[str, Setting("Everybody (all), or of each clip the person who fills most of it (largest).")] = (
        "all"
    )
    shortest: Annotated[int, Setting("Frames on which a person must be found.", least=2)] = 4
    least_score: Annotated[
        float,
        Setting("The mean score of a person, at least: MoveNet gives trees 0.4 and people 0.6.", flag="--least-score"),
    ] = 0.45
    pose: Annotated[str, Setting("The estimator of key points.")] = "movenet"
    size: Annotated[tuple[int, int], Setting("Of the store; the person is cropped to these proportions.")] = (256, 176)
    fields: Annotated[str, Setting("Estimated in addition: mask, parsing, iuv, with commas between.")] = ""
    background: Annotated[str, Setting("What is behind the person: keep, white or grey.")] = "keep"
    validation: Annotated[int | None, Setting("Clips, or people, for validation; by default a tenth.", least=0)] = None
    test: Annotated[int | None, Setting("Clips, or people, for the test; by default a tenth.", least=0)] = None
    hold_out: Annotated[
        float,
        Setting(
            "A share of everybody's own frames, in two stretches of time, is the test, in place of whole clips or "
            "people (0.2).",
            flag="--hold-out",
        ),
    ] = 0.0
    pairs: Annotated[int, Setting("Pairs in the list of validation, and in that of the test, at most.", least=1)] = (
        VALIDATION_PAIRS
    )
    seed: Annotated[int, Setting("Of the draw of clips or people, and of pairs.")] = 0


def prepare_frames(
    settings: Frames, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report:
    """Pack videos into the store `out`; arguments and more errors: `repose.data.datasets.Prepare`.

    Each person is followed from sample to sample by place, size and colour (`repose.data.tracking`). Whoever is lost
    for three samples, or by a cut, is another person afterwards. The crop follows the person smoothly. Of three clips
    or more, whole clips are for validation and test, as one human may appear twice in a clip; else people are. With
    `hold_out`, stretches of everybody's frames are (`repose.data.splits.held_out`).

    Raises:
        FileNotFoundError: there is nothing of a name.
        ImportError: PyAV, which reads videos, is not installed.
        ValueError: there is no clip, or a setting is wrong.
    """
    framing = Framing.parsed(settings.size, settings.fields, settings.background)
    every = _seconds(settings)
    if settings.people not in PEOPLE:
        raise ValueError(f"--people is all or largest, not '{settings.people}'; {nearest(settings.people, PEOPLE)}")
    clips = clips_in(settings.places)
    joints = JointEstimator(settings.pose)
    provenance = {
        "clips": [clip.name for clip in clips],
        "every": every,
        "rate": settings.rate,
        "people": settings.people,
        "shortest": settings.shortest,
        "least_score": settings.least_score,
        "validation": settings.validation,
        "test": settings.test,
        "pairs": settings.pairs,
        "seed": settings.seed,
        **({"hold_out": settings.hold_out} if settings.hold_out else {}),
        "keypoints": joints.network.name,
        **framing.facts(),
    }
    if fresh:
        remove_partial(out)
    with StoreWriter(out, *settings.size, "frames", LICENCE, provenance, resume=True) as writer:
        followed = _Followed(settings, framing, every, Cached(joints.network, writer.partial / _DETECTIONS), writer)
        plans = [plan for clip in clips for plan in followed.plans(clip)]
        splits = _splits(settings, clips, plans)
        packer = Packer(writer, sum(len(plan.boxes) for plan in plans), progress)
        for clip in clips:
            mine = [plan for plan in plans if plan.clip is clip]
            if all(name in writer.written for plan in mine for name in plan.names()):
                _skip(packer, mine, splits)
            else:
                _pack(packer, clip, mine, splits, framing, every, settings.rate)
        report = writer.finish(pair_lists(writer, settings.seed, settings.pairs))
    shutil.rmtree(report.folder / _DETECTIONS, ignore_errors=True)
    return report


FRAMES: Final = DataSet(
    Frames,
    prepare_frames,
    about="Videos, or folders of their frames: sampled in time (--fps), everybody followed through the clip, the "
    "person cropped by a box that moves steadily, the background removed on request (--background).\n\n"
    "A person of the store is one human from the moment they are found to the moment they are lost, so one human may "
    "be several people. Of three clips or more, whole clips are for validation and test. People who are seen on few "
    "frames or too small are left out, and meta.json says why. Videos need PyAV (the extra video).",
    title=lambda settings: settings.places[0].resolve().stem if settings.places else "frames",
    examples=(
        "frames dance.mp4 -o data/dance",
        "frames clips/ --every 0.5 --background white --fields mask -o data/clips",
        "frames frames/ --rate 30 --people largest --size 1024x1024 -o data/square",
    ),
    announce=lambda settings: "people are found on all frames first; the bar appears when they are followed",
)


@dataclass(frozen=True)
class _Plan:
    """One person of a clip: what is cut out of which frames."""

    clip: Clip
    person: str
    numbers: tuple[int, ...]  # of the frames
    boxes: tuple[Box, ...]
    keypoints: tuple[Tensor, ...]

    def name(self, place: int) -> str:
        """Of a record."""
        return f"{self.person}_{self.numbers[place]:06d}.png"

    def names(self) -> Iterator[str]:
        """Of all records."""
        return (self.name(place) for place in range(len(self.numbers)))


@dataclass
class _Followed:
    """Finds and follows the people of a clip."""

    settings: Frames
    framing: Framing
    every: float
    network: Cached
    writer: StoreWriter

    def plans(self, clip: Clip) -> list[_Plan]:
        """Everybody who is used; the report has the others."""
        tracker, numbers, size = Tracker(), [], (0, 0)
        try:
            for number, pixels in clip.sampled(self.every, self.settings.rate):
                if size not in ((0, 0), pixels.shape[:2]):
                    self.writer.leave_out(clip.name, "frames of several sizes", f"frame {number} and the first one")
                    break
                size = (pixels.shape[0], pixels.shape[1])
                tracker.add(pixels, self.network.people(pixels))
                numbers.append(number)
        except ImageError as error:
            text = problem_of(clip, error)
            self.writer.leave_out(clip.name, "broken clip", f"from frame {len(numbers)} of those taken on: {text}")
        tracks = tracker.finish()
        if numbers and not tracks:
            self.writer.leave_out(clip.name, "nobody found", f"on {len(numbers)} frames")
        plans = (self._plan(clip, k, track, numbers, size) for k, track in visible_tracks(tracks, self.settings.people))
        return [plan for plan in plans if plan is not None]

    def _plan(self, clip: Clip, place: int, track: Track, numbers: list[int], size: tuple[int, int]) -> _Plan | None:
        person = f"{clip.name}_p{place}"
        seen = f"frames {numbers[track.sights[0].sample]} to {numbers[track.sights[-1].sample]}"
        if len(track.sights) < self.settings.shortest:
            self.writer.leave_out(person, "seen too briefly", f"on {len(track.sights)} samples, {seen}")
            return None
        if track.score < self.settings.least_score:
            self.writer.leave_out(person, "doubtful", f"mean score {track.score:.2f}, {seen}")
            return None
        reach = max(1, round(_STEADY / self.every))
        own = [self.framing.around(sight.keypoints, size) for sight in track.sights]
        boxes = steady(own, [sight.sample for sight in track.sights], size, reach)
        tallest = max(box[2] for box in boxes)
        if tallest < SMALLEST * self.settings.size[0]:
            least = round(SMALLEST * self.settings.size[0])
            self.writer.leave_out(person, "too small", f"{tallest} pixels high at most, {least} are needed, {seen}")
            return None
        frames = tuple(numbers[sight.sample] for sight in track.sights)
        return _Plan(clip, person, frames, tuple(boxes), tuple(sight.keypoints for sight in track.sights))


def _seconds(settings: Frames) -> float:
    """Seconds from one frame to the next."""
    every = 1 / settings.fps if settings.every is None and settings.fps > 0 else settings.every
    if every is None or every <= 0 or settings.rate <= 0:
        raise ValueError("--fps, --every and --rate are above 0: frames a second, or seconds from frame to frame")
    return every


def _splits(settings: Frames, clips: list[Clip], plans: list[_Plan]) -> dict[str, str]:
    """Name of a record -> split."""
    if settings.hold_out:
        return {
            name: "test" if out else "train"
            for plan in plans
            for name, out in zip(plan.names(), held_out(len(plan.numbers), settings.hold_out), strict=True)
        }
    used = [clip.name for clip in clips if any(plan.clip is clip for plan in plans)]
    of_clips = len(used) >= 3
    units = used if of_clips else [plan.person for plan in plans]
    drawn = split_people(units, settings.validation, settings.test, settings.seed)
    return {name: drawn[plan.clip.name if of_clips else plan.person] for plan in plans for name in plan.names()}


def _skip(packer: Packer, plans: list[_Plan], splits: dict[str, str]) -> None:
    """Records of an interrupted run are there: nothing is read again."""
    for plan in plans:
        for name in plan.names():
            packer.add(name, plan.person, splits[name], _never)


def _pack(
    packer: Packer, clip: Clip, plans: list[_Plan], splits: dict[str, str], framing: Framing, every: float, rate: float
) -> None:
    """The records of a clip, in the order of its frames."""
    wanted: dict[int, list[tuple[_Plan, int]]] = {}
    for plan in plans:
        for place, number in enumerate(plan.numbers):
            wanted.setdefault(number, []).append((plan, place))
    left = len(wanted)
    for number, pixels in clip.sampled(every, rate):
        for plan, place in wanted.get(number, ()):
            read = partial(_read, framing, pixels, plan.keypoints[place], plan.boxes[place])
            name = plan.name(place)
            packer.add(name, plan.person, splits[name], read)
        left -= number in wanted
        if not left:  # what comes after may be broken
            return


def _read(framing: Framing, pixels: Pixels, keypoints: Tensor, box: Box) -> dict[str, Any]:
    return framing.record(pixels, keypoints, box)


def _never() -> dict[str, Any]:
    raise Refused("gone", "the record of an interrupted run is not there any more")
