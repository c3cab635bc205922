"""The helper that starts attempts: nothing depends on it, and no attempt is lost or done twice because of it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recrate.connectors import local, processes, starting
from recrate.connectors.base import Ended, Ending, Handle, Launch, NotStarted
from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.local import LocalConnector

from .running import launch_of
from .test_local_conformance import plant

MakeLaunch = Callable[..., Launch]


async def warm(connector: LocalConnector, folder: Path) -> None:
    """Let a connector start attempts until its helper does so."""
    for number in range(500):
        launch = replace(launch_of(folder / f"warm{number}", "true"), token="t0ken")
        await connector.wait("local", await connector.launch("local", launch))
        connector._watch._settled.clear()
        if connector._launcher is not None and connector._launcher.is_ready:
            return
    raise AssertionError("there is no helper")


@pytest.fixture
async def connector(tmp_path: Path) -> AsyncIterator[LocalConnector]:
    made = LocalConnector()
    await warm(made, tmp_path / "before")
    yield made
    await made.undeploy()


@pytest.fixture
def make_launch(tmp_path: Path) -> MakeLaunch:
    """Return what makes attempts that append their number to a file."""

    def make(number: int, script: str = "") -> Launch:
        text = f"echo {number} >>{tmp_path}/effects; {script}"
        launch = launch_of(tmp_path / f"job {number}'\n\u00e9", "sh", "-c", text)
        assert launch.task is not None
        token = f"t{number}"
        return replace(launch, token=token, name=f"job {number}", task=replace(launch.task, token=token))

    return make


def effects(folder: Path) -> Counter[str]:
    return Counter((folder / "effects").read_text().split())


def lost(ends: list[Ended]) -> int:
    return sum(end.ending is Ending.LOST for end in ends)


def helper_of(connector: LocalConnector) -> int:
    assert connector._launcher is not None
    return connector._launcher.pid


class TestLocalWithItsHelper(ConnectorTests):
    """All that a connector must do, it does with the helper."""

    @pytest.fixture
    async def place(self, connector: LocalConnector, tmp_path: Path) -> PlaceUnderTest:
        directory = tmp_path / "place"
        directory.mkdir()
        return PlaceUnderTest(
            connector, "local", str(directory), lambda path: Path(path).read_bytes(), plant, LocalConnector
        )


def test_a_few_attempts_need_no_helper(tmp_path: Path) -> None:
    async def few() -> bool:
        connector = LocalConnector()
        for number in range(local.HELPER_AFTER - 1):
            await connector.launch("local", launch_of(tmp_path / str(number), "true"))
        return connector._launcher is None

    assert asyncio.run(few())


async def test_many_attempts_at_once_end_as_they_do(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path
) -> None:
    launches = [make_launch(number, f"exit {number % 3}") for number in range(120)]

    async def ended(launch: Launch) -> Ended:
        return await connector.wait("local", await connector.launch("local", launch))

    ends = await asyncio.wait_for(asyncio.gather(*map(ended, launches)), 60)
    assert [end.exit_code for end in ends] == [number % 3 for number in range(120)]
    peaks = [end.figures.peak_rss for end in ends]
    assert all(peak is not None and 0 < peak < 15_000_000 for peak in peaks), peaks
    assert set(effects(tmp_path).values()) == {1}


async def test_the_peak_is_that_of_the_job(connector: LocalConnector, tmp_path: Path) -> None:
    hold = launch_of(tmp_path / "a", sys.executable, "-S", "-c", "x = bytearray(50_000_000)")
    ended = await connector.wait("local", await connector.launch("local", hold))
    assert ended.figures.peak_rss is not None
    assert 50_000_000 < ended.figures.peak_rss < 70_000_000


@pytest.mark.parametrize("moment", ["while jobs run", "while jobs are started"])
async def test_a_helper_that_is_killed_takes_nothing_along(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path, moment: str
) -> None:
    launches = [make_launch(number, "sleep 0.5; exit 5") for number in range(30)]

    async def ended(launch: Launch) -> Ended:
        return await connector.wait("local", await connector.launch("local", launch))

    waiting = asyncio.gather(*map(ended, launches))
    await asyncio.sleep(0.3 if moment == "while jobs run" else 0.01)
    os.kill(helper_of(connector), signal.SIGKILL)
    ends = await asyncio.wait_for(waiting, 60)
    # One may have been claimed and not started, or have been started and not written down; it is ended.
    assert [end.exit_code for end in ends if end.ending is not Ending.LOST] == [5] * (30 - lost(ends))
    assert lost(ends) <= (moment == "while jobs are started")
    assert set(effects(tmp_path).values()) == {1} and len(effects(tmp_path)) >= 30 - lost(ends)
    later = make_launch(99, "exit 3")
    assert (await connector.wait("local", await connector.launch("local", later))).exit_code == 3


async def test_jobs_have_nothing_of_the_controller_or_the_helper_open(
    connector: LocalConnector, tmp_path: Path
) -> None:
    seen = []
    for name, starter in (("helped", connector), ("alone", LocalConnector())):
        launch = launch_of(tmp_path / name, "ls", "/proc/self/fd")
        await starter.wait("local", await starter.launch("local", launch))
        seen.append((tmp_path / name / "stdout").read_text())
    assert seen[0] == seen[1], "pipes to the helper are not the job's"


async def test_ended_at_once_means_also_what_is_just_being_started(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path
) -> None:
    launches = [make_launch(number, "sleep 60; echo late") for number in range(20)]
    started = [asyncio.ensure_future(connector.launch("local", launch)) for launch in launches]
    await asyncio.sleep(0.02)
    connector.end_all()
    await asyncio.wait(started, timeout=20)
    for launch in launches:
        assert launch.task is not None
        deadline = time.monotonic() + 10
        while processes.find_process(launch.task.command) is not None and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert processes.find_process(launch.task.command) is None


async def test_a_start_whose_task_is_cancelled_is_known(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path
) -> None:
    launch = make_launch(1, "sleep 60")
    task = asyncio.ensure_future(connector.launch("local", launch))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    found = await connector.find("local", launch)
    if found is not None:
        assert isinstance(found, Handle)
        await connector.cancel("local", found)
        assert (await asyncio.wait_for(connector.wait("local", found), 20)).ending is Ending.CANCELLED


async def test_the_helper_ends_with_the_deployment_and_its_last_job(tmp_path: Path) -> None:
    connector = LocalConnector()
    await warm(connector, tmp_path / "before")
    helper = helper_of(connector)
    launch = launch_of(tmp_path / "a", "sh", "-c", "sleep 0.5; exit 4")
    handle = await connector.launch("local", launch)
    await connector.undeploy()
    assert processes.start_time(helper)
    assert (await asyncio.wait_for(connector.wait("local", handle), 20)).exit_code == 4
    await has_ended(helper)


async def has_ended(process: int) -> None:
    deadline = time.monotonic() + 5
    while processes.start_time(process) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert not processes.start_time(process)


CONTROLLER = """
import asyncio, pathlib, sys
from recrate.connectors.base import Launch
from recrate.connectors.local import LocalConnector
from recrate.connectors.wrapper import Script

async def main(*folders):
    connector = LocalConnector()
    for number, folder in enumerate(folders):
        task = Script("t0ken", "job", folder, folder + "/out", ("sh", "-c", "sleep 2; exit 6"))
        await connector.launch("local", Launch("t0ken", "job", folder, folder + "/script", task=task))
        await asyncio.sleep(0.05)
    print(connector._launcher.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_controller_that_is_killed_leaves_its_helper_until_the_last_job_is_over(tmp_path: Path) -> None:
    launches = [launch_of(tmp_path / str(number), "sh", "-c", "sleep 2; exit 6") for number in range(20)]
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, *(launch.directory for launch in launches)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    helper = int(process.stdout.readline())
    process.kill()
    process.communicate()
    assert processes.start_time(helper)
    connector = LocalConnector()
    for launch in launches:
        found = await connector.find("local", launch)
        ended = await asyncio.wait_for(connector.wait("local", found), 20) if isinstance(found, Handle) else found
        assert ended is not None and ended.exit_code == 6
    await has_ended(helper)


async def test_what_comes_after_another_attempt_starts_when_that_one_has_ended_well(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path
) -> None:
    first = make_launch(1, "sleep 0.3; echo first >>../../order")
    second = replace(make_launch(2, "echo second >>../../order"), after=first.token)
    running = await connector.launch("local", first)
    handle = await asyncio.wait_for(connector.launch("local", second), 20)
    assert (await connector.wait("local", handle)).exit_code == 0
    assert (await connector.wait("local", running)).exit_code == 0
    assert (tmp_path / "order").read_text() == "first\nsecond\n"


async def test_what_comes_after_an_attempt_that_fails_is_not_started(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path
) -> None:
    first, second = make_launch(1, "sleep 0.2; exit 1"), make_launch(2)
    await connector.launch("local", first)
    with pytest.raises(NotStarted):
        await asyncio.wait_for(connector.launch("local", replace(second, after=first.token)), 20)
    assert set(effects(tmp_path)) == {"1"}
    assert (await connector.wait("local", await connector.launch("local", second))).exit_code == 0


async def test_what_waits_for_another_attempt_can_be_withdrawn(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path
) -> None:
    first, second = make_launch(1, "sleep 60"), make_launch(2)
    running = await connector.launch("local", first)
    waiting = asyncio.ensure_future(connector.launch("local", replace(second, after=first.token)))
    await asyncio.sleep(0.05)
    waiting.cancel()
    done, _ = await asyncio.wait([waiting], timeout=10)
    assert done, "it does not wait for the other one to end"
    await connector.cancel("local", running)
    await connector.wait("local", running)
    assert set(effects(tmp_path)) == {"1"}
    assert await connector.find("local", second) is None


async def test_what_comes_after_waits_also_when_the_helper_is_killed(
    connector: LocalConnector, make_launch: MakeLaunch, tmp_path: Path
) -> None:
    first = make_launch(1, "sleep 0.5; echo first >>../../order")
    second = replace(make_launch(2, "echo second >>../../order"), after=first.token)
    await connector.launch("local", first)
    waiting = asyncio.ensure_future(connector.launch("local", second))
    await asyncio.sleep(0.1)
    os.kill(helper_of(connector), signal.SIGKILL)
    handle = await asyncio.wait_for(waiting, 20)
    assert (await connector.wait("local", handle)).exit_code == 0
    assert (tmp_path / "order").read_text() == "first\nsecond\n"


async def test_a_record_is_left_by_whoever_sees_an_attempt_to_its_end(
    connector: LocalConnector, make_launch: MakeLaunch
) -> None:
    """The next controller reads it, when this one is killed before it has stored the end."""
    launches = [make_launch(1, "exit 7"), make_launch(2, "sleep 0.3; kill -9 $$")]
    handles = [await connector.launch("local", launch) for launch in launches]
    await connector.wait("local", handles[0])
    os.kill(helper_of(connector), signal.SIGKILL)
    mine = [await connector.wait("local", handle) for handle in handles]
    read = [await LocalConnector().find("local", launch) for launch in launches]
    for own, later in zip(mine, read, strict=True):
        assert isinstance(later, Ended)
        assert (own.ending, own.exit_code, own.signal) == (later.ending, later.exit_code, later.signal)
        assert own.figures.ended == pytest.approx(later.figures.ended, abs=0.05)
    assert [end.exit_code for end in mine] == [7, 137]


@pytest.mark.parametrize(
    "argv", [["no-such-program"], ["./no-such-file"], ["/etc/passwd"], ["../words"], ["sh", "-c", "exit 3"], ["env"]]
)
async def test_a_command_ends_as_it_does_without_the_helper(
    connector: LocalConnector, tmp_path: Path, argv: list[str]
) -> None:
    seen = []
    for name, starter in (("helped", connector), ("alone", LocalConnector())):
        launch = launch_of(tmp_path / name, *argv)
        script = tmp_path / name / "words"
        script.write_text("echo without a line that says by what\n")
        script.chmod(0o755)
        ended = await starter.wait("local", await starter.launch("local", launch))
        text = [(tmp_path / name / stream).read_text().replace(name, "") for stream in ("stdout", "stderr")]
        seen.append((ended.ending, ended.exit_code, [sorted(part.split("\n")) for part in text]))
    assert seen[0] == seen[1]


def adopts_orphans() -> bool:
    answer = ctypes.c_int()
    ctypes.CDLL(None).prctl(37, ctypes.byref(answer), 0, 0, 0)  # PR_GET_CHILD_SUBREAPER
    return bool(answer.value)


@pytest.fixture
def nobody_has_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget that other tests of this process may have left a helper behind."""
    before = adopts_orphans()
    monkeypatch.setattr(starting, "adopting", starting.Adoption())
    ctypes.CDLL(None).prctl(starting.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    yield
    ctypes.CDLL(None).prctl(starting.PR_SET_CHILD_SUBREAPER, int(before), 0, 0, 0)


@pytest.mark.usefixtures("nobody_has_asked")
async def test_orphans_are_adopted_only_as_long_as_there_is_a_helper(tmp_path: Path) -> None:
    """Others in this process leave orphans too, and nobody here would wait for those."""
    connector = LocalConnector()
    launch = launch_of(tmp_path / "alone", "true")
    await connector.wait("local", await connector.launch("local", launch))
    assert not adopts_orphans()
    await warm(connector, tmp_path / "before")
    assert adopts_orphans()
    await connector.undeploy()
    assert not adopts_orphans()
