"""Reading access to the files below a directory of a host, read in few steps.

The first question about a directory below the root is answered by listing all that is there, and
the first question about a hash by hashing the small files together; so the number of files does
not matter to how often the way to the host is gone. What was read once is not asked again: whoever
wants to see what changed since makes a new tree.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ...errors import PlaceFailed
from ...hashing import Digest
from ..base import Entry, EntryKind
from .host import Host
from .listing import list_text, parse_entries, stat_text
from .words import name

AT_ONCE = 256
"""So many files are hashed together at most ..."""
AT_ONCE_BYTES = 16 << 20
"""... and of so many bytes."""


Hash = Callable[[Sequence[str]], Awaitable[Sequence[Digest | None]]]


class ShellTree:
    """A `WorkTree` on a host. It may be asked by any thread but the one that talks to the host."""

    def __init__(self, host: Host, root: str, hash_all: Hash, block: Callable[[Any], Any]) -> None:
        self.root = root
        self._host = host
        self._hash = hash_all
        self._block = block
        self._below: dict[str, builtins.list[Entry]] | None = None
        """By directory: what is in it, for all directories below the root."""
        self._outside: dict[str, Entry | None] = {}
        self._digests: dict[str, Digest] = {}

    def list(self, directory: str = "") -> Sequence[Entry]:
        """Return the entries directly in a directory, in the order of their names' bytes."""
        directory = "" if directory == "." else directory.rstrip("/") or directory
        found = None if directory.startswith("/") else self._listed().get(directory)
        if found is None:  # outside of the root, or beyond a link
            found = self._block(self._list(self._absolute(directory), directory, deep=False))
        return sorted(found, key=lambda entry: os.fsencode(entry.path))

    def stat(self, path: str) -> Entry | None:
        """Return the entry at a path, or None where there is none."""
        holder, _, last = path.rpartition("/")
        if not path.startswith("/") and last not in ("", ".", ".."):
            known = self._listed().get(holder)
            if known is not None:
                return next((entry for entry in known if entry.path == path), None)
        if path not in self._outside:
            self._outside[path] = self._block(self._stat(path))
        return self._outside[path]

    def read(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file."""
        return bytes(self._block(self._read(self._absolute(path), limit)))

    def digest(self, path: str) -> Digest:
        """Return the hashes and the size of a file."""
        if path not in self._digests:
            together = [path, *self._small_ones(path)]
            found = self._block(self._hash([self._absolute(each) for each in together]))
            self._digests.update((each, digest) for each, digest in zip(together, found, strict=True) if digest)
        if path not in self._digests:
            raise PlaceFailed(f"{self._host.name} cannot read {self._absolute(path)!r}: it is no file, or not there")
        return self._digests[path]

    def _small_ones(self, path: str) -> Sequence[str]:
        """Return files that will be asked for as well, if any is."""
        if path.startswith("/"):
            return ()
        chosen: list[str] = []
        room = AT_ONCE_BYTES
        for entries in self._listed().values():
            for entry in entries:
                is_new = entry.path != path and entry.path not in self._digests
                if entry.kind is EntryKind.FILE and is_new and entry.size <= room and len(chosen) < AT_ONCE:
                    chosen.append(entry.path)
                    room -= entry.size
        return chosen

    def _absolute(self, path: str) -> str:
        return os.path.join(self.root, path) if path else self.root

    def _listed(self) -> dict[str, builtins.list[Entry]]:
        if self._below is None:
            below: dict[str, builtins.list[Entry]] = {"": []}
            for entry in self._block(self._list(self.root, "", deep=True)):
                below.setdefault(entry.path.rpartition("/")[0], []).append(entry)
                if entry.kind is EntryKind.DIRECTORY and entry.target is None:
                    below.setdefault(entry.path, [])
            self._below = below
        return self._below

    async def _list(self, absolute: str, below: str, *, deep: bool) -> builtins.list[Entry]:
        program = list_text(absolute, await self._host.known(), deep=deep)
        return builtins.list(parse_entries(await self._host.printed(program, f"list {absolute!r}"), below))

    async def _stat(self, path: str) -> Entry | None:
        absolute = self._absolute(path)
        printed = await self._host.printed(stat_text([absolute]), f"look at {absolute!r}")
        entry = next(parse_entries(printed), None)
        return None if entry is None else Entry(path, entry.kind, entry.size, entry.target)

    async def _read(self, absolute: str, limit: int) -> bytes:
        program = f"head -c {limit} <{name(absolute)}"
        if limit <= AT_ONCE_BYTES // 16:
            return await self._host.printed(program, f"read {absolute!r}")
        return await self._host.executed(program, f"read {absolute!r}")
