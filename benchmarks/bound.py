"""Workflows on the hosts of the testbed, run by the command itself with a store of its own."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from testbed.hosts import Hosts, make_hosts

from .engines.recrate import command_of
from .places import measured
from .supervise import Measured

__all__ = ["ARRAY", "CLUSTERS", "HYBRID", "LIMIT_SECONDS", "Bench", "make_hosts"]

CLUSTERS = ("hpca", "hpcb")
LIMIT_SECONDS = 600.0


def tool(command: list[str], inputs: dict[str, Any], stdout: str) -> dict[str, Any]:
    """Return a tool whose only output is what its command prints."""
    return {
        "class": "CommandLineTool",
        "inputs": inputs,
        "outputs": {"o": "stdout"},
        "baseCommand": command,
        "stdout": stdout,
    }


NUMBER = {"type": "int", "inputBinding": {"position": 1}}
MAKE = tool(["/bin/echo", "item"], {"n": NUMBER}, "item.txt")
FILES = {"type": "File[]", "inputBinding": {}}
MERGE = tool(["sh", "-c", 'cat "$@" | sort', "script"], {"f": FILES, "g": FILES}, "merged.txt")
LIST = {"type": "array", "items": "File"}


def scattered(name: str) -> dict[str, Any]:
    """Return a step that makes an item of each number."""
    return {"run": MAKE, "scatter": "n", "in": {"n": name}, "out": ["o"]}


def workflow(steps: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow over a list of numbers."""
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {"ScatterFeatureRequirement": {}},
        "inputs": {"n": "int[]"},
        "outputs": {"o": output},
        "steps": steps,
    }


ARRAY = workflow({"make": scattered("n")}, {"type": LIST, "outputSource": "make/o"})
HYBRID = workflow(
    {
        "first": scattered("n"),
        "second": scattered("n"),
        "merge": {"run": MERGE, "in": {"f": "first/o", "g": "second/o"}, "out": ["o"]},
    },
    {"type": "File", "outputSource": "merge/o"},
)


@dataclass(frozen=True, slots=True)
class Bench:
    """The hosts, and where files of this run lie."""

    hosts: Hosts
    folder: Path

    def deployments(self, jobs: int, *, extended: bool) -> dict[str, Any]:
        """Return the deployments of a binding file, with so many jobs at a time in each queue."""
        found: dict[str, Any] = {}
        for host in (*CLUSTERS, "cloud"):
            own = {"nodes": [host], "sshConfig": str(self.hosts.ssh_config)}
            config = own if extended else self.login(host)
            found[host] = {"type": "ssh", "workdir": "/scratch/work", "config": config}
        for host in CLUSTERS:
            queue = {"maxConcurrentJobs": jobs, "pollingInterval": 5}
            found[f"batch-{host}"] = {"type": "slurm", "wraps": host, "workdir": "/scratch/work", "config": queue}
        return found

    def login(self, host: str) -> dict[str, Any]:
        """Return how a host is reached, in the words that StreamFlow understands."""
        key = {"sshKey": str(self.hosts.identity), "checkHostKey": False}
        found: dict[str, Any] = {"nodes": [self.hosts.address(host)], "username": self.hosts.user(host), **key}
        if host == "hpcb":
            way = {"hostname": self.hosts.address("bastion"), "username": self.hosts.user("bastion"), **key}
            found["tunnel"] = way
        return found

    def written(
        self, name: str, document: Any, count: int, bindings: dict[str, Any], deployments: dict[str, Any]
    ) -> Path:
        """Write a binding file with its workflow and its inputs; return its path."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "main.cwl").write_text(json.dumps(document))
        (folder / "inputs.json").write_text(json.dumps({"n": list(range(count))}))
        config = {"file": "main.cwl", "settings": "inputs.json"}
        bound = [{"step": step, "target": target} for step, target in bindings.items()]
        workflows = {"main": {"type": "cwl", "config": config, "bindings": bound}}
        path = folder / "binding.yml"
        path.write_text(json.dumps({"version": "v1.0", "workflows": workflows, "deployments": deployments}))
        return path

    def ours(self, binding: Path) -> Measured:
        """Run a binding file with a store of its own."""
        room = Path(tempfile.mkdtemp(dir=self.folder))
        places = ["--store", str(room / "store.db"), "--work", str(room / "work"), "--outdir", str(room / "out")]
        found = measured([command_of(None), "run", str(binding), *places, "--json"], room, LIMIT_SECONDS)
        self.clear()
        return found

    def clear(self) -> None:
        """Remove what a run has left on the hosts."""
        for host in (*CLUSTERS, "cloud"):
            if (self.hosts.folder / "hosts" / host).exists():
                self.hosts.inside(host, "sh", "-c", "rm -rf /scratch/work")
