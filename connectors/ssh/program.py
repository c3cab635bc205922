"""The `ssh` program of this machine, for large files: it encrypts several times as fast as Python can hand on bytes.

It logs in by itself, so it is used only where it would do so as our own connection did: the same
configuration, user, key, known hosts and hosts on the way, and the cipher that was agreed on there.
It asks for nothing. What it cannot do (passwords, passphrases) our own connection does.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from dataclasses import field
from io import FileIO

from ...data_classes import dataclass
from ..data import Take
from ..local_data import last_line
from ..local_file import FileChunks
from ..shell.failures import Broken, CommandFailed
from ..shell.words import command_line, words
from .child import READY, Child
from .settings import Connection, Settings

NOT_CONNECTED = 255
"""Exit code of ssh when it could not connect, or lost the connection (ssh(1))."""
MOST_NOISE = 1 << 16
"""So much may a host print before: the user's own start-up files may be talkative."""
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
        self,
        program: str,
        stdin: AsyncIterable[bytes] | None = None,
        take: Take | None = None,
        *,
        cipher: str | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Carry out a program, feed it, and yield what it prints, or give it to `take`.

        A file is read by `ssh` itself. Raises Unusable when it cannot log in: `stdin` still has all its bytes
        then. Else as `host.Transport.stream`.
        """
        login = arguments(self.connection, self.settings, cipher)
        to = "" if stdin is None else " >&2"
        command = command_line(f"echo {READY.decode().strip()}{to}\n{program}")
        if login is None or command is None:
            raise Unusable
        file = stdin if isinstance(stdin, FileChunks) else None
        try:
            async with _child([*login, command], None if file is None else await file.opened()) as child:
                first = await self._first(child, is_fed=stdin is not None)
                async with contextlib.aclosing(self._carried(child, first, stdin, take)) as pieces:
                    async for piece in pieces:
                        yield piece
                if file is not None:
                    file.finish()
        except Unusable:
            if file is not None:
                file.rewind()
            raise

    async def _carried(
        self, child: Child, first: bytes, stdin: AsyncIterable[bytes] | None, take: Take | None
    ) -> AsyncGenerator[bytes, None]:
        feeding = asyncio.ensure_future(child.feed(stdin))
        try:
            if take is not None:
                await child.pour(first, take)
            else:
                if first:
                    yield first
                while piece := await child.read():
                    yield piece
            await self._end(child, feeding)
        finally:
            child.kill()
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    async def _first(self, child: Child, *, is_fed: bool) -> bytes:
        """Return what came after the sign that the program has logged in. Raises Unusable when that does not come."""
        seen = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.connect_seconds):
                if is_fed:
                    seen = await child.sign()
                else:
                    while READY not in seen and len(seen) < MOST_NOISE and (piece := await child.read()):
                        seen += piece
        if READY not in seen:
            self.refusal = last_line(child.words())
            raise Unusable(self.refusal)
        return seen.partition(READY)[2]

    async def _end(self, child: Child, feeding: asyncio.Future[None]) -> None:
        code = await child.code()
        if feeding.done():
            await feeding  # its failure is why the input ended, if it failed
        if code == NOT_CONNECTED or code < 0:
            raise Broken(f"the connection was lost: {last_line(child.words())}")
        if code != 0:
            raise CommandFailed(self.name, last_line(child.words()))


@contextlib.asynccontextmanager
async def _child(argv: Sequence[str], file: FileIO | None) -> AsyncIterator[Child]:
    """Give a process, and end it when the block ends. Raises Unusable when there is no such program."""
    try:
        child = Child(argv, file)
    except OSError as error:
        raise Unusable(f"cannot run {argv[0]!r}: {error.strerror}") from error
    try:
        yield child
    finally:
        await child.close()
