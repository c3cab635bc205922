"""What is wrong, or odd, in a document: a list to show, or the first one to raise."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from ...data_classes import dataclass
from ...errors import DocumentInvalid, RecrateError, Unsupported, Where


class Severity(Enum):
    """What a problem means for a run."""

    ERROR = "error"
    """The document breaks a rule: nothing runs."""
    UNSUPPORTED = "unsupported"
    """The document needs something that Recrate does not have: nothing runs, exit code 33."""
    WARNING = "warning"
    """Allowed, but probably not what was meant."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding; `text` and `hint` are phrases without a full stop."""

    text: str
    where: Where | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        word = "warning: " if self.severity is Severity.WARNING else ""
        hint = f" ({self.hint})" if self.hint else ""
        return " ".join(f"{f'{self.where}: ' if self.where else ''}{word}{self.text}{hint}".split())


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems by severity, then in the order of their places, each once."""
    rank = {severity: number for number, severity in enumerate(Severity)}
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda one: (rank[one.severity], _place(one.where)))


def _place(where: Where | None) -> tuple[str, int, int]:
    return (where.file, where.line, where.column) if where else ("", 0, 0)


def raise_first(problems: Iterable[Problem]) -> None:
    """Raise DocumentInvalid for the first error, or Unsupported; warnings do not count."""
    grave = [one for one in in_order(problems) if one.severity is not Severity.WARNING]
    if grave:
        first, more = grave[0], len(grave) - 1
        hints = [first.hint, f"{more} more problem{'s'[: more > 1]}: see `recrate validate`" if more else None]
        kind: type[RecrateError] = DocumentInvalid if first.severity is Severity.ERROR else Unsupported
        raise kind(first.text, where=first.where, hint="; ".join(hint for hint in hints if hint) or None)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the hint "did you mean ...?" when one of the known words is close."""
    import difflib  # not needed while all is well

    by_small = {name.lower(): name for name in known}
    small = word.lower()
    close = difflib.get_close_matches(small, by_small, n=1, cutoff=0.65)
    return f"did you mean {by_small[close[0]]!r}?" if close and by_small[close[0]] != word else None
