"""The interface of a comparator: what knows one type of file.

Third parties register an object that satisfies `Comparator` under the entry point group
`recrate.comparators`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ...data_classes import dataclass
from .tolerance import Tolerances
from .verdict import Difference

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sample:
    """What the type of a file is told from: its name, and how it begins."""

    name: str
    head: bytes

    @property
    def ending(self) -> str:
        """Return the extension of the name, in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    @property
    def is_text(self) -> bool:
        """Tell whether the file begins as text: UTF-8 without NUL bytes."""
        if b"\0" in self.head:
            return False
        try:
            self.head.decode("utf-8")
        except UnicodeDecodeError as error:
            return len(self.head) == HEAD_BYTES and error.start > HEAD_BYTES - 4
        return True


class Unreadable(Exception):
    """A file is not what its name and beginning promise, or cannot be read safely; the message says why."""


class Lacking(Exception):
    """A library is not installed; the message names it."""


class Comparator(Protocol):
    """Compares files of one type."""

    name: str

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file is of the type."""
        ...

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first difference of two files of the type; None when they are equivalent.

        No code that a file may hold is executed. Raises Unreadable, Lacking, OSError.
        """
        ...
