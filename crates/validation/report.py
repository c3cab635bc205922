"""What is wrong with a crate: issues, each of which names entity, property and rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from ...data_classes import dataclass
from ..safety import printable


class Severity(Enum):
    """How binding the rule is that was broken: the words of RFC 2119."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"

    @property
    def rank(self) -> int:
        """Position from the least to the most binding."""
        return _RANKS[self]

    def covers(self, other: Severity) -> bool:
        """Tell whether a check at this level looks at a rule of the other one."""
        return other.rank >= self.rank


_RANKS: Mapping[Severity, int] = {Severity.OPTIONAL: 0, Severity.RECOMMENDED: 1, Severity.REQUIRED: 2}


@dataclass(frozen=True, slots=True)
class Issue:
    """One rule that one entity of a crate breaks.

    Attributes:
        severity: how binding the rule is.
        entity: `@id` of the entity; the path of a file where that is what is wrong.
        property: compact name of the property; empty when it is about the whole entity.
        rule: identifier of the rule: that of the official validator, or `recrate:` and a name.
        message: what is wrong, one sentence.
    """

    severity: Severity
    entity: str
    property: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A profile that a crate says it follows.

    Attributes:
        profile: its URL.
        checked_by: the profile of the official validator whose rules cover it; None: it has none.
    """

    profile: str
    checked_by: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of checking a crate.

    Attributes:
        crate: path of the crate, as given.
        severity: the least binding rules that were looked at.
        official: whether the official validator's rules were among them.
        claims: what it claims to follow.
        issues: what is wrong, the most binding rules first.
    """

    crate: str
    severity: Severity
    official: bool
    claims: Sequence[Claim]
    issues: Sequence[Issue]

    @property
    def valid(self) -> bool:
        """Whether no rule is broken of those that were looked at."""
        return not self.issues


def in_order(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Return issues once each, the most binding first, then by rule and entity; messages can be printed."""
    shown = (replace(issue, message=printable(issue.message)) for issue in issues)
    return tuple(sorted(dict.fromkeys(shown), key=lambda one: (-one.severity.rank, one.rule, one.entity, one.message)))
