"""The web server of a study: the standard library's; one page of plain HTML, JavaScript and CSS of our own.

| request | gives |
|---|---|
| `GET /`, `GET /s/TOKEN` | the page |
| `GET /api/study` | title, question and numbers |
| `GET /api/state?session=TOKEN` | the state of the session, by default of the cookie's; `{"new": true}` without one |
| `POST /api/begin {nonce}` | a new session |
| `GET /picture/KEY/SLOT` | a PNG, to the page alone: the header `Study-Page` says so |
| `POST /api/start {key, showing}` | the picture is on show; `showing` is a nonce |
| `POST /api/end {key, showing}` | it is gone again |
| `POST /api/answer {key, choice, exposure, reaction, hidden, delay}` | the answer is kept; seconds |

Nothing is logged about who asks: no address, no browser.
"""

from __future__ import annotations

import json
import socket
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from repose.study.sessions import RefusedError, Study

PAGE: Final = Path(__file__).parent / "page"
COOKIE: Final = "study"
WEEK: Final = 7 * 24 * 3600
LARGEST: Final = 4096  # bytes of a request's body
LONGEST: Final = 1e9  # seconds of any time

_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/study.js": ("study.js", "text/javascript; charset=utf-8"),
    "/study.css": ("study.css", "text/css; charset=utf-8"),
}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class StudyServer(ThreadingHTTPServer):
    """Serves one study until it is shut down; a thread for each connection.

    Args:
        study: the open file.
        host, port: 0 is any free port; `url` says which.

    Raises:
        OSError: the port is taken, or the host is not this machine's.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, study: Study, host: str = "127.0.0.1", port: int = 0) -> None:
        self.study = study
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise OSError(f"cannot serve on {host}:{port}: {error.strerror or error}; try another --port") from error

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else str(host)
        return f"http://{'127.0.0.1' if name == '0.0.0.0' else name}:{port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is nothing to report."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError | socket.timeout):
            super().handle_error(request, "a participant")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "repose", ""
    timeout = 60  # seconds of silence after which a connection is closed
    wbufsize = 1 << 16  # head and body leave together
    disable_nagle_algorithm = True
    server: StudyServer

    def do_GET(self) -> None:
        study = self.server.study
        try:
            try:
                url = urlsplit(self.path)
            except ValueError:
                raise RefusedError(400, "this is no address") from None
            parts = url.path.strip("/").split("/")
            if url.path in _FILES or parts[0] == "s":
                file, kind = _FILES[url.path if url.path in _FILES else "/"]
                self._send(200, (PAGE / file).read_bytes(), kind)
            elif url.path == "/api/study":
                self._json(200, study.about())
            elif url.path == "/api/state":
                self._json(200, self._state(parse_qs(url.query).get("session", [""])[0]))
            elif parts[0] == "picture" and len(parts) == 3 and parts[2].isdecimal() and len(parts[2]) == 1:
                if "Study-Page" not in self.headers:  # a tab of its own would show it without a limit
                    raise RefusedError(403, "a picture is shown by its page alone")
                self._send(200, study.picture(parts[1], int(parts[2])), "image/png")
            else:
                raise RefusedError(404, "there is no such page")
        except RefusedError as refused:
            self._json(refused.status, {"error": str(refused)})

    do_HEAD = do_GET  # noqa: N815  (the name is the standard library's)

    def do_POST(self) -> None:
        study = self.server.study
        try:
            given = self._body()
            if self.path == "/api/begin":
                token = study.begin(_text(given, "nonce"))
                cookie = f"{COOKIE}={token}; Path=/; Max-Age={WEEK}; HttpOnly; SameSite=Strict"
                self._json(200, study.state(token), {"Set-Cookie": cookie})
            elif self.path == "/api/start":
                study.start(_text(given, "key"), _text(given, "showing"))
                self._json(200, {})
            elif self.path == "/api/end":
                study.end(_text(given, "key"), _text(given, "showing"))
                self._json(200, {})
            elif self.path == "/api/answer":
                times = _seconds(given, "exposure"), _seconds(given, "reaction")
                hidden = given.get("hidden")
                if not isinstance(hidden, bool):
                    raise RefusedError(400, "hidden is true or false")
                delay = _seconds(given, "delay")
                self._json(200, study.answer(_text(given, "key"), _text(given, "choice"), *times, hidden, delay))
            else:
                raise RefusedError(404, "there is no such page")
        except RefusedError as refused:
            self._json(refused.status, {"error": str(refused)})

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a log would hold addresses."""

    def _state(self, token: str) -> dict[str, Any]:
        if token:
            return self.server.study.state(token)
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
            return self.server.study.state(cookie.value) if cookie else {"new": True}
        except (CookieError, RefusedError):  # of another study on this machine
            return {"new": True}

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST:
            self.close_connection = True  # what is left of the body must not be read as a request
            raise RefusedError(413, f"a request has at most {LARGEST} bytes and says how many")
        raw = self.rfile.read(int(length))
        # a page of another site cannot send JSON without a preflight request, which this server does not answer
        if self.headers.get_content_type() != "application/json":
            raise RefusedError(415, "application/json is wanted")
        try:
            given = json.loads(raw)
        except (ValueError, RecursionError):
            raise RefusedError(400, "this is no JSON") from None
        if not isinstance(given, dict):
            raise RefusedError(400, "an object is wanted")
        return given

    def _json(self, status: int, content: dict[str, Any], extra: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(content).encode(), "application/json", extra)

    def _send(self, status: int, body: bytes, kind: str, extra: dict[str, str] | None = None) -> None:
        self.send_response(status)
        sent = {"Content-Type": kind, "Content-Length": str(len(body)), **_HEADERS, **(extra or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise RefusedError(400, f"{name} is a text")
    return value


def _seconds(given: dict[str, Any], name: str) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST:  # nor NaN
        raise RefusedError(400, f"{name} is a time in seconds")
    return float(value)
