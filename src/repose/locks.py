"""Locks: one process at a time writes a folder or a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class PathLock:
    """A lock on a folder or a file, which need not exist; `release` ends it, and so does the end of the process.

    The lock is the hidden file `.NAME.lock` beside it, so that it is held also while what is locked is removed or
    renamed.

    Args:
        path: what is locked. doing: what another process that holds the lock does, for the error.

    Raises:
        ValueError: another process, or another lock of this one, holds it.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, doing: str) -> None:
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path.parent / f".{path.name}.lock"
        self._lock = FileLock(self.path, thread_local=False)  # whoever ends it may be another thread
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ValueError(
                f"{path}: another process is {doing}; let it finish, or choose another place. Nothing was changed"
            ) from None

    def release(self) -> None:
        """End the lock; nothing happens the second time."""
        if not self._lock.is_locked:
            return
        with contextlib.suppress(OSError):  # removed while it is held: whoever takes it meanwhile takes a new file
            self.path.unlink(missing_ok=True)
        self._lock.release()


@contextlib.contextmanager
def locked(path: Path, doing: str) -> Iterator[None]:
    """`PathLock` for the time of a block."""
    held = PathLock(path, doing)
    try:
        yield
    finally:
        held.release()
