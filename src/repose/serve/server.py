"""`serve`: the application on a port, until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from repose.listening import listener
from repose.serve.app import create_app
from repose.serve.queue import stopping
from repose.serve.service import Service
from repose.serve.settings import ServeSettings

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def serve(
    settings: ServeSettings,
    say: Callable[[str], None] = print,
    app: ASGIApp | None = None,
    service: Service | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; then finish what was accepted, within `settings.grace` seconds.

    Args:
        say: called with a line when the server is ready, and with one when it has stopped.
        app, service: an application that `create_app` made and other pages were mounted on, and its service.

    Returns:
        The exit status: 0 after SIGTERM, 130 after SIGINT.

    Raises:
        OSError: the port is taken, or the host is not this machine's.
        RuntimeError: no worker can work (a model cannot be loaded); the text says why.
    """
    if app is None or service is None:
        made = create_app(settings)
        app, service = made, made.state.service
    with _listening(settings.host, settings.port) as listener:
        server = _Server(app, service, say, listener)
        server.run(sockets=[listener])
    if server.error:
        raise RuntimeError(server.error)
    answered = service.metrics.answered
    good = sum(count for status, count in answered.items() if status < 400)
    unfinished = f", {server.unfinished} were not finished in time" if server.unfinished else ""
    bad = sum(answered.values()) - good
    counts = f"{good} request{'' if good == 1 else 's'} and {bad} error{'' if bad == 1 else 's'}"
    say(f"repose serve: stopped after {counts}{unfinished}")
    return 130 if server.signal == signal.SIGINT else 0


class _Server(uvicorn.Server):
    """Uvicorn, with a stop that lets accepted requests finish."""

    def __init__(self, app: ASGIApp, service: Service, say: Callable[[str], None], listener: socket.socket) -> None:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, lifespan="on",
            timeout_graceful_shutdown=5, timeout_keep_alive=15, backlog=512, http="auto",
            h11_max_incomplete_event_size=65_536,
        )  # fmt: skip
        super().__init__(config)
        self._service, self._say, self._listener = service, say, listener
        self.signal, self.error, self.unfinished = 0, "", 0
        self._stop_at = 0.0

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn's way raises the signal again at the end, which would be the exit status."""
        before = {one: signal.signal(one, self.handle_exit) for one in _SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops; the second one does not wait for what is in work."""
        if self.signal:
            self._stop_at = 0.0
            return
        self.signal, self._stop_at = sig, time.monotonic() + self._service.settings.grace

    async def main_loop(self) -> None:
        """Serve; after a signal until all accepted requests are answered."""
        try:
            await self._started()
        except RuntimeError as error:
            self.error = str(error)
            self.should_exit = True
            return
        while not self.signal:
            await self.on_tick(0)
            await asyncio.sleep(0.1)
        self._service.stop()
        while self._service.busy and time.monotonic() < self._stop_at:
            await asyncio.sleep(0.05)
        if self._service.busy:
            self.unfinished = self._service.pool.in_work + self._service.queue.refuse_all(stopping())
            await asyncio.to_thread(self._service.pool.stop)
        self.should_exit = True

    async def _started(self) -> None:
        """Wait for a worker, and say where the server is. A signal ends the waiting."""
        ready = asyncio.ensure_future(self._service.wait_until_ready())
        while not ready.done() and not self.signal:
            await self.on_tick(0)
            await asyncio.sleep(0.05)
        if self.signal:
            ready.cancel()
            return
        await ready
        settings = self._service.settings
        port = self._listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        models = ", ".join(settings.names)
        workers = "1 worker" if settings.workers < 2 else f"{settings.workers} workers"
        self._say(f"repose serve: {models} on http://{host}:{port}/docs, {workers}; Ctrl-C stops it")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. OSError, with what to do, where it cannot."""
    try:
        return listener(host, port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"cannot serve on {host}:{port}: {reason}; choose another --port or --host") from error
