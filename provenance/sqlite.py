"""SQLite: one file on a local disk, in WAL mode, every commit synced."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ..errors import StoreFailed
from .database import Database, Values, stored
from .filesystems import network_kind
from .statements import Statement
from .urls import Dialect, StoreUrl

BUSY_SECONDS = 60.0
"""How long another process may hold the file before we give up."""

_PAUSE_SECONDS = 0.02
_BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_FETCHED_AT_ONCE = 500
_DRIVER_ERRORS = (sqlite3.Error, OverflowError)

T = TypeVar("T")


class SqliteDatabase(Database):
    """A connection to a file. The file and its directory are made, for their user alone."""

    # In bulk, the pages that rows go to again and again are written once for many transactions: 64 MiB of them.
    BULK = ("PRAGMA synchronous = NORMAL", "PRAGMA cache_size = -65536", "PRAGMA wal_autocheckpoint = 16384")
    USUAL = ("PRAGMA synchronous = FULL", "PRAGMA cache_size = -16384", "PRAGMA wal_autocheckpoint = 1000")

    def __init__(self, url: StoreUrl, *, readonly: bool = False, busy_seconds: float = BUSY_SECONDS) -> None:
        super().__init__(url)
        self._busy_seconds = busy_seconds
        self._prepare_file()
        try:
            # No isolation level: transactions are begun by us, never by the driver.
            self._connection = sqlite3.connect(
                url.target, busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=256
            )
        except sqlite3.Error as error:
            raise self.failed("open", error) from error
        try:
            self._set_up(readonly)
        except StoreFailed:
            self._connection.close()
            raise

    def _prepare_file(self) -> None:
        path = self.url.target
        kind = network_kind(path)
        if kind is not None:
            raise StoreFailed(
                f"the store {path} would be on a network file system ({kind}), where a SQLite database is not safe",
                hint="choose a path on a local disk, or postgresql://..., with --store or RECRATE_STORE",
            )
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            # Never open a database that is there: closing it again would drop all locks that SQLite
            # holds on it for other connections of this process (POSIX locks), and corrupt it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise StoreFailed(f"cannot open the store {path}: {error.strerror}") from error

    def _set_up(self, readonly: bool) -> None:
        (mode,) = self._patiently("open", lambda: self._connection.execute("PRAGMA journal_mode = WAL").fetchone())
        if mode != "wal":
            raise StoreFailed(f"the store {self.url.shown} cannot be used: its file system has no shared memory")
        for sql in self.USUAL:
            self.execute(sql)
        self.execute("PRAGMA foreign_keys = ON")
        if readonly:
            self.execute("PRAGMA query_only = ON")

    @property
    def dialect(self) -> Dialect:
        """SQLite."""
        return Dialect.SQLITE

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """See Database."""
        given = stored(values)
        return self._patiently("use", lambda: self._connection.execute(sql, given).rowcount)

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Values]:
        """See Database."""
        given = stored(values)
        return self._patiently("read", lambda: self._connection.execute(sql, given).fetchall())

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Values]:
        """See Database."""
        given = stored(values)
        cursor, rows = self._patiently("read", lambda: self._first(sql, given))
        try:
            while rows:
                yield from rows
                rows = cursor.fetchmany(_FETCHED_AT_ONCE)
        except _DRIVER_ERRORS as error:
            raise self.failed("read", error) from error
        finally:
            cursor.close()

    def _first(self, sql: str, values: Values) -> tuple[sqlite3.Cursor, list[Values]]:
        cursor = self._connection.execute(sql, values)
        return cursor, cursor.fetchmany(_FETCHED_AT_ONCE)

    def write(self, batch: Sequence[Statement]) -> None:
        """See Database."""
        try:
            for sql, values in batch:
                self._connection.executemany(sql, values)
        except _DRIVER_ERRORS as error:
            raise self.failed("write to", error) from error

    def begin(self, lock: str | None = None) -> None:
        """See Database. There is one writer at a time in any case."""
        self._patiently("write to", lambda: self._connection.execute("BEGIN IMMEDIATE"))

    def has_table(self, name: str) -> bool:
        """See Database."""
        return self.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)) is not None

    def is_empty(self) -> bool:
        """See Database."""
        return self.one("SELECT 1 FROM sqlite_master") is None

    def now(self) -> float:
        """See Database: the clock of this machine, which the file is on."""
        return time.time()

    def close(self) -> None:
        """See Database."""
        self._connection.close()

    def _patiently(self, doing: str, action: Callable[[], T]) -> T:
        """Do something; wait while another process holds the file.

        SQLite waits by itself in most cases, but not where it sees that two would wait for each
        other, nor while a log is recovered.
        """
        until = time.monotonic() + self._busy_seconds
        while True:
            try:
                return action()
            except _DRIVER_ERRORS as error:
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY_CODES
                if not busy:
                    raise self.failed(doing, error) from error
                if time.monotonic() > until:
                    raise self._held_by_another(error) from error
                time.sleep(_PAUSE_SECONDS)

    def _held_by_another(self, error: Exception) -> StoreFailed:
        return self.failed(
            "use", error, f"another process has been writing to it for more than {self._busy_seconds:.0f} s"
        )
