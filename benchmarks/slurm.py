"""What work on Slurm costs, on two clusters of the testbed: `python -m benchmarks.slurm`.

    array       1,000 trivial jobs over both clusters, beside `sbatch --array` in a script, with the results fetched
    hybrid      two scatters of 200, one on each cluster, and a merge behind SSH, beside StreamFlow with the same file

Needs root. Each is measured a few times in turn, and the least is told, since the machine may be busy.
All is included: the engine's start, the logins, and the results on this machine. StreamFlow is measured once; it
is taken from `--peers`, as `python -m benchmarks` installs it, and left out when it is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from testbed.hosts import Hosts, make_hosts

from .engines.recrate import command_of
from .places import Line, keep, measured
from .supervise import Measured

CLUSTERS = ("hpca", "hpcb")
LIMIT_SECONDS = 600.0
SCRIPT = """#!/bin/sh
#SBATCH --output=/dev/null --ntasks=1
mkdir -p "$HOME/hand/$SLURM_ARRAY_TASK_ID"
echo "item $SLURM_ARRAY_TASK_ID" >"$HOME/hand/$SLURM_ARRAY_TASK_ID/out.txt"
"""
AT_HAND = """
rm -rf hand
id=$(sbatch --parsable --array=0-{last}) || exit
while [ -n "$(squeue --noheader --job="$id" --format=%i 2>/dev/null)" ]; do sleep 0.2; done
tar -cf - hand
"""
BY_HAND = """
for host in {hosts}; do {ssh} $host {there} <{script} >{folder}/$host.tar & done
wait
for host in {hosts}; do test "$(tar -tf {folder}/$host.tar | grep -c out.txt)" = {half} || exit 1; done
"""
"""Two logins, two submissions, and the results in an archive for each cluster."""


def tool(script: str, inputs: dict[str, Any], stdout: str) -> dict[str, Any]:
    """Return a tool that runs a script, and whose only output is what that prints."""
    return {
        "class": "CommandLineTool",
        "inputs": inputs,
        "outputs": {"o": "stdout"},
        "baseCommand": ["sh", "-c", script, "script"],
        "stdout": stdout,
    }


NUMBER = {"type": "int", "inputBinding": {"position": 1}}
MAKE = tool('echo "item $1"', {"n": NUMBER}, "item.txt")
FILES = {"type": "File[]", "inputBinding": {}}
MERGE = tool('cat "$@" | sort', {"f": FILES, "g": FILES}, "merged.txt")
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


def measure_array(bench: Bench, times: int, count: int) -> list[Line]:
    """Tell what many trivial jobs take on two clusters."""
    half = count // len(CLUSTERS)
    (bench.folder / "hand.sh").write_text(SCRIPT)
    script = BY_HAND.format(
        hosts=" ".join(CLUSTERS),
        ssh=f"ssh -F {bench.hosts.ssh_config}",
        there=shlex.quote(AT_HAND.format(last=half - 1)),
        half=half,
        script=bench.folder / "hand.sh",
        folder=bench.folder,
    )
    targets = [{"deployment": f"batch-{host}"} for host in CLUSTERS]
    binding = bench.written("array", ARRAY, count, {"/make": targets}, bench.deployments(half, extended=True))
    floors, ours = [], []
    for _ in range(times):
        floors.append(measured(["sh", "-c", script], bench.folder, LIMIT_SECONDS))
        ours.append(bench.ours(binding))
    return [Line.of(f"{count:,} jobs on two Slurm clusters", ours, "`sbatch --array`", floors, "1.3 x")]


def measure_hybrid(bench: Bench, times: int, count: int, streamflow: Path) -> list[Line]:
    """Tell what two scatters and a merge take on three places."""
    steps = {
        f"/{step}": {"deployment": f"batch-{host}"} for step, host in zip(("first", "second"), CLUSTERS, strict=True)
    }
    bindings = {**steps, "/merge": {"deployment": "cloud"}}
    binding = bench.written("hybrid", HYBRID, count, bindings, bench.deployments(count, extended=True))
    ours = [bench.ours(binding) for _ in range(times)]
    theirs = []
    if streamflow.exists():
        theirs.append(run_streamflow(bench, bindings, count, streamflow))
    name = f"2 x {count} jobs on two Slurm clusters, a merge behind SSH"
    return [Line.of(name, ours, "StreamFlow 0.2.0rc3", theirs, "0.35 x")]


def run_streamflow(bench: Bench, bindings: dict[str, Any], count: int, program: Path) -> Measured:
    """Run the same with StreamFlow."""
    binding = bench.written("streamflow", HYBRID, count, bindings, bench.deployments(count, extended=False))
    room = Path(tempfile.mkdtemp(dir=bench.folder))
    argv = [str(program), "run", str(binding), "--outdir", str(room / "out")]
    found = measured(argv, room, LIMIT_SECONDS, {"HOME": str(room)})
    bench.clear()
    return found


def main() -> None:
    """Measure all, or what is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["array", "hybrid", []], help="all when nothing is named")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still work?")
    parser.add_argument("--peers", type=Path, default=Path(__file__).parents[1] / "build" / "peers")
    options = parser.parse_args()
    chosen = options.what or ["array", "hybrid"]
    share = 20 if options.quick else 1
    folder = Path(tempfile.mkdtemp(prefix="recrate-slurm-", dir="/dev/shm"))
    lines: list[Line] = []
    try:
        with make_hosts() as hosts:
            hosts.start("bastion", "cloud", *CLUSTERS)
            bench = Bench(hosts, folder)
            if "array" in chosen:
                lines += measure_array(bench, options.times, 1000 // share)
            if "hybrid" in chosen:
                program = options.peers.absolute() / "streamflow" / "bin" / "streamflow"
                lines += measure_hybrid(bench, options.times, 200 // share, program)
    finally:
        shutil.rmtree(folder)
    for line in lines:
        print(line.text)
    if not options.quick:
        keep(lines)


if __name__ == "__main__":
    main()
