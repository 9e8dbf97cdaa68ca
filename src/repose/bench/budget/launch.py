"""Training processes of a comparison, side by side and kept equally busy.

A slot without a job, from the beginning or because its job has ended, trains something that is thrown away, so that the
others go on under the same load.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

from repose.bench.budget.machine import MachineUse, core_time, load_average, share_of_others
from repose.bench.budget.process import TrainingJob, TrainingProcess, TrainingTerms, require_alone
from repose.models import read_recipe
from repose.recipes import to_dict
from repose.tensor_files import write_text

LONGER: Final = 1.25
"""How much longer than its job a filler would train, if it were not stopped."""

_PAUSE: Final = 0.2
"""Seconds between two looks at the processes."""

TrainJobs = Callable[[Sequence[TrainingJob]], MachineUse]
"""Trains jobs side by side and returns when all have ended."""


class Launcher:
    """Trains jobs as processes: `repose train`, side by side on cores of its own.

    Args:
        store, threads, side_by_side, accelerator: see `TrainingTerms`.
    """

    def __init__(self, store: Path, threads: int = 1, side_by_side: int = 1, accelerator: str = "auto") -> None:
        self.terms = TrainingTerms(store, threads, side_by_side, accelerator)

    def __call__(self, jobs: Sequence[TrainingJob]) -> MachineUse:
        """Train until all have ended.

        Raises:
            RuntimeError: one failed; the others are stopped, and have saved. Or a process of a caller that was killed
                still trains in one of the folders.
            KeyboardInterrupt: Ctrl-C or SIGTERM; all have saved and ended.
        """
        slots = range(max(self.terms.side_by_side, len(jobs)))
        spare = {slot: _filler(jobs[slot % len(jobs)], slot) for slot in slots}
        for job in [*jobs, *spare.values()]:
            require_alone(job)
        start, load, before = time.monotonic(), load_average(), core_time()
        running: list[TrainingProcess] = []
        fillers: dict[int, TrainingProcess] = {}
        of_fillers = 0.0
        with contextlib.ExitStack() as stack:
            stack.enter_context(_interrupted_by_sigterm())
            try:
                for slot, job in enumerate(jobs):
                    running.append(TrainingProcess(self.terms, job, slot))
                while not all(process.ended for process in running):
                    time.sleep(_PAUSE)
                    for process in running:
                        if not process.ended and process.over():
                            process.require_well()
                    for slot, filler in [*fillers.items()]:
                        if filler.over():
                            filler.require_well()
                            of_fillers += fillers.pop(slot).cpu
                    busy = {slot for slot, process in enumerate(running) if not process.ended}
                    for slot in set(spare) - busy - set(fillers) if busy else ():
                        _write_filler(jobs[slot % len(jobs)], spare[slot])
                        fillers[slot] = TrainingProcess(self.terms, spare[slot], slot)
            finally:
                for process in [*running, *fillers.values()]:
                    process.end(gently=process in running)
                of_fillers += sum(filler.cpu for filler in fillers.values())
                for job in spare.values():
                    shutil.rmtree(job.run.parent, ignore_errors=True)
        seconds = time.monotonic() - start
        cores = {process.job.name: round(process.cpu / max(process.lasted, 1e-9), 3) for process in running}
        others = share_of_others(before, core_time(), sum(process.cpu for process in running) + of_fillers)
        after = load_average()
        return MachineUse(round(seconds, 1), cores, others, None if load is None or after is None else (load, after))


# -- inside -----------------------------------------------------------------------------------------------------------


def _filler(job: TrainingJob, slot: int) -> TrainingJob:
    folder = job.run.parent / "filler"
    return TrainingJob(f"filler {slot}", folder / f"{slot}.json", folder / f"{slot}")


def _write_filler(job: TrainingJob, filler: TrainingJob) -> None:
    """The recipe of a filler, from its beginning: the job's, a little longer than the job in all."""
    shutil.rmtree(filler.run, ignore_errors=True)
    recipe = read_recipe(job.recipe)
    images = round(recipe.images * LONGER)
    write_text(filler.recipe, json.dumps(to_dict(replace(recipe, images=images, tick=images))))


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """SIGTERM interrupts as Ctrl-C does, so that the processes are stopped."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # Python gives signals to no other
        yield
        return
    old = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)
