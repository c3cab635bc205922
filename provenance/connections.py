"""Opening a connection to a database of either kind; only the driver that is needed is loaded."""

from __future__ import annotations

from .database import Database
from .urls import Dialect, StoreUrl


def connect(url: StoreUrl, *, readonly: bool = False) -> Database:
    """Open a connection. Raises StoreFailed when the database cannot be reached."""
    if url.dialect is Dialect.SQLITE:
        from .sqlite import SqliteDatabase

        return SqliteDatabase(url, readonly=readonly)
    from .postgres import PostgresDatabase

    return PostgresDatabase(url, readonly=readonly)
