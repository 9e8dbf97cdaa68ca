"""The part of HTTP/1.1 that a study needs: small requests, of which each has a length, and whole answers.

RFC 9112 is followed where it says what a server must refuse: two lengths, two hosts, spaces before a colon, folded
lines. Bodies in chunks are refused, too; no browser sends them.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from repose.listening import HEADERS
from repose.study.errors import RefusedError

LARGEST: Final = 4096
"""Bytes of a request's body."""

LONGEST_HEAD: Final = 16_384
"""Bytes of a request's first line and headers."""

SILENCE: Final = 60.0
"""Seconds without a request, or within one, after which a connection is closed."""

SECURITY: Final = {
    **HEADERS,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'; object-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer, errors among them."""

_FIRST: Final = re.compile(r"([A-Z]{1,16}) ([!-~]{1,8000}) HTTP/1\.([01])")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        headers: name in small letters -> value; those of repeated lines in their order, joined by ", " (RFC 9110, 5.3),
            of cookies by "; ".
        keep: whether the connection stays open after the answer.
        peer: the address at the other end of the connection.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    keep: bool
    peer: str

    @property
    def url(self) -> SplitResult:
        """The parts of the target. RefusedError: it is no address."""
        try:
            return urlsplit(self.target)
        except ValueError:
            raise RefusedError(400, "this is no address") from None


@dataclass(frozen=True)
class Answer:
    """What is sent back; `headers` are further ones."""

    status: int
    body: bytes
    kind: str
    headers: tuple[tuple[str, str], ...] = ()

    def sent(self, method: str, keep: bool) -> bytes:
        """Head and body as they are sent; of a HEAD request the head alone."""
        lines = [
            f"HTTP/1.1 {self.status} {_reason(self.status)}",
            "Server: repose",
            f"Date: {formatdate(time.time(), usegmt=True)}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in SECURITY.items()),
            *(f"{name}: {value}" for name, value in self.headers),
            *([] if keep else ["Connection: close"]),
        ]
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        return head if method == "HEAD" else head + self.body


def as_json(content: Mapping[str, Any], status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer of JSON."""
    return Answer(status, json.dumps(content).encode(), "application/json", headers)


def refusal(error: RefusedError) -> Answer:
    """The answer to a request that is refused: its sentence, and when to try again."""
    headers = (("Retry-After", str(error.retry)),) if error.retry else ()
    return as_json({"error": str(error)}, error.status, headers)


class UnreadableError(RefusedError):
    """A request of which nobody knows where it ends, so that the connection must be closed after the answer."""


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> Request | None:
    """The next request of a connection; None if there is none any more.

    Args:
        reader: its limit must be `LONGEST_HEAD`.
        writer: answers "Expect: 100-continue".
        peer: becomes the request's.

    Raises:
        UnreadableError: a request that this server does not understand, or whose body is too large.
        TimeoutError, ConnectionError: nothing came for `SILENCE` seconds; the other end has gone.
    """
    try:
        async with asyncio.timeout(SILENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, minor, headers = _head(head.lstrip("\r\n"))
            length = _length(headers)
            if length and headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(length) if length else b""
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise UnreadableError(431, f"the head of a request has at most {LONGEST_HEAD} bytes") from None
    connection = headers.get("connection", "").lower()
    keep = "close" not in connection and (minor == "1" or "keep-alive" in connection)
    return Request(method, target, headers, body, keep, peer)


def _head(text: str) -> tuple[str, str, str, dict[str, str]]:
    """Method, target, minor version of HTTP, and headers."""
    first, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
    match = _FIRST.fullmatch(first)
    if match is None:
        raise UnreadableError(400, "this is no request of HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name) or any(sign in value for sign in "\r\n\0"):
            raise UnreadableError(400, "a header of this request cannot be read")
        if name.lower() in ("host", "content-length") and name.lower() in headers:
            raise UnreadableError(400, f"this request has two headers {name}")
        key, given = name.lower(), value.strip(" \t")
        headers[key] = f"{headers[key]}{'; ' if key == 'cookie' else ', '}{given}" if key in headers else given
    return match[1], match[2], match[3], headers


def _length(headers: Mapping[str, str]) -> int:
    """Bytes of the body."""
    if "transfer-encoding" in headers:
        raise UnreadableError(411, "a request says its length; chunks are not read")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdecimal() or len(length) > 9 or int(length) > LARGEST:
        raise UnreadableError(413, f"a request has at most {LARGEST} bytes and says how many")
    return int(length)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
