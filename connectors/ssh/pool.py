"""Connections to one host, each with many sessions; made when needed, and made again after they were lost."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from ...data_classes import dataclass
from ...errors import PlaceFailed
from .errors import failure_of, is_passing
from .settings import Connection, Settings, host_and_port

if TYPE_CHECKING:
    import asyncssh

FEWEST_SESSIONS = 4
"""Sessions that are needed at a time: one that starts jobs, one for short programs, and two for what takes long."""
KEEPALIVE_SECONDS = 5.0
KEEPALIVE_COUNT = 4
"""Unless the configuration of SSH says otherwise (ServerAliveInterval), a sign of life is asked for so often, and the
connection given up when so many were not answered."""
LONGEST_PAUSE = 60.0
SWIFT_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
"""What processors have instructions for goes first: it is twice as fast as the default here."""


@dataclass(slots=True, eq=False)
class Link:
    """A connection, and how many of its sessions are in use."""

    connection: asyncssh.SSHClientConnection
    limit: int
    used: int = 0


class Pool:
    """The connections to one host."""

    def __init__(self, name: str, connection: Connection, settings: Settings) -> None:
        self.name = name
        self.connection = connection
        self.settings = settings
        self.losses = 0
        """How often a connection was lost."""
        self._links: list[Link] = []
        self._limit = settings.sessions
        self._making: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._mourners: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def cipher(self) -> str | None:
        """The cipher that a connection which is open has agreed on; None when there is none."""
        return next((link.connection.get_extra_info("send_cipher") for link in self._links), None)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Link]:
        """Give a connection that has room for one more session, for as long as the session lasts."""
        link = await self._taken()
        try:
            yield link
        finally:
            link.used -= 1
            await self._tell()

    async def refused(self, link: Link) -> bool:
        """Note that the host refused one more session; False when it allows none at all."""
        if link.used <= 1:
            return False
        # The host allows fewer than we were told (MaxSessions), and others are open still.
        self._limit = link.limit = max(1, min(self._limit, link.used - 1))
        return True

    async def lost(self, link: Link) -> None:
        """Take a connection that does not work any more out of use."""
        if link in self._links:
            self._links.remove(link)
            self.losses += 1
            link.connection.abort()
            await self._tell()

    async def close(self) -> None:
        """Close all connections."""
        self._closing = True
        links, self._links = self._links, []
        if self._making is not None:
            self._making.cancel()
        for link in links:
            link.connection.close()
        for link in links:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await link.connection.wait_closed()
        self._closing = False

    async def _taken(self) -> Link:
        async with self._changed:
            while True:
                free = [link for link in self._links if link.used < link.limit]
                if free:
                    link = min(free, key=lambda each: each.used)
                    link.used += 1
                    return link
                if self._making is not None and self._making.done():
                    making, self._making = self._making, None
                    making.result()
                if self._making is None and len(self._links) < self._allowed:
                    self._making = asyncio.ensure_future(self._make())
                await self._changed.wait()

    @property
    def _allowed(self) -> int:
        return max(self.settings.connections, math.ceil(FEWEST_SESSIONS / self._limit))

    async def _make(self) -> None:
        try:
            connection = await self._connected()
            link = Link(connection, self._limit)
            self._links.append(link)
            mourner = asyncio.ensure_future(self._mourn(link))
            self._mourners.add(mourner)
            mourner.add_done_callback(self._mourners.discard)
        finally:
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._tell()))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _mourn(self, link: Link) -> None:
        await link.connection.wait_closed()
        if not self._closing:
            await self.lost(link)

    async def _connected(self) -> asyncssh.SSHClientConnection:
        """Make a connection, trying again with longer and longer pauses. Raises PlaceFailed."""
        import asyncssh

        pause = self.settings.retry_seconds
        for left in range(self.settings.tries, -1, -1):
            try:
                return await connect(self.name, self.connection, self.settings)
            except (OSError, ValueError, asyncssh.Error, PlaceFailed) as error:
                if left == 0 or not is_passing(error):
                    raise failure_of(self.name, self.connection, error) from error
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            pause = min(LONGEST_PAUSE, pause * 2)
        raise AssertionError("unreachable")


async def connect(name: str, connection: Connection, settings: Settings) -> asyncssh.SSHClientConnection:
    """Make one connection, by way of its tunnel when it has one. Raises what asyncssh raises, and PlaceFailed."""
    import asyncssh

    given, tunnel = _options(connection, settings)
    way: Any = ()
    if tunnel is not None:
        try:
            way = await connect(name, tunnel, settings)
        except (asyncssh.Error, OSError, ValueError) as error:
            if is_passing(error):
                raise
            raise failure_of(name, tunnel, error) from error
    try:
        async with asyncio.timeout(settings.connect_seconds):
            made = await asyncssh.connect(**given, tunnel=way)
    except BaseException:
        if way:
            way.close()
        raise
    if way:
        made.set_tunnel(way)  # which is closed with it
    return made


def _options(connection: Connection, settings: Settings) -> tuple[dict[str, Any], Connection | None]:
    """Return the arguments for asyncssh: the user's own configuration, and what the deployment says over it.

    The second is the host by way of which this one is reached, which the configuration may name, too.
    """
    import asyncssh

    given: dict[str, Any] = {
        "host": connection.hostname,
        "config": () if settings.config_files is None else list(settings.config_files),
        "connect_timeout": settings.connect_seconds,
        "login_timeout": settings.connect_seconds,
    }
    if connection.port is not None:
        given["port"] = connection.port
    if connection.username is not None:
        given["username"] = connection.username
    if connection.key is not None:
        # An agent may have the key of a file that cannot be read without its passphrase.
        given |= {"client_keys": [connection.key], "ignore_encrypted": True}
    if connection.passphrase_file is not None:
        given["passphrase"] = _secret(connection.passphrase_file)
    if connection.password_file is not None:
        given["password"] = _secret(connection.password_file)
    options = asyncssh.SSHClientConnectionOptions(**given)
    if not options.config.get("ServerAliveInterval", 0):
        given |= {"keepalive_interval": KEEPALIVE_SECONDS, "keepalive_count_max": KEEPALIVE_COUNT}
    if not options.config.get("Ciphers", ()):
        given["encryption_algs"] = _ciphers()
    if not connection.check_host_key:
        given["known_hosts"] = None
    elif options.known_hosts is None:
        # `UserKnownHostsFile none`, which asyncssh takes for 'do not check'.
        given["known_hosts"] = _texts(options.config.get("GlobalKnownHostsFile", [])) or b""
    if connection.tunnel is not None or not isinstance(options.tunnel, str):
        return given, connection.tunnel
    if options.canonicalize_hostname != "always":
        given["canonicalize_hostname"] = False  # what the name stands for is known at the other end
    return given, jump_host(options.tunnel, connection)


def jump_host(text: str, connection: Connection) -> Connection | None:
    """Return the last host of `ProxyJump`, `[user@]host[:port]` with commas between several (ssh_config(5))."""
    tunnel: Connection | None = None
    for hop in text.split(","):
        user, _, address = hop.rpartition("@")
        host, port = host_and_port(address)
        tunnel = Connection(
            host,
            int(port) if port else None,
            user or None,
            passphrase_file=connection.passphrase_file,
            tunnel=tunnel,
        )
    return tunnel


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _ciphers() -> list[str]:
    from asyncssh.encryption import get_default_encryption_algs

    default = [algorithm.decode("ascii") for algorithm in get_default_encryption_algs()]
    swift = [name for name in SWIFT_CIPHERS if name in default]
    return [*swift, *(name for name in default if name not in swift)]


def _secret(path: str) -> str:
    """Return the first line of a file that holds a secret. Raises PlaceFailed."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise PlaceFailed(f"the secret in {path!r} cannot be read: {reason}") from error
