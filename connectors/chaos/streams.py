"""Streams of bytes that arrive changed, or break off."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from ...errors import PlaceFailed

STRETCH = 16
"""So many bytes are changed."""


async def corrupted(chunks: AsyncIterable[bytes], chance: random.Random) -> AsyncGenerator[bytes, None]:
    """Yield a stream of which some bytes are others, or of which the end is missing; an empty one gets a byte."""
    spoil = _flipped if chance.random() < 0.5 else _shortened
    spoilt = False
    async with aclosing(_generator(chunks)) as stream:
        async for chunk in stream:
            if spoilt or not chunk:
                yield chunk
                continue
            spoilt = True
            yield spoil(chunk, chance)
            if spoil is _shortened:
                return
    if not spoilt:
        yield b"\0"


async def broken_off(chunks: AsyncIterable[bytes], chance: random.Random, location: str) -> AsyncGenerator[bytes, None]:
    """Yield some of the first bytes of a stream. Raises PlaceFailed then."""
    async with aclosing(_generator(chunks)) as stream:
        async for chunk in stream:
            yield chunk[: chance.randrange(len(chunk) + 1)]
            break
    raise PlaceFailed(f"{location}: the connection was lost (chaos)")


def _flipped(chunk: bytes, chance: random.Random) -> bytes:
    """Return bytes of which some are others: no padding of archives, and more than the sum in the head of a member.

    That sum has 8 bytes, of which some do not matter.
    """
    places = [at for at in (chance.randrange(len(chunk)) for _ in range(64)) if chunk[at]]
    at = places[0] if places else next((at for at, byte in enumerate(chunk) if byte), None)
    if at is None:
        return b"\1" + chunk[1:]
    changed = bytes(byte and byte ^ 1 for byte in chunk[at : at + STRETCH])
    return chunk[:at] + changed + chunk[at + STRETCH :]


def _shortened(chunk: bytes, chance: random.Random) -> bytes:
    """Return the beginning of bytes, without some that are more than the padding at the end of an archive."""
    return chunk[: chance.randrange(len(chunk.rstrip(b"\0")) or 1)]


async def _generator(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield a stream, and close it at the end whatever it is."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
