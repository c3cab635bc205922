"""Formats of files: equal, or related by the ontologies of `$schemas` (CWL v1.2, section 5.1.2, `format`)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from ..uris import is_file_uri, to_path

if TYPE_CHECKING:
    from rdflib import Graph

LOG = logging.getLogger(__name__)

_State: TypeAlias = tuple[str, int, int]
"""Path, size and time of change (ns) of an ontology: what is parsed once stays parsed while it is the same."""


def format_matches(actual: str | None, allowed: Iterable[str], schemas: Sequence[str]) -> bool:
    """Tell whether a file's format is one of those allowed, a subclass of one, or equivalent to one.

    Args:
        actual: URI of the file's format; None has no match.
        allowed: URIs of the formats that are allowed.
        schemas: URIs of ontologies; one that cannot be read is left out with a warning.
    """
    wanted = frozenset(allowed)
    if actual in wanted:
        return True
    if not actual or not schemas:
        return False
    states = tuple(state for state in map(_state, schemas) if state is not None)
    return bool(states) and not wanted.isdisjoint(_more_general(actual, states))


@lru_cache(maxsize=64)
def _warn(message: str) -> None:
    """Say something once in the life of this process."""
    LOG.warning(message)


def _state(uri: str) -> _State | None:
    if not is_file_uri(uri):
        _warn(f"the ontology {uri} is not on this machine, and is left out")
        return None
    try:
        path = to_path(uri)
        found = os.stat(path)
    except (OSError, ValueError) as error:
        _warn(f"the ontology {uri} cannot be read: {getattr(error, 'strerror', None) or error}")
        return None
    return path, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=256)
def _more_general(actual: str, states: tuple[_State, ...]) -> frozenset[str]:
    """Return all formats that a format is a kind of, by subClassOf and equivalentClass."""
    from rdflib import OWL, RDFS, URIRef

    graphs = [_ontology(state) for state in states]
    found: set[str] = set()
    pending = [actual]
    while pending:
        current = pending.pop()
        if current in found:
            continue
        found.add(current)
        node = URIRef(current)
        for graph in graphs:
            pending += [str(item) for item in graph.objects(node, RDFS.subClassOf)]
            pending += [str(item) for item in graph.objects(node, OWL.equivalentClass)]
            pending += [str(item) for item in graph.subjects(OWL.equivalentClass, node)]
    return frozenset(found)


@lru_cache(maxsize=16)
def _ontology(state: _State) -> Graph:
    """Return an ontology, in whichever of the usual forms it is written; empty if it cannot be understood."""
    from rdflib import Graph

    path = state[0]
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        _warn(f"the ontology {path} cannot be read: {error.strerror}")
        return Graph()
    forms = ("turtle", "xml") if path.endswith((".ttl", ".nt", ".n3")) else ("xml", "turtle")
    for form in forms:
        graph = _parsed(content, form)
        if graph is not None:
            return graph
    _warn(f"the ontology {path} is neither RDF/XML nor Turtle, and is left out")
    return Graph()


def _parsed(content: bytes, form: str) -> Graph | None:
    from xml.sax import SAXException

    from rdflib import Graph
    from rdflib.exceptions import Error

    graph = Graph()
    try:
        graph.parse(data=content, format=form, publicID="file:///ontology")
    except (Error, SAXException, SyntaxError, ValueError, AssertionError) as error:
        LOG.debug("not %s: %s", form, error)
        return None
    return graph
