"""`--audit`: what jobs read that nobody had declared is on record, and changes nothing of what the run comes to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recrate import api
from recrate.core.story import undeclared_lines, undeclared_reads
from recrate.core.tracing import find_tracer
from recrate.crates.export import export_run
from recrate.crates.reproducibility.check import check_named, check_run
from recrate.errors import Unsupported
from recrate.provenance.rows import RunRow
from recrate.provenance.store import open_store

TOOL: dict[str, Any] = {
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c"],
    "inputs": {
        "text": {"type": "File", "inputBinding": {"position": 2}},
        "command": {"type": "string", "inputBinding": {"position": 1}},
    },
    "outputs": {"made": "stdout"},
    "stdout": "made.txt",
}
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"texts": "File[]", "command": "string"},
    "outputs": {"made": {"type": "File[]", "outputSource": "read/made"}},
    "steps": {"read": {"run": TOOL, "scatter": "text", "in": {"text": "texts", "command": "command"}, "out": ["made"]}},
}


@pytest.fixture(autouse=True)
def strace() -> None:
    try:
        find_tracer()
    except Unsupported as error:
        pytest.skip(error.render())


def run(folder: Path, command: str, **options: Any) -> api.RunResult:
    (folder / "w.cwl").write_text(json.dumps(WORKFLOW))
    (folder / "reference.txt").write_text("reference\n")
    files = []
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(name)
        files.append({"class": "File", "path": str(folder / name)})
    usual: dict[str, Any] = {"store": str(folder / "db"), "work": folder / "work"}
    return api.run(folder / "w.cwl", {"texts": files, "command": command}, **usual, **options)


def test_what_jobs_read_is_on_record_told_and_checked(tmp_path: Path) -> None:
    reference = tmp_path / "reference.txt"
    done = run(tmp_path, f"cat $0 {reference}", audit=True, outdir=tmp_path / "out").raise_if_failed()
    assert [Path(made["path"]).read_text() for made in done.outputs["made"]] == ["a.txtreference\n", "b.txtreference\n"]
    with open_store(str(tmp_path / "db")) as store:
        reads = undeclared_reads(store.database, done.id)
        assert sorted((one.job, one.attempt, one.count, one.paths) for one in reads) == [
            (f"/read[{n}]", 1, 1, (str(reference),)) for n in (0, 1)
        ]
        (line,) = undeclared_lines(reads)
        assert line.endswith(f"read 1 file that nobody declared: {reference}") and line.startswith("2 jobs, /read[")
        findings = [one for one in check_run(store.database, done.id) if one.rule == "undeclared-input"]
        assert [one.detail for one in findings] == [str(reference)]
        export_run(store, done.id, tmp_path / "crate.zip")
        of_crate = check_named(str(tmp_path / "crate.zip"), store)
        assert [one for one in of_crate if one.rule == "undeclared-input"] == findings


def test_a_job_that_reads_its_inputs_alone_has_nothing_on_record(tmp_path: Path) -> None:
    done = run(tmp_path, "cat $0; sort $0 > $TMPDIR/x; cat $TMPDIR/x", audit=True).raise_if_failed()
    with open_store(str(tmp_path / "db")) as store:
        assert undeclared_reads(store.database, done.id) == []


def test_a_failed_attempt_is_told_of_too(tmp_path: Path) -> None:
    done = run(tmp_path, f"cat {tmp_path}/reference.txt; exit 3", audit=True)
    with open_store(str(tmp_path / "db")) as store:
        assert undeclared_reads(store.database, done.id)[0].paths == (str(tmp_path / "reference.txt"),)


def test_results_are_not_taken_and_what_is_ignored_is_on_record(tmp_path: Path) -> None:
    command = f"cat $0 {tmp_path}/reference.txt"
    run(tmp_path, command).raise_if_failed()
    done = run(tmp_path, command, audit=True, audit_ignore=[str(tmp_path)]).raise_if_failed()
    with open_store(str(tmp_path / "db")) as store:
        states = store.database.query("SELECT state FROM job WHERE run_id = ? AND path <> '/'", (done.id,))
        row = store.database.row(RunRow, done.id)
        assert {state for (state,) in states} == {"COMPLETED"}
        assert row is not None and json.loads(row.options)["audit"] == [str(tmp_path)]
        assert undeclared_reads(store.database, done.id) == []


def test_nothing_is_looked_for_where_nobody_asked(tmp_path: Path) -> None:
    done = run(tmp_path, f"cat $0 {tmp_path}/reference.txt").raise_if_failed()
    with open_store(str(tmp_path / "db")) as store:
        row = store.database.row(RunRow, done.id)
        assert row is not None and "audit" not in json.loads(row.options)
        assert undeclared_reads(store.database, done.id) == []
