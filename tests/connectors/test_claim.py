"""The claim of an attempt: it runs once, or never after somebody was told so."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from recrate.connectors.base import Ended, Ending, Handle
from recrate.connectors.claim import Claim, give_up, read_claim
from recrate.connectors.local import LocalConnector
from recrate.errors import PlaceFailed

from .running import launch_of

RACES = 50
MARK = ("sh", "-c", "echo x >>../ran")


def started(script: str, *, delay: float) -> subprocess.Popen[bytes]:
    """Start an attempt's script after a while, as a controller does that is killed right after it."""
    line = f'sleep {delay}; exec /bin/sh "$0" apart'
    return subprocess.Popen(["/bin/sh", "-c", line, script], start_new_session=True, stderr=subprocess.DEVNULL)


async def test_a_start_that_races_with_the_question_is_answered_truly(tmp_path: Path) -> None:
    for number in range(RACES):
        launch = launch_of(tmp_path / str(number), *MARK)
        # The starts fall around the question, which is asked as soon as a shell has come up.
        process = started(launch.script, delay=number % 5 / 1000)
        await asyncio.sleep(number % 13 / 1000)
        connector = LocalConnector()
        found = await connector.find("local", launch)
        if isinstance(found, Handle):
            found = await connector.wait("local", found)
        process.wait()
        ran = (tmp_path / str(number) / "ran").exists()
        if found is None:
            assert not ran
            assert read_claim(launch.directory) == Claim(given_up=True)
        else:
            assert (found.ending, found.exit_code) == (Ending.EXITED, 0)
            assert (tmp_path / str(number) / "ran").read_text() == "x\n"


async def test_two_starts_of_one_attempt_run_it_once(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", *MARK)
    for process in [started(launch.script, delay=0) for _ in range(8)]:
        process.wait()
    connector = LocalConnector()
    found = await connector.find("local", launch)
    assert found is not None
    if isinstance(found, Handle):
        await connector.wait("local", found)
    assert (tmp_path / "a" / "ran").read_text() == "x\n"


async def test_a_launch_after_the_answer_never_fails_and_runs_nothing(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", *MARK)
    connector = LocalConnector()
    assert await connector.find("local", launch) is None
    with pytest.raises(PlaceFailed, match="given up before"):
        await connector.launch("local", launch)
    assert not (tmp_path / "a" / "ran").exists()


async def test_a_launch_without_a_script_says_so(tmp_path: Path) -> None:
    launch = replace(launch_of(tmp_path / "a", "true"), task=None)
    Path(launch.script).unlink()
    with pytest.raises(PlaceFailed, match="could not begin"):
        await LocalConnector().launch("local", launch)


async def test_a_job_whose_number_cannot_be_written_does_not_go_on(tmp_path: Path) -> None:
    launch = replace(launch_of(tmp_path / "a", "sh", "-c", "sleep 1; echo x >>../ran"), task=None)
    text = Path(launch.script).read_text()
    Path(launch.script).write_text(text.replace('echo "$!" >>"$here/claim"', "false"))
    with pytest.raises(PlaceFailed, match="was ended"):
        await LocalConnector().launch("local", launch)
    found = await LocalConnector().find("local", launch)
    while isinstance(found, Handle):
        found = await LocalConnector().find("local", launch)
    assert isinstance(found, Ended)
    assert found.ending is Ending.LOST
    assert not (tmp_path / "a" / "ran").exists()


async def test_a_job_whose_number_was_not_written_is_found_by_its_command_line(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", "sh", "-c", "sleep 0.3; exit 4")
    text = Path(launch.script).read_text()
    Path(launch.script).write_text(text.replace('echo "$!" >>"$here/claim"', "false"))
    started(launch.script, delay=0).wait()
    connector = LocalConnector()
    found = await connector.find("local", launch)
    assert isinstance(found, Handle)
    assert (await connector.wait("local", found)).exit_code == 4


@pytest.mark.parametrize("content", ["", "999999999\n", "999999999\n999999998\n"])
async def test_a_claim_without_a_process_or_a_record_is_a_lost_attempt(tmp_path: Path, content: str) -> None:
    launch = launch_of(tmp_path / "a", "true")
    (tmp_path / "a" / "claim").write_text(content)
    found = await LocalConnector().find("local", launch)
    assert isinstance(found, Ended)
    assert found.ending is Ending.LOST


async def test_a_claim_whose_number_another_command_has_now_is_a_lost_attempt(tmp_path: Path) -> None:
    launch = launch_of(tmp_path / "a", "true")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        (tmp_path / "a" / "claim").write_text(f"{other.pid}\n{other.pid}\n")
        found = await LocalConnector().find("local", launch)
        assert other.poll() is None
        other.kill()
    assert isinstance(found, Ended)
    assert found.ending is Ending.LOST


async def test_a_shell_that_stops_between_its_claim_and_its_job_is_no_lost_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recrate.connectors.local.START_SECONDS", 0.1)
    launch = launch_of(tmp_path / "a", "true")
    claim = tmp_path / "a" / "claim"
    Path(launch.script).write_text(f'echo "$$" >{claim}\nsleep 60\n')
    with subprocess.Popen(["/bin/sh", launch.script, "apart"], start_new_session=True) as leader:
        while not claim.exists():
            await asyncio.sleep(0.001)
        with pytest.raises(PlaceFailed, match="about to start"):
            await LocalConnector().find("local", launch)
        os.killpg(leader.pid, 9)


def test_an_attempt_is_given_up_once_and_never_after_it_was_claimed(tmp_path: Path) -> None:
    assert give_up(str(tmp_path))
    assert not give_up(str(tmp_path))
    claimed = tmp_path / "b"
    claimed.mkdir()
    (claimed / "claim").write_text("12\n34")
    assert not give_up(str(claimed))
    assert read_claim(str(claimed)) == Claim(leader=12), "a line that is not complete does not count"
    assert give_up(str(tmp_path / "missing"))
