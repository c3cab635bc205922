"""`recrate resume` and `recrate run --resume`: what they say, and what they take from where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .conftest import Commands

FLAKY = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "inputs": {"word": {"type": "string", "inputBinding": {"position": 1}}},
    "outputs": {"o": {"type": "stdout"}},
    "stdout": "out.txt",
}


def flaky(recrate: Commands, **fields: Any) -> Path:
    """Write a tool that fails until there is a file `go`."""
    script = f"test -e {recrate.folder / 'go'} || exit 4; printf '%s' \"$1\""
    path = recrate.folder / "flaky.cwl"
    path.write_text(json.dumps({**FLAKY, "baseCommand": ["sh", "-c", script, "flaky"], **fields}))
    return path


def test_a_run_that_failed_goes_on_by_its_name(recrate: Commands) -> None:
    flaky(recrate)
    recrate("run", "flaky.cwl", "--set", "word=hello", "--name", "mine", code=1)
    (recrate.folder / "go").touch()
    (recrate.folder / "flaky.cwl").unlink()
    done = recrate("resume", "mine", "--json")
    answer = json.loads(done.stdout)
    assert (answer["name"], answer["state"]) == ("mine", "completed")
    assert Path(answer["outputs"]["o"]["path"]).read_text() == "hello"
    assert "completed" in recrate("show", "mine").stdout
    assert "another controller goes on with the run" in recrate("log", "mine").stdout


def test_a_run_that_completed_is_only_shown_again(recrate: Commands) -> None:
    flaky(recrate)
    (recrate.folder / "go").touch()
    recrate("run", "flaky.cwl", "--set", "word=hello", "--name", "mine")
    answer = json.loads(recrate("resume", "mine", "--json").stdout)
    assert answer["state"] == "completed" and answer["outputs"]["o"]["basename"] == "out.txt"


def test_run_with_resume_goes_on_with_the_last_run_of_the_same(recrate: Commands) -> None:
    flaky(recrate)
    command = ("run", "flaky.cwl", "--resume", "--json", "--set")
    first = json.loads(recrate(*command, "word=a", code=1).stdout)
    other = json.loads(recrate(*command, "word=b", code=1).stdout)
    assert other["id"] != first["id"], "other inputs are another run"
    (recrate.folder / "go").touch()
    again = json.loads(recrate(*command, "word=a").stdout)
    assert (again["id"], again["state"]) == (first["id"], "completed")
    later = json.loads(recrate(*command, "word=a").stdout)
    assert later["id"] != first["id"], "a run that completed is over"


def test_secrets_are_not_on_record_and_are_given_again(recrate: Commands) -> None:
    hints = {"cwltool:Secrets": {"secrets": ["word"]}}
    flaky(recrate, hints=hints, **{"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}})
    command = ("run", "flaky.cwl", "--set", "word=hush-hush", "--name", "mine")
    recrate(*command, code=1)
    (recrate.folder / "go").touch()
    said = recrate("resume", "mine", code=2).stderr
    assert "holds a secret" in said and "--resume" in said
    recrate("run", "flaky.cwl", "--set", "word=hush-hush", "--resume")
    assert (recrate.folder / "results" / "out.txt").read_text() == "hush-hush"
    for path in recrate.folder.rglob("*.db*"):
        assert b"hush-hush" not in path.read_bytes()


def test_a_run_that_is_not_there_is_said_in_one_line(recrate: Commands) -> None:
    said = recrate("resume", "nobody", code=2).stderr
    assert said.count("\n") == 1 and "nobody" in said
