"""All that a server holds: queue, workers, videos, numbers; it is started and stopped as one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from repose.serve.errors import RefusedError, busy
from repose.serve.jobs import Jobs
from repose.serve.messages import Answer, Task
from repose.serve.metrics import Metrics, resident
from repose.serve.queue import RequestQueue, stopping
from repose.serve.settings import ServeSettings
from repose.serve.workers import Pool


class Service:
    """The parts of a server.

    Attributes:
        settings, metrics, queue, pool, jobs: its parts. stopping: whether it takes no further requests.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        homes = settings.cache * max(1, settings.workers)
        self.queue = RequestQueue(settings.queue, settings.batch, settings.wait, settings.workers, homes)
        self.pool = Pool(settings, self.queue, self.metrics)
        self.jobs = Jobs(settings)
        self.stopping = False
        self._computing = 0
        self._begun = time.monotonic()

    async def wait_until_ready(self, seconds: float = 240.0) -> None:
        """Wait for the first worker.

        Raises:
            RuntimeError: none can work; the text says why.
        """
        end = time.monotonic() + seconds
        while not self.pool.ready:
            if self.pool.failed:
                raise RuntimeError(self.pool.failed)
            if time.monotonic() > end:
                raise RuntimeError(f"no worker was ready after {seconds:g} s")
            await asyncio.sleep(0.02)

    async def tend(self) -> None:
        """Forget what is old, once a second, until it is cancelled."""
        while True:
            await asyncio.sleep(1)
            self.queue.tidy()
            await asyncio.to_thread(self.jobs.tidy)

    async def compute(self, task: Task, gone: Callable[[], Awaitable[None]]) -> Answer:
        """The answer of a worker.

        Args:
            gone: returns when the client has gone; its request is then left out where it still waits.

        Raises:
            RefusedError: the queue is full, or the answer is an error.
        """
        if self.pool.failed and not self.pool.ready:
            raise busy("No worker can compute now; the log of the server says why.", "server", 10)
        entry = self.queue.put(task)
        self._computing += 1
        answered: asyncio.Future[Answer] = asyncio.wrap_future(entry.future)
        leaving: asyncio.Future[None] = asyncio.ensure_future(gone())
        try:
            waiting: tuple[asyncio.Future[Any], ...] = (answered, leaving)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not answered.done():
                raise RefusedError(499, "The client has gone.", "client")
            answer = answered.result()
        finally:
            self._computing -= 1
            leaving.cancel()
            if not answered.done():
                answered.cancel()
        if answer.refused is not None:
            raise answer.refused
        return answer

    def stop(self) -> None:
        """Take no further requests; what was accepted goes on. Videos stop."""
        self.stopping = True
        self.jobs.stop()

    @property
    def busy(self) -> bool:
        """Whether requests wait or are computed."""
        return self._computing > 0

    def close(self) -> None:
        """End everything, at once."""
        self.stop()
        self.queue.close()
        self.queue.refuse_all(stopping())
        self.pool.stop()
        self.jobs.close()

    def health(self) -> dict[str, Any]:
        """What /healthz says."""
        ready = self.pool.ready and not self.stopping
        found: dict[str, Any] = {
            "live": True, "ready": ready, "workers": self.pool.alive, "waiting": len(self.queue),
            "in_work": self.pool.in_work, "stopping": self.stopping,
        }  # fmt: skip
        if self.pool.failed and not self.pool.ready:
            found["error"] = "No worker can compute; the log of the server says why."
        return found

    def numbers(self) -> str:
        """What /metrics says."""
        memory = resident() + sum(resident(pid) for pid in self.pool.processes)
        return self.metrics.text(
            {
                "repose_queue_length": ("gauge", "Requests that wait.", len(self.queue)),
                "repose_requests_in_work": ("gauge", "Requests that are computed now.", self.pool.in_work),
                "repose_workers": ("gauge", "Workers that should be there.", max(1, self.settings.workers)),
                "repose_workers_alive": ("gauge", "Workers that are ready.", self.pool.alive),
                "repose_worker_restarts_total": ("counter", "Workers that were started again.", self.pool.restarts),
                "repose_jobs": ("gauge", "Videos that wait, run or are kept.", len(self.jobs)),
                "repose_resident_bytes": ("gauge", "Resident memory of the server and its workers.", memory),
                "repose_uptime_seconds": ("gauge", "Time since the start.", time.monotonic() - self._begun),
            }
        )


@contextlib.asynccontextmanager
async def running(service: Service) -> Any:
    """The service runs inside the block."""
    service.pool.start()
    tending = asyncio.ensure_future(service.tend())
    try:
        yield
    finally:
        tending.cancel()
        await asyncio.to_thread(service.close)
