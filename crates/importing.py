"""A crate becomes a run of the store: one of ours as it was, one of others as far as it says.

Decision 0014: the files are copied beside the store. Decision 0015: what is imported is on record as
what others say; no job of this store takes a result of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from itertools import islice, zip_longest
from typing import Any, TypeVar

from ..core.records import to_json
from ..errors import CrateInvalid, Where
from ..provenance import belonging, ids
from ..provenance.database import Database
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
from ..provenance.statements import statements
from ..provenance.states import ReplicaKind, RunState
from ..provenance.store import Store
from . import rows
from .checking import Checker
from .foreign.build import foreign_rows
from .foreign.runs import Foreign, foreign_runs
from .graph import Entity
from .keeping import Keeping, Kept, keep_files
from .read import LIMITS, Crate, open_crate
from .rows import IMPORT_KIND, WRITTEN, columns_of, parsed_lines, read_rows, row_lines
from .safety import Limits, shown
from .tampering import Claims, claims_of

_RUN_ID = re.compile(f"[0-9a-f]{{{ids.RUN_ID_LENGTH}}}")
_SHA256 = re.compile("[0-9A-Fa-f]{64}")
_AT_ONCE = 2_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A run that a crate is about, and what became of it.

    Attributes:
        run_id: its id in the store.
        name: its readable name.
        state: where it was when the crate was made.
        is_new: false when it was in the store already, with the same content.
        crate: where it came from; None for a run that was made in this store.
        missing: files that are on record by their content, and not in the crate.
        notes: what could not be taken over, a sentence each.
    """

    run_id: str
    name: str
    state: RunState
    is_new: bool
    crate: CrateRow | None
    missing: int = 0
    notes: Sequence[str] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        crate = self.crate
        origin = None if crate is None else {name: getattr(crate, name) for name in crate.COLUMNS if name != "run_id"}
        if origin is not None:
            origin["profiles"] = json.loads(origin["profiles"])
        return {
            "run": self.run_id,
            "name": self.name,
            "state": self.state.value,
            "new": self.is_new,
            "crate": origin,
            "missing": self.missing,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class _Source:
    """One run of a crate, before it is in the store."""

    crate: Crate
    run_id: str
    columns: dict[str, tuple[str, ...]]
    """By table: the columns that its rows were written with."""
    rows: Callable[[Sequence[Kept], Keeping], Iterator[Row]]
    """Returns its rows, in the order of tables, for files that are kept."""
    claims: Claims
    producer: str | None = None
    is_own: bool = False
    notes: Sequence[str] = ()


def import_crate(path: str, store: Store, *, copy: bool = True, limits: Limits = LIMITS) -> list[Imported]:
    """Put the runs that a crate is about into a store.

    Args:
        path: a folder or a zip archive.
        store: the store.
        copy: whether its files are copied beside the store; otherwise they are used where they are.
        limits: how large the crate may be.

    Raises:
        CrateInvalid: it is no crate, is not safe, was changed, or clashes with another run of the store.
        StoreFailed: the store or the copies cannot be written.
    """
    noted = _Noted()
    with open_crate(path, keep=noted.note, limits=limits) as crate:
        sources = [_own(crate, noted.claims(crate))] if crate.has_rows else _foreign(crate)
        return [_import(source, store, copy) for source in sources]


@dataclass(slots=True)
class _Noted:
    """The hashes that metadata say of files, noted while they are read, so that no entity need be kept."""

    said: list[tuple[str, bytes]] = field(default_factory=list)

    def note(self, entity: Entity) -> bool:
        if entity.is_a("File", "MediaObject"):
            text = entity.text("sha256") or ""
            if _SHA256.fullmatch(text):
                self.said.append((entity.id, bytes.fromhex(text)))
        return False

    def claims(self, crate: Crate) -> Claims:
        """Return what was noted, by path in the crate, and forget it."""
        claims = Claims()
        while self.said:
            identity, sha256 = self.said.pop()
            path = crate.path_of(identity)
            if path is not None:
                claims.sha256[path] = sha256
        return claims


def _own(crate: Crate, claims: Claims) -> _Source:
    with crate.open(rows.PATH) as stream:
        head = read_rows(stream)
    if not _RUN_ID.fullmatch(head.run_id):
        raise CrateInvalid(f"{shown(head.run_id)!r} is no id of a run", where=Where(rows.PATH))

    def own_rows(*_: object) -> Iterator[Row]:
        with crate.open(rows.PATH) as stream:
            yield from read_rows(stream).rows

    return _Source(crate, head.run_id, dict(head.columns), own_rows, claims, is_own=True)


def _foreign(crate: Crate) -> list[_Source]:
    columns = {table.TABLE: columns_of(table) for table in WRITTEN}
    claims = claims_of(crate)
    return [
        _Source(crate, run.id, columns, _rows_of(crate, run), claims, run.producer, notes=run.notes)
        for run in foreign_runs(crate)
    ]


def _rows_of(crate: Crate, run: Foreign) -> Callable[[Sequence[Kept], Keeping], Iterator[Row]]:
    return lambda kept, keeping: iter(foreign_rows(crate, run, kept, keeping.place))


# -- into the store --------------------------------------------------------------------------------


def _import(source: _Source, store: Store, copy: bool) -> Imported:
    there = store.database.row(RunRow, source.run_id)
    if there is not None and source.is_own:
        _require_same(store.database, source)
        return _known(store.database, there)
    with keep_files(source.crate, store, source.run_id, source.claims, copy=copy) as keeping:
        if there is not None:
            return _same_crate(store.database, there, keeping)
        kept, sha256 = _kept(keeping)
        checker = Checker(source.run_id, source.columns)
        with store.database.transaction(f"import {source.run_id}"):
            if store.database.row(RunRow, source.run_id) is not None:
                raise CrateInvalid(f"run {source.run_id} is being imported by somebody else")
            for some in _batches(checker.checked(source.rows(kept, keeping))):
                _store(store.database, some)
            assert checker.run is not None  # the checker has seen to it
            crate_row = _crate_row(store.database, source, keeping, checker.run, sha256)
            replicas = _replicas(source.run_id, kept, keeping, checker.contents)
            store.database.write(statements([crate_row, *replicas]))
            keeping.settle()
    missing = len(checker.contents - {file.sha256 for file in kept})
    run = checker.run
    return Imported(
        run_id=run.id, name=run.name, state=run.state, is_new=True, crate=crate_row, missing=missing, notes=source.notes
    )


def _kept(keeping: Keeping) -> tuple[list[Kept], str]:
    """Keep the files; return them, and the hash of them all."""
    whole = hashlib.sha256()
    kept = []
    for file in keeping.files():
        kept.append(file)
        whole.update(f"{file.sha256.hex()}  ".encode() + os.fsencode(file.path) + b"\n")
    return kept, whole.hexdigest()


def _store(database: Database, some: Sequence[Row]) -> None:
    """Store rows, but for those of things that are known already. Raises CrateInvalid for a clash."""
    for table in (TokenRow, TransferRow):
        wanted = [row.id for row in some if isinstance(row, table)]
        if wanted and (clash := _any_of(database, table, wanted)):
            raise CrateInvalid(f"{table.TABLE} {clash} of the crate is in the store, with another content")
    new = [row for row in some if not (row.SHARED and _is_there(database, row))]
    database.write(statements(new))


def _any_of(database: Database, table: type[Row], wanted: Sequence[str]) -> str | None:
    for some in _batches(wanted, 500):
        found = database.one(f"SELECT id FROM {table.TABLE} WHERE id IN ({', '.join('?' * len(some))})", some)
        if found is not None:
            return str(found[0])
    return None


def _is_there(database: Database, row: Row) -> bool:
    return database.row(type(row), *(getattr(row, name) for name in row.KEY)) is not None


def _batches(items: Iterable[T], size: int = _AT_ONCE) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def _crate_row(database: Database, source: _Source, keeping: Keeping, run: RunRow, sha256: str) -> CrateRow:
    return CrateRow(
        run_id=run.id,
        sha256=sha256,
        path=os.path.abspath(source.crate.path),
        host=socket.gethostname(),
        directory=keeping.directory,
        profiles=to_json(list(source.crate.profiles)),
        producer=f"recrate {run.engine_version}" if source.is_own else source.producer,
        is_own=source.is_own,
        imported=database.now(),
    )


def _replicas(run_id: str, kept: Sequence[Kept], keeping: Keeping, contents: set[bytes]) -> Iterator[Row]:
    """Yield the rows that say where the contents of a run lie now."""
    host = socket.gethostname()
    deployment = DeploymentRow(
        id=ids.deployment_id("imported", IMPORT_KIND, "{}"), name="imported", kind=IMPORT_KIND, config="{}"
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


# -- when the run is there -------------------------------------------------------------------------


def _require_same(database: Database, source: _Source) -> None:
    """Make sure that a run of the store is the one of the crate. Raises CrateInvalid."""
    with source.crate.open(rows.PATH) as stream:
        ours = parsed_lines(row_lines(database, source.run_id))
        for one, other in zip_longest(_own_tables(read_rows(stream).rows), _own_tables(ours)):
            if one != other:
                table = (one or other).TABLE
                raise CrateInvalid(
                    f"run {source.run_id} is in the store, with another content: rows of table {table} differ",
                    where=Where(source.crate.path),
                )


def _own_tables(found: Iterator[Row]) -> Iterator[Row]:
    # What runs share may be older in the store: its id follows from what it is.
    return (row for row in found if row.TABLE in belonging.OWN)


def _same_crate(database: Database, there: RunRow, keeping: Keeping) -> Imported:
    row = database.row(CrateRow, there.id)
    if row is None or row.sha256 != _kept(keeping)[1]:
        raise CrateInvalid(
            f"run {there.name} is in the store, from a crate with other files", where=Where(keeping.crate.path)
        )
    return _known(database, there)


def _known(database: Database, run: RunRow) -> Imported:
    crate = database.row(CrateRow, run.id)
    return Imported(run_id=run.id, name=run.name, state=run.state, is_new=False, crate=crate)
