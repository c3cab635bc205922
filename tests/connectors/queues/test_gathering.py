"""Calls that come close together become one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from recrate.connectors.queues.gathering import Gathering
from recrate.errors import PlaceFailed, RecrateError


class Counter:
    """Answers with ten times the item, and counts the calls."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    async def answer(self, items: Sequence[int]) -> Sequence[int | RecrateError]:
        self.calls.append(list(items))
        await asyncio.sleep(0.01)
        return [PlaceFailed(f"no {item}") if item < 0 else item * 10 for item in items]


async def stream(gathering: Gathering[int, int], counter: Counter) -> list[asyncio.Task[int]]:
    """Ask one after the other until the first are answered; return what still waits."""
    tasks: list[asyncio.Task[int]] = []
    while not counter.calls:
        tasks.append(asyncio.create_task(gathering.ask(len(tasks))))
        await asyncio.sleep(0.005)
        assert len(tasks) < 200
    return tasks


async def test_what_comes_at_once_is_answered_at_once() -> None:
    counter = Counter()
    gathering = Gathering(counter.answer)
    assert await asyncio.gather(*(gathering.ask(item) for item in range(1000))) == [item * 10 for item in range(1000)]
    assert len(counter.calls) == 1


async def test_what_comes_while_others_are_answered_is_answered_next() -> None:
    counter = Counter()
    gathering = Gathering(counter.answer, quiet=0.001)
    first = asyncio.create_task(gathering.ask(1))
    while not counter.calls:
        await asyncio.sleep(0.001)
    assert await gathering.ask(2) == 20
    assert await first == 10
    assert counter.calls == [[1], [2]]


async def test_in_turn_what_comes_while_others_are_answered_waits_and_is_answered_together() -> None:
    under_way, most = 0, 0

    async def slowly(items: Sequence[int]) -> Sequence[int]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.1)
        under_way -= 1
        return [item * 10 for item in items]

    gathering = Gathering(slowly, quiet=0.001, in_turn=True)
    tasks = []
    for item in range(8):
        tasks.append(asyncio.create_task(gathering.ask(item)))
        await asyncio.sleep(0.02)
    assert await asyncio.gather(*tasks) == [item * 10 for item in range(8)]
    assert most == 1


async def test_a_steady_stream_does_not_keep_the_first_waiting() -> None:
    counter = Counter()
    gathering = Gathering(counter.answer, quiet=0.05, longest=0.1)
    await asyncio.gather(*await stream(gathering, counter))


async def test_the_first_of_many_do_not_wait_for_the_last() -> None:
    counter = Counter()
    gathering = Gathering(counter.answer, quiet=0.05, longest=10.0)
    tasks = await stream(gathering, counter)
    first = len(counter.calls[0])
    tasks += [asyncio.create_task(gathering.ask(item)) for item in range(len(tasks), 200)]
    await asyncio.gather(*tasks)
    assert [len(call) for call in counter.calls] == [first, 200 - first]


async def test_each_gets_its_own_error() -> None:
    gathering = Gathering(Counter().answer)
    good, bad = await asyncio.gather(gathering.ask(1), gathering.ask(-1), return_exceptions=True)
    assert good == 10
    assert isinstance(bad, PlaceFailed)


async def test_a_failure_of_all_is_everybodys() -> None:
    async def refuse(items: Sequence[int]) -> Sequence[int]:
        raise PlaceFailed("no answer")

    gathering: Gathering[int, int] = Gathering(refuse)
    answers = await asyncio.gather(gathering.ask(1), gathering.ask(2), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["no answer", "no answer"]


async def test_one_that_is_cancelled_does_not_disturb_the_others() -> None:
    counter = Counter()
    gathering = Gathering(counter.answer)
    impatient = asyncio.create_task(gathering.ask(1))
    patient = asyncio.create_task(gathering.ask(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 20
    with pytest.raises(asyncio.CancelledError):
        await impatient
