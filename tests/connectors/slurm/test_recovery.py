"""A later controller finds what an earlier one has submitted, wherever that one ended; nothing runs twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from recrate.connectors.base import Ended, Ending, Handle, Launch
from recrate.connectors.queues.batch import Member, intent_text
from recrate.connectors.slurm.connector import SlurmConnector
from recrate.errors import PlaceFailed

from .clusters import Cluster

PATIENCE_SECONDS = 90.0
LATER = {"services": {"later": {"begin": "now+1hour"}}}


async def end_of(connector: SlurmConnector, handle: Handle) -> Ended:
    return await asyncio.wait_for(connector.wait(connector.name, handle), PATIENCE_SECONDS)


async def found_by(connector: SlurmConnector, *launches: Launch) -> list[Handle | Ended | None]:
    return list(await asyncio.gather(*(connector.find(connector.name, launch) for launch in launches)))


async def test_elements_that_wait_are_found_by_the_note_in_their_directories(cluster: Cluster) -> None:
    first = cluster.connector(LATER)
    made = await asyncio.gather(*(cluster.launched(first, "true", service="later") for _ in range(5)))
    await first.undeploy()
    later = cluster.connector(LATER)
    await later.deploy()
    before = cluster.inner.commands
    found = await found_by(later, *(launch for launch, _ in made))
    assert [each.native_id for each in found if isinstance(each, Handle)] == [handle.native_id for _, handle in made]
    assert cluster.inner.commands - before < 8
    await asyncio.gather(*(later.cancel(later.name, handle) for _, handle in made))
    assert {(await end_of(later, handle)).ending for _, handle in made} == {Ending.CANCELLED}


async def test_an_id_on_record_is_enough(cluster: Cluster) -> None:
    launch, handle = await cluster.launched(cluster.connector(), "sh", "-c", "sleep 2; exit 4")
    found = await cluster.connector().find("hpca", replace(launch, native_id=handle.native_id))
    assert found == handle


async def test_a_controller_that_died_before_it_submitted_left_nothing_that_runs(cluster: Cluster) -> None:
    launch = await cluster.staged("touch", "ran")
    program = intent_text("recrate:never", [[Member(launch.directory)]], "claim")
    await cluster.inner.run("hpca", ["sh", "-s"], stdin=program)
    later = cluster.connector()
    assert await later.find("hpca", launch) is None
    with pytest.raises(PlaceFailed, match="was started or given up before"):
        await later.launch("hpca", launch)
    assert not cluster.exists(f"{launch.directory}/out/ran")


async def test_what_ended_while_nobody_looked_is_told_as_it_was(cluster: Cluster) -> None:
    first = cluster.connector()
    hog = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 1"
    commands = (["sh", "-c", "exit 3"], ["sh", "-c", hog], ["sh", "-c", "kill -9 $$"])
    made = [await cluster.launched(first, *command, ram=50) for command in commands]
    for _, handle in made:
        await end_of(first, handle)
    found = await found_by(cluster.connector(), *(launch for launch, _ in made))
    assert [each.ending for each in found if isinstance(each, Ended)] == [
        Ending.EXITED,
        Ending.OUT_OF_MEMORY,
        Ending.SIGNALLED,
    ]


async def test_what_was_cancelled_before_it_began_never_started(cluster: Cluster) -> None:
    launch, handle = await cluster.launched(cluster.connector(LATER), "true", service="later")
    cluster.admin("scancel", handle.native_id)
    assert await cluster.connector().find("hpca", launch) is None
    assert cluster.exists(f"{launch.directory}/claim")


async def test_an_attempt_given_up_while_its_job_waits_does_nothing_when_it_comes(cluster: Cluster) -> None:
    first = cluster.connector(LATER)
    launch, handle = await cluster.launched(first, "touch", "ran", service="later")
    cluster.hosts.inside("hpca", "mkdir", f"{launch.directory}/claim")
    assert await cluster.connector().find("hpca", launch) is None
    ended = await end_of(first, handle)
    assert ended.ending in (Ending.LOST, Ending.CANCELLED)
    assert not cluster.exists(f"{launch.directory}/out/ran")


async def test_members_of_a_group_are_found_as_such(cluster: Cluster) -> None:
    options = {"group": 3}
    first = cluster.connector(options)
    made = await asyncio.gather(*(cluster.launched(first, "sh", "-c", f"sleep 1; exit {n}") for n in range(3)))
    later = cluster.connector(options)
    found = await found_by(later, *(launch for launch, _ in made))
    assert [handle.native_id for handle in found if isinstance(handle, Handle)] == [
        handle.native_id for _, handle in made
    ]
    ends = await asyncio.gather(*(end_of(later, handle) for _, handle in made))
    assert [ended.exit_code for ended in ends] == [0, 1, 2]


async def test_a_job_that_slurm_has_forgotten_is_told_by_its_record(cluster: Cluster) -> None:
    first = cluster.connector()
    done = await cluster.launched(first, "sh", "-c", "exit 5")
    lost = await cluster.launched(first, "sh", "-c", "sleep 600")
    await end_of(first, done[1])
    while not cluster.exists(f"{lost[0].directory}/stdout"):
        await asyncio.sleep(0.05)
    await first.undeploy()
    restart(cluster, "-c")
    later = cluster.connector()
    found = await found_by(later, done[0], lost[0])
    assert isinstance(found[0], Ended)
    assert found[0].exit_code == 5
    assert isinstance(found[1], Ended)
    assert found[1].ending is Ending.LOST
    assert "no longer known to the queue" in (found[1].message or "")


async def test_a_controller_of_slurm_that_is_away_is_waited_for(cluster: Cluster) -> None:
    connector = cluster.connector()
    launch, handle = await cluster.launched(connector, "sh", "-c", "sleep 2; exit 3")
    while not cluster.exists(f"{launch.directory}/stdout"):
        await asyncio.sleep(0.05)
    stop(cluster)
    try:
        ended = await end_of(connector, handle)
        assert (ended.ending, ended.exit_code) == (Ending.EXITED, 3)
        with pytest.raises(PlaceFailed, match="slurmctld") as raised:
            await cluster.launched(connector, "true")
        assert raised.value.render().startswith("hpca: sbatch says: ")
    finally:
        start(cluster)
    _, after = await cluster.launched(connector, "sh", "-c", "exit 4")
    assert (await end_of(connector, after)).exit_code == 4


async def test_a_place_that_gives_no_answer_for_long_gives_its_attempts_up(cluster: Cluster) -> None:
    connector = cluster.connector({"patience": 3})
    _, handle = await cluster.launched(connector, "sleep", "60")
    cluster.inner.pid = "1000000000"
    with pytest.raises(PlaceFailed, match="no answer for 3 s"):
        await end_of(connector, handle)


def stop(cluster: Cluster) -> None:
    cluster.admin("sh", "-c", "kill $(cat /run/slurmctld.pid); while [ -e /run/slurmctld.pid ]; do sleep 0.1; done")


def start(cluster: Cluster, *options: str) -> None:
    cluster.admin("sh", "-c", 'slurmctld "$@" >/dev/null 2>&1 </dev/null', "sh", *options)
    for node in ("n1", "n2"):
        cluster.await_idle(node)


def restart(cluster: Cluster, *options: str) -> None:
    stop(cluster)
    start(cluster, *options)
