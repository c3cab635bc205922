"""`runs`, `show`, `log`, `why`, `rm`, `gc`, `graph`, `validate`, `bug-report`."""

from __future__ import annotations

import json
import tarfile
from xml.etree import ElementTree

import pytest

from .conftest import Commands


@pytest.fixture
def ran(recrate: Commands) -> Commands:
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "first")
    return recrate


def test_runs_are_listed_oldest_first(ran: Commands) -> None:
    ran("run", "-q", "tool.cwl", "--set", "text=a.txt", "--name", "second")
    listed = ran.json("runs")
    assert [(run["name"], run["state"]) for run in listed] == [("first", "completed"), ("second", "completed")]
    assert all(len(run["id"]) == 16 for run in listed)
    assert [run["name"] for run in ran.json("runs", "--newest", "1")] == ["second"]
    assert "first" in ran("runs").stdout


def test_show_tells_of_a_run_a_job_and_a_token_by_any_prefix(ran: Commands) -> None:
    run = ran.json("show", "first")
    assert run["row"]["id"].startswith(ran.json("runs")[0]["id"])
    assert "2 completed" in ran("show", run["row"]["id"][:6]).stdout
    job = ran.json("show", "first/count[1]")
    assert job["row"]["path"] == "/count[1]"
    (attempt,) = job["attempts"]
    assert (attempt["row"]["exit_code"], attempt["row"]["state"]) == (0, "completed")
    assert attempt["row"]["peak_rss"] > 0
    token = ran.json("show", job["outputs"]["count"]["id"])
    assert token["value"]["basename"] == "count.txt"
    assert "sha256" in ran("show", job["outputs"]["count"]["id"]).stdout


def test_the_story_of_a_run_is_told_in_order(ran: Commands) -> None:
    lines = ran("log", "first").stdout.splitlines()
    assert "the run started" in lines[0]
    assert any("step /count has its inputs: 2 jobs" in line for line in lines)
    assert "workflow / is done" in lines[-1]
    assert [json.loads(line)["seq"] for line in ran("log", "first", "--json").stdout.splitlines()] == list(
        range(1, len(lines) + 1)
    )


def test_why_says_what_changed(ran: Commands) -> None:
    assert "never completed before" in ran("why", "first/count[0]").stdout
    (ran.folder / "a.txt").write_text("other words\n")
    ran("run", "-q", "workflow.cwl", "job.json", "--name", "second")
    said = ran("why", "second/count[0]").stdout
    assert "since run first" in said
    assert "input text changed:" in said
    assert (
        "was taken from the cache because its result was taken from run first" in ran("why", "second/count[1]").stdout
    )
    ran("run", "-q", "workflow.cwl", "job.json", "--name", "third", "--no-cache")
    assert "although nothing changed" in ran("why", "third/count[1]").stdout


def test_why_says_what_would_run(ran: Commands) -> None:
    said = ran("why", "--workflow", "workflow.cwl", "--job", "job.json").stdout
    assert said.count("would be taken from an earlier run") == 2
    (ran.folder / "a.txt").write_text("other words\n")
    lines = ran("why", "/count", "-w", "workflow.cwl", "-j", "job.json").stdout.splitlines()
    assert lines[0] == "/count[0] would run: its inputs changed since run first"
    assert lines[1].startswith("  input text changed: ")
    assert "/count[1] would be taken" in lines[2]
    assert [run["name"] for run in ran.json("runs")] == ["first"]


def test_a_removed_run_is_gone_and_its_space_is_freed(ran: Commands) -> None:
    ran("rm", "first", "--yes")
    assert ran.json("runs") == []
    assert "would free" in ran("gc", "--dry-run").stdout
    assert list((ran.folder / "data").rglob("script"))
    ran("gc")
    assert not list((ran.folder / "data").rglob("script"))
    assert (ran.folder / "results" / "count.txt").exists()


def test_a_workflow_is_drawn(recrate: Commands) -> None:
    svg = ElementTree.fromstring(recrate("graph", "workflow.cwl").stdout)
    assert svg.tag.endswith("svg")
    assert "flowchart TD" in recrate("graph", "workflow.cwl", "--format", "mermaid").stdout
    recrate("graph", "workflow.cwl", "-o", "w.dot")
    assert (recrate.folder / "w.dot").read_text().startswith("digraph")


def test_validate_says_what_is_wrong_and_where(recrate: Commands) -> None:
    assert "is valid CWL v1.2" in recrate("validate", "workflow.cwl").stdout
    text = (recrate.folder / "workflow.cwl").read_text()
    (recrate.folder / "workflow.cwl").write_text(text.replace('"text": "texts"', '"text": "txets"'))
    said = recrate("validate", "workflow.cwl", code=1).stderr
    assert "workflow.cwl:" in said
    assert "did you mean 'texts'?" in said


def test_a_bug_report_holds_no_secret(recrate: Commands) -> None:
    tool = json.loads((recrate.folder / "tool.cwl").read_text())
    tool["baseCommand"] = ["sh", "-c", "echo hunter2-secret >&2; exit 1"]
    (recrate.folder / "tool.cwl").write_text(json.dumps(tool))
    variables = {"RECRATE_SECRETS": "MY_WORD", "MY_WORD": "hunter2-secret"}
    recrate("run", "-q", "tool.cwl", "--set", "text=a.txt", code=1)
    recrate("bug-report", "-o", "report.tar.gz", **variables)
    with tarfile.open(recrate.folder / "report.tar.gz") as bundle:
        texts = {member.name: bundle.extractfile(member).read().decode() for member in bundle}  # type: ignore[union-attr]
    assert any(name.endswith("versions.json") for name in texts)
    assert any("exit code 1" in text for text in texts.values())
    assert not any("hunter2-secret" in text for text in texts.values())


@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "resume",
        "attach",
        "cancel",
        "validate",
        "graph",
        "runs",
        "show",
        "log",
        "why",
        "cache",
        "rm",
        "gc",
        "bug-report",
        "cwl",
    ],
)
def test_every_command_has_help(recrate: Commands, command: str) -> None:
    assert "recrate" in recrate(*[word for word in (command, "--help") if word]).stdout


def test_the_version_is_said(recrate: Commands) -> None:
    from recrate import __version__

    assert recrate("--version").stdout == f"recrate {__version__}\n"
