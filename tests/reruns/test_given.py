"""Files come out of the crate, also those that the workflow itself names, and what is in directories."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from cratebed.commands import Recrate


def tool(script: str, **inputs: Any) -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": ["sh", "-c", script], "inputs": inputs,
        "outputs": {"out": "stdout"}, "stdout": "out.txt",
    }  # fmt: skip


def rerun_alone(recrate: Recrate, tmp_path: Path, document: Any, job: Any) -> Any:
    """Return how the crate of a run compares with its re-run when all else is gone."""
    source = tmp_path / "source"
    (source / "workflow.cwl").write_text(json.dumps(document))
    (source / "job.json").write_text(json.dumps(job))
    recrate("run", "-q", "source/workflow.cwl", "source/job.json")
    recrate("export", "last", "-o", "crate.zip")
    for name in ("source", "stores", "results"):
        shutil.rmtree(tmp_path / name)
    return json.loads(recrate("rerun", "crate.zip", "--json", store="two").stdout)


def test_files_that_the_workflow_names_come_out_of_the_crate(recrate: Recrate, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("tool.txt", "tool.txt.idx", "step.txt", "top.txt"):
        (source / name).write_text(f"{name}\n")
    file = {"type": "File", "inputBinding": {}}
    by_tool = {**file, "default": {"class": "File", "location": "tool.txt"}, "secondaryFiles": [".idx"]}
    document = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "inputs": {"top": {"type": "File", "default": {"class": "File", "location": "top.txt"}}},
        "outputs": {"out": {"type": "File", "outputSource": "cat/out"}},
        "steps": {
            "cat": {
                "run": tool('cat "$0" "$0.idx" "$1" "$2"', a=by_tool, b=file, c=file),
                "in": {"b": {"default": {"class": "File", "location": "step.txt"}}, "c": "top"},
                "out": ["out"],
            }
        },
    }
    done = rerun_alone(recrate, tmp_path, document, {})
    assert done["verdict"] == "identical"
    assert (tmp_path / "results" / "out.txt").read_text() == "tool.txt\ntool.txt.idx\nstep.txt\ntop.txt\n"


def test_directories_have_all_that_was_in_them(recrate: Recrate, tmp_path: Path) -> None:
    (tmp_path / "source" / "folder" / "inner" / "empty").mkdir(parents=True)
    (tmp_path / "source" / "folder" / "inner" / "member").write_text("member\n")
    listed = {"type": "Directory", "inputBinding": {}, "loadListing": "shallow_listing"}
    document = tool('cd "$0" && find . | sort', folder=listed)
    job = {"folder": {"class": "Directory", "path": "folder"}, "nobody": {"class": "File", "path": "job.json"}}
    done = rerun_alone(recrate, tmp_path, document, job)
    assert done["verdict"] == "identical"
    assert (tmp_path / "results" / "out.txt").read_text() == ".\n./inner\n./inner/empty\n./inner/member\n"
