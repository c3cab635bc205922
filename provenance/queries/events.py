"""What happened in a run, in order."""

from __future__ import annotations

from collections.abc import Iterator

from ..database import Database
from ..rows import EventRow


def events(database: Database, run_id: str, *, after: int = 0, until: int | None = None) -> Iterator[EventRow]:
    """Yield the events of a run in order, those after a number and up to another one.

    In constant memory: see `Database.stream`.
    """
    if until is None:
        return database.stream_rows(EventRow, "WHERE run_id = ? AND seq > ? ORDER BY seq", (run_id, after))
    condition = "WHERE run_id = ? AND seq > ? AND seq <= ? ORDER BY seq"
    return database.stream_rows(EventRow, condition, (run_id, after, until))


def event_at(database: Database, run_id: str, instant: float) -> int:
    """Return the number of the last event of a run up to an instant, 0 when there is none."""
    found = database.one("SELECT max(seq) FROM event WHERE run_id = ? AND instant <= ?", (run_id, instant))
    return 0 if found is None or found[0] is None else int(found[0])


def next_events(database: Database, run_id: str, after: int, limit: int) -> list[EventRow]:
    """Return the events of a run after a number, in order, so many at most: to be read bit by bit."""
    return database.rows(EventRow, "WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?", (run_id, after, limit))


def events_of_kind(database: Database, run_id: str, kind: str) -> list[EventRow]:
    """Return the events of one kind of a run, in order."""
    return database.rows(EventRow, "WHERE run_id = ? AND kind = ? ORDER BY seq", (run_id, kind))


def last_event(database: Database, run_id: str, kind: str | None = None) -> int:
    """Return the number of the last event of a run, or of the last one of a kind; 0 when it has none."""
    condition, values = ("", ()) if kind is None else (" AND kind = ?", (kind,))
    found = database.one(f"SELECT max(seq) FROM event WHERE run_id = ?{condition}", (run_id, *values))
    return 0 if found is None or found[0] is None else int(found[0])


def count_events(database: Database, run_id: str, kind: str, *, until: int | None = None) -> int:
    """Return how many events of a kind a run has, up to a number when one is given."""
    condition, values = ("", ()) if until is None else (" AND seq <= ?", (until,))
    found = database.one(
        f"SELECT count(*) FROM event WHERE run_id = ? AND kind = ?{condition}", (run_id, kind, *values)
    )
    return 0 if found is None else int(found[0])
