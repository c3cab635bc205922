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


def last_event(database: Database, run_id: str) -> int:
    """Return the number of the last event of a run, 0 when it has none."""
    found = database.one("SELECT max(seq) FROM event WHERE run_id = ?", (run_id,))
    return 0 if found is None or found[0] is None else int(found[0])


def count_events(database: Database, run_id: str, kind: str, *, until: int | None = None) -> int:
    """Return how many events of a kind a run has, up to a number when one is given."""
    found = database.one(
        "SELECT count(*) FROM event WHERE run_id = ? AND kind = ? AND (? IS NULL OR seq <= ?)",
        (run_id, kind, until, until),
    )
    return 0 if found is None else int(found[0])
