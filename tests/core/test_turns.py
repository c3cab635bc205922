"""An attempt can be launched to come after another one, whose resources it takes over; none is given out twice."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from recrate.core.scheduling import Allocation, Capacity, Scheduler, Turn


def scheduler(cores: float = 2) -> Scheduler:
    return Scheduler(Capacity(cores=cores, ram=1000, disk=10_000, gpus=0, jobs=100))


def wants(cores: float = 1) -> Allocation:
    return Allocation(cores, 100, 10, 10, 0)


async def running(place: Scheduler, token: str, cores: float = 1) -> Turn:
    turn = place.turn(token, wants(cores))
    await turn.begin(may_follow=False)
    turn.running()
    return turn


async def test_what_fits_does_not_follow_on_anything() -> None:
    place = scheduler()
    await running(place, "a")
    assert await place.turn("b", wants()).begin(may_follow=True) is None


async def test_one_follows_on_each_that_runs() -> None:
    place = scheduler()
    await running(place, "a")
    await running(place, "b")
    assert await place.turn("c", wants()).begin(may_follow=True) == "a"
    assert await place.turn("d", wants()).begin(may_follow=True) == "b"
    waiting = asyncio.ensure_future(place.turn("e", wants()).begin(may_follow=True))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_what_another_one_has_goes_to_the_one_that_follows() -> None:
    place = scheduler(cores=1)
    first = await running(place, "a")
    second = place.turn("b", wants())
    assert await second.begin(may_follow=True) == "a"
    waiting = asyncio.ensure_future(place.acquire(wants()))
    await asyncio.sleep(0)
    first.end()
    await asyncio.sleep(0)
    assert second.is_held and not waiting.done()
    second.end()
    await asyncio.sleep(0)
    assert waiting.done()


async def test_nothing_follows_on_what_has_less() -> None:
    place = scheduler(cores=2)
    await running(place, "a", 1)
    await running(place, "b", 1)
    waiting = asyncio.ensure_future(place.turn("c", wants(2)).begin(may_follow=True))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_nothing_overtakes_what_waits() -> None:
    place = scheduler(cores=1)
    await running(place, "a")
    large = asyncio.ensure_future(place.acquire(wants()))
    await asyncio.sleep(0)
    small = asyncio.ensure_future(place.turn("b", wants(0.5)).begin(may_follow=True))
    await asyncio.sleep(0)
    assert not small.done()
    large.cancel()
    small.cancel()


@given(st.data())
def test_however_turns_follow_and_end_all_is_given_back(data: st.DataObject) -> None:
    async def play() -> None:
        place = scheduler(cores=2)
        turns: list[Turn] = []
        tasks: list[asyncio.Task[str | None]] = []
        ended: list[Turn] = []
        for number in range(data.draw(st.integers(1, 12))):
            turn = place.turn(str(number), wants(data.draw(st.sampled_from([0.5, 1, 2]))))
            tasks.append(asyncio.ensure_future(turn.begin(may_follow=data.draw(st.booleans()))))
            turns.append(turn)
            await asyncio.sleep(0)
            begun = [turn for turn, task in zip(turns, tasks, strict=True) if task.done()]
            for one in [turn for turn in begun if turn not in ended]:
                if data.draw(st.booleans()):
                    one.running()
                elif data.draw(st.booleans()):
                    one.end()
                    ended.append(one)
            held = sum(turn.wants.cores for turn in turns if turn.is_held)
            assert held <= 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for turn in turns:
            turn.end()
            turn.end()
        assert place._free_cores == 2 and place._running == 0

    asyncio.run(play())
