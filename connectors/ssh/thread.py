"""A thread with an event loop of its own, in which all connections of this program live.

What reads the files of a job does so step by step, in whatever thread it happens to be; it can wait
there for something that the other thread does. And a busy connection does not hold up the engine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """An event loop that runs in a thread of its own until the program ends."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done there, and await what it gives; when this is cancelled, that is too."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    def block(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done there, and wait in this thread, which must be another one."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def iterate(self, there: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        """Yield what a generator there yields."""
        generator = there()
        try:
            while True:
                try:
                    item = await self.call(_next(generator))
                except _End:
                    return
                yield item
        finally:
            await self.call(generator.aclose())

    def carried(self, chunks: AsyncIterable[T]) -> AsyncIterator[T]:
        """Return chunks that come from the loop of whoever calls this, to be iterated over there."""
        here, items = asyncio.get_running_loop(), aiter(chunks)

        async def over_there() -> AsyncGenerator[T, None]:
            while True:
                asked = asyncio.run_coroutine_threadsafe(_next(items), here)
                try:
                    item = await asyncio.wrap_future(asked)
                except _End:
                    return
                yield item

        return over_there()


class _End(Exception):
    """There are no more items: StopAsyncIteration cannot be set on a future."""


async def _next(items: AsyncIterator[T]) -> T:
    try:
        return await anext(items)
    except StopAsyncIteration:
        raise _End from None


@lru_cache(maxsize=1)
def connections_thread() -> LoopThread:
    """Return the thread of all connections of this process."""
    return LoopThread("recrate-connections")
