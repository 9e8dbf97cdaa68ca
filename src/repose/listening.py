"""What the servers share: a port of this machine, the names they may be called by, and which pages may use them."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")
"""Names of hosts that are accepted where no others are given: this machine alone."""

EVERYBODY: Final = ("0.0.0.0", "::", "")
"""Hosts at which a server listens to every network of this machine."""

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Of every answer of every server."""


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any that is free.

    Raises:
        OSError: the port is taken, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # a port that was just left may be taken again
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
        one.listen(512)
    except OSError:
        one.close()
        raise
    return one


def own_hosts(host: str) -> tuple[str, ...]:
    """The names by which visitors may call a server that listens at `host`.

    For one that listens everywhere: this machine's name and addresses, so that a phone in the same network reaches it.
    Other names are refused: a page of a stranger could otherwise have its own name lead to this machine.
    """
    if host not in EVERYBODY:
        return (*LOCAL, f"[{host.lower()}]" if ":" in host else host.lower())
    name = socket.gethostname().lower()
    found = {name, f"{name}.local", *addresses(name)}
    return (*LOCAL, *sorted(found))


def addresses(name: str) -> list[str]:
    """This machine's addresses in its networks, as far as it knows them; nothing is sent.

    Args:
        name: of this machine.
    """
    found: set[str] = set()
    with contextlib.suppress(OSError):
        found |= {str(entry[4][0]) for entry in socket.getaddrinfo(name, None, socket.AF_INET)}
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect(("192.0.2.1", 9))  # an address of nobody: it only chooses the way
        found.add(str(one.getsockname()[0]))
    return sorted(found)


def host_name(header: str) -> str:
    """The name in a header Host, in small letters and without the port."""
    name = header.lower()
    return name.rpartition(":")[0] if name.rpartition(":")[2].isdecimal() and not name.endswith("]") else name


def is_called(header: str, names: Collection[str]) -> bool:
    """Whether a header Host has one of the accepted names; "*" accepts any."""
    return "*" in names or host_name(header) in names


def of_own_page(origin: str, host: str) -> bool:
    """Whether a header Origin is of a page of this server, which was called by the header Host."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False
