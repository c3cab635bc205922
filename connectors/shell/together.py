"""Questions that come while earlier ones are being answered, and are then answered together.

Each program costs its host some processes. When little is asked, every question has a program of its own and
waits for nothing; when much is asked, the next program answers all that has gathered meanwhile.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST = 500


class Together(Generic[Item, Answer]):
    """Answers questions in one event loop; `answer` returns, for each in order, its answer or the error to raise.

    An error that it raises itself is everybody's.
    """

    def __init__(
        self, answer: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]], *, workers: int = 1
    ) -> None:
        self._answer = answer
        self._workers = workers
        self._waiting: collections.deque[tuple[Item, asyncio.Future[Answer]]] = collections.deque()
        self._working: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Answer:
        """Return the answer to a question."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answered))
        if len(self._working) < self._workers:
            task = asyncio.ensure_future(self._work())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await answered

    async def _work(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            open_ones = [(item, answered) for item, answered in taken if not answered.done()]
            try:
                answers = await self._answer([item for item, _ in open_ones])
            except Exception as error:  # noqa: BLE001 -- whatever went wrong is raised where the answer is awaited
                answers = [error] * len(open_ones)
            for (_, answered), answer in zip(open_ones, answers, strict=True):
                if answered.done():
                    continue
                if isinstance(answer, Exception):
                    answered.set_exception(answer)
                else:
                    answered.set_result(answer)
