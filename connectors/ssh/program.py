"""The `ssh` program of this machine, for large files: it encrypts several times as fast as Python can hand on bytes.

It logs in by itself, so it is used only where it would do so as our own connection did: the same
configuration, user, key, known hosts and hosts on the way, and the cipher that was agreed on there.
It asks for nothing. What it cannot do (passwords, passphrases) our own connection does.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from functools import partial
from typing import IO, TypeVar

from ...data_classes import dataclass
from ..data import CHUNK_BYTES
from ..local_data import WORDS_BYTES, last_line
from ..shell.failures import Broken, CommandFailed
from ..shell.words import command_line, words
from .settings import Connection, Settings

T = TypeVar("T")
READY = b"recrate ready\n"
"""What the host prints when the program has logged in."""
NOT_CONNECTED = 255
"""Exit code of ssh when it could not connect, or lost the connection (ssh(1))."""
MOST_NOISE = 1 << 16
"""So much may a host print before: the user's own start-up files may be talkative."""
PIPE_BYTES = 1 << 20
MORE_MILLISECONDS = 3
"""For so long more is waited for, so that a chunk becomes a large one."""
KEEPALIVE = ("ServerAliveInterval=5", "ServerAliveCountMax=4")
_OWN = (
    "BatchMode=yes", "ClearAllForwardings=yes", "ControlMaster=no", "ForwardAgent=no", "LogLevel=ERROR",
    "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no", *KEEPALIVE,
)  # fmt: skip


class Unusable(Exception):
    """The program cannot log in, and has carried out nothing."""


def arguments(connection: Connection, settings: Settings, cipher: str | None = None) -> list[str] | None:
    """Return the words that make `ssh` log in as our own connection does; None when they cannot."""
    configured = _configured(settings)
    if configured is None or connection.password_file is not None or connection.passphrase_file is not None:
        return None
    options = [*_OWN, f"ConnectTimeout={max(1, round(settings.connect_seconds))}", *_trust(connection)]
    if cipher is not None:
        options.append(f"Ciphers={cipher}")
    if connection.tunnel is not None:
        way = arguments(connection.tunnel, settings)
        if way is None:
            return None
        # ssh itself replaces tokens such as %h, and has a shell read the rest.
        options.append(f"ProxyCommand={words([*way[:-2], '-W']).replace('%', '%%')} '[%h]:%p' {words(way[-2:])}")
    return ["ssh", *configured, *_login(connection), *(f"-o{option}" for option in options), "--", connection.hostname]


def _configured(settings: Settings) -> list[str] | None:
    match settings.config_files:
        case None:
            return []
        case ():
            return ["-F", "none"]
        case (path,):
            return ["-F", path]
        case _:
            return None


def _trust(connection: Connection) -> list[str]:
    if connection.check_host_key:
        return ["StrictHostKeyChecking=yes"]
    return ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null"]


def _login(connection: Connection) -> list[str]:
    port = [] if connection.port is None else ["-p", str(connection.port)]
    user = [] if connection.username is None else ["-l", connection.username]
    key = [] if connection.key is None else ["-i", connection.key, "-oIdentitiesOnly=yes"]
    return [*port, *user, *key]


@dataclass(slots=True)
class SshProgram:
    """`ssh` as a way to one host. Once it could not log in it is not tried again."""

    name: str
    """What the host is called in messages."""
    connection: Connection
    settings: Settings
    refusal: str | None = field(default=None, init=False)
    """Why it is not tried any more."""

    @property
    def is_usable(self) -> bool:
        """Tell whether it may work, as far as is known."""
        return (
            self.refusal is None
            and arguments(self.connection, self.settings) is not None
            and shutil.which("ssh") is not None
        )

    async def stream(
        self, program: str, stdin: AsyncIterable[bytes] | None = None, *, cipher: str | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Carry out a program, feed it, and yield what it prints.

        Raises Unusable when it cannot log in: nothing was taken from `stdin` then. Else as
        `host.Transport.stream`.
        """
        login = arguments(self.connection, self.settings, cipher)
        command = command_line(f"echo {READY.decode().strip()}\n{program}")
        if login is None or command is None:
            raise Unusable
        async with _child([*login, command]) as child:
            first = await self._first(child)
            feeding = asyncio.ensure_future(child.feed(stdin))
            try:
                if first:
                    yield first
                while piece := await child.read():
                    yield piece
                await self._end(child, feeding)
            finally:
                child.kill()
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)

    async def _first(self, child: _Child) -> bytes:
        """Return what came after the sign that the program has logged in. Raises Unusable when that does not come."""
        seen = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.connect_seconds):
                while READY not in seen and len(seen) < MOST_NOISE and (piece := await child.read()):
                    seen += piece
        if READY not in seen:
            self.refusal = last_line(child.words())
            raise Unusable(self.refusal)
        return seen.partition(READY)[2]

    async def _end(self, child: _Child, feeding: asyncio.Future[None]) -> None:
        code = await child.code()
        if feeding.done():
            await feeding  # its failure is why the input ended, if it failed
        if code == NOT_CONNECTED or code < 0:
            raise Broken(f"the connection was lost: {last_line(child.words())}")
        if code != 0:
            raise CommandFailed(self.name, last_line(child.words()))


class _Child:
    """A process whose pipes are read and written by two threads of its own."""

    def __init__(self, argv: Sequence[str], said: IO[bytes]) -> None:
        self._said = said
        self._pool = ThreadPoolExecutor(2)
        self._is_killed = False
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=said, bufsize=0, start_new_session=True)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        for end in (self._input, self._output):
            with contextlib.suppress(AttributeError, OSError):  # not Linux, or this user has too many large pipes
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    async def read(self) -> bytes:
        """Return some of what it printed; nothing when no more will come."""
        return await self._in_thread(lambda: _piece(self._output.fileno()))

    async def feed(self, chunks: AsyncIterable[bytes] | None) -> None:
        """Give it its input. One that does not want all of it says by its exit code whether that is well."""
        try:
            if chunks is not None:
                async for chunk in chunks:
                    if not await self._in_thread(partial(_written, self._input.fileno(), chunk)):
                        return
        finally:
            if not self._is_killed:  # else a thread may be writing still, until it notices
                self._input.close()

    async def code(self) -> int:
        """Return its exit code, when it has ended."""
        return await self._in_thread(self._process.wait)

    def words(self) -> bytes:
        """Return the end of what it wrote to its standard error."""
        descriptor = self._said.fileno()
        return os.pread(descriptor, WORDS_BYTES, max(0, os.fstat(descriptor).st_size - WORDS_BYTES))

    def kill(self) -> None:
        """End it and what it started, so that no thread waits for it any more."""
        self._is_killed = True
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Leave nothing of it behind."""
        self.kill()
        self._process.wait()
        self._pool.shutdown()  # before the pipes are closed that its threads use
        self._input.close()
        self._output.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


@contextlib.asynccontextmanager
async def _child(argv: Sequence[str]) -> AsyncIterator[_Child]:
    """Give a process, and end it when the block ends. Raises Unusable when there is no such program."""
    with tempfile.TemporaryFile() as said:
        try:
            child = await asyncio.to_thread(_Child, argv, said)
        except OSError as error:
            raise Unusable(f"cannot run {argv[0]!r}: {error.strerror}") from error
        try:
            yield child
        finally:
            child.close()


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


def _written(descriptor: int, chunk: bytes) -> bool:
    """Write all of a chunk to a pipe; False when nobody reads it any more."""
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BrokenPipeError:
        return False
    return True
