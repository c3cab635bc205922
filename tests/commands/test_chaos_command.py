"""`--chaos` is taken, is on record and is shown; the help does not show it."""

from __future__ import annotations

import json

from .conftest import Commands

SLOW = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "inputs": {},
    "outputs": {"o": "stdout"},
    "stdout": "o.txt",
    "baseCommand": ["sh", "-c", "sleep 0.5; echo done"],
}


def test_what_was_done_to_a_run_is_shown_with_it(recrate: Commands) -> None:
    (recrate.folder / "slow.cwl").write_text(json.dumps(SLOW))
    done = recrate("run", "slow.cwl", "--chaos", "kill=100%", "--name", "mine", code=1)
    assert "faults are brought about on purpose (chaos: kill=100%,seed=" in done.stderr
    shown = recrate("show", "mine").stdout
    assert "chaos           kill=100%,seed=" in shown
    assert ": 1 fault, each in `recrate log mine`" in shown
    assert "chaos on local: killed / #1" in recrate("log", "mine").stdout
    recrate("resume", "mine", code=1)
    assert ": 2 faults, each" in recrate("show", "mine").stdout, "what goes on is as it was begun"
    recrate("resume", "mine", "--chaos", "none")
    assert ": 2 faults, each" in recrate("show", "mine").stdout


def test_a_run_without_it_says_nothing_of_it(recrate: Commands) -> None:
    recrate("run", "workflow.cwl", "job.json", "--name", "mine")
    assert not [line for line in recrate("show", "mine").stdout.splitlines() if line.startswith("chaos")]
    assert "chaos" not in recrate("run", "--help").stdout
    assert "chaos" not in recrate("resume", "--help").stdout


def test_a_word_that_is_wrong_is_refused_before_anything_runs(recrate: Commands) -> None:
    done = recrate("run", "workflow.cwl", "job.json", "--chaos", "kill=lots", code=2)
    assert "--chaos: kill=lots is no percentage (give a list such as" in done.stderr
    assert recrate.json("runs") == []
    recrate("run", "workflow.cwl", "job.json", "--chaos", "none")


def test_this_machine_can_be_examined(recrate: Commands) -> None:
    told = json.loads(recrate("doctor", "--format", "json").stdout)
    assert told["ok"] is True
    assert {item["check"] for item in told["findings"]} == {
        "reach", "shell", "write", "space", "rename", "clock", "containers"
    }  # fmt: skip
    bad = recrate("doctor", code=1, RECRATE_STORE="/proc/none/store.db").stdout.splitlines()
    assert bad[0].startswith("bad  local: store: ")
    assert "no binding file" in recrate("doctor", "workflow.cwl", code=2).stderr
