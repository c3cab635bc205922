"""This machine as a place: how attempts start, end and are found again."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from recrate.connectors.base import Ended, Ending, Handle
from recrate.connectors.local import LocalConnector
from recrate.connectors.watch import GRACE_SECONDS
from recrate.errors import PlaceFailed

from .running import launch_of


async def test_an_attempt_ends_with_its_exit_code_and_figures(tmp_path: Path) -> None:
    connector = LocalConnector()
    before = time.time()
    handle = await connector.launch("local", launch_of(tmp_path / "a", "sh", "-c", "exit 4"))
    ended = await connector.wait("local", handle)
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 4)
    assert ended.figures.started is not None
    assert abs(ended.figures.started - before) < 2
    assert ended.figures.peak_rss is not None
    assert 100_000 < ended.figures.peak_rss < 20_000_000


async def test_the_memory_of_the_controller_is_not_taken_for_the_job_s(tmp_path: Path) -> None:
    ballast = bytearray(os.urandom(1)) * 200_000_000
    connector = LocalConnector()
    handle = await connector.launch("local", launch_of(tmp_path / "a", "true"))
    peak = (await connector.wait("local", handle)).figures.peak_rss
    assert peak is not None
    assert peak < 20_000_000 < len(ballast)


async def test_a_job_may_be_over_before_anybody_can_watch_it(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", "sh", "-c", "exit 4")
    # The shell that starts the job waits for it, as it may do by itself when the job is short.
    script = Path(launch.script)
    script.write_text(script.read_text().replace("\nexit 0\n", "\nwait\nexit 0\n"))
    connector = LocalConnector()
    ended = await connector.wait("local", await connector.launch("local", launch))
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 4)


async def test_a_time_limit_ends_the_whole_session(tmp_path: Path) -> None:
    connector = LocalConnector()
    handle = await connector.launch(
        "local", launch_of(tmp_path / "a", "sh", "-c", "sleep 60 & sleep 60", time_limit=0.2)
    )
    begun = time.monotonic()
    ended = await connector.wait("local", handle)
    assert ended.ending is Ending.TIMED_OUT
    assert time.monotonic() - begun < 3


async def test_cancel_ends_an_attempt(tmp_path: Path) -> None:
    connector = LocalConnector()
    handle = await connector.launch("local", launch_of(tmp_path / "a", "sleep", "60"))
    await connector.cancel("local", handle)
    assert (await connector.wait("local", handle)).ending is Ending.CANCELLED


async def test_cancel_ends_an_attempt_that_is_just_about_to_start_its_command_without_force(tmp_path: Path) -> None:
    connector = LocalConnector()
    handles = []
    for number in range(20):
        launch = replace(launch_of(tmp_path / str(number), "sleep", "60"), token=f"t{number}")
        handles.append(await connector.launch("local", launch))
        await asyncio.sleep(number % 5 * 0.0003)
        await connector.cancel("local", handles[-1])
    begun = time.monotonic()
    for handle in handles:
        assert (await connector.wait("local", handle)).ending is Ending.CANCELLED
    assert time.monotonic() - begun < GRACE_SECONDS - 1
    await connector.undeploy()


async def test_another_controller_finds_an_attempt_that_runs_and_one_that_ended(tmp_path: Path) -> None:
    first, second = LocalConnector(), LocalConnector()
    launch = launch_of(tmp_path / "a", "sleep", "0.5")
    handle = await first.launch("local", launch)
    found = await second.find("local", launch)
    assert found == handle
    assert isinstance(found, Handle)
    awaited, _ = await asyncio.gather(second.wait("local", found), first.wait("local", handle))
    assert (awaited.ending, awaited.exit_code) == (Ending.EXITED, 0)
    again = await second.find("local", launch)
    assert isinstance(again, Ended)
    assert again.exit_code == 0


async def test_an_attempt_that_never_started_is_not_found(tmp_path: Path) -> None:
    assert await LocalConnector().find("local", launch_of(tmp_path / "a", "true")) is None


async def test_a_wrapper_that_is_killed_is_a_lost_attempt(tmp_path: Path) -> None:
    connector = LocalConnector()
    handle = await connector.launch("local", launch_of(tmp_path / "a", "sleep", "60"))
    os.kill(int(handle.native_id.partition("@")[0]), 9)
    ended = await connector.wait("local", handle)
    assert ended.ending is Ending.LOST


async def test_a_short_command_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(PlaceFailed, match="no answer"):
        await LocalConnector().run("local", ["sleep", "60"], timeout=0.1)


async def test_a_short_command_gives_what_it_printed() -> None:
    done = await LocalConnector().run("local", ["sh", "-c", "cat; echo no >&2; exit 2"], stdin=b"hello")
    assert (done.code, done.stdout, done.stderr) == (2, b"hello", b"no\n")
