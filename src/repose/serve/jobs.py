"""Videos: jobs that wait, are computed one after another in a process of their own, and are kept for a while."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, Literal

from repose.cores import cores, environment
from repose.serve.errors import RefusedError, busy
from repose.serve.settings import ServeSettings
from repose.serve.video import video_main

State = Literal["waiting", "running", "done", "failed", "stopped"]

MEDIA: Final = {"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif", "webp": "image/webp"}
"""Format of a clip -> its media type."""


@dataclass(eq=False)
class Job:
    """A video that was asked for.

    Attributes:
        key: its address, which nobody guesses. folder: of its files. options: checked fields of the form.
        state: what has become of it. doing, done, total: the progress. facts: of the result. refused: why it failed.
        finished: when it ended, `time.monotonic`.
    """

    key: str
    folder: Path
    options: Mapping[str, Any]
    state: State = "waiting"
    doing: str = ""
    done: int = 0
    total: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    refused: RefusedError | None = None
    finished: float = 0.0

    @property
    def result(self) -> Path:
        """The file that it writes."""
        return self.folder / f"result.{self.options['format']}"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ("done", "failed", "stopped")

    def document(self) -> dict[str, Any]:
        """What `GET /v1/jobs/{id}` says."""
        address = f"/v1/jobs/{self.key}"
        progress = {"doing": self.doing, "done": self.done, "total": self.total}
        found: dict[str, Any] = {"id": self.key, "state": self.state, "progress": progress, "status": address}
        if self.state == "done":
            found |= {"result": f"{address}/result", "facts": self.facts}
        if self.refused is not None:
            found |= self.refused.document()
        return found


class Jobs:
    """The videos of a server, at most `settings.jobs` of them; the oldest results make room.

    Each is computed in a process of its own, which is killed where it is to stop.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._jobs: dict[str, Job] = {}
        self._condition = threading.Condition()
        self._process: BaseProcess | None = None
        self._stopping = False
        self._folder: Path | None = None
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def waiting(self) -> int:
        """Jobs that have not ended."""
        return sum(not job.ended for job in list(self._jobs.values()))

    def add(self, files: Mapping[str, tuple[str, bytes]], options: Mapping[str, Any]) -> Job:
        """A new job.

        Args:
            files: name of a file in its folder, without and with the suffix, as (suffix, bytes). options: see `Job`.

        Raises:
            RefusedError: 503, as many wait as can.
        """
        with self._condition:
            if self._stopping:
                raise busy("The server is being stopped.", "server", 5)
            self._make_room()
            if len(self._jobs) >= self._settings.jobs:
                raise busy(f"{len(self._jobs)} videos wait, no more can.", "jobs", 60)
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="repose-serve-"))
            key = secrets.token_urlsafe(16)
            folder = self._folder / key
            folder.mkdir()
            for name, (suffix, content) in files.items():
                (folder / f"{name}{suffix}").write_bytes(content)
            job = Job(key, folder, dict(options))
            self._jobs[key] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="repose-videos", daemon=True)
                self._thread.start()
            self._condition.notify_all()
        return job

    def get(self, key: str) -> Job:
        """A job. RefusedError, 404, where there is none."""
        job = self._jobs.get(key)
        if job is None:
            raise RefusedError(
                404, "There is no such job.", "id", "It was removed, or the server was started again: send it again."
            )
        return job

    def remove(self, key: str) -> None:
        """Stop a job and forget it with its files."""
        with self._condition:
            job = self.get(key)
            del self._jobs[key]
            if job.state == "running" and self._process is not None:
                with contextlib.suppress(ValueError):
                    self._process.kill()
            self._end(job, "stopped")
            shutil.rmtree(job.folder, ignore_errors=True)

    def tidy(self) -> None:
        """Forget results that are older than `settings.keep`."""
        with self._condition:
            limit = time.monotonic() - self._settings.keep
            for job in [*self._jobs.values()]:
                if job.ended and job.finished < limit:
                    self._forget(job)

    def stop(self) -> None:
        """Stop all jobs; those that have not ended are told to have stopped."""
        with self._condition:
            self._stopping = True
            for job in self._jobs.values():
                if not job.ended:
                    self._end(job, "stopped")
                    job.refused = RefusedError(
                        503, "The server was stopped before the video was done.", "server", "Send it again later."
                    )
            if self._process is not None:
                with contextlib.suppress(ValueError):
                    self._process.kill()
            self._condition.notify_all()

    def close(self) -> None:
        """Stop, and remove all files."""
        self.stop()
        if self._thread is not None:
            self._thread.join(5)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- inside -------------------------------------------------------------------------------------------------

    def _make_room(self) -> None:
        for job in [*self._jobs.values()]:
            if len(self._jobs) < self._settings.jobs:
                return
            if job.ended:
                self._forget(job)

    def _forget(self, job: Job) -> None:
        del self._jobs[job.key]
        shutil.rmtree(job.folder, ignore_errors=True)

    def _end(self, job: Job, state: State) -> None:
        if not job.ended:
            job.state, job.finished = state, time.monotonic()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._stopping:
                    job = next((one for one in self._jobs.values() if one.state == "waiting"), None)
                    if job is not None:
                        break
                    self._condition.wait()
                if self._stopping:
                    return
                assert job is not None
                job.state = "running"
            try:
                self._compute(job)
            except Exception as error:  # the next job is to be computed all the same
                self._fail(
                    job, RefusedError(500, f"The server failed at this video ({type(error).__name__}).", "server")
                )
            with self._condition:
                self._process = None
            shutil.rmtree(job.folder / "work", ignore_errors=True)

    def _compute(self, job: Job) -> None:
        context = mp.get_context("spawn")
        ours, theirs = context.Pipe()
        with self._condition:
            if job.ended:
                return
            with environment({"OMP_NUM_THREADS": str(cores())}):
                process = context.Process(
                    target=video_main, args=(theirs, self._settings, job.folder, job.options), daemon=True
                )
                process.start()
            self._process = process
        theirs.close()
        end = time.monotonic() + self._settings.job_seconds
        try:
            while not job.ended:
                if not ours.poll(max(0.0, end - time.monotonic())):
                    limit = self._settings.job_seconds
                    text = f"The video took longer than {limit:g} s."
                    self._fail(job, RefusedError(504, text, "server", "Send a shorter clip, or a smaller size."))
                    break
                what, *more = ours.recv()
                if what == "progress":
                    job.doing, job.done, job.total = more
                elif what == "refused":
                    self._fail(job, more[0])
                elif what == "done":
                    job.facts = more[0]
                    self._end(job, "done")
        except (EOFError, OSError):
            process.join(5)
            text = f"The process that computed this video ended ({process.exitcode})."
            self._fail(job, RefusedError(503, text, "server", "Send a shorter clip, or a smaller size."))
        finally:
            ours.close()
            process.kill()
            process.join()
            with self._condition:
                self._process = None
            process.close()

    def _fail(self, job: Job, refused: RefusedError) -> None:
        if not job.ended:
            job.refused = refused
            self._end(job, "failed")
