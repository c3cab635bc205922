"""The bytes of a file of a host, as whoever runs in another event loop takes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from ..data import STALL_SECONDS, CountedChunks, Take, stalled
from .thread import LoopThread

Read = Callable[[Take | None], AsyncGenerator[bytes, None]]
"""Yields the bytes of a file, in the loop of the connections, or gives them to what is passed."""


class HostChunks(CountedChunks):
    """What a file of a host has. Its bytes come one by one, or pour into what takes them (see `data.Pouring`)."""

    def __init__(self, thread: LoopThread, read: Read) -> None:
        self._thread = thread
        self._read = read
        self._chunks: AsyncGenerator[bytes, None] | None = None

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes."""
        if self._chunks is None:
            self._chunks = self._thread.iterate(lambda: self._read(None))
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self.passed(len(chunk))
        return chunk

    async def aclose(self) -> None:
        """Read no more."""
        if self._chunks is not None:
            await self._chunks.aclose()

    async def pour(self, take: Take) -> None:
        """Give all to `take`. Raises what that raises, and PlaceFailed."""
        loop = asyncio.get_running_loop()
        limit = asyncio.timeout(STALL_SECONDS)

        def moved(count: int) -> None:
            with contextlib.suppress(RuntimeError):  # the time is up, or all is over
                limit.reschedule(loop.time() + STALL_SECONDS)
            self.passed(count)

        def given(piece: memoryview) -> None:
            take(piece)
            loop.call_soon_threadsafe(moved, len(piece))

        try:
            async with limit:
                await self._thread.call(_exhausted(self._read(given)))
        except TimeoutError as error:
            raise stalled(self.count) from error


async def _exhausted(chunks: AsyncGenerator[bytes, None]) -> None:
    async for _ in chunks:
        continue
