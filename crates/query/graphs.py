"""Graphs to ask: of a crate, of a run of the store, of all its runs."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import Where
from ..graph import top_level
from ..read import LIMITS, Crate, open_crate
from .asking import Source
from .jsonld import add_entities


def crate_base(path: str) -> str:
    """Return the IRI that stands for the root of a crate, made of where it is.

    See the arcp URI scheme (draft-soilandreyes-arcp-03, section 4.1), which RO-Crate proposes for what relative
    references of a crate mean.
    """
    return f"arcp://uuid,{uuid.uuid5(uuid.NAMESPACE_URL, Path(os.path.realpath(path)).as_uri())}/"


def crate_source(path: str) -> Source:
    """Return what the metadata of a crate mean. Raises CrateInvalid when it is no crate, or not safe."""
    from rdflib import Graph

    graph, base = Graph(), crate_base(path)
    limits = replace(LIMITS, metadata_bytes=LIMITS.graph_bytes)
    with open_crate(path, keep=lambda entity: False, limits=limits) as crate:
        where = Where(f"{path}/{crate.metadata}")
        add_entities(graph, _context(crate, where), _entities(crate, where), base, where)
    return Source(graph, {base: ""})


def _members(crate: Crate, where: Where) -> Iterator[tuple[str, Any]]:
    with crate.open(crate.metadata) as stream:
        yield from top_level(stream, crate.limits, where)


def _context(crate: Crate, where: Where) -> Any:
    # It stands before the graph in all crates but a few, so that this reads little.
    return next((value for name, value in _members(crate, where) if name == "@context"), None)


def _entities(crate: Crate, where: Where) -> Iterator[Any]:
    return (value for name, value in _members(crate, where) if name == "@graph")
