"""One frame of something that moves: FILE#frame of a GIF, WebP, PNG, AVIF, of the pages of a TIFF, and of a video."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import PIL.Image

from repose.extras import how_to_install_package
from repose.images.errors import ImageError

_REDUCED: Final = 1 | 4
"""Bits of a TIFF's tag 254: the page is a smaller copy of another one, or its mask."""


def split_frame(file: str | Path) -> tuple[Path, int | None]:
    """FILE#12 -> FILE and 12; the name of a file that exists is taken whole, with any # in it.

    Raises:
        ImageError: FILE exists, and what stands behind the # is no number.
    """
    path = Path(file)
    base, mark, number = str(file).rpartition("#")
    if not mark or path.exists() or not Path(base).is_file():
        return path, None
    if not number.isdecimal():
        raise ImageError(f"{file}: a frame is a number from 0, such as '{base}#0', not '{number}'")
    return Path(base), int(number)


def is_frame(file: str | Path) -> bool:
    """Whether this names a part of a file that exists, FILE#PART, and is itself no file."""
    base, mark, _ = str(file).rpartition("#")
    return bool(mark) and not Path(file).exists() and Path(base).is_file()


def file_of(file: str | Path) -> Path:
    """The file that a name is of: FILE of FILE#PART, else the name itself."""
    return Path(str(file).rpartition("#")[0]) if is_frame(file) else Path(file)


def stem_of(file: str | Path) -> str:
    """A name for what is computed of a picture: the stem of its file, and the frame: dance.gif#12 gives dance_12."""
    if not is_frame(file):
        return Path(file).stem
    base, _, part = str(file).rpartition("#")
    return f"{Path(base).stem}_{part}"


def seek(image: PIL.Image.Image, path: Path, frame: int | None) -> None:
    """Go to a frame of a picture that Pillow has opened; a still is frame 0.

    Raises:
        ImageError: it has several frames and none is named, or it has no such frame.
    """
    pages = _pages(image)
    count = len(pages)
    if frame is None:
        if count > 1:
            what = "pages" if image.format == "TIFF" else "frames"
            raise ImageError(
                f"{path} is a {image.format} of {count} {what}, and a still is wanted: name one of them, from "
                f"'{path}#0' to '{path}#{count - 1}'"
            )
    elif frame >= count:
        raise ImageError(f"{path} has no frame {frame}: {_last(count)}")
    elif count > 1:
        image.seek(pages[frame])


def read_video(path: Path, frame: int | None, stream: BinaryIO | None = None) -> PIL.Image.Image:
    """A frame of a video, upright, RGB; of one of several streams the one that players show.

    Args:
        stream: the open file, where it was opened already.

    Raises:
        ImageError: no frame is named, there is no such frame, the video is damaged, or PyAV is not installed.
    """
    advice = f"take frames from it (ffmpeg -i {shlex.quote(str(path))} frames/%05d.jpg) and give the folder"
    _require_av(path, f"{advice}; or name one frame, such as '{path}#0'")
    if frame is None:
        raise ImageError(f"{path} is a video: {advice}; or name one frame, such as '{path}#0'")
    count = 0
    for decoded in _decoded(path, stream):
        if count == frame:
            return _picture(decoded)
        count += 1
    raise ImageError(f"{path} has no frame {frame}: {_last(count)}")


def sampled_frames(path: Path, every: float) -> Iterator[tuple[int, float, npt.NDArray[np.uint8]]]:
    """Frames of a video, one every so many seconds from its beginning, upright.

    Args:
        every: seconds between two of them; 0 gives every frame.

    Yields:
        (number from 0, seconds from the first frame, uint8 (H, W, 3)) of each.

    Raises:
        ImageError: the video is damaged, or PyAV is not installed; frames before the damage come first.
    """
    _require_av(path, f"or take frames from it (ffmpeg -i {shlex.quote(str(path))} frames/%05d.jpg), give the folder")
    first: float | None = None
    due = 0.0
    for number, decoded in enumerate(_decoded(path)):
        at = float(number) / 25 if decoded.time is None else float(decoded.time)
        first = at if first is None else first
        seconds = at - first
        if seconds + 1e-6 >= due:
            yield number, seconds, np.array(_picture(decoded))
            due = max(due + every, seconds + every / 2)  # never two at once after a gap


def seconds_of(path: Path) -> float:
    """How long a video lasts, in seconds, as its header says; by its frames where the header does not.

    Raises:
        ImageError: the video is damaged, or PyAV is not installed.
    """
    _require_av(path, "its length is not known without")
    import av

    try:
        with av.open(str(path)) as container:
            if container.duration:
                return float(container.duration) / av.time_base
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ImageError(f"{path} is a video that cannot be read ({error}); get the file again") from error
    *_, (_, seconds, _) = sampled_frames(path, 0)
    return seconds


# -- inside ---------------------------------------------------------------------------------------------------------


def _require_av(path: Path, otherwise: str) -> None:
    """Raise ImageError where PyAV, which reads videos, is not installed."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise ImageError(f"{path} is a video: {otherwise} ({how_to_install_package('av')})") from error


def _decoded(path: Path, opened: BinaryIO | None = None) -> Iterator[Any]:
    """Every frame of a video, as PyAV gives it. Raises ImageError where there is none, or the video is damaged."""
    import av

    count = 0
    try:
        with av.open(str(path) if opened is None else opened, "r") as container:
            if not container.streams.video:
                raise ImageError(f"{path} has sound only, no pictures")
            stream: Any = container.streams.best("video") or container.streams.video[0]
            stream.thread_type = "AUTO"
            for decoded in container.decode(stream):
                yield decoded
                count += 1
    except (av.FFmpegError, OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        where = f"after frame {count - 1}" if count else "at its beginning"
        raise ImageError(f"{path} is a video that cannot be read ({error}, {where}); get the file again") from error
    if not count:
        raise ImageError(f"{path} is a video without a frame; get the file again")


def _last(count: int) -> str:
    return "it is a still, its only frame is 0" if count == 1 else f"it has {count}, 0 to {count - 1}"


def _pages(image: PIL.Image.Image) -> list[int]:
    """The numbers, for Pillow, of the pictures to choose from."""
    if image.format in ("MPO", "HEIF"):  # the further ones are of the same moment: gain and depth maps, previews
        return [0]
    pages = list(range(int(getattr(image, "n_frames", 1))))
    if image.format != "TIFF" or len(pages) == 1:
        return pages
    whole = []
    for page in pages:
        image.seek(page)
        if page == 0 or not int(image.tag_v2.get(254, 0)) & _REDUCED:  # type: ignore[attr-defined]
            whole.append(page)
    image.seek(0)
    return whole


def _picture(frame: Any) -> PIL.Image.Image:
    """A decoded frame as a picture, turned as the video says."""
    from av.video.reformatter import Colorspace

    # where the file does not say, SD is BT.601 and HD is BT.709, as in every player
    unknown = int(frame.colorspace) == 2
    assumed = (Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601) if unknown else None
    pixels = frame.to_ndarray(format="rgb24", **({} if assumed is None else {"src_colorspace": assumed}))
    picture = PIL.Image.fromarray(pixels)
    turns = round(float(frame.rotation) / 90) % 4
    if turns:
        turned = (PIL.Image.Transpose.ROTATE_90, PIL.Image.Transpose.ROTATE_180, PIL.Image.Transpose.ROTATE_270)
        picture = picture.transpose(turned[turns - 1])
    return picture
