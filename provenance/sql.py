"""Queries in SQL that somebody else wrote: they read the store, and can do nothing else.

A connection of its own is used. SQLite opens the file for reading (`mode=ro`), and asks for each action of a
statement whether it is allowed: only reading this one database is. PostgreSQL is given one statement, in a
transaction that is read-only and rolled back.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ..data_classes import dataclass
from ..errors import StoreFailed, Unsupported, UsageError
from .texts import from_stored
from .urls import Dialect, StoreUrl

SECONDS = 60.0
MOST_ROWS = 1_000_000
_INSTRUCTIONS = 10_000
"""Of SQLite's virtual machine, between two looks at the clock."""
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_REFUSED_FUNCTIONS = frozenset({"load_extension"})


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """The names of the columns, and the rows."""

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


def ask_sql(url: StoreUrl, sql: str, *, seconds: float = SECONDS) -> SqlAnswer:
    """Carry out one query on a store that is there.

    Raises:
        UsageError: it is no query, or does something else than to read.
        StoreFailed: it took longer than `seconds`, or gives more than `MOST_ROWS` rows; the store cannot be read.
        Unsupported: the driver of PostgreSQL is not installed.
    """
    answer = _ask_sqlite(url, sql, seconds) if url.dialect is Dialect.SQLITE else _ask_postgres(url, sql, seconds)
    if len(answer.rows) > MOST_ROWS:
        raise StoreFailed(f"the query gives more than {MOST_ROWS} rows", hint="add a LIMIT")
    return SqlAnswer(answer.columns, [tuple(map(from_stored, row)) for row in answer.rows])


def _too_long(seconds: float) -> StoreFailed:
    return StoreFailed(
        f"the query took longer than {seconds:g} s", hint="make it more specific, or give it more with --timeout"
    )


def _refused(error: Exception) -> UsageError:
    return UsageError(f"the query was refused: {' '.join(str(error).split())}", hint="queries can only read the store")


def _ask_sqlite(url: StoreUrl, sql: str, seconds: float) -> SqlAnswer:
    until = time.monotonic() + seconds
    try:
        connection = sqlite3.connect(f"file:{quote(url.target)}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreFailed(f"cannot open the store {url.shown}: {error}") from None
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.set_authorizer(_authorized)
        connection.set_progress_handler(lambda: time.monotonic() > until, _INSTRUCTIONS)
        cursor = connection.execute(sql)
        rows = cursor.fetchmany(MOST_ROWS + 1)
        return SqlAnswer([name for name, *_ in cursor.description or ()], rows)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        if time.monotonic() > until:
            raise _too_long(seconds) from None
        raise _refused(error) from None
    finally:
        connection.close()


def _authorized(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    if action not in _READING or (action == sqlite3.SQLITE_FUNCTION and second in _REFUSED_FUNCTIONS):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _ask_postgres(url: StoreUrl, sql: str, seconds: float) -> SqlAnswer:
    try:
        import psycopg
    except ImportError:
        raise Unsupported(
            "a store in PostgreSQL needs the package psycopg", hint="pip install 'recrate[postgres]'"
        ) from None
    try:
        connection = psycopg.connect(url.target, autocommit=True, application_name="recrate query")
    except psycopg.Error as error:
        raise StoreFailed(f"cannot open the store {url.shown}: {url.scrub(str(error))}") from None
    with connection:
        try:
            connection.execute("BEGIN TRANSACTION READ ONLY")
            connection.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}".encode())
            # Prepared, so that the server takes one statement and no more.
            cursor = connection.execute(sql.encode(), prepare=True)
            rows = cursor.fetchmany(MOST_ROWS + 1) if cursor.description else []
            return SqlAnswer([column.name for column in cursor.description or ()], rows)
        except psycopg.errors.QueryCanceled:
            raise _too_long(seconds) from None
        except psycopg.Error as error:
            raise _refused(error) from None
        finally:
            connection.rollback()
