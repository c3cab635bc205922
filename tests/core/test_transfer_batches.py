"""Small files that go to one storage travel together, and from all places at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from recrate.core.journeys import Move, Replica
from recrate.core.places import Storage
from recrate.core.transport import Limits, Transport


class Meeting(Transport):
    """Brings from a place only when it does so from the other one too."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.begun: list[str] = []

    async def _together(self, name: str, moves: Sequence[Move], target: Storage) -> bool:
        self.begun.append(name)
        while len(self.begun) < 2:
            await asyncio.sleep(0)
        return True


async def test_no_place_waits_for_another_one() -> None:
    nothing = cast(Any, None)
    known = cast(Any, SimpleNamespace(may_be=lambda sha256, replica: True))
    made = Meeting("run", nothing, known, nothing, nothing, Limits.of(None, None))
    here = Storage("", nothing, "", nothing, "/data")
    moves = [
        Move(f"{place}{number}", f"/data/{place}{number}", Replica(place, f"/work/{number}"), 9)
        for place in ("east", "west")
        for number in range(3)
    ]
    async with asyncio.timeout(5):
        await made.bring(moves, here)
    assert sorted(made.begun) == ["east", "west"]
