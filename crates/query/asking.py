"""From what a user types to an answer: which query, which values, of which graph."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...data_classes import dataclass
from ...errors import UsageError
from .jsonld import iri_of
from .questions import Question, find_question
from .results import Answer
from .sparql import SECONDS, Prepared, ask, prepare

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Identifier

_FORM = re.compile(r"\b(?:SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE)
_STDIN = "-"


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that may be carried out, and the question that it is the text of, if it has a name."""

    prepared: Prepared
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A graph to ask. `bases`: by IRI of the root of each crate or run in it, what stands for it in a table."""

    graph: Graph
    bases: Mapping[str, str]


def read_query(text: str) -> Asked:
    """Return the query that is meant by its name, a file, `-` for standard input, or its own text.

    Raises UsageError when there is none, or it is none.
    """
    question = find_question(text)
    if question is not None:
        return Asked(prepare(question.text, f"the query {question.name}"), question)
    if text == _STDIN:
        return Asked(prepare(sys.stdin.read(), "standard input"))
    if _FORM.search(text) and "{" in text:
        return Asked(prepare(text))
    try:
        content = Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(
            f"{text!r} is neither the name of a query, nor SPARQL, nor a file that can be read",
            hint="`recrate query --list` lists the names",
        ) from error
    return Asked(prepare(content, text))


def answer(source: Source, asked: Asked, settings: Mapping[str, str], *, seconds: float = SECONDS) -> Answer:
    """Ask a graph. `settings`: values of variables as they were typed; see `term_of`.

    Raises UsageError, QueryStopped.
    """
    _check_needs(asked.question, settings)
    unknown = sorted(set(settings) - asked.prepared.variables)
    if unknown:
        names = [one.name for one in asked.question.parameters] if asked.question else asked.prepared.variables
        raise UsageError(
            f"the query has no variable ?{unknown[0]}", hint=f"it has {', '.join(sorted(names))}" if names else None
        )
    base = next(iter(source.bases)) if len(source.bases) == 1 else ""
    values = {name: term_of(text, base) for name, text in settings.items()}
    return Answer(ask(source.graph, asked.prepared, values, seconds=seconds), source.bases)


def _check_needs(question: Question | None, settings: Mapping[str, str]) -> None:
    if question is None:
        return
    for one in question.parameters:
        if one.required and one.name not in settings:
            raise UsageError(
                f"the query {question.name} needs a value for {one.name}",
                hint=f"--set {one.name}=..., {one.description}",
            )


def term_of(text: str, base: str) -> Identifier:
    """Return the term for a value: what stands in angle brackets is an IRI, relative to the crate; all else a text."""
    from rdflib import Literal, URIRef

    if text.startswith("<") and text.endswith(">"):
        return URIRef(iri_of(text[1:-1], base))
    return Literal(text)
