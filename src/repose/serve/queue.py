"""Requests that wait for a worker: a bound on their number and bytes, and batches of those that go together."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Final

from repose.serve.errors import RefusedError, busy
from repose.serve.messages import Answer, Task

MOST_BYTES: Final = 1 << 29
"""Bytes of the files of all requests that wait, at most."""

ATTEMPTS: Final = 2
"""A request is given to a worker so often: once more where the first one died of something."""


@dataclass(eq=False)
class Entry:
    """A request in the queue or in work.

    Attributes:
        future: its answer. since: when it came, `time.monotonic`. attempts: workers that had it.
    """

    task: Task
    future: Future[Answer] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
    attempts: int = 0

    def finish(self, answer: Answer) -> None:
        """Give the answer; nothing happens where there is one, or nobody waits for it."""
        with contextlib.suppress(InvalidStateError):
            self.future.set_result(answer)

    def refuse(self, error: RefusedError) -> None:
        """Give an error as the answer."""
        self.finish(Answer(refused=error))


class RequestQueue:
    """The queue. Any thread may call it.

    Attributes:
        batch: requests that are taken together, at most.

    Args:
        size: requests that may wait. batch: see there. wait: seconds that a request
            may wait.
        workers: how many take from it. homes: photographs of which it is remembered which worker had them last.
    """

    def __init__(self, size: int, batch: int = 1, wait: float = math.inf, workers: int = 1, homes: int = 0) -> None:
        self._size, self.batch, self._wait, self._workers = size, max(1, batch), wait, max(1, workers)
        self._entries: deque[Entry] = deque()
        self._condition = threading.Condition()
        self._bytes = 0
        self._pace = 1.0  # seconds of a worker for a request
        self._closed = False
        self._most_homes = homes
        self._homes: OrderedDict[bytes, Hashable] = OrderedDict()  # photograph -> the worker that had it last
        self._idle: set[Hashable] = set()  # workers that wait in `take`

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def retry_after(self) -> float:
        """Seconds after which there is room, as far as that can be told."""
        return 1 + len(self._entries) * self._pace / self._workers / 2

    def put(self, task: Task) -> Entry:
        """Let a request wait.

        Raises:
            RefusedError: 503, the queue is full or closed.
        """
        entry = Entry(task)
        with self._condition:
            if self._closed:
                raise stopping()
            if len(self._entries) >= self._size or self._bytes + task.size > MOST_BYTES:
                self._drop_finished()
            if len(self._entries) >= self._size or (self._entries and self._bytes + task.size > MOST_BYTES):
                waiting = len(self._entries)
                raise busy(f"The server is busy: {waiting} requests wait, no more can.", "queue", self.retry_after)
            self._entries.append(entry)
            self._bytes += task.size
            self._condition.notify_all()
        return entry

    def take(self, timeout: float | None = None, worker: Hashable = None) -> list[Entry]:
        """The request that waits longest, and those of its key, up to a batch; where several workers take, a fair part.

        Blocks until there is one. A request whose photograph another worker had, and has in its cache, is left to that
        one if it is idle too; it is not kept waiting for a busy one.

        Args:
            worker: who asks.

        Returns:
            Nothing after `timeout` seconds, or once the queue is closed and empty.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        with self._condition:
            self._idle.add(worker)
            try:
                while True:
                    taken = self._next(worker)
                    if taken:
                        return taken
                    left = end - time.monotonic()
                    if self._closed or left <= 0:
                        return []
                    self._condition.wait(None if left == math.inf else left)
            finally:
                self._idle.discard(worker)
                self._condition.notify_all()  # what was left to this one

    def put_back(self, entries: Iterable[Entry]) -> None:
        """Requests that a dead worker left: they are the next ones."""
        with self._condition:
            for entry in reversed([*entries]):
                if not entry.future.done():
                    self._entries.appendleft(entry)
                    self._bytes += entry.task.size
            self._condition.notify_all()

    def record_pace(self, seconds: float) -> None:
        """A worker took so many seconds for a request: by this `retry_after` is told."""
        self._pace += 0.1 * (seconds - self._pace)

    def tidy(self) -> None:
        """Answer requests that have waited too long, and leave out those whose client has gone."""
        with self._condition:
            self._drop_finished()

    def close(self) -> None:
        """Accept no further request; those that wait are still taken."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def refuse_all(self, error: RefusedError) -> int:
        """Answer every request that waits with an error; how many there were."""
        with self._condition:
            entries, self._entries, self._bytes = [*self._entries], deque(), 0
        for entry in entries:
            entry.refuse(error)
        return len(entries)

    # -- inside, with the condition held ------------------------------------------------------------------------

    def _next(self, worker: Hashable) -> list[Entry]:
        self._drop_finished()
        others = self._idle - {worker}
        mine = [one for one in self._entries if self._home(one) not in others] if others else [*self._entries]
        if not mine:
            return []
        first = mine[0]
        together = [first]
        if (
            first.task.key is not None and not first.attempts
        ):  # a second attempt is alone: the first one may be its fault
            same = [one for one in mine if one.task.key == first.task.key and not one.attempts]
            together = same[: min(self.batch, math.ceil(len(same) / self._workers))]
        for entry in together:
            self._entries.remove(entry)
            self._bytes -= entry.task.size
            photograph = entry.task.digests.get("source")
            if photograph is not None and self._most_homes:
                self._homes[photograph] = worker
                self._homes.move_to_end(photograph)
        while len(self._homes) > self._most_homes:
            self._homes.popitem(last=False)
        return together

    def _home(self, entry: Entry) -> Hashable:
        """The worker that had the photograph of a request last; the request itself where none had."""
        return self._homes.get(entry.task.digests.get("source", b""), entry)

    def _drop_finished(self) -> None:
        """Leave out those whose client has gone; answer those that have waited too long."""
        now = time.monotonic()
        kept: deque[Entry] = deque()
        for entry in self._entries:
            if now - entry.since > self._wait and not entry.attempts:
                entry.refuse(busy(f"The request has waited for {self._wait:g} s.", "queue", self.retry_after))
            if entry.future.done():
                self._bytes -= entry.task.size
            else:
                kept.append(entry)
        self._entries = kept


def stopping() -> RefusedError:
    """503: the server is being stopped."""
    return RefusedError(
        503,
        "The server is being stopped.",
        "server",
        "Send the request again after some seconds.",
        {"Retry-After": "5"},
    )
