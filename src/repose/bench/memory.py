"""The most memory that this process ever held, and what it holds now."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path


def high_water() -> int:
    """The largest resident set that this process ever had, in bytes.

    `ru_maxrss` of a child process begins with its parent's peak, so Linux is asked for the process's own.

    Raises:
        OSError: the system does not tell (Windows).
    """
    with contextlib.suppress(OSError):
        return status("VmHWM")
    try:
        import resource
    except ImportError as error:
        raise OSError("this system does not tell the peak of a process's memory") from error
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def high_water_gb() -> float:
    """The same in GB (1e9 bytes); NaN where the system does not tell."""
    try:
        return high_water() / 1e9
    except OSError:  # Windows
        return float("nan")


def status(name: str) -> int:
    """A line of this process's status in bytes, such as VmRSS, what is resident now.

    Raises:
        OSError: the system is not Linux, or has no such line.
    """
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"this system does not tell {name}")
