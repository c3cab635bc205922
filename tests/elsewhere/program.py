"""Runs the `recrate` command with the test places installed as another package would install its connector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recrate.core.binding import Binding, Target

HERE = Path(__file__).parent
ENTRY_POINTS = "[recrate.connectors]\nelsewhere = connector:Elsewhere\n"


def installed(directory: Path) -> dict[str, str]:
    """Install the connector below a directory; return the environment in which it is found."""
    info = directory / "elsewhere-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return {**os.environ, "PYTHONPATH": f"{directory}:{HERE}"}


def recrate(environment: dict[str, str], *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "recrate", *words],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def begun(environment: dict[str, str], *words: str, cwd: Path) -> subprocess.Popen[str]:
    """Start a command."""
    return subprocess.Popen([sys.executable, "-m", "recrate", *words], env=environment, cwd=cwd, text=True)


def write_file(path: Path, binding: Binding, file: str, settings: str | None = None, **more: Any) -> Path:
    """Write a binding as a binding file of one workflow."""
    config = {"file": file} | ({"settings": settings} if settings else {})
    bindings = [{"step": item.step, "target": _targets(item.targets)} for item in binding.steps]
    deployments = {
        name: {"type": item.kind, "config": dict(item.config), "workdir": item.workdir}
        for name, item in binding.deployments.items()
    }
    workflows = {"main": {"type": "cwl", "config": config, "bindings": bindings}}
    path.write_text(json.dumps({"version": "v1.0", "workflows": workflows, "deployments": deployments, **more}))
    return path


def _targets(targets: Sequence[Target]) -> list[dict[str, Any]]:
    return [{"deployment": target.deployment, "locations": target.locations} for target in targets]
