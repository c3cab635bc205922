"""`recrate cwl` behaves as the standard's runner command does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .conftest import Commands


def test_the_outputs_object_is_all_that_is_on_standard_output(recrate: Commands) -> None:
    done = recrate("cwl", "--outdir", "out", "--quiet", "tool.cwl", "--text", "a.txt")
    output = json.loads(done.stdout)["count"]
    path = recrate.folder / "out" / "count.txt"
    assert output == {
        "class": "File",
        "location": path.as_uri(),
        "path": str(path),
        "basename": "count.txt",
        "nameroot": "count",
        "nameext": ".txt",
        "size": path.stat().st_size,
        "checksum": "sha1$" + hashlib.sha1(path.read_bytes()).hexdigest(),
    }
    assert done.stderr == ""


def test_work_directories_are_made_where_the_prefix_says(recrate: Commands) -> None:
    recrate("cwl", "--quiet", "--tmpdir-prefix", "scratch/job-", "tool.cwl", "--text", "a.txt")
    assert [path.name.startswith("job-") for path in (recrate.folder / "scratch").iterdir()] == [True]


def test_a_cache_directory_saves_running_again(recrate: Commands) -> None:
    for expected in ("completed", "cached"):
        done = recrate("cwl", "--cachedir", "cache", "--verbose", "tool.cwl", "--text", "a.txt")
        assert f"/: {expected}" in done.stderr


def test_validate_pack_and_dot_run_nothing(recrate: Commands) -> None:
    assert "is valid CWL" in recrate("cwl", "--validate", "workflow.cwl").stderr
    packed = json.loads(recrate("cwl", "--pack", "workflow.cwl").stdout)
    assert {item["class"] for item in packed["$graph"]} == {"Workflow", "CommandLineTool"}
    assert recrate("cwl", "--print-dot", "workflow.cwl").stdout.startswith("digraph")
    assert not (recrate.folder / "store.db").exists()


def test_what_was_packed_runs(recrate: Commands) -> None:
    Path(recrate.folder / "packed.cwl").write_text(recrate("cwl", "--pack", "workflow.cwl").stdout)
    outputs = json.loads(recrate("cwl", "--quiet", "packed.cwl", "job.json").stdout)
    assert len(outputs["counts"]) == 2


def test_a_tool_has_help_of_its_own_and_a_template(recrate: Commands) -> None:
    said = recrate("cwl", "tool.cwl", "--help").stdout
    assert "--text File" in said
    assert "What to count in." in said
    assert "text:" in recrate("cwl", "--make-template", "tool.cwl").stdout


def test_what_is_not_supported_ends_with_33(recrate: Commands) -> None:
    tool = {
        **json.loads((recrate.folder / "tool.cwl").read_text()),
        "requirements": {"DockerRequirement": {"dockerPull": "x"}},
    }
    (recrate.folder / "docker.cwl").write_text(json.dumps(tool))
    recrate("cwl", "--no-container", "docker.cwl", "--text", "a.txt", code=33)
    operation = {"cwlVersion": "v1.2", "class": "Operation", "inputs": {}, "outputs": {}}
    (recrate.folder / "operation.cwl").write_text(json.dumps(operation))
    recrate("cwl", "operation.cwl", code=33)
    recrate("cwl", "--validate", "operation.cwl")
