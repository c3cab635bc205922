"""Jobs wait until a place has what they ask for."""

from __future__ import annotations

import asyncio

import pytest

from recrate.core.plan import Resources
from recrate.core.scheduling import Allocation, Capacity, Scheduler, runtime_cores
from recrate.errors import PlaceFailed


def scheduler(cores: float = 4, ram: int = 1000, jobs: int = 100) -> Scheduler:
    return Scheduler(Capacity(cores=cores, ram=ram, disk=10_000, gpus=1, jobs=jobs), overtakes=2)


def wants(cores: float = 1, ram: int = 100, gpus: int = 0) -> Allocation:
    return Allocation(cores, ram, 10, 10, gpus)


async def starts(scheduler: Scheduler, allocation: Allocation) -> bool:
    """Tell whether a job with these wants starts at once."""
    task = asyncio.ensure_future(scheduler.acquire(allocation))
    await asyncio.sleep(0)
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    return True


@pytest.mark.parametrize("second", [wants(cores=2), wants(ram=901), wants(gpus=1)], ids=["cores", "ram", "gpus"])
async def test_a_job_waits_for_what_another_holds(second: Allocation) -> None:
    place = scheduler()
    held = wants(cores=3, ram=100, gpus=1)
    await place.acquire(held)
    assert not await starts(place, second)
    place.release(held)
    assert await starts(place, second)


async def test_a_limit_of_jobs_holds_whatever_is_free() -> None:
    place = scheduler(jobs=1)
    await place.acquire(wants())
    assert not await starts(place, wants())


async def test_a_small_job_overtakes_a_large_one_but_not_for_ever() -> None:
    place = scheduler(cores=2, jobs=10)
    order: list[str] = []

    async def job(name: str, allocation: Allocation) -> None:
        await place.acquire(allocation)
        order.append(name)
        await asyncio.sleep(0)
        place.release(allocation)

    await place.acquire(wants(cores=1))
    tasks = [asyncio.ensure_future(job("large", wants(cores=2)))]
    tasks += [asyncio.ensure_future(job(f"small {number}", wants(cores=1))) for number in range(10)]
    await asyncio.sleep(0.01)
    place.release(wants(cores=1))
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert "large" in order[:5]
    assert len(order) == 11


async def test_a_job_that_gives_up_waiting_leaves_nothing_behind() -> None:
    place = scheduler(cores=1)
    await place.acquire(wants())
    assert not await starts(place, wants())
    place.release(wants())
    assert await starts(place, wants())
    assert not await starts(place, wants())


@pytest.mark.parametrize(
    "asked", [Resources(ram=1001), Resources(tmpdir=6000, outdir=5000), Resources(gpus=2)], ids=["ram", "disk", "gpus"]
)
def test_what_a_place_can_never_give_is_refused(asked: Resources) -> None:
    with pytest.raises(PlaceFailed, match="this place has"):
        scheduler().fit(asked)


def test_more_cores_than_there_are_means_all_of_them() -> None:
    asked = Resources(cores=16)
    given = scheduler().fit(asked)
    assert (given.cores, given.overcommitted) == (4, True)
    assert runtime_cores(asked, given) == 16


def test_expressions_see_whole_cores() -> None:
    asked = Resources(cores=2.5)
    given = scheduler().fit(asked)
    assert given.cores == 2.5
    assert repr(runtime_cores(asked, given)) == "3"
