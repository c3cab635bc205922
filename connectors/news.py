"""Waiting for news, for a while."""

from __future__ import annotations

import asyncio
import contextlib


async def news_within(seconds: float, news: asyncio.Event) -> None:
    """Return when there are news, or when the time is up.

    Not by `asyncio.wait_for`, which in Python 3.11 loses a cancellation that comes together with the news.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
