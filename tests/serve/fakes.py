"""A worker that computes nothing: what it does stands in the file of the request."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from repose.serve.errors import RefusedError
from repose.serve.messages import Answer, CacheNumbers, Task


def task(words: str, kind: str = "transfer", model: str = "default") -> Task:
    """A request that tells the worker what to do: "", "die", "hang", or "once FILE", which dies where FILE is not."""
    return Task(kind, {"source": words.encode()}, {"model": model})  # type: ignore[arg-type]


def worker(pipe: Connection[Any, Any], settings: object) -> None:
    """In place of `repose.serve.process.worker_main`."""
    pipe.send(("ready", [{"name": "default"}]))
    while True:
        try:
            tasks: Sequence[Task] = pipe.recv()
        except EOFError:
            return
        for number, one in enumerate(tasks):
            pipe.send(("step", number))
            what, _, file = one.files["source"].decode().partition(" ")
            if what == "die" or (what == "once" and not Path(file).exists()):
                if file:
                    Path(file).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if what == "hang":
                time.sleep(600)
            pipe.send(("answer", number, Answer(facts={"process": os.getpid(), "batch": len(tasks)})))
        pipe.send(("done",))


def forgetting(pipe: Connection[Any, Any], settings: object) -> None:
    """A worker that keeps a photograph, and forgets it when it is idle."""
    pipe.send(("ready", [{"name": "default"}]))
    while True:
        try:
            tasks = pipe.recv()
        except EOFError:
            return
        pipe.send(("answer", 0, Answer(facts={"batch": len(tasks)})))
        pipe.send(("cache", CacheNumbers(source_misses=1, photographs=1, bytes=500)))
        pipe.send(("done",))
        pipe.send(("cache", CacheNumbers(source_misses=1, bytes=7)))


def failing(pipe: Connection[Any, Any], settings: object) -> None:
    """A worker whose model cannot be loaded."""
    pipe.send(("failed", "no weights are called 'x'"))


def video(pipe: Connection[Any, Any], settings: object, folder: Path, options: Mapping[str, Any]) -> None:
    """In place of `repose.serve.video.video_main`: the motion says what happens."""
    pipe.send(("progress", "posing", 1, 2))
    if options["motion"] == "turn":
        time.sleep(600)
    if options["motion"] == "wave":
        pipe.send(("refused", RefusedError(422, "No person was found.", "source", "Send another.")))
        return
    if options["motion"] == "walk":
        assert (folder / "source.picture").read_bytes()[:4] == b"\x89PNG"
        (folder / f"result.{options['format']}").write_bytes(b"GIF89a")
        pipe.send(("done", {"frames": 2}))


def slow(pipe: Connection[Any, Any], settings: object) -> None:
    """A worker that takes a while for each request, and lets signals pass as the real one does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send(("ready", [{"name": "default"}]))
    while True:
        try:
            tasks = pipe.recv()
        except EOFError:
            return
        for number in range(len(tasks)):
            time.sleep(0.3)
            pipe.send(("answer", number, Answer(b"{}")))
        pipe.send(("done",))


def stuck(pipe: Connection[Any, Any], settings: object) -> None:
    """A worker that never answers."""
    pipe.send(("ready", [{"name": "default"}]))
    time.sleep(600)
