"""Runs that go on while a test acts on them, and the processes of their jobs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .conftest import Commands

WAIT_SECONDS = 30
ENDLESS = "while :; do sleep 0.1; done"
STUBBORN = f"trap '' TERM; {ENDLESS}"


def tool(recrate: Commands, name: str, script: str) -> str:
    """Write a tool that runs a shell script; the folder is an argument, by which its process is found."""
    described = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", script, str(recrate.folder)],
        "inputs": {},
        "outputs": {"said": "stdout"},
        "stdout": "said.txt",
    }
    (recrate.folder / name).write_text(json.dumps(described))
    return name


def jobs_of(recrate: Commands) -> list[str]:
    """Return the command lines of the processes of jobs (and their wrappers) that are left."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if str(recrate.folder).encode() in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def until(what: Callable[[], object]) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def until_a_job_runs(recrate: Commands) -> None:
    """Wait until the shell of a job is there, not only its wrapper."""
    until(lambda: any("sleep 0.1" in line for line in jobs_of(recrate)))
    time.sleep(0.1)  # until the shell has set its trap


@contextmanager
def started(recrate: Commands, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a session of its own; kill what is left of it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "recrate", *arguments],
        cwd=recrate.folder,
        env=recrate.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code of a process and what it printed to standard error."""
    _, said = process.communicate(timeout=WAIT_SECONDS)
    assert "Traceback" not in said, said
    return process.returncode, said


def signalled(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send one signal; return how the process ended."""
    process.send_signal(number)
    return ended(process)


def state_of(recrate: Commands, run: str = "last") -> str:
    """Return the state of a run as `recrate show` tells it."""
    return str(recrate.json("show", run)["state"])


def own_terminal(terminal: int) -> None:
    """Make a terminal the controlling one of this process, which leads a session (for `preexec_fn`)."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
