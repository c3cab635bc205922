"""Questions that come at the same time are answered together, and each gets its own answer or failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from recrate.connectors.shell.together import MOST, Together


class Asked:
    """Answers numbers by their double; remembers what it was asked at once."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go_on = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(numbers))
        await self.go_on.wait()
        return [ValueError(str(number)) if number < 0 else 2 * number for number in numbers]


async def test_what_comes_meanwhile_is_asked_at_once() -> None:
    asked = Asked()
    together: Together[int, int] = Together(asked)
    first = asyncio.ensure_future(together.ask(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.ensure_future(together.ask(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    asked.go_on.set()
    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert asked.batches == [[1], [2, 3, 4]]


async def test_a_failure_is_of_the_one_who_asked() -> None:
    asked = Asked()
    asked.go_on.set()
    together: Together[int, int] = Together(asked)
    answers = await asyncio.gather(*(together.ask(number) for number in (1, -2, 3)), return_exceptions=True)
    assert answers[::2] == [2, 6]
    assert isinstance(answers[1], ValueError)


async def test_when_nobody_can_be_asked_all_hear_of_it_and_the_next_can_ask_again() -> None:
    calls = 0

    async def fails_once(numbers: Sequence[int]) -> Sequence[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("gone")
        return numbers

    together: Together[int, int] = Together(fails_once)
    answers = await asyncio.gather(together.ask(1), together.ask(2), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError, ConnectionError]
    assert await together.ask(3) == 3


async def test_who_does_not_wait_any_more_is_not_asked_for() -> None:
    asked = Asked()
    together: Together[int, int] = Together(asked)
    tasks = [asyncio.ensure_future(together.ask(number)) for number in (1, 2, 3)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    late = [asyncio.ensure_future(together.ask(number)) for number in (4, 5)]
    await asyncio.sleep(0.01)
    late[0].cancel()
    await asyncio.sleep(0)
    asked.go_on.set()
    assert await late[1] == 10
    assert asked.batches[-1] == [5]
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]


async def test_not_too_many_are_asked_at_once() -> None:
    asked = Asked()
    asked.go_on.set()
    together: Together[int, int] = Together(asked)
    await asyncio.gather(*(together.ask(number) for number in range(MOST + 1)))
    assert sorted(map(len, asked.batches)) == [1, MOST]
