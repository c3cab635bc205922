"""A program of this machine whose input, output and errors are streams, for much data at a high rate."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import signal
import subprocess
from collections.abc import AsyncIterable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import FileIO
from typing import TypeVar

from ...errors import PlaceFailed
from ..data import CHUNK_BYTES, Take
from ..local_data import WORDS_BYTES
from ..local_file import FileChunks

T = TypeVar("T")
READY = b"recrate ready\n"
"""What the host prints when the program has logged in.

One that is fed prints it to its standard error: after a few bytes of output, OpenSSH's server takes half as long again
for each byte of the input (measured with 9.2).
"""
PIPE_BYTES = 1 << 20
MORE_MILLISECONDS = 3
"""For so long more is waited for, so that a chunk becomes a large one."""
LOOK_SECONDS = 0.2
"""So often it is looked how much of a file was read, for which there is no event."""


class Child:
    """A process whose input and output are written and read by two threads of its own."""

    def __init__(self, argv: Sequence[str], file: FileIO | None = None) -> None:
        """Start it; its input is a file, or what it is fed. Raises OSError when there is no such program."""
        self._pool = ThreadPoolExecutor(2)
        self._is_killed = False
        self._words = b""
        self._sign: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            argv, stdin=file or pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._input, self._output, self._errors = self._process.stdin, self._process.stdout, self._process.stderr
        os.set_blocking(self._errors.fileno(), False)
        self._sign.get_loop().add_reader(self._errors.fileno(), self._listen)
        for end in filter(None, (self._input, self._output)):
            with contextlib.suppress(AttributeError, OSError):  # not Linux, or this user has too many large pipes
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    async def read(self) -> bytes:
        """Return some of what it printed; nothing when no more will come."""
        return await self._in_thread(lambda: _piece(self._output.fileno()))

    async def pour(self, first: bytes, take: Take) -> None:
        """Give what it printed first, and all that it prints, to `take`. Raises what that raises."""
        await self._in_thread(lambda: _pour(self._output.fileno(), first, take))

    async def feed(self, chunks: AsyncIterable[bytes] | None) -> None:
        """Give it its input. One that does not want all of it says by its exit code whether that is well.

        When its input is a file, `chunks` is that file, and is told how far it was read.
        """
        if self._input is None:
            assert isinstance(chunks, FileChunks)
            await self._follow(chunks)
            return
        try:
            if chunks is not None:
                async for chunk in chunks:
                    if not await self._in_thread(partial(_written, self._input.fileno(), chunk)):
                        return
        finally:
            if not self._is_killed:  # else a thread may be writing still, until it notices
                self._input.close()

    async def _follow(self, file: FileChunks) -> None:
        try:
            while True:
                file.look()
                await asyncio.sleep(LOOK_SECONDS)
        except PlaceFailed:
            self.kill()
            raise

    async def code(self) -> int:
        """Return its exit code, when it has ended."""
        return await self._in_thread(self._process.wait)

    async def sign(self) -> bytes:
        """Return `READY` when it writes that to its standard error, nothing when it ends without."""
        return await self._sign

    def words(self) -> bytes:
        """Return the end of what it wrote to its standard error."""
        self._listen()
        return self._words

    def _listen(self) -> None:
        """Take what came on its standard error."""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._errors.fileno(), WORDS_BYTES):
                before, ready, after = (self._words + piece).partition(READY)
                self._words = (after if ready else before)[-WORDS_BYTES:]
                if ready and not self._sign.done():
                    self._sign.set_result(READY)
            self._deaf()

    def _deaf(self) -> None:
        """Listen no more."""
        self._sign.get_loop().remove_reader(self._errors.fileno())
        if not self._sign.done():
            self._sign.set_result(b"")

    def kill(self) -> None:
        """End it and what it started, so that no thread waits for it any more."""
        self._is_killed = True
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Leave nothing of it behind."""
        self._deaf()
        self.kill()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._process.wait()
        self._pool.shutdown()  # before the pipes are closed that its threads use
        for end in filter(None, (self._input, self._output, self._errors)):
            end.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _piece(descriptor: int) -> bytes:
    """Return what comes from a pipe, as much as a chunk while more comes quickly."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    more = select.poll()
    more.register(descriptor, select.POLLIN)
    got = 0
    while got < CHUNK_BYTES and (not got or more.poll(MORE_MILLISECONDS)):
        count = os.readv(descriptor, [buffer[got:]])
        if not count:
            break
        got += count
    return bytes(buffer[:got])


def _pour(descriptor: int, first: bytes, take: Take) -> None:
    """Give what comes from a pipe to `take`, until no more comes."""
    take(memoryview(first))
    buffer = memoryview(bytearray(PIPE_BYTES))
    while count := os.readv(descriptor, [buffer]):
        take(buffer[:count])


def _written(descriptor: int, chunk: bytes) -> bool:
    """Write all of a chunk to a pipe; False when nobody reads it any more."""
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BrokenPipeError:
        return False
    return True
