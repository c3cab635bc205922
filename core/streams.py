"""Streams of bytes on their way: measured, slowed down, and given up when they stall."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from ..data_classes import dataclass
from ..errors import PlaceFailed

STALL_SECONDS = 120.0
"""A stream that brings nothing for so long is given up."""


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

    async def through(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a stream, and close it at the end. Raises PlaceFailed when it stalls."""
        try:
            while True:
                try:
                    async with asyncio.timeout(STALL_SECONDS):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise PlaceFailed(f"nothing came for {STALL_SECONDS:g} s after {self.count} bytes") from error
                self.count += len(chunk)
                for throttle in self.throttles:
                    await throttle.passed(len(chunk))
                if self.tell is not None:
                    self.tell(len(chunk))
                yield chunk
        finally:
            await chunks.aclose()
