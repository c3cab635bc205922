"""What is read of the directories of jobs at a host; what is asked at the same time is answered by one program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from ...data_classes import dataclass
from ...errors import PlaceFailed
from ...hashing import Digest
from ..base import Entry, EntryKind
from .data import LARGE_BYTES, ShellData
from .host import Host
from .listing import list_all_text, list_text, parse_all, parse_entries, stat_text
from .together import Together
from .words import batches, name

AT_ONCE = 256
"""So many files are hashed together at most ..."""
AT_ONCE_BYTES = 16 << 20
"""... and of so many bytes."""
WORKERS = 2
"""Programs of a kind at a time: there are two shells at a host (see `Host`)."""

Sizes = Sequence[tuple[str, int | None]]
"""Files, with their sizes where these are known."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies below a directory; entries and hashes by their paths in it."""

    entries: Sequence[Entry]
    digests: Mapping[str, Digest]
    """Of small files."""


class Reading:
    """Reads what lies at a host."""

    def __init__(self, host: Host, data: ShellData) -> None:
        self._host = host
        self._data = data
        self._listing: Together[str, Sequence[Entry]] = Together(self._list_all, workers=WORKERS)
        self._hashing: Together[Sizes, Sequence[Digest | None]] = Together(self._hash_all, workers=WORKERS)
        self._looking: Together[str, Contents] = Together(self._look_at_all)

    @property
    def name(self) -> str:
        """What the host is called in messages."""
        return self._host.name

    async def below(self, directory: str) -> Sequence[Entry]:
        """Return all that lies below a directory. Raises PlaceFailed when it cannot be listed."""
        return await self._listing.ask(directory)

    async def contents(self, directory: str) -> Contents:
        """Return all that lies below a directory, with the hashes of small files. Raises PlaceFailed as `below`."""
        return await self._looking.ask(directory)

    async def entries(self, directory: str, below: str) -> Sequence[Entry]:
        """Return what lies directly in a directory, with `below` before each name."""
        return await self._list(directory, below, deep=False)

    async def entry(self, path: str) -> Entry | None:
        """Return what lies at a path, or None."""
        return next(parse_entries(await self._host.printed(stat_text([path]), f"look at {path!r}")), None)

    async def content(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file."""
        program = f"head -c {limit} <{name(path)}"
        if limit <= AT_ONCE_BYTES // 16:
            return await self._host.printed(program, f"read {path!r}")
        return await self._host.executed(program, f"read {path!r}")

    async def digests(self, files: Sizes) -> Sequence[Digest | None]:
        """Return the hashes of files; None for what is no file or is not there."""
        if all(size is not None and size < LARGE_BYTES for _, size in files):
            return await self._hashing.ask(files)
        return await self._data.digests([path for path, _ in files])

    async def _list_all(self, directories: Sequence[str]) -> Sequence[Sequence[Entry] | Exception]:
        """List several directories together, and each alone of which that did not tell all."""
        found: dict[str, Sequence[Entry]] = {}
        if "printf" in (await self._host.known()).tools:
            for group in batches(dict.fromkeys(directories)):
                done = await self._host.quick(list_all_text(group))
                found.update(parse_all(done.stdout) if done.code == 0 else {})
        return [found[path] if path in found else await self._listed_alone(path) for path in directories]

    async def _look_at_all(self, directories: Sequence[str]) -> Sequence[Contents | Exception]:
        """List several directories together, and hash the small files in them together, as far as there is room."""
        listings = await self._list_all(directories)
        small = list(_small_files(directories, listings))
        hashed = await self._hash_all([small]) if small else [()]
        digests: dict[str, Digest] = {}
        if not isinstance(hashed[0], Exception):  # else whoever needs them asks again
            digests = {path: digest for (path, _), digest in zip(small, hashed[0], strict=True) if digest is not None}
        return [
            listing if isinstance(listing, Exception) else _contents(directory, listing, digests)
            for directory, listing in zip(directories, listings, strict=True)
        ]

    async def _listed_alone(self, directory: str) -> Sequence[Entry] | Exception:
        try:
            return await self._list(directory, "", deep=True)
        except PlaceFailed as failure:
            return failure

    async def _list(self, absolute: str, below: str, *, deep: bool) -> Sequence[Entry]:
        program = list_text(absolute, await self._host.known(), deep=deep)
        return list(parse_entries(await self._host.printed(program, f"list {absolute!r}"), below))

    async def _hash_all(self, asked: Sequence[Sizes]) -> Sequence[Sequence[Digest | None] | Exception]:
        """Hash the files of several together; when one of these is gone, those of each alone."""
        files = [(path, size or 0) for each in asked for path, size in each]
        if sum(size for _, size in files) <= AT_ONCE_BYTES:
            try:
                found = iter([digest for group in _groups(files) for digest in await self._data.small_digests(group)])
                return [list(islice(found, len(each))) for each in asked]
            except PlaceFailed:
                pass
        return [await self._hashed_alone([path for path, _ in each]) for each in asked]

    async def _hashed_alone(self, paths: Sequence[str]) -> Sequence[Digest | None] | Exception:
        try:
            return await self._data.digests(paths)
        except PlaceFailed as failure:
            return failure


def _small_files(
    directories: Sequence[str], listings: Sequence[Sequence[Entry] | Exception]
) -> Iterator[tuple[str, int]]:
    """Yield files that can be hashed together, and their sizes."""
    room = AT_ONCE_BYTES
    for directory, listing in zip(directories, listings, strict=True):
        files = [] if isinstance(listing, Exception) else [each for each in listing if each.kind is EntryKind.FILE]
        for entry in islice(files, AT_ONCE):
            if entry.size <= room and entry.size < LARGE_BYTES:
                room -= entry.size
                yield f"{directory}/{entry.path}", entry.size


def _contents(directory: str, entries: Sequence[Entry], digests: Mapping[str, Digest]) -> Contents:
    """Return what lies below a directory, with those hashes that are known by their whole paths."""
    whole = ((entry.path, digests.get(f"{directory}/{entry.path}")) for entry in entries)
    return Contents(entries, {path: digest for path, digest in whole if digest is not None})


def _groups(files: Sequence[tuple[str, int]]) -> Sequence[Sequence[tuple[str, int]]]:
    """Return files in parts whose names are not too many for a command; files stay in order."""
    parts = iter(files)
    return [list(islice(parts, len(group))) for group in batches([path for path, _ in files])]
