"""Human3.6M (Ionescu et al. 2014) -> a store, as High-Resolution Pose Transfer uses it: frames without background.

```
FOLDER/
  S1/Videos/Posing.54138969.mp4  "Posing 1.55011271.mp4"       subject, action, take, camera; 50 frames a second
  S1/Videos/Posing.54138969/000001.jpg ...                     or a folder of all its frames
  S1/MySegmentsMat/ground_truth_bs/Posing.54138969.mp4 (.mat)  person masks               (for --masks dataset)
  S1/MyPoseFeatures/D2_Positions/Posing.54138969.cdf           32 joints of every frame   (for --joints dataset)
```

High-Resolution Pose Transfer with Progressive Training, section 4: 3 frames a second, the actions Posing and Greeting
for training and Directions for the test, of all subjects; "we then subtract the background". It says neither how the
person is cropped, nor which colour the background gets, nor which pairs are measured: the crop is a square around the
joints, white, and pairs are drawn by the seed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from torch import Tensor

from repose.data.clips import Clip, by_number, problem_of
from repose.data.datasets import DataSet, ProgressFunction, Setting
from repose.data.human36m_files import Masks, read_joints
from repose.data.packing import Packer, Refused
from repose.data.photographs import VALIDATION_PAIRS, held_out
from repose.data.records import Framing, JointEstimator, Pixels, require_joints
from repose.data.splits import pair_lists
from repose.data.store import Report, StoreWriter, remove_partial
from repose.images import PICTURES, ImageError
from repose.names import nearest

LICENCE: Final = "Human3.6M: its own licence, academic research only; not to be passed on"
RATE: Final = 50.0
"""Frames a second of the videos."""

ORIGINS: Final = ("estimated", "dataset")
_NAME: Final = re.compile(r"(?P<action>[A-Za-z]+)(?: (?P<take>\d+))?\.(?P<camera>\d+)")


@dataclass(frozen=True)
class Human36M:
    """Settings of `prepare_human36m`."""

    folder: Annotated[Path, Setting("Of the data set, with S1/Videos/ACTION.CAMERA.mp4 or folders of their frames.")]
    train: Annotated[str, Setting("Actions for training, with commas between.")] = "Posing,Greeting"
    test: Annotated[str, Setting("Actions for the test.")] = "Directions"
    fps: Annotated[float, Setting("Frames a second that are taken.")] = 3.0
    size: Annotated[tuple[int, int], Setting("Of the store.")] = (1024, 1024)
    background: Annotated[str, Setting("What is behind the person: keep, white or grey.")] = "white"
    masks: Annotated[str, Setting("What the background is removed by: estimated, or the data set's (dataset).")] = (
        "estimated"
    )
    joints: Annotated[
        str, Setting("estimated, as the paper does; or the data set's (dataset), without eyes and ears, by cdflib.")
    ] = "estimated"
    pose: Annotated[str, Setting("The estimator of key points.")] = "movenet"
    fields: Annotated[str, Setting("Stored in addition: mask, parsing, iuv, with commas between.")] = ""
    validation: Annotated[int, Setting("Subjects whose training actions are for validation.", least=0)] = 0
    pairs: Annotated[int, Setting("Pairs in the list of the test (and of validation), at most.", least=1)] = (
        VALIDATION_PAIRS
    )
    seed: Annotated[int, Setting("Of the draw of subjects and pairs.")] = 0


def prepare_human36m(
    settings: Human36M, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report:
    """Pack Human3.6M into the store `out`; arguments and more errors: `repose.data.datasets.Prepare`.

    A subject is a person. Training and test have the same subjects in different actions, as the paper has.

    Raises:
        FileNotFoundError: there are no such folders.
        ImportError: PyAV (videos), cdflib (joints of the data set) or h5py (its masks) is needed and not installed.
        ValueError: there is no video of an action, or a setting is wrong.
    """
    framing = Framing.parsed(settings.size, settings.fields, settings.background)
    for option, word in (("--masks", settings.masks), ("--joints", settings.joints)):
        if word not in ORIGINS:
            raise ValueError(f"{option} is estimated or dataset, not '{word}'; {nearest(word, ORIGINS)}")
    if settings.fps <= 0:
        raise ValueError("--fps is above 0: frames a second")
    recordings = _recordings(Path(settings.folder), settings)
    estimated = JointEstimator(settings.pose)
    subjects = {one.subject for one in recordings if one.split == "train"}
    validated = held_out(subjects, settings.validation, settings.seed)
    given = settings.joints == "dataset"
    facts = framing.facts()
    if settings.masks == "dataset":
        facts["estimators"].pop("mask", None)
    provenance = {
        "train": settings.train,
        "test": settings.test,
        "fps": settings.fps,
        "masks": settings.masks,
        "keypoints": "dataset" if given else estimated.network.name,
        "validation": sorted(validated),
        "pairs": settings.pairs,
        "seed": settings.seed,
        **facts,
    }
    if fresh:
        remove_partial(out)
    with StoreWriter(out, *settings.size, "human36m", LICENCE, provenance, resume=True) as writer:
        packer = Packer(writer, len(recordings), None)
        for done, one in enumerate(recordings):
            if progress is not None:
                progress(done, len(recordings))
            split = "val" if one.split == "train" and one.subject in validated else one.split
            _pack(one, split, packer, writer, settings, framing, estimated)
        if progress is not None:
            progress(len(recordings), len(recordings))
        return writer.finish(pair_lists(writer, settings.seed, settings.pairs))


HUMAN36M: Final = DataSet(
    Human36M,
    prepare_human36m,
    about="Human3.6M as High-Resolution Pose Transfer (HPN) uses it: 3 frames a second, Posing and Greeting for "
    "training, Directions for the test, the background removed, 1024x1024 for the protocol hpn-h36m@1. Videos are "
    "S1/Videos/Posing.54138969.mp4, or folders of frames of the same names; they need PyAV (the extra video).\n\n"
    "The paper does not list its test pairs: they are drawn by --seed. What cannot be used is left out, and meta.json "
    "says why.",
    title=lambda settings: "human36m",
    examples=(
        "human36m h36m -o data/human36m",
        "human36m h36m --masks dataset --joints dataset -o data/human36m",
        "human36m h36m --size 256x256 --train Posing,Greeting,Walking -o data/human36m-256",
    ),
    announce=lambda settings: "the bar counts videos; each gives about 180 frames a minute at 3 a second",
)


# -- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Recording:
    """One take of an action by one camera."""

    subject: str
    action: str
    split: str
    clip: Clip
    folder: Path  # of the subject

    @property
    def title(self) -> str:
        """Of its video, without the ending: "Posing 1.54138969"."""
        return self.clip.name.partition("/")[2]

    def name(self, number: int) -> str:
        """Of a record: "S1_Posing-1.54138969_000016.png"."""
        return f"{self.subject}_{self.title.replace(' ', '-')}_{number:06d}.png"


def _recordings(folder: Path, settings: Human36M) -> list[_Recording]:
    """The videos of the wanted actions, by subject, action, take and camera."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give the folder of Human3.6M, in which S1 lies")
    splits = dict.fromkeys(_words(settings.train), "train") | dict.fromkeys(_words(settings.test), "test")
    both = set(_words(settings.train)) & set(_words(settings.test))
    if both:
        raise ValueError(f"{', '.join(sorted(both))}: an action is for training or for the test, not for both")
    found: list[_Recording] = []
    actions: set[str] = set()
    for subject in sorted((path for path in folder.iterdir() if re.fullmatch(r"S\d+", path.name)), key=by_number):
        videos = subject / "Videos"
        for path in sorted((videos if videos.is_dir() else subject).iterdir(), key=by_number):
            title = path.name if path.is_dir() else path.stem
            match = _NAME.fullmatch(title)
            if match is None or (path.is_file() and path.suffix.lower() != ".mp4"):
                continue
            actions.add(match["action"])
            if match["action"] in splits:
                pictures = _frames(path) if path.is_dir() else ()
                clip = Clip(f"{subject.name}/{title}", path, pictures)
                found.append(_Recording(subject.name, match["action"], splits[match["action"]], clip, subject))
    lacking = [action for action in splits if action not in {one.action for one in found}]
    if lacking:
        seen = f"there are {', '.join(sorted(actions))}" if actions else "videos are S1/Videos/ACTION.CAMERA.mp4"
        raise ValueError(f"{folder} has no video of {', '.join(lacking)}; {seen}")
    return found


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _frames(folder: Path) -> tuple[Path, ...]:
    pictures: Iterable[Path] = (path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    return tuple(sorted(pictures, key=by_number))


def _pack(
    one: _Recording,
    split: str,
    packer: Packer,
    writer: StoreWriter,
    settings: Human36M,
    framing: Framing,
    estimated: JointEstimator,
) -> None:
    """The frames of one video. A video that cannot be used goes into the report as a whole."""
    joints, masks = None, None
    try:
        if settings.joints == "dataset":
            joints = _joints(one)
        if settings.masks == "dataset" and "mask" in framing.estimated:
            masks = Masks(one.folder / "MySegmentsMat" / "ground_truth_bs", one.title)
    except Refused as refused:
        writer.leave_out(one.clip.name, refused.why, refused.detail)
        return
    taken = 0
    try:
        for number, pixels in one.clip.sampled(1 / settings.fps, RATE):
            read = partial(_read, pixels, number, framing, estimated, joints, masks)
            packer.add(one.name(number), one.subject, split, read)
            taken += 1
    except ImageError as error:
        writer.leave_out(one.clip.name, "broken video", f"after {taken} frames: {problem_of(one.clip, error)}")
    if not taken:
        writer.leave_out(one.clip.name, "video without frames")


def _joints(one: _Recording) -> Tensor:
    """The data set's joints of every frame of a video."""
    path = one.folder / "MyPoseFeatures" / "D2_Positions" / f"{one.title}.cdf"
    if not path.is_file():
        raise Refused("no joints of the data set", f"{path.relative_to(one.folder.parent)} is missing")
    return read_joints(path)


def _read(
    pixels: Pixels,
    number: int,
    framing: Framing,
    estimated: JointEstimator,
    joints: Tensor | None,
    masks: Masks | None,
) -> dict[str, Any]:
    if joints is not None and number >= len(joints):
        raise Refused("no joints of the data set", f"its file ends at frame {len(joints) - 1}")
    points = estimated.of(pixels) if joints is None else joints[number]
    mask = None if masks is None else masks.of(number)
    if mask is not None and tuple(mask.shape[-2:]) != pixels.shape[:2]:
        height, width = mask.shape[-2:]
        raise Refused("mask of another size", f"{width}x{height}, the frame has {pixels.shape[1]}x{pixels.shape[0]}")
    require_joints(points)
    return framing.record(pixels, points, framing.around(points, (pixels.shape[0], pixels.shape[1])), mask)
