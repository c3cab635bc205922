"""Some steps are carried out again; the others have the results that are on record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cratebed.commands import Recrate


def tool(name: str, script: str, log: Path) -> dict[str, Any]:
    return {
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", f"echo {name} >>'{log}'; {script}"],
        "inputs": {"x": {"type": "File", "inputBinding": {}}},
        "outputs": {"o": "stdout"},
        "stdout": f"{name}.txt",
    }


def workflow(log: Path, middle: str = "") -> dict[str, Any]:
    def step(name: str, source: str, script: str = "") -> dict[str, Any]:
        return {"run": tool(name, script or f"cat $0; echo {name}", log), "in": {"x": source}, "out": ["o"]}

    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {"SubworkflowFeatureRequirement": {}, "ScatterFeatureRequirement": {}},
        "inputs": {"text": "File"},
        "outputs": {"end": {"type": "File", "outputSource": "c/o"}, "side": {"type": "File", "outputSource": "d/o"}},
        "steps": {
            "a": step("a", "text"),
            "inner": {
                "run": {
                    "class": "Workflow",
                    "inputs": {"x": "File"},
                    "outputs": {"o": {"type": "File", "outputSource": "b/o"}},
                    "steps": {"b": step("b", "x", middle)},
                },
                "in": {"x": "a/o"},
                "out": ["o"],
            },
            "c": step("c", "inner/o"),
            "d": step("d", "a/o"),
        },
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def crate(recrate: Recrate, tmp_path: Path, document: Any, *words: str) -> str:
    (tmp_path / "workflow.cwl").write_text(json.dumps(document))
    (tmp_path / "text").write_text("text\n")
    recrate("run", "-q", "workflow.cwl", "--set", "text=text")
    recrate("export", "last", "-o", "crate.zip", *words)
    (tmp_path / "log").unlink()
    shutil.rmtree(tmp_path / "stores")
    return "crate.zip"


@pytest.mark.parametrize(
    ("words", "ran"),
    [
        (["--only", "d"], ["d"]),
        (["--only", "a", "--only", "/inner"], ["a", "b"]),
        (["--from", "inner"], ["b", "c"]),
        (["--from", "inner/b", "--only", "d"], ["b", "c", "d"]),
        (["--from", "a"], ["a", "b", "c", "d"]),
    ],
)
def test_the_steps_that_are_named_run_and_no_others(
    recrate: Recrate, tmp_path: Path, log: Path, words: list[str], ran: list[str]
) -> None:
    path = crate(recrate, tmp_path, workflow(log))
    done = json.loads(recrate("rerun", path, *words, "--outdir", "again", "--json", store="two").stdout)
    assert sorted(log.read_text().split()) == ran
    assert done["verdict"] == "identical"
    shown = recrate("log", done["run"], store="two").stdout
    assert (tmp_path / "again" / "c.txt").exists(), shown


def test_what_depends_on_a_step_that_makes_something_else_does_not_have_the_old_result(
    recrate: Recrate, tmp_path: Path, log: Path
) -> None:
    path = crate(recrate, tmp_path, workflow(log, "echo $$"))
    done = json.loads(recrate("rerun", path, "--only", "inner", "--json", code=1, store="two").stdout)
    assert done["parting"]["job"] == "/inner/b" and done["outputs"]["end"]["grade"] == "missing"
    said = recrate("show", done["run"], store="two").stdout
    assert "input 'x' of /c is not what run" in said
    done = json.loads(recrate("rerun", path, "--from", "inner", "--json", code=1, store="two").stdout)
    assert done["outputs"]["end"]["grade"] == "different"


def test_a_result_that_is_needed_and_not_to_be_had_is_said(recrate: Recrate, tmp_path: Path, log: Path) -> None:
    path = crate(recrate, tmp_path, workflow(log), "--exclude", "b.txt")
    said = recrate("rerun", path, "--from", "c", code=1, store="two").stderr
    assert "b.txt of /inner/b" in said and "--from" in said and not log.exists()


def test_a_step_that_is_none_is_said(recrate: Recrate, tmp_path: Path, log: Path) -> None:
    path = crate(recrate, tmp_path, workflow(log))
    assert "did you mean 'inner/b'?" in recrate("rerun", path, "--only", "inner/bb", code=2, store="two").stderr


def test_resuming_such_a_run_carries_out_no_more_steps_than_it_was_to(
    recrate: Recrate, tmp_path: Path, log: Path
) -> None:
    closed = tmp_path / "closed"
    path = crate(recrate, tmp_path, workflow(log, f"test ! -e '{closed}' && cat $0"))
    closed.touch()
    recrate("rerun", path, "--from", "inner", "--outdir", "again", code=1, store="two")
    closed.unlink()
    recrate("resume", "last", store="two")
    assert log.read_text().split() == ["b", "b", "c"]
    assert (tmp_path / "again" / "c.txt").read_text() == "text\na\nc\n"
