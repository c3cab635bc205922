"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Generic, TypeVar

from ...data_classes import dataclass
from ...errors import Where

S = TypeVar("S")


class Severity(Enum):
    """What a finding means for whoever runs it again."""

    ERROR = "error"
    """The result was another one already, or cannot be made again from what is there."""
    WARNING = "warning"
    """The result may be another one elsewhere, or later."""
    NOTE = "note"
    """Worth knowing; the result need not change."""

    @property
    def rank(self) -> int:
        """Position from the gravest on."""
        return tuple(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a rule is about: what there is, and where."""

    detail: str
    where: Where | str | None = None
    """A place in a document; or what it is of a run: the path of a job, the name of an input."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """One reason why a result may not be the same, looked for in subjects of one type.

    Attributes:
        id: by which it is named.
        severity: what it means.
        about: the reason, as a clause: "an image is named by its tag alone".
        advice: what to do, as an order.
        find: yields what it is about in a subject.
    """

    id: str
    severity: Severity
    about: str
    advice: str
    find: Callable[[S], Iterable[Hit]]

    def findings(self, subject: S) -> Iterator[Finding]:
        """Yield what this rule finds in a subject, each thing once."""
        for hit in dict.fromkeys(self.find(subject)):
            where = str(hit.where) if hit.where is not None else ""
            yield Finding(self.id, self.severity, where, hit.detail, self.advice)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found at one place; `where` is `file:line:column`, or a part of a run."""

    rule: str
    severity: Severity
    where: str
    detail: str
    advice: str


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by severity, the gravest first, then as they were found; each once."""
    return sorted(dict.fromkeys(findings), key=lambda one: one.severity.rank)
