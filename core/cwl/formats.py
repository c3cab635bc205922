"""Formats of files: equal, or related by the ontologies of `$schemas` (CWL v1.2, section 5.1.2, `format`)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ..uris import is_file_uri, to_path

if TYPE_CHECKING:
    from rdflib import Graph

LOG = logging.getLogger(__name__)


def format_matches(actual: str, allowed: Iterable[str], schemas: Sequence[str]) -> bool:
    """Tell whether a file's format is one of those allowed, a subclass of one, or equivalent to one.

    Args:
        actual: URI of the file's format.
        allowed: URIs of the formats that are allowed.
        schemas: URIs of ontologies; one that cannot be read is left out with a warning.
    """
    allowed = set(allowed)
    if actual in allowed:
        return True
    return bool(schemas) and not allowed.isdisjoint(_more_general(actual, tuple(schemas)))


@lru_cache(maxsize=256)
def _more_general(actual: str, schemas: tuple[str, ...]) -> frozenset[str]:
    """Return all formats that a format is a kind of, by subClassOf and equivalentClass."""
    from rdflib import OWL, RDFS, URIRef

    graph = _ontology(schemas)
    found: set[str] = set()
    pending = [actual]
    while pending:
        current = pending.pop()
        if current in found:
            continue
        found.add(current)
        node = URIRef(current)
        pending += [str(item) for item in graph.objects(node, RDFS.subClassOf)]
        pending += [str(item) for item in graph.objects(node, OWL.equivalentClass)]
        pending += [str(item) for item in graph.subjects(OWL.equivalentClass, node)]
    return frozenset(found)


@lru_cache(maxsize=16)
def _ontology(schemas: tuple[str, ...]) -> Graph:
    from rdflib import Graph

    graph = Graph()
    for uri in schemas:
        if not is_file_uri(uri):
            LOG.warning("the ontology %s is not read: only local files are", uri)
            continue
        _read(graph, to_path(uri))
    return graph


def _read(graph: Graph, path: str) -> None:
    """Add an ontology to a graph, in whichever of the usual forms it is written."""
    from rdflib.exceptions import ParserError
    from rdflib.plugin import PluginException

    for form in ("xml", "turtle", "json-ld"):
        try:
            graph.parse(path, format=form)
        except OSError as error:
            LOG.warning("the ontology %s cannot be read: %s", path, error.strerror)
            return
        except (ParserError, PluginException, SyntaxError, ValueError) as error:
            LOG.debug("%s is not %s: %s", path, form, error)
            continue
        except Exception as error:  # noqa: BLE001  each parser of rdflib has errors of its own
            LOG.debug("%s is not %s: %s", path, form, error)
            continue
        return
    LOG.warning("the ontology %s cannot be understood", path)
