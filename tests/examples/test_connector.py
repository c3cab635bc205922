"""The example of a connector of another package is found by its entry point, and passes the kit."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


@pytest.fixture
def installed(examples: Path, tmp_path: Path) -> dict[str, str]:
    """Return an environment in which the example is there as if it had been installed."""
    project = tomllib.loads((examples / "connector" / "pyproject.toml").read_text())["project"]
    about = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join([*lines, ""]))
    return {**os.environ, "PYTHONPATH": f"{tmp_path}:{examples / 'connector'}"}


def test_it_is_found_by_its_entry_point(installed: dict[str, str]) -> None:
    program = "from recrate.connectors.registry import known_kinds; print(*known_kinds())"
    ended = subprocess.run([sys.executable, "-c", program], env=installed, capture_output=True, text=True, check=True)
    assert "as-user" in ended.stdout.split()


def test_it_passes_the_kit(examples: Path, installed: dict[str, str], tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        str(examples / "connector/pyproject.toml"),
    ]
    argv += ["--rootdir", str(examples / "connector"), str(examples / "connector" / "tests")]
    ended = subprocess.run(argv, env=installed, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:]
