"""What a query answers, as rows of text for people, and as the standard formats for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from ...data_classes import dataclass
from ...errors import UsageError

if TYPE_CHECKING:
    from rdflib.query import Result


class Format(Enum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a query.

    Attributes:
        result: as rdflib gives it.
        bases: by IRI of the root of a crate or run: what stands for it in a table.
    """

    result: Result
    bases: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> Sequence[str]:
        """Names of the variables of a SELECT, and of what other queries give."""
        if self.result.type == "SELECT":
            return [str(name) for name in self.result.vars or ()]
        return ["answer"] if self.result.type == "ASK" else ["subject", "predicate", "object"]

    def rows(self) -> Iterator[Sequence[str]]:
        """Yield rows of text; what has no value is empty."""
        if self.result.type == "ASK":
            yield ["yes" if self.result.askAnswer else "no"]
            return
        for row in self.result:
            yield [self._text(term) for term in cast(Sequence[Any], row)]

    def _text(self, term: Any) -> str:
        if term is None:
            return ""
        text = str(term)
        # A base ends with the slash behind the authority.
        base = text[: text.find("/", text.find("//") + 2) + 1]
        shown = self.bases.get(base)
        return text if shown is None else f"{shown}{text[len(base) :]}" or "./"

    def serialized(self, form: Format) -> bytes:
        """Return the result in a standard format: SPARQL results as JSON or CSV, graphs as JSON-LD.

        Raises UsageError for a graph as CSV.
        """
        is_graph = self.result.type in ("CONSTRUCT", "DESCRIBE")
        if form is Format.CSV and (is_graph or self.result.type == "ASK"):
            raise UsageError(f"the result of a {self.result.type} query cannot be CSV", hint="use JSON")
        kind = "json-ld" if is_graph else form.value
        content = self.result.serialize(format=kind)
        return (content or b"").rstrip() + b"\n"
