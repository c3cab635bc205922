"""Workflows and binding files for the hosts of the testbed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from testbed.hosts import Hosts

from recrate import api
from recrate.binding.file import load_binding_file
from recrate.provenance.states import RunState

NUMBER = {"type": "int", "inputBinding": {"position": 1}}
FILE = {"type": "File", "inputBinding": {"position": 2}}


def tool(script: str, inputs: dict[str, Any], stdout: str) -> dict[str, Any]:
    return {
        "class": "CommandLineTool",
        "inputs": inputs,
        "outputs": {"o": "stdout"},
        "baseCommand": ["sh", "-c", script, "script"],
        "stdout": stdout,
    }


def ssh(hosts: Hosts, host: str, **config: Any) -> dict[str, Any]:
    """Return a deployment that is a host of the testbed."""
    reached = {"nodes": [host], "sshConfig": str(hosts.ssh_config), "connectTimeout": 5, **config}
    return {"type": "ssh", "workdir": "/scratch/recrate", "config": reached}


def slurm(login: str) -> dict[str, Any]:
    """Return a deployment that is the queue of a cluster."""
    return {"type": "slurm", "wraps": login, "config": {"maxConcurrentJobs": 20, "pollingInterval": 1}}


def written(folder: Path, document: Any, inputs: Any, steps: dict[str, Any], deployments: dict[str, Any]) -> str:
    """Write a binding file with all that it names; return its path."""
    (folder / "main.cwl").write_text(json.dumps(document))
    (folder / "inputs.json").write_text(json.dumps(inputs))
    bindings = [{"step": step, "target": target} for step, target in steps.items()]
    config = {"file": "main.cwl", "settings": "inputs.json"}
    workflows = {"main": {"type": "cwl", "config": config, "bindings": bindings}}
    path = folder / "binding.yml"
    path.write_text(json.dumps({"version": "v1.0", "workflows": workflows, "deployments": deployments}))
    return str(path)


def run(folder: Path, path: str | None, name: str) -> api.RunResult:
    """Run the workflow of a folder where a binding file says, or here."""
    binding = None if path is None else load_binding_file(path).workflows["main"].binding
    options = api.RunOptions(
        store=str(folder / "store.db"), work=folder / "work", outdir=folder / name, binding=binding, cache=False
    )
    return api.run(str(folder / "main.cwl"), str(folder / "inputs.json"), options=options)


def contents(result: api.RunResult) -> dict[str, bytes]:
    assert result.state is RunState.COMPLETED
    return {port: Path(file["path"]).read_bytes() for port, file in result.outputs.items()}
