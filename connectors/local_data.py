"""Files of this machine as streams of bytes (see `connectors.data`)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import stat
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from typing import Any, TypeVar

from ..command import Command, once
from ..errors import PlaceFailed
from ..hashing import Digest, digest_file
from .data import CHUNK_BYTES, FileState, Space

WORDS_BYTES = 2000
"""Of the standard error of a command, so much of its end is kept."""
HASHED_AT_ONCE = 2
HASHED_TOGETHER = 16
"""Files that a thread hashes before it can be told to stop."""
T = TypeVar("T")
_EMPTY_WORDS = re.compile(r"Exiting with failure status|Error is not recoverable|error exit delayed", re.I)
"""With which programs such as tar end, after they have said what was wrong."""


class LocalData:
    """The part of `LocalConnector` that moves data and streams."""

    async def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file from `offset` on."""
        with contextlib.closing(await _off_loop(f"read {path!r}", _Reader, path, offset)) as reader:
            while chunk := await _off_loop(f"read {path!r}", reader.chunk):
                yield chunk

    async def write(
        self,
        location: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        offset: int = 0,
        mode: int = 0o644,
        size: int | None = None,
    ) -> str | None:
        """Write chunks to a file from `offset` on; return the sha256 of a file that is written from its beginning."""
        descriptor = await _off_loop(f"write {path!r}", _opened, path, offset, mode)
        arrived = hashlib.sha256()
        try:
            async for chunk in chunks:
                await _off_loop(f"write {path!r}", _write_all, descriptor, chunk, arrived)
        finally:
            os.close(descriptor)
        return None if offset else arrived.hexdigest()

    async def pack(self, location: str, directory: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of what lies below a directory."""
        listed = b"".join(os.fsencode(f"./{name}") + b"\0" for name in names)
        argv = ["tar", "-cf", "-", "-C", directory, "--null", "-T", "-"]
        async with contextlib.aclosing(self.stream(location, argv, once(listed))) as printed:
            async for chunk in printed:
                yield chunk

    async def unpack(self, location: str, directory: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below a directory; what is in it belongs to this user."""
        await _off_loop(f"make {directory!r}", _make_directory, directory)
        async for _ in self.stream(location, ["tar", "-xof", "-", "-C", directory], chunks):
            continue

    async def digests(self, location: str, paths: Sequence[str]) -> Sequence[Digest | None]:
        """Return the hashes and sizes of files; two threads read them."""
        found: list[Digest | None] = [None] * len(paths)
        starts = iter(range(0, len(paths), HASHED_TOGETHER))

        async def some() -> None:
            for start in starts:
                share = paths[start : start + HASHED_TOGETHER]
                found[start : start + len(share)] = await asyncio.to_thread(_digests, share)

        await asyncio.gather(*(some() for _ in range(HASHED_AT_ONCE)))
        return found

    async def states(self, location: str, paths: Sequence[str]) -> Sequence[FileState | None]:
        """Return sizes and modes of files."""
        return await _off_loop("look at files", lambda: [_state(path) for path in paths])

    async def rename(self, location: str, names: Sequence[tuple[str, str]]) -> None:
        """Give files or directories other names."""
        await asyncio.to_thread(_rename, names)

    async def space(self, location: str, path: str) -> Space:
        """Return what is left where a path is, or will be."""
        return await _off_loop(f"look at the disk of {path!r}", _space, path)

    async def stream(
        self, location: str, argv: Sequence[str], stdin: AsyncIterable[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Run a command, feed it, and yield what it prints as it comes."""
        command = await begun(argv, with_input=stdin is not None)
        feeding = asyncio.ensure_future(command.feed(stdin)) if stdin is not None else None
        words = asyncio.ensure_future(_last_bytes(command))
        try:
            while chunk := await command.stdout.read(CHUNK_BYTES):
                yield chunk
            code = await command.wait()
            if feeding is not None and feeding.done():
                await feeding  # its failure is why the input ended, if it failed
            if code != 0:
                raise PlaceFailed(f"{argv[0]} failed: {last_line(await words)}")
        finally:
            await _ended(command, feeding, words)


def last_line(words: bytes) -> str:
    """Return the last line that says something of what a command wrote to its standard error."""
    lines = [line.strip() for line in words.decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line and not _EMPTY_WORDS.search(line)), "it gave no reason")


async def _off_loop(doing: str, function: Callable[..., T], *arguments: Any) -> T:
    try:
        return await asyncio.to_thread(function, *arguments)
    except OSError as error:
        raise PlaceFailed(f"cannot {doing}: {error.strerror}") from error


class _Reader:
    """A file that must not become shorter while it is read."""

    def __init__(self, path: str, offset: int) -> None:
        self._path = path
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - it is closed by whoever made this
        size = os.fstat(self._file.fileno()).st_size
        if offset > size:
            self._file.close()
            raise PlaceFailed(f"cannot read {path!r} from byte {offset}: it has {size}")
        self._left = size - self._file.seek(offset)

    def chunk(self) -> bytes:
        got = self._file.read(CHUNK_BYTES) or b""
        self._left -= len(got)
        if not got and self._left > 0:
            raise PlaceFailed(f"{self._path!r} became shorter while it was read")
        return got

    def close(self) -> None:
        self._file.close()


def _opened(path: str, offset: int, mode: int) -> int:
    if offset == 0:
        _make_directory(os.path.dirname(path) or "/")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    flags = os.O_WRONLY | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if offset == 0 else 0)
    descriptor = os.open(path, flags, mode)
    try:
        if os.fstat(descriptor).st_size < offset:
            raise PlaceFailed(f"cannot go on at byte {offset} of {path!r}: it is shorter")
        os.ftruncate(descriptor, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _write_all(descriptor: int, chunk: bytes, arrived: hashlib._Hash) -> None:
    arrived.update(chunk)
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_directory(path: str) -> None:
    os.makedirs(path, exist_ok=True)


def _digests(paths: Sequence[str]) -> list[Digest | None]:
    return [_digest(path) for path in paths]


def _digest(path: str) -> Digest | None:
    try:
        return None if _state(path) is None else digest_file(path)
    except OSError as error:
        raise PlaceFailed(f"cannot read {path!r}: {error.strerror}") from error


def _rename(names: Sequence[tuple[str, str]]) -> None:
    for source, target in names:
        try:
            os.rename(source, target)
        except OSError as error:
            raise PlaceFailed(f"cannot rename {source!r} to {target!r}: {error.strerror}") from error


def _state(path: str) -> FileState | None:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileState(status.st_size, stat.S_IMODE(status.st_mode)) if stat.S_ISREG(status.st_mode) else None


def _space(path: str) -> Space:
    while not os.path.exists(path):
        path = os.path.dirname(path) or "/"
    disk = os.statvfs(path)
    return Space(disk.f_bavail * disk.f_frsize, disk.f_favail if disk.f_files else None)


async def begun(argv: Sequence[str], *, with_input: bool = True) -> Command:
    """Start a command. Raises PlaceFailed when it cannot be started."""
    try:
        return await Command.begun(argv, with_input=with_input, limit=CHUNK_BYTES)
    except OSError as error:
        raise PlaceFailed(f"cannot run {argv[0]!r}: {error.strerror}") from error


async def _last_bytes(command: Command) -> bytes:
    kept = b""
    while chunk := await command.stderr.read(CHUNK_BYTES):
        kept = (kept + chunk)[-WORDS_BYTES:]
    return kept


async def _ended(command: Command, *helpers: asyncio.Future[Any] | None) -> None:
    """Leave nothing behind of a command whose output nobody wants any more, or which has ended."""
    await command.end()
    for helper in helpers:
        if helper is not None and not helper.done():
            helper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await helper
