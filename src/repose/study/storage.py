"""The SQLite file of a study: one connection, and transactions that many requests share.

A request is acknowledged when its transaction is on the disk. That takes a flush, whatever the transaction holds, so
requests that wait at the same time are carried out in one transaction, each in a savepoint of its own, and share the
flush (`Storage.together`).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from repose.study.errors import DamagedStudyError, UnwritableStudyError

Value = TypeVar("Value")

PATIENCE: Final = 30.0
"""Seconds to wait for another process that writes the file."""

_PASSING: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written; it may be full",
    sqlite3.SQLITE_CANTOPEN: "a file beside it cannot be written; the disk may be full",
    sqlite3.SQLITE_READONLY: "it is not writable",
    sqlite3.SQLITE_BUSY: "another process is writing it",
    sqlite3.SQLITE_LOCKED: "another process is writing it",
    sqlite3.SQLITE_PERM: "it may not be read or written",
    sqlite3.SQLITE_NOMEM: "the memory is full",
}
"""Errors of SQLite that say nothing about the content of the file -> what they mean."""


def opened(path: Path) -> sqlite3.Connection:
    """A connection for any thread, without transactions of its own.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    file = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=256)
    file.row_factory = sqlite3.Row
    return file


def in_words(path: Path, error: sqlite3.Error) -> DamagedStudyError | UnwritableStudyError:
    """An error of SQLite as a sentence that names the file and what to do."""
    code = getattr(error, "sqlite_errorcode", None)
    what = None if code is None else _PASSING.get(code & 0xFF)
    if what is not None:
        return UnwritableStudyError(f"{path}: {what} ({error}); make room or wait, then try again")
    said = " ".join(str(error).split())[:200]
    return DamagedStudyError(f"{path} is no study, or a damaged one ({said}); `repose study prepare` makes one")


class Storage:
    """The open file. Safe for threads, which take turns; other processes may have the file open as well.

    Args:
        path: the file of a study.

    Raises:
        DamagedStudyError: the file is no database. UnwritableStudyError: it cannot be opened at the moment.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._shared = False  # whether a transaction of `together` is open
        self._waits = False  # whether the log shall be written back after it
        with self._errors():
            self._file = opened(path)
            try:
                self._file.execute("PRAGMA foreign_keys = ON")
                self._file.execute("PRAGMA synchronous = FULL")  # a flush for every transaction, as builds differ
            except sqlite3.Error:
                self._file.close()
                raise

    def close(self) -> None:
        with self._lock:
            self._file.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file, for queries.

        Raises:
            DamagedStudyError, UnwritableStudyError: of a query, with the path.
        """
        with self._lock, self._errors():
            yield self._file

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """The file as it is at the first query, for all queries of the block, whoever writes meanwhile.

        Raises:
            DamagedStudyError, UnwritableStudyError: of a query, with the path.
        """
        with self.reading() as file:
            file.execute("BEGIN")
            try:
                yield file
            finally:
                if file.in_transaction:
                    file.execute("ROLLBACK")

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: on the disk when the block ends, undone when it fails. In `together` it is a part of that one.

        Raises:
            DamagedStudyError, UnwritableStudyError: of a query, with the path. Nothing was changed.
        """
        with self._lock, self._errors():
            if self._shared:
                yield self._file
                return
            with self._transaction():
                yield self._file

    def together(self, calls: Sequence[Callable[[], Value]]) -> list[Value | Exception]:
        """Carry out calls in one transaction.

        What a call that fails has changed is undone; the other calls stay. An UnwritableStudyError is different: the
        disk failed, so all calls are undone, and each can be repeated.

        Args:
            calls: use `reading` and `writing` of this storage, in this thread.

        Returns:
            Of every call its value or its exception, after everything is on the disk. If a call cannot write, or the
            transaction as a whole fails, nothing is changed, and the exception of all is an UnwritableStudyError or a
            DamagedStudyError.
        """
        results: list[Value | Exception] = []
        with self._lock:
            try:
                with self._errors(), self._transaction():
                    self._shared = True
                    for call in calls:
                        results.append(self._apart(call))
            except (UnwritableStudyError, DamagedStudyError) as error:
                return [error] * len(calls)
            finally:
                self._shared = False
        return results

    def copy_into_file(self) -> None:
        """Write SQLite's log back into the one file, or, inside of `together`, leave it to `copy_what_waits`.

        If that is impossible at the moment, nothing is lost: SQLite reads the log, too.
        """
        with self._lock:
            if self._shared:
                self._waits = True
            else:
                self._copy()

    def copy_what_waits(self) -> bool:
        """Do what `copy_into_file` left; whether there was something."""
        with self._lock:
            waited, self._waits = self._waits, False
            if waited:
                self._copy()
        return waited

    def _copy(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _apart(self, call: Callable[[], Value]) -> Value | Exception:
        """One call in a savepoint: its value, or its exception after what it changed is undone."""
        self._file.execute("SAVEPOINT one")
        try:
            value = call()
        except Exception as error:
            if not self._file.in_transaction:  # SQLite has undone everything, as it does when the disk is full
                raise
            self._file.execute("ROLLBACK TO one")
            self._file.execute("RELEASE one")
            if isinstance(error, UnwritableStudyError):
                raise
            return error
        self._file.execute("RELEASE one")
        return value

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Begin and commit; whoever else writes waits, so that everything inside reads current data."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._file.execute("COMMIT")
        except BaseException:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise in_words(self.path, error) from error
        except UnicodeDecodeError as error:  # of the schema; that of a value is an error of SQLite
            raise in_words(self.path, sqlite3.DatabaseError(str(error))) from error
