"""A shell that a command of another place leads to: as another user, in a container, in a jail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from ...errors import PlaceFailed
from ..base import Completed, Connector
from ..data import Streaming
from .failures import CommandFailed
from .words import SHELL, plain_program

SHELLS = 2


class WithinTransport:
    """A `host.Transport` that puts words before each shell that another connector starts.

    Args:
        name: what the host is called in messages.
        inner: the connector that starts commands; it must be able to stream.
        location: one of its locations.
        words: what stands before `/bin/sh`, such as `docker exec -i CONTAINER`.
    """

    def __init__(self, name: str, inner: Connector, location: str, words: Sequence[str]) -> None:
        self._name = name
        self.inner = inner
        self.location = location
        self.words = tuple(words)

    @property
    def name(self) -> str:
        """What the host is called in messages."""
        return self._name

    @property
    def losses(self) -> int:
        """Never lost: whoever starts commands tries again by itself."""
        return 0

    @property
    def shells(self) -> int:
        """How many shells may be kept open at a time."""
        return SHELLS

    async def execute(self, program: str, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        """Carry out a program in a shell of its own."""
        return await self.inner.run(self.location, self._argv(program), stdin=stdin, timeout=timeout)

    async def stream(self, program: str, stdin: AsyncIterable[bytes] | None = None) -> AsyncGenerator[bytes, None]:
        """Carry out a program, feed it, and yield what it prints. Raises CommandFailed."""
        if not isinstance(self.inner, Streaming):
            raise PlaceFailed(f"{self.name} is reached through {self.location}, which carries no streams")
        try:
            printed = self.inner.stream(self.location, self._argv(program), stdin)
            async with contextlib.aclosing(printed) as chunks:
                async for chunk in chunks:
                    yield chunk
        except PlaceFailed as failure:
            raise CommandFailed(self.name, failure.problem.rpartition("failed: ")[2]) from failure

    async def close(self) -> None:
        """Do nothing: nothing is kept open but shells."""

    def _argv(self, program: str) -> list[str]:
        return [*self.words, SHELL, "-c", plain_program(program)]
