"""The rows of an imported run on their way into the store.

Many transactions, so that runs that go on in the same store need not wait long; the run belongs to this
process meanwhile. What an import that broke off has left is removed by the next one of the same run.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import astuple, replace
from itertools import islice
from typing import TypeVar

from ..data_classes import dataclass
from ..errors import CrateInvalid, StoreFailed
from ..provenance import belonging, ids
from ..provenance.database import Database
from ..provenance.removal import delete_rows, sweep
from ..provenance.rows import (
    CrateRow,
    DeploymentRow,
    LocationRow,
    ReplicaRow,
    Row,
    RunRow,
    TokenRow,
    TransferRow,
)
from ..provenance.statements import Update, statements
from ..provenance.states import ReplicaKind
from ..provenance.store import HeldLease, Store
from .keeping import Keeping, Kept

_ROWS_AT_ONCE = 5_000
_IDS_AT_ONCE = 500

T = TypeVar("T")


def complete_run(database: Database, run_id: str) -> RunRow | None:
    """Return the row of a run, unless it is of an import that broke off."""
    crate = database.row(CrateRow, run_id)
    return None if crate is not None and crate.imported is None else database.row(RunRow, run_id)


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes the rows of one imported run."""

    store: Store
    crate: CrateRow

    def write(self, rows: Iterable[Row], settle: Callable[[], str]) -> CrateRow:
        """Store rows as they come, call `settle`, which returns the hash of all files, and return the crate's row.

        Raises RunIsHeld when another process imports the same run, CrateInvalid when ids clash with
        those of other runs, and what `rows` raises; then nothing is left of it.
        """
        database, run_id = self.store.database, self.crate.run_id
        held = self.store.acquire(run_id)
        try:
            with database.transaction(f"import {run_id}"):
                if complete_run(database, run_id) is not None:
                    raise CrateInvalid(f"run {run_id} was imported by somebody else just now")
                _delete_rest(database, run_id)
            done = self._write(held, rows, settle)
        except BaseException:
            # Should the store fail here too, the next import of the run does it; or who has taken it over.
            with suppress(StoreFailed):
                with database.transaction(f"import {run_id}"):
                    held.lease.check(database)
                    _delete_rest(database, run_id)
                held.release()
                sweep(self.store)
            raise
        held.release()
        return done

    def _write(self, held: HeldLease, rows: Iterable[Row], settle: Callable[[], str]) -> CrateRow:
        database = self.store.database
        # The database does most of its work beside what reads and checks the next rows. One thread at a time
        # uses the connection: `rows` does not.
        with database.bulk(), ThreadPoolExecutor(1, "import") as writer:
            before: Future[None] | None = None
            for some in _batches(rows, _ROWS_AT_ONCE):
                if before is not None:
                    before.result()
                before = writer.submit(self._write_batch, held, some)
            if before is not None:
                before.result()
        with self._held(held):  # still, also when the files have taken long
            done = replace(self.crate, sha256=settle(), imported=database.now())
            changes = {"sha256": done.sha256, "imported": done.imported}
            database.write(statements([Update(CrateRow, (done.run_id,), changes)]))
        return done

    @contextmanager
    def _held(self, held: HeldLease) -> Iterator[None]:
        """Do what is in the block as one transaction, while the run is held by this process."""
        with self.store.database.transaction():
            held.lease.check(self.store.database)
            held.lease.beat(self.store.database)
            yield

    def _write_batch(self, held: HeldLease, some: Sequence[Row]) -> None:
        with self._held(held):
            self._write_some(some)

    def _write_some(self, some: Sequence[Row]) -> None:
        """Store rows, but for those of things that are known already."""
        database = self.store.database
        for table in (TokenRow, TransferRow):
            wanted = [row.id for row in some if isinstance(row, table)]
            clash = _any_of(database, table, wanted)
            if clash is not None:
                raise CrateInvalid(f"{table.TABLE} {clash} of the crate is in the store, with another content")
        new = [row for row in some if not (row.SHARED and _is_there(database, row))]
        if any(isinstance(row, RunRow) for row in some):
            new.append(self.crate)
        database.write(statements(new))


def _delete_rest(database: Database, run_id: str) -> None:
    """Delete the rows of an import that broke off; no others."""
    crate = database.row(CrateRow, run_id)
    if crate is not None and crate.imported is None:
        delete_rows(database, run_id, but=("lease",))


def _any_of(database: Database, table: type[Row], wanted: Sequence[str]) -> str | None:
    for some in _batches(wanted, _IDS_AT_ONCE):
        found = database.one(f"SELECT id FROM {table.TABLE} WHERE id IN ({', '.join('?' * len(some))})", some)
        if found is not None:
            return str(found[0])
    return None


def _is_there(database: Database, row: Row) -> bool:
    return database.row(type(row), *(getattr(row, name) for name in row.KEY)) is not None


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def replica_rows(run_id: str, kept: Sequence[Kept], keeping: Keeping, contents: set[bytes]) -> Iterator[Row]:
    """Yield the rows that say where the contents of a run lie now."""
    host = socket.gethostname()
    deployment = DeploymentRow(
        id=ids.deployment_id("imported", belonging.IMPORTED, "{}"),
        name="imported",
        kind=belonging.IMPORTED,
        config="{}",
    )
    location = LocationRow(id="", deployment_id=deployment.id, name=host, hostname=host)
    location = replace(location, id=ids.location_id(astuple(location)))
    yield deployment
    yield location
    for file in kept:
        if file.sha256 in contents:
            path = keeping.place(file.path)
            yield ReplicaRow(
                id=ids.replica_id(run_id, location.id, path, file.sha256.hex()),
                run_id=run_id,
                location_id=location.id,
                path=path,
                path_key=ids.path_key(path),
                sha256=file.sha256.hex(),
                size=file.size,
                kind=ReplicaKind.INPUT if keeping.directory is None else ReplicaKind.COPY,
                valid=True,
            )
