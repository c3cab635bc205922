"""From entities of a crate to RDF: JSON-LD 1.1 as rdflib reads it, with contexts of ours alone.

Entities are added a few hundred at a time, so that nothing but the graph itself grows with a
crate. No context is fetched: those that a crate names by URL are put in from `contexts`, and
what one entity says of its own context (`@context`, `@import`) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...errors import CrateInvalid, Where
from .. import contexts
from ..graph import Ref
from ..safety import is_web, shown

if TYPE_CHECKING:
    from rdflib import Graph

_AT_ONCE = 500
_FORBIDDEN_IN_CONTEXTS = frozenset({"@base", "@import", "@propagate"})
_LATEST_CONTEXT = "https://w3id.org/ro/crate/1.3/context"
_NOT_IN_IRIS = re.compile(r'[\x00-\x20<>"{}|\\^`\x7f-\x9f\ud800-\udfff]')
"""What an IRI must not hold (RFC 3987, section 2.2)."""


def add_entities(graph: Graph, context: object, entities: Iterable[Any], base: str, where: Where) -> None:
    """Add what entities mean to a graph.

    Args:
        graph: where the triples go.
        context: the value of `@context` of the crate.
        entities: the objects of its `@graph`, as `json` or `crates.graph` reads them.
        base: the IRI that stands for `./`; it ends with a slash.
        where: what errors name.

    Raises:
        CrateInvalid: the context is not known, or is none.
    """
    from rdflib.plugins.parsers.jsonld import Parser
    from rdflib.plugins.shared.jsonld.context import Context
    from rdflib.plugins.shared.jsonld.errors import JSONLDException

    terms = Context(version=1.1)
    parser = Parser()
    left = (_absolute(entity, base) for entity in entities)
    try:
        terms.load(list(local_context(context, where)))
        while some := list(islice(left, _AT_ONCE)):
            parser.parse(some, terms, graph)
    except (JSONLDException, TypeError, ValueError, AttributeError, KeyError) as error:
        # What rdflib raises for a context or an entity that is no JSON-LD is of many kinds.
        raise CrateInvalid(f"the metadata are no JSON-LD: {shown(str(error))}", where=where) from None


def local_context(context: object, where: Where) -> Iterator[dict[str, Any]]:
    """Yield the parts of an `@context` in their order, with nothing left to fetch. Raises CrateInvalid."""
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, str):
            url = str(part)
            if not contexts.is_known(url):
                raise CrateInvalid(
                    f"the context {shown(url)} is not known, and contexts are never fetched", where=where
                )
            yield dict(contexts.context_terms(url) or contexts.context_terms(_LATEST_CONTEXT) or {})
        elif isinstance(part, dict):
            yield {name: _term(value) for name, value in part.items() if name not in _FORBIDDEN_IN_CONTEXTS}
        elif part is not None:
            raise CrateInvalid("the @context is neither a URL nor an object", where=where)


def _term(value: Any) -> Any:
    """Return the definition of a term without contexts of its own, which might be elsewhere."""
    if isinstance(value, Ref):
        return {"@id": str(value)}
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if name != "@context"}
    return value


def iri_of(identifier: str, base: str) -> str:
    """Return the IRI that an `@id` stands for. Those that are relative are relative to the crate."""
    encoded = _NOT_IN_IRIS.sub(lambda found: quote(found[0].encode("utf-8", "surrogatepass")), identifier)
    if encoded.startswith("_:") or is_web(encoded):
        return encoded
    return base + encoded.removeprefix("./")


def _absolute(value: Any, base: str) -> Any:
    """Return a part of an entity with whole IRIs: rdflib resolves none against a base of any scheme."""
    if isinstance(value, Ref):
        return {"@id": iri_of(value, base)}
    if isinstance(value, dict):
        made = {name: _absolute(item, base) for name, item in value.items() if name != "@context"}
        identifier = value.get("@id")
        if isinstance(identifier, str):
            made["@id"] = iri_of(identifier, base)
        return made
    if isinstance(value, list):
        return [_absolute(item, base) for item in value]
    return value
