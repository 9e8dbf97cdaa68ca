"""Cut the people of video clips out, upright, one person a picture: photographs for `repose research photographs`.

    python scripts/crop_people.py clip.mp4 other.mp4 --out out/crops

Writes CLIP-PERSON_FRAME.jpg at the clip's own resolution, and a contact sheet of each clip, which is to be looked at:
the names say who is the same person, and the tracker may err. MoveNet looks for people in every `--every`-th frame. A
person is followed from frame to frame by the overlap of the boxes and the colour of the trunk; whoever is out of sight
for longer than `--lost` seconds comes back under a new name. A crop is written where the trunk, head and foot, and
thirteen joints or more are located, the person is high enough, and nobody else stands in the crop. Reading clips needs
PyAV (`pip install av`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.progress import track as shown_progress

from repose.draw.sheet import reduced, sheet
from repose.estimate import Detection, estimator
from repose.images import write_picture
from repose.person import JOINTS

Picture = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""

TRUNK = [JOINTS.index(f"{side}_{joint}") for side in ("right", "left") for joint in ("shoulder", "hip")]
FEWEST = 13
"""Located joints that a crop must show."""

OVERLAP = 0.5
"""Intersection of two boxes that may be one person's, over the smaller one."""

ENDS = [[JOINTS.index(f"{side}_{joint}") for side in ("right", "left")] for joint in ("ear", "ankle")]
"""Of each pair one joint must be located: a crop shows a person from head to feet."""

COLOUR = 40.0
"""Grey levels of a channel by which the trunk's colours of one person may differ."""

SEEN = 0.85
"""Share of a crop's width that the frame must show: whoever walks out of it is no whole person."""

ASPECT = 176 / 256
"""Width over height of a crop."""


@dataclass
class Sighting:
    """One person in one frame.

    Attributes:
        frame: its number. box: around the person. pose: (18, 3) joints, in heights of the box from its upper left
            corner. colour: of the trunk, (3,). crop: None if it is not to be kept.
    """

    frame: int
    box: Box
    pose: npt.NDArray[np.float64]
    colour: npt.NDArray[np.float64]
    crop: Picture | None


@dataclass
class Track:
    """What is taken for one person."""

    sightings: list[Sighting] = field(default_factory=list)
    open: bool = True

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    @property
    def colour(self) -> npt.NDArray[np.float64]:
        """The trunk's colour over the last sightings."""
        colour: npt.NDArray[np.float64] = np.median([one.colour for one in self.sightings[-9:]], axis=0)
        return colour


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--out", type=Path, required=True, help="Folder of the crops.")
    parser.add_argument("--every", type=int, default=4, help="Look at every N-th frame (4).")
    parser.add_argument("--height", type=int, default=200, help="Pixels that a person must be high at least (200).")
    parser.add_argument("--lost", type=float, default=0.7, help="Seconds out of sight that end a person's name (0.7).")
    parser.add_argument(
        "--moved", type=float, default=0.06,
        help="A crop is left out if no joint moved by this share of the height since one that was kept (0.06).",
    )  # fmt: skip
    parser.add_argument("--fewest", type=int, default=4, help="Crops of a person at least; fewer are left out (4).")
    parser.add_argument("--one-person", action="store_true", help="Whoever is high enough is the same person.")
    options = parser.parse_args(words)
    options.out.mkdir(parents=True, exist_ok=True)
    for clip in options.clips:
        try:
            tracks = follow(clip, options.every, options.height, options.lost)
        except (OSError, ValueError, ImportError) as error:
            print(f"{clip}: {error}", file=sys.stderr)
            return 1
        if options.one_person and tracks:
            everything = sorted((one for track in tracks for one in track.sightings), key=lambda one: one.frame)
            tracks = [Track(everything)]
        kept = [crops for track in tracks if len(crops := written(track, options.moved)) >= options.fewest]
        name = clip.stem.replace("_", "-")
        for file in options.out.glob(f"{name}-*_*.jpg"):  # of an earlier call
            file.unlink()
        rows = [write(crops, f"{name}-{number}", options.out) for number, crops in enumerate(kept)]
        if rows:
            labels = [str(number) for number in range(len(rows))]
            write_picture(options.out / f"{name}.sheet.png", sheet(rows, labels=labels))
        print(f"{clip}: {len(kept)} people, {sum(map(len, kept))} crops in {options.out}")
    return 0


def frames(clip: Path, every: int) -> tuple[float, Iterator[tuple[int, Picture]]]:
    """Frames a second, and every N-th frame with its number.

    Raises:
        ImportError: PyAV is not installed. OSError, ValueError: the clip cannot be read.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError("reading clips needs PyAV, which is not installed: pip install av") from error
    container: Any = av.open(str(clip))
    if not container.streams.video:
        raise ValueError("there is no video in this file")
    stream = container.streams.video[0]

    def read() -> Iterator[tuple[int, Picture]]:
        for number, frame in enumerate(container.decode(stream)):
            if number % every == 0:
                yield number, frame.to_ndarray(format="rgb24")

    return float(stream.average_rate or 25), read()


def follow(clip: Path, every: int, height: int, lost: float) -> list[Track]:
    """The people of a clip, each with their sightings."""
    look = estimator("movenet")
    rate, pictures = frames(clip, every)
    tracks: list[Track] = []
    for number, picture in shown_progress(pictures, description=clip.name):
        people = look.people(picture)
        seen = [
            Sighting(number, one.box, pose_of(one), trunk_colour(picture, one), crop_of(picture, one, people, height))
            for one in people
        ]
        open_tracks = [track for track in tracks if track.open and number - track.last.frame <= lost * rate + every]
        for sighting in assigned(open_tracks, seen):
            tracks.append(Track([sighting]))
    return tracks


def assigned(tracks: list[Track], seen: list[Sighting]) -> list[Sighting]:
    """Give each sighting to the track that it continues; returns those that continue none.

    Where two tracks could go on in one place, or one in two, nobody can say who is who: both end. A track in whose
    place somebody else is seen ends, too.
    """
    close = [
        (overlap(track.last.box, one.box), k, n)
        for k, track in enumerate(tracks)
        for n, one in enumerate(seen)
        if overlap(track.last.box, one.box) > OVERLAP
    ]
    alike = [
        (k, n) for _, k, n in sorted(close, reverse=True) if np.abs(tracks[k].colour - seen[n].colour).max() < COLOUR
    ]
    doubtful = {(k, n) for k, n in alike for i, j in alike if (i == k) != (j == n)}
    certain = [pair for pair in alike if pair not in doubtful]
    going_on = {k for k, _ in certain}
    for k in {k for _, k, _ in close} - going_on:
        tracks[k].open = False
    for k, n in certain:
        tracks[k].sightings.append(seen[n])
    return [one for n, one in enumerate(seen) if n not in {m for _, m in certain}]


def overlap(one: Box, other: Box) -> float:
    """The area that two boxes share, over that of the smaller one."""
    across = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    down = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return across * down / max(1e-9, smaller)


def trunk_colour(picture: Picture, person: Detection) -> npt.NDArray[np.float64]:
    """The median colour (3,) of the box around the located joints of the trunk, or of the whole box without such."""
    points = person.keypoints[TRUNK].numpy()
    points = points[points[:, 2] > 0, :2]
    left, top, right, bottom = person.box
    if len(points) >= 3:
        (left, top), (right, bottom) = points.min(0), points.max(0)
    rows = slice(max(0, int(top)), max(int(top) + 4, int(bottom)))
    part = picture[rows, max(0, int(left)) : max(int(left) + 4, int(right))]
    colour: npt.NDArray[np.float64] = np.median(part.reshape(-1, 3), axis=0)
    return colour


def crop_of(picture: Picture, person: Detection, everybody: Sequence[Detection], height: int) -> Picture | None:
    """The surroundings of a person, 256x176 in proportion, as far as the frame goes; None if not to be kept."""
    joints = person.keypoints
    left, top, right, bottom = person.box
    if bool((joints[TRUNK, 2] <= 0).any()) or int((joints[:, 2] > 0).sum()) < FEWEST or bottom - top < height:
        return None
    if any(bool((joints[ends, 2] <= 0).all()) for ends in ENDS):
        return None
    tall = 1.1 * max(bottom - top, (right - left) / ASPECT)
    middle, centre = (top + bottom) / 2, (left + right) / 2
    box = (centre - tall * ASPECT / 2, middle - tall / 2, centre + tall * ASPECT / 2, middle + tall / 2)
    for other in everybody:
        if other is not person and inside(other.box, box) > 0.15:
            return None
    if min(box[2], picture.shape[1]) - max(box[0], 0.0) < SEEN * (box[2] - box[0]):
        return None
    x, y, x2, y2 = (round(value) for value in box)
    return np.ascontiguousarray(picture[max(0, y) : y2, max(0, x) : x2])


def inside(box: Box, frame: Box) -> float:
    """How much of `frame` a box covers, 0 to 1."""
    across = max(0.0, min(box[2], frame[2]) - max(box[0], frame[0]))
    down = max(0.0, min(box[3], frame[3]) - max(box[1], frame[1]))
    return across * down / ((frame[2] - frame[0]) * (frame[3] - frame[1]))


def pose_of(person: Detection) -> npt.NDArray[np.float64]:
    """The joints (18, 3) in heights of the box, from its upper left corner."""
    left, top, _, bottom = person.box
    pose: npt.NDArray[np.float64] = person.keypoints.numpy().astype(np.float64)
    pose[:, :2] = (pose[:, :2] - (left, top)) / max(1.0, bottom - top)
    return pose


def moved(one: Sighting, other: Sighting) -> float:
    """How far the joint that moved the most is, in heights of the person; of joints located in both."""
    both = (one.pose[:, 2] > 0) & (other.pose[:, 2] > 0)
    return float(np.linalg.norm(one.pose[both, :2] - other.pose[both, :2], axis=1).max(initial=0.0))


def written(track: Track, least: float) -> list[Sighting]:
    """The sightings of which a crop is kept: each differs by `least` at least from those before."""
    kept: list[Sighting] = []
    for one in track.sightings:
        if one.crop is not None and all(moved(one, other) >= least for other in kept):
            kept.append(one)
    return kept


def write(kept: Sequence[Sighting], name: str, out: Path) -> list[Picture]:
    """Write the crops of a person; returns twelve of them, spread over the clip, for the contact sheet."""
    for one in kept:
        assert one.crop is not None
        write_picture(out / f"{name}_{one.frame:04d}.jpg", Image.fromarray(one.crop), quality=95)
    chosen = [kept[k] for k in np.unique(np.linspace(0, len(kept) - 1, 12).round().astype(int))]
    return [reduced(one.crop, 192) for one in chosen if one.crop is not None]


if __name__ == "__main__":
    sys.exit(main())
