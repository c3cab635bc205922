"""What an attempt came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..data_classes import dataclass
from .machine.events import Failure
from .reuse import Taken
from .values import Values


@dataclass(frozen=True, slots=True)
class Succeeded:
    """An attempt that ended well: its outputs, and the rows that say how it ended."""

    outputs: Values
    rows: Sequence[Any] = ()
    taken: Taken | None = None
    """The earlier result that was taken; then there was no attempt."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that did not end well; `rows` say so in the store. Number 0: it came to no attempt."""

    failure: Failure
    error: str
    attempt: int = 0
    rows: Sequence[Any] = ()
