"""Locks: one process at a time writes a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class FolderLock:
    """A lock on a folder, which need not exist; `release` ends it, and so does the end of the process.

    The lock is the hidden file `.NAME.lock` beside the folder, so that it is held also while the folder itself is
    removed or renamed.

    Args:
        folder: what is locked. doing: what another process that holds the lock does, for the error.

    Raises:
        ValueError: another process, or another lock of this one, holds it.
        OSError: the file cannot be written.
    """

    def __init__(self, folder: Path, doing: str) -> None:
        folder = folder.resolve()
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.path = folder.parent / f".{folder.name}.lock"
        self._lock = FileLock(self.path)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ValueError(
                f"{folder}: another process is {doing}; let it finish, or choose another folder. Nothing was changed"
            ) from None

    def release(self) -> None:
        """Give the folder free; nothing happens the second time."""
        if not self._lock.is_locked:
            return
        with contextlib.suppress(OSError):  # removed while it is held: whoever takes it meanwhile takes a new file
            self.path.unlink(missing_ok=True)
        self._lock.release()


@contextlib.contextmanager
def locked(folder: Path, doing: str) -> Iterator[None]:
    """`FolderLock` for the time of a block."""
    held = FolderLock(folder, doing)
    try:
        yield
    finally:
        held.release()
