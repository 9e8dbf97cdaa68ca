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
    if ":" in host:
        found |= {f"[{address}]" for address in addresses(name, socket.AF_INET6)}
    return (*LOCAL, *sorted(found))


def require_host_names(hosts: Collection[str], example: str) -> None:
    """ValueError for the first of the names given by --hosts that no header Host could have; `example` is one."""
    for host in hosts:
        name = host_name(host)
        if "/" in host or not host.strip():
            raise ValueError(f"--hosts is a name of a host, such as {example}, not '{host}'")
        if name != host.lower():
            raise ValueError(f"--hosts is a name without a port, which may be any: '{name}', not '{host}'")
        if ":" in name and not (name.startswith("[") and name.endswith("]")):
            raise ValueError(f"--hosts has an address of IPv6 in brackets: '[{name}]', not '{host}'")


def addresses(name: str, family: socket.AddressFamily = socket.AF_INET) -> list[str]:
    """This machine's addresses in its networks, as far as it knows them; nothing is sent.

    A machine may have further addresses of IPv6 that this does not list.

    Args:
        name: of this machine. family: AF_INET or AF_INET6; those that hold in a single link (fe80::) are left out, as
            browsers do not accept them.
    """
    found: set[str] = set()
    with contextlib.suppress(OSError):
        found |= {str(entry[4][0]) for entry in socket.getaddrinfo(name, None, family)}
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
        # an address of nobody: it only chooses the way
        one.connect(("2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1", 9))
        found.add(str(one.getsockname()[0]))
    return sorted(address for address in found if not address.lower().startswith("fe80:"))


def host_name(header: str) -> str:
    """The name in a header Host, in small letters and without the port."""
    name = header.lower()
    before, _, port = name.rpartition(":")
    return before if port.isdecimal() and (":" not in before or before.endswith("]")) else name


def is_called(header: str, names: Collection[str]) -> bool:
    """Whether a header Host has one of the accepted names; "*" accepts any."""
    return "*" in names or host_name(header) in names


def of_own_page(origin: str, host: str) -> bool:
    """Whether a header Origin is of a page of this server, which was called by the header Host."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False
