"""The sound of a clip beside new pictures: copied where the file can hold it, else encoded anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from repose.apps.motion.encoding import Container

Added = tuple[Any, Iterator[Any]]
"""A stream of the file that is written, and its packets in order."""


def sound_of(clip: Path, container: Container, seconds: float) -> Callable[[Any], Added | None]:
    """What `encoding.join` asks for the sound of a clip.

    Args:
        clip: a video. container: of the result. seconds: that the pictures of the result last; sound after them is left
            out.
    """

    def add(file: Any) -> Added | None:
        import av

        source = av.open(str(clip))
        if not source.streams.audio or not container.sound:
            source.close()
            return None
        given: Any = source.streams.best("audio") or source.streams.audio[0]
        start = _start(clip)
        if given.codec_context.codec.canonical_name in container.sound:
            stream = file.add_stream_from_template(given)
            return stream, _copied(source, given, stream, start, seconds)
        rate = 48_000 if container.sound[0] == "libopus" else int(given.codec_context.sample_rate)
        stream = file.add_stream(container.sound[0], rate=rate)
        stream.layout = "mono" if given.codec_context.channels == 1 else "stereo"
        return stream, _encoded(source, given, stream, start, seconds)

    return add


def has_sound(clip: Path) -> bool:
    """Whether a video has a stream of sound."""
    import av

    with av.open(str(clip)) as file:
        return bool(file.streams.audio)


# -- inside ---------------------------------------------------------------------------------------------------------


def _start(clip: Path) -> float:
    """When the first picture of a video is shown, seconds."""
    import av

    with av.open(str(clip)) as file:
        stream: Any = file.streams.best("video") or file.streams.video[0]
        for frame in file.decode(stream):
            return 0.0 if frame.time is None else float(frame.time)
    return 0.0


def _copied(source: Any, given: Any, stream: Any, start: float, seconds: float) -> Iterator[Any]:
    shift = round(start / given.time_base)
    with source:
        for packet in source.demux(given):
            if packet.dts is None:
                continue
            at = (packet.pts - shift) * packet.time_base
            if at >= seconds:
                return
            if at >= 0:
                packet.pts -= shift
                packet.dts -= shift
                packet.stream = stream
                yield packet


def _encoded(source: Any, given: Any, stream: Any, start: float, seconds: float) -> Iterator[Any]:
    import av

    context = stream.codec_context
    resampler = av.AudioResampler(format=context.format, layout=stream.layout, rate=context.sample_rate,
                                  frame_size=context.frame_size or 1024)  # fmt: skip
    with source:
        for frame in source.decode(given):
            at = float(frame.time or 0.0) - start
            if at >= seconds:
                break
            if at < 0:
                continue
            frame.pts = round(at / frame.time_base)
            for ready in resampler.resample(frame):
                yield from stream.encode(ready)
        for ready in resampler.resample(None):
            yield from stream.encode(ready)
        yield from stream.encode(None)
