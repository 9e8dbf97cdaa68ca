"""Pictures -> a file of them: mp4, webm, gif, webp, or a folder of PNG files; written in segments that are joined.

A segment is a finished part of the result, in a container that keeps every time stamp (NUT). Of an mp4 and a webm it
holds the final packets, which are copied when the segments are joined; of a gif and a webp, which are written in one
go, the pictures without loss.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image

from repose.extras import how_to_install_package
from repose.files import replacing
from repose.names import nearest

Pixels = npt.NDArray[np.uint8]

CLOCK: Final = 90_000
"""Ticks of a second: a whole number of them for all usual frame rates."""

_GIF_SAMPLES: Final = 24  # pictures that the colours of a gif are told from


@dataclass(frozen=True)
class Container:
    """How pictures become a file of one suffix.

    Attributes:
        suffix: of the file, "" of a folder. codec: of the segments. options: of the codec. pixels: PyAV's name of the
            format of pictures that it takes. sound: codecs of sound that are copied; the first is what others become.
    """

    suffix: str
    codec: str
    options: dict[str, str]
    pixels: str
    sound: tuple[str, ...] = ()
    final: bool = True


_H264: Final = {"crf": "18", "preset": "veryfast", "bf": "0"}  # without B-frames packets are in the order of pictures
_VP9: Final = {"crf": "28", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}
_MPEG4_SOUND: Final = ("aac", "mp3", "ac3", "alac")
_LOSSLESS: Final = {"level": "3", "slicecrc": "0"}
CONTAINERS: Final = (
    Container(".mp4", "libx264", _H264, "yuv420p", _MPEG4_SOUND),
    Container(".mov", "libx264", _H264, "yuv420p", _MPEG4_SOUND),
    Container(".webm", "libvpx-vp9", _VP9, "yuv420p", ("libopus", "opus", "vorbis")),
    Container(".gif", "ffv1", _LOSSLESS, "bgr0", final=False),
    Container(".webp", "ffv1", _LOSSLESS, "bgra", final=False),
    Container("", "png", {}, "rgb24"),
)  # fmt: skip


def container_of(out: Path) -> Container:
    """How a file of this name is written; a name without a suffix is a folder of PNG files.

    Raises:
        ValueError: another suffix; names the nearest. ImportError: PyAV is not installed, and no folder is wanted.
    """
    suffix = out.suffix.lower()
    for one in CONTAINERS:
        if one.suffix == suffix:
            if suffix:
                require_av(out)
            return one
    suffixes = [one.suffix for one in CONTAINERS if one.suffix]
    raise ValueError(
        f"{out}: a clip is written as {', '.join(suffixes)}, or without a suffix as a folder of PNG files, not "
        f"'{out.suffix}'; {nearest(suffix, suffixes)}"
    )


def require_av(out: Path) -> None:
    """Check that PyAV is here. ImportError says what it is for."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{out} needs PyAV, which is not installed ({how_to_install_package('av')}); a name without a suffix "
            "writes a folder of PNG files"
        ) from error


def write_segment(
    path: Path, pictures: Iterable[Pixels], times: Sequence[float], lasts: Sequence[float], container: Container
) -> None:
    """Encode some frames of a clip into a file that appears when it is complete.

    Args:
        pictures: uint8 (H, W, 3 | 4). times, lasts: seconds at which each is shown in the whole clip, and for how long.
    """
    import av

    with replacing(path) as partial, av.open(str(partial), "w", format="nut") as file:
        stream: Any = None
        for picture, seconds, duration in zip(pictures, times, lasts, strict=True):
            even = _even(picture, container)
            if stream is None:
                stream = file.add_stream(container.codec, rate=_rate(lasts), options=dict(container.options))
                stream.height, stream.width, stream.pix_fmt = *even.shape[:2], container.pixels
                stream.time_base = stream.codec_context.time_base = Fraction(1, CLOCK)
                if container.pixels == "yuv420p":
                    context = stream.codec_context
                    large = even.shape[0] >= 720
                    context.colorspace = context.color_primaries = context.color_trc = 1 if large else 6
                    context.color_range = 1
            frame = _frame(even, container)
            frame.pts, frame.time_base = round(seconds * CLOCK), Fraction(1, CLOCK)
            frame.duration = max(1, round((seconds + duration) * CLOCK) - frame.pts)
            for packet in stream.encode(frame):
                file.mux(packet)
        for packet in stream.encode(None) if stream is not None else ():
            file.mux(packet)


def join(
    out: Path,
    segments: Sequence[Path],
    container: Container,
    lasts: Sequence[float],
    sound: Callable[[Any], tuple[Any, Iterator[Any]] | None] | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> None:
    """The segments of a clip as one file, which appears when it is complete.

    Args:
        lasts: seconds that each frame is shown.
        progress: of a GIF and a WebP, whose pictures are encoded now: told ("writing", pictures so far, all).
        sound: adds a stream of sound to the file that it is given, and gives it with its packets, in order; see
            `repose.apps.motion.sound`.
    """
    if container.suffix == ".gif":
        _write_gif(out, segments, lasts, progress)
    elif container.suffix == ".webp":
        _write_webp(out, segments, lasts, progress)
    else:
        _copy(out, segments, container, lasts, sound)


def pictures_of(segments: Sequence[Path]) -> Iterator[Pixels]:
    """The pictures of segments, in order."""
    import av

    for path in segments:
        with av.open(str(path)) as file:
            for frame in file.decode(file.streams.video[0]):
                decoded: Any = frame
                alpha = "a" in decoded.format.name
                yield decoded.to_ndarray(format="rgba" if alpha else "rgb24")


# -- inside ---------------------------------------------------------------------------------------------------------


def _rate(lasts: Sequence[float]) -> Fraction:
    return Fraction(1 / max(1e-3, float(np.median(lasts)))).limit_denominator(1001)


def _even(picture: Pixels, container: Container) -> Pixels:
    """Without the last row or column where the format wants even sides."""
    if container.pixels != "yuv420p":
        return picture
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    return picture[:height, :width]


def _frame(picture: Pixels, container: Container) -> Any:
    from av import VideoFrame
    from av.video.reformatter import ColorRange, Colorspace

    given = np.ascontiguousarray(picture)
    frame: Any = VideoFrame.from_ndarray(given, format="rgba" if picture.shape[2] == 4 else "rgb24")
    if container.pixels != "yuv420p":
        return frame.reformat(format=container.pixels)
    space = Colorspace.ITU709 if picture.shape[0] >= 720 else Colorspace.ITU601
    return frame.reformat(format="yuv420p", dst_colorspace=space, dst_color_range=ColorRange.MPEG)


def _packets(segments: Sequence[Path]) -> Iterator[Any]:
    """The packets of all segments, in order."""
    import av

    for path in segments:
        with av.open(str(path)) as file:
            for packet in file.demux(file.streams.video[0]):
                if packet.dts is not None:
                    yield packet


def _copy(
    out: Path,
    segments: Sequence[Path],
    container: Container,
    lasts: Sequence[float],
    sound: Callable[[Any], tuple[Any, Iterator[Any]] | None] | None,
) -> None:
    import av

    options = {"movflags": "faststart"} if container.suffix in (".mp4", ".mov") else {}
    name = {".mp4": "mp4", ".mov": "mov", ".webm": "webm"}[container.suffix]
    with replacing(out) as partial, av.open(str(partial), "w", format=name, options=options) as file:
        with av.open(str(segments[0])) as first:
            video: Any = file.add_stream_from_template(first.streams.video[0])
        video.time_base = Fraction(1, CLOCK)
        added = None if sound is None else sound(file)

        def shown() -> Iterator[tuple[float, int, Any]]:
            for number, packet in enumerate(_packets(segments)):
                at = float(packet.pts * packet.time_base)
                packet.duration = max(1, round(float(lasts[number]) / float(packet.time_base)))
                packet.stream = video
                yield at, 0, packet

        def heard() -> Iterator[tuple[float, int, Any]]:
            if added is not None:
                for packet in added[1]:
                    yield float(packet.pts * packet.time_base), 1, packet

        for _, _, packet in heapq.merge(shown(), heard(), key=lambda entry: entry[:2]):
            file.mux(packet)


def _counted(
    segments: Sequence[Path], count: int, progress: Callable[[str, int, int | None], None] | None
) -> Iterator[Pixels]:
    """`pictures_of`; each is told when it has been written."""
    if progress is not None:
        progress("writing", 0, count)
    for number, picture in enumerate(pictures_of(segments), 1):
        yield picture
        if progress is not None:
            progress("writing", number, count)


def _write_gif(
    out: Path,
    segments: Sequence[Path],
    lasts: Sequence[float],
    progress: Callable[[str, int, int | None], None] | None,
) -> None:
    """One palette for all pictures, so that what stands still does not change its colour."""
    import av
    from av import VideoFrame

    wanted = set(np.linspace(0, len(lasts) - 1, min(_GIF_SAMPLES, len(lasts))).astype(int).tolist())
    samples = [picture[::2, ::2, :3] for number, picture in enumerate(pictures_of(segments)) if number in wanted]
    together = PIL.Image.fromarray(np.concatenate(samples))
    palette = together.quantize(256, PIL.Image.Quantize.MEDIANCUT, dither=PIL.Image.Dither.NONE)
    colours = np.zeros((256, 4), np.uint8)
    table = np.array(palette.getpalette(), np.uint8).reshape(-1, 3)
    colours[: len(table), 1:], colours[:, 0] = table, 255  # opacity first
    ends = np.rint(np.concatenate([[0.0], np.cumsum(lasts)]) * 100).astype(int)  # a gif counts hundredths
    with replacing(out) as partial, av.open(str(partial), "w", format="gif", options={"loop": "0"}) as file:
        stream: Any = None
        for number, picture in enumerate(_counted(segments, len(lasts), progress)):
            if stream is None:
                stream = file.add_stream("gif", rate=100)
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], "pal8"
                stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
            indices = np.array(
                PIL.Image.fromarray(picture[..., :3]).quantize(palette=palette, dither=PIL.Image.Dither.NONE)
            )
            given: Any = (indices, colours)
            frame: Any = VideoFrame.from_ndarray(given, format="pal8")
            frame.pts, frame.time_base = int(ends[number]), Fraction(1, 100)
            frame.duration = max(1, int(ends[number + 1] - ends[number]))
            for packet in stream.encode(frame):
                packet.duration = frame.duration
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)


def _write_webp(
    out: Path,
    segments: Sequence[Path],
    lasts: Sequence[float],
    progress: Callable[[str, int, int | None], None] | None,
) -> None:
    """The encoder of libwebp keeps what it has encoded, not the pictures."""
    import av
    from av import VideoFrame

    clear = any(bool((picture[..., 3] < 255).any()) for picture in pictures_of(segments[:1]))
    ends = np.rint(np.concatenate([[0.0], np.cumsum(lasts)]) * 1000).astype(int)
    with replacing(out) as partial, av.open(str(partial), "w", format="webp", options={"loop": "0"}) as file:
        stream: Any = None
        for number, picture in enumerate(_counted(segments, len(lasts), progress)):
            if stream is None:
                options = {"quality": "85", "compression_level": "2"}
                stream = file.add_stream("libwebp_anim", rate=1000, options=options)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "bgra" if clear else "yuv420p"
                stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
            shown: Any = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgba")
            shown = shown.reformat(format=stream.pix_fmt)
            shown.pts, shown.time_base = int(ends[number]), Fraction(1, 1000)
            shown.duration = int(ends[number + 1] - ends[number])
            for packet in stream.encode(shown):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
