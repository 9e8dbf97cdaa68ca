"""One training as a process of its own: started, watched, stopped; alone in its folder, and ended with its caller.

Where the caller is killed, Linux ends the process too; everywhere what only keeps the machine busy has an end of its
own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repose.bench.budget.machine import own_cores

_SET_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2)

_PATIENCE: Final = 120
"""Seconds that a process may take to save and end after it was asked to."""


@dataclass(frozen=True)
class TrainingJob:
    """What one process trains.

    Attributes:
        name: of the recipe. recipe: its JSON file. run: folder. stop_after: seconds of training, or None: to the end.
    """

    name: str
    recipe: Path
    run: Path
    stop_after: float | None = None


@dataclass(frozen=True)
class TrainingTerms:
    """What is equal for all processes.

    Attributes:
        store: folder of the data. threads: of each process. side_by_side: slots, each with cores of its own if there
            are several. accelerator: of `repose.train.loop.train`.
    """

    store: Path
    threads: int = 1
    side_by_side: int = 1
    accelerator: str = "auto"


class TrainingProcess:
    """`repose train` of one job, in a slot.

    Attributes:
        job: what it trains. log: the file with all that it prints.
        cpu, lasted: seconds of processor time and by the clock, once it has ended.
    """

    def __init__(self, terms: TrainingTerms, job: TrainingJob, slot: int) -> None:
        self.job = job
        self.cpu, self.lasted, self._asked = 0.0, 0.0, False
        self._lines, self._since = self._starts(), 0.0
        job.run.parent.mkdir(parents=True, exist_ok=True)
        self.log = job.run.with_name(f"{job.run.name}.log")
        words = [
            sys.executable, "-m", "repose", "train", str(job.recipe), "-d", str(terms.store), "-o", str(job.run),
            "--accelerator", terms.accelerator,
        ]  # fmt: skip
        threads = {name: str(terms.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        self._began = time.monotonic()
        with self.log.open("ab") as file:
            self._popen = subprocess.Popen(
                words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=os.environ | threads,
                start_new_session=True,  # Ctrl-C reaches the caller alone, who asks each process to stop once
                preexec_fn=_dying_with(os.getpid()),
            )  # fmt: skip
        _pid_file(job).write_text(f"{self._popen.pid}\n")
        if terms.side_by_side > 1 and hasattr(os, "sched_setaffinity"):
            cores = own_cores()[slot * terms.threads : (slot + 1) * terms.threads]
            os.sched_setaffinity(self._popen.pid, cores)

    @property
    def ended(self) -> bool:
        """Whether it was seen to have ended."""
        return self._popen.returncode is not None

    def over(self) -> bool:
        """Whether it has ended; asks it to stop when its seconds are over."""
        if self.job.stop_after is not None and not self._asked:
            if not self._since and self._starts() > self._lines:
                self._since = time.monotonic()
            if self._since and time.monotonic() - self._since >= self.job.stop_after:
                self._asked = True
                self._popen.send_signal(signal.SIGTERM)
        return self._ended()

    def require_well(self) -> None:
        """RuntimeError, with the end of its log, where it failed."""
        if self._popen.returncode and not self._asked:
            tail = self.log.read_text("utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"the training of '{self.job.name}' ended with {self._popen.returncode}:\n{tail}")

    def end(self, gently: bool) -> None:
        """Stop it if it runs; gently, it saves before."""
        if not self.ended and not self._ended():
            self._popen.send_signal(signal.SIGTERM) if gently else self._popen.kill()
            until = time.monotonic() + _PATIENCE
            while not self._ended():
                if time.monotonic() > until:
                    self._popen.kill()
                time.sleep(0.05)

    def _ended(self) -> bool:
        if self._popen.returncode is None:
            if hasattr(os, "wait4"):
                number, status, usage = os.wait4(self._popen.pid, os.WNOHANG)
                if number:
                    self._popen.returncode = os.waitstatus_to_exitcode(status)
                    self.cpu = usage.ru_utime + usage.ru_stime
            else:
                self._popen.poll()
            if self._popen.returncode is not None:
                self.lasted = time.monotonic() - self._began
                _pid_file(self.job).unlink(missing_ok=True)
        return self._popen.returncode is not None

    def _starts(self) -> int:
        """How many trainings the run's log has seen begin."""
        path = self.job.run / "log.jsonl"
        return path.read_text("utf-8").count('{"kind": "start"') if path.exists() else 0


def require_alone(job: TrainingJob) -> None:
    """RuntimeError where a process of a caller that was killed still trains in the folder."""
    path = _pid_file(job)
    with contextlib.suppress(OSError, ValueError):
        number = int(path.read_text())
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(job.run) in words:
            raise RuntimeError(f"{job.run} is still being trained by the process {number}; end it, or wait for it")
    path.unlink(missing_ok=True)


# -- inside -----------------------------------------------------------------------------------------------------------


def _pid_file(job: TrainingJob) -> Path:
    return job.run.with_name(f"{job.run.name}.pid")


def _dying_with(caller: int) -> Callable[[], None] | None:
    """What a new process does first, so that SIGTERM tells it to save and end when its caller is gone (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork

    def bind() -> None:
        prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != caller:  # gone in between
            os._exit(1)

    return bind
