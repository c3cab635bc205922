"""Waiting for news, for a while."""

from __future__ import annotations

import asyncio
import time

import pytest

from recrate.connectors.news import news_within


async def test_it_ends_with_the_news() -> None:
    news = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, news.set)
    began = time.monotonic()
    await news_within(60, news)
    assert time.monotonic() - began < 30


async def test_it_ends_when_the_time_is_up() -> None:
    news = asyncio.Event()
    await news_within(0.01, news)
    assert not news.is_set()


async def test_a_cancellation_that_comes_together_with_the_news_is_not_lost() -> None:
    news = asyncio.Event()
    waiting = asyncio.create_task(news_within(60, news))
    await asyncio.sleep(0.01)
    news.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
