"""What a comparison comes to: grades, and the first difference."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from ...data_classes import dataclass


class Grade(Enum):
    """How two things compare, from the best to the worst."""

    IDENTICAL = "identical"
    """The same bytes (sha256)."""
    EQUIVALENT = "equivalent"
    """Other bytes that say the same, within the tolerances and for what the type of file is for."""
    UNVERIFIED = "cannot be verified"
    """The contents differ or are unknown, and what would compare them is not there."""
    DIFFERENT = "different"
    MISSING = "missing"
    """One side has it, and the other one does not."""


ORDER = {grade: number for number, grade in enumerate(Grade)}


def worst(grades: Iterable[Grade]) -> Grade:
    """Return the worst of some grades; of none at all, identical."""
    return max(grades, key=ORDER.__getitem__, default=Grade.IDENTICAL)


@dataclass(frozen=True, slots=True)
class Finding:
    """How two things compare, by what, and what the first difference is, where there is one."""

    grade: Grade
    comparator: str = "bytes"
    """What compared them: `bytes`, or the name of a comparator."""
    detail: str = ""
    """For DIFFERENT the first difference, for the others what was overlooked or is missing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference that a comparator found, in words: where, and what there is on each side."""

    text: str

    @classmethod
    def between(cls, where: str, first: object, second: object) -> Difference:
        """Return the difference of two values at a place."""
        return cls(f"{where}: {shown(first)} and {shown(second)}")


MOST_SHOWN = 60


def shown(value: object) -> str:
    """Return a value in a few words."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."
