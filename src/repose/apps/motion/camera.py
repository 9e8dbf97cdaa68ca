"""A camera as a clip: so many seconds of it are recorded by PyAV, and the recording is a clip as any other."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from repose.files import replacing


def camera_number(clip: object) -> int | None:
    """The number of a camera: of 0, "0", /dev/video0; None of anything else, also of a file called "0"."""
    if isinstance(clip, bool):
        return None
    if isinstance(clip, int):
        return clip
    text = str(clip) if isinstance(clip, str | Path) else ""
    if text.startswith("/dev/video") and text.removeprefix("/dev/video").isdecimal():
        return int(text.removeprefix("/dev/video"))
    return int(text) if text.isdecimal() and len(text) < 3 and not Path(text).exists() else None


def record(
    camera: int,
    out: Path,
    seconds: float,
    progress: Callable[[str, int, int | None], None] | None = None,
    source: tuple[str, str] | None = None,
) -> Path:
    """Record a camera into a file, which appears when it is complete; one that is there is kept.

    Args:
        source: the name and the format of the device as FFmpeg knows them; by default those of this system's cameras.

    Raises:
        OSError: the camera cannot be opened; says what this system needs.
    """
    import av

    if out.is_file():
        return out
    name, kind = source or _device(camera)
    try:
        device = av.open(name, format=kind)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise OSError(
            f"camera {camera} cannot be opened as {name} ({kind}): {error}. Cameras need PyAV with {kind} (its wheels "
            "have it), the right to use the device (on Linux the group video), and no other program that uses it"
        ) from error
    clock = Fraction(1, 90_000)
    with device, replacing(out) as partial, av.open(str(partial), "w", format="matroska") as file:
        given: Any = device.streams.video[0]
        stream: Any = None
        began = None
        for frame in device.decode(given):
            at = float(frame.time) if frame.time is not None else time.monotonic()
            began = at if began is None else began
            if at - began >= seconds:
                break
            if stream is None:
                stream = file.add_stream("libx264", rate=30, options={"crf": "16", "preset": "ultrafast", "bf": "0"})
                stream.height, stream.width, stream.pix_fmt = frame.height // 2 * 2, frame.width // 2 * 2, "yuv420p"
                stream.time_base = stream.codec_context.time_base = clock
            shown: Any = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
            shown.pts, shown.time_base = round((at - began) * 90_000), clock
            for packet in stream.encode(shown):
                file.mux(packet)
            if progress is not None:
                progress("recording", round(at - began), round(seconds))
        for packet in stream.encode(None) if stream is not None else ():
            file.mux(packet)
    return out


def _device(camera: int) -> tuple[str, str]:
    """FFmpeg's name and format of a camera of this system."""
    if sys.platform == "darwin":
        return f"{camera}:none", "avfoundation"
    if sys.platform == "win32":
        return f"video={camera}", "dshow"
    return f"/dev/video{camera}", "v4l2"
