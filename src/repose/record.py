"""Result lines: JSON, one a line, each with the facts needed to check and repeat the measurement."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import os
import platform
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import torch
from filelock import FileLock

from repose.files import DiskFullError, is_full, read_numbered
from repose.measured import announce
from repose.version import __version__

ResultLine = dict[str, Any]
"""One line of a .jsonl file, such as those of results/."""


class StoredLine(ResultLine):
    """A result line that was read; `place` names its file and the number of the line."""

    place: str = ""


class LackingLineError(ValueError):
    """A table lacks a line; none of those that are there is to blame."""


class DamagedLineError(ValueError):
    """A result line cannot be right; the text begins with its place and says what is wrong.

    Args:
        line: it.
        why: what is wrong in it.
    """

    def __init__(self, line: Mapping[str, Any], why: str) -> None:
        place = line.place if isinstance(line, StoredLine) else f"the result line of {line.get('date', 'no date')}"
        super().__init__(f"{place}: {why}; measure again, or remove the line")


class MeasuredData(Protocol):
    """The data set that something was measured on; a `repose.data.Store` is one."""

    @property
    def dataset(self) -> str:
        """Its name."""

    @property
    def checksum(self) -> str:
        """Of all of its files."""


def stamp() -> ResultLine:
    """The facts of every line: date, commit, hardware, versions of Repose and torch, threads."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "hardware": hardware(),
        "repose": __version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def append_result(
    path: Path | None, line: Mapping[str, Any], *, data: MeasuredData | None = None, **facts: Any
) -> ResultLine:
    """Complete a result line with its stamp and append it to a .jsonl file.

    Args:
        path: the file; with None nothing is written.
        line: what was measured. Its "seed" is that of all random numbers, or None if none were drawn.
        data: the data set that was measured on; "data" and "checksum" on the line.
        facts: further entries of the line, such as protocol, model, recipe, weights, split.

    Returns:
        The whole line.

    Raises:
        ValueError: the line has no "seed".
        OSError: the file cannot be written.
    """
    whole = {**line, **({} if data is None else {"data": data.dataset, "checksum": data.checksum}), **facts, **stamp()}
    if "seed" not in whole:
        raise ValueError("a result line needs its seed: add seed=NUMBER, or seed=None if no random numbers were drawn")
    announce(whole)
    if path is not None:
        append(path, whole)
    return whole


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Add one line to a .jsonl file, completely or not at all, also when several processes write.

    NaN and infinity, which JSON does not know, become null. Half a line at the end, which a killed writer left, is
    removed with a warning, and a last line without its newline gets one. Where the file cannot be locked, or is a
    pipe or a terminal, the line is only written.

    Raises:
        DiskFullError: there is no room for the line; the file is as it was. OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (json.dumps(_finite(line), ensure_ascii=False, allow_nan=False) + "\n").encode()
    regular = path.is_file() or not path.exists()
    with path.open("ab+" if regular else "ab", buffering=0) as file, _alone(path, file) as alone:
        end = 0
        if alone:
            text = _mend_end(path, file) + text
            end = file.seek(0, os.SEEK_END)
        try:
            _write_all(file, text)
        except OSError as error:
            if alone:
                file.truncate(end)
            if is_full(error, path.parent):
                raise DiskFullError(path, error) from error
            raise


@contextlib.contextmanager
def _alone(path: Path, file: FileIO) -> Iterator[bool]:
    """Whether no other process appends to a file during the block: what others write may not be cut off."""
    if not file.seekable():
        yield False
    elif sys.platform != "win32":
        yield _locked(file)
    else:
        lock = FileLock(path.parent / f".{path.name}.lock")
        try:
            lock.acquire()
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()


def _locked(file: FileIO) -> bool:
    """Wait until no other process holds a file, and hold it until it is closed; False where it cannot be locked."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _write_all(file: FileIO, text: bytes) -> None:
    """Write every byte: one call of the system may write a part of them alone, without an error."""
    while text:
        text = text[file.write(text) :]


def _mend_end(path: Path, file: FileIO) -> bytes:
    """Cut half a line off the end of the file; return what is missing before the next line, b"" or a newline."""
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return b""
    tail = b""
    while b"\n" not in tail and len(tail) < end:
        begin = max(0, end - len(tail) - 65_536)
        file.seek(begin)
        tail = file.read(end - len(tail) - begin) + tail
    last = tail.rpartition(b"\n")[2]
    if not last:
        return b""
    try:
        json.loads(last)
    except ValueError:
        warnings.warn(f"{path} ended in half a line, of a writer that was killed; it was removed", stacklevel=3)
        file.truncate(end - len(last))
        return b""
    return b"\n"


def read_results(folder: Path) -> list[ResultLine]:
    """Every line (`StoredLine`) of every .jsonl file of a folder, by date, the newest last.

    Raises:
        ValueError: a line is not JSON; names the file and the line.
    """
    lines: list[ResultLine] = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, entry in read_numbered(path):
            line = StoredLine(entry)
            line.place = f"{path}, line {number}"
            lines.append(line)
    return sorted(lines, key=lambda line: str(line.get("date", "")))


@contextlib.contextmanager
def reading_line(line: ResultLine) -> Iterator[None]:
    """Turn a KeyError of the block into a ValueError that names the result line and the missing key."""
    try:
        yield
    except KeyError as error:
        kind = line.get("bench") or line.get("kind")
        raise ValueError(
            f"the result line '{kind}' of {line.get('date', 'no date')} has no key {error}; measure again, or remove it"
        ) from error


def or_nan(number: float | None) -> float:
    """A number of a result line, where null stands for NaN."""
    return math.nan if number is None else number


@functools.cache
def commit() -> str:
    """The commit of the checkout that runs, with "-dirty" appended if src/ differs; "unknown" outside a checkout."""
    return commit_of(Path(__file__).parent)


def commit_of(package: Path) -> str:
    """The commit of a checkout, likewise.

    Args:
        package: the folder `repose` in it.
    """
    try:
        _git(package, "ls-files", "--error-unmatch", "record.py")  # installed inside another project's checkout
        head = _git(package, "rev-parse", "--short=12", "HEAD")
        dirty = _git(package, "status", "--porcelain", "--untracked-files=no", "--", str(package))
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("-dirty" if dirty else "")


@functools.cache
def hardware() -> str:
    """Processor, number of cores and, if there is one, the GPU."""
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
    process = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return process.stdout.strip()


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
