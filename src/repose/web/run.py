"""The process of `repose web`: the page and its routes in one FastAPI application, served by uvicorn."""

from __future__ import annotations

import os
import socket
import threading
import webbrowser
from collections.abc import Callable
from typing import Any, Final

import fastapi
import numpy as np
import torch

from repose.web import arranging, posing
from repose.web.live import Live, live_router
from repose.web.posing import Models
from repose.web.sessions import Limits, Session

_NEARBY: Final = 20  # ports that are tried for a proposal


class PortTakenError(OSError):
    """Another program listens at this port; the text proposes one that is free."""


def create_app(live: Live, app: fastapi.FastAPI | None = None) -> fastapi.FastAPI:
    """The application: the page at "/", its routes at "/live".

    Args:
        live: sessions and models. app: an application that offers more; a new one without.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
    import gradio

    from repose.web.page import page, style

    app = fastapi.FastAPI(title="Repose", docs_url=None, redoc_url=None, openapi_url=None) if app is None else app
    app.include_router(live_router(live))
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
        return _bound(host, port)
    except OSError as error:
        for other in range(port + 1, min(65536, port + 1 + _NEARBY)):
            try:
                _bound(host, other).close()
            except OSError:
                continue
            raise PortTakenError(
                f"port {port} of {host} cannot be used ({error.strerror}); {other} is free: --port {other}"
            ) from None
        raise OSError(
            f"cannot listen at {host}:{port}: {error.strerror or error}; try another --host or --port"
        ) from None


def run(
    models: Models,
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: Limits | None = None,
    opened: bool = True,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        models: that the page offers. host, port: where it listens. limits: see `Limits`.
        opened: open the page in a browser of this machine. ready: called with the address when the page answers.

    Raises:
        OSError: see `require_port`.
    """
    import uvicorn

    listening = require_port(host, port)
    live = Live(models, limits)
    try:
        app = create_app(live)
        live.submit(lambda: warm_up(live))
        port = int(listening.getsockname()[1])
        address = f"http://{_named(host)}:{port}/"
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, lifespan="on", access_log=False)
        server = _Server(config, lambda: _tell(ready, address, opened))
        server.run([listening])
    finally:
        live.close()
        listening.close()


# -- inside -----------------------------------------------------------------------------------------------------------


def _Server(config: Any, started: Callable[[], None]) -> Any:  # noqa: N802  (a class that needs a late import)
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started()

    return Server(config)


def _tell(ready: Callable[[str], None], address: str, opened: bool) -> None:
    ready(address)
    if opened:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _named(host: str) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _bound(host: str, port: int) -> socket.socket:
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(kind, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # a port that was just left may be taken again
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
        one.listen(128)
    except OSError:
        one.close()
        raise
    return one


__all__ = ["PortTakenError", "create_app", "require_port", "run", "warm_up"]
