"""A socket at a port of this machine."""

from __future__ import annotations

import os
import socket


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
