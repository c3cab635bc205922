"""Runs that the engine carried out go into another store and come out as they were."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recrate.api import run
from recrate.cli.app import run_app
from recrate.crates.export import ExportOptions, export_run
from recrate.crates.export.lines import LINE_06
from recrate.crates.importing import import_crate
from recrate.crates.read import open_crate
from recrate.crates.rows import row_lines
from recrate.crates.validation.file_rules import check_hashes
from recrate.errors import CrateInvalid
from recrate.provenance.states import RunState
from recrate.provenance.store import open_store

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
    "names": (
        workflow(
            {"make": step(tool("mkdir -p d/e; echo 1 > d/A; echo 2 > d/a; echo 3 > 'd/e/new\nline'; echo 4 > 'd/x?'",
                               {"o": {"type": "Directory", "outputBinding": {"glob": "d"}}}), "x")}, "make/o"),
        {"x": "a"},
        RunState.COMPLETED,
    ),
    "failed": (workflow({"no": step(tool("echo no >&2; exit 3"), "x")}, "no/o"), {"x": 1.5}, RunState.FAILED),
}  # fmt: skip


OPTIONS = ExportOptions(license="CC0-1.0")


def contents(path: Path) -> dict[str, bytes]:
    """Return the files of a crate by path, but for the page, which shows the ends of logs while they are here."""
    found = {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    assert found.pop("ro-crate-preview.html")
    return found


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_export_of_an_import_is_equal(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, inputs, state = WORKFLOWS[name]
    (tmp_path / "w.cwl").write_text(json.dumps(document))
    first, second = str(tmp_path / "first.db"), str(tmp_path / "second" / "store.db")
    done = run(tmp_path / "w.cwl", inputs, store=first, work=tmp_path / "work", retries=1)
    assert done.state is state
    with open_store(first) as store, open_store(second) as other:
        export_run(store, done.id, tmp_path / "one", OPTIONS)
        (item,) = import_crate(str(tmp_path / "one"), other)
        assert item.is_new and item.state is state
        shutil.rmtree(tmp_path / "work")
        export_run(other, done.id, tmp_path / "two", OPTIONS)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    told = []
    for url in (first, second):
        assert run_app(["log", done.name, "--store", url]) == 0
        assert run_app(["log", done.name, "--at", "3", "--store", url]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]


def test_archives_of_the_newer_line_come_in_as_well(tmp_path: Path) -> None:
    document, inputs, _ = WORKFLOWS["scatter"]
    (tmp_path / "w.cwl").write_text(json.dumps(document))
    done = run(tmp_path / "w.cwl", inputs, store=str(tmp_path / "first.db"), work=tmp_path / "work")
    crate, options = tmp_path / "run.crate.zip", replace(OPTIONS, line=LINE_06)
    with open_store(str(tmp_path / "first.db")) as store, open_store(str(tmp_path / "b" / "store.db")) as other:
        export_run(store, done.id, crate, options)
        (item,) = import_crate(str(crate), other)
        assert item.crate is not None and "https://w3id.org/ro/crate/1.3" in item.crate.profiles
        assert item.missing == 0
        assert b"".join(row_lines(other.database, done.id)) == b"".join(row_lines(store.database, done.id))


def test_contents_that_are_not_in_the_crate_are_counted(tmp_path: Path) -> None:
    document, inputs, _ = WORKFLOWS["scatter"]
    (tmp_path / "w.cwl").write_text(json.dumps(document))
    done = run(tmp_path / "w.cwl", inputs, store=str(tmp_path / "first.db"), work=tmp_path / "work")
    with open_store(str(tmp_path / "first.db")) as store, open_store(str(tmp_path / "b" / "store.db")) as other:
        export_run(store, done.id, tmp_path / "crate", replace(OPTIONS, metadata_only=True))
        (item,) = import_crate(str(tmp_path / "crate"), other)
    assert item.missing == len(inputs["x"]) + 1


@pytest.mark.parametrize("name", ["scatter", "folder"])
def test_a_crate_of_which_a_file_was_changed_is_refused(name: str, tmp_path: Path) -> None:
    document, inputs, _ = WORKFLOWS[name]
    (tmp_path / "w.cwl").write_text(json.dumps(document))
    done = run(tmp_path / "w.cwl", inputs, store=str(tmp_path / "first.db"), work=tmp_path / "work")
    with open_store(str(tmp_path / "first.db")) as store, open_store(str(tmp_path / "b" / "store.db")) as other:
        export_run(store, done.id, tmp_path / "crate", OPTIONS)
        (victim, *_) = [path for path in sorted((tmp_path / "crate" / "outputs").rglob("*")) if path.is_file()]
        victim.write_bytes(victim.read_bytes() + b"!")
        with pytest.raises(CrateInvalid, match="was changed"):
            import_crate(str(tmp_path / "crate"), other)
        with open_crate(str(tmp_path / "crate")) as crate:
            assert "recrate:hash" in [issue.rule for issue in check_hashes(crate)]
