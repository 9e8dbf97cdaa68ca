"""Result lines of this process, for whoever wants to hear of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

_HEARERS: Final[list[list[Mapping[str, Any]]]] = []


def tell(line: Mapping[str, Any]) -> None:
    """Something was measured: `repose.record.append_result` tells it."""
    for hearer in _HEARERS:
        hearer.append(line)


@contextlib.contextmanager
def hearing() -> Iterator[list[Mapping[str, Any]]]:
    """The list of the lines that are told inside the block."""
    lines: list[Mapping[str, Any]] = []
    _HEARERS.append(lines)
    try:
        yield lines
    finally:
        _HEARERS.remove(lines)


__all__ = ["hearing", "tell"]
