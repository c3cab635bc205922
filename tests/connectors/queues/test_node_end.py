"""What a job of a queue leaves on its node when it is over: files, and no process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recrate.connectors.processes import of_session
from recrate.connectors.queues.node import NODE, PROGRAM
from recrate.connectors.queues.reports import RECORDED, recorded_text
from recrate.connectors.wrapper import RESULT, Script, script_text

ATTEMPTS = 60


def attempt(folder: Path, *command: str) -> Path:
    """Make the directory of an attempt."""
    (folder / "out").mkdir(parents=True)
    (folder / "script").write_text(script_text(Script("t", "j", str(folder), f"{folder}/out", command)))
    return folder


def carry_out(folder: Path, limit: int = 0, path: str = os.environ["PATH"]) -> int:
    """Carry an attempt out as a queue does; return the number of its session."""
    argv = ["/bin/sh", "-c", PROGRAM, "recrate", f"'{folder}' {limit}"]
    process = subprocess.Popen(argv, start_new_session=True, env={**os.environ, "PATH": path})
    assert process.wait(30) == 0
    return process.pid


@contextmanager
def busy() -> Iterator[None]:
    """Give all cores something to do, twice."""
    work = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(work) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_no_process_is_left_and_no_pause_is_waited_for(tmp_path: Path) -> None:
    """Also where the command ends before the first pause has begun, as on a busy node."""
    folders = [attempt(tmp_path / str(number), "true") for number in range(ATTEMPTS)]
    took = []
    with busy():
        for folder in folders:
            begun = time.monotonic()
            session = carry_out(folder)
            took.append(time.monotonic() - begun)
            assert of_session(session) == []
    assert sorted(took)[ATTEMPTS // 2] < 0.9
    assert sum(seconds > 0.9 for seconds in took) <= ATTEMPTS // 20


def test_a_command_whose_time_is_up_is_ended_with_its_children(tmp_path: Path) -> None:
    folder = attempt(tmp_path / "a", "sh", "-c", "sleep 60 & sleep 60")
    assert of_session(carry_out(folder, limit=1)) == []
    assert "timed out" in (folder / NODE).read_text()


def test_on_a_node_that_has_no_sleep_an_attempt_ends_and_nothing_goes_round_and_round(tmp_path: Path) -> None:
    folder = attempt(tmp_path / "a", sys.executable, "-c", "import time; time.sleep(1.5)")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert of_session(carry_out(folder, path="/nowhere")) == []
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "code 0\n" in (folder / RESULT).read_text()
    assert spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime < 0.9


def printed(*directories: Path, seconds: float) -> str:
    program = recorded_text([str(directory) for directory in directories], seconds)
    return subprocess.run(["sh", "-s"], input=program, capture_output=True, check=True).stdout.decode()


def test_records_are_waited_for_until_all_are_there(tmp_path: Path) -> None:
    first, second = attempt(tmp_path / "a b", "true"), attempt(tmp_path / "b", "true")
    (first / RESULT).touch()
    later = subprocess.Popen(["sh", "-c", f"sleep 0.4; : >'{second}/{RESULT}'"])
    begun = time.monotonic()
    assert printed(first, second, seconds=20).strip() == RECORDED
    assert 0.3 < time.monotonic() - begun < 10
    later.wait()


def test_records_that_do_not_come_are_not_waited_for_longer_than_asked(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert printed(attempt(tmp_path / "a", "true"), seconds=1) == ""
    assert time.monotonic() - begun < 5
