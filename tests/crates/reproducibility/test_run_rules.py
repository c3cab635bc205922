"""What the record of a run says about whether it can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storebed.samples import IMAGE, Sample

from recrate import api
from recrate.crates.export import export_run
from recrate.crates.reproducibility.check import check_named, check_run
from recrate.crates.reproducibility.findings import Finding
from recrate.provenance import queries
from recrate.provenance.rows import ImageRow
from recrate.provenance.store import Store, open_store

DRAW = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", "od -An -N8 -tx8 /dev/urandom; cat $0"],
    "inputs": {"text": {"type": "File", "inputBinding": {}}},
    "outputs": {"made": "stdout"},
    "stdout": "made.txt",
}

SAMPLES = ("workflow-unreadable", "tried-again", "uncommitted-sources")
"""Rules about what is so with all made-up runs."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "store.db"))
    yield opened
    opened.close()


def run(folder: Path, name: str, document: dict[str, Any] | None = None, **options: Any) -> api.RunResult:
    (folder / "draw.cwl").write_text(json.dumps(document or DRAW))
    (folder / "text.txt").write_text("text\n")
    inputs = {"text": str(folder / "text.txt")}
    usual: dict[str, Any] = {"store": str(folder / "store.db"), "work": folder / "work", "cache": False}
    given = {"class": "File", "path": inputs["text"]}
    return api.run(folder / "draw.cwl", {"text": given}, name=name, **usual, **options)


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.rule, one.where, one.detail) for one in findings]


def test_a_result_that_was_another_one_in_another_run_is_an_error(store: Store, tmp_path: Path) -> None:
    first, second = (run(tmp_path, name).raise_if_failed() for name in ("first", "second"))
    for one, other in ((first, second), (second, first)):
        findings = told(check_run(store.database, one.id))
        assert findings[0] == ("other-result", "/", f"output made is another one in / of run {other.name}")
    assert "time-or-chance-in-command" in [rule for rule, *_ in findings]


def test_the_same_result_in_two_runs_is_none(store: Store, tmp_path: Path) -> None:
    steady = DRAW | {"baseCommand": ["cat"]}
    ids = [run(tmp_path, name, steady).raise_if_failed().id for name in ("first", "second")]
    assert "other-result" not in [one.rule for one in check_run(store.database, ids[0])]


def test_an_input_that_is_gone_is_an_error(store: Store) -> None:
    sample = Sample.stored_in(store)
    assert [one.rule for one in check_run(store.database, sample.run, skip=SAMPLES)] == []
    store.database.execute("UPDATE replica SET valid = 0 WHERE path = '/data/1.txt'")
    found = told(check_run(store.database, sample.run, skip=SAMPLES))
    assert found == [("input-gone", "input files", f"1.txt (sha256 {sample.sha('/data/1.txt')[:12]})")]


def test_a_workflow_that_cannot_be_read_is_an_error_and_no_crash(store: Store) -> None:
    sample = Sample.stored_in(store)
    found = [one for one in told(check_run(store.database, sample.run)) if one[0] == "workflow-unreadable"]
    assert found == [("workflow-unreadable", "/wf.cwl:1:1", "there is no process 'main' in /wf.cwl")]


def test_a_workflow_in_another_language_is_told(store: Store) -> None:
    sample = Sample.stored_in(store)
    store.database.execute("UPDATE workflow SET language = 'Galaxy'")
    found = told(check_run(store.database, sample.run, skip=SAMPLES))
    assert found == [("other-language", "file:///wf.cwl#main", "it is written in Galaxy")]


def test_sources_that_were_not_committed_are_told(store: Store) -> None:
    sample = Sample.stored_in(store)
    said = "commit cccccccccccc of /home/me/project and changed a.py"
    assert ("uncommitted-sources", "/home/me/project", said) in told(check_run(store.database, sample.run))
    store.database.execute("UPDATE repository SET changed = '[]'")
    assert "uncommitted-sources" not in [one.rule for one in check_run(store.database, sample.run)]


def test_a_job_that_completed_after_it_had_failed_is_told(store: Store) -> None:
    sample = Sample.stored_in(store)
    assert ("tried-again", "/count[1]", "it completed after it had failed") in told(
        check_run(store.database, sample.run)
    )


def test_an_image_without_a_digest_is_an_error(store: Store) -> None:
    sample = Sample.stored_in(store)
    image = store.database.row(ImageRow, IMAGE)
    assert image is not None
    store.database.execute("UPDATE image SET digest = NULL")
    store.database.execute("UPDATE attempt SET image_id = ?", (IMAGE,))
    found = told(check_run(store.database, sample.run))
    assert ("image-without-digest", "", f"image {image.name}:latest") in found


def test_a_file_of_the_web_without_a_checksum_is_told(store: Store) -> None:
    files = [{"class": "File", "location": "https://example.org/a.txt"}]
    files += [{"class": "File", "location": "https://example.org/b.txt", "checksum": "sha1$" + "0" * 40}]
    sample = Sample.stored_in(store, inputs=json.dumps({"files": files}))
    found = [one for one in told(check_run(store.database, sample.run)) if one[0] == "web-given"]
    assert found == [("web-given", "input files", "https://example.org/a.txt")]


def test_a_path_that_was_given_as_text_is_told(store: Store, tmp_path: Path) -> None:
    document = DRAW | {"baseCommand": ["echo"], "inputs": {"where": {"type": "string[]", "inputBinding": {}}}}
    (tmp_path / "draw.cwl").write_text(json.dumps(document))
    given = {"where": ["/data/ref.fa", "/dev/null", "a/b/c", "/"]}
    done = api.run(tmp_path / "draw.cwl", given, store=str(tmp_path / "store.db"), work=tmp_path / "work")
    found = [one for one in told(check_run(store.database, done.id)) if one[0] == "path-as-text"]
    assert found == [("path-as-text", "input where", "/data/ref.fa")]


def test_a_crate_is_looked_at_as_its_run_is(store: Store, tmp_path: Path) -> None:
    done = run(tmp_path, "first", DRAW | {"baseCommand": ["cat"]}).raise_if_failed()
    export_run(store, done.id, tmp_path / "crate.zip")
    own = told(check_run(store.database, done.id))
    assert told(check_named(str(tmp_path / "crate.zip"), store)) == own
    assert [name for name, *_ in own] == ["host-software", "inherited-path"][: len(own)]
    assert len(queries.list_runs(store.database)) == 1
