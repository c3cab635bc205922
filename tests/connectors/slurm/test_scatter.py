"""Many attempts at once: arrays, groups, one poll for all; each is an attempt of its own all the same."""

from __future__ import annotations

import asyncio
from collections import Counter

from recrate.connectors.base import Ended, Ending, Handle, Launch
from recrate.connectors.slurm.connector import SlurmConnector

from .clusters import Cluster, in_queue

PATIENCE_SECONDS = 90.0


async def launched(
    cluster: Cluster, connector: SlurmConnector, *commands: str, service: str = "", **needs: object
) -> list[tuple[Launch, Handle]]:
    calls = (cluster.launched(connector, "sh", "-c", each, service=service, **needs) for each in commands)
    return list(await asyncio.gather(*calls))


async def ends(connector: SlurmConnector, *handles: Handle) -> list[Ended]:
    calls = (connector.wait(connector.name, handle) for handle in handles)
    return list(await asyncio.wait_for(asyncio.gather(*calls), PATIENCE_SECONDS))


async def until(cluster: Cluster, path: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not cluster.exists(path):
            await asyncio.sleep(0.05)


def bases(handles: list[Handle]) -> Counter[str]:
    return Counter(handle.native_id.partition("_")[0] for handle in handles)


async def test_a_scatter_is_one_array_with_an_attempt_for_each_element(
    cluster: Cluster, connector: SlurmConnector
) -> None:
    await connector.deploy()
    before = cluster.inner.commands
    made = await launched(cluster, connector, *(f"echo {number}; exit {number}" for number in range(40)))
    submitting = cluster.inner.commands - before
    found = await ends(connector, *(handle for _, handle in made))
    assert [ended.exit_code for ended in found] == list(range(40))
    assert list(bases([handle for _, handle in made]).values()) == [40]
    assert [cluster.peek(f"{launch.directory}/stdout") for launch, _ in made] == [b"%d\n" % n for n in range(40)]
    assert submitting == 2


async def test_an_array_is_not_larger_than_the_cluster_allows(cluster: Cluster, connector: SlurmConnector) -> None:
    await connector.deploy()
    connector.manager.most_elements = 4  # type: ignore[misc]
    made = await launched(cluster, connector, *["true"] * 10)
    assert sorted(bases([handle for _, handle in made]).values()) == [2, 4, 4]
    assert {ended.exit_code for ended in await ends(connector, *(handle for _, handle in made))} == {0}


async def test_attempts_with_other_needs_have_a_job_of_their_own(cluster: Cluster, connector: SlurmConnector) -> None:
    await connector.deploy()
    small, large = await asyncio.gather(
        launched(cluster, connector, "true", "true", cores=1), launched(cluster, connector, "true", cores=2)
    )
    handles = [handle for _, handle in [*small, *large]]
    assert sorted(bases(handles).values()) == [1, 2]
    await ends(connector, *handles)
    assert "NumCPUs=2" in cluster.admin("scontrol", "-o", "show", "job", large[0][1].native_id)


async def test_one_element_of_an_array_is_cancelled(cluster: Cluster, connector: SlurmConnector) -> None:
    made = await launched(cluster, connector, "sleep 3; exit 4", "sleep 600", "sleep 3; exit 6")
    await until(cluster, f"{made[1][0].directory}/stdout")
    await connector.cancel(connector.name, made[1][1])
    found = await ends(connector, *(handle for _, handle in made))
    assert [(ended.ending, ended.exit_code) for ended in (found[0], found[2])] == [
        (Ending.EXITED, 4),
        (Ending.EXITED, 6),
    ]
    assert found[1].ending is Ending.CANCELLED


async def test_small_jobs_share_a_job_of_the_queue(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"small": {"group": 3}}})
    made = await launched(cluster, connector, *(f"exit {number}" for number in range(7)), service="small")
    handles = [handle for _, handle in made]
    assert len({handle.native_id for handle in handles}) == 7
    assert sorted(Counter(handle.native_id.partition("/")[0] for handle in handles).values()) == [1, 3, 3]
    assert [ended.exit_code for ended in await ends(connector, *handles)] == list(range(7))


async def test_one_of_a_group_is_cancelled_while_it_runs_or_before(cluster: Cluster) -> None:
    connector = cluster.connector({"group": 4})
    made = await launched(cluster, connector, "exit 1", "sleep 600", "touch ran", "exit 4")
    await until(cluster, f"{made[1][0].directory}/stdout")
    await connector.cancel(connector.name, made[2][1])
    await connector.cancel(connector.name, made[1][1])
    found = await ends(connector, *(handle for _, handle in made))
    assert [ended.ending for ended in found] == [Ending.EXITED, Ending.CANCELLED, Ending.CANCELLED, Ending.EXITED]
    assert found[3].exit_code == 4
    assert not cluster.exists(f"{made[2][0].directory}/out/ran")


async def test_a_group_of_which_all_are_cancelled_leaves_the_queue(cluster: Cluster) -> None:
    connector = cluster.connector({"group": 2})
    made = await launched(cluster, connector, "sleep 600", "sleep 600")
    await asyncio.gather(*(connector.cancel(connector.name, handle) for _, handle in made))
    assert {each.ending for each in await ends(connector, *(handle for _, handle in made))} == {Ending.CANCELLED}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while made[0][1].native_id.partition("/")[0] in await in_queue(connector):
            await asyncio.sleep(0.1)


async def test_one_of_a_group_that_takes_too_much_memory_does_not_spoil_the_others(cluster: Cluster) -> None:
    connector = cluster.connector({"group": 3})
    hog = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 1"
    made = await launched(cluster, connector, "exit 1", hog, "exit 3", ram=50)
    found = await ends(connector, *(handle for _, handle in made))
    assert [ended.ending for ended in found] == [Ending.EXITED, Ending.OUT_OF_MEMORY, Ending.EXITED]


async def test_a_group_that_is_ended_from_outside_loses_those_that_had_not_begun(cluster: Cluster) -> None:
    connector = cluster.connector({"group": 3})
    made = await launched(cluster, connector, "exit 1", "sleep 600", "touch ran")
    await until(cluster, f"{made[1][0].directory}/stdout")
    cluster.admin("scancel", made[0][1].native_id.partition("/")[0])
    found = await ends(connector, *(handle for _, handle in made))
    assert [ended.ending for ended in found] == [Ending.EXITED, Ending.CANCELLED, Ending.LOST]
    assert not cluster.exists(f"{made[2][0].directory}/out/ran")


async def test_a_look_costs_the_same_for_many_as_for_one(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"later": {"begin": "now+1hour"}}, "pollingInterval": 0.1})
    made = await launched(cluster, connector, *["true"] * 50, service="later")
    await asyncio.sleep(2)
    before = cluster.inner.commands
    await asyncio.sleep(2)
    looks = cluster.inner.commands - before
    assert 1 <= looks <= 20
    await asyncio.gather(*(connector.cancel(connector.name, handle) for _, handle in made))
    assert {each.ending for each in await ends(connector, *(handle for _, handle in made))} == {Ending.CANCELLED}
    assert cluster.inner.commands - before < looks + 25
