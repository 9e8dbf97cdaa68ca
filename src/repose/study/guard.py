"""What a request passes before the study sees it: the names of the server, the pages that may use it, limits.

Addresses of visitors are known here alone: in memory, for an hour, and as a keyed hash. Nothing of them is stored.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from repose.listening import host_name, is_called, of_own_page, own_hosts, require_host_names
from repose.study.errors import RefusedError
from repose.study.http import Request

HOUR: Final = 3600.0
SAFE: Final = ("GET", "HEAD")
"""Methods that change nothing, so that a page of another site may send them."""


@dataclass(frozen=True)
class StudySettings:
    """What the server of a study is told when it starts.

    Attributes:
        hosts: names by which people call the server besides its own, without a port, such as study.example.org; "*" is
            any.
        sessions: unfinished sessions of the last hour, at most; 0 is without limit.
        per_address: sessions that one address may begin in an hour; 0 is without limit.
        proxy: a proxy stands in front: its X-Forwarded-Proto and X-Forwarded-For are believed.
        connections: open at once, at most.

    Raises:
        ValueError: a host with a path, or a number below its least.
    """

    hosts: tuple[str, ...] = ()
    sessions: int = 1000
    per_address: int = 100
    proxy: bool = False
    connections: int = 2000

    def __post_init__(self) -> None:
        require_host_names(self.hosts, "study.example.org")
        if min(self.sessions, self.per_address) < 0 or self.connections < 1:
            raise ValueError("--sessions and --per-address are 0 (without limit) or more, connections 1 or more")


class Guard:
    """Checks requests.

    Args:
        settings: of the server. host: where it listens. clock: seconds, for tests.
    """

    def __init__(self, settings: StudySettings, host: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings, self._clock = settings, clock
        self._given = frozenset(name.lower() for name in settings.hosts)
        self._names = frozenset((*own_hosts(host), *self._given))
        self._key = secrets.token_bytes(32)
        self._begun: dict[bytes, dict[str, float]] = {}

    def check(self, request: Request) -> None:
        """Whether a request may pass.

        Raises:
            RefusedError: 421 for a name that the server does not have, 403 for a page of another site.
        """
        host = request.headers.get("host", "")
        if not is_called(host, self._names):
            raise RefusedError(
                421,
                f"this server is not called {host_name(host)[:100]!r}: use the address that you were given; "
                "the operator adds names by --hosts",
            )
        origin = request.headers.get("origin", "")
        if request.method in SAFE or not origin or of_own_page(origin, host):
            return
        # a proxy may call this server by another name than the visitor's browser called the proxy
        if host_name(origin.partition("://")[2]) not in self._given - {"*"}:
            raise RefusedError(403, f"pages of {origin[:100]} may not use this study. The operator adds it by --hosts")

    def reserve(self, request: Request, nonce: str) -> Callable[[], None]:
        """Count a session that an address wants to begin; the same nonce counts once.

        Returns:
            What takes it back, if none was begun.

        Raises:
            RefusedError: 429, the address has begun as many as it may in an hour.
        """
        now, limit = self._clock(), self.settings.per_address
        if not limit:
            return lambda: None
        for address, begun in list(self._begun.items()):
            if all(then <= now - HOUR for then in begun.values()):
                del self._begun[address]
        mine = self._begun.setdefault(self._hashed(self.visitor(request)), {})
        for old in [known for known, then in mine.items() if then <= now - HOUR]:
            del mine[old]
        if nonce in mine:
            return lambda: None
        if len(mine) >= limit:
            wait = math.ceil(min(mine.values()) + HOUR - now)
            raise RefusedError(
                429,
                f"this address has begun as many sessions as it may in an hour ({limit}); try again in "
                f"{-(-wait // 60)} minutes",
                wait,
            )
        mine[nonce] = now

        def undo() -> None:
            mine.pop(nonce, None)

        return undo

    def visitor(self, request: Request) -> str:
        """The address that a request comes from, without a port; behind a proxy the one that the proxy saw."""
        given = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() if self.settings.proxy else ""
        bare = _without_port(given or request.peer)
        try:
            address = ipaddress.ip_address(bare)
        except ValueError:
            return bare
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped is not None:  # as a server that listens at "::" sees visitors of IPv4
            return str(address.ipv4_mapped)
        # a network of IPv6 gives its members as many addresses as they like
        return str(ipaddress.ip_network((address, 64), strict=False))

    def secure(self, request: Request) -> bool:
        """Whether the visitor's connection is encrypted, as a proxy says."""
        said = request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        return self.settings.proxy and said == "https"

    def _hashed(self, address: str) -> bytes:
        return hashlib.blake2b(address.encode("utf-8", "replace"), key=self._key, digest_size=16).digest()


def _without_port(address: str) -> str:
    """The address alone of 192.0.2.1:80, [2001:db8::1]:80 and fe80::1%eth0."""
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    return address.partition("%")[0]
