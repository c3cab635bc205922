"""Transfers wait for their turn within all limits; one that is ended while it waits holds nothing afterwards."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from recrate.core.places import Storage
from recrate.core.transport import Limits, Transport, _Turn


def transport(all_streams: int, own_streams: int) -> tuple[Transport, Limits, Limits]:
    """Return what carries moves out, with its limits: of all, and of each place."""
    every, own = Limits.of(all_streams, None), Limits.of(own_streams, None)
    nothing = cast(Any, None)
    made = Transport("run", nothing, nothing, nothing, nothing, every, lambda name: own if name == "east" else None)
    return made, every, own


def storage(name: str) -> Storage:
    nothing = cast(Any, None)
    return Storage(name, nothing, name, nothing, "/data")


async def test_a_transfer_that_is_ended_while_it_waits_gives_back_what_it_has() -> None:
    made, every, own = transport(all_streams=1, own_streams=1)
    east, west = storage("east"), storage("west")
    async with _Turn(made, [west]):
        waiting = asyncio.create_task(_Turn(made, [east]).__aenter__())
        await asyncio.sleep(0)
        assert own.streams.locked(), "it has its turn at the place, and waits for the one of all"
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not own.streams.locked()
        assert every.streams.locked()
    async with asyncio.timeout(1), _Turn(made, [east]):
        assert own.streams.locked() and every.streams.locked()
    assert not own.streams.locked() and not every.streams.locked()
