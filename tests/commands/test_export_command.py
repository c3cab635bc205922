"""`recrate export`: the crate of a run."""

from __future__ import annotations

import json
import zipfile

import pytest

from .conftest import Commands


@pytest.fixture
def ran(recrate: Commands) -> Commands:
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "first")
    return recrate


def test_a_run_is_written_as_a_folder(ran: Commands) -> None:
    done = ran("export", "first", "-o", "crate/", "--license", "CC0-1.0")
    assert done.stdout == "crate: run first, 4 files and directories of it\n" and done.stderr == ""
    assert (ran.folder / "crate" / "ro-crate-metadata.json").exists()
    assert (ran.folder / "crate" / "ro-crate-preview.html").exists()


def test_a_run_is_written_as_an_archive(ran: Commands) -> None:
    ran("export", "last", "--output", "first.crate.zip", "--profile", "0.6", "--license", "MIT")
    with zipfile.ZipFile(ran.folder / "first.crate.zip") as archive:
        metadata = json.loads(archive.read("ro-crate-metadata.json"))
    assert metadata["@context"][0] == "https://w3id.org/ro/crate/1.3/context"


def test_what_is_said_stands_in_the_crate(ran: Commands) -> None:
    (ran.folder / "recrate.toml").write_text('[crate]\nlicense = "MIT"\nauthors = ["Ada; 0000-0002-1825-0097"]\n')
    ran("export", "first", "-o", "crate", "--name", "A title", "--keyword", "one", "--keyword", "two")
    graph = json.loads((ran.folder / "crate" / "ro-crate-metadata.json").read_text())["@graph"]
    (root,) = [one for one in graph if one["@id"] == "./"]
    assert (root["name"], root["keywords"]) == ("A title", ["one", "two"])
    assert root["license"] == {"@id": "https://spdx.org/licenses/MIT"}
    assert root["author"] == {"@id": "https://orcid.org/0000-0002-1825-0097"}


def test_what_is_left_out_is_said(ran: Commands) -> None:
    done = ran("export", "first", "-o", "crate", "--exclude", "*.txt", "--json")
    said = json.loads(done.stdout)
    assert (said["files"], said["left_out"], said["absent_count"]) == (0, 4, 0)
    assert any("no license" in warning for warning in said["warnings"])


def test_what_is_gone_is_said(ran: Commands) -> None:
    (ran.folder / "a.txt").unlink()
    done = ran("export", "first", "-o", "crate", "--license", "MIT")
    assert done.stderr == "recrate: 1 file is not in the crate, being gone or changed: inputs/a.txt\n"


@pytest.mark.parametrize(
    "arguments, code, problem",
    [
        (["export", "nobody", "-o", "crate"], 2, "no run"),
        (["export", "first", "-o", "job.json"], 1, "there is something at 'job.json' already"),
        (["export", "first", "-o", "crate", "--max-file-size", "big"], 2, "no number of bytes"),
        (["export", "first", "-o", "crate", "--author", "Ada; 0000-0000-0000-0000"], 2, "is no ORCID"),
        (["export", "first", "-o", "a.txt/crate"], 1, "cannot write the crate"),
    ],
)
def test_what_cannot_be_done_is_one_line(ran: Commands, arguments: list[str], code: int, problem: str) -> None:
    done = ran(*arguments, code=code)
    assert problem in done.stderr and done.stderr.count("\n") == 1
    assert not (ran.folder / "crate").exists()
