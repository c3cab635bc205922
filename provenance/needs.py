"""Which files in work directories are still needed, by which run keeps what."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from urllib.parse import unquote_to_bytes

from ..data_classes import dataclass
from .database import Database
from .queries.tokens import files_of, outputs_of_run
from .rows import ReplicaRow, RunRow
from .states import Keep, ReplicaKind, RunState

Replicas = Sequence[tuple[str, str]]
"""Ids of replicas with their paths."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The valid replicas in some directories, by directory."""

    needed: dict[str, list[str]] = field(default_factory=dict)
    """Paths."""
    unneeded: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Policy:
    """What a run needs of the contents that it made: all, or those with some hashes, that lie nowhere else."""

    everything: bool
    sha256s: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()


def sort_replicas(database: Database, directories: frozenset[str], canonical: Callable[[str], str]) -> Sorted:
    """Tell which valid replicas in directories are needed, and which are not.

    `directories` are canonical paths; `canonical` makes one of a replica's path.
    """
    found = Sorted()
    if not directories:
        return found
    policies: dict[str, _Policy] = {}
    for replica in _replicas_in(database, directories, canonical):
        row, path, directory = replica
        if row.run_id not in policies:
            policies[row.run_id] = _policy(database, row.run_id)
        if _is_needed(row, policies[row.run_id]):
            found.needed.setdefault(directory, []).append(path)
        else:
            found.unneeded.setdefault(directory, []).append((row.id, path))
    return found


def _replicas_in(
    database: Database, directories: frozenset[str], canonical: Callable[[str], str]
) -> Iterator[tuple[ReplicaRow, str, str]]:
    """Yield valid replicas in directories, each with its canonical path and its directory."""
    names = frozenset(os.path.basename(directory) for directory in directories)
    rows = []
    for row in database.stream_rows(ReplicaRow, "WHERE valid = ?", (True,)):
        # Cheap first: a work directory has the name of its run, so the path holds one of the names.
        if not names.isdisjoint(row.path.split("/")):
            rows.append(row)
    for row in rows:
        path = canonical(row.path)
        directory = next((above for above in _with_parents(path) if above in directories), None)
        if directory is not None:
            yield row, path, directory


def _with_parents(path: str) -> Iterator[str]:
    yield path
    while path != (parent := os.path.dirname(path)):
        yield parent
        path = parent


def _is_needed(row: ReplicaRow, policy: _Policy) -> bool:
    if row.kind in (ReplicaKind.INPUT, ReplicaKind.OUTPUT) or policy.everything:
        return True
    return row.sha256 in policy.sha256s or row.path in policy.paths


def _policy(database: Database, run_id: str) -> _Policy:
    run = database.row(RunRow, run_id)
    if run is None or run.state is not RunState.COMPLETED or run.keep is Keep.ALL:
        return _Policy(everything=True)
    if run.keep is Keep.NONE:
        return _Policy(everything=False)
    files = [file for token in outputs_of_run(database, run_id).values() for file in files_of(database, token.id)]
    delivered = _delivered(database, run_id)
    lacking = [file for file in files if file.sha256 is None or file.sha256 not in delivered]
    return _Policy(
        everything=False,
        sha256s=frozenset(file.sha256 for file in lacking if file.sha256 is not None),
        paths=frozenset(_path_of(file.location) for file in lacking if file.location is not None),
    )


def _path_of(location: str) -> str:
    """Return the path in a `file://` URI; other URIs give what no replica has as its path."""
    return os.fsdecode(unquote_to_bytes(location.removeprefix("file://")))


def _delivered(database: Database, run_id: str) -> frozenset[str]:
    """Return the hashes of contents that lie in the user's output directory."""
    rows = database.rows(ReplicaRow, "WHERE run_id = ? AND kind = ? AND valid = ?", (run_id, ReplicaKind.OUTPUT, True))
    return frozenset(row.sha256 for row in rows if row.sha256 is not None and os.path.lexists(row.path))
