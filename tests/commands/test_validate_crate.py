"""`recrate validate` of crates."""

from __future__ import annotations

from pathlib import Path

import pytest
from cratebed.building import archive, folder, head
from cratebed.run_crates import CONTENT, run_crate

from .conftest import Commands


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a crate with one required and several recommended rules broken."""
    graph = run_crate()
    graph["results/out.txt"]["contentSize"] = "7"
    return archive(tmp_path / "broken.crate.zip", graph.values(), CONTENT)


def test_a_valid_crate_is_said_to_be_so_with_what_it_claims(recrate: Commands, tmp_path: Path) -> None:
    path = folder(tmp_path / "crate", run_crate().values(), CONTENT)
    said = recrate("validate", str(path)).stdout
    assert "is valid at severity required" in said
    assert "https://w3id.org/ro/wfrun/provenance/0.5" in said
    assert recrate("validate", "crate/ro-crate-metadata.json").stdout.startswith("crate is valid")


def test_an_issue_is_a_line_of_a_table(recrate: Commands, broken: Path) -> None:
    shown = recrate("validate", "--own", broken.name, code=1)
    (line,) = [line for line in shown.stdout.splitlines() if "recrate:size" in line]
    assert [word in line for word in ("required", "results/out.txt", "contentSize", "6 bytes, not 7")] == [True] * 4
    assert "breaks 1 rule" in shown.stdout


def test_json_has_the_same(recrate: Commands, broken: Path) -> None:
    import json

    report = json.loads(recrate("validate", "--json", broken.name, code=1).stdout)
    assert (report["crate"], report["severity"], report["valid"]) == (broken.name, "required", False)
    assert report["issues"] == [
        {
            "severity": "required",
            "entity": "results/out.txt",
            "property": "contentSize",
            "rule": "recrate:size",
            "message": "the file has 6 bytes, not 7",
        }
    ]
    assert {
        "profile": "https://w3id.org/ro/crate/1.1",
        "checked_by": "https://w3id.org/ro/crate/1.1",
    } in report["claims"]


def test_more_is_looked_at_when_asked_for(recrate: Commands, tmp_path: Path) -> None:
    folder(tmp_path / "crate", head(), {"extra.txt": ""})
    recrate("validate", "--own", "crate")
    assert "extra.txt" in recrate("validate", "--own", "--severity", "recommended", "crate", code=1).stdout


def test_what_is_no_crate_is_refused_in_one_line(recrate: Commands, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no ro-crate-metadata.json" in recrate("validate", "empty", code=1).stdout
    (tmp_path / "not.zip").write_bytes(b"PK\x03\x04 no archive")
    assert "neither a folder nor a zip archive" in recrate("validate", "not.zip", code=1).stdout


def test_workflows_are_still_checked(recrate: Commands) -> None:
    assert "workflow.cwl is valid CWL v1.2" in recrate("validate", "workflow.cwl").stdout
