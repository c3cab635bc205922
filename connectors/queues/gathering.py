"""Calls that come close together become one: a short window in which they gather."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from ...errors import RecrateError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

QUIET_SECONDS = 0.02
"""The window closes when nothing has come for so long; with each that comes, more are likely, and it is longer."""
MOST_QUIET = 8
"""So many times longer at most."""
LONGEST_SECONDS = 0.5
IDLE_SECONDS = 10.0
FIRST_SECONDS = 0.1
"""The longest window after so long a time without any: the first of many shall not wait for the last."""


class Gathering(Generic[Item, Answer]):
    """Gathers items, and has them answered together.

    `answer` returns, for each item in order, its answer or the error to raise. An error that it
    raises itself is everybody's. With `in_turn` a window stays open until those before it are answered.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | RecrateError]]],
        *,
        quiet: float = QUIET_SECONDS,
        longest: float = LONGEST_SECONDS,
        in_turn: bool = False,
    ) -> None:
        self._answer = answer
        self._quiet = quiet
        self._longest = longest
        self._turn = asyncio.Lock() if in_turn else contextlib.nullcontext()
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = 0.0
        self._closed = float("-inf")

    async def ask(self, item: Item) -> Answer:
        """Return the answer to an item, or raise what its answer is."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((item, future))
        self._last = loop.time()
        if len(self._waiting) == 1:
            task = loop.create_task(self._gather())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    @property
    def _closes(self) -> float:
        return self._last + self._quiet * min(len(self._waiting), MOST_QUIET)

    async def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        is_first = loop.time() - self._closed > IDLE_SECONDS
        deadline = loop.time() + (min(FIRST_SECONDS, self._longest) if is_first else self._longest)
        while (now := loop.time()) < min(deadline, self._closes):
            await asyncio.sleep(min(deadline, self._closes) - now)
        async with self._turn:
            waiting, self._waiting = self._waiting, []
            self._closed = loop.time()
            await self._settle_all(waiting)

    async def _settle_all(self, waiting: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> None:
        futures = [future for _, future in waiting]
        try:
            answers = await self._answer([item for item, _ in waiting])
        except Exception as error:  # noqa: BLE001 -- whatever went wrong is raised where the answer is awaited
            for future in futures:
                _settle(future, error)
            return
        for future, answer in zip(futures, answers, strict=True):
            _settle(future, answer)


def _settle(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
