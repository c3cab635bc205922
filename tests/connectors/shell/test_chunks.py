"""The bytes of a file of a host: read in another thread, taken here one by one or where they are read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator

import pytest

from recrate.connectors.data import Take
from recrate.connectors.kit import joined
from recrate.connectors.shell import chunks
from recrate.connectors.shell.chunks import HostChunks
from recrate.connectors.shell.host import taken
from recrate.connectors.shell.thread import connections_thread
from recrate.errors import PlaceFailed

PIECES = [b"one ", b"two ", b"three"]


class Source:
    """A file of a host."""

    def __init__(self, *, is_stuck: bool = False) -> None:
        self.is_stuck = is_stuck
        self.is_closed = threading.Event()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield all of it."""
        try:
            for piece in PIECES:
                yield piece
            if self.is_stuck:
                await asyncio.sleep(600)
        finally:
            self.is_closed.set()

    def read(self, take: Take | None) -> AsyncGenerator[bytes, None]:
        """Yield it, or give it to `take`."""
        return taken(self.pieces(), take)


def made(source: Source) -> tuple[HostChunks, list[int]]:
    """Return a stream, and what it tells."""
    stream, told = HostChunks(connections_thread(), source.read), list[int]()
    stream.tell = told.append
    return stream, told


async def test_chunks_come_one_by_one_and_are_counted() -> None:
    stream, told = made(Source())
    assert await joined(stream) == b"".join(PIECES)
    assert told == [len(piece) for piece in PIECES]


async def test_all_pours_into_what_takes_it_and_is_counted() -> None:
    stream, told = made(Source())
    got = bytearray()
    await stream.pour(got.extend)
    assert got == b"".join(PIECES)
    assert sum(told) == len(got)


async def test_what_takes_it_may_fail() -> None:
    source = Source()

    def take(piece: memoryview) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await made(source)[0].pour(take)
    assert await asyncio.to_thread(source.is_closed.wait, 10)


async def test_one_that_brings_nothing_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "STALL_SECONDS", 0.3)
    source, got = Source(is_stuck=True), bytearray()
    with pytest.raises(PlaceFailed, match="nothing came"):
        await made(source)[0].pour(got.extend)
    assert got == b"".join(PIECES)
    assert await asyncio.to_thread(source.is_closed.wait, 10)


async def test_one_that_nobody_wants_any_more_is_closed() -> None:
    source = Source(is_stuck=True)
    stream, _ = made(source)
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(source.is_closed.wait, 10)


async def test_a_cancelled_one_is_closed() -> None:
    source, begun = Source(is_stuck=True), threading.Event()
    pouring = asyncio.create_task(made(source)[0].pour(lambda _: begun.set()))
    assert await asyncio.to_thread(begun.wait, 10)
    pouring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pouring
    assert await asyncio.to_thread(source.is_closed.wait, 10)
