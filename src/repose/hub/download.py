"""A file from an address, continued where an earlier attempt broke off, and checked before it takes its name.

What has arrived lies beside the target as `.NAME.part`. If the connection breaks, the next attempt asks for the rest
(HTTP Range, RFC 9110 section 14); a server that does not know ranges sends everything again. Proxies are those of the
environment (`https_proxy`, `http_proxy`, `no_proxy`).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast

from repose.files import sha256
from repose.locks import PathLock

_CHUNK: Final = 1 << 20
_TIMEOUT: Final = 30  # seconds without a byte
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that are worth another attempt."""


class DownloadError(OSError):
    """A file could not be fetched; the text says why."""


class WrongFileError(DownloadError):
    """An address gave a file with another checksum."""


class Opener(Protocol):
    """Opens an address from a byte on."""

    def __call__(self, url: str, offset: int = 0, /) -> BinaryIO:
        """A stream that begins at `offset` if its `status` is 206, and at the beginning if not."""


def open_https(url: str, offset: int = 0) -> BinaryIO:
    """A stream of the bytes at an https address, from `offset` on; redirections must stay on https.

    Raises:
        OSError: another scheme, no network, or the server refuses.
    """
    if not url.startswith("https://"):
        raise DownloadError(f"only https addresses are fetched, not {url}")
    stream = open_address(url, offset)
    if not cast(Any, stream).geturl().startswith("https://"):
        stream.close()
        raise DownloadError(f"{url} leads away from https, to {cast(Any, stream).geturl()}")
    return stream


def open_address(url: str, offset: int = 0) -> BinaryIO:
    """A stream of the bytes at an http or https address, from `offset` on. OSError if the server refuses."""
    headers = {"User-Agent": "repose", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    return cast(BinaryIO, urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT))


def download(
    url: str,
    to: Path,
    checksum: str,
    opener: Opener = open_https,
    attempts: int = 3,
    wait: float = 1.0,
    arrived: Callable[[int, int | None], object] = lambda done, total: None,
    note: Callable[[str], object] = lambda text: None,
) -> None:
    """Fetch one file. It takes its name when it is whole and its checksum is right.

    Args:
        url: the address.
        to: the path of the file; its folder is created.
        checksum: sha256 in hexadecimal, or its beginning.
        opener: opens addresses.
        attempts: how often it is tried while the connection breaks or the server is busy.
        wait: seconds before the second attempt; they double from attempt to attempt.
        arrived: called with the bytes that are here and their total, None if the server does not say it.
        note: called with a sentence before each further attempt.

    Raises:
        WrongFileError: the file is another one; nothing of it is kept.
        DownloadError: it could not be fetched; what has arrived is kept for the next time.
        OSError: the disk is full or refuses.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with _part_of(to) as part:
        for attempt in range(attempts):
            before = part.stat().st_size if part.exists() else 0
            try:
                _receive(url, part, opener, arrived)
            except (OSError, http.client.HTTPException) as error:
                if not _worth_another(error) or attempt + 1 == attempts:
                    raise DownloadError(_reason(error)) from error
                pause = wait * 2**attempt
                note(f"{to.name}: {_reason(error)}; another attempt in {pause:g} s")
                time.sleep(pause)
                continue
            digest = sha256(part)
            if digest.startswith(checksum):
                part.replace(to)
                return
            part.unlink()
            if before and attempt + 1 < attempts:  # the part was of another file, or the server's file has changed
                note(f"{to.name}: the part that was here belongs to another file; it is fetched anew")
                continue
            raise WrongFileError(f"its address gave a file with sha256 {digest}")


@contextlib.contextmanager
def _part_of(to: Path) -> Iterator[Path]:
    """Where what arrives is written: a file that stays, or one of this process alone if another fetches the same."""
    shared = to.with_name(f".{to.name}.part")
    try:
        lock = PathLock(to, "fetching it")
    except ValueError:
        own = to.with_name(f".{to.name}.{secrets.token_hex(8)}.part")
        try:
            yield own
        finally:
            own.unlink(missing_ok=True)
        return
    try:
        yield shared
    finally:
        lock.release()


def _receive(url: str, part: Path, opener: Opener, arrived: Callable[[int, int | None], object]) -> None:
    """Bring the file at `part` to its end."""
    have = part.stat().st_size if part.exists() else 0
    try:
        stream = opener(url, have) if have else opener(url)
    except urllib.error.HTTPError as error:
        if have and error.code == 416:  # nothing lies beyond what is here: whole, or the part of another file
            return
        raise
    with stream:
        continues = have > 0 and getattr(stream, "status", 200) == 206
        done = have if continues else 0
        length = getattr(stream, "length", None)  # http.client gives it where the server says so
        total = None if length is None else done + int(length)
        with part.open("ab" if continues else "wb") as out:
            while chunk := stream.read(_CHUNK):
                out.write(chunk)
                done += len(chunk)
                arrived(done, total)
            out.flush()
            os.fsync(out.fileno())
    if total is not None and done < total:
        raise ConnectionError(f"the connection broke after {done:,} of {total:,} bytes")


def _worth_another(error: Exception) -> bool:
    """Whether another attempt may go better: a broken connection or a busy server, not an unknown address."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _BUSY
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        error = error.reason
    if isinstance(error, socket.gaierror | ConnectionRefusedError):
        return False
    return isinstance(error, ConnectionError | TimeoutError | http.client.HTTPException)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error or type(error).__name__)
