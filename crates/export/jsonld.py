"""Entities of JSON-LD as plain data, in the forms that RO-Crate and the official validator ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote

Entity: TypeAlias = dict[str, Any]
"""An object of the `@graph`."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_IN_PATHS = "/~!$&'()*+,;=@:"
_IN_FRAGMENTS = "~!$&'()*+,;=@:"


def ref(identity: str) -> Entity:
    """Return a reference to an entity."""
    return {"@id": identity}


def one_or_many(items: Sequence[Any]) -> Any:
    """Return what stands for several values: a single one alone, none as None (RO-Crate 1.1, section 4)."""
    return (items[0] if len(items) == 1 else list(items)) if items else None


def refs(identities: Iterable[str]) -> Any:
    """Return references to entities, each once, in their order; None when there are none."""
    return one_or_many([ref(identity) for identity in dict.fromkeys(identities)])


def entity(identity: str, kind: str | Sequence[str], **properties: Any) -> Entity:
    """Return an entity without the properties that are None."""
    made: Entity = {"@id": identity, "@type": kind if isinstance(kind, str) else list(kind)}
    made.update((name, value) for name, value in properties.items() if value is not None)
    return made


def instant(seconds: float | None) -> str | None:
    """Return an instant in the form of ISO 8601 that the profiles' rules accept: UTC, milliseconds, no `Z`."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(round(seconds, 3), UTC).isoformat(timespec="milliseconds")


def day(seconds: float) -> str:
    """Return the day of an instant, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def clean(text: str) -> str:
    """Return a text as UTF-8 can hold it: bytes of file names that are not UTF-8 stand as `\\xff`."""
    return _SURROGATE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def path_id(path: str) -> str:
    """Return the `@id` of a file or a folder of the crate: its path as a relative reference (RFC 3986).

    What is not ASCII stays as it is, as RO-Crate prefers it (1.1, "Encoding file paths").
    """
    if path.isascii():
        encoded = quote(path, safe=_IN_PATHS)
    else:
        encoded = "".join(char if _is_native(char) else quote(char, safe=_IN_PATHS) for char in path)
    # Before the first slash a colon would begin a scheme.
    first, slash, rest = encoded.partition("/")
    return first.replace(":", "%3A") + slash + rest


def _is_native(char: str) -> bool:
    return not char.isascii() and char.isprintable() and not char.isspace()


def escaped(name: str) -> str:
    """Return a name as it can be a part of the fragment of an `@id`; it stays what it is when it is plain."""
    return quote(clean(name), safe=_IN_FRAGMENTS)
