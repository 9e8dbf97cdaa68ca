"""The process of `repose web`: the page and its routes in one FastAPI application, served by uvicorn."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from typing import Any, Final

import fastapi
import numpy as np
import torch
import uvicorn

from repose.listening import EVERYBODY, addresses, listener, own_hosts
from repose.serve.guard import Guard
from repose.serve.metrics import Metrics
from repose.serve.settings import CACHE_SECONDS, ServeSettings
from repose.web import arranging, posing
from repose.web.live import Live, live_router
from repose.web.posing import Models
from repose.web.sessions import Limits, Session

_NEARBY: Final = 20  # ports that are tried for a proposal


class PortTakenError(OSError):
    """Another program listens at this port; the text proposes one that is free."""


def create_app(live: Live, settings: ServeSettings | None = None, api: bool = False) -> fastapi.FastAPI:
    """The application: the page at "/", its routes at "/live".

    Args:
        live: sessions and models. settings: of the server: hosts, limits; the defaults if not given.
        api: also offer the HTTP API of `repose serve`, at "/v1"; its workers start with the application.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    import gradio

    from repose.web.page import page, style

    settings = ServeSettings(workers=1) if settings is None else settings
    if api:
        from repose.serve.app import create_app as create_server

        app = create_server(settings)
    else:
        app = fastapi.FastAPI(title="Repose", docs_url=None, redoc_url=None, openapi_url=None)
        app.add_middleware(Guard, settings=settings, metrics=Metrics(), stopping=lambda: False)
    app.include_router(live_router(live))
    # nothing is uploaded to Gradio and no function of it runs: files and poses go to the routes
    gradio.mount_gradio_app(
        app, page(live.models), path="/", ssr_mode=False, footer_links=[], run_history=False, show_error=False,
        enable_monitoring=False, pwa=False, max_file_size=1, server_name="127.0.0.1", **style(),
    )  # fmt: skip
    return app


def warm_up(live: Live) -> None:
    """Compute one picture of nobody, so that the first visitor does not wait for compilers and weights."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (360, 480, 3)).astype(np.uint8)
    session = Session("", "warm-up", pixels, pixels, [])
    posing.find_people(live.models, pixels)
    joints = posing.guess(session.size)
    posing.choose_person(session, joints)
    moved = joints + torch.tensor([4.0, 4.0, 0.0])
    posing.picture(session, live.models, "", moved, "keep")
    arranging.arrange(joints, joints, 1.0, 30.0, 1.0)


def require_port(host: str, port: int) -> socket.socket:
    """A socket that listens at a port of this machine; 0 takes any that is free.

    Raises:
        PortTakenError: the port is taken; names the next one that is free.
        OSError: the host is not this machine's.
    """
    try:
        return listener(host, port)
    except OSError as error:
        said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        for other in range(port + 1, min(65536, port + 1 + _NEARBY)) if error.errno != errno.EADDRNOTAVAIL else ():
            try:
                listener(host, other).close()
            except OSError:
                continue
            raise PortTakenError(
                f"port {port} of {host} cannot be used ({said}); {other} is free: --port {other}"
            ) from None
        raise OSError(f"cannot listen at {host}:{port} ({said}); try another --host or --port") from None


def run(
    models: Models,
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: Limits | None = None,
    opened: bool = True,
    ready: Callable[[str], None] = print,
    hosts: tuple[str, ...] = (),
    api: bool = False,
) -> int:
    """Serve the page until Ctrl-C or SIGTERM.

    Args:
        models: that the page offers. host, port: where it listens. limits: see `Limits`.
        opened: open the page in a browser of this machine. ready: called with lines about the address and the end.
        hosts: further names by which visitors may call it, such as that of a proxy.
        api: also offer the HTTP API of `repose serve`.

    Returns:
        The exit status: 0 after SIGTERM, 130 after Ctrl-C.

    Raises:
        OSError: see `require_port`. RuntimeError: no worker of the API can work.
    """
    limits = limits or Limits()
    listening = require_port(host, port)
    port = int(listening.getsockname()[1])
    settings = ServeSettings(
        models=models.places, host=host, port=port, workers=1, hosts=(*own_hosts(host), *hosts), pose=models.pose,
        receive=300.0, max_bytes=limits.bytes + 1_000_000, max_pixels=limits.pixels, device=models.device,
        cache_seconds=min(CACHE_SECONDS, limits.seconds),
    )  # fmt: skip
    live = Live(models, limits)
    try:
        app = create_app(live, settings, api)
        live.submit(lambda: warm_up(live))
        addresses = [f"http://{_shown(name)}:{port}/" for name in _names_for_visitors(host)]

        def started(_: str = "") -> None:
            ready(f"repose web: {' and '.join(addresses)} ; Ctrl-C ends it")
            if opened:
                threading.Thread(target=webbrowser.open, args=(addresses[0],), daemon=True).start()

        if api:
            from repose.serve.server import serve

            listening.close()  # it listens by itself
            return serve(settings, _First(started, ready), app, app.state.service)
        server = _Server(app, started)
        server.run([listening])
        ready("repose web: ended; its photographs are forgotten")
        return 130 if server.interrupted else 0
    finally:
        live.close()
        listening.close()


# -- inside -----------------------------------------------------------------------------------------------------------


class _First:
    """Says a line of the server; with the first one the page is ready."""

    def __init__(self, started: Callable[[str], None], say: Callable[[str], None]) -> None:
        self._started: Callable[[str], None] | None = started
        self._say = say

    def __call__(self, line: str) -> None:
        self._say(line)
        if self._started is not None:
            self._started(line)
            self._started = None


class _Server(uvicorn.Server):
    """Uvicorn that tells when it answers, and does not raise a signal again at its end."""

    def __init__(self, app: Any, started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, access_log=False, server_header=False)
        )
        self._tell, self.interrupted = started, False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    def handle_exit(self, sig: int, frame: Any) -> None:
        self.interrupted = sig == signal.SIGINT
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # uvicorn would raise it again


def _names_for_visitors(host: str) -> list[str]:
    if host not in EVERYBODY:
        return [host]
    return ["127.0.0.1", *(name for name in addresses(socket.gethostname()) if not name.startswith("127."))]


def _shown(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


__all__ = ["PortTakenError", "create_app", "own_hosts", "require_port", "run", "warm_up"]
