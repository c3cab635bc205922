"""Reading access to the files below a directory of a host, read in few steps.

The first question about a directory below the root is answered by listing all that is there, and
the first question about a hash by hashing the small files together; so the number of files does
not matter to how often the way to the host is gone. With `look_ahead` both are read at once, together
with those of other trees. What was read once is not asked again: whoever
wants to see what changed since makes a new tree.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from ...errors import PlaceFailed
from ...hashing import Digest
from ..base import Entry, EntryKind
from .reading import AT_ONCE, AT_ONCE_BYTES, Reading
from .thread import LoopThread

T = TypeVar("T")


class ShellTree:
    """A `WorkTree` on a host. It may be asked by any thread but the one that talks to the host."""

    def __init__(self, reading: Reading, root: str, thread: LoopThread) -> None:
        self.root = root
        self._reading = reading
        self._thread = thread
        self._below: dict[str, builtins.list[Entry]] | None = None
        """By directory: what is in it, for all directories below the root."""
        self._outside: dict[str, Entry | None] = {}
        self._digests: dict[str, Digest] = {}
        self._failure: PlaceFailed | None = None

    async def look_ahead(self) -> None:
        """Read the listing, and the hashes of small files. What fails is raised when it is asked for."""
        try:
            found = await self._thread.call(self._reading.contents(self.root))
        except PlaceFailed as failure:
            self._failure = failure
            return
        self._below = _by_directory(found.entries)
        self._digests.update(found.digests)

    def list(self, directory: str = "") -> Sequence[Entry]:
        """Return the entries directly in a directory, in the order of their names' bytes."""
        directory = "" if directory == "." else directory.rstrip("/") or directory
        found: Sequence[Entry] | None = None if directory.startswith("/") else self._listed().get(directory)
        if found is None:  # outside of the root, or beyond a link
            found = self._block(self._reading.entries(self._absolute(directory), directory))
        return sorted(found, key=lambda entry: os.fsencode(entry.path))

    def stat(self, path: str) -> Entry | None:
        """Return the entry at a path, or None where there is none."""
        holder, _, last = path.rpartition("/")
        if not path.startswith("/") and last not in ("", ".", ".."):
            known = self._listed().get(holder)
            if known is not None:
                return next((entry for entry in known if entry.path == path), None)
        if path not in self._outside:
            found = self._block(self._reading.entry(self._absolute(path)))
            self._outside[path] = None if found is None else Entry(path, found.kind, found.size, found.target)
        return self._outside[path]

    def read(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file."""
        return bytes(self._block(self._reading.content(self._absolute(path), limit)))

    def digest(self, path: str) -> Digest:
        """Return the hashes and the size of a file."""
        if path not in self._digests:
            together = self._asked_with(path)
            sizes = [(self._absolute(each), size) for each, size in together.items()]
            found = self._block(self._reading.digests(sizes))
            self._digests.update((each, digest) for each, digest in zip(together, found, strict=True) if digest)
        if path not in self._digests:
            raise PlaceFailed(f"{self._reading.name} cannot read {self._absolute(path)!r}: it is no file, or not there")
        return self._digests[path]

    def _asked_with(self, path: str) -> dict[str, int | None]:
        """Return a file, and those that will be asked for as well, with their sizes where these are known."""
        if path.startswith("/"):
            return {path: None}
        sizes: dict[str, int | None] = {path: None}
        room = AT_ONCE_BYTES
        for entries in self._listed().values():
            for entry in entries:
                if entry.kind is not EntryKind.FILE or entry.path in self._digests:
                    continue
                if entry.path == path:
                    sizes[path] = entry.size
                elif entry.size <= room and len(sizes) <= AT_ONCE:
                    sizes[entry.path] = entry.size
                    room -= entry.size
        return sizes

    def _absolute(self, path: str) -> str:
        return os.path.join(self.root, path) if path else self.root

    def _listed(self) -> dict[str, builtins.list[Entry]]:
        if self._failure is not None:
            raise self._failure
        if self._below is None:
            self._below = _by_directory(self._block(self._reading.below(self.root)))
        return self._below

    def _block(self, work: Coroutine[Any, Any, T]) -> T:
        return self._thread.block(work)


def _by_directory(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    below: dict[str, list[Entry]] = {"": []}
    for entry in entries:
        below.setdefault(entry.path.rpartition("/")[0], []).append(entry)
        if entry.kind is EntryKind.DIRECTORY and entry.target is None:
            below.setdefault(entry.path, [])
    return below
