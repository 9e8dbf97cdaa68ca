"""Clients of a server: each sends a request, waits for the answer, and sends the next one."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Form:
    """A body of multipart/form-data and its type."""

    body: bytes = field(repr=False)
    kind: str


@dataclass
class Visits:
    """What visitors saw.

    Attributes:
        seconds: of each request that was served, from its first sending, with the waiting after a 503.
        refused: answers 503 with Retry-After; the request was then sent again. errors: other errors, in words.
        unserved: requests that were still refused when the visitors left. batches: sizes of the batches that the
            pictures were in. again: pictures of a second attempt, after a worker's death.
        lasted: from the first request to the last answer.
    """

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    unserved: int = 0
    batches: list[int] = field(default_factory=list)
    again: int = 0
    lasted: float = 0.0


def form(files: Mapping[str, bytes], values: Mapping[str, str]) -> Form:
    """A form with files and texts."""
    mark = secrets.token_hex(16)
    parts = []
    for name, content in files.items():
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        parts += [head.encode(), b"Content-Type: application/octet-stream\r\n\r\n", content, b"\r\n"]
    for name, value in values.items():
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    parts.append(f"--{mark}--\r\n".encode())
    return Form(b"".join(parts), f"multipart/form-data; boundary={mark}")


def visit(
    address: tuple[str, int],
    forms: Sequence[Form],
    visitors: int,
    seconds: float | None = None,
    requests: int | None = None,
    seed: int = 0,
    path: str = "/v1/transfer",
) -> Visits:
    """Let visitors come at once, each with its own connection.

    Args:
        address: host and port. forms: of which each request draws one.
        seconds: no new request begins after so many. requests: or after so many, of all visitors together.
        seed: of the drawing. path: where to.

    Returns:
        What they saw; a request that has begun is waited for.
    """
    found, lock = Visits(), threading.Lock()
    begun = time.monotonic()
    left = requests if requests is not None else -1

    def more() -> bool:
        nonlocal left
        with lock:
            if requests is not None:
                left -= 1
                return left >= 0
            return time.monotonic() - begun < (seconds or 0.0)

    def come(number: int) -> None:
        draw = random.Random(f"{seed} {number}")
        connection = http.client.HTTPConnection(*address, timeout=600)
        while more():
            _serve_one(connection, path, draw.choice(forms), found, lock)
        connection.close()

    threads = [threading.Thread(target=come, args=(number,), daemon=True) for number in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.lasted = time.monotonic() - begun
    return found


def _serve_one(
    connection: http.client.HTTPConnection, path: str, sent: Form, found: Visits, lock: threading.Lock
) -> None:
    """Send a request until it is served, or fails."""
    begun = time.monotonic()
    for _ in range(50):
        try:
            connection.request("POST", path, sent.body, {"Content-Type": sent.kind})
            reply = connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            with lock:
                found.errors.append(f"{type(error).__name__}: {error}")
            return
        if reply.status == 200:
            facts: dict[str, Any] = json.loads(reply.headers.get("Repose-Facts", "{}"))
            with lock:
                found.seconds.append(time.monotonic() - begun)
                found.batches.append(int(facts.get("batch", 1)))
                found.again += int(facts.get("attempts", 1)) > 1
            return
        wait = reply.headers.get("Retry-After", "")
        if reply.status != 503 or not wait.isdecimal():
            with lock:
                found.errors.append(f"{reply.status}: {content[:200].decode(errors='replace')}")
            return
        with lock:
            found.refused += 1
        time.sleep(int(wait))
    with lock:
        found.unserved += 1
