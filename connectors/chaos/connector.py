"""A connector to which faults happen, around any other one. The engine cannot tell it from a real place.

What faults are like is what a real place does: a copy arrives damaged or breaks off, a job is killed by a
signal, a call fails before or after it was carried out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ...errors import PlaceFailed
from ..base import (
    Abrupt,
    Completed,
    Connector,
    Direct,
    Ended,
    Ending,
    Explaining,
    FileAction,
    Forecasting,
    Handle,
    Launch,
    Location,
    WorkTree,
)
from ..data import Addressed, Data, Sending, Streaming
from .dice import Act, Chaos
from .streams import broken_off, corrupted

T = TypeVar("T")
CAPABILITIES: tuple[type[Any], ...] = (Abrupt, Addressed, Data, Direct, Explaining, Forecasting, Sending, Streaming)
"""What a connector may be able to do beside; a disturbed one can do the same."""
SIGNAL = 9
KILLED = "killed by chaos"
LATEST_KILL = 0.2
"""Seconds after its start at which a job is killed at the latest."""


def disturbed(inner: Connector, chaos: Chaos, *, is_remote: bool, is_stacked: bool = False) -> Connector:
    """Return a connector to which the faults of a chaos happen.

    `is_remote`: it is reached by a connection, which can be lost. `is_stacked`: its data go through another
    connector, which is disturbed itself.
    """
    return DisturbedConnector(inner, chaos, is_remote=is_remote, is_stacked=is_stacked)


class DisturbedConnector:
    """Passes everything on, and lets faults happen on the way."""

    def __init__(self, inner: Connector, chaos: Chaos, *, is_remote: bool, is_stacked: bool) -> None:
        self._inner = inner
        self._chaos = chaos
        self._is_remote = is_remote
        self._killers: dict[str, asyncio.Task[None]] = {}
        self._killed: dict[str, str] = {}
        """By token of an attempt that is being killed: its name."""
        for capability in CAPABILITIES:
            if isinstance(inner, capability):
                vars(self).update({name: getattr(inner, name) for name in _members(capability)})
        if isinstance(inner, Data) and not is_stacked:
            data = _DisturbedData(inner, chaos)
            vars(self).update(write=data.write, unpack=data.unpack)
        if isinstance(inner, Sending):
            vars(self).update(send=_DisturbedSending(inner, chaos).send)

    # -- the place -----------------------------------------------------------------------------

    async def deploy(self) -> None:
        """Make the places be there."""
        await self._inner.deploy()

    async def undeploy(self) -> None:
        """Undo `deploy`."""
        for killer in self._killers.values():
            killer.cancel()
        self._killers.clear()
        await self._inner.undeploy()

    async def locations(self) -> Sequence[Location]:
        """Return the locations."""
        return await self._inner.locations()

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        """Run a short command; the connection may be lost meanwhile."""
        what = f"a command ({argv[0]})"
        return await self._call(location, what, lambda: self._inner.run(location, argv, stdin=stdin, timeout=timeout))

    def tree(self, location: str, root: str) -> WorkTree:
        """Return reading access to what lies below a directory."""
        return self._inner.tree(location, root)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        """Carry out changes to files; the connection may be lost meanwhile."""
        listed = list(actions)
        await self._call(location, "changes to files", lambda: self._inner.prepare(location, listed))

    async def remove(self, location: str, directory: str) -> None:
        """Remove a directory and all below it."""
        await self._inner.remove(location, directory)

    # -- attempts ------------------------------------------------------------------------------

    async def launch(self, location: str, launch: Launch) -> Handle:
        """Start an attempt; it may be killed, and nobody may hear that it was started."""
        what = f"the launch of {launch.name}"
        chance = self._chaos.chance(Act.KILL, location)

        async def launched() -> Handle:
            handle = await self._inner.launch(location, launch)
            if chance is not None:
                killing = self._kill(location, launch, handle, chance.uniform(0, LATEST_KILL))
                self._killers[launch.token] = asyncio.get_running_loop().create_task(killing)
            return handle

        return await self._call(location, what, launched)

    async def _kill(self, location: str, launch: Launch, handle: Handle, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._killed[launch.token] = launch.name
        with contextlib.suppress(PlaceFailed):
            await self._inner.cancel(location, handle)

    async def wait(self, location: str, handle: Handle) -> Ended:
        """Return when the attempt has ended; the connection may be lost meanwhile."""
        ended = await self._call(location, "the wait for a job", lambda: self._inner.wait(location, handle))
        killer = self._killers.pop(handle.token, None)
        if killer is not None:
            killer.cancel()
        name = self._killed.pop(handle.token, None)
        if name is None or ended.ending is not Ending.CANCELLED:
            return ended  # it was over before it was killed
        await self._chaos.strike(Act.KILL, location, name)
        return _as_killed(ended)

    async def find(self, location: str, launch: Launch) -> Handle | Ended | None:
        """Ask the place about an attempt; one that an earlier controller has killed is told as killed."""
        what = f"the search for {launch.name}"
        found = await self._call(location, what, lambda: self._inner.find(location, launch))
        killing = self._chaos.spec.kill and launch.token not in self._killed
        if killing and isinstance(found, Ended) and found.ending is Ending.CANCELLED and found.message is None:
            return _as_killed(found)
        return found

    async def cancel(self, location: str, handle: Handle) -> None:
        """End an attempt, which is then nobody else's doing."""
        killer = self._killers.pop(handle.token, None)
        if killer is not None:
            killer.cancel()
        self._killed.pop(handle.token, None)
        await self._inner.cancel(location, handle)

    # -- connections ---------------------------------------------------------------------------

    async def _call(self, location: str, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """Carry out a call, which may be late, and whose answer may be lost. Raises PlaceFailed."""
        if not self._is_remote:
            return await work()
        await asyncio.sleep(self._chaos.pause(location))
        chance = self._chaos.chance(Act.DROP, location)
        if chance is None:
            return await work()
        is_carried_out = chance.random() < 0.5
        await self._chaos.strike(Act.DROP, location, f"{'the answer to ' if is_carried_out else ''}{what}")
        if is_carried_out:
            await work()
        raise PlaceFailed(f"{location}: the connection was lost (chaos)")


class _DisturbedData:
    """What is written to a place arrives changed, or breaks off."""

    def __init__(self, inner: Data, chaos: Chaos) -> None:
        self._inner = inner
        self._chaos = chaos

    async def write(
        self, location: str, path: str, chunks: AsyncIterable[bytes], *, offset: int = 0, mode: int = 0o644
    ) -> str | None:
        """Write chunks to a file."""
        spoilt = await self._spoilt(location, path, chunks)
        return await self._inner.write(location, path, spoilt, offset=offset, mode=mode)

    async def unpack(self, location: str, directory: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below a directory."""
        await self._inner.unpack(location, directory, await self._spoilt(location, directory, chunks))

    async def _spoilt(self, location: str, path: str, chunks: AsyncIterable[bytes]) -> AsyncIterable[bytes]:
        chance = self._chaos.chance(Act.CORRUPT, location)
        if chance is not None:
            await self._chaos.strike(Act.CORRUPT, location, path)
            return corrupted(chunks, chance)
        chance = self._chaos.chance(Act.CUT, location)
        if chance is not None:
            await self._chaos.strike(Act.CUT, location, path)
            return broken_off(chunks, chance, location)
        return chunks


class _DisturbedSending:
    """What a place sends to another one by itself breaks off: nobody sees the bytes, to change them."""

    def __init__(self, inner: Sending, chaos: Chaos) -> None:
        self._inner = inner
        self._chaos = chaos

    async def send(self, location: str, path: str, to: str, target: str) -> None:
        """Copy a file or a whole directory to a path at an address."""
        chances = [self._chaos.chance(act, location) for act in (Act.CORRUPT, Act.CUT)]
        if any(chances):
            await self._chaos.strike(Act.CUT, location, target)
            raise PlaceFailed(f"{location}: the connection to {to} was lost (chaos)")
        await self._inner.send(location, path, to, target)


def _as_killed(ended: Ended) -> Ended:
    return replace(ended, ending=Ending.SIGNALLED, exit_code=128 + SIGNAL, signal=SIGNAL, message=KILLED)


def _members(capability: type[Any]) -> Iterable[str]:
    """Return the names of what a protocol asks for."""
    return {name for name in (*vars(capability), *capability.__annotations__) if name[0] != "_"}
