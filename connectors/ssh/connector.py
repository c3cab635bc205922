"""Machines behind SSH as places: `ssh` deployments of a configuration."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...errors import PlaceFailed
from ...hashing import Digest
from ..base import ActionKind, Completed, Ended, FileAction, Handle, Launch, Location, storage_of
from ..data import FileState, Space
from ..queues.batch import Template, read_template, rendered
from ..shell.attempts import Attempts
from ..shell.changes import failed_change, remove_text, steps
from ..shell.data import ShellData
from ..shell.failures import Broken, hint_of
from ..shell.host import Host, Transport
from ..shell.tree import ShellTree
from ..shell.words import SHELL, name, words
from ..wrapper import encode
from .pool import Pool
from .settings import Connection, Settings, read_settings
from .thread import LoopThread, connections_thread
from .transport import SshTransport

END_SECONDS = 5.0
SERVICE = "#"
"""Stands before the service in the name of a location."""
COMMAND = "command"
"""File in the directory of an attempt: its script, with what a service puts around it."""


@dataclass(frozen=True, slots=True)
class Node:
    """One host of a deployment."""

    name: str
    """Of its location."""
    pool: Pool
    host: Host
    attempts: Attempts
    data: ShellData


class SshConnector:
    """Machines that are logged in to by SSH.

    Args:
        name: of the deployment.
        options: its `config` (see `settings.Settings`).
        workdir: the directory there below which jobs work.

    Raises DocumentInvalid for options that cannot be. All that goes over a connection is done in a
    thread of its own (see `thread`), so that any thread may read the files of a job.
    """

    def __init__(self, name: str, options: Mapping[str, Any] | None = None, *, workdir: str | None = None) -> None:
        self.name = name
        self.workdir = workdir
        self.settings = read_settings(name, options or {})
        self.remarks = self.settings.remarks
        self._thread: LoopThread = connections_thread()
        self._nodes = {node.name: node for node in _nodes(name, self.settings)}
        self._locations: Sequence[Location] = ()

    async def deploy(self) -> None:
        """Log in to each host."""
        await self._thread.call(self._known())

    async def undeploy(self) -> None:
        """Close all connections; jobs that still run go on."""
        await self._thread.call(self._close())

    async def locations(self) -> Sequence[Location]:
        """Return a location for each host, and for each host one for each service, with their facts."""
        if not self._locations:
            self._locations = await self._thread.call(self._known())
        return self._locations

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        """Run a short command and return what it printed."""
        node = self._node(location)
        try:
            return await self._thread.call(node.host.transport.execute(f"exec {words(argv)}", stdin, timeout))
        except Broken as lost:
            raise PlaceFailed(f"{node.host.name}: {lost} while {argv[0]!r} ran") from lost

    async def launch(self, location: str, launch: Launch) -> Handle:
        """Start an attempt's script in a session of its own."""
        node, template = self._node(location), self._template(location)
        if template is not None:
            launch = replace(launch, script=await self._wrapped(location, launch, template))
        return await self._thread.call(node.attempts.launch(launch))

    async def wait(self, location: str, handle: Handle) -> Ended:
        """Return when the attempt has ended, whoever started it."""
        return await self._thread.call(self._node(location).attempts.wait(handle))

    async def find(self, location: str, launch: Launch) -> Handle | Ended | None:
        """Ask the host about an attempt."""
        return await self._thread.call(self._node(location).attempts.find(launch))

    async def cancel(self, location: str, handle: Handle) -> None:
        """End an attempt and all processes of its session."""
        await self._thread.call(self._node(location).attempts.cancel(handle))

    def end_all(self) -> None:
        """Kill all attempts at once."""
        for node in self._nodes.values():
            self._thread.block(_within(node.attempts.end_all()))

    def tree(self, location: str, root: str) -> ShellTree:
        """Return reading access to what lies below a directory."""
        node = self._node(location)
        return ShellTree(node.host, root, node.data.digests, self._thread.block)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        """Carry out changes to files in order."""
        await self._thread.call(_prepare(self._node(location).host, list(actions)))

    async def remove(self, location: str, directory: str) -> None:
        """Remove a directory and all below it."""
        host = self._node(location).host
        await self._thread.call(host.executed(remove_text(directory), f"remove {directory!r}"))

    # -- data ----------------------------------------------------------------------------------

    def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file from `offset` on."""
        data = self._node(location).data
        return self._thread.iterate(lambda: data.read(path, offset))

    async def write(
        self, location: str, path: str, chunks: AsyncIterable[bytes], *, offset: int = 0, mode: int = 0o644
    ) -> str | None:
        """Write chunks to a file from `offset` on; return the sha256 of what arrived, or None."""
        data, carried = self._node(location).data, self._thread.carried(chunks)
        return await self._thread.call(data.write(path, carried, offset, mode))

    def pack(self, location: str, directory: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of what lies below a directory."""
        data = self._node(location).data
        return self._thread.iterate(lambda: data.pack(directory, names))

    async def unpack(self, location: str, directory: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below a directory."""
        data, carried = self._node(location).data, self._thread.carried(chunks)
        await self._thread.call(data.unpack(directory, carried))

    async def digests(self, location: str, paths: Sequence[str]) -> Sequence[Digest | None]:
        """Return the hashes and sizes of files."""
        return await self._thread.call(self._node(location).data.digests(paths))

    async def states(self, location: str, paths: Sequence[str]) -> Sequence[FileState | None]:
        """Return sizes and modes of files."""
        return await self._thread.call(self._node(location).data.states(paths))

    async def rename(self, location: str, names: Sequence[tuple[str, str]]) -> None:
        """Give files or directories other names."""
        await self._thread.call(self._node(location).data.rename(names))

    async def space(self, location: str, path: str) -> Space:
        """Return what is left where a path is, or will be."""
        return await self._thread.call(self._node(location).data.space(path))

    def stream(
        self, location: str, argv: Sequence[str], stdin: AsyncIterable[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Run a command, feed it, and yield what it prints as it comes."""
        transport = self._node(location).host.transport
        carried = None if stdin is None else self._thread.carried(stdin)
        return self._thread.iterate(lambda: _unbroken(transport, f"exec {words(argv)}", carried))

    # -- hosts ---------------------------------------------------------------------------------

    def _node(self, location: str) -> Node:
        node = self._nodes.get(location.partition(SERVICE)[0])
        if node is None:
            raise PlaceFailed(f"{self.name} has no location {location!r}", hint=f"it has {', '.join(self._nodes)}")
        return node

    def _template(self, location: str) -> Template | None:
        path = self.settings.templates.get(location.partition(SERVICE)[2])
        return None if path is None else read_template(path)

    async def _wrapped(self, location: str, launch: Launch, template: Template) -> str:
        """Write the command that a service puts around an attempt; return its path."""
        path = f"{launch.directory}/{COMMAND}"
        text = encode(rendered(template, launch.directory, f"{SHELL} {name(launch.script)}"))
        await self.prepare(location, [FileAction(ActionKind.WRITE, path, content=text, mode=0o700)])
        return path

    async def _known(self) -> Sequence[Location]:
        found = []
        for node in self._nodes.values():
            plain = Location(node.name, self.name, facts=(await node.host.known()).facts)
            services = [service for service in self.settings.templates if service]
            found += [plain, *(replace(plain, **_service(plain, service)) for service in services)]
        return found

    async def _close(self) -> None:
        for node in self._nodes.values():
            await node.attempts.close()
            await node.host.close()
            await node.pool.close()


def _nodes(name: str, settings: Settings) -> Sequence[Node]:
    single = len(settings.nodes) == 1
    return [_node(name if single else f"{name}/{node.address}", node, settings) for node in settings.nodes]


def _node(name: str, connection: Connection, settings: Settings) -> Node:
    pool = Pool(name, connection, settings)
    host = Host(SshTransport(pool))
    data = host if settings.data is None else Host(SshTransport(Pool(name, settings.data, settings)))
    return Node(name, pool, host, Attempts(host, settings.patience), ShellData(data))


def _service(plain: Location, service: str) -> dict[str, Any]:
    """Return what the location of a service has of its own; its files are those of the host."""
    return {"name": f"{plain.name}{SERVICE}{service}", "service": service, "storage": storage_of(plain)}


async def _prepare(host: Host, actions: Sequence[FileAction]) -> None:
    for step in steps(actions):
        if step.stdin is None:
            done = await host.quick(step.program)
        else:
            done = await host.repeated(step.program, step.stdin)
        if done.code != 0:
            raise PlaceFailed(f"{host.name} {failed_change(done.stderr)}", hint=hint_of(done.stderr))


async def _unbroken(
    transport: Transport, program: str, stdin: AsyncIterable[bytes] | None
) -> AsyncGenerator[bytes, None]:
    """Yield what a program prints; a lost connection is an error for users."""
    try:
        async with contextlib.aclosing(transport.stream(program, stdin)) as printed:
            async for chunk in printed:
                yield chunk
    except Broken as lost:
        raise PlaceFailed(f"{transport.name}: {lost}") from lost


async def _within(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(TimeoutError, PlaceFailed):
        await asyncio.wait_for(work, END_SECONDS)
