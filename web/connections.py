"""Connections to the store that only read, kept for the next request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..provenance.database import Database
from ..provenance.store import Store

MOST_IDLE = 8


class Connections:
    """Lends connections to threads, one to each at a time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._idle: list[Database] = []
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """Lend a connection. One that was lent when something failed is not lent again."""
        with self._lock:
            database = self._idle.pop() if self._idle else None
        if database is None:
            database = self.store.connect(readonly=True)
        try:
            yield database
        except BaseException:
            database.close()
            raise
        with self._lock:
            keeps = len(self._idle) < MOST_IDLE
            if keeps:
                self._idle.append(database)
        if not keeps:
            database.close()

    def close(self) -> None:
        """Close those that nobody has."""
        with self._lock:
            idle, self._idle = self._idle, []
        for database in idle:
            database.close()
