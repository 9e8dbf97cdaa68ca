"""The process that computes one video."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from repose.serve.errors import RefusedError
from repose.serve.settings import ServeSettings

_TOLD = 0.2  # seconds between two messages of progress


def video_main(pipe: Connection[Any, Any], settings: ServeSettings, folder: Path, options: Mapping[str, Any]) -> None:
    """Compute a video from the files in a folder; ("progress", what, done, total) on the way.

    At the end it sends ("done", facts) or ("refused", error).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)  # requests that are answered at once go first
    last = 0.0

    def progress(what: str, done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= _TOLD or done == total:
            last = time.monotonic()
            pipe.send(("progress", what, done, total))

    with contextlib.suppress(BrokenPipeError):  # the server is gone
        found = compute_video(settings, folder, options, progress)
        pipe.send(("refused" if isinstance(found, RefusedError) else "done", found))


def compute_video(
    settings: ServeSettings, folder: Path, options: Mapping[str, Any], progress: Callable[[str, int, int | None], None]
) -> dict[str, Any] | RefusedError:
    """The facts of the video that was written into the folder, or why there is none.

    Args:
        folder: with source.picture, perhaps background.picture, and a clip, see `repose.serve.forms.video_job`.
        options: checked fields of the form.
    """
    try:
        return _computed(settings, folder, options, progress)
    except BrokenPipeError:
        raise
    except Exception as error:  # whatever it is, the client gets a sentence
        return _refused(error, folder)


def _computed(settings: ServeSettings, folder: Path, options: Mapping[str, Any], progress: Any) -> dict[str, Any]:
    from repose.apps.motion.animate import animate
    from repose.apps.motion.video import video
    from repose.images import load_image
    from repose.pipeline import load
    from repose.serve.work_errors import noting

    out = folder / f"result.{options['format']}"
    clips = sorted(folder.glob("clip.*"))
    if clips and clips[0].suffix == ".clip":
        _check_size(clips[0], settings.max_pixels)
    source = load_image(_only(folder, "source"), settings.max_pixels)
    behind = options["background"]
    if list(folder.glob("background.*")):
        behind = load_image(_only(folder, "background"), settings.max_pixels)
    shared: dict[str, Any] = {
        "out": out, "model": load(settings.names[options["model"]], settings.device), "pose": settings.pose,
        "which": options["person"], "mask": options["mask"], "background": behind, "room": options["room"],
        "rate": options["rate"], "size": options["size"], "progress": progress,
    }  # fmt: skip
    notes: list[str] = []
    with noting(notes):
        if clips:
            made = video(
                source, clips[0], target_which=options["target_person"], follow=options["follow"],
                smooth=options["smooth"], sound=options["sound"],
                seconds=min(options["seconds"] or settings.clip_seconds, settings.clip_seconds), **shared,
            )  # fmt: skip
        else:
            made = animate(source, options["motion"], **shared)
    return {
        "frames": made.frames, "seconds": round(made.seconds, 3), "height": made.height, "width": made.width,
        "sound": made.sound, "notes": notes[:10],
    }  # fmt: skip


def _only(folder: Path, name: str) -> Path:
    return sorted(folder.glob(f"{name}.*"))[0]


def _check_size(clip: Path, max_pixels: int) -> None:
    """Refuse a video whose frames have too many pixels, by its head alone."""
    import av

    with av.open(str(clip)) as container:
        for stream in container.streams.video:
            if stream.width * stream.height > max_pixels:
                size, limit = f"{stream.width}x{stream.height}", f"{max_pixels / 1e6:g} million"
                text = f"The clip has {size} pixels, the limit is {limit}."
                raise RefusedError(413, text, "clip", "Send a smaller one.")


def _refused(error: BaseException, folder: Path) -> RefusedError:
    from repose.serve.work_errors import refused

    if isinstance(error, RefusedError):
        return error
    found = refused(error)
    for path in sorted(folder.iterdir(), reverse=True):  # clients see no path of this machine
        found.error = found.error.replace(str(path), f"the {path.stem}")
        found.what_to_do = found.what_to_do.replace(str(path), f"the {path.stem}")
    return found
