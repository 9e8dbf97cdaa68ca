"""The web server of a study: the standard library's asyncio; one page of plain HTML, JavaScript and CSS of our own.

| request | gives |
|---|---|
| `GET /`, `GET /s/TOKEN` | the page |
| `GET /api/study` | title, question and numbers |
| `GET /api/state?session=TOKEN` | the state of the session, by default of the cookie's; `{"new": true}` without one |
| `POST /api/begin {nonce}` | a new session |
| `GET /example/TOKEN/NUMBER` | a labelled example of the session: a PNG, to the page alone |
| `GET /picture/KEY/SLOT` | a PNG, to the page alone: the header `Study-Page` says so |
| `POST /api/start {key, showing}` | the picture is on show; `showing` is a nonce |
| `POST /api/end {key, showing}` | it is gone again |
| `POST /api/answer {key, choice, exposure, reaction, hidden, delay}` | the answer is kept; seconds |

One thread reads requests and writes answers, another one works on the file. While that one waits for the disk, further
requests arrive; they share the next transaction (`Study.together`). Nothing is logged about who asks: no address, no
browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs

from repose.listening import listener
from repose.locks import PathLock
from repose.study.errors import DamagedStudyError, RefusedError, UnwritableStudyError
from repose.study.guard import Guard, StudySettings
from repose.study.http import LONGEST_HEAD, Answer, Request, UnreadableError, as_json, read_request, refusal
from repose.study.sessions import Study

PAGE: Final = Path(__file__).parent / "page"
COOKIE: Final = "study"
WEEK: Final = 7 * 24 * 3600
LONGEST: Final = 1e9  # seconds of any time
BATCH: Final = 64  # requests of one transaction, at most
BACKLOG: Final = 512  # connections that wait to be accepted
LINGERING: Final = 32  # refused connections that wait for their client to see the answer, at most
TIDY: Final = 1.0  # seconds after which a finished session is written back into the one file

_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/study.js": ("study.js", "text/javascript; charset=utf-8"),
    "/study.css": ("study.css", "text/css; charset=utf-8"),
}

Work = Callable[[], Answer]


class StudyServer:
    """Serves one study until it is shut down.

    Args:
        study: the open file.
        host, port: 0 is any free port; `url` says which.
        settings: names, limits and whether a proxy stands in front; the defaults if not given.

    Raises:
        ValueError: another server serves this study. OSError: the port is taken, or the host is not this machine's.
    """

    def __init__(
        self, study: Study, host: str = "127.0.0.1", port: int = 0, settings: StudySettings | None = None
    ) -> None:
        self.study, self.settings = study, StudySettings() if settings is None else settings
        self._files = {path: Answer(200, (PAGE / name).read_bytes(), kind) for path, (name, kind) in _FILES.items()}
        self._lock = PathLock(study.path, "serving this study")  # limits, and whose turn it is, are of one server
        try:
            self._listener = listener(host, port)
        except OSError as error:
            self._lock.release()
            advice = "try another --port"
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                advice = "--host is an address of this machine; a name by which people call it is given by --hosts"
            raise OSError(f"cannot serve on {host}:{port}: {error.strerror or error}; {advice}") from error
        self.server_address = self._listener.getsockname()[:2]
        self._guard = Guard(self.settings, host)
        self._connections = min(self.settings.connections, _descriptors() - 64)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._ended = threading.Event()
        self._ended.set()
        self._stopped = False
        self._terminated = False
        self._waiting: list[tuple[Work, asyncio.Future[Answer]]] = []
        self._arrived = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._refused: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host, port = self.server_address
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        return f"http://{name}:{port}/"

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve in this thread until `shutdown` is called in another one, or Ctrl-C.

        Args:
            poll_interval: of no meaning; servers of the standard library have it.
        """
        self._ended.clear()
        try:
            asyncio.run(self._serve())
        finally:
            self._ended.set()
        if self._terminated:
            signal.raise_signal(signal.SIGTERM)

    def shutdown(self) -> None:
        """End `serve_forever` and wait until it has ended; what has begun to be stored is stored."""
        self._stopped = True
        if self._loop is not None and self._ending is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)
        self._ended.wait()

    def server_close(self) -> None:
        """Give the port and the file back."""
        self._listener.close()
        self._lock.release()

    def __enter__(self) -> StudyServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server_close()

    # -- connections ------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self._arrived, self._waiting = asyncio.Event(), []
        if self._stopped:  # before it began
            return
        self._listener.setblocking(False)
        with self._termination(self._loop, self._ending), ThreadPoolExecutor(1, "study") as thread:
            worker = asyncio.ensure_future(self._work(thread))
            server = await asyncio.start_server(
                self._connected, sock=self._listener.dup(), limit=LONGEST_HEAD, backlog=BACKLOG
            )
            try:
                await self._ending.wait()
            finally:
                server.close()
                worker.cancel()
                tasks = [*self._open, *self._refused]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(worker, *tasks, return_exceptions=True)

    @contextlib.contextmanager
    def _termination(self, loop: asyncio.AbstractEventLoop, ending: asyncio.Event) -> Iterator[None]:
        """SIGTERM ends the loop first, and has its effect afterwards: an exception of it would hit any connection."""

        def end() -> None:
            self._terminated = True
            ending.set()

        former = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(former) or os.name == "nt":
            yield
            return
        loop.add_signal_handler(signal.SIGTERM, end)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            signal.signal(signal.SIGTERM, former)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first request to its end."""
        task = asyncio.current_task()
        assert task is not None
        full = len(self._open) >= self._connections
        tasks = self._refused if full else self._open
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                if full:
                    await self._turn_away(reader, writer)
                else:
                    await self._converse(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()

    async def _turn_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Refuse a connection before it sends anything, so that one that sends nothing holds no place."""
        error = RefusedError(503, "too many connections are open; try again in a minute", 60)
        writer.write(refusal(error).sent("", False))
        if len(self._refused) <= LINGERING:
            await _read_rest(reader, writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        connection = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            method, keep = "", False
            try:
                request = await read_request(reader, writer, address)
                if request is None:
                    return
                method, keep = request.method, request.keep
                answer = await self._answered(request)
            except UnreadableError as error:
                answer, keep = refusal(error), False
            except RefusedError as error:
                answer = refusal(error)
            writer.write(answer.sent(method, keep))
            async with asyncio.timeout(60):
                await writer.drain()
            if not keep:
                if reader.at_eof() or not answer.status >= 400:
                    return
                await _read_rest(reader, writer)
                return

    async def _answered(self, request: Request) -> Answer:
        """The answer to a request, whatever goes wrong."""
        try:
            self._guard.check(request)
            if request.method in ("GET", "HEAD"):
                return await self._get(request)
            if request.method == "POST":
                return await self._post(request)
            return as_json({"error": "only GET, HEAD and POST are known here"}, 405, (("Allow", "GET, HEAD, POST"),))
        except RefusedError:
            raise
        except UnwritableStudyError:
            raise RefusedError(
                503,
                "the server cannot store anything at the moment; its disk may be full",
                5,
            ) from None
        except DamagedStudyError as error:
            sys.stderr.write(f"error: {error}\n")
            raise RefusedError(500, "the file of this study is damaged; please tell whoever asked you") from None
        except Exception:
            traceback.print_exc(file=sys.stderr)
            raise RefusedError(500, "the server failed at this request") from None

    # -- the file ---------------------------------------------------------------------------------------------------

    async def _work(self, thread: ThreadPoolExecutor) -> None:
        """Hand what waits to the thread of the file, all of it at once, again and again."""
        loop = asyncio.get_running_loop()
        tidied = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TIDY):
                    await self._arrived.wait()
            if loop.time() - tidied >= TIDY:
                try:
                    await loop.run_in_executor(thread, self.study.tidy)
                except Exception:  # nothing is lost: SQLite reads the log, too
                    traceback.print_exc(file=sys.stderr)
                tidied = loop.time()
            if not self._waiting:
                continue
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if not self._waiting:
                self._arrived.clear()
            done: Sequence[Answer | Exception]
            try:
                done = await loop.run_in_executor(thread, self.study.together, [work for work, _ in batch])
            except Exception as error:  # unforeseen: these requests fail, and the next ones have another try
                done = [error] * len(batch)
            for (_, future), result in zip(batch, done, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _stored(self, work: Work) -> Answer:
        """What a piece of work on the file returns, after it is on the disk."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        self._arrived.set()
        return await future

    # -- requests ---------------------------------------------------------------------------------------------------

    async def _get(self, request: Request) -> Answer:
        study, url = self.study, request.url
        parts = url.path.strip("/").split("/")
        if url.path in _FILES or parts[0] == "s":
            return self._files[url.path if url.path in _FILES else "/"]
        if url.path == "/api/study":
            return as_json(study.about())
        if url.path == "/api/state":
            token = parse_qs(url.query).get("session", [""])[0]
            return await self._stored(lambda: as_json(self._state(request, token)))
        if parts[0] in ("picture", "example") and len(parts) == 3 and parts[2].isdecimal() and len(parts[2]) <= 2:
            if "study-page" not in request.headers:  # a tab of its own would show it without a limit
                raise RefusedError(403, "a picture is shown by its page alone")
            find = study.picture if parts[0] == "picture" else study.example
            return await self._stored(lambda: Answer(200, find(parts[1], int(parts[2])), "image/png"))
        raise RefusedError(404, "there is no such page")

    async def _post(self, request: Request) -> Answer:
        study, given = self.study, _content(request)
        if request.target == "/api/begin":
            return await self._begin(request, _text(given, "nonce"))
        if request.target in ("/api/start", "/api/end"):
            mark = study.start if request.target == "/api/start" else study.end
            key, showing = _text(given, "key"), _text(given, "showing")

            def note() -> Answer:
                mark(key, showing)
                return as_json({})

            return await self._stored(note)
        if request.target == "/api/answer":
            times = _seconds(given, "exposure"), _seconds(given, "reaction")
            hidden = given.get("hidden")
            if not isinstance(hidden, bool):
                raise RefusedError(400, "hidden is true or false")
            delay, key, choice = _seconds(given, "delay"), _text(given, "key"), _text(given, "choice")
            return await self._stored(lambda: as_json(study.answer(key, choice, *times, hidden, delay)))
        raise RefusedError(404, "there is no such page")

    async def _begin(self, request: Request, nonce: str) -> Answer:
        undo = self._guard.reserve(request, nonce)

        def work() -> Answer:
            token = self.study.begin(nonce, self.settings.sessions)
            secure = "; Secure" if self._guard.secure(request) else ""
            cookie = f"{COOKIE}={token}; Path=/; Max-Age={WEEK}; HttpOnly; SameSite=Strict{secure}"
            return as_json(self.study.state(token), headers=(("Set-Cookie", cookie),))

        try:
            return await self._stored(work)
        except Exception:
            undo()
            raise

    def _state(self, request: Request, token: str) -> dict[str, Any]:
        if token:
            return self.study.state(token)
        try:
            cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
            return self.study.state(cookie.value) if cookie else {"new": True}
        except (CookieError, RefusedError):  # of another study on this machine
            return {"new": True}


async def _read_rest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that nothing follows, and read for a second what the client still sends, so that it sees the answer."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        writer.write_eof()
        async with asyncio.timeout(1):
            while await reader.read(65_536):
                pass


def _descriptors() -> int:
    """How many files and connections this process may have open, after raising the number as far as it may be."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit for connections
        return 1 << 20
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def _content(request: Request) -> dict[str, Any]:
    """The object of JSON that a request brings."""
    # a page of another site cannot send JSON without a preflight request, which this server does not answer
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "application/json is wanted")
    try:
        given = json.loads(request.body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "this is no JSON") from None
    if not isinstance(given, dict):
        raise RefusedError(400, "an object is wanted")
    return given


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
