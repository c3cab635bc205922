"""Texts as databases can hold them.

Names of files on POSIX are bytes; Python makes texts with lone surrogates of those that are not
UTF-8, and no database stores these. PostgreSQL does not store the character NUL either. Both are
stored as U+241B (SYMBOL FOR ESCAPE) followed by four hex digits, and U+241B itself likewise; so
all other texts are stored as they are, and every text comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Any

_ESCAPE = "\u241b"
_ODD = re.compile("[\x00\ud800-\udfff\u241b]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9A-F]{{4}})")
_PLAIN = frozenset({int, float, bool, type(None)})


def escape(text: str) -> str:
    """Return a text in the form in which it is stored."""
    return _ODD.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04X}", text)


def unescape(text: str) -> str:
    """Return the text of which `escape` made this one."""
    if _ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def to_stored(value: Any) -> Any:
    """Return what a database is given for a value: a text escaped, an enum's member by its name.

    Raises TypeError for a value of a kind that no column has.
    """
    kind = value.__class__
    if kind is str:
        return value if value.isascii() and "\0" not in value else escape(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Enum):
        return value.name
    raise TypeError(f"a column cannot hold {value!r}")


def from_stored(value: Any) -> Any:
    """Return a value that a database gave, texts as they were before they were stored."""
    return value if value.__class__ is not str or value.isascii() else unescape(value)


def row_from_stored(row: Iterable[Any]) -> list[Any]:
    """Return `from_stored` of each value of a row, of which there are many: without a call for each."""
    return [value if value.__class__ is not str or value.isascii() else unescape(value) for value in row]
