"""Result lines of this process, for a caller that collects them (`--json`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

_COLLECTORS: Final[list[list[Mapping[str, Any]]]] = []


def announce(line: Mapping[str, Any]) -> None:
    """Give a result line to everybody who collects; `repose.record.append_result` calls it."""
    for lines in _COLLECTORS:
        lines.append(line)


@contextlib.contextmanager
def collected_lines() -> Iterator[list[Mapping[str, Any]]]:
    """The list of the result lines that are announced inside the block."""
    lines: list[Mapping[str, Any]] = []
    _COLLECTORS.append(lines)
    try:
        yield lines
    finally:
        _COLLECTORS[:] = [other for other in _COLLECTORS if other is not lines]  # equal lists are not the same


__all__ = ["announce", "collected_lines"]
