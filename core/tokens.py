"""Tokens: values with an identity, as they flow from port to port."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from ..data_classes import dataclass
from .values import Value


class Origin(Enum):
    """How a token came to be."""

    INPUT = "input"
    """Given by the user."""
    DEFAULT = "default"
    """A default of the workflow's text."""
    OUTPUT = "output"
    """Made by a job."""
    GATHERED = "gathered"
    """A list put together of other tokens, its parts."""
    DERIVED = "derived"
    """An element of a list, or computed by an expression of a step."""


@dataclass(frozen=True, slots=True)
class Token:
    """A value on a port. `parts` are the tokens that a gathered list is made of, in order."""

    id: str
    value: Value
    parts: Sequence[Token] | None = None
