"""Spoilt streams are never what they were, and the place that they come from is not kept open."""

from __future__ import annotations

import asyncio
import io
import random
import tarfile
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recrate.connectors.chaos.streams import broken_off, corrupted
from recrate.errors import PlaceFailed

CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=5)
SEEDS = st.integers(0, 10_000)


async def stream(chunks: Sequence[bytes], closed: list[bool]) -> AsyncIterator[bytes]:
    try:
        for chunk in chunks:
            yield chunk
    finally:
        closed.append(True)


@given(CHUNKS, SEEDS)
def test_a_spoilt_stream_is_another_one_and_raises_nothing(chunks: list[bytes], seed: int) -> None:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in corrupted(stream(chunks, closed), random.Random(seed))])

    closed: list[bool] = []
    found = asyncio.run(read())
    assert found != b"".join(chunks)
    assert closed == [True]


@given(CHUNKS, SEEDS)
def test_a_stream_that_breaks_off_gives_a_beginning_and_raises(chunks: list[bytes], seed: int) -> None:
    found: list[bytes] = []
    closed: list[bool] = []

    async def read() -> None:
        async for chunk in broken_off(stream(chunks, closed), random.Random(seed), "east"):
            found.append(chunk)

    with pytest.raises(PlaceFailed, match="east: the connection was lost"):
        asyncio.run(read())
    assert b"".join(chunks).startswith(b"".join(found))
    assert closed == [True]


@given(SEEDS)
@example(66)
def test_an_archive_is_spoilt_where_it_matters(seed: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("a")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))

    async def read() -> bytes:
        chance = random.Random(seed)
        return b"".join([chunk async for chunk in corrupted(stream([buffer.getvalue()], []), chance)])

    try:
        with tarfile.open(fileobj=io.BytesIO(asyncio.run(read()))) as found:
            whole = found.extractfile("a")
            content = whole.read() if whole is not None else None
    except (tarfile.TarError, KeyError):
        content = None
    assert content != b"abc"
