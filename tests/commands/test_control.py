"""`run --detach`, `attach` and `cancel`: a run and its user are different processes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from recrate.provenance.processes import process_start

from .conftest import Commands
from .processes import (
    ENDLESS,
    STUBBORN,
    ended,
    jobs_of,
    own_terminal,
    signalled,
    started,
    state_of,
    tool,
    until,
    until_a_job_runs,
)

WAITS = 'while [ ! -e "$0/go" ]; do sleep 0.1; done; echo done'


def go(recrate: Commands) -> None:
    """Let the jobs of a tool that `WAITS` end."""
    (recrate.folder / "go").touch()


def test_cancel_ends_a_run_of_another_process(recrate: Commands) -> None:
    with started(recrate, "run", tool(recrate, "endless.cwl", ENDLESS), "--name", "mine") as process:
        until_a_job_runs(recrate)
        said = recrate("cancel", "mine").stdout
        code, shown = ended(process)
    assert said == "run mine is cancelled; go on with: recrate resume mine\n"
    assert code == 143
    assert "run mine was cancelled" in shown
    assert jobs_of(recrate) == []
    assert recrate("cancel", "last").stdout == "run mine is over already: cancelled\n"
    assert recrate.json("cancel", "mine")["was_over"] is True


def test_a_job_that_ignores_sigterm_is_killed_and_asking_again_is_no_second_signal(recrate: Commands) -> None:
    with started(recrate, "run", tool(recrate, "stubborn.cwl", STUBBORN), "--name", "mine") as process:
        until_a_job_runs(recrate)
        begun = time.monotonic()
        assert "still goes on: it was asked to end" in recrate("cancel", "mine", "--wait", "0.4", code=1).stdout
        assert "is cancelled" in recrate("cancel", "mine").stdout
        assert ended(process)[0] == 143
    assert time.monotonic() - begun > 3
    assert state_of(recrate) == "cancelled"
    assert jobs_of(recrate) == []


def test_nothing_is_cancelled_that_is_not_there(recrate: Commands) -> None:
    assert "no run is called 'nobody'" in recrate("cancel", "nobody", code=2).stderr


def test_a_detached_run_is_watched_from_elsewhere(recrate: Commands) -> None:
    tool(recrate, "waits.cwl", WAITS)
    begun = recrate.json("run", "--detach", "waits.cwl", "--name", "mine", "--outdir", "out")
    assert begun["name"] == "mine"
    assert begun["log"].endswith(f"/work/{begun['id']}.log")
    with started(recrate, "attach", "mine") as watcher:
        assert watcher.stderr is not None
        assert f"run mine ({begun['id']})" in watcher.stderr.readline()
        go(recrate)
        shown, said = watcher.communicate(timeout=30)
    assert watcher.returncode == 0
    assert "/: completed" in said
    assert "run mine completed after" in said
    assert "said  out/said.txt  5 B" in shown
    assert (recrate.folder / "out" / "said.txt").read_text() == "done\n"
    assert "run mine completed after" in Path(begun["log"]).read_text()
    again = recrate("attach", "mine")
    assert (again.stdout, again.stderr) == (shown, "")


def test_a_detached_run_says_how_to_go_on_and_is_cancelled_by_name(recrate: Commands) -> None:
    done = recrate("run", "-d", tool(recrate, "endless.cwl", ENDLESS), "--name", "mine")
    assert "goes on in the background" in done.stdout
    assert "recrate attach mine    recrate cancel mine" in done.stdout
    until_a_job_runs(recrate)
    recrate("cancel", "mine")
    assert jobs_of(recrate) == []
    said = recrate("attach", "mine", code=143).stderr
    assert said == "recrate: run mine was cancelled; go on with: recrate resume mine\n"


def test_a_failure_is_shown_to_a_watcher_as_to_whoever_ran_it(recrate: Commands) -> None:
    tool(recrate, "fails.cwl", "echo sorry >&2; exit 3")
    with started(recrate, "run", "fails.cwl", "--retries", "1", "-q") as process:
        code, said = ended(process)
    assert code == 1
    assert "exit code 3" in said
    assert recrate("attach", "last", code=1).stderr == said


def test_ctrl_c_while_watching_leaves_the_run_alone(recrate: Commands) -> None:
    recrate("run", "-d", tool(recrate, "waits.cwl", WAITS), "--name", "mine")
    with started(recrate, "attach", "mine") as watcher:
        assert watcher.stderr is not None
        watcher.stderr.readline()
        code, said = signalled(watcher, signal.SIGINT)
    assert code == 130
    assert said == "recrate: the run goes on; watch it again: recrate attach mine\n"
    assert state_of(recrate) == "running"
    go(recrate)
    recrate("attach", "mine")


def test_a_detached_run_outlives_its_terminal(recrate: Commands) -> None:
    parent, child = pty.openpty()
    shell = subprocess.Popen(
        ["sh", "-c", f"{sys.executable} -m recrate run -d {tool(recrate, 'waits.cwl', WAITS)}; read line"],
        cwd=recrate.folder, env=recrate.environment, stdin=child, stdout=child, stderr=child,
        preexec_fn=partial(own_terminal, child),
    )  # fmt: skip
    os.close(child)
    until(lambda: "goes on in the background" in os.read(parent, 65536).decode())
    until_a_job_runs(recrate)
    os.close(parent)
    shell.wait(timeout=30)
    assert state_of(recrate) == "running"
    go(recrate)
    recrate("attach", "last")
    assert state_of(recrate) == "completed"


def test_a_watcher_is_told_when_the_controller_dies(recrate: Commands) -> None:
    recrate("run", "-d", tool(recrate, "endless.cwl", ENDLESS), "--name", "mine")
    until_a_job_runs(recrate)
    lease = recrate.json("show", "mine")["lease"]
    with started(recrate, "attach", "mine") as watcher:
        assert watcher.stderr is not None
        watcher.stderr.readline()
        os.kill(lease["pid"], signal.SIGKILL)
        code, said = ended(watcher)
    until(lambda: process_start(lease["pid"]) is None)
    assert code == 1
    assert said.splitlines()[-1].endswith("(go on with: recrate resume mine)")
    kill_jobs(recrate)


def kill_jobs(recrate: Commands) -> None:
    """Kill what a controller that was killed left behind."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(recrate.folder).encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
        except OSError:
            continue


def test_an_error_before_the_start_is_shown_in_the_foreground(recrate: Commands) -> None:
    described = json.loads((recrate.folder / tool(recrate, "image.cwl", "true")).read_text())
    described["requirements"] = {"DockerRequirement": {"dockerPull": "recrate.invalid/nothing"}}
    (recrate.folder / "image.cwl").write_text(json.dumps(described))
    said = recrate("run", "--detach", "--offline", "image.cwl", code=33).stderr
    assert said.startswith("recrate: offline, and these images are not here: recrate.invalid/nothing")
    assert len(said.splitlines()) == 1
    assert recrate("run", "-d", "count.cwl", code=1).stderr.startswith("recrate: ")
    assert recrate("run", "-d", "tool.cwl", code=1).stderr.count("\n") == 1
    (recrate.folder / "file").touch()
    assert "cannot write the log" in recrate("run", "-d", "image.cwl", "--work", "file/work", code=2).stderr
    assert recrate.json("runs") == []
    assert not list(recrate.folder.rglob("*.log"))
