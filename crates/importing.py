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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ..core.values import to_json
from ..data_classes import dataclass
from ..errors import CrateInvalid, Where
from ..provenance import belonging
from ..provenance.database import Database
from ..provenance.rows import ComparisonRow, CrateRow, Row, RunRow
from ..provenance.states import RunState
from ..provenance.store import Store
from . import rows
from .checking import Checker
from .early import EarlyCopies
from .graph import Entity
from .keeping import Keeping, Kept, folder_digests, keep_files, original_names
from .read import LIMITS, Crate, open_crate
from .rows import parsed_lines, read_rows, row_lines, run_of
from .safety import Limits, decoded_path, is_web
from .signing.sign import summary
from .signing.sshsig import Signers
from .signing.verify import verify_open_crate
from .tampering import Claims, claims_of
from .writing import Writing, complete_run, replica_rows

if TYPE_CHECKING:
    from .foreign.runs import Foreign

_SHA256 = re.compile("[0-9A-Fa-f]{64}")


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
    rows: Callable[[_Files], Iterator[Row]]
    """Returns its rows, in the order of tables, for the files that are kept."""
    claims: Claims
    datasets: Sequence[str] = ()
    """Paths of the folders that it describes."""
    names: Mapping[str, str] = field(default_factory=dict)
    """By path of a file: the path that it had, see `keeping.original_names`."""
    producer: str | None = None
    is_own: bool = False
    signer: str | None = None
    notes: Sequence[str] = ()


def import_crate(
    path: str, store: Store, *, copy: bool = True, signers: Signers | None = None, limits: Limits = LIMITS
) -> list[Imported]:
    """Put the runs that a crate is about into a store.

    Args:
        path: a folder or a zip archive.
        store: the store.
        copy: whether its files are copied beside the store; otherwise they are used where they are.
        signers: who may sign, with which keys; None: nobody is known.
        limits: how large the crate may be.

    Raises:
        NoRun: it is about no run.
        CrateInvalid: it is no crate, is not safe, was changed or is not what was signed, or clashes with
            another run of the store.
        StoreFailed: the store or the copies cannot be written.
    """
    noted = _Noted()
    with (
        EarlyCopies(store) as early,
        open_crate(path, keep=noted.note, limits=limits, listed=early.begin if copy else None) as crate,
    ):
        sources = [_own(crate, noted)] if crate.has_rows else _foreign(crate)
        signer, notes = _signed_by(crate, signers)
        return [
            _import(replace(source, signer=signer, notes=(*source.notes, *notes)), store, copy, early)
            for source in sources
        ]


def _signed_by(crate: Crate, signers: Signers | None) -> tuple[str | None, list[str]]:
    """Return who has signed a crate, and notes of signatures that do not count.

    Raises CrateInvalid when it is not what was signed.
    """
    found = verify_open_crate(crate, signers)
    if found.is_signed and not found.is_intact:
        raise CrateInvalid(f"the crate is not what was signed: {summary(found.found)}", where=Where(crate.path))
    valid = [str(one) for one in found.signatures if one.problem is None]
    return "; ".join(valid) or None, [f"a signature does not count: {one}" for one in found.signatures if one.problem]


@dataclass(slots=True)
class _Noted:
    """The hashes that metadata say of files, noted while they are read, so that no entity need be kept."""

    said: list[tuple[str, bytes]] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)

    def note(self, entity: Entity) -> bool:
        if entity.is_a("Dataset") and not is_web(entity.id):
            self.datasets.append(decoded_path(entity.id).strip("/"))
        if entity.is_a("File", "MediaObject"):
            text = entity.text("sha256") or ""
            if _SHA256.fullmatch(text):
                self.said.append((entity.id, bytes.fromhex(text)))
            name = entity.text("alternateName")
            if name is not None:
                self.names.append((entity.id, name))
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


def _own(crate: Crate, noted: _Noted) -> _Source:
    with crate.open(rows.PATH) as stream:
        run_id = run_of(stream)

    def own_rows(_: _Files) -> Iterator[Row]:
        with crate.open(rows.PATH) as stream:
            yield from read_rows(stream).rows

    return _Source(
        crate,
        run_id,
        own_rows,
        noted.claims(crate),
        noted.datasets,
        original_names(crate, noted.datasets, noted.names),
        is_own=True,
    )


def _foreign(crate: Crate) -> list[_Source]:
    from .foreign.runs import foreign_runs

    claims = claims_of(crate)
    return [
        _Source(crate, run.id, _rows_of(crate, run), claims, producer=run.producer, notes=run.notes)
        for run in foreign_runs(crate)
    ]


def _rows_of(crate: Crate, run: Foreign) -> Callable[[_Files], Iterator[Row]]:
    from .foreign.build import foreign_rows

    made: list[Row] = []

    def rows_once(files: _Files) -> Iterator[Row]:
        if not made:
            made.extend(foreign_rows(crate, run, files.kept(), files.keeping.place))
        return iter(made)

    return rows_once


def _import(source: _Source, store: Store, copy: bool, early: EarlyCopies) -> Imported:
    there = complete_run(store.database, source.run_id)
    if there is not None and source.is_own:
        _require_same(store.database, source)
        return _known(store.database, there)
    copies = early.take()
    with keep_files(source.crate, store, source.run_id, source.claims, source.names, copies, copy=copy) as keeping:
        files = _Files(keeping)
        if not keeping.begin():
            files.kept()  # before anything is stored, when one of them is not what it should be
        if there is not None:
            _require_same_crate(store.database, there, keeping, files.sha256())
            return _known(store.database, there)
        run = _checked_run(source, files)
        writing = Writing(store, _crate_row(source, keeping, run))
        checker = Checker(source.run_id)
        row = writing.write(_all_rows(source, checker, files), files.settle)
        missing = len(checker.contents - {file.sha256 for file in files.kept()})
    return Imported(
        run_id=run.id, name=run.name, state=run.state, is_new=True, crate=row, missing=missing, notes=source.notes
    )


@dataclass(slots=True)
class _Files:
    """The files of a crate, which are kept when somebody asks for them first."""

    keeping: Keeping
    _kept: list[Kept] = field(default_factory=list)
    _sha256: str | None = None

    def kept(self) -> Sequence[Kept]:
        """Return the files, in the order of their paths. Raises as `Keeping.files`."""
        if self._sha256 is None:
            whole = hashlib.sha256()
            for file in self.keeping.files():
                self._kept.append(file)
                whole.update(f"{file.sha256.hex()}  ".encode() + os.fsencode(file.path) + b"\n")
            self._sha256 = whole.hexdigest()
        return self._kept

    def sha256(self) -> str:
        """Return the hash of them all."""
        self.kept()
        assert self._sha256 is not None
        return self._sha256

    def settle(self) -> str:
        """Give the copies their final place, and return the hash of them all."""
        self.keeping.settle()
        return self.sha256()


def _checked_run(source: _Source, files: _Files) -> RunRow:
    """Return the row of the run, once it and all before it were checked.

    Those before it may be shared by runs to come. No part of them is stored before it is known that their
    ids follow from what they are: the rest is checked while it is stored, and deleted when something is wrong.
    """
    checker = Checker(source.run_id)
    for _ in checker.checked(source.rows(files)):
        if checker.run is not None:
            return checker.run
    raise AssertionError("the checker lets no rows pass that hold no run")


def _all_rows(source: _Source, checker: Checker, files: _Files) -> Iterator[Row]:
    """Yield the rows of the run, each once it was checked, and after them where its files are now."""
    yield from checker.checked(source.rows(files))
    kept, keeping = files.kept(), files.keeping
    folders = folder_digests(source.datasets, kept, source.crate.folders(), keeping.names)
    yield from replica_rows(source.run_id, [*kept, *folders], keeping, checker.contents | checker.folders)


def _crate_row(source: _Source, keeping: Keeping, run: RunRow) -> CrateRow:
    return CrateRow(
        run_id=run.id,
        sha256="",  # which is known when all files were kept
        path=os.path.abspath(source.crate.path),
        host=socket.gethostname(),
        directory=keeping.directory,
        profiles=to_json(list(source.crate.profiles)),
        producer=f"recrate {run.engine_version}" if source.is_own else source.producer,
        is_own=source.is_own,
        signer=source.signer,
    )


# -- when the run is there -------------------------------------------------------------------------


def _require_same(database: Database, source: _Source) -> None:
    """Make sure that a run of the store is the one of the crate. Raises CrateInvalid."""
    with source.crate.open(rows.PATH) as stream:
        ours = parsed_lines(row_lines(database, source.run_id))
        for one, other in zip_longest(_own_tables(read_rows(stream).rows), _own_tables(ours)):
            if one != other:
                raise CrateInvalid(
                    f"run {source.run_id} is in the store, with another content: "
                    f"rows of table {(one or other).TABLE} differ",
                    where=Where(source.crate.path),
                )


def _own_tables(found: Iterator[Row]) -> Iterator[Row]:
    # What runs share may be older in the store: its id follows from what it is. And one may compare at any time.
    return (row for row in found if row.TABLE in belonging.OWN and not isinstance(row, ComparisonRow))


def _require_same_crate(database: Database, there: RunRow, keeping: Keeping, sha256: str) -> None:
    row = database.row(CrateRow, there.id)
    if row is None or row.sha256 != sha256:
        raise CrateInvalid(
            f"run {there.name} is in the store, from a crate with other files", where=Where(keeping.crate.path)
        )


def _known(database: Database, run: RunRow) -> Imported:
    crate = database.row(CrateRow, run.id)
    return Imported(run_id=run.id, name=run.name, state=run.state, is_new=False, crate=crate)
