"""Graphs to ask: of a crate, of a run of the store, of all its runs.

That of a run is what the metadata of its crate mean, made of its rows when it is asked for: the same queries
serve both.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from ...errors import UsageError, Where
from ...provenance import queries
from ...provenance.states import RunState
from ...provenance.store import Store
from ..export import describe_run
from ..graph import top_level
from ..read import LIMITS, open_crate
from .asking import Source
from .jsonld import add_entities

if TYPE_CHECKING:
    from rdflib import Graph

_LIMITS = replace(LIMITS, metadata_bytes=LIMITS.graph_bytes)
"""Graphs are in memory, where they are some twenty times larger than the metadata."""
MOST_JOBS = 50_000
"""In all runs that are asked at once."""
_IN_MEMORY = 16 << 20


def crate_base(path: str) -> str:
    """Return the IRI that stands for the root of a crate, made of where it is.

    See the arcp URI scheme (draft-soilandreyes-arcp-03, section 4.1), which RO-Crate proposes for what relative
    references of a crate mean.
    """
    return f"arcp://uuid,{uuid.uuid5(uuid.NAMESPACE_URL, Path(os.path.realpath(path)).as_uri())}/"


def run_base(run_id: str) -> str:
    """Return the IRI that stands for the root of the crate of a run."""
    return f"arcp://name,{run_id}.recrate/"


def crate_source(path: str, base: str | None = None) -> Source:
    """Return what the metadata of a crate mean.

    `base` stands for its root, `crate_base` of its path when it is not given. Raises CrateInvalid when it is no
    crate, or not safe.
    """
    from rdflib import Graph

    graph, base = Graph(), base or crate_base(path)
    with open_crate(path, keep=lambda entity: False, limits=_LIMITS) as crate:
        _add_metadata(graph, lambda: crate.open(crate.metadata), base, Where(f"{path}/{crate.metadata}"))
    return Source(graph, {base: ""})


def run_source(store: Store, run: str) -> Source:
    """Return what the metadata of the crate of a run mean.

    `run` is its id or the beginning of one, its name, or `last`. Raises UsageError when there is no such run, or
    it is still going on.
    """
    from rdflib import Graph

    graph = Graph()
    run_id = queries.resolve(store.database, queries.Kind.RUN, run)
    _add_run(graph, store, run_id)
    return Source(graph, {run_base(run_id): ""})


def store_source(store: Store) -> Source:
    """Return what the metadata of the crates of all runs mean that are not going on.

    Raises UsageError when they are too many for the memory.
    """
    from rdflib import Graph

    graph = Graph()
    (jobs,) = store.database.one("SELECT count(*) FROM job") or (0,)
    if jobs > MOST_JOBS:
        raise UsageError(
            f"the store has {jobs} jobs, too many to ask them all at once", hint="name a run, or ask with --sql"
        )
    bases = {}
    for run in queries.list_runs(store.database):
        if run.state is not RunState.RUNNING:
            _add_run(graph, store, run.id)
            bases[run_base(run.id)] = f"{run.name}:"
    return Source(graph, bases)


def _add_run(graph: Graph, store: Store, run_id: str) -> None:
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
        stream = cast(BinaryIO, spooled)
        describe_run(store, run_id, stream)

        @contextmanager
        def opened() -> Iterator[BinaryIO]:
            stream.seek(0)
            yield stream

        _add_metadata(graph, opened, run_base(run_id), Where(f"run {run_id}"))


def _add_metadata(
    graph: Graph, opened: Callable[[], AbstractContextManager[BinaryIO]], base: str, where: Where
) -> None:
    """Add what a metadata file means; it is opened twice, since its context may stand anywhere in it."""
    with opened() as stream:
        context = next((value for name, value in top_level(stream, _LIMITS, where) if name == "@context"), None)
    with opened() as stream:
        entities = (value for name, value in top_level(stream, _LIMITS, where) if name == "@graph")
        add_entities(graph, context, entities, base, where)
