"""Questions that have a name: SPARQL in files of this package (`questions/NAME.rq`).

What a file says of its query stands in comments before it: the question, where it is from, and the variables
that a value can be given for.

    # Which location made a file?
    # set file: name, path or sha256 of a file; all without it

`needs file` instead of `set file` means that there is no answer without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from ...data_classes import dataclass

_PARAMETER = re.compile(r"(set|needs) (\w+): (.+)")
_FROM = re.compile(r"from: (\w+)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A variable that a value can be given for; without one all that fit are found, unless it is required."""

    name: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A query with a name.

    Attributes:
        name: what it is called.
        alias: another name: its number among the competency questions of the Workflow Run RO-Crate group, such
            as `cq1`; None when it is ours.
        title: the question in words.
        text: the query.
    """

    name: str
    alias: str | None
    title: str
    parameters: tuple[Parameter, ...]
    text: str


@cache
def questions() -> tuple[Question, ...]:
    """Return all questions: those of the group by their numbers, then ours by name."""
    folder = resources.files(__package__).joinpath("questions")
    found = [
        _question(item.name.removesuffix(".rq"), item.read_text(encoding="utf-8"))
        for item in folder.iterdir()
        if item.name.endswith(".rq")
    ]
    return tuple(sorted(found, key=lambda one: (one.alias is None, int((one.alias or "cq0")[2:]), one.name)))


def find_question(name: str) -> Question | None:
    """Return the question that is called so, or None."""
    return next((one for one in questions() if name.lower() in (one.name, one.alias)), None)


def _question(name: str, text: str) -> Question:
    title, *lines = _header(text)
    alias, parameters = None, []
    for line in lines:
        if found := _PARAMETER.fullmatch(line):
            parameters.append(Parameter(found[2], found[3], found[1] == "needs"))
        elif found := _FROM.fullmatch(line):
            alias = found[1].lower()
    return Question(name, alias, title, tuple(parameters), text)


def _header(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            return
        yield line.lstrip("# ").rstrip()
