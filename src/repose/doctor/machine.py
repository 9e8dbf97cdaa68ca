"""Python, the system, cores, memory, graphics, folders and settings: what is known without importing anything heavy."""

from __future__ import annotations

import ctypes.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Final

from repose.cores import cores
from repose.doctor.findings import Finding
from repose.files import cache_folder, given_folders
from repose.version import __version__

OLDEST_PYTHON: Final = (3, 11)

GRAPHICS: Final = "apt-get install libegl1 libgl1 libegl-mesa0 libgl1-mesa-dri"
"""The command that brings OpenGL to Debian and Ubuntu."""

SETTINGS: Final = ("REPOSE_FILES", "REPOSE_CACHE", "REPOSE_OFFLINE", "OMP_NUM_THREADS", "https_proxy", "HTTPS_PROXY")
"""Environment variables that change what Repose does; their values are shown, but those of proxies."""


def look() -> list[Finding]:
    """Findings about the machine."""
    return [
        Finding("machine", "repose", "ok", f"{__version__}, {Path(__file__).parents[1]}", needed=True),
        _python(),
        Finding("machine", "system", "ok", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        Finding("machine", "cores", "ok", f"{cores()} of {os.cpu_count()}{_memory()}"),
        _gpu(),
        _opengl(),
        _cache(),
        *_settings(),
    ]


def _python() -> Finding:
    version = f"{platform.python_version()}, {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("machine", "python", "broken", version, "Repose needs Python 3.11 or newer", needed=True)
    return Finding("machine", "python", "ok", version, needed=True)


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return ""
    return f", {total / 1e9:.0f} GB of memory"


def _gpu() -> Finding:
    """NVIDIA's card by its own tool, and whether the installed PyTorch is a build for it."""
    gives = "transfers on a GPU; all that Repose does also runs without"
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("machine", "gpu", "missing", "no nvidia-smi", gives)
    try:
        listed = subprocess.run(
            [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=10, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("machine", "gpu", "broken", f"nvidia-smi: {error}", gives)
    cards = "; ".join(listed.splitlines())
    try:
        torch = metadata.version("torch")
    except metadata.PackageNotFoundError:
        torch = ""
    if torch.endswith("+cpu"):
        return Finding("machine", "gpu", "broken", f"{cards}, but torch {torch} is a build without CUDA", gives)
    return Finding("machine", "gpu", "ok", cards, gives)


def _opengl() -> Finding:
    gives = "rendered people: `repose demo` with new people, `repose prepare synthetic`"
    if not sys.platform.startswith("linux"):
        return Finding("machine", "opengl", "ok", "that of the system", gives)
    found = {name: ctypes.util.find_library(name) for name in ("EGL", "GL")}
    missing = [f"lib{name}" for name, library in found.items() if library is None]
    if missing:
        return Finding("machine", "opengl", "missing", f"no {', '.join(missing)}", gives, GRAPHICS)
    return Finding("machine", "opengl", "ok", ", ".join(str(library) for library in found.values()), gives)


def _cache() -> Finding:
    """The cache, and whether something can be written there."""
    folder = cache_folder()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    gives = "fetched files and estimates are kept there"
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
        free = shutil.disk_usage(existing).free / 1e9
    except OSError as error:
        return Finding("machine", "cache", "broken", f"{folder}: {error.strerror}; set REPOSE_CACHE", gives)
    return Finding("machine", "cache", "ok", f"{folder}, {free:.0f} GB free", gives)


def _settings() -> list[Finding]:
    findings = []
    for name in SETTINGS:
        if value := os.environ.get(name):
            shown = "set" if name.lower().endswith("proxy") else value
            findings.append(Finding("machine", name, "ok", shown))
    for folder in given_folders():
        if not folder.is_dir():
            findings.append(
                Finding("machine", "REPOSE_FILES", "broken", f"there is no folder {folder}", "", "unset REPOSE_FILES")
            )
    return findings
