"""The metadata file, written in constant memory: entities go to a spool first, the root is put before them.

The root lists all files and actions, so that it can be written only when all are known, while
readers like to have it first. Long lists of references are spooled as well.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import IO, Any, cast

from .jsonld import Entity, ref
from .target import stream_of

_IN_MEMORY = 1 << 20
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def encoded(value: Any) -> bytes:
    """Return a value as JSON in UTF-8, on one line."""
    # What is no Unicode was cleaned; where that was forgotten, this is still JSON.
    return _encode(value).encode("utf-8", "backslashreplace")


class Spool:
    """JSON values, written one after the other with commas between them, and read once."""

    def __init__(self) -> None:
        self._file = cast(IO[bytes], tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - `close` closes it
        self.count = 0

    def add(self, value: Any) -> None:
        """Add a value."""
        self._file.write((b",\n" if self.count else b"") + encoded(value))
        self.count += 1

    def add_ref(self, identity: str) -> None:
        """Add a reference to an entity."""
        self.add(ref(identity))

    def add_with(self, entity: Entity, lists: Mapping[str, Spool]) -> None:
        """Add an entity with further properties whose values are the references in spools."""
        if self.count:
            self._file.write(b",\n")
        for chunk in with_lists(entity, lists):
            self._file.write(chunk)
        self.count += 1

    def chunks(self) -> Iterator[bytes]:
        """Yield all that was added."""
        self._file.seek(0)
        yield from stream_of(self._file)

    def clear(self) -> None:
        """Forget all that was added."""
        self._file.seek(0)
        self._file.truncate()
        self.count = 0

    def close(self) -> None:
        """Give back what it takes."""
        self._file.close()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def with_lists(entity: Entity, lists: Mapping[str, Spool]) -> Iterator[bytes]:
    """Yield the JSON of an entity with properties whose values are spooled; single ones stand alone."""
    yield encoded(entity)[:-1]
    for name, spool in lists.items():
        if spool.count:
            yield b"," + encoded(name) + (b":[" if spool.count > 1 else b":")
            yield from spool.chunks()
            yield b"]" if spool.count > 1 else b""
    yield b"}"


def document(context: Any, head: Iterable[Iterable[bytes]], bodies: Iterable[Spool]) -> Iterator[bytes]:
    """Yield the metadata file: its context, the entities that come first, and those that were spooled."""
    yield b'{"@context":' + encoded(context) + b',\n"@graph":[\n'
    first = True
    for entity in head:
        if not first:
            yield b",\n"
        yield from entity
        first = False
    for body in bodies:
        if body.count:
            yield b",\n"
            yield from body.chunks()
    yield b"\n]}\n"


__all__ = ["Spool", "document", "encoded", "with_lists"]
