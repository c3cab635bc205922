"""PostgreSQL by way of psycopg 3, which is an optional dependency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import StoreFailed, Unsupported
from .database import Database, Values, stored
from .ids import path_key
from .statements import Statement
from .urls import Dialect, StoreUrl

if TYPE_CHECKING:
    import psycopg

_CONNECT_SECONDS = 15


class PostgresDatabase(Database):
    """A connection to a PostgreSQL server. Tables are in the first schema of the search path."""

    BULK = ("SET synchronous_commit = off",)
    USUAL = ("RESET synchronous_commit",)

    def __init__(self, url: StoreUrl, *, readonly: bool = False) -> None:
        super().__init__(url)
        try:
            import psycopg
        except ImportError as error:
            raise Unsupported(
                "a store in PostgreSQL needs the package psycopg", hint="pip install 'recrate[postgres]'"
            ) from error
        self._driver = psycopg
        try:
            # Statements are prepared by the driver; transactions are begun by us.
            self._connection: psycopg.Connection[Values] = psycopg.connect(
                url.target, autocommit=True, connect_timeout=_CONNECT_SECONDS, application_name="recrate"
            )
        except psycopg.Error as error:
            raise self.failed("open", error) from error
        if readonly:
            self.execute("SET default_transaction_read_only = on")

    @property
    def dialect(self) -> Dialect:
        """PostgreSQL."""
        return Dialect.POSTGRESQL

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """See Database."""
        try:
            return self._connection.execute(_translated(sql), stored(values)).rowcount
        except self._driver.Error as error:
            raise self.failed("use", error) from error

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Values]:
        """See Database."""
        try:
            return self._connection.execute(_translated(sql), stored(values)).fetchall()
        except self._driver.Error as error:
            raise self.failed("read", error) from error

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Values]:
        """See Database."""
        try:
            with self._connection.cursor() as cursor:
                yield from cursor.stream(_translated(sql), stored(values))
        except self._driver.Error as error:
            raise self.failed("read", error) from error

    def write(self, batch: Sequence[Statement]) -> None:
        """See Database. All goes to the server in one go."""
        try:
            with self._connection.pipeline(), self._connection.cursor() as cursor:
                for sql, values in batch:
                    cursor.executemany(_translated(sql), values)
        except self._driver.Error as error:
            raise self.failed("write to", error) from error

    def begin(self, lock: str | None = None) -> None:
        """See Database."""
        self.execute("BEGIN")
        if lock is not None:
            self.execute("SELECT pg_advisory_xact_lock(?)", (path_key(f"recrate {lock}"),))

    def has_table(self, name: str) -> bool:
        """See Database."""
        found = self.one(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?", (name,)
        )
        return found is not None

    def is_empty(self) -> bool:
        """See Database."""
        return self.one("SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema()") is None

    def now(self) -> float:
        """See Database: the clock of the server, since controllers on many hosts compare instants."""
        found = self.one("SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)")
        if found is None:
            raise StoreFailed(f"the store {self.url.shown} does not tell the time")
        return float(found[0])

    def close(self) -> None:
        """See Database."""
        self._connection.close()


@cache
def _translated(sql: str) -> bytes:
    """Return a text with this driver's places for values. No statement of ours has `?` in a literal."""
    return sql.replace("%", "%%").replace("?", "%s").encode()
