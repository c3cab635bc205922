"""Taking things out of the store, and finding what lies on disk that nothing needs.

Rows go only with their whole run (`remove_run`), or when nothing refers to them (`sweep`). Files
go by `collect`, which carries out what `gc_plan` found: first their replicas are marked as no
longer valid, so that the store never promises what is not there. Everything may be interrupted
and done again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator, Sequence

from ..data_classes import dataclass
from ..errors import RunIsHeld
from . import belonging, needs
from .database import Database
from .leases import is_live
from .processes import this_process
from .queries.cache import cached_results
from .queries.runs import get_run
from .rows import CrateRow, LeaseRow, LeftoverRow, RunRow
from .statements import insert_sql
from .states import Keep, RunState
from .store import Store
from .trees import disk_usage, remove_tree, unneeded_below
from .urls import Dialect

_UNREFERENCED = (
    ("lease", "run_id NOT IN (SELECT id FROM run)"),
    ("document", "workflow_id NOT IN (SELECT workflow_id FROM run WHERE workflow_id IS NOT NULL)"),
    ("workflow", "id NOT IN (SELECT workflow_id FROM run WHERE workflow_id IS NOT NULL)"),
    ("agent", "id NOT IN (SELECT agent_id FROM run WHERE agent_id IS NOT NULL)"),
    ("environment", "id NOT IN (SELECT environment_id FROM attempt WHERE environment_id IS NOT NULL)"),
    ("image", "id NOT IN (SELECT image_id FROM attempt WHERE image_id IS NOT NULL)"),
    (
        "location",
        "id NOT IN (SELECT location_id FROM attempt) AND id NOT IN (SELECT location_id FROM replica) "
        "AND id NOT IN (SELECT source_location_id FROM transfer) "
        "AND id NOT IN (SELECT target_location_id FROM transfer)",
    ),
    (
        "deployment",
        "id NOT IN (SELECT deployment_id FROM location) "
        "AND id NOT IN (SELECT wraps FROM deployment WHERE wraps IS NOT NULL)",
    ),
)


@dataclass(frozen=True, slots=True)
class Garbage:
    """A file or directory on this machine that nothing needs."""

    path: str
    run_id: str
    reason: str
    size: int
    """Bytes on disk."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What `collect` did."""

    removed: Sequence[Garbage]
    failed: Sequence[tuple[Garbage, str]]
    """What could not be removed, with the reason; it is found again the next time."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The work directory of a run, of which not everything may be needed."""

    path: str
    run_id: str
    reason: str


def remove_run(store: Store, run_id: str) -> None:
    """Delete all rows of a run; its work directory, or the copy of its crate, becomes garbage.

    Raises UsageError when there is no such run, RunIsHeld when it is being carried out.
    """
    database = store.database
    with database.transaction(f"lease {run_id}"):
        run = get_run(database, run_id)
        lease = database.row(LeaseRow, run_id)
        if lease is not None and is_live(lease, this_process(), database.now()):
            raise RunIsHeld(
                f"run {run.name} is being carried out by process {lease.pid} on {lease.host}, so it cannot be removed"
            )
        crate = database.row(CrateRow, run_id)
        # The work directory of an imported run is its maker's, should it be on this machine.
        path, host = (run.work_directory, run.host) if crate is None else (crate.directory, crate.host)
        if path is not None and _is_our_directory(path, run_id):
            left = LeftoverRow(path=path, host=host, run_id=run_id, since=database.now())
            database.execute(insert_sql(LeftoverRow), left.values())
        delete_rows(database, run_id)


def delete_rows(database: Database, run_id: str, *, but: Collection[str] = ()) -> None:
    """Delete all rows of a run, inside a transaction, whoever holds it; `but` names tables to be left alone."""
    for table in reversed([name for name in belonging.OWN if name not in but]):
        own, values = belonging.condition(belonging.OWN[table], run_id)
        database.execute(f"DELETE FROM {table} WHERE {own}", values)


def sweep(store: Store) -> int:
    """Delete rows that belong to no run and that nothing refers to; return how many.

    Does nothing while any run is being carried out, since its controller may be about to refer to them.
    """
    database = store.database
    with database.transaction("sweep"):
        if database.dialect is Dialect.POSTGRESQL:
            tables = ", ".join(table for table, _ in _UNREFERENCED)
            database.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")
        asking, now = this_process(), database.now()
        if any(is_live(lease, asking, now) for lease in database.rows(LeaseRow, "WHERE holder IS NOT NULL")):
            return 0
        return sum(database.execute(f"DELETE FROM {table} WHERE {condition}") for table, condition in _UNREFERENCED)


def gc_plan(store: Store) -> list[Garbage]:
    """Return what lies on this machine that nothing needs; changes nothing.

    That is: work directories of runs that were removed; and of runs that have completed what
    their keep policy does not keep. Nothing of a run that has not completed, that another run
    was given as input or has taken over, or that was delivered to the user.
    """
    return [item for _, items, _ in _plan(store.database) for item in items]


def collect(store: Store, plan: Sequence[Garbage] | None = None) -> Collected:
    """Remove what nothing needs, or what of a plan is still not needed. Raises StoreFailed.

    Whoever takes over a result of an earlier run must first put replicas of its own on record, and
    then find those that were there still valid; then the result is not removed under its hands. For
    what is removed was marked before, in a transaction that sees all replicas on record: either it
    sees those of the taker, or the taker sees the marks.
    """
    chosen = None if plan is None else frozenset(item.path for item in plan)
    database = store.database
    todo: list[Garbage] = []
    with database.transaction("gc"):
        if database.dialect is Dialect.POSTGRESQL:
            database.execute("LOCK TABLE replica IN SHARE ROW EXCLUSIVE MODE")
        for _, items, replicas in _plan(database):
            taken = [item for item in items if chosen is None or item.path in chosen]
            todo += taken
            gone = [item.path for item in taken]
            for replica_id, path in replicas:
                if any(path == root or path.startswith(f"{root}/") for root in gone):
                    database.execute("UPDATE replica SET valid = ? WHERE id = ?", (False, replica_id))
    collected = _remove(todo)
    _forget_leftovers(database)
    return collected


def forget_results(store: Store, run_id: str | None = None) -> int:
    """See to it that no result on record is taken again, or none of a run, whoever took it meanwhile.

    Returns how many there were. Only the keys of the cache go; what happened stays on record.
    """
    database = store.database
    with database.transaction("cache"):
        found = len(cached_results(database, run_id))
        if run_id is None:
            database.execute("UPDATE job SET inputs_hash = NULL WHERE inputs_hash IS NOT NULL")
        else:
            database.execute(
                "UPDATE job SET inputs_hash = NULL WHERE inputs_hash IS NOT NULL AND (run_id = ? OR cached_from IN "
                "(SELECT attempt.id FROM attempt JOIN job AS own ON own.id = attempt.job_id WHERE own.run_id = ?))",
                (run_id, run_id),
            )
    return found


def _plan(database: Database) -> Iterator[tuple[_Candidate, list[Garbage], needs.Replicas]]:
    """Yield work directories, with what can go of each and the replicas in it that nothing needs."""
    candidates = {_canonical(item.path): item for item in _candidates(database) if _is_ours_here(item)}
    found = needs.sort_replicas(database, frozenset(candidates), _canonical)
    for root, item in candidates.items():
        paths = unneeded_below(root, found.needed.get(root, ()))
        items = [Garbage(path, item.run_id, item.reason, disk_usage(path)) for path in paths]
        if items:
            yield item, items, found.unneeded.get(root, ())


def _candidates(database: Database) -> Iterator[_Candidate]:
    host = socket.gethostname()
    for left in database.rows(LeftoverRow, "WHERE host = ? ORDER BY since", (host,)):
        yield _Candidate(left.path, left.run_id, "its run was removed")
    for run in database.rows(
        RunRow,
        "WHERE host = ? AND state = ? AND keep <> ? AND work_directory IS NOT NULL "
        "AND id NOT IN (SELECT run_id FROM crate) ORDER BY started",
        (host, RunState.COMPLETED, Keep.ALL),
    ):
        what = "outputs" if run.keep is Keep.OUTPUTS else "delivered outputs"
        yield _Candidate(run.work_directory or "", run.id, f"its run has completed and keeps only its {what}")


def _is_our_directory(path: str, run_id: str) -> bool:
    """Tell whether a path can be the work directory of a run: rows may come from elsewhere."""
    return os.path.isabs(path) and os.path.basename(path) == run_id and os.path.normpath(path) == path


def _is_ours_here(item: _Candidate) -> bool:
    path = item.path
    return _is_our_directory(path, item.run_id) and os.path.isdir(path) and not os.path.islink(path)


def _canonical(path: str) -> str:
    """Return the path by which a file is known, links in the directories above it followed."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _remove(items: Sequence[Garbage]) -> Collected:
    removed, failed = [], []
    for item in items:
        try:
            remove_tree(item.path)
        except OSError as error:
            failed.append((item, f"{error.filename or item.path}: {error.strerror}"))
        else:
            removed.append(item)
    return Collected(removed, failed)


def _forget_leftovers(database: Database) -> None:
    """Delete the notes about directories that are gone."""
    for left in database.rows(LeftoverRow, "WHERE host = ?", (socket.gethostname(),)):
        if not os.path.lexists(left.path):
            database.execute("DELETE FROM leftover WHERE path = ? AND host = ?", (left.path, left.host))
