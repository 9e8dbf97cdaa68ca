"""What every request passes before the application: hosts, origins, the token, limits of size and time, headers.

It is plain ASGI and holds nothing back, so that pages that stream (the page of `repose web` is mounted on the same
application) work behind it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from repose import listening
from repose.serve.errors import RefusedError, busy
from repose.serve.metrics import Metrics
from repose.serve.queue import stopping
from repose.serve.settings import ServeSettings

ROUTES: Final = ("/v1/", "/healthz", "/metrics", "/docs", "/openapi.json")
"""How the paths of the server itself begin; other paths are of pages that are mounted on it."""

_GUARDED: Final = ("/v1/", "/metrics")
"""Paths that need the token."""

_HEADERS: Final = {name.lower().encode(): value.encode() for name, value in listening.HEADERS.items()}
"""Of every answer."""

_OWN_HEADERS: Final = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    b"base-uri 'none'; form-action 'none'",
    b"x-frame-options": b"DENY",
}
"""Of the server's own answers, which load nothing."""

_EXPOSED: Final = b"Repose-Facts, Retry-After"
_MORE_OPEN: Final = 64  # requests open at once beyond those that may wait
_DISCARDED: Final = 8
"""So many times the largest body is read and thrown away after an error, so that the client comes to see the answer."""

_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class Guard:
    """The outermost part of the application.

    Args:
        app: what it guards. stopping: whether the server is being stopped.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, metrics: Metrics, stopping: Callable[[], bool]) -> None:
        self._app, self._settings, self._metrics, self._stopping = app, settings, metrics, stopping
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            try:
                self._check_host(_headers(scope))
            except RefusedError:
                await send({"type": "websocket.close", "code": 1008})
                return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Request(self, scope, receive, send).run()

    # -- checks -------------------------------------------------------------------------------------------------

    def _check(self, scope: Scope, headers: dict[str, str]) -> None:
        """Raise RefusedError where the head of a request says that it may not pass."""
        self._check_host(headers)
        self._check_origin(scope, headers)
        path = scope["path"]
        if self._settings.token and path.startswith(_GUARDED):
            given = headers.get("authorization", "").encode("utf-8", "surrogateescape")
            if not hmac.compare_digest(given, f"Bearer {self._settings.token}".encode()):
                raise RefusedError(
                    401, "This server needs a token.", "header Authorization",
                    "Send the header Authorization: Bearer TOKEN, with the token that the operator gave you.",
                    {"WWW-Authenticate": "Bearer"},
                )  # fmt: skip
        if path.startswith("/v1/") and self._stopping() and scope["method"] not in _SAFE:
            raise stopping()
        length = headers.get("content-length", "")
        if length and (not length.isdecimal() or len(length) > 18):
            raise RefusedError(400, "The length of the body is no number.", "header Content-Length", "Correct it.")
        if length and int(length) > self._settings.max_bytes:
            raise self.too_large()
        if scope["method"] not in _SAFE and self._open > self._settings.queue + _MORE_OPEN:
            raise busy("The server is busy: too many requests are open.", "server", 5)

    def _check_host(self, headers: dict[str, str]) -> None:
        host = headers.get("host", "")
        if not listening.is_called(host, self._settings.accepted_hosts):
            raise RefusedError(
                400, f"This server is not called {listening.host_name(host)[:100]!r}.", "header Host",
                "Use the name that it was started with; the operator adds names by --hosts.",
            )  # fmt: skip

    def _check_origin(self, scope: Scope, headers: dict[str, str]) -> None:
        """A page of another site may send a form without asking first: it is refused, unless --cors names the site."""
        origin = headers.get("origin", "")
        if scope["method"] in _SAFE or not origin or self._allowed(origin):
            return
        if not listening.of_own_page(origin, headers.get("host", "")):
            raise RefusedError(
                403, f"Pages of {origin[:100]} may not use this server.", "header Origin",
                "The operator allows a site by --cors ORIGIN.",
            )  # fmt: skip

    def _allowed(self, origin: str) -> bool:
        return "*" in self._settings.cors or origin in self._settings.cors

    def too_large(self) -> RefusedError:
        """413 for a body of too many bytes."""
        limit = self._settings.max_bytes / 1e6
        return RefusedError(
            413, f"The request has more than {limit:g} MB.", "body", "Send a smaller picture, or save it as JPEG."
        )


class _Request:
    """One request on its way through the guard."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self._guard, self._scope, self._receive, self._send = guard, scope, receive, send
        self._settings, self._headers = guard._settings, _headers(scope)
        self._begun = time.monotonic()
        self._received, self._complete, self._status = 0, False, 0
        self._cors = self._headers.get("origin", "") if guard._allowed(self._headers.get("origin", "")) else ""

    async def run(self) -> None:
        """Check the request, hand it on, and answer errors."""
        guard, scope = self._guard, self._scope
        guard._open += 1
        try:
            guard._check(scope, self._headers)
            if self._cors and scope["method"] == "OPTIONS" and "access-control-request-method" in self._headers:
                await self._preflight()
                return
            await guard._app(scope, self.receive, self.send)
        except RefusedError as refused:
            await self._refuse(refused)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            kind = type(error).__name__
            await self._refuse(RefusedError(500, f"The server failed at this request ({kind}).", scope["path"][:100]))
        finally:
            guard._open -= 1
            route = getattr(scope.get("route"), "path", "") if scope["path"].startswith(ROUTES) else "page"
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
            if self._status:
                route = route or ("/v1/*" if scope["path"].startswith("/v1/") else "unknown")
                guard._metrics.request(route, method, self._status, time.monotonic() - self._begun)

    async def receive(self) -> Message:
        """The next part of the body, counted and timed."""
        if self._complete:
            return await self._receive()
        left = self._settings.receive - (time.monotonic() - self._begun)
        try:
            message = await asyncio.wait_for(self._receive(), max(0.001, left))
        except TimeoutError:
            raise RefusedError(
                408, f"The body of the request did not arrive within {self._settings.receive:g} s.", "body",
                "Send a smaller picture, or use a faster connection.",
            ) from None  # fmt: skip
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._received > self._settings.max_bytes:
                raise self._guard.too_large()
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer; the first one gets the headers of every answer."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = [(name.lower(), value) for name, value in message.get("headers", [])]
            there = {name for name, _ in headers}
            own = _OWN_HEADERS if self._scope["path"].startswith(ROUTES) else {}
            more = {**_HEADERS, **own}
            if self._cors:
                more |= {b"access-control-allow-origin": self._cors.encode("latin-1"), b"vary": b"Origin"}
                more[b"access-control-expose-headers"] = _EXPOSED
                more.pop(b"cross-origin-opener-policy")
            headers += [(name, value) for name, value in more.items() if name not in there]
            message = {**message, "headers": headers}
        await self._send(message)

    async def _preflight(self) -> None:
        headers = [
            (b"access-control-allow-methods", b"GET, POST, DELETE"),
            (b"access-control-allow-headers", b"authorization, accept, content-type"),
            (b"access-control-max-age", b"600"),
        ]
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def _refuse(self, refused: RefusedError) -> None:
        if self._status:  # the answer has begun: all that can be done is to end it
            return
        body = json.dumps(refused.document()).encode()
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in refused.headers.items()),
        ]
        length = self._headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:15]) > _DISCARDED * self._settings.max_bytes:
            headers.append((b"connection", b"close"))  # a client that is still sending may not see the answer
        await self.send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, Any] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found
