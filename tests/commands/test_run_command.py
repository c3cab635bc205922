"""`recrate run`: outputs and what is said."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Commands


def test_outputs_are_delivered_and_what_to_do_next_is_said(recrate: Commands) -> None:
    done = recrate("run", "workflow.cwl", "job.json", "--outdir", "out", "--name", "my-run")
    assert sorted(path.read_text().strip() for path in (recrate.folder / "out").iterdir()) == ["2", "3"]
    assert "2 files in out/" in done.stdout
    assert "recrate show my-run" in done.stdout
    assert "run my-run completed" in done.stderr
    assert "/count: 2 of 2 jobs" in done.stderr


def test_quiet_says_nothing_and_json_is_all_on_standard_output(recrate: Commands) -> None:
    assert recrate("run", "-q", "workflow.cwl", "job.json").stderr == ""
    result = recrate.json("run", "workflow.cwl", "job.json")
    assert result["state"] == "completed"
    assert [item["size"] for item in result["outputs"]["counts"]] == [2, 2]


def test_a_profile_says_where_the_time_went(recrate: Commands) -> None:
    done = recrate("run", "-q", "--json", "--profile", "workflow.cwl", "job.json")
    assert json.loads(done.stdout)["state"] == "completed"
    shares = [float(line.split("%")[0].split()[-1]) for line in done.stderr.splitlines() if "%" in line]
    assert 60 <= sum(shares) <= 110  # what measuring itself takes is nobody's
    assert "starting and watching jobs" in done.stderr and "writing down" in done.stderr


def test_inputs_can_be_set_one_by_one(recrate: Commands) -> None:
    result = recrate.json("run", "tool.cwl", "--set", "text=a.txt")
    assert Path(result["outputs"]["count"]["path"]).read_text().strip() == "3"
    both = recrate.json("run", "workflow.cwl", "--set", "texts=b.txt", "--set", "texts=a.txt")
    assert [Path(item["path"]).read_text().strip() for item in both["outputs"]["counts"]] == ["2", "3"]


def test_a_terminal_sees_a_table_of_steps(recrate: Commands) -> None:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "recrate", "run", "workflow.cwl", "job.json"],
        cwd=recrate.folder,
        env={**recrate.environment, "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    shown = b""
    try:
        while chunk := os.read(parent, 65536):
            shown += chunk
    except OSError:
        pass
    os.close(parent)
    assert process.wait() == 0
    for word in (b"step", b"waiting", b"running", b"/count", "━".encode(), b"completed"):
        assert word in shown


@pytest.mark.parametrize(("keep", "left"), [("all", True), ("outputs", False), ("none", False)])
def test_what_stays_on_disk_is_a_choice(recrate: Commands, keep: str, left: bool) -> None:
    result = recrate.json("run", "workflow.cwl", "job.json", "--keep", keep, "--outdir", "out")
    assert bool(list((recrate.folder / "data").rglob("script"))) is left
    assert len(list((recrate.folder / "out").iterdir())) == 2
    token = recrate.json("show", f"{result['name']}/count[0]")["outputs"]["count"]["id"]
    assert str(recrate.folder / "out") in recrate("show", token).stdout or left


def test_results_of_other_runs_are_taken_and_it_is_said(recrate: Commands) -> None:
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "first")
    done = recrate("run", "workflow.cwl", "job.json", "--name", "second")
    assert "/count: 2 of 2 jobs, 2 cached" in done.stderr
    jobs = [recrate.json("show", f"second/count[{index}]")["row"] for index in (0, 1)]
    assert [(job["state"], job["reason"]) for job in jobs] == [("cached", "its result was taken from run first")] * 2
    assert "2 cached" in recrate("show", "second").stdout
    assert "job /count[1] is cached: its result was taken from run first" in recrate("log", "second").stdout


def test_without_the_cache_each_job_runs(recrate: Commands) -> None:
    recrate("run", "-q", "workflow.cwl", "job.json")
    assert "cached" not in recrate("run", "workflow.cwl", "job.json", "--no-cache").stderr
    assert recrate.json("show", "last/count[0]")["row"]["state"] == "completed"


def test_an_unknown_input_is_a_warning(recrate: Commands) -> None:
    (recrate.folder / "odd.json").write_text('{"text": {"class": "File", "path": "a.txt"}, "txet": 1}')
    assert "warning: 'tool' has no input 'txet', did you mean 'text'?" in recrate("run", "tool.cwl", "odd.json").stderr


def test_a_failed_attempt_is_tried_again_by_a_rule(recrate: Commands) -> None:
    script = "test -e ../../../again || { touch ../../../again; exit 75; }"
    tool = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": ["sh", "-c", script]}
    (recrate.folder / "flaky.cwl").write_text(json.dumps({**tool, "inputs": {}, "outputs": {}}))
    work = str(recrate.folder / "work")
    done = recrate("run", "flaky.cwl", "--work", work, "--retry", "1,on=exit,delay=0.1", "--name", "flaky")
    assert "exit code 75; next: attempt 2" in done.stderr
    assert "attempt 1 failed" in recrate("show", "flaky/").stdout


def test_a_rule_for_a_step_that_is_not_there_says_which_there_are(recrate: Commands) -> None:
    done = recrate("run", "workflow.cwl", "job.json", "--retry", "/cuont:2", code=2)
    assert "the workflow has no step /cuont (steps, without indices: /count)" in done.stderr
    assert "workflow.cwl:1:1" in done.stderr
