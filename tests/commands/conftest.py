"""The command line in a directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "label": "Count words",
    "baseCommand": ["sh", "-c", "wc -w < $0"],
    "inputs": {"text": {"type": "File", "doc": "What to count in.", "inputBinding": {}}},
    "outputs": {"count": "stdout"},
    "stdout": "count.txt",
}
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"texts": "File[]"},
    "outputs": {"counts": {"type": "File[]", "outputSource": "count/count"}},
    "steps": {"count": {"run": "tool.cwl", "scatter": "text", "in": {"text": "texts"}, "out": ["count"]}},
}


class Commands:
    """Runs `recrate` with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tool.cwl").write_text(json.dumps(TOOL))
        (folder / "workflow.cwl").write_text(json.dumps(WORKFLOW))
        (folder / "a.txt").write_text("one two three\n")
        (folder / "b.txt").write_text("four five\n")
        files = [{"class": "File", "path": name} for name in ("a.txt", "b.txt")]
        (folder / "job.json").write_text(json.dumps({"texts": files}))

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RECRATE_STORE": str(self.folder / "store.db"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "COLUMNS": "160",
        }

    def __call__(self, *arguments: str, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "recrate", *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def recrate(tmp_path: Path) -> Commands:
    return Commands(tmp_path)
