"""Links break, hosts die, servers allow little: attempts are carried out once, and their ends are told truly."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed.hosts import Hosts
from testbed.reaching import Reached, reached

from recrate.connectors.base import Ended, Ending, Handle
from recrate.connectors.kit import CONTENT, PlaceUnderTest, joined, pieces
from recrate.connectors.ssh.connector import SshConnector
from recrate.errors import PlaceFailed

PATIENT = {"retries": 8, "retryDelay": 0.2, "connectTimeout": 2}
FEW_SESSIONS = "sed -i 's/^MaxSessions.*/MaxSessions 2/' /run/sshd/config && kill -HUP $(cat /run/sshd/pid)"


def watchful(hosts: Hosts, folder: Path) -> dict[str, Any]:
    """Return options with which a lost connection is noticed within some seconds."""
    path = folder / "config"
    path.write_text(f"Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 2\n{hosts.ssh_config.read_text()}")
    return {"sshConfig": str(path), **PATIENT}


@pytest.fixture
def cloud(hosts: Hosts, tmp_path: Path) -> Iterator[Reached]:
    hosts.start("cloud")
    with reached(hosts, "cloud", **watchful(hosts, tmp_path)) as host:
        yield host


@pytest.fixture
def place(cloud: Reached) -> PlaceUnderTest:
    return cloud.place()


def cut_connections(hosts: Hosts, host: str) -> None:
    """End the server's process of each connection, as a firewall or an administrator does."""
    hosts.inside(host, "sh", "-c", "pkill -KILL -f '^sshd: alice' || :")


async def test_a_job_outlives_the_connection_that_it_was_started_by(hosts: Hosts, place: PlaceUnderTest) -> None:
    handle = await place.connector.launch("site", await place.staged("job", "sh", "-c", "sleep 2; exit 3"))
    cut_connections(hosts, "cloud")
    ended = await place.end_of(place.connector, handle)
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 3)


async def test_many_jobs_are_carried_out_once_each_while_connections_break(hosts: Hosts, place: PlaceUnderTest) -> None:
    async def one(number: int) -> Ended:
        launch = await place.staged(f"job{number}", "sh", "-c", f"echo x >>../count; exit {number % 7}")
        return await place.ended(launch)

    async def breaking() -> None:
        while True:
            await asyncio.sleep(random.uniform(0.1, 0.6))
            await asyncio.to_thread(cut_connections, hosts, "cloud")

    breaker = asyncio.create_task(breaking())
    ends = await asyncio.gather(*(one(number) for number in range(60)))
    breaker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await breaker
    assert [ended.exit_code for ended in ends] == [number % 7 for number in range(60)]
    for number in range(60):
        assert place.peek(place.path(f"job{number}", "count")) == b"x\n"


async def test_a_link_that_is_cut_for_a_while_costs_nothing_but_time(hosts: Hosts, place: PlaceUnderTest) -> None:
    handle = await place.connector.launch("site", await place.staged("job", "sh", "-c", "sleep 1; exit 3"))
    with hosts.cut("cloud"):
        waiting = asyncio.create_task(place.end_of(place.connector, handle))
        await asyncio.sleep(5)
        assert not waiting.done()
    assert (await waiting).exit_code == 3
    assert (await place.connector.run("site", ["echo", "here"])).stdout == b"here\n"


async def test_a_copy_that_a_lost_connection_broke_off_fails_and_goes_on(hosts: Hosts, place: PlaceUnderTest) -> None:
    path, sent = place.path("file"), asyncio.Event()
    assert isinstance(place.connector, SshConnector)

    async def slow() -> AsyncIterator[bytes]:
        yield CONTENT[:200_000]
        sent.set()
        await asyncio.sleep(600)

    writing = asyncio.create_task(place.connector.write("site", path, slow()))
    await sent.wait()
    await asyncio.sleep(0.5)
    cut_connections(hosts, "cloud")
    with pytest.raises(PlaceFailed, match=r"cannot write .*: the connection was lost"):
        await asyncio.wait_for(writing, 30)
    [state] = await place.connector.states("site", [path])
    assert state is not None
    assert 0 < state.size <= 200_000
    await place.connector.write("site", path, pieces(CONTENT[state.size :]), offset=state.size)
    assert await joined(place.connector.read("site", path)) == CONTENT


async def test_jobs_of_a_host_that_died_are_lost(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("host3")
    with reached(hosts, "host3", **watchful(hosts, tmp_path)) as host:
        place = host.place()
        launch = await place.staged("job", "sleep", "600")
        handle = await place.connector.launch("site", launch)
        hosts.kill("host3")
        hosts.boot("host3")
        ended = await place.end_of(place.connector, handle)
        assert (ended.ending, ended.message) == (Ending.LOST, "its directory on the host is gone")


async def test_jobs_of_a_host_that_stays_away_are_given_up_after_a_while(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("host3")
    options = {**watchful(hosts, tmp_path), "retries": 0, "connectTimeout": 1, "patience": 1}
    with reached(hosts, "host3", **options) as host:
        place = host.place()
        handle = await place.connector.launch("site", await place.staged("job", "sleep", "600"))
        hosts.kill("host3")
        try:
            with pytest.raises(PlaceFailed, match="site: host3"):
                await place.end_of(place.connector, handle)
        finally:
            hosts.boot("host3")


async def test_an_attempt_of_an_earlier_boot_is_lost(place: PlaceUnderTest) -> None:
    launch = await place.staged("job", "sleep", "600")
    handle = await place.connector.launch("site", launch)
    assert isinstance(await place.connector.find("site", launch), Handle)
    place.plant(f"{launch.directory}/host", b"boot an-earlier-one\norigin 1000\nup 5\n")
    found = await place.later().find("site", launch)
    assert isinstance(found, Ended)
    assert (found.ending, found.message) == (Ending.LOST, "its host was started anew while it ran")
    await place.connector.cancel("site", handle)


async def test_a_server_that_allows_two_sessions_is_served_by_more_connections(hosts: Hosts) -> None:
    hosts.start("host4")
    hosts.inside("host4", "sh", "-c", FEW_SESSIONS)
    with reached(hosts, "host4", **PATIENT) as host:
        place = host.place()
        names = [place.path(f"file{number}") for number in range(6)]

        async def one(path: str) -> bytes:
            assert isinstance(place.connector, SshConnector)
            await place.connector.write("site", path, pieces(CONTENT))
            return await joined(place.connector.read("site", path))

        ends = [place.ended(await place.staged(f"job{number}", "true")) for number in range(6)]
        results = await asyncio.gather(*(one(path) for path in names), *ends)
        assert results[:6] == [CONTENT] * 6


async def test_a_job_that_left_processes_behind_is_ended_with_them(cloud: Reached, place: PlaceUnderTest) -> None:
    launch = await place.staged("job", "sh", "-c", "(trap '' TERM; sleep 601) & sleep 601")
    handle = await place.connector.launch("site", launch)
    await asyncio.sleep(0.5)
    await place.connector.cancel("site", handle)
    assert (await place.end_of(place.connector, handle)).ending is Ending.CANCELLED
    deadline = asyncio.get_running_loop().time() + 10
    while b"sleep 601" in cloud.inside("ps", "-eo", "args") and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.2)
    assert b"sleep 601" not in cloud.inside("ps", "-eo", "args")


async def test_all_jobs_are_ended_at_once(place: PlaceUnderTest) -> None:
    assert isinstance(place.connector, SshConnector)
    handles = [await place.connector.launch("site", await place.staged(f"job{n}", "sleep", "600")) for n in range(3)]
    await asyncio.sleep(0.3)
    place.connector.end_all()
    ends = [await place.end_of(place.connector, handle) for handle in handles]
    assert {ended.ending for ended in ends} == {Ending.CANCELLED}


async def test_two_nodes_are_two_locations(hosts: Hosts) -> None:
    hosts.start("cloud", "host3")
    made = SshConnector("farm", {"nodes": ["cloud", "host3"], "sshConfig": str(hosts.ssh_config)})
    try:
        found = {location.name: location.facts.hostname for location in await made.locations()}
        assert found == {"farm/cloud": "cloud", "farm/host3": "host3"}
        with pytest.raises(PlaceFailed, match="farm has no location 'elsewhere'"):
            await made.run("elsewhere", ["true"])
    finally:
        await made.undeploy()
