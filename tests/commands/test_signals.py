"""How signals end `recrate run` and `recrate cwl`, and that no job outlives them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from .conftest import Commands
from .processes import (
    ENDLESS,
    STUBBORN,
    jobs_of,
    own_terminal,
    signalled,
    started,
    state_of,
    tool,
    until,
    until_a_job_runs,
)

AT_ONCE_SECONDS = 3.0
"""Less than the grace that jobs have otherwise."""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)], ids=str
)
def test_the_first_signal_ends_the_run_cleanly_and_says_how_to_go_on(
    recrate: Commands, number: signal.Signals, code: int
) -> None:
    with started(recrate, "run", tool(recrate, "endless.cwl", ENDLESS), "--name", "mine") as process:
        until_a_job_runs(recrate)
        ending, said = signalled(process, number)
    assert ending == code
    assert "once more ends them at once" in said
    assert said.splitlines()[-1] == "recrate: run mine was cancelled; go on with: recrate resume mine"
    assert state_of(recrate) == "cancelled"
    assert jobs_of(recrate) == []
    assert recrate.json("show", "mine/")["attempts"][0]["row"]["state"] == "cancelled"


def test_signals_that_come_together_are_one(recrate: Commands) -> None:
    with started(recrate, "run", tool(recrate, "endless.cwl", ENDLESS)) as process:
        until_a_job_runs(recrate)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
        assert signalled(process, signal.SIGTERM)[0] == 143
    assert state_of(recrate) == "cancelled"


def test_the_second_signal_ends_everything_at_once_and_the_run_can_be_resumed(recrate: Commands) -> None:
    with started(recrate, "run", tool(recrate, "stubborn.cwl", STUBBORN), "--name", "mine") as process:
        until_a_job_runs(recrate)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        begun = time.monotonic()
        code, said = signalled(process, signal.SIGINT)
    assert code == 130
    assert time.monotonic() - begun < AT_ONCE_SECONDS
    assert said.splitlines()[-1].endswith("run mine was ended at once; go on with: recrate resume mine")
    until(lambda: not jobs_of(recrate))
    assert state_of(recrate) == "interrupted"
    assert "somebody asked for the run to end" in recrate("log", "mine").stdout
    said = recrate("attach", "mine", code=1).stderr
    assert said == "recrate: run mine was interrupted: its controller is gone (go on with: recrate resume mine)\n"
    assert recrate("cancel", "mine").stdout == "run mine is cancelled; go on with: recrate resume mine\n"
    assert state_of(recrate) == "cancelled"


def test_a_signal_before_the_first_job_ends_the_run_too(recrate: Commands) -> None:
    with started(recrate, "run", tool(recrate, "endless.cwl", ENDLESS)) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the run is on record
        assert signalled(process, signal.SIGINT)[0] == 130
    assert state_of(recrate) == "cancelled"
    assert jobs_of(recrate) == []


def test_a_signal_that_is_ignored_stays_ignored(recrate: Commands) -> None:
    text = f"exec nohup {sys.executable} -m recrate run {tool(recrate, 'endless.cwl', ENDLESS)}"
    process = subprocess.Popen(
        ["sh", "-c", text], cwd=recrate.folder, env=recrate.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until_a_job_runs(recrate)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    assert signalled(process, signal.SIGTERM)[0] == 143


def test_the_cwl_command_ends_with_the_same_exit_code(recrate: Commands) -> None:
    with started(recrate, "cwl", tool(recrate, "endless.cwl", ENDLESS)) as process:
        until_a_job_runs(recrate)
        code, said = signalled(process, signal.SIGINT)
    assert code == 130
    assert "was cancelled; go on with: recrate resume" in said
    assert jobs_of(recrate) == []


def test_a_terminal_that_is_closed_ends_the_run_cleanly(recrate: Commands) -> None:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "recrate", "run", tool(recrate, "endless.cwl", ENDLESS)],
        cwd=recrate.folder, env={**recrate.environment, "TERM": "xterm"},
        stdin=child, stdout=child, stderr=child, preexec_fn=partial(own_terminal, child),
    )  # fmt: skip
    os.close(child)
    until_a_job_runs(recrate)
    os.close(parent)
    assert process.wait(timeout=30) == 143
    assert state_of(recrate) == "cancelled"
    assert jobs_of(recrate) == []
