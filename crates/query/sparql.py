"""SPARQL 1.1 queries on a graph: checked before they are carried out, and stopped when they take too long.

A query may come from anywhere. It only reads the graph that it is asked of: what would reach for the network
(SERVICE, FROM) is refused, and updates are no queries. Values for its variables are given to it as terms, and
never become part of its text.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...data_classes import dataclass
from ...errors import RecrateError, UsageError

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.plugins.sparql.sparql import Query
    from rdflib.query import Result
    from rdflib.term import Identifier

PREFIXES: Mapping[str, str] = {
    "schema": "http://schema.org/",
    "wfrun": "https://w3id.org/ro/terms/workflow-run#",
    "recrate": "https://w3id.org/ro/terms/recrate#",
    "bioschemas": "https://bioschemas.org/",
    "dcterms": "http://purl.org/dc/terms/",
    "codemeta": "https://codemeta.github.io/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
"""Prefixes that need not be declared."""
SECONDS = 60.0
MOST_ROWS = 1_000_000


class QueryStopped(RecrateError):
    """A query took longer than it may, or gave more than anybody can want."""


class _TimeIsUp(BaseException):
    """Raised wherever the evaluation is; no handler of ordinary exceptions stops it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query that was parsed and may be carried out."""

    query: Query
    variables: frozenset[str]
    """Names of all variables in it, without `?`."""


def prepare(text: str, name: str = "the query") -> Prepared:
    """Parse a query. Raises UsageError: it is none, or wants something that is not in the graph."""
    from rdflib.plugins.sparql import prepareQuery

    try:
        query = prepareQuery(text, initNs=dict(PREFIXES))
    except Exception as error:  # noqa: BLE001 - rdflib raises plain Exception, and what its parser does
        raise UsageError(
            f"{name} is no SPARQL query: {_reason(error, text)}",
            hint="it must be a SELECT, ASK, CONSTRUCT or DESCRIBE",
        ) from None
    _refuse_elsewhere(query.algebra, name)
    return Prepared(query, frozenset(_variables(query.algebra)))


def _reason(error: Exception, text: str) -> str:
    line, column = getattr(error, "lineno", None), getattr(error, "column", None)
    if not isinstance(line, int) or not isinstance(column, int):
        return str(error)
    rest = "\n".join(text.splitlines()[line - 1 :])[column - 1 :].strip()
    return f"line {line}, column {column}: {rest[:40]!r}" if rest else f"line {line}: it breaks off"


def _nodes(part: Any) -> Iterator[Any]:
    """Yield all parts of an algebra."""
    waiting = [part]
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, Mapping):
            waiting.extend(current.values())
        elif isinstance(current, (list, tuple, set, frozenset)):
            waiting.extend(current)


def _refuse_elsewhere(algebra: Any, name: str) -> None:
    for part in _nodes(algebra):
        if getattr(part, "name", None) == "ServiceGraphPattern":
            raise UsageError(f"{name} asks another service (SERVICE), and queries never use the network")
    if algebra.get("datasetClause"):
        raise UsageError(f"{name} names other data (FROM), and nothing is loaded", hint="leave FROM out")


def _variables(algebra: Any) -> Iterator[str]:
    from rdflib.term import Variable

    return (str(part) for part in _nodes(algebra) if isinstance(part, Variable))


def ask(
    graph: Graph, prepared: Prepared, values: Mapping[str, Identifier] | None = None, *, seconds: float = SECONDS
) -> Result:
    """Carry out a query and return its result, complete.

    Must be called in the main thread, since a signal ends what takes too long.

    Args:
        graph: what is asked.
        prepared: the query.
        values: terms for some of its variables, by name.
        seconds: how long it may take.

    Raises:
        QueryStopped: it took longer, or gave more than `MOST_ROWS`.
        UsageError: rdflib cannot carry it out.
    """
    with _within(seconds):
        try:
            result = graph.query(prepared.query, initBindings=dict(values or {}))
            count = sum(1 for _ in islice(result, MOST_ROWS + 1)) if result.type == "SELECT" else 0
        except Exception as error:  # noqa: BLE001 - what a query makes rdflib stumble over is of any kind
            raise UsageError(f"the query cannot be carried out: {error or type(error).__name__}") from None
    if count > MOST_ROWS:
        raise QueryStopped(f"the query gives more than {MOST_ROWS} rows", hint="add a LIMIT")
    return result


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Stop what is in the block when it takes too long. Raises QueryStopped."""

    def stop(number: int, frame: object) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TimeIsUp:
        raise QueryStopped(
            f"the query took longer than {seconds:g} s", hint="make it more specific, or give it more with --timeout"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
