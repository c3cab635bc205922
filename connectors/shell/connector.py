"""Places that are reached by nothing but a POSIX shell, as connectors: whoever carries programs to a shell has one.

class Jail(ShellConnector):
    def __init__(self, name, options=None, *, workdir=None):
        super().__init__(name, {name: JailTransport(options["jail"])}, workdir=workdir)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ...data_classes import dataclass
from ...errors import PlaceFailed
from ...hashing import Digest
from ..base import Completed, Ended, FileAction, Handle, Launch, Location
from ..data import FileState, Space
from ..local_file import FileChunks
from . import sending
from .attempts import PATIENCE_SECONDS, Attempts
from .changes import failed_change, is_mergeable, merged, remove_text, steps
from .chunks import HostChunks
from .data import ShellData
from .failures import Broken, hint_of
from .host import Host, Transport
from .reading import Reading
from .thread import LoopThread, connections_thread
from .together import Together
from .tree import ShellTree
from .words import words

END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Node:
    """One host of a deployment."""

    name: str
    """Of its location."""
    host: Host
    attempts: Attempts
    data: ShellData
    reading: Reading
    preparing: Together[Sequence[FileAction], None]

    @classmethod
    def of(cls, name: str, transport: Transport, data: Transport | None, patience: float) -> Node:
        """Return a host that is reached by a transport; bulk data may go by another one."""
        host = Host(transport)
        moving = ShellData(host if data is None else Host(data))
        reading = Reading(host, moving)
        return cls(name, host, Attempts(host, patience), moving, reading, Together(partial(_prepare_all, host)))

    async def close(self) -> None:
        """Let go of the host; jobs that still run there go on."""
        await self.attempts.close()
        for host in {self.host, self.data.host}:
            await host.close()
            await host.transport.close()


class ShellConnector:
    """Hosts whose shells are reached by transports.

    Args:
        name: of the deployment.
        transports: by name of the location.
        workdir: the directory there below which jobs work.
        data: transports for bulk data, where they are others.
        patience: seconds without a way to a host after which its jobs are given up.

    What goes over a transport is done in a thread of its own (see `thread`), so that any thread may
    read the files of a job.
    """

    def __init__(
        self,
        name: str,
        transports: Mapping[str, Transport],
        *,
        workdir: str | None = None,
        data: Mapping[str, Transport] | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.name = name
        self.workdir = workdir
        self._thread: LoopThread = connections_thread()
        others = data or {}
        self._nodes = {
            location: Node.of(location, transport, others.get(location), patience)
            for location, transport in transports.items()
        }
        self._locations: Sequence[Location] = ()

    async def deploy(self) -> None:
        """See to it that each host answers."""
        await self._thread.call(self._known())

    async def undeploy(self) -> None:
        """Close all connections; jobs that still run go on."""
        await self._thread.call(self._close())

    async def locations(self) -> Sequence[Location]:
        """Return a location for each host, with its facts."""
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
        return await self._thread.call(self._node(location).attempts.launch(launch))

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
        return ShellTree(node.reading, root, self._thread)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        """Carry out changes to files in order."""
        await self._thread.call(self._node(location).preparing.ask(list(actions)))

    async def remove(self, location: str, directory: str) -> None:
        """Remove a directory and all below it."""
        host = self._node(location).host
        await self._thread.call(host.executed(remove_text(directory), f"remove {directory!r}"))

    # -- data ----------------------------------------------------------------------------------

    def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file from `offset` on."""
        return HostChunks(self._thread, partial(self._node(location).data.read, path, offset))

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
        """Write chunks to a file from `offset` on; return the sha256 of what arrived, or None."""
        data = self._node(location).data
        carried = chunks.told_here() if isinstance(chunks, FileChunks) else self._thread.carried(chunks)
        return await self._thread.call(data.write(path, carried, offset, mode, size))

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

    async def can_send(self, location: str, to: str) -> bool:
        """Tell whether a host can log in at an address (`user@host`, `user@host:port`) by itself."""
        return await self._thread.call(sending.can_send(self._node(location).data.host, to))

    async def send(self, location: str, path: str, to: str, target: str) -> None:
        """Copy a file or a whole directory of a host to a path at an address, from there."""
        await self._thread.call(sending.send(self._node(location).data.host, path, to, target))

    # -- hosts ---------------------------------------------------------------------------------

    def _node(self, location: str) -> Node:
        node = self._nodes.get(location)
        if node is None:
            raise PlaceFailed(f"{self.name} has no location {location!r}", hint=f"it has {', '.join(self._nodes)}")
        return node

    async def _known(self) -> Sequence[Location]:
        return [Location(node.name, self.name, facts=(await node.host.known()).facts) for node in self._nodes.values()]

    async def _close(self) -> None:
        for node in self._nodes.values():
            await node.close()


async def _prepare_all(host: Host, asked: Sequence[Sequence[FileAction]]) -> Sequence[Exception | None]:
    """Make the changes of several together where that can be done, and those of each alone where something failed."""
    light: list[Sequence[FileAction]] = []
    rest: list[Sequence[FileAction]] = []
    for actions in asked:
        (light if is_mergeable(actions) else rest).append(actions)
    try:
        await _prepare(host, merged(light))
    except PlaceFailed:
        rest = list(asked)
    failures: dict[int, Exception] = {}
    for actions in rest:
        try:
            await _prepare(host, actions)
        except PlaceFailed as failure:
            failures[id(actions)] = failure
    return [failures.get(id(actions)) for actions in asked]


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
        async with asyncio.timeout(END_SECONDS):
            await work
