"""Runs that the engine carried out go into another store and come out as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cratebed.building import folder, head

from recrate.api import run
from recrate.cli.app import run_app
from recrate.crates import rows
from recrate.crates.importing import import_crate
from recrate.crates.rows import row_lines
from recrate.provenance import queries
from recrate.provenance.states import RunState
from recrate.provenance.store import Store, open_store

REQUIREMENTS = ("ScatterFeature", "SubworkflowFeature", "StepInputExpression", "InlineJavascript")


def tool(command: str, outputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "class": "CommandLineTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "baseCommand": ["sh", "-c", command, "x"],
        "inputs": {"x": {"type": "Any?", "inputBinding": {}}},
        "outputs": outputs or {"o": "stdout"},
        **more,
    }


def step(body: dict[str, Any], source: str, **more: Any) -> dict[str, Any]:
    return {"run": body, "in": {"x": source}, "out": ["o"], **more}


def workflow(steps: dict[str, Any], source: str, **inputs: Any) -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {f"{name}Requirement": {} for name in REQUIREMENTS},
        "inputs": inputs or {"x": "Any"},
        "outputs": {"o": {"type": "Any", "outputSource": source}},
        "steps": steps,
    }


ECHO = tool('echo "$@"')
CAT = tool('for file; do cat "$file"; done')
WORKFLOWS: dict[str, tuple[dict[str, Any], dict[str, Any], RunState]] = {
    "scatter": (
        workflow({"say": step(ECHO, "x", scatter="x"), "join": step(CAT, "say/o")}, "join/o"),
        {"x": ["a", "b \u2603", "c\udcff", "new\nline"]},
        RunState.COMPLETED,
    ),
    "subworkflow": (
        workflow({"in": step(workflow({"say": step(ECHO, "x")}, "say/o"), "x", scatter="x")}, "in/o"),
        {"x": ["a", "b"]},
        RunState.COMPLETED,
    ),
    "skipped": (
        workflow({"say": step(ECHO, "x", when="$(inputs.x === 'never')")}, "say/o", x="Any"),
        {"x": "a"},
        RunState.COMPLETED,
    ),
    "folder": (
        workflow(
            {"make": step(tool('mkdir d; echo 1 > "d/a b"; : > d/empty',
                               {"o": {"type": "Directory", "outputBinding": {"glob": "d"}}}), "x")}, "make/o"),
        {"x": "a"},
        RunState.COMPLETED,
    ),
    "failed": (workflow({"no": step(tool("echo no >&2; exit 3"), "x")}, "no/o"), {"x": 1.5}, RunState.FAILED),
}  # fmt: skip


def crate_of(store: Store, run_id: str, path: Path) -> Path:
    lines = b"".join(row_lines(store.database, run_id))
    return folder(path, head([rows.PATH]), {rows.PATH: lines})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_run_comes_back_as_it_was(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, inputs, state = WORKFLOWS[name]
    (tmp_path / "w.cwl").write_text(json.dumps(document))
    first, second = str(tmp_path / "first.db"), str(tmp_path / "second" / "store.db")
    done = run(tmp_path / "w.cwl", inputs, store=first, work=tmp_path / "work", retries=1)
    assert done.state is state
    with open_store(first) as store, open_store(second) as other:
        (item,) = import_crate(str(crate_of(store, done.id, tmp_path / "crate")), other)
        assert item.is_new and item.state is state
        assert b"".join(row_lines(other.database, done.id)) == b"".join(row_lines(store.database, done.id))
        assert queries.outputs_of_run(other.database, done.id).keys() == document["outputs"].keys() or (
            state is RunState.FAILED
        )
    told = []
    for url in (first, second):
        assert run_app(["log", done.name, "--store", url]) == 0
        assert run_app(["log", done.name, "--at", "3", "--store", url]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
