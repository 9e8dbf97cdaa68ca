"""Numbers of a running server in Prometheus's text format (version 0.0.4)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final

from repose.serve.messages import CacheNumbers

MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"

SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of the classes of the time of a request."""

SIZES: Final = (1, 2, 4, 8, 16)
"""Upper bounds of the classes of the size of a batch."""


_COUNTED: Final = ("source_hits", "source_misses", "target_hits", "target_misses")


class Histogram:
    """Counts of values in classes, and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total, self.count = bounds, [0] * len(bounds), 0.0, 0

    def add(self, value: float) -> None:
        """Count a value."""
        self.total += value
        self.count += 1
        for k, bound in enumerate(self.bounds):
            if value <= bound:
                self.counts[k] += 1

    def lines(self, name: str, labels: str = "") -> Iterable[str]:
        """The lines of the format; `labels` such as `route="/healthz"`."""
        comma = "," if labels else ""
        for bound, count in zip(self.bounds, self.counts, strict=True):
            yield f'{name}_bucket{{{labels}{comma}le="{bound:g}"}} {count}'
        yield f'{name}_bucket{{{labels}{comma}le="+Inf"}} {self.count}'
        braces = f"{{{labels}}}" if labels else ""
        yield f"{name}_sum{braces} {self.total:.6f}"
        yield f"{name}_count{braces} {self.count}"


class Metrics:
    """What is counted; any thread may add. The names of routes are those of the application, never of a client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, Histogram] = {}
        self._batches = Histogram(SIZES)
        self._lost = self._retried = 0
        self._caches: dict[Hashable, CacheNumbers] = {}  # of each worker
        self._counted: Counter[str] = Counter()  # by the caches of processes that are gone

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        with self._lock:
            self._requests[route, method, status] += 1
            self._seconds.setdefault(route, Histogram(SECONDS)).add(seconds)

    def batch(self, size: int) -> None:
        """A batch was computed."""
        with self._lock:
            self._batches.add(size)

    def lost(self, requests: int, again: int) -> None:
        """A worker died or was killed with so many requests; so many of them are given to another one."""
        with self._lock:
            self._lost += requests
            self._retried += again

    def cache(self, worker: Hashable, numbers: CacheNumbers) -> None:
        """What the cache of a worker's process did until now."""
        with self._lock:
            self._caches[worker] = numbers

    def cache_gone(self, worker: Hashable) -> None:
        """The process of a worker has ended, and its cache with it."""
        with self._lock:
            gone = self._caches.pop(worker, CacheNumbers())
            for name in _COUNTED:
                self._counted[name] += getattr(gone, name)

    def _cached(self, name: str) -> int:
        now: int = sum(getattr(one, name) for one in self._caches.values())
        return self._counted[name] + now

    @property
    def answered(self) -> Counter[int]:
        """Status -> requests to the API that were answered with it."""
        found: Counter[int] = Counter()
        with self._lock:
            for (route, _, status), count in self._requests.items():
                if route.startswith("/v1"):
                    found[status] += count
        return found

    def text(self, gauges: dict[str, tuple[str, str, float]]) -> str:
        """The whole document.

        Args:
            gauges: name -> (gauge or counter, help, value) of what is known elsewhere.
        """
        lines: list[str] = []

        def head(name: str, kind: str, help_: str) -> None:
            lines.extend((f"# HELP {name} {help_}", f"# TYPE {name} {kind}"))

        with self._lock:
            head("repose_requests_total", "counter", "Requests that were answered.")
            for (route, method, status), count in sorted(self._requests.items()):
                lines.append(f'repose_requests_total{{route="{route}",method="{method}",status="{status}"}} {count}')
            head("repose_request_seconds", "histogram", "Time from the head of a request to the end of its answer.")
            for route, histogram in sorted(self._seconds.items()):
                lines.extend(histogram.lines("repose_request_seconds", f'route="{route}"'))
            head("repose_batch_size", "histogram", "Requests that were computed together.")
            lines.extend(self._batches.lines("repose_batch_size"))
            head("repose_requests_lost_total", "counter", "Requests that a worker had when it died or was killed.")
            lines.append(f"repose_requests_lost_total {self._lost}")
            head("repose_requests_retried_total", "counter", "Of these, given to another worker.")
            lines.append(f"repose_requests_retried_total {self._retried}")
            for what, about in (("hits", "that a worker still had"), ("misses", "that were read and understood anew")):
                head(f"repose_cache_{what}_total", "counter", f"Photographs of requests {about}.")
                for field in ("source", "target"):
                    lines.append(f'repose_cache_{what}_total{{field="{field}"}} {self._cached(f"{field}_{what}")}')
            head("repose_cache_photographs", "gauge", "Photographs that the workers keep.")
            lines.append(f"repose_cache_photographs {self._cached('photographs')}")
            head("repose_cache_bytes", "gauge", "Memory of what the workers keep of them.")
            lines.append(f"repose_cache_bytes {self._cached('bytes')}")
        for name, (kind, help_, value) in gauges.items():
            head(name, kind, help_)
            lines.append(f"{name} {value:g}")
        return "\n".join(lines) + "\n"


def resident(pid: int | str = "self") -> float:
    """Resident memory of a process in bytes; 0 where the system does not tell (only Linux does)."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return float(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return 0.0
    return 0.0
