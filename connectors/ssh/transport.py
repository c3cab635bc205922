"""Programs carried to the shell of a host by SSH."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Any

from ...errors import PlaceFailed
from ..base import Completed
from ..data import CHUNK_BYTES, Take
from ..local_data import WORDS_BYTES, last_line
from ..shell.failures import Broken, CommandFailed
from ..shell.host import taken
from ..shell.words import SHELL, command_line
from ..wrapper import SIGNAL_BASE, encode
from .pool import Link, Pool
from .program import SshProgram, Unusable

if TYPE_CHECKING:
    import asyncssh

WINDOW_BYTES = 16 << 20
"""So much may be on its way to us at a time, so that a long way does not mean a slow one."""
PACKET_BYTES = 1 << 16
"""The larger a packet is that the server may send, the less each byte costs us."""
SHELLS = 2
SWIFT_STREAMS = 2
"""So many streams at a time go by logins of their own."""
LOST = "the connection was lost"


class SshTransport:
    """A `shell.host.Transport` by way of a pool of connections."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._program = SshProgram(pool.name, pool.connection, pool.settings)
        self._swift_ones = asyncio.Semaphore(SWIFT_STREAMS)

    @property
    def name(self) -> str:
        """What the host is called in messages."""
        return self.pool.name

    @property
    def losses(self) -> int:
        """How often a connection was lost so far."""
        return self.pool.losses

    @property
    def shells(self) -> int:
        """How many shells may be kept open at a time: not so many that nothing else has room."""
        return SHELLS if self.pool.settings.sessions >= 2 * SHELLS + 2 else 1

    async def execute(self, program: str, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        """Carry out a program in a shell of its own. Raises PlaceFailed, and Broken when the connection is lost."""
        import asyncssh

        command = command_line(program)
        if command is None:
            if stdin:
                raise PlaceFailed(f"{self.name}: a command of {len(program)} bytes that has an input is too long")
            command, stdin = f"exec {SHELL} -s", encode(program)
        async with self._process(command) as process:
            try:
                with contextlib.suppress(BrokenPipeError):  # it has ended already, and did not want its input
                    process.stdin.write(stdin)
                    process.stdin.write_eof()
                _acknowledge_at_once(process)
                async with asyncio.timeout(timeout):
                    output, errors = await process.communicate()
            except TimeoutError:
                raise PlaceFailed(f"{self.name} gave no answer within {timeout:g} s") from None
            except (asyncssh.Error, OSError) as error:
                raise Broken(LOST) from error
            return Completed(_code(process), bytes(output or b""), bytes(errors or b""))

    async def stream(self, program: str, stdin: AsyncIterable[bytes] | None = None) -> AsyncGenerator[bytes, None]:
        """Carry out a program, feed it, and yield what it prints. Raises as `execute`, and CommandFailed."""
        import asyncssh

        command = command_line(program)
        if command is None:
            raise PlaceFailed(f"{self.name}: a command of {len(program)} bytes is too long")
        async with self._process(command) as process:
            feeding = asyncio.ensure_future(_feed(process, stdin))
            words = asyncio.ensure_future(_last_bytes(process))
            try:
                try:
                    while chunk := await process.stdout.read(CHUNK_BYTES):
                        _acknowledge_at_once(process)
                        yield chunk
                    await process.wait_closed()
                except (asyncssh.Error, ConnectionError) as error:
                    raise Broken(LOST) from error
                if feeding.done():
                    await feeding  # its failure is why the input ended, if it failed
                if _code(process) != 0:
                    raise CommandFailed(self.name, last_line(await words))
            finally:
                await _cancelled(feeding, words)

    @property
    def is_swift(self) -> bool:
        """Tell whether large streams go by the `ssh` program."""
        return self._program.is_usable and not self._swift_ones.locked()

    async def swift_stream(
        self, program: str, stdin: AsyncIterable[bytes] | None = None, take: Take | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Do what `stream` does, by the `ssh` program where that can log in."""
        async with self._swift_ones:
            try:
                streamed = self._program.stream(program, stdin, take, cipher=self.pool.cipher)
                async with contextlib.aclosing(streamed) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            except Unusable:
                pass
        async with contextlib.aclosing(taken(self.stream(program, stdin), take)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.close()

    @contextlib.asynccontextmanager
    async def _process(self, command: str) -> AsyncIterator[asyncssh.SSHClientProcess[bytes]]:
        """Start a command in a session, on whatever connection has room; it has not begun when this fails."""
        while True:
            async with self.pool.session() as link:
                process = await self._opened(link, command)
                if process is None:
                    continue
                try:
                    yield process
                finally:
                    process.close()
                return

    async def _opened(self, link: Link, command: str) -> asyncssh.SSHClientProcess[bytes] | None:
        """Return a process that runs a command; None when it is to be tried on another connection."""
        import asyncssh

        try:
            return await link.connection.create_process(
                command, encoding=None, window=WINDOW_BYTES, max_pktsize=PACKET_BYTES
            )
        except asyncssh.ChannelOpenError as error:
            if link.connection.is_closed():
                await self.pool.lost(link)
            elif not await self.pool.refused(link):
                raise PlaceFailed(f"{self.name} lets nobody run commands: {error.reason}") from error
        except (asyncssh.Error, OSError):
            await self.pool.lost(link)
        return None


def _acknowledge_at_once(process: asyncssh.SSHClientProcess[bytes]) -> None:
    """Have the kernel acknowledge what comes next without the usual wait of 40 ms (TCP_QUICKACK in tcp(7)).

    A bastion, which has no session of its own, sends nothing more before that (RFC 896), so that each answer
    in two pieces would take so long. The kernel forgets the wish when we send something.
    """
    with contextlib.suppress(OSError, AttributeError):  # no TCP, or a system that does not know it
        process.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _code(process: asyncssh.SSHClientProcess[bytes]) -> int:
    """Return the exit code as a shell gives it. Raises Broken when there is none, since the connection was lost."""
    code = process.returncode
    if code is None:
        raise Broken(LOST)
    return code if code >= 0 else SIGNAL_BASE - code


async def _feed(process: asyncssh.SSHClientProcess[bytes], chunks: AsyncIterable[bytes] | None) -> None:
    """Give a command its input. One that does not want all of it says by its exit code whether that is well."""
    import asyncssh

    try:
        if chunks is not None:
            async for chunk in chunks:
                try:
                    process.stdin.write(chunk)
                    await process.stdin.drain()
                    _acknowledge_at_once(process)
                except (BrokenPipeError, ConnectionError, asyncssh.Error):
                    return
    finally:
        with contextlib.suppress(OSError, asyncssh.Error):
            process.stdin.write_eof()


async def _last_bytes(process: asyncssh.SSHClientProcess[bytes]) -> bytes:
    kept = b""
    while chunk := await process.stderr.read(CHUNK_BYTES):
        kept = (kept + chunk)[-WORDS_BYTES:]
    return kept


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    """End helpers that are not needed any more, without hiding what they failed of from whoever awaited them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
