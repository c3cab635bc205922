"""Streams of bytes on their way: measured, slowed down, and given up when they stall."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from ..connectors.data import STALL_SECONDS, CountedChunks, stalled
from ..data_classes import dataclass


@dataclass(slots=True)
class Throttle:
    """Lets so many bytes a second pass, all streams together; None is no limit."""

    rate: int | None = None
    _free_at: float = 0.0

    async def passed(self, count: int) -> None:
        """Return when so many bytes may have passed."""
        if self.rate is None:
            return
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + count / self.rate
        await asyncio.sleep(self._free_at - now)


@dataclass(slots=True)
class Meter:
    """Counts the bytes of one stream."""

    throttles: tuple[Throttle, ...] = ()
    tell: Callable[[int], None] | None = None
    """Is told of bytes that passed."""
    count: int = 0

    def through(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a stream, and close it at the end. Raises PlaceFailed when it stalls.

        One that counts by itself stays what it is, unless it is to be slowed down.
        """
        if isinstance(chunks, CountedChunks) and all(throttle.rate is None for throttle in self.throttles):
            chunks.tell = self._passed
            return chunks
        return self._through(chunks)

    async def _through(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                try:
                    async with asyncio.timeout(STALL_SECONDS):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise stalled(self.count) from error
                for throttle in self.throttles:
                    await throttle.passed(len(chunk))
                self._passed(len(chunk))
                yield chunk
        finally:
            await chunks.aclose()

    def _passed(self, count: int) -> None:
        self.count += count
        if self.tell is not None:
            self.tell(count)
