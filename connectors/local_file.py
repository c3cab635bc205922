"""A file of this machine at either end of a stream, such that large ones cost this process little."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from io import FileIO
from typing import Any, TypeVar

from ..errors import PlaceFailed
from .data import CHUNK_BYTES, STALL_SECONDS, CountedChunks, stalled

T = TypeVar("T")


@contextlib.contextmanager
def failing(doing: str) -> Iterator[None]:
    """Raise PlaceFailed, which says what was being done, for an OSError."""
    try:
        yield
    except OSError as error:
        raise PlaceFailed(f"cannot {doing}: {error.strerror}") from error


async def off_loop(doing: str, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a thread. Raises PlaceFailed as `failing` does."""
    with failing(doing):
        return await asyncio.to_thread(function, *arguments)


class FileChunks(CountedChunks):
    """What a file has from an offset on. Raises PlaceFailed when it cannot be read, or becomes shorter meanwhile.

    It is cheapest for a program that has the file as its standard input: none of the bytes pass through this
    process then. Whoever starts one takes `opened`, calls `look` now and then while it reads and `finish` when
    it has read all; if it has not begun, `rewind` lets another way have the bytes.
    """

    def __init__(self, path: str, offset: int = 0) -> None:
        self._path = path
        self._offset = self._at = offset
        self._size = 0
        self._file: FileIO | None = None
        self._moved = time.monotonic()
        self._is_over = False
        self._reading = threading.Lock()

    async def opened(self) -> FileIO:
        """Return the open file, which stands where the next byte is to be read."""
        if self._file is None:
            self._file = await off_loop(self._doing, self._open)
        return self._file

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes."""
        chunk = b"" if self._is_over else await off_loop(self._doing, self._read, await self.opened())
        self.look()
        return chunk or None

    async def aclose(self) -> None:
        """Close the file, when no thread reads it any more."""
        self._is_over = True
        if self._file is not None:
            await asyncio.to_thread(self._close, self._file)

    def told_here(self) -> FileChunks:
        """Return the same, which may be read in another event loop, and tells how far it is in this one."""
        tell, loop = self.tell, asyncio.get_running_loop()
        if tell is not None:
            self.tell = lambda count: loop.call_soon_threadsafe(tell, count)
        return self

    def look(self) -> None:
        """See how far whoever has the file has read it. Raises PlaceFailed when that does not go on."""
        try:
            before, self._at = self._at, self._at if self._file is None else self._file.tell()
        except ValueError:
            return  # it was closed, since nobody wants the rest
        if self._at > before:
            self._moved = time.monotonic()
            self.passed(self._at - before)
        elif self._at < self._size and time.monotonic() - self._moved > STALL_SECONDS:
            raise stalled(self.count)

    def finish(self) -> None:
        """See that all was read. Raises PlaceFailed when the file has become shorter."""
        self.look()
        if self._file is not None:
            self._check(self._file)

    def rewind(self) -> None:
        """Let all the bytes be read, even if some were read already."""
        if self._file is not None:
            self._at = self._file.seek(self._offset)

    @property
    def _doing(self) -> str:
        return f"read {self._path!r}"

    def _open(self) -> FileIO:
        file = FileIO(self._path)
        self._size = os.fstat(file.fileno()).st_size
        if self._offset > self._size:
            file.close()
            raise PlaceFailed(f"cannot read {self._path!r} from byte {self._offset}: it has {self._size}")
        file.seek(self._offset)
        self._moved = time.monotonic()
        return file

    def _read(self, file: FileIO) -> bytes:
        with self._reading:
            chunk = b"" if file.closed else file.read(CHUNK_BYTES) or b""
            if not chunk and not file.closed:
                self._check(file)
            return chunk

    def _check(self, file: FileIO) -> None:
        if os.fstat(file.fileno()).st_size < self._size:
            raise PlaceFailed(f"{self._path!r} became shorter while it was read")

    def _close(self, file: FileIO) -> None:
        with self._reading:
            file.close()


class FileSink:
    """A file that is written, and hashed, in whatever thread the bytes come; one at a time."""

    def __init__(self, path: str, offset: int, mode: int) -> None:
        """Open the file: made anew, or gone on with at an offset. Raises OSError, and PlaceFailed if it is shorter."""
        self._hash = hashlib.sha256()
        self._descriptor = _opened(path, offset, mode)
        self._is_open = True
        self._writing = threading.Lock()

    def take(self, chunk: bytes | memoryview) -> None:
        """Write what came next. Raises OSError; nothing more is written once this is closed."""
        with self._writing:
            rest = memoryview(chunk)
            self._hash.update(rest)
            while rest and self._is_open:
                rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """Close the file, when nothing is being written any more."""
        with self._writing:
            self._is_open = False
            os.close(self._descriptor)

    @property
    def sha256(self) -> str:
        """The hash of what came."""
        return self._hash.hexdigest()


def _opened(path: str, offset: int, mode: int) -> int:
    if offset == 0:
        os.makedirs(os.path.dirname(path) or "/", exist_ok=True)
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
