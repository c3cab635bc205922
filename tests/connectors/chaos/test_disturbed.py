"""Faults happen as often as they are asked for, are told before anybody feels them, and cost nothing otherwise."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recrate.connectors.base import Connector, Ended, Ending, Explaining, Forecasting, Handle
from recrate.connectors.chaos.connector import disturbed
from recrate.connectors.chaos.dice import Act, Chaos, Strike
from recrate.connectors.chaos.spec import ChaosSpec, parse_chaos
from recrate.connectors.data import Data, Sending
from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.local import LocalConnector
from recrate.core.places import place_here
from recrate.core.records import deployment_row, location_row
from recrate.errors import PlaceFailed

from ..running import launch_of


def plant(path: str, content: bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)


def quiet() -> Connector:
    return disturbed(LocalConnector(), Chaos(ChaosSpec()), is_remote=True)


class TestWithoutFaults(ConnectorTests):
    """A disturbed connector is one like any other."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> PlaceUnderTest:
        directory = tmp_path / "place"
        directory.mkdir()
        return PlaceUnderTest(quiet(), "local", str(directory), lambda path: Path(path).read_bytes(), plant, quiet)


def struck(spec: str, *, is_remote: bool = True) -> tuple[Connector, list[Strike]]:
    """Return a disturbed connector, and the list that its faults come to."""
    told: list[Strike] = []

    async def tell(strike: Strike) -> None:
        told.append(strike)

    chaos = Chaos(parse_chaos(spec), lambda: True, tell)
    return disturbed(LocalConnector(), chaos, is_remote=is_remote), told


async def content(text: bytes) -> AsyncIterator[bytes]:
    yield text


async def test_it_can_do_what_the_other_one_can() -> None:
    made = quiet()
    assert isinstance(made, Data)
    assert not isinstance(made, (Sending, Explaining, Forecasting))
    [location] = await made.locations()
    row = location_row(location, deployment_row("local", "local", {}).id)
    assert place_here(made, location, row, "/tmp", None).starts_tasks


async def test_a_job_is_killed_and_seen_as_killed(tmp_path: Path) -> None:
    connector, told = struck("kill=100%")
    handle = await connector.launch("local", launch_of(tmp_path / "job", "sleep", "600"))
    ended = await asyncio.wait_for(connector.wait("local", handle), 10)
    assert (ended.ending, ended.signal, ended.message) == (Ending.SIGNALLED, 9, "killed by chaos")
    assert told == [Strike(Act.KILL, "local", "job")]


async def test_a_job_that_is_over_before_is_not_killed(tmp_path: Path) -> None:
    connector, told = struck("kill=100%")
    handle = await connector.launch("local", launch_of(tmp_path / "job", "true"))
    ended = await asyncio.wait_for(connector.wait("local", handle), 10)
    assert ended.exit_code == 0 or told
    await asyncio.sleep(0.3)
    assert (await connector.wait("local", handle)).ending is ended.ending


async def test_what_the_engine_ends_is_the_engine_s_doing(tmp_path: Path) -> None:
    connector, told = struck("kill=100%")
    handle = await connector.launch("local", launch_of(tmp_path / "job", "sleep", "600"))
    await connector.cancel("local", handle)
    ended = await asyncio.wait_for(connector.wait("local", handle), 10)
    assert ended.ending is Ending.CANCELLED
    assert told == []


async def test_a_later_controller_sees_it_as_killed(tmp_path: Path) -> None:
    first, _ = struck("kill=100%")
    launch = launch_of(tmp_path / "job", "sleep", "600")
    handle = await first.launch("local", launch)
    assert isinstance(handle, Handle)
    await asyncio.sleep(0.6)
    found = await struck("kill=1%")[0].find("local", launch)
    assert isinstance(found, Ended)
    assert found.ending is Ending.SIGNALLED


async def test_a_copy_arrives_damaged_and_nobody_says_so(tmp_path: Path) -> None:
    connector, told = struck("corrupt=100%")
    assert isinstance(connector, Data)
    path = str(tmp_path / "copy")
    await connector.write("local", path, content(b"what was sent"))
    assert Path(path).read_bytes() != b"what was sent"
    assert told == [Strike(Act.CORRUPT, "local", path)]


async def test_a_copy_breaks_off(tmp_path: Path) -> None:
    connector, told = struck("cut=100%")
    assert isinstance(connector, Data)
    path = str(tmp_path / "copy")
    with pytest.raises(PlaceFailed, match="the connection was lost"):
        await connector.write("local", path, content(b"what was sent"))
    assert b"what was sent".startswith(Path(path).read_bytes() if os.path.exists(path) else b"")
    assert told == [Strike(Act.CUT, "local", path)]


async def test_a_call_is_lost_before_or_after_it_was_carried_out(tmp_path: Path) -> None:
    connector, told = struck("drop=100%,seed=1")
    for number in range(20):
        with pytest.raises(PlaceFailed, match="the connection was lost"):
            await connector.run("local", ["touch", str(tmp_path / str(number))])
    carried_out = sum("the answer to" in strike.what for strike in told)
    assert len(told) == 20
    assert 0 < carried_out < 20
    assert len(list(tmp_path.iterdir())) == carried_out


async def test_no_connection_to_this_machine_is_lost() -> None:
    connector, told = struck("drop=100%,delay=500s", is_remote=False)
    assert (await connector.run("local", ["echo", "here"])).stdout == b"here\n"
    assert told == []


async def test_a_call_is_late() -> None:
    connector, _ = struck("delay=400ms,seed=2")
    begun = asyncio.get_running_loop().time()
    for _ in range(4):
        await connector.run("local", ["true"])
    assert asyncio.get_running_loop().time() - begun > 0.2


def test_the_same_seed_makes_the_same_decisions() -> None:
    def decisions(spec: str, salt: str = "") -> list[bool]:
        chaos = Chaos(parse_chaos(spec), lambda: True, salt=salt)
        return [chaos.chance(Act.KILL, "east") is not None for _ in range(400)]

    first = decisions("kill=5%,seed=3")
    assert first == decisions("kill=5%,seed=3")
    assert first != decisions("kill=5%,seed=4")
    assert first != decisions("kill=5%,seed=3", "again")
    assert 5 < sum(first) < 40


def test_nothing_happens_before_it_is_on() -> None:
    chaos = Chaos(parse_chaos("kill=100%,delay=1s"))
    assert chaos.chance(Act.KILL, "east") is None
    assert chaos.pause("east") == 0
