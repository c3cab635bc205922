"""The questions, one file a topic."""

from __future__ import annotations

from collections.abc import Sequence

from . import chain, crates, expressions, fan_in, nested, scatter, staging, startup
from .base import Case, Question

QUESTIONS: list[Question] = [
    *startup.QUESTIONS,
    *scatter.QUESTIONS,
    *chain.QUESTIONS,
    *fan_in.QUESTIONS,
    *nested.QUESTIONS,
    *expressions.QUESTIONS,
    *staging.QUESTIONS,
    *crates.QUESTIONS,
]


def cases(*, quick: bool, only: Sequence[str] = ()) -> list[Case]:
    """Return what is to be measured: all questions at all sizes, or those named, or each at its quick size."""
    made = [Case(question, size) for question in QUESTIONS for size in ([question.quick] if quick else question.sizes)]
    unknown = set(only) - {name for case in made for name in (case.name, case.question.name)}
    if unknown:
        raise ValueError(f"no such question: {', '.join(sorted(unknown))}")
    return [case for case in made if not only or case.name in only or case.question.name in only]
