"""Training processes of a comparison: started, kept equally busy, stopped, and what the machine did meanwhile.

A process ends with its caller: where one is killed, Linux ends its processes too, and everywhere what only keeps the
machine busy has an end of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Final

from repose.models import read_recipe
from repose.recipes import to_dict
from repose.tensor_files import write_text

LONGER: Final = 1.25
"""How much longer than its job a filler would train, if it were not stopped."""

_SET_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2)


@dataclass(frozen=True)
class Job:
    """One training process.

    Attributes:
        name: of the recipe. recipe: its JSON file. run: folder. stop_after: seconds of training, or None: to the end.
    """

    name: str
    recipe: Path
    run: Path
    stop_after: float | None = None


@dataclass(frozen=True)
class Machine:
    """What the machine did while jobs ran.

    Attributes:
        seconds: from start to end. cores: cores' worth of time that each job had, by name. others: share of all cores
            that other programs had, None where the system does not tell. load: 1-minute averages before and after.
    """

    seconds: float
    cores: dict[str, float]
    others: float | None
    load: tuple[float, float] | None


Runner = Callable[[Sequence[Job]], Machine]
"""Trains jobs side by side and returns when all have ended."""


class Launcher:
    """Trains jobs as processes: `repose train`, side by side on cores of its own.

    A slot without a job, from the beginning or because its job has ended, trains something that is thrown away, so
    that the others go on under the same load.

    Args:
        store: folder of the data. threads: of each process. side_by_side: slots. accelerator: of
            `repose.train.loop.train`.
    """

    def __init__(self, store: Path, threads: int = 1, side_by_side: int = 1, accelerator: str = "auto") -> None:
        self.store, self.threads, self.side_by_side, self.accelerator = store, threads, side_by_side, accelerator

    def __call__(self, jobs: Sequence[Job]) -> Machine:
        """Until all have ended.

        Raises:
            RuntimeError: one failed; the others are stopped, and have saved. Or a process of a caller that was killed
                still trains in one of the folders.
        """
        spare = {slot: self._filler(jobs[slot % len(jobs)], slot) for slot in range(max(self.side_by_side, len(jobs)))}
        for job in [*jobs, *spare.values()]:
            _require_alone(job)
        started, load, clock = time.monotonic(), _load(), _jiffies()
        running: list[_Process] = []
        fillers: dict[int, _Process] = {}
        rest = 0.0
        with contextlib.ExitStack() as stack:
            stack.enter_context(_raising())
            try:
                for slot, job in enumerate(jobs):
                    running.append(_Process(self, job, slot))
                while not all(process.ended for process in running):
                    time.sleep(0.2)
                    for process in running:
                        if not process.ended and process.over():
                            process.require_well()
                    for slot, filler in [*fillers.items()]:
                        if filler.over():
                            filler.require_well()
                            rest += fillers.pop(slot).cpu
                    busy = {slot for slot, process in enumerate(running) if not process.ended}
                    for slot in set(spare) - busy - set(fillers) if busy else ():
                        self._write(jobs[slot % len(jobs)], spare[slot])
                        fillers[slot] = _Process(self, spare[slot], slot)
            finally:
                for process in [*running, *fillers.values()]:
                    process.end(gently=process in running)
                rest += sum(filler.cpu for filler in fillers.values())
                for job in spare.values():
                    shutil.rmtree(job.run.parent, ignore_errors=True)
        passed = time.monotonic() - started
        cores_of = {process.job.name: round(process.cpu / max(process.lasted, 1e-9), 3) for process in running}
        others = _others(clock, _jiffies(), sum(process.cpu for process in running) + rest)
        after = _load()
        both = None if load is None or after is None else (load, after)
        return Machine(round(passed, 1), cores_of, others, both)

    def _filler(self, job: Job, slot: int) -> Job:
        folder = job.run.parent / "filler"
        return Job(f"filler {slot}", folder / f"{slot}.json", folder / f"{slot}")

    def _write(self, job: Job, filler: Job) -> None:
        """The recipe of a filler, from its beginning: the job's, a little longer than the job in all."""
        shutil.rmtree(filler.run, ignore_errors=True)
        made = read_recipe(job.recipe)
        images = round(made.images * LONGER)
        write_text(filler.recipe, json.dumps(to_dict(replace(made, images=images, tick=images))))


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


# -- inside -----------------------------------------------------------------------------------------------------------


def _require_alone(job: Job) -> None:
    """RuntimeError where a process of a caller that was killed still trains in the folder."""
    path = _pid_file(job)
    with contextlib.suppress(OSError, ValueError):
        number = int(path.read_text())
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(job.run) in words:
            raise RuntimeError(f"{job.run} is still being trained by the process {number}; end it, or wait for it")
    path.unlink(missing_ok=True)


class _Process:
    """`repose train` of one job."""

    def __init__(self, launcher: Launcher, job: Job, slot: int) -> None:
        self.job = job
        self.cpu, self.lasted, self._asked = 0.0, 0.0, False
        self._lines, self._since = self._starts(), 0.0
        job.run.parent.mkdir(parents=True, exist_ok=True)
        self.log = job.run.with_name(f"{job.run.name}.log")
        words = [
            sys.executable, "-m", "repose", "train", str(job.recipe), "-d", str(launcher.store), "-o", str(job.run),
            "--accelerator", launcher.accelerator,
        ]  # fmt: skip
        threads = {name: str(launcher.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        self._began = time.monotonic()
        with self.log.open("ab") as file:
            self._popen = subprocess.Popen(
                words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=os.environ | threads,
                start_new_session=True,  # Ctrl-C reaches the caller alone, who asks each process to stop once
                preexec_fn=_dying_with(os.getpid()),
            )  # fmt: skip
        _pid_file(job).write_text(f"{self._popen.pid}\n")
        if launcher.side_by_side > 1 and hasattr(os, "sched_setaffinity"):
            own = cores()[slot * launcher.threads : (slot + 1) * launcher.threads]
            os.sched_setaffinity(self._popen.pid, own)

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
            until = time.monotonic() + 120
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


def _pid_file(job: Job) -> Path:
    return job.run.with_name(f"{job.run.name}.pid")


def _dying_with(caller: int) -> Callable[[], None] | None:
    """What a new process does first, so that SIGTERM tells it to save and end when its caller is gone (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # found before the fork

    def bind() -> None:
        prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != caller:  # gone in between
            os._exit(1)

    return bind


@contextlib.contextmanager
def _raising() -> Iterator[None]:
    """SIGTERM interrupts as Ctrl-C does, so that the processes are stopped."""

    def heard(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # Python gives signals to no other
        yield
        return
    old = signal.signal(signal.SIGTERM, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


def _load() -> float | None:
    """The 1-minute load average."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _jiffies() -> tuple[float, float] | None:
    """Seconds that all cores together were busy, and seconds in all, since the machine started (Linux)."""
    path = Path("/proc/stat")
    if not path.exists():
        return None
    user, nice, system, idle, wait, *more = (int(word) for word in path.read_text().split("\n", 1)[0].split()[1:9])
    ticks = os.sysconf("SC_CLK_TCK")
    busy = user + nice + system + sum(more)
    return busy / ticks, (busy + idle + wait) / ticks


def _others(before: tuple[float, float] | None, after: tuple[float, float] | None, own: float) -> float | None:
    """The share of all cores that went to other programs than ours."""
    if before is None or after is None or after[1] <= before[1]:
        return None
    return round(max(0.0, after[0] - before[0] - own) / (after[1] - before[1]), 3)
