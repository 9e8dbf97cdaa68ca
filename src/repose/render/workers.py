"""A pool of processes for numbered tasks: results come in order, and the death of a process is an error.

The pool of the standard library waits forever for a worker that was killed, and its workers live on when the parent is
killed. Here every process has a pipe of its own, which ends when the process at its other end dies.
"""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from repose.cores import ONE_THREAD, end_processes, environment

Task = TypeVar("Task")
Result = TypeVar("Result")

_QUEUED: Final = 2  # tasks given to a process at a time: it goes on while its last result is being stored


class WorkerError(RuntimeError):
    """A worker raised or died; the message says which task it had."""


class WorkerPool(Iterator[tuple[Task, Result]], Generic[Task, Result]):
    """Yields (task, result) in the order of the tasks; a context manager that ends its processes.

    Args:
        start: called once in each process (picklable); returns the function from a task to its result.
        tasks: may be endless; only a few are taken ahead of those that were yielded.
        workers: processes. describe: a task in words, for errors.
        niceness: added to that of the processes, so that other programs come first.

    Raises:
        WorkerError: a task raised or its process died; the results of all tasks before it come first.
    """

    def __init__(
        self,
        start: Callable[[], Callable[[Task], Result]],
        tasks: Iterable[Task],
        workers: int,
        describe: Callable[[Task], str] = str,
        niceness: int = 0,
    ) -> None:
        if workers < 1:
            raise ValueError(f"WorkerPool: at least one worker is needed, got {workers}")
        self._tasks, self._describe = iter(tasks), describe
        self._stop = threading.Event()
        self._order: deque[int] = deque()  # numbers of the tasks that were given and not yielded, oldest first
        self._done: dict[int, tuple[Task, Result] | WorkerError] = {}
        self._failed = False
        self._given = 0
        self._ahead = (_QUEUED + 1) * workers
        self._members: list[_Member[Task]] = []
        context = mp.get_context("spawn")  # an OpenGL context does not survive a fork
        try:
            with environment(ONE_THREAD):  # read when the child imports its libraries, so set before it starts
                for _ in range(workers):
                    ours, theirs = context.Pipe()
                    process = context.Process(target=_serve, args=(start, theirs, niceness), daemon=True)
                    process.start()
                    theirs.close()
                    self._members.append(_Member(process, ours, deque()))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def processes(self) -> list[int]:
        """The process ids."""
        return [member.process.pid for member in self._members if member.process.pid is not None]

    def __next__(self) -> tuple[Task, Result]:
        while not self._stop.is_set():
            self._give()
            if not self._order:
                raise StopIteration
            if self._order[0] in self._done:
                done = self._done.pop(self._order.popleft())
                if isinstance(done, WorkerError):
                    self._stop.set()  # no further results
                    raise done
                return done
            by_pipe = {member.pipe: member for member in self._members if member.given and not member.dead}
            for ready in wait(list(by_pipe), timeout=0.2):  # the timeout lets it see `stop`
                self._take(by_pipe[ready])  # type: ignore[index]
        raise StopIteration

    def stop(self) -> None:
        """End a `next` that waits in another thread; `close` then ends the processes."""
        self._stop.set()

    def close(self) -> None:
        """End the processes at once; their unfinished tasks are lost."""
        self._stop.set()
        for member in self._members:
            member.pipe.close()
        end_processes([member.process for member in self._members])
        self._members.clear()

    # -- inside -------------------------------------------------------------------------------------------------

    def _give(self) -> None:
        """Give every process tasks; the one with the fewest comes first."""
        while len(self._order) < self._ahead and not self._failed:
            member = min(self._members, key=lambda one: len(one.given))
            if len(member.given) >= _QUEUED:
                return
            try:
                task = next(self._tasks)
            except StopIteration:
                return
            member.given.append((self._given, task))
            self._order.append(self._given)
            self._given += 1
            with contextlib.suppress(OSError):  # a dead process: `_take` reports why
                member.pipe.send(task)

    def _take(self, member: _Member[Task]) -> None:
        number, task = member.given.popleft()
        try:
            good, value = member.pipe.recv()
        except (EOFError, OSError):
            member.dead = True
            member.process.join(5)
            code = member.process.exitcode
            how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
            hint = "; if the memory was full, use fewer workers" if code == -signal.SIGKILL else ""
            good, value = False, f"the process {how}{hint}"
        self._done[number] = (task, value) if good else WorkerError(f"{self._describe(task)}: {value}")
        self._failed |= not good


class _Member(Generic[Task]):
    """One process, our end of its pipe, and the numbered tasks that it has, oldest first."""

    def __init__(self, process: BaseProcess, pipe: Connection[Any, Any], given: deque[tuple[int, Task]]) -> None:
        self.process, self.pipe, self.given, self.dead = process, pipe, given, False


def _serve(start: Callable[[], Callable[[Any], Any]], pipe: Connection[Any, Any], niceness: int) -> None:
    """Runs in a worker: takes tasks and sends results until the pipe ends."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches every process of the terminal; the parent ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    with contextlib.suppress(EOFError, OSError):
        work: Callable[[Any], Any] | None = None
        while True:
            task = pipe.recv()
            try:
                work = work or start()
                answer = (True, work(task))
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                answer = (False, f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})")
            pipe.send(answer)
