"""Runs, crates and files are compared by the command line: outputs, where they part first, and why."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cratebed.commands import Recrate

WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"numbers": "int[]", "script": {"type": "string", "default": "echo $0.0"}},
    "outputs": {
        "sum": {"type": "File", "outputSource": "add/out"},
        "parts": {"type": "File[]", "outputSource": "make/out"},
    },
    "steps": {
        "make": {
            "run": "make.cwl",
            "scatter": "number",
            "in": {"number": "numbers", "script": "script"},
            "out": ["out"],
        },
        "add": {"run": "add.cwl", "in": {"parts": "make/out"}, "out": ["out"]},
    },
}
MAKE = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c"],
    "inputs": {
        "script": {"type": "string", "inputBinding": {"position": 1}},
        "number": {"type": "int", "inputBinding": {"position": 2}},
    },
    "outputs": {"out": "stdout"},
    "stdout": "part.txt",
}
ADD = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": ["cat"],
    "inputs": {"parts": {"type": "File[]", "inputBinding": {}}},
    "outputs": {"out": "stdout"},
    "stdout": "sum.txt",
}


@pytest.fixture(autouse=True)
def documents(tmp_path: Path) -> None:
    for name, document in (("workflow", WORKFLOW), ("make", MAKE), ("add", ADD)):
        (tmp_path / f"{name}.cwl").write_text(json.dumps(document))


def run(recrate: Recrate, name: str, numbers: str = "[1, 2]", script: str = "echo $0.0") -> None:
    given = (f"numbers={numbers}", f"script={script}")
    settings = [word for one in given for word in ("--set", one)]
    recrate("run", "-q", "--no-cache", "--name", name, "--outdir", f"out-{name}", "workflow.cwl", *settings)


def compared(recrate: Recrate, *words: str, code: int = 0) -> Any:
    return json.loads(recrate("compare", *words, "--json", code=code).stdout)


def test_two_runs_of_the_same_are_identical(recrate: Recrate) -> None:
    run(recrate, "one")
    run(recrate, "two")
    found = compared(recrate, "one", "two")
    assert found["verdict"] == "identical" and found["cause"] is None and found["parting"] is None
    assert found["outputs"]["parts"]["grade"] == "identical"
    assert found["intermediate"] == {"identical": 3}
    assert "identical" in recrate("compare", "one", "two").stdout


def test_a_job_that_is_not_deterministic_is_where_runs_part(recrate: Recrate) -> None:
    run(recrate, "one", script="echo $0 $$")
    run(recrate, "two", script="echo $0 $$")
    found = compared(recrate, "one", "two", code=1)
    assert found["verdict"] == "different" and found["cause"] == "not deterministic"
    assert found["parting"]["job"].startswith("/make[") and found["parting"]["differences"] == []
    assert "line 1" in found["parting"]["detail"]
    assert "not deterministic" in recrate("compare", "one", "two", code=1).stdout


def test_numbers_within_the_tolerance_are_equivalent(recrate: Recrate, tmp_path: Path) -> None:
    for name, value in (("one", "0.5\n"), ("two", "0.5000000001\n")):
        (tmp_path / "value").write_text(value)
        run(recrate, name, script=f"cat {tmp_path}/value")
    found = compared(recrate, "one", "two")
    assert found["verdict"] == "equivalent" and found["outputs"]["sum"]["comparator"] == "text"
    assert found["parting"]["cause"] == "not deterministic"
    assert compared(recrate, "one", "two", "--rtol", "0", "--atol", "0", code=1)["verdict"] == "different"


def test_other_inputs_are_the_reason(recrate: Recrate) -> None:
    run(recrate, "one", "[1, 2]")
    run(recrate, "two", "[1, 3]")
    found = compared(recrate, "one", "two", code=1)
    assert found["cause"] == "another input" and found["parting"] is None


def test_another_command_is_the_author_s_change(recrate: Recrate, tmp_path: Path) -> None:
    run(recrate, "one")
    (tmp_path / "add.cwl").write_text(json.dumps({**ADD, "baseCommand": ["cat", "-n"]}))
    run(recrate, "two")
    found = compared(recrate, "one", "two", code=1)
    assert found["cause"] == "changed by the author" and found["parting"]["job"] == "/add"
    assert any("command changed" in line for line in found["parting"]["differences"])


def test_content_that_is_gone_cannot_be_verified(recrate: Recrate, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(recrate, name, script="echo $0 $$")
    for folder in (tmp_path / "stores").rglob("work"):
        subprocess.run(["rm", "-r", str(folder)], check=True)
    for name in ("one", "two"):
        subprocess.run(["rm", "-r", str(tmp_path / f"out-{name}")], check=True)
    found = compared(recrate, "one", "two", code=2)
    assert found["verdict"] == found["cause"] == "cannot be verified"


def test_a_report_is_a_page_that_shows_names_as_they_are(recrate: Recrate, tmp_path: Path) -> None:
    run(recrate, "one", script="echo '<script>alert(1)</script>' $$")
    run(recrate, "two", script="echo '<script>alert(1)</script>' $$")
    recrate("compare", "one", "two", "--html", "report.html", code=1)
    page = (tmp_path / "report.html").read_text()
    assert "<script>" not in page and "not deterministic" in page


def test_files_are_compared_without_a_store(recrate: Recrate, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"accuracy": 0.91}')
    (tmp_path / "b.json").write_text('{"accuracy": 0.905}')
    assert compared(recrate, "a.json", "b.json", code=1)["files"]["b.json"]["detail"] == "/accuracy: 0.91 and 0.905"
    assert compared(recrate, "a.json", "b.json", "--tolerance", "accuracy=0.01")["verdict"] == "equivalent"


def test_a_run_and_a_file_cannot_be_compared(recrate: Recrate, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert "cannot be compared" in recrate("compare", "a.json", "last", code=2).stderr
    assert "no run" in recrate("compare", "none", "last", code=2).stderr
