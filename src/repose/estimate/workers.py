"""Processes that work through a list of tasks, and go on where one of them is killed.

Every process has a pipe of its own, which ends when the process at its other end dies. What the dead process had in
work and what it was still to do is given to another one. A task that kills its process twice is given up.
"""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import signal
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final, Generic, TypeVar

from repose.cores import ONE_THREAD, end_processes, environment

Task = TypeVar("Task")
Result = TypeVar("Result")

STRIKES: Final = 2
"""A task is given up when so many processes died of it."""

_FALSE_STARTS: Final = 3
"""So many processes may die, one after the other, before one of them is ready for its first task."""


class WorkerError(RuntimeError):
    """The processes cannot work: they end as they start, or a task raised what nobody expected."""


@dataclass(frozen=True)
class Killed:
    """In place of a result: the process died of this task, `STRIKES` times.

    Attributes:
        reason: how it ended, in words.
    """

    reason: str


def run_in_processes(
    start: Callable[[], Callable[[Task], Result]], tasks: Sequence[Task], workers: int, batch: int = 8
) -> Iterator[tuple[Task, Result | Killed]]:
    """Work through tasks in several processes; yields each task with its result, in the order in which they are done.

    Args:
        start: called once in each process (picklable); returns the function from a task to its result.
        tasks: picklable. workers: how many processes. batch: tasks that a process is given at a time.

    Raises:
        WorkerError: see there. ValueError: no worker, or batches of nothing.
    """
    if workers < 1 or batch < 1:
        raise ValueError(f"workers and batch are at least 1, got {workers} and {batch}")
    with contextlib.closing(_Pool(start, tasks, min(workers, max(1, len(tasks))), batch)) as pool:
        yield from pool.results()


class _Member(Generic[Task]):
    """One process, our end of its pipe, and the numbers of the tasks that it has, the one in work first."""

    def __init__(self, process: BaseProcess, pipe: Connection[Any, Any]) -> None:
        self.process, self.pipe = process, pipe
        self.given: deque[int] = deque()
        self.ready = False


class _Pool(Generic[Task, Result]):
    def __init__(
        self, start: Callable[[], Callable[[Task], Result]], tasks: Sequence[Task], workers: int, batch: int
    ) -> None:
        self._start, self._tasks, self._batch = start, tasks, batch
        self._waiting = deque(range(len(tasks)))
        self._again: deque[list[int]] = deque()  # what dead processes left
        self._strikes: Counter[int] = Counter()
        self._false_starts = 0
        self._members: list[_Member[Task]] = []
        try:
            for _ in range(workers):
                self._members.append(self._new())
        except BaseException:
            self.close()
            raise

    def results(self) -> Iterator[tuple[Task, Result | Killed]]:
        left = len(self._tasks)
        while left:
            for member in self._members:
                if member.ready and not member.given:
                    self._give(member)
            by_pipe = {member.pipe: member for member in self._members}
            for pipe in wait(list(by_pipe)):
                for done in self._take(by_pipe[pipe]):  # type: ignore[index]
                    left -= 1
                    yield done

    def close(self) -> None:
        """End the processes at once."""
        for member in self._members:
            member.pipe.close()
        end_processes([member.process for member in self._members])
        self._members.clear()

    # -- inside -------------------------------------------------------------------------------------------------

    def _new(self) -> _Member[Task]:
        context = mp.get_context("spawn")  # threads and interpreters of networks do not survive a fork
        with environment(ONE_THREAD):  # read when the child imports its libraries, so set before it starts
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(self._start, theirs), daemon=True)
            process.start()
            theirs.close()
        return _Member(process, ours)

    def _give(self, member: _Member[Task]) -> None:
        """The next batch: first what dead processes left."""
        if self._again:
            batch = self._again.popleft()
        else:
            # the last batches are smaller, so that all processes end at about the same time
            size = max(1, min(self._batch, len(self._waiting) // (2 * len(self._members))))
            batch = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
        if not batch:
            return
        member.given.extend(batch)
        with contextlib.suppress(OSError):  # a dead process: `_take` finds it out
            member.pipe.send([self._tasks[number] for number in batch])

    def _take(self, member: _Member[Task]) -> Iterator[tuple[Task, Result | Killed]]:
        try:
            what, value = member.pipe.recv()
        except (EOFError, OSError):
            yield from self._bury(member)
            return
        if what == "failed":
            raise WorkerError(value)
        self._false_starts = 0
        if what == "ready":
            member.ready = True
            return
        number = member.given.popleft()
        yield self._tasks[number], value

    def _bury(self, member: _Member[Task]) -> Iterator[tuple[Task, Killed]]:
        """A process died: another one comes in its place, and its tasks wait again."""
        member.process.join(5)
        code = member.process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        hint = "; if the memory was full, use fewer workers" if code == -signal.SIGKILL else ""
        member.pipe.close()
        if not member.ready:
            self._false_starts += 1
            if self._false_starts >= _FALSE_STARTS:
                raise WorkerError(f"the processes end as they start: the last one {how}{hint}")
        rest = list(member.given)
        if rest:
            first = rest[0]
            self._strikes[first] += 1
            if self._strikes[first] >= STRIKES:
                rest = rest[1:]
                yield self._tasks[first], Killed(f"its process {how}, {STRIKES} times{hint}")
        if rest:
            self._again.append(rest)
        self._members[self._members.index(member)] = self._new()


def _serve(start: Callable[[], Callable[[Any], Any]], pipe: Connection[Any, Any]) -> None:
    """Runs in a process: takes batches of tasks and sends a result of each until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the parent ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    good, work = _tried(start)
    with contextlib.suppress(EOFError, OSError):
        pipe.send(("ready", None) if good else ("failed", work))
        while good:
            for task in pipe.recv():
                good, result = _tried(lambda task=task: work(task))  # type: ignore[misc]
                pipe.send(("done" if good else "failed", result))


def _tried(make: Callable[[], Any]) -> tuple[bool, Any]:
    """True and what a function gives, or False and what it raised, in words."""
    try:
        return True, make()
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return False, f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"


__all__ = ["STRIKES", "Killed", "WorkerError", "run_in_processes"]
