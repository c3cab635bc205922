"""Contents: which there are, where they lie, and whether they are still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...data_classes import dataclass
from .. import ids
from ..database import Database
from ..rows import LocationRow, ReplicaRow

ASKED_TOGETHER = 500
"""Contents that one statement asks about."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A replica with the location that it is on, None when that is not on record."""

    replica: ReplicaRow
    location: LocationRow | None


def replicas_of(
    database: Database, sha256: str, *, valid: bool | None = True, limit: int | None = None
) -> list[Placed]:
    """Return where a content lies as far as is known, or with `valid=False` lay, or with None both."""
    return _placed(database, "sha256 = ?", (sha256,), valid, limit)


def replicas_of_many(database: Database, contents: Sequence[str]) -> Iterator[Placed]:
    """Yield where some contents lie, as far as is known."""
    locations: dict[str, LocationRow | None] = {}
    for start in range(0, len(contents), ASKED_TOGETHER):
        some = contents[start : start + ASKED_TOGETHER]
        places = ", ".join("?" * len(some))
        yield from _placed(database, f"sha256 IN ({places})", tuple(some), True, locations=locations)


def replicas_at(database: Database, path: str, *, valid: bool | None = True) -> list[Placed]:
    """Return what lies at an absolute path of any location; `valid` as in `replicas_of`."""
    return _placed(database, "path_key = ? AND path = ?", (ids.path_key(path), path), valid)


def replicas_of_run(database: Database, run_id: str, *, valid: bool | None = None) -> Iterator[ReplicaRow]:
    """Yield the replicas that a run made or used, in constant memory: see `Database.stream`."""
    condition, values = _with_valid("run_id = ?", (run_id,), valid)
    return database.stream_rows(ReplicaRow, f"WHERE {condition} ORDER BY path", values)


def is_available(database: Database, sha256: str) -> bool:
    """Tell whether a content is still somewhere, as far as is known."""
    return database.one("SELECT 1 FROM replica WHERE sha256 = ? AND valid = ? LIMIT 1", (sha256, True)) is not None


def _placed(
    database: Database,
    condition: str,
    values: tuple[str | int, ...],
    valid: bool | None,
    limit: int | None = None,
    locations: dict[str, LocationRow | None] | None = None,
) -> list[Placed]:
    locations = {} if locations is None else locations
    condition, given = _with_valid(condition, values, valid)
    first = "" if limit is None else f" LIMIT {int(limit)}"
    replicas = database.rows(ReplicaRow, f"WHERE {condition} ORDER BY path{first}", given)
    for replica in replicas:
        if replica.location_id not in locations:
            locations[replica.location_id] = database.row(LocationRow, replica.location_id)
    return [Placed(replica, locations[replica.location_id]) for replica in replicas]


def _with_valid(condition: str, values: Sequence[object], valid: bool | None) -> tuple[str, tuple[object, ...]]:
    if valid is None:
        return condition, tuple(values)
    return f"{condition} AND valid = ?", (*values, valid)
