"""A thread with an event loop of its own, in which all connections of this program live.

What reads the files of a job does so step by step, in whatever thread it happens to be; it can wait
there for something that the other thread does. And a busy connection does not hold up the engine.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine
from functools import lru_cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")
AHEAD = 4
"""So many items are on their way from one loop to the other at most."""


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

    def iterate(self, there: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        """Yield what a generator there yields; it is some items ahead."""
        return self._handed_over(there, self.loop)

    def carried(self, chunks: AsyncIterable[T]) -> AsyncIterator[T]:
        """Return chunks that come from the loop of whoever calls this, to be iterated over there."""
        return self._handed_over(lambda: _items(chunks), asyncio.get_running_loop())

    @staticmethod
    async def _handed_over(
        origin: Callable[[], AsyncGenerator[T, None]], loop: asyncio.AbstractEventLoop
    ) -> AsyncGenerator[T, None]:
        """Yield here what a generator yields in another loop."""
        handover: Handover[T] = Handover(loop, asyncio.get_running_loop())
        pumping = asyncio.run_coroutine_threadsafe(_pump(origin, handover), loop)
        try:
            while (batch := await handover.taken()) is not None:
                for item in batch:
                    yield item
            await asyncio.wrap_future(pumping)
        finally:
            pumping.cancel()


class Handover(Generic[T]):
    """Items on their way from one event loop to another, a few at a time."""

    def __init__(self, origin: asyncio.AbstractEventLoop, target: asyncio.AbstractEventLoop) -> None:
        self._origin = origin
        self._target = target
        self._items: collections.deque[T] = collections.deque()
        self._over = False
        self._room = asyncio.Event()
        self._news = asyncio.Event()

    async def give(self, item: T) -> None:
        """Hand an item over, in the loop that it comes from; wait while many are on their way."""
        self._items.append(item)
        self._target.call_soon_threadsafe(self._news.set)
        while len(self._items) >= AHEAD:
            self._room.clear()
            if len(self._items) >= AHEAD:
                await self._room.wait()

    def end(self) -> None:
        """Say that there are no more items."""
        self._over = True
        self._target.call_soon_threadsafe(self._news.set)

    async def taken(self) -> list[T] | None:
        """Return the items that have arrived, in the loop that they go to; None when no more will come."""
        while not self._items:
            if self._over and not self._items:
                return None
            self._news.clear()
            if not self._items and not self._over:
                await self._news.wait()
        batch = [self._items.popleft() for _ in range(len(self._items))]
        self._origin.call_soon_threadsafe(self._room.set)
        return batch


async def _pump(origin: Callable[[], AsyncGenerator[T, None]], handover: Handover[T]) -> None:
    try:
        async with contextlib.aclosing(origin()) as items:
            async for item in items:
                await handover.give(item)
    finally:
        handover.end()


async def _items(chunks: AsyncIterable[T]) -> AsyncGenerator[T, None]:
    async for item in chunks:
        yield item


@lru_cache(maxsize=1)
def connections_thread() -> LoopThread:
    """Return the thread of all connections of this process."""
    return LoopThread("recrate-connections")
