"""Result lines: appended as JSON, one a line, each with what is needed to trust and repeat it."""

from __future__ import annotations

import functools
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from repose.version import __version__


def stamp() -> dict[str, Any]:
    """What stands on every line: date, commit, hardware, versions of Repose and torch, threads."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "hardware": hardware(),
        "repose": __version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add one line to a .jsonl file; whole or not at all, also with several writers.

    NaN and infinity, which JSON does not know, become null.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_finite(line), ensure_ascii=False, allow_nan=False) + "\n"
    with path.open("ab", buffering=0) as file:
        file.write(text.encode())


@functools.cache
def commit() -> str:
    """The commit of the checkout that runs, "-dirty" behind it where src/ differs; "unknown" outside of one."""
    here = Path(__file__).parent
    try:
        _git(here, "ls-files", "--error-unmatch", Path(__file__).name)  # installed inside another project's checkout
        done = _git(here, "rev-parse", "--short=12", "HEAD")
        dirty = _git(here, "status", "--porcelain", "--untracked-files=no", "--", str(here))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done + ("-dirty" if dirty else "")


@functools.cache
def hardware() -> str:
    """Processor, cores in use and, where there is one, the GPU."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    text = f"{name}, {os.cpu_count()} cores"
    return f"{text}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else text


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
