"""Files of this machine as streams of bytes (see `connectors.data`)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from typing import Any

from ..command import Command, once
from ..errors import PlaceFailed
from ..hashing import Digest, digest_file
from .data import CHUNK_BYTES, FileState, Pouring, Space
from .local_file import FileChunks, FileSink, failing, off_loop

WORDS_BYTES = 2000
"""Of the standard error of a command, so much of its end is kept."""
HASHED_AT_ONCE = 2
HASHED_TOGETHER = 16
"""Files that a thread hashes before it can be told to stop."""
_EMPTY_WORDS = re.compile(r"Exiting with failure status|Error is not recoverable|error exit delayed", re.I)
"""With which programs such as tar end, after they have said what was wrong."""


class LocalData:
    """The part of `LocalConnector` that moves data and streams."""

    def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file from `offset` on."""
        return FileChunks(path, offset)

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
        doing = f"write {path!r}"
        sink = await off_loop(doing, FileSink, path, offset, mode)
        try:
            if isinstance(chunks, Pouring):
                with failing(doing):
                    await chunks.pour(sink.take)
            else:
                async for chunk in chunks:
                    await off_loop(doing, sink.take, chunk)
        finally:
            sink.close()
        return None if offset else sink.sha256

    async def pack(self, location: str, directory: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of what lies below a directory."""
        listed = b"".join(os.fsencode(f"./{name}") + b"\0" for name in names)
        argv = ["tar", "-cf", "-", "-C", directory, "--null", "-T", "-"]
        async with contextlib.aclosing(self.stream(location, argv, once(listed))) as printed:
            async for chunk in printed:
                yield chunk

    async def unpack(self, location: str, directory: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below a directory; what is in it belongs to this user."""
        await off_loop(f"make {directory!r}", _make_directory, directory)
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
        return await off_loop("look at files", lambda: [_state(path) for path in paths])

    async def rename(self, location: str, names: Sequence[tuple[str, str]]) -> None:
        """Give files or directories other names."""
        await asyncio.to_thread(_rename, names)

    async def space(self, location: str, path: str) -> Space:
        """Return what is left where a path is, or will be."""
        return await off_loop(f"look at the disk of {path!r}", _space, path)

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
