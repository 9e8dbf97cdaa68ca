"""The cores that this process may use, and what the machine did while trainings ran."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MachineUse:
    """What the machine did while jobs ran.

    Attributes:
        seconds: from start to end. cores: cores' worth of time that each job had, by name. others: share of all cores
            that other programs had, None if the system does not tell. load: 1-minute averages before and after.
    """

    seconds: float
    cores: dict[str, float]
    others: float | None
    load: tuple[float, float] | None


@dataclass(frozen=True)
class CoreTime:
    """Since the machine started, over all cores together.

    Attributes:
        busy: seconds of work. total: seconds in all.
    """

    busy: float
    total: float


def own_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def load_average() -> float | None:
    """The 1-minute load average; None if the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def core_time() -> CoreTime | None:
    """How busy all cores were so far; None if the system does not tell (Linux does)."""
    path = Path("/proc/stat")
    if not path.exists():
        return None
    user, nice, system, idle, wait, *more = (int(word) for word in path.read_text().split("\n", 1)[0].split()[1:9])
    ticks = os.sysconf("SC_CLK_TCK")
    busy = user + nice + system + sum(more)
    return CoreTime(busy / ticks, (busy + idle + wait) / ticks)


def share_of_others(before: CoreTime | None, after: CoreTime | None, own: float) -> float | None:
    """The share of all cores that went to other programs than ours, which had `own` seconds; None if not known."""
    if before is None or after is None or after.total <= before.total:
        return None
    return round(max(0.0, after.busy - before.busy - own) / (after.total - before.total), 3)
