"""Writing a file completely or not at all, checksums of files, and the folders of files that are not ours."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_PARTIAL: Final = re.compile(r"\..+\.([0-9a-f]{8})-([1-9][0-9]{0,17})-[0-9a-f]{12}\.partial")
"""The names of the temporary files and folders of `replacing`: where the writer runs, its number, a random one."""

_LONGEST_NAME: Final = 200
"""Bytes of a file's name that stand whole in that of its temporary file: file systems take 255 for all of it."""

_SWEPT: Final[set[Path]] = set()
"""Folders in which this process has looked for what killed ones left."""

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_LITTLE_ROOM: Final = 16_000_000
"""Free bytes below which a write that failed for an unknown reason is taken to have failed for room."""


class DiskFullError(OSError):
    """A file could not be written whole: the disk, a quota or a limit of file sizes is full. What was there is kept.

    Args:
        path: the file. error: what the system said.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        reason = error.strerror or str(error)
        if error.errno != errno.EFBIG:
            reason = f"the disk is full ({reason})"
        text = not_written(path, reason)
        super().__init__(error.errno, text)
        self.path, self._error = path, error

    def __reduce__(self) -> tuple[type[DiskFullError], tuple[Path, OSError]]:
        """For processes that send it."""
        return type(self), (self.path, self._error)

    def __str__(self) -> str:
        return str(self.strerror)


def not_written(path: Path, reason: object) -> str:
    """The sentence of an error about a file that could not be written: why, how much space is free, what to do."""
    try:
        free = f"; {shutil.disk_usage(path.parent).free / 1e6:,.0f} MB are free there"
    except OSError:
        free = ""
    return (
        f"{path} could not be written: {reason}{free}. The file that was there before is kept; free some space, or "
        "choose another place"
    )


def is_full(error: OSError, folder: Path) -> bool:
    """Whether an error says that there is no room for a file in a folder.

    Pillow's encoders do not tell why they cannot write ("encoder error"): that means so only where little is free.
    """
    if error.errno in _FULL:
        return True
    if error.errno is not None or not str(error).startswith("encoder error"):
        return False
    try:
        return shutil.disk_usage(folder).free < _LITTLE_ROOM
    except OSError:
        return False


def cache_folder() -> Path:
    """The folder of fetched files and cached estimates; it need not exist."""
    if given := os.environ.get("REPOSE_CACHE"):
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "repose"


def given_folders() -> list[Path]:
    """The folders of the environment variable REPOSE_FILES: local copies of files and weights, searched first."""
    return [Path(folder).expanduser() for folder in os.environ.get("REPOSE_FILES", "").split(os.pathsep) if folder]


@contextlib.contextmanager
def replacing(path: Path, sync: bool = False, in_folder: bool = False) -> Iterator[Path]:
    """Write to the path that this yields: it replaces `path` if the block succeeds, and is removed if not.

    What killed processes of this machine left of such files in this folder is removed at the first call for it.

    Args:
        path: the file to write; its folder is created.
        sync: force the bytes to the disk before the rename, for what must survive a power cut.
        in_folder: yield a path in a temporary folder of its own, for a writer that puts files of its own beside.

    Raises:
        DiskFullError: the disk is full; `path` is unchanged. OSError: it is not writable; likewise.
        FileNotFoundError: the block wrote nothing; likewise.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        with _temporary(path, in_folder) as partial:
            yield partial
            if sync:
                with partial.open("rb+") as file:
                    os.fsync(file.fileno())
            partial.replace(path)
        if sync and os.name != "nt":  # Windows knows no sync of a folder
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except DiskFullError:
        raise
    except OSError as error:
        if is_full(error, path.parent):
            raise DiskFullError(path, error) from error
        raise


def remove_partial(path: Path) -> None:
    """Remove a temporary file or folder of `replacing`, if it is there and can be removed."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            try:
                path.rmdir()  # empty, as the rename leaves it
            except OSError:
                shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _temporary(path: Path, in_folder: bool) -> Iterator[Path]:
    """A path beside `path`, of a name that nobody guesses and that tells the writer; it is removed at the end.

    Nothing is there yet: some writers rename a file of their own over it, so it cannot be held open.
    """
    name = path.name
    if len(name.encode(errors="surrogateescape")) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME // 4]  # a letter takes four bytes at most
    own = path.with_name(f".{name}.{_place_of_processes()}-{os.getpid()}-{secrets.token_hex(6)}.partial")
    if in_folder:
        own.mkdir()
    try:
        yield own / path.name if in_folder else own
    finally:
        remove_partial(own)


@functools.cache
def _place_of_processes() -> str:
    """Eight digits that differ between two places where one process number can mean two processes.

    They are of the host, of its start and of the container (namespace of process numbers), where the system tells.
    """
    facts = [platform.node()]
    with contextlib.suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with contextlib.suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(facts).encode(errors="replace")).hexdigest()[:8]


def _sweep(folder: Path) -> None:
    """Remove the temporary files of processes of this machine that have ended, once for each folder."""
    if os.name == "nt" or folder.absolute() in _SWEPT:
        return
    _SWEPT.add(folder.absolute())
    names: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        match = _PARTIAL.fullmatch(name)
        if match and match[1] == _place_of_processes() and _has_ended(int(match[2])):
            remove_partial(folder / name)


def _has_ended(process: int) -> bool:
    """Whether surely no process of this number lives."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def differences(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> list[str]:
    """What was and is, of every key whose value differs, for an error: "seed was 0, is 1"; also within mappings."""
    found: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            found += differences(was, now, f"{where}{key}.")
        elif was != now:
            said = ["not set" if value is None else repr(value) for value in (was, now)]
            found.append(f"{where}{key} was {said[0]}, is {said[1]}")
    return found


def same_facts(note: Path, facts: Mapping[str, Any]) -> bool:
    """Whether a folder's note says that its pictures were generated as `facts` say; False: there is no note yet.

    Args:
        note: a JSON file in the folder. facts: of what is about to be generated.

    Raises:
        ValueError: the note is damaged, or says something else; the text names what differs.
    """
    if not note.is_file():
        return False
    try:
        old = parse_object(note.read_bytes())
    except ValueError as error:
        raise ValueError(f"{note} is damaged ({error}); choose another folder, or empty this one") from error
    if differ := differences(old, facts):
        raise ValueError(
            f"{note.parent} holds pictures that were generated otherwise: {'; '.join(differ)}. Choose another folder, "
            "or remove this one"
        )
    return True


def parse_json(text: str | bytes) -> Any:
    """What a text of JSON holds.

    Raises:
        ValueError: it is none; the text says in a few words what is wrong and in which line and column, not the file.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it cannot be decoded as UTF-8: {error.reason} at byte {error.start:,}") from None
    except RecursionError:
        raise ValueError("its brackets are nested too deep") from None
    except ValueError as error:  # a number of thousands of digits
        raise ValueError(f"the JSON cannot be read: {error}") from None


def parse_object(text: str | bytes) -> dict[str, Any]:
    """An object of JSON.

    Raises:
        ValueError: as `parse_json`, or something else than an object.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ValueError(f"an object {{...}} is wanted, got {shortened(value)}")
    return value


def read_object(path: Path, advice: str = "correct it, or write it anew") -> dict[str, Any]:
    """The object that a file of JSON holds.

    Args:
        advice: what to do about a damaged file, for the error.

    Raises:
        ValueError: the file is damaged; the text names it, and says where it is damaged.
        OSError: it cannot be read.
    """
    try:
        return parse_object(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}; {advice}") from None


def read_numbered(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON that has one in each line (.jsonl), with the numbers of their lines, from 1.

    Empty lines are left out.

    Raises:
        ValueError: a line holds none; the text names file and line. OSError: the file cannot be read.
    """
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = parse_object(line)
        except ValueError as error:
            raise ValueError(f"{path}, line {number} is not JSON: {error}; correct or remove the line") from None
        yield number, entry


def read_object_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of such a file alone; see `read_numbered`."""
    return [entry for _, entry in read_numbered(path)]


def shortened(value: object, length: int = 60) -> str:
    """A value for an error: its repr, of a long one the beginning."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deep; a whole number of thousands of digits
        return f"a {type(value).__name__}"
    return text if len(text) <= length else f"{text[:length]}..."


def first_line(error: BaseException, length: int | None = 160, kind: bool = False) -> str:
    """The first line of what an error says; the name of its class where it says nothing.

    Args:
        length: characters at most; None for errors of our own, whose one sentence is whole.
        kind: put the name of its class before it, unless it is a ValueError, whose text is a sentence.
    """
    lines = (line.strip() for line in str(error).splitlines())
    text = next((line for line in lines if line), "")[:length]
    before = f"{type(error).__name__}: " if kind and not isinstance(error, ValueError) else ""
    return f"{before}{text}" if text else type(error).__name__


def sha256(path: Path) -> str:
    """The checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
