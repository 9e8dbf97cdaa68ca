"""Frames of whatever moves: a video, an animated GIF, WebP or PNG, a folder of pictures."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import PIL.Image

from repose.data.clips import by_number, is_video
from repose.images import PICTURES, ImageError, load_image, sampled_frames
from repose.picture_files import open_picture
from repose.represent.pose_files.reading import is_pose_file, pose_files_in

Pixels = npt.NDArray[np.uint8]
T = TypeVar("T")

Kind = Literal["video", "animation", "pictures", "joints"]

_DELAY: Final = 0.1
"""Seconds that a frame of an animated picture is shown where the file says less than 0.02, as in browsers."""


@dataclass(frozen=True)
class Frame:
    """One frame: when it is shown, for how long, and its pixels, uint8 (H, W, 3), upright.

    Attributes:
        seconds: from the first frame. lasts: seconds, or 0 where only the next frame tells it.
    """

    seconds: float
    lasts: float
    pixels: Pixels


def kind_of_clip(place: Path) -> Kind:
    """What a clip is, by its content.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: it is a still picture, or a folder without frames; says what to give instead.
    """
    if not place.exists():
        raise FileNotFoundError(
            f"{place} does not exist: give a video, an animated GIF or WebP, a folder of frames, a keypoint file, or "
            "the number of a camera"
        )
    if place.is_dir():
        if any(path.suffix.lower() in PICTURES for path in place.iterdir()):
            return "pictures"
        if pose_files_in(place):
            return "joints"
        raise ValueError(f"{place} holds no frames: neither pictures nor keypoint files (JSON, CSV, .npy)")
    if is_video(place):
        return "video"
    if is_pose_file(place):
        return "joints"
    with _opened(place) as image:
        if int(getattr(image, "n_frames", 1)) > 1:
            return "animation"
    raise ValueError(
        f"{place} is a still picture, and a clip is wanted: give a video, an animated GIF or WebP, a folder of frames, "
        "or a keypoint file; `repose transfer` takes the pose of one picture"
    )


def frames_of(place: Path, rate: float) -> Iterator[Frame]:
    """The frames of a video, an animation or a folder of pictures, in order.

    Args:
        rate: frames a second of a folder of pictures; everything else says it itself.

    Raises:
        ImageError: the clip is damaged, or PyAV, which reads videos, is not installed; frames before the damage come
            first.
    """
    kind = kind_of_clip(place)
    if kind == "video":
        for _, seconds, pixels in sampled_frames(place, 0):
            yield Frame(seconds, 0.0, pixels)
    elif kind == "animation":
        yield from _animation(place)
    else:
        paths = sorted((path for path in place.iterdir() if path.suffix.lower() in PICTURES), key=by_number)
        for number, path in enumerate(paths):
            yield Frame(number / rate, 1 / rate, load_image(path))


def count_of(place: Path) -> int | None:
    """About how many frames a clip has, for the time that is left; None where the file does not tell."""
    kind = kind_of_clip(place)
    if kind == "pictures":
        return sum(path.suffix.lower() in PICTURES for path in place.iterdir())
    if kind == "animation":
        with _opened(place) as image:
            return int(getattr(image, "n_frames", 1))
    if kind != "video":
        return None
    try:
        import av

        with av.open(str(place)) as file:
            stream: Any = file.streams.best("video")
            seconds = None if file.duration is None else file.duration / 1e6
            rate = None if stream is None else stream.average_rate
            if stream is not None and stream.frames:
                return int(stream.frames)
            return None if seconds is None or not rate else max(1, round(seconds * float(rate)))
    except (ImportError, OSError, ValueError):  # whoever reads the frames says what is wrong
        return None


def ahead(items: Iterable[T], room: int = 4) -> Iterator[T]:
    """The same items, read in a thread of their own, so that reading and using them take two cores.

    Args:
        room: how many items are read ahead at most.

    An error of the reading is raised where the items are used. If they are not used to their end, the thread ends.
    """
    waiting: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(room)
    stopped = threading.Event()

    def give(entry: tuple[T | None, BaseException | None, bool]) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in items:
                if not give((item, None, False)):
                    return
            give((None, None, True))
        except BaseException as error:
            give((None, error, True))

    thread = threading.Thread(target=read, name="repose-reading", daemon=True)
    thread.start()
    try:
        while True:
            item, error, last = waiting.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join(5)


# -- inside ---------------------------------------------------------------------------------------------------------


def _opened(place: Path) -> PIL.Image.Image:
    try:
        return open_picture(place)
    except (PIL.UnidentifiedImageError, PIL.Image.DecompressionBombError) as error:
        raise ImageError(
            f"{place} is no clip: give a video, an animated GIF or WebP, a folder of frames, or a keypoint file"
        ) from error


def _animation(place: Path) -> Iterator[Frame]:
    """The frames of an animated picture, on white."""
    seconds = 0.0
    with _opened(place) as image:
        for number in range(int(getattr(image, "n_frames", 1))):
            try:
                image.seek(number)
                shown = image.convert("RGBA")
            except (OSError, EOFError, SyntaxError, ValueError) as error:
                raise ImageError(f"{place} is damaged at frame {number} ({error}); get the file again") from error
            lasts = float(image.info.get("duration", 0)) / 1000
            lasts = lasts if lasts >= 0.02 else _DELAY
            white = PIL.Image.new("RGBA", shown.size, (255, 255, 255, 255))
            yield Frame(seconds, lasts, np.array(PIL.Image.alpha_composite(white, shown).convert("RGB")))
            seconds += lasts
