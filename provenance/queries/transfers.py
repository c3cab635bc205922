"""Transfers: what was moved from one location to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..database import Database
from ..rows import TransferRow
from ..states import TransferState


@dataclass(frozen=True, slots=True)
class Way:
    """What a run moved from one location to another by one method."""

    source: str
    target: str
    method: str
    completed: int
    """Transfers that ended well."""
    failed: int
    """Tries that did not."""
    bytes: int


def transfers(database: Database, run_id: str) -> Iterator[TransferRow]:
    """Yield the transfers of a run in the order in which they began, in constant memory."""
    return database.stream_rows(TransferRow, "WHERE run_id = ? ORDER BY started, id", (run_id,))


def open_transfers(database: Database, run_id: str) -> list[TransferRow]:
    """Return the transfers of a run that have no end on record."""
    return database.rows(TransferRow, "WHERE run_id = ? AND state = ?", (run_id, TransferState.INTENDED))


def ways(database: Database, run_id: str) -> list[Way]:
    """Return how much a run moved from where to where, by method."""
    done, failed = TransferState.COMPLETED.name, TransferState.FAILED.name
    rows = database.query(
        "SELECT source.name, target.name, transfer.method, "
        "sum(CASE WHEN transfer.state = ? THEN 1 ELSE 0 END), sum(CASE WHEN transfer.state = ? THEN 1 ELSE 0 END), "
        "sum(CASE WHEN transfer.state = ? THEN coalesce(transfer.bytes, 0) ELSE 0 END) "
        "FROM transfer JOIN location AS source ON source.id = transfer.source_location_id "
        "JOIN location AS target ON target.id = transfer.target_location_id "
        "WHERE transfer.run_id = ? GROUP BY source.name, target.name, transfer.method ORDER BY 1, 2, 3",
        (done, failed, done, run_id),
    )
    return [Way(str(a), str(b), str(c), int(d), int(e), int(f)) for a, b, c, d, e, f in rows]
