"""The example with four places starts them and runs by one command, and gives what a run on this machine gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "hybrid"


def ran(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder with a store of its own."""
    environment = {**os.environ, "RECRATE_STORE": str(folder / "store.db"), "HOME": str(folder)}
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200)


def test_it_starts_its_places_and_gives_what_this_machine_gives(tmp_path: Path) -> None:
    there = ran(tmp_path, sys.executable, str(EXAMPLE / "run.py"), "--no-cache")
    if "cannot be had here" in there.stderr and not os.environ.get("RECRATE_REQUIRE_HOSTS"):
        pytest.skip(there.stderr.strip())
    assert there.returncode == 0, there.stderr
    document, inputs = str(EXAMPLE / "workflow.cwl"), str(EXAMPLE / "inputs.yml")
    here = ran(tmp_path, sys.executable, "-m", "recrate", "run", document, inputs, "--outdir", "here", "--no-cache")
    assert here.returncode == 0, here.stderr
    report = (tmp_path / "hybrid-results" / "report.txt").read_text()
    assert report == (tmp_path / "here" / "report.txt").read_text()
    assert len(report.splitlines()) == 10
