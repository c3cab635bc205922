"""Opening the store: where it is, its schema, and the leases of its runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType

from ..data_classes import dataclass
from . import leases
from .connections import connect
from .database import Database
from .leases import Lease
from .migrate import migrate, schema_number
from .rows import Row
from .statements import Update, statements
from .urls import StoreUrl, parse_store_url

VARIABLE = "RECRATE_STORE"
"""The environment variable that names another store than the user's own."""


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease, and the store that it is of."""

    store: Store
    lease: Lease

    def release(self) -> None:
        """Give the lease back; no error when it was taken over. Raises StoreFailed."""
        self.lease.release(self.store.database)


class Store:
    """An open store: one connection, for one thread; others get theirs by `connect`."""

    def __init__(self, url: StoreUrl, database: Database) -> None:
        self.url = url
        self.database = database

    def connect(self, *, readonly: bool = False) -> Database:
        """Open one more connection. Raises StoreFailed."""
        return connect(self.url, readonly=readonly)

    def acquire(self, run_id: str) -> HeldLease:
        """Take the lease of a run. Raises RunIsHeld when another controller has it and lives."""
        return HeldLease(self, leases.acquire(self.database, run_id))

    def write(self, *changes: Row | Update) -> None:
        """Store rows that belong to no run that is going on, in one transaction. Raises StoreFailed."""
        with self.database.transaction():
            self.database.write(statements(changes))

    def close(self) -> None:
        """Close the connection. Doing it again changes nothing."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({self.url.shown!r})"


def open_store(url: str | None = None) -> Store:
    """Open a store and bring its schema up to date.

    Args:
        url: a path, `sqlite:///PATH` or `postgresql://...`; None: see `default_store_url`.

    Raises:
        UsageError: the URL is of no kind that we know.
        StoreFailed: it cannot be reached, is on a network file system, is newer than this
            program, or belongs to another one.
        Unsupported: the driver of PostgreSQL is not installed.
    """
    parsed = parse_store_url(url or default_store_url())
    database = connect(parsed)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return Store(parsed, database)


def default_store_url(environment: Mapping[str, str] | None = None) -> str:
    """Return the store to use when none is named: RECRATE_STORE, else a file in the data directory."""
    variables = os.environ if environment is None else environment
    return variables.get(VARIABLE) or os.path.join(default_data_directory(variables), "store.db")


def default_data_directory(environment: Mapping[str, str] | None = None) -> str:
    """Return the directory of the user's own data: `$XDG_DATA_HOME/recrate`, else `~/.local/share/recrate`."""
    variables = os.environ if environment is None else environment
    base = variables.get("XDG_DATA_HOME", "")
    if not os.path.isabs(base):
        # The XDG specification says that a relative path is to be ignored.
        home = variables.get("HOME") or os.path.expanduser("~")
        base = os.path.join(home, ".local", "share")
    return os.path.join(base, "recrate")


__all__ = ["HeldLease", "Store", "default_data_directory", "default_store_url", "open_store", "schema_number"]
