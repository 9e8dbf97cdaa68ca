"""The processes that compute, each with a thread here that gives it batches and starts it again when it dies.

A worker that dies loses what it had in work alone. Each of those requests is given to a worker once more, by itself;
where that one dies, too, the answer is 503. A worker that takes longer for a step than the limit is killed: the request
that it was at is answered 504, the others of its batch are given to a worker once more.
"""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import sys
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from repose.cores import environment
from repose.serve.errors import RefusedError
from repose.serve.messages import Answer
from repose.serve.metrics import Metrics
from repose.serve.process import start_work, worker_main
from repose.serve.queue import ATTEMPTS, Entry, RequestQueue
from repose.serve.settings import ON_A_GPU, ServeSettings

_START: Final = 180.0  # seconds that a worker may take to load its models
_FALSE_STARTS: Final = 3
_STARTING: Final = threading.Lock()


class Pool:
    """The workers of a server.

    Attributes:
        models: what `GET /v1/models` says; empty until a worker is ready.
        failed: why no worker can work; empty while all is well.
        restarts: workers that were started in the place of a dead one.
    """

    def __init__(self, settings: ServeSettings, queue: RequestQueue, metrics: Metrics) -> None:
        self.settings, self.queue, self.metrics = settings, queue, metrics
        self.models: list[dict[str, Any]] = []
        self.failed = ""
        self.restarts = 0
        kind = _ProcessWorker if settings.workers else _ThreadWorker
        self._workers: list[_Worker] = [kind(self) for _ in range(max(1, settings.workers))]

    def start(self) -> None:
        """Start all workers; `ready` tells when one of them is."""
        for worker in self._workers:
            worker.thread.start()

    @property
    def ready(self) -> bool:
        """Whether a worker can take a request."""
        return any(worker.ready for worker in self._workers)

    @property
    def alive(self) -> int:
        """Workers that have loaded their models."""
        return sum(worker.ready for worker in self._workers)

    @property
    def in_work(self) -> int:
        """Requests that are computed now."""
        return sum(worker.count for worker in self._workers)

    @property
    def processes(self) -> list[int]:
        """Numbers of the processes (pid)."""
        return [worker.pid for worker in self._workers if worker.pid]

    def loaded(self, models: list[dict[str, Any]]) -> None:
        """A worker has loaded its models: what `GET /v1/models` says, and how large batches are."""
        self.models = models
        if not self.settings.batch:
            self.queue.batch = ON_A_GPU if any(one.get("device") == "cuda" for one in models) else 1

    def stop(self) -> None:
        """End all workers now; what they have in work is answered 503."""
        self.queue.close()
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            if worker.thread.is_alive():
                worker.thread.join(5)


class _Worker:
    """What a process and a thread have in common as workers."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._stopped = threading.Event()
        self.ready, self.count, self.pid = False, 0, 0
        self.thread = threading.Thread(target=self._run, name="repose-worker", daemon=True)

    def _run(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        """Stop working, at once."""
        self._stopped.set()

    @property
    def _ending(self) -> bool:
        return self._stopped.is_set()


class _ThreadWorker(_Worker):
    """Computes in a thread of this process."""

    def _run(self) -> None:
        try:
            work = start_work(self._pool.settings)
        except (ValueError, OSError, ImportError, RuntimeError) as error:
            self._pool.failed = str(error)
            return
        self._pool.loaded(work.describe())
        self.ready = True
        while not self._ending:
            entries = self._pool.queue.take(1.0, self)
            if not entries:
                work.forget_old()
                self._pool.metrics.cache(self, work.cache_numbers)
                continue
            self.count, begun = len(entries), time.monotonic()
            work.run([entry.task for entry in entries], lambda k, answer, all_=entries: all_[k].finish(answer))
            self._pool.metrics.batch(len(entries))
            self._pool.metrics.cache(self, work.cache_numbers)
            self._pool.queue.record_pace((time.monotonic() - begun) / len(entries))
            self.count = 0


class _ProcessWorker(_Worker):
    """Computes in a process of its own, which is started again when it dies."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._process: BaseProcess | None = None

    def end(self) -> None:
        super().end()
        process = self._process
        if process is not None:
            with contextlib.suppress(ValueError):  # it was closed in this moment
                process.kill()

    def _run(self) -> None:
        false_starts = 0
        while not self._ending:
            process, pipe = self._started()
            try:
                if not self._loaded(process, pipe):
                    false_starts += 1
                    if false_starts >= _FALSE_STARTS:
                        self._pool.failed = self._pool.failed or "its processes end as they start"
                        self._stopped.wait(min(60.0, 2.0**false_starts))
                    continue
                false_starts = 0
                self._pool.failed = ""
                while not self._ending and process.is_alive():
                    entries = self._pool.queue.take(0.5, self)
                    if not (self._worked(process, pipe, entries) if entries else self._heard(pipe)):
                        break
            finally:
                self._pool.metrics.cache_gone(self)
                self.ready, self.pid, self._process = False, 0, None
                pipe.close()
                process.kill()
                process.join()
                process.close()
            if not self._ending:
                self._pool.restarts += 1

    def _started(self) -> tuple[BaseProcess, Connection[Any, Any]]:
        settings = self._pool.settings
        threads = str(settings.threads)
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        context = mp.get_context("spawn")
        ours, theirs = context.Pipe()
        with _STARTING, environment(dict.fromkeys(names, threads)):
            process = context.Process(target=worker_main, args=(theirs, settings), name="repose-worker", daemon=True)
            process.start()
        theirs.close()
        self._process, self.pid = process, process.pid or 0
        return process, ours

    def _loaded(self, process: BaseProcess, pipe: Connection[Any, Any]) -> bool:
        try:
            if not pipe.poll(_START):
                self._pool.failed = f"a worker did not load its models within {_START:g} s"
                return False
            what, found = pipe.recv()
        except (EOFError, OSError):
            return False
        if what == "failed":
            self._pool.failed = str(found)
            if self._pool.models:  # at the start it is the error of the command
                print(f"a worker cannot compute: {found}", file=sys.stderr)
            return False
        self._pool.loaded(found)
        self.ready = True
        return True

    def _heard(self, pipe: Connection[Any, Any]) -> bool:
        """Read what the process says of its cache while it has nothing to do; False where it is dead."""
        try:
            while pipe.poll():
                self._pool.metrics.cache(self, pipe.recv()[1])
        except (EOFError, OSError):
            return False
        return True

    def _worked(self, process: BaseProcess, pipe: Connection[Any, Any], entries: list[Entry]) -> bool:
        """Let the process compute a batch; False where it is dead afterwards."""
        begun, limit = time.monotonic(), self._pool.settings.seconds
        left = dict(enumerate(entries))
        for entry in entries:
            entry.attempts += 1
        self.count, at = len(entries), None
        try:
            pipe.send([entry.task for entry in entries])
            while True:
                if not pipe.poll(limit):
                    self._hangs(process, left, at)
                    return False
                what, *more = pipe.recv()
                if what == "done":
                    break
                if what == "step":
                    at = more[0]
                elif what == "answer":
                    number, answer = more
                    self._answered(left.pop(number), answer)
                elif what == "cache":
                    self._pool.metrics.cache(self, more[0])
        except (EOFError, OSError):
            self._died(process, left)
            return False
        finally:
            self.count = 0
        for entry in left.values():  # a batch ends with an answer for each
            entry.refuse(RefusedError(500, "The server lost this request.", "server", "Send it again."))
        self._pool.metrics.batch(len(entries))
        self._pool.queue.record_pace((time.monotonic() - begun) / len(entries))
        return True

    def _answered(self, entry: Entry, answer: Answer) -> None:
        if answer.refused is None and entry.attempts > 1:
            answer = Answer(answer.body, answer.media, {**answer.facts, "attempts": entry.attempts})
        entry.finish(answer)

    def _died(self, process: BaseProcess, left: dict[int, Entry]) -> None:
        """The requests of a dead process are given to another one, once."""
        process.join(5)
        code = process.exitcode
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"ended with {code}"
        again = [] if self._ending else [entry for entry in left.values() if entry.attempts < ATTEMPTS]
        for entry in left.values():
            if entry not in again:
                entry.refuse(
                    RefusedError(
                        503,
                        f"The process that computed this request was {how}, {entry.attempts} times.",
                        "server",
                        "Send a smaller picture, or the same request later.",
                        {"Retry-After": "5"},
                    )
                )
        self._pool.metrics.lost(len(left), len(again))
        self._pool.queue.put_back(again)

    def _hangs(self, process: BaseProcess, left: dict[int, Entry], at: int | None) -> None:
        """The process takes too long: it is killed, and the request that it was at is refused."""
        process.kill()
        again = []
        for number, entry in left.items():
            if number == at or len(left) == 1 or entry.attempts >= ATTEMPTS:
                limit = self._pool.settings.seconds
                entry.refuse(
                    RefusedError(
                        504,
                        f"The request took longer than {limit:g} s to compute.",
                        "server",
                        "Send a smaller picture.",
                    )
                )
            else:
                again.append(entry)
        self._pool.metrics.lost(len(left), len(again))
        self._pool.queue.put_back(again)
