"""`recrate audit`, `recrate check` and `recrate diff` as commands: forms, files and exit codes."""

from __future__ import annotations

import json
import shutil

import pytest

from .conftest import TOOL, Commands


@pytest.fixture
def ran(recrate: Commands) -> Commands:
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "first", "--outdir", "out")
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "second", "--no-cache", "--outdir", "again")
    return recrate


def test_an_audit_is_written_in_the_form_that_the_name_of_the_file_says(ran: Commands) -> None:
    result = str(next((ran.folder / "out").glob("count*")))
    for name, beginning in (("a.svg", "<?xml"), ("a.html", "<!DOCTYPE html>"), ("a.json", "{"), ("a.txt", "count")):
        assert ran("audit", result, "-o", name).stdout == f"{name}\n"
        assert (ran.folder / name).read_text().startswith(beginning)
    assert ran("audit", result).stdout == (ran.folder / "a.txt").read_text()
    assert ran("audit", result, "--format", "svg").stdout.startswith("<?xml")
    assert json.loads(ran("audit", result, "--json").stdout) == json.loads((ran.folder / "a.json").read_text())


def test_an_audit_of_what_nobody_made_is_an_error(ran: Commands) -> None:
    assert "nothing on record made" in ran("audit", "0" * 64, code=2).stderr


def test_findings_make_the_exit_code_one(ran: Commands) -> None:
    shown = ran("check", "workflow.cwl", code=1).stdout
    assert "host-software" in shown and "tool.cwl:1:1" in shown and shown.endswith("1 warning\n")
    ran("check", "workflow.cwl", "--severity", "error")
    assert ran("check", "workflow.cwl", "--skip", "host-software").stdout.startswith("nothing was found")
    ran("check", "workflow.cwl", "job.json", code=1)
    assert "no job for it" in ran("check", "first", "job.json", code=2).stderr
    findings = json.loads(ran("check", "first", "--format", "json", code=1).stdout)
    assert findings[0].keys() == {"rule", "severity", "where", "detail", "advice"}
    assert "there is no rule 'nonsense'" in ran("check", "workflow.cwl", "--skip", "nonsense", code=2).stderr


@pytest.mark.parametrize("target, problem", [("nobody", "no run"), ("job.json", "no cwlVersion")])
def test_what_cannot_be_checked_is_said(ran: Commands, target: str, problem: str) -> None:
    done = ran("check", target, code=2 if target == "nobody" else 1)
    assert problem in done.stderr


def test_runs_that_are_alike_end_with_zero(ran: Commands) -> None:
    assert "first and second have the same on record" in ran("diff", "first", "second").stdout
    ran("run", "-q", "workflow.cwl", "job.json", "--name", "third", "--retries", "1", "--no-cache")
    shown = ran("diff", "first", "third", code=1).stdout
    assert "option retries" in shown
    found = json.loads(ran("diff", "first", "third", "--format", "json", code=1).stdout)
    assert found[0] == {"section": "run", "name": "option retries", "first": "0", "second": "1", "jobs": 0}
    ran("diff", "first", "third", "--skip", "run")


def test_a_run_can_be_compared_with_a_crate(ran: Commands) -> None:
    ran("export", "first", "-o", "crate.zip")
    assert "the same on record" in ran("diff", "crate.zip", "second").stdout


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_files_that_nobody_declared_are_told_at_the_end_and_later(recrate: Commands) -> None:
    secret = recrate.folder / "reference.txt"
    secret.write_text("x\n")
    tool = TOOL | {"baseCommand": ["sh", "-c", f"cat {secret} $0 | wc -w"]}
    (recrate.folder / "tool.cwl").write_text(json.dumps(tool))
    said = f"read 1 file that nobody declared: {secret}\n"
    done = recrate("run", "-q", "workflow.cwl", "job.json", "--name", "audited", "--audit")
    assert done.stderr.startswith("recrate: 2 jobs, /count[") and done.stderr.endswith(said)
    assert said in recrate("show", "audited").stdout and said in recrate("log", "audited").stdout
    assert str(secret) in recrate("check", "audited", code=1).stdout
    quiet = recrate("run", "-q", "workflow.cwl", "job.json", "--audit", "--audit-ignore", str(recrate.folder))
    assert quiet.stderr == ""
