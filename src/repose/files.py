"""Writing a file completely or not at all, checksums of files, and the folders of files that are not ours."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """The folder of fetched files and cached estimates; it need not exist."""
    if given := os.environ.get("REPOSE_CACHE"):
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "repose"


def given_folders() -> list[Path]:
    """The folders of the environment variable REPOSE_FILES: local copies of files and weights, searched first."""
    return [Path(folder).expanduser() for folder in os.environ.get("REPOSE_FILES", "").split(os.pathsep) if folder]


@contextlib.contextmanager
def replacing(path: Path, sync: bool = False) -> Iterator[Path]:
    """Write to the path that this yields: it replaces `path` if the block succeeds, and is removed if not.

    Args:
        path: the file to write; its folder is created.
        sync: force the bytes to the disk before the rename, for what must survive a power cut.

    Raises:
        OSError: the disk is full or not writable; `path` is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # a name that no other process or thread takes, and nobody can guess
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    try:
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
    finally:
        partial.unlink(missing_ok=True)


def differences(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> list[str]:
    """What was and is, of every key whose value differs, for an error: "seed was 0, is 1"; also within mappings."""
    found: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            found += differences(was, now, f"{where}{key}.")
        elif was != now:
            found.append(f"{where}{key} was {was!r}, is {now!r}")
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
        old = json.loads(note.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{note} is damaged ({error}); choose another folder, or empty this one") from error
    if differ := differences(old, facts):
        raise ValueError(
            f"{note.parent} holds pictures that were generated otherwise: {'; '.join(differ)}. Choose another folder, "
            "or remove this one"
        )
    return True


def sha256(path: Path) -> str:
    """The checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
