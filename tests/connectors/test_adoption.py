"""A controller is killed; the next one takes over what it had started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from testbed.pace import slowness

from recrate.connectors import processes, sampler
from recrate.connectors.base import Abrupt, Ended, Ending, Handle, Launch
from recrate.connectors.claim import read_claim
from recrate.connectors.local import LocalConnector

from .running import launch_of

CONTROLLER = """
import asyncio, sys
from recrate.connectors import sampler
from recrate.connectors.base import Launch
from recrate.connectors.local import LocalConnector

async def main(token, folder, limit, sample_after):
    sampler.AFTER_SECONDS = float(sample_after)
    connector = LocalConnector()
    launch = Launch(token, "job", folder, folder + "/script", float(limit) or None)
    handle = await connector.launch("local", launch)
    print("started", flush=True)
    await connector.wait("local", handle)
    await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""


@contextmanager
def controller(launch: Launch, sample_after: float = 2.0) -> Iterator[None]:
    """Be the controller of an attempt that it started, in a process of its own; in the end it is killed."""
    argv = [sys.executable, "-c", CONTROLLER, launch.token, launch.directory, str(launch.time_limit or 0)]
    process = subprocess.Popen([*argv, str(sample_after)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    yield
    process.kill()
    process.communicate()


def wrapper_of(launch: Launch) -> int:
    claim = read_claim(launch.directory)
    assert claim is not None
    assert claim.process is not None
    return claim.process


async def ready(launch: Launch) -> None:
    """Return when the command of an attempt has begun, and has said so by a file."""
    while not os.path.exists(f"{launch.directory}/ready"):
        await asyncio.sleep(0.01)


async def gone(session: int) -> None:
    """Return when no process of a session is left."""
    while processes.of_session(session):
        await asyncio.sleep(0.01)


async def test_an_attempt_that_runs_is_taken_over_with_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "AFTER_SECONDS", 0.2)
    busy = "import time; x = bytearray(60_000_000); time.sleep(1); [i for i in range(3_000_000)]; raise SystemExit(6)"
    launch = launch_of(tmp_path / "a", sys.executable, "-S", "-c", busy)
    before = time.time()
    with controller(launch):
        pass
    connector = LocalConnector()
    found = await connector.find("local", launch)
    assert isinstance(found, Handle)
    assert await connector.find("local", launch) == found
    ended = await asyncio.wait_for(connector.wait("local", found), 20)
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 6)
    figures = ended.figures
    assert figures.started is not None
    assert figures.ended is not None
    assert before - 0.1 <= figures.started < figures.ended <= time.time() + 0.1
    assert figures.cpu_seconds is not None
    assert figures.cpu_seconds > 0
    assert figures.peak_rss is not None
    assert 60_000_000 < figures.peak_rss < 200_000_000


async def test_an_attempt_that_ended_alone_has_its_exit_code_and_its_peak_memory(tmp_path: Path) -> None:
    hold = "import time; x = bytearray(60_000_000); time.sleep(1.2); raise SystemExit(7)"
    launch = launch_of(tmp_path / "a", sys.executable, "-S", "-c", hold)
    with controller(launch, sample_after=0.3):
        await asyncio.sleep(0.6)
    claim = read_claim(launch.directory)
    assert claim is not None
    assert claim.leader is not None
    await asyncio.wait_for(gone(claim.leader), 20)
    found = await LocalConnector().find("local", launch)
    assert isinstance(found, Ended)
    assert (found.ending, found.exit_code) == (Ending.EXITED, 7)
    assert found.figures.peak_rss is not None
    assert found.figures.peak_rss > 60_000_000
    assert found.figures.cpu_seconds is not None


async def test_an_attempt_whose_wrapper_was_killed_is_lost_and_nothing_of_it_goes_on(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", "sh", "-c", "touch ../ready; sleep 60")
    with controller(launch):
        claim = read_claim(launch.directory)
        await ready(launch)
    assert claim is not None
    assert claim.leader is not None
    os.kill(wrapper_of(launch), signal.SIGKILL)
    while processes.start_time(wrapper_of(launch)):
        await asyncio.sleep(0.001)
    assert processes.of_session(claim.leader), "the command outlives its wrapper"
    found = await LocalConnector().find("local", launch)
    assert isinstance(found, Ended)
    assert found.ending is Ending.LOST
    await asyncio.wait_for(gone(claim.leader), 5)


async def test_an_adopted_attempt_whose_wrapper_is_killed_is_lost(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", "sleep", "60")
    with controller(launch):
        pass
    connector = LocalConnector()
    found = await connector.find("local", launch)
    assert isinstance(found, Handle)
    os.kill(wrapper_of(launch), signal.SIGKILL)
    assert (await asyncio.wait_for(connector.wait("local", found), 5)).ending is Ending.LOST


async def test_cancel_ends_an_adopted_attempt_also_one_that_has_no_mind_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recrate.connectors.watch.GRACE_SECONDS", 0.2)
    stubborn = "trap '' TERM; touch ../ready; while :; do sleep 1; done"
    launch = launch_of(tmp_path / "a", "sh", "-c", stubborn)
    with controller(launch):
        await ready(launch)
    session = processes.session_of(wrapper_of(launch))
    assert session is not None
    connector = LocalConnector()
    found = await connector.find("local", launch)
    assert isinstance(found, Handle)
    await connector.cancel("local", found)
    assert (await asyncio.wait_for(connector.wait("local", found), 5)).ending is Ending.CANCELLED
    await asyncio.wait_for(gone(session), 5)


async def test_an_adopted_attempt_has_what_is_left_of_its_time(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", "sleep", "60", time_limit=1.5)
    with controller(launch):
        await asyncio.sleep(1)
    connector = LocalConnector()
    begun = time.monotonic()
    found = await connector.find("local", launch)
    assert isinstance(found, Handle)
    assert (await asyncio.wait_for(connector.wait("local", found), 5)).ending is Ending.TIMED_OUT
    assert time.monotonic() - begun < 1 * slowness()


async def test_an_attempt_that_was_ended_for_its_time_by_a_controller_that_died_timed_out(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", "sh", "-c", "sleep 0.3; kill -TERM $$", time_limit=60)
    with controller(launch):
        pass
    await LocalConnector().wait("local", Handle(launch.token, launch.directory, f"{wrapper_of(launch)}@"))
    limited = Launch(launch.token, launch.name, launch.directory, launch.script, 0.2)
    for asked, ending in ((limited, Ending.TIMED_OUT), (launch, Ending.SIGNALLED)):
        found = await LocalConnector().find("local", asked)
        assert isinstance(found, Ended)
        assert (found.ending, found.signal) == (ending, signal.SIGTERM)


async def test_an_attempt_is_found_where_proc_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = launch_of(tmp_path / "a", "sh", "-c", "sleep 0.5; exit 3", time_limit=60)
    with controller(launch):
        pass
    monkeypatch.setattr(processes, "PROC", str(tmp_path / "empty"))
    found = await LocalConnector().find("local", launch)
    assert isinstance(found, Handle)
    assert (await asyncio.wait_for(LocalConnector().wait("local", found), 5)).exit_code == 3
    ended = await LocalConnector().find("local", launch)
    assert isinstance(ended, Ended)
    assert ended.exit_code == 3


async def test_all_attempts_can_be_ended_at_once(tmp_path: Path) -> None:
    connector = LocalConnector()
    assert isinstance(connector, Abrupt)
    stubborn = ("sh", "-c", "trap '' TERM; while :; do sleep 1; done")
    handles = [await connector.launch("local", launch_of(tmp_path / "own", *stubborn))]
    adopted = launch_of(tmp_path / "adopted", *stubborn)
    adopted = Launch("other", adopted.name, adopted.directory, adopted.script)
    with controller(adopted):
        pass
    found = await connector.find("local", adopted)
    assert isinstance(found, Handle)
    begun = time.monotonic()
    connector.end_all()
    assert time.monotonic() - begun < 0.5 * slowness()
    for handle in (*handles, found):
        assert (await asyncio.wait_for(connector.wait("local", handle), 5)).ending is Ending.CANCELLED


async def test_a_job_whose_own_parent_waited_for_it_has_its_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell on a loaded machine waits for its job before it ends itself; the kernel then knows none."""
    launch = launch_of(tmp_path / "a", "sh", "-c", "exit 9")

    def too_late(pid: int) -> int:
        os.waitpid(pid, 0)
        raise ProcessLookupError

    monkeypatch.setattr(os, "pidfd_open", too_late)
    connector = LocalConnector()
    handle = await connector.launch("local", launch)
    ended = await connector.wait("local", handle)
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 9)
