"""A small layer over DB-API connections, so that one text of SQL serves SQLite and PostgreSQL.

Places of values are `?`. Texts given and returned are as `texts` says. What a driver raises comes
out as StoreFailed, without secrets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from ..errors import StoreFailed
from .rows.base import R
from .statements import Statement, row_maker, select_sql
from .texts import row_from_stored, to_stored
from .urls import Dialect, StoreUrl

Values = tuple[Any, ...]


class Database(ABC):
    """One connection. Not to be used by two threads at once."""

    BULK: ClassVar[Sequence[str]]
    """Statements after which commits keep their order, but may not be on disk yet."""
    USUAL: ClassVar[Sequence[str]]
    """Statements that take these back."""

    def __init__(self, url: StoreUrl) -> None:
        self.url = url

    # -- what each kind of database does in its own way ------------------------------------------

    @property
    @abstractmethod
    def dialect(self) -> Dialect:
        """The kind of database."""

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Carry out one statement; return the number of rows that it touched. Raises StoreFailed."""

    @abstractmethod
    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Values]:
        """Return the rows of a query as the driver gives them. Raises StoreFailed."""

    @abstractmethod
    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Values]:
        """Yield the rows of a query as the driver gives them, in constant memory. Raises StoreFailed.

        The connection must not be used for anything else until the last row was taken.
        """

    @abstractmethod
    def write(self, batch: Sequence[Statement]) -> None:
        """Carry out statements with many sets of values each, inside a transaction. Raises StoreFailed."""

    @abstractmethod
    def begin(self, lock: str | None = None) -> None:
        """Begin a transaction that may write. With `lock`, no other transaction with that lock is under way."""

    @abstractmethod
    def has_table(self, name: str) -> bool:
        """Tell whether there is a table of that name."""

    @abstractmethod
    def is_empty(self) -> bool:
        """Tell whether there is no table at all."""

    @abstractmethod
    def now(self) -> float:
        """Return the instant by the clock of the database."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; what is not committed is lost. Doing it again changes nothing."""

    # -- what they have in common ----------------------------------------------------------------

    def commit(self) -> None:
        """Put the transaction on disk. Raises StoreFailed."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction; it is no error when the connection broke."""
        try:
            self.execute("ROLLBACK")
        except StoreFailed:
            return

    @contextmanager
    def transaction(self, lock: str | None = None) -> Iterator[None]:
        """Do what is in the block as one transaction, or nothing of it when it raises."""
        self.begin(lock)
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """Do what is in the block in many transactions that need not be on disk when they are committed.

        When power fails meanwhile the last ones may be lost, and none before one that is there. The first
        commit after the block puts all of them on disk. Not to be used within a transaction.
        """
        for sql in self.BULK:
            self.execute(sql)
        try:
            yield
        finally:
            for sql in self.USUAL:
                self.execute(sql)

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Values]:
        """Return the rows of a query as tuples, texts unescaped."""
        return [tuple(row_from_stored(row)) for row in self.fetch(sql, values)]

    def one(self, sql: str, values: Sequence[Any] = ()) -> Values | None:
        """Return the first row of a query, None when it has none."""
        rows = self.query(sql, values)
        return rows[0] if rows else None

    def rows(
        self, table: type[R], rest: str = "", values: Sequence[Any] = (), *, without: Collection[str] = ()
    ) -> list[R]:
        """Return rows of a table. `rest` is what follows `SELECT ... FROM table`.

        Columns `without` may be long and are not read: they are None.
        """
        return list(map(row_maker(table), self.fetch(f"{select_sql(table, without=without)} {rest}", values)))

    def stream_rows(self, table: type[R], rest: str = "", values: Sequence[Any] = ()) -> Iterator[R]:
        """Yield rows of a table, in constant memory. `rest` as in `rows`; see `stream`."""
        return map(row_maker(table), self.stream(f"{select_sql(table)} {rest}", values))

    def row(self, table: type[R], *key: Any) -> R | None:
        """Return the row with a primary key, None when there is none."""
        condition = " AND ".join(f"{name} = ?" for name in table.KEY)
        found = self.rows(table, f"WHERE {condition}", key)
        return found[0] if found else None

    def failed(self, doing: str, error: Exception, hint: str | None = None) -> StoreFailed:
        """Return what to raise when a driver raised an error."""
        text = self.url.scrub(" ".join(str(error).split())) or type(error).__name__
        return StoreFailed(f"cannot {doing} the store {self.url.shown}: {text}", hint=hint)


def stored(values: Sequence[Any]) -> Values:
    """Return values as a driver is given them."""
    return tuple([to_stored(value) for value in values])
