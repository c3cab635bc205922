"""A host as the rest of this package uses it: programs carried out by a shell of their own, or by one kept open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Protocol, runtime_checkable

from ...errors import PlaceFailed
from ..base import Completed
from ..data import Take
from ..local_data import last_line
from .facts import HELLO, Known, parse_hello
from .failures import Broken, hint_of
from .session import ShellSession

ANSWER_SECONDS = 60.0
"""How long a short program may take before its shell counts as dead."""
TRIES = 5
"""How often a program is sent again whose shell ended before it answered."""


class Transport(Protocol):
    """Carries programs to the shell of one host.

    Raises PlaceFailed when the host cannot be reached, after it tried for as long as it is meant to,
    and Broken when the way to the host was lost while a program ran.
    """

    @property
    def name(self) -> str:
        """What the host is called in messages."""
        ...

    @property
    def losses(self) -> int:
        """How often the way to the host was lost so far."""
        ...

    @property
    def shells(self) -> int:
        """How many shells may be kept open at a time, at least one."""
        ...

    async def execute(self, program: str, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        """Carry out a program in a shell of its own."""
        ...

    def stream(self, program: str, stdin: AsyncIterable[bytes] | None = None) -> AsyncGenerator[bytes, None]:
        """Carry out a program, feed it, and yield what it prints; CommandFailed when its exit code is not 0."""
        ...

    async def close(self) -> None:
        """Let go of the way to the host; it is found again when it is needed."""
        ...


@runtime_checkable
class Swift(Protocol):
    """What a transport may be able to do beside: carry large streams faster, though they take longer to begin."""

    @property
    def is_swift(self) -> bool:
        """Tell whether it can at present, as far as is known."""
        ...

    def swift_stream(
        self, program: str, stdin: AsyncIterable[bytes] | None = None, take: Take | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Do what `Transport.stream` does; what the program prints is given to `take`, if there is one."""
        ...


async def taken(chunks: AsyncGenerator[bytes, None], take: Take | None) -> AsyncGenerator[bytes, None]:
    """Yield chunks, or give them to `take`, in a thread."""
    async with contextlib.aclosing(chunks) as given:
        async for chunk in given:
            if take is None:
                yield chunk
            else:
                await asyncio.to_thread(take, memoryview(chunk))


class Host:
    """One host, and the shells that are kept open there."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._sessions: list[ShellSession] = []
        self._known: asyncio.Task[Known] | None = None
        self._asked_at = 0
        self.remembered: Known | None = None
        """What the host told when it was last asked."""

    @property
    def name(self) -> str:
        """What the host is called in messages."""
        return self.transport.name

    async def known(self) -> Known:
        """Return what there is to know of the host. Raises PlaceFailed.

        It is asked once, and again after the way to it was lost: it may have been started anew.
        """
        task = self._known
        failed = task is not None and task.done() and (task.cancelled() or task.exception() is not None)
        if task is None or failed or self._asked_at != self.transport.losses:
            self._asked_at = self.transport.losses
            task = self._known = asyncio.ensure_future(self._ask())
        return await asyncio.shield(task)

    async def _ask(self) -> Known:
        self.remembered = parse_hello(await self.executed(HELLO, "look around"))
        return self.remembered

    async def quick(self, program: str) -> Completed:
        """Carry out a short program, which may be carried out twice, in a shell that stays open."""
        for _ in range(TRIES):
            session = self._session()
            try:
                # Not `wait_for`, which in Python 3.11 loses a cancellation that comes as the session breaks off.
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await session.run(program)
            except Broken:
                self._drop(session)
            except TimeoutError:
                self._drop(session)
                await session.close()
                raise PlaceFailed(f"{self.name} gave no answer within {ANSWER_SECONDS:.0f} s") from None
        raise PlaceFailed(f"{self.name}: the shell there ends again and again")

    async def printed(self, program: str, doing: str) -> bytes:
        """Return what a short program printed. Raises PlaceFailed with its last words when it fails."""
        return self.well(await self.quick(program), doing)

    async def executed(self, program: str, doing: str, stdin: bytes = b"") -> bytes:
        """Return what a program of its own shell printed, which may take long, and be carried out twice."""
        return self.well(await self.repeated(program, stdin), doing)

    async def repeated(self, program: str, stdin: bytes = b"") -> Completed:
        """Carry out a program in a shell of its own, and again when the connection is lost meanwhile."""
        for _ in range(TRIES):
            with contextlib.suppress(Broken):
                return await self.transport.execute(program, stdin)
        raise PlaceFailed(f"{self.name}: the connection breaks off again and again")

    def well(self, done: Completed, doing: str) -> bytes:
        """Return what a command printed. Raises PlaceFailed when it ended badly."""
        if done.code != 0:
            raise PlaceFailed(f"{self.name} cannot {doing}: {last_line(done.stderr)}", hint=hint_of(done.stderr))
        return done.stdout

    async def close(self) -> None:
        """End the shells that are open."""
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            await session.close()

    def _session(self) -> ShellSession:
        """Return the shell that has the least to do; open one more when all are busy and it is allowed."""
        self._sessions = [session for session in self._sessions if session.is_open]
        best = min(self._sessions, key=lambda session: session.pending, default=None)
        if best is None or (best.pending > 0 and len(self._sessions) < self.transport.shells):
            best = ShellSession(lambda programs: self.transport.stream("exec sh", programs))
            self._sessions.append(best)
        return best

    def _drop(self, session: ShellSession) -> None:
        if session in self._sessions:
            self._sessions.remove(session)
