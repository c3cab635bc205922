"""What work on Slurm costs, on two clusters of the testbed: `python -m benchmarks.slurm`.

    array       1,000 trivial jobs over both clusters, each a job of the queue and then ten of them in one, beside
                `sbatch --array` in a script, with the results fetched
    hybrid      two scatters of 200, one on each cluster, and a merge behind SSH, beside StreamFlow with the same file

Needs root. Each is measured a few times in turn, and the least is told, since the machine may be busy.
All is included: the engine's start, the logins, and the results on this machine. StreamFlow is measured once; it
is taken from `--peers`, as `python -m benchmarks` installs it, and left out when it is not there.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

from .bound import ARRAY, CLUSTERS, HYBRID, LIMIT_SECONDS, Bench, make_hosts
from .places import Line, asked, measured, tell
from .supervise import Measured

GROUP = 10
SCRIPT = """#!/bin/sh
#SBATCH --output=/dev/null --ntasks=1
mkdir -p "$HOME/hand/$SLURM_ARRAY_TASK_ID"
/bin/echo item "$SLURM_ARRAY_TASK_ID" >"$HOME/hand/$SLURM_ARRAY_TASK_ID/out.txt"
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
    deployments = bench.deployments(half, extended=True)
    single = bench.written("array", ARRAY, count, {"/make": targets}, deployments)
    for host in CLUSTERS:
        deployments[f"batch-{host}"]["config"]["group"] = GROUP
    grouped = bench.written("groups", ARRAY, count, {"/make": targets}, deployments)
    floors, ours, together = [], [], []
    for _ in range(times):
        floors.append(measured(["sh", "-c", script], bench.folder, LIMIT_SECONDS)["seconds"])
        ours.append(bench.ours(single))
        together.append(bench.ours(grouped))
    name = f"{count:,} jobs on two Slurm clusters"
    return [
        Line.of(name, ours, "`sbatch --array`", floors, "1.3 x"),
        Line.of(f"{name}, with `group: {GROUP}`", together, "`sbatch --array`", floors, "1.3 x"),
    ]


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
        theirs.append(run_streamflow(bench, bindings, count, streamflow)["seconds"])
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
    names = ["array", "hybrid"]
    parser = asked(__doc__, names)
    parser.add_argument("--peers", type=Path, default=Path(__file__).parents[1] / "build" / "peers")
    options = parser.parse_args()
    chosen = options.what or names
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
    tell(lines, quick=options.quick)


if __name__ == "__main__":
    main()
