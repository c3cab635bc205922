"""A command of this machine with pipes to it, which is left at any moment without anything staying behind.

The event loop's own subprocesses are not: one whose creation is cancelled together with all other tasks, as at the
end of a program, is waited for without end (`_connect_pipes` is such a task itself), and so is one that has left
a process with its pipes open, since its end counts only when these are closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from typing import IO

LIMIT_BYTES = 1 << 16


class Command:
    """A command that runs, in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes], limit: int) -> None:
        self._process = process
        self._limit = limit
        self._unconnected = [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe is not None]
        self._transports: list[asyncio.ReadTransport | asyncio.WriteTransport] = []
        self._over = asyncio.Event()
        self._descriptor = os.pidfd_open(process.pid)
        asyncio.get_running_loop().add_reader(self._descriptor, self._ended)
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader
        self.stderr: asyncio.StreamReader

    @classmethod
    async def begun(
        cls,
        argv: Sequence[str],
        *,
        with_input: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        limit: int = LIMIT_BYTES,
    ) -> Command:
        """Start a command; its streams hold about `limit` bytes each. Raises OSError when it cannot be started."""
        pipe = subprocess.PIPE
        stdin = pipe if with_input else subprocess.DEVNULL
        process = subprocess.Popen(
            argv, stdin=stdin, stdout=pipe, stderr=pipe, env=env, cwd=cwd, start_new_session=True
        )
        command = cls(process, limit)
        try:
            await command._connect()
        except BaseException:
            await command.end()
            raise
        return command

    async def _connect(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.stdout = await self._reader(self._process.stdout)
        self.stderr = await self._reader(self._process.stderr)
        if self._process.stdin is not None:
            self.stdin = await self._writer(self._process.stdin)

    async def _reader(self, pipe: IO[bytes]) -> asyncio.StreamReader:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=self._limit, loop=loop)
        self._unconnected.remove(pipe)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), pipe)
        self._transports.append(transport)
        return reader

    async def _writer(self, pipe: IO[bytes]) -> asyncio.StreamWriter:
        loop = asyncio.get_running_loop()
        nothing = asyncio.StreamReader(loop=loop)
        self._unconnected.remove(pipe)
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(nothing, loop=loop), pipe
        )
        self._transports.append(transport)
        return asyncio.StreamWriter(transport, protocol, None, loop)

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    async def communicate(self, text: bytes = b"") -> tuple[bytes, bytes]:
        """Give the command its input; return what it printed, when it has ended."""
        _, output, errors = await asyncio.gather(self.feed(once(text)), self.stdout.read(), self.stderr.read())
        await self.wait()
        return output, errors

    async def feed(self, chunks: AsyncIterable[bytes]) -> None:
        """Give the command its input. One that does not want all of it says by its exit code whether that is well."""
        assert self.stdin is not None
        try:
            async for chunk in chunks:
                try:
                    self.stdin.write(chunk)
                    await self.stdin.drain()
                except (BrokenPipeError, ConnectionResetError):
                    return
        finally:
            self.stdin.close()

    async def wait(self) -> int:
        """Return the exit code when the command has ended, whoever has its pipes open still."""
        await self._over.wait()
        return self._process.returncode

    async def end(self) -> None:
        """Kill the command, with what it started in its process group, and close its pipes."""
        try:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                await self._over.wait()
        finally:
            self._close()

    def _close(self) -> None:
        for transport in self._transports:
            if not isinstance(transport, asyncio.WriteTransport):
                transport.close()
            elif not transport.is_closing() or transport.get_write_buffer_size():
                transport.abort()  # what has not been read by now never will be
        for pipe in self._unconnected:
            pipe.close()

    def _ended(self) -> None:
        """Take over the exit code: the kernel says that it is there."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._process.wait()
        self._over.set()


async def once(text: bytes) -> AsyncGenerator[bytes, None]:
    """Yield a text as the only chunk."""
    yield text
