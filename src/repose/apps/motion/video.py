"""`repose.apps.video`: the person of a photograph in the motion of a clip."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.apps.motion.camera import camera_number, record
from repose.apps.motion.encoding import Container, container_of, join, require_av, write_segment
from repose.apps.motion.following import Motion, follow_frames, follow_joints, motion_of_array
from repose.apps.motion.frames import frames
from repose.apps.motion.parts import SEGMENT, Parts, file_key
from repose.apps.motion.placing import Placed, place_motion
from repose.apps.motion.scene import ClipScene, clip_scene, with_room_for
from repose.apps.motion.smoothing import SPAN, steadied
from repose.apps.motion.sound import has_sound, sound_of
from repose.apps.motion.sources import ahead, kind_of_clip
from repose.estimate import Cached, KeypointEstimator, MaskEstimator, NobodyFound, estimator
from repose.images import ImageLike, save_image
from repose.person import Person
from repose.pipeline import Joints, Model, covering, load, read_background, read_person, require_mask, with_mask
from repose.represent.choosing import Which
from repose.represent.pose_files import MIN_SCORE
from repose.scene import Background
from repose.scene.room import share_beyond

Progress = Callable[[str, int, int | None], None]
"""(what is done, steps done, all steps or None where nobody knows them)."""

LONGEST: Final = 1280
"""The longer side of the pictures, pixels, where nothing else is said."""

_BEYOND: Final = 0.03
"""The share of a figure beyond the photograph that is worth a note."""

_LOOKED: Final = 200  # frames that are looked at for it


@dataclass(frozen=True)
class Clip:
    """What was written.

    Attributes:
        path: of the file or folder. frames: how many. seconds: it lasts. height, width: of its pictures, pixels.
        joints: (N, 18, 3) of the figure, in these pixels. contacts: (N, 2), whether right and left foot stand.
        sound: whether it has the sound of the clip. resumed: whether a killed run was continued.
    """

    path: Path
    frames: int
    seconds: float
    height: int
    width: int
    joints: Tensor
    contacts: npt.NDArray[np.bool_]
    sound: bool = False
    resumed: bool = False


def video(
    source: ImageLike,
    clip: str | Path | int | npt.NDArray[np.generic] | Tensor,
    *,
    out: str | Path,
    model: Model | str | Path = "default",
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    target_which: Which = "largest",
    mask: MaskEstimator | str | None = "auto",
    background: str | Path | ImageLike = "keep",
    room: bool = False,
    source_keypoints: Joints = None,
    min_score: float = MIN_SCORE,
    follow: bool = False,
    smooth: bool = True,
    rate: float = 25.0,
    seconds: float | None = None,
    size: int = LONGEST,
    sound: bool = True,
    progress: Progress | None = None,
) -> Clip:
    """Put the person of a photograph into the motion of a clip, and write a clip.

    The frames keep the times of the clip, and a video its sound. The figure has the photograph's build and one size
    throughout; its joints are smoothed in time, and gaps are bridged (`smoothing`); feet that stand stay on their spot
    (`placing`). Memory does not grow with the clip: joints come first, then pictures, frame by frame. A run that is
    killed leaves OUT.parts/, and the same call goes on from there.

    Args:
        source: the photograph: path, PIL image, array or tensor.
        clip: a video; an animated GIF, WebP or PNG; a folder of frames; a keypoint file with a pose a frame, or a
            folder of them; joints (frames, 18, 3); or the number of a camera (`seconds` of it are recorded first).
        out: the file: .mp4, .mov, .webm, .gif or .webp; without a suffix a folder of PNG files.
        model, pose, which, mask, background, room, source_keypoints, min_score: see `repose.transfer`.
            "transparent" needs a .webp or a folder.
        target_which: of several people in the clip: the "largest" over all frames, "best", "left", "right", "middle" in
            the mean of the frames, or a number, 0 the largest.
        follow: the figure crosses the photograph as the person crosses the clip; else it stays where it stands.
        smooth: False transfers frame by frame, each pose by itself, as `repose.transfer` does; for comparison.
        rate: frames a second of keypoints and of folders of pictures, which do not say it.
        seconds: of the clip, from its beginning; None takes all of it. A camera records so long, 10 if None.
        size: the longer side of the pictures, at most, pixels; the photograph is scaled down.
        sound: False leaves the sound of the clip away.
        progress: told what is done.

    Returns:
        What was written; pictures are in the file alone.

    Warns:
        UserWarning: part of the figure leaves the photograph, and how much on how many frames.

    Raises:
        FileNotFoundError, ImageError, FormatError: the clip or the photograph cannot be read.
        NobodyFound: nobody is in the photograph or in the clip, or not the one asked for.
        ImportError: PyAV is not installed (the extra `video`), and the clip or the result is a video.
        ValueError: what is wrong, where, and what to do.
    """
    out = Path(out)
    container = container_of(out)
    if rate <= 0 or (seconds is not None and seconds <= 0) or size < 32:
        raise ValueError("rate and seconds are above 0, and size is 32 pixels or more")
    behind = read_behind(background, mask, out, container)
    camera = camera_number(clip)
    place = None if isinstance(clip, np.ndarray | Tensor) or camera is not None else Path(str(clip))
    kind = "joints" if place is None else kind_of_clip(place)
    if kind == "video" or camera is not None:
        require_av(Path(str(clip)) if place is None else place)
    loaded = model if isinstance(model, Model) else load(model)
    person = photograph_of(source, pose, which, source_keypoints, min_score, size)
    work = {
        "photograph": _key(person), "clip": _clip_key(clip, place, camera), "model": [loaded.name, str(loaded.device)],
        "settings": [follow, room, smooth, rate, seconds, size, str(target_which), str(mask), str(background)[:200],
                     min_score, pose if isinstance(pose, str) else pose.name, container.suffix],
    }  # fmt: skip
    parts = Parts(out, work)
    if camera is not None:
        try:
            place = record(camera, parts.folder / "camera.mkv", seconds or 10.0, progress)
        except OSError:
            parts.remove()
            raise
    known = parts.read_joints()
    if known is None:
        try:
            motion = _motion(clip, place, kind if camera is None else "video", pose, target_which, rate, min_score,
                             seconds, parts, progress)  # fmt: skip
        except (ValueError, ImportError, FileNotFoundError):  # the clip is wrong: the same call would fail again
            parts.remove()
            raise
        assert person.keypoints is not None
        assert person.size is not None
        placed = placed_motion(motion, person.keypoints, person.size, follow, smooth)
        parts.write_joints(placed, motion.times, motion.lasts)
        known = placed, motion.times, motion.lasts
    placed, times, lasts = known
    if room:
        person, joints = with_room_for(loaded.scene(with_mask(person, mask)), placed.joints)
        placed = replace(placed, joints=joints)
    note_beyond(person, placed.joints)
    scene = clip_scene(loaded, with_mask(person, mask), placed.joints, steady=smooth)
    back = behind if isinstance(behind, str) else covering(behind, scene.scene.placement.size)
    write = _write_pictures if not container.suffix else _write_file
    heard = sound and place is not None and kind == "video" and camera is None and bool(container.sound)
    heard = heard and place is not None and has_sound(place)
    write(out, loaded, scene, placed.joints, times, lasts, back, container, parts, place if heard else None, progress)
    parts.remove()
    height, width = scene.scene.placement.size
    return Clip(
        out, len(times), float(lasts.sum()), height, width, placed.joints, placed.contacts, heard, parts.resumed
    )


def placed_motion(motion: Motion, source: Tensor, size: tuple[int, int], follow: bool, smooth: bool) -> Placed:
    """The figure of every frame in a photograph; see `video`.

    Args:
        source: keypoints (18, 3) in the photograph. size: its (height, width).
    """
    if smooth:
        even = replace(motion, joints=steadied(motion.joints, motion.times, SPAN))
        return place_motion(even, source, size, follow)
    from repose.scene.standing import stand

    joints = np.nan_to_num(np.concatenate([motion.joints, np.isfinite(motion.joints[..., :1])], -1))
    poses = [
        stand(torch.from_numpy(one.astype(np.float32)), source, True, motion.size) if one[:, 2].any() else source
        for one in joints
    ]
    return Placed(torch.stack(poses).float(), np.zeros((len(poses), 2), bool))


def photograph_of(
    source: ImageLike, pose: KeypointEstimator | str, which: Which, keypoints: Joints, min_score: float, size: int
) -> Person:
    """The person of the photograph, scaled down to at most `size`."""
    person = read_person(source, pose, which, keypoints, min_score)
    assert person.size is not None
    height, width = person.size
    if max(height, width) <= size:
        return person
    factor = size / max(height, width)
    return person.resize(max(1, round(height * factor)), max(1, round(width * factor)))


def read_behind(
    background: str | Path | ImageLike, mask: MaskEstimator | str | None, out: Path, container: Container
) -> Background:
    """What is behind the figure, checked with the way it is cut out. ValueError where the file cannot show it."""
    if isinstance(mask, str):
        require_mask(mask)
    behind = read_background(background)
    if isinstance(behind, str) and behind == "transparent" and container.suffix not in ("", ".webp"):
        raise ValueError(f"{out}: nothing can be transparent in it; write a .webp, or a folder of PNG files")
    return behind


def note_beyond(person: Person, joints: Tensor) -> None:
    """Warn once where the figure leaves the photograph."""
    assert person.size is not None
    looked = joints[:: max(1, len(joints) // _LOOKED)]
    shares = np.array([share_beyond(one, person.size) for one in looked])
    beyond = shares > _BEYOND
    if beyond.any():
        warnings.warn(
            f"on {beyond.mean():.0%} of the frames part of the figure lies beyond the photograph, up to "
            f"{shares.max():.0%} of it, and is cut off; --room (room=True in Python) enlarges the photograph",
            stacklevel=3,
        )


# -- inside ---------------------------------------------------------------------------------------------------------


def _motion(
    clip: Any, place: Path | None, kind: str, pose: KeypointEstimator | str, which: Which, rate: float,
    min_score: float, seconds: float | None, parts: Parts, progress: Progress | None,
) -> Motion:  # fmt: skip
    if place is None:
        motion = motion_of_array(clip, rate)
    elif kind == "joints":
        motion = follow_joints(place, which, rate, min_score)
    else:
        network = estimator(pose) if isinstance(pose, str) else pose
        advance = None if progress is None else lambda done, total: progress("following", done, total)
        try:
            return follow_frames(place, Cached(network, parts.detections), which, rate, advance, seconds)
        except NobodyFound as error:
            if seconds is None:
                raise
            raise NobodyFound(f"{error}; only the first {seconds:g} s were read (--seconds)") from error
    kept = len(motion) if seconds is None else int((motion.times < seconds).sum())
    return replace(motion, joints=motion.joints[:kept], times=motion.times[:kept], lasts=motion.lasts[:kept])


def _write_file(
    out: Path, model: Model, scene: ClipScene, joints: Tensor, times: npt.NDArray[np.float64],
    lasts: npt.NDArray[np.float64], background: Background, container: Container, parts: Parts, sound: Path | None,
    progress: Progress | None,
) -> None:  # fmt: skip
    firsts = range(0, len(times), SEGMENT)
    for segment, first in enumerate(firsts):
        last = min(first + SEGMENT, len(times))
        if not parts.segment(segment).is_file():
            poses = ((number, joints[number]) for number in range(first, last))
            shown = _told(frames(model, scene, poses, background), first, len(times), progress)
            # pictures are computed in a thread of their own while those before them are encoded
            write_segment(parts.segment(segment), ahead(shown), times[first:last].tolist(), lasts[first:last].tolist(),
                          container)  # fmt: skip
    heard = None if sound is None else sound_of(sound, container, float(lasts.sum()))
    join(out, [parts.segment(number) for number in range(len(firsts))], container, lasts.tolist(), heard,
         progress)  # fmt: skip


def _write_pictures(
    out: Path, model: Model, scene: ClipScene, joints: Tensor, times: npt.NDArray[np.float64],
    lasts: npt.NDArray[np.float64], background: Background, container: Container, parts: Parts, sound: Path | None,
    progress: Progress | None,
) -> None:  # fmt: skip
    missing = [number for number in range(len(times)) if not parts.picture(number).is_file()]
    shown = frames(model, scene, ((number, joints[number]) for number in missing), background)
    done = len(times) - len(missing)
    for number, picture in zip(missing, _told(shown, done, len(times), progress), strict=True):
        save_image(parts.picture(number), picture)
    out.mkdir(parents=True, exist_ok=True)
    for number in range(len(times)):
        parts.picture(number).replace(out / parts.picture(number).name)


def _told(
    pictures: Iterator[npt.NDArray[np.uint8]], done: int, total: int, progress: Progress | None
) -> Iterator[npt.NDArray[np.uint8]]:
    if progress is not None:
        progress("posing", done, total)
    for number, picture in enumerate(pictures, done + 1):
        yield picture
        if progress is not None:
            progress("posing", number, total)


def _key(person: Person) -> list[Any]:
    import hashlib

    assert person.image is not None
    assert person.keypoints is not None
    image = hashlib.sha256(person.image.contiguous().numpy().tobytes()).hexdigest()
    return [image, hashlib.sha256(person.keypoints.contiguous().numpy().tobytes()).hexdigest()]


def _clip_key(clip: Any, place: Path | None, camera: int | None) -> Any:
    import hashlib

    if camera is not None:
        return ["camera", camera]
    if place is not None:
        return file_key(place)
    values = clip.detach().cpu().numpy() if isinstance(clip, Tensor) else clip
    return [values.shape, hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()]


__all__: Sequence[str] = ("Clip", "video")
