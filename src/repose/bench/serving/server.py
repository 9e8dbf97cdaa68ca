"""A server as a process of its own, and what it and its workers use."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class RunningServer:
    """`repose serve` until the end of the block.

    Args:
        words: of the command, behind `repose serve`; it takes any free port.
        log: its standard error goes here.

    Raises:
        RuntimeError: it does not start; with what it says.

    Attributes:
        host, port: where it is.
    """

    def __init__(self, words: Sequence[str], log: Path) -> None:
        self._words, self._log = [*words], log
        self.host, self.port = "127.0.0.1", 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "repose", "serve", *self._words, "--port", "0"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        address = re.search(r"http://[\d.]+:(\d+)/", first)
        if address is None:
            self._process.kill()
            self._process.wait()
            said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"`repose serve {' '.join(self._words)}` does not start: {first}{said}")
        self.port = int(address[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    # -- its processes (Linux) ----------------------------------------------------------------------------------

    def workers(self) -> list[int]:
        """Numbers of its workers' processes."""
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdecimal() and _parent(place) == self._process.pid:
                try:
                    words = (place / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"spawn_main" in words:  # not the process that counts shared memory
                    found.append(int(place.name))
        return sorted(found)

    def resident(self) -> int:
        """Resident memory of the server and its workers, bytes."""
        return sum(_resident(pid) for pid in (self._process.pid, *self.workers()))

    def processor(self) -> float:
        """Processor seconds of the server and its workers that are alive."""
        return sum(_processor(pid) for pid in (self._process.pid, *self.workers()))

    def health(self) -> dict[str, Any]:
        """What /healthz says."""
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.port}/healthz", timeout=10) as reply:
                return dict(json.load(reply))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))

    def numbers(self) -> dict[str, float]:
        """What /metrics says: name with labels -> value."""
        with urllib.request.urlopen(f"http://{self.host}:{self.port}/metrics", timeout=10) as reply:
            lines = reply.read().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}

    def wait_for_workers(self, count: int, seconds: float = 120.0) -> float:
        """Seconds until so many workers are ready. RuntimeError after `seconds`."""
        begun = time.monotonic()
        while self.health()["workers"] < count:
            if time.monotonic() - begun > seconds:
                raise RuntimeError(f"the server has not {count} workers after {seconds:g} s")
            time.sleep(0.05)
        return time.monotonic() - begun


# -- inside ---------------------------------------------------------------------------------------------------------


def _fields(place: Path) -> list[str]:
    """Of /proc/PID/stat, behind the name of the program: state, parent, ...; nothing where it has ended."""
    try:
        return (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _parent(place: Path) -> int:
    fields = _fields(place)
    return int(fields[1]) if fields else 0


def _processor(pid: int) -> float:
    fields = _fields(Path("/proc") / str(pid))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
