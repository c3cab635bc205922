"""A run in which nothing happens: that is an event too, with what the run waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..data_classes import dataclass
from .machine.events import NothingHappened

STALLED_SECONDS = 300.0
LONGEST_SECONDS = 3600.0
MOST_REASONS = 8


@dataclass(slots=True)
class StallWatch:
    """Says so when nothing happens for long: after `seconds`, then after twice as long, and so on."""

    progress: Callable[[], object]
    """What changes whenever something happens."""
    diagnosis: Callable[[], Awaitable[list[str]]]
    """What the run waits for, in a line each."""
    tell: Callable[[NothingHappened], Awaitable[None]]
    seconds: float = STALLED_SECONDS

    async def watch(self) -> None:
        """Go on until cancelled."""
        patience, seen = self.seconds, self.progress()
        while True:
            await asyncio.sleep(patience)
            now = self.progress()
            if now != seen:
                patience, seen = self.seconds, now
                continue
            await self.tell(NothingHappened(patience, tuple((await self.diagnosis())[:MOST_REASONS])))
            patience, seen = min(2 * patience, LONGEST_SECONDS), self.progress()
