"""Hosts and clusters to which things happen: the result is what it would be without, and no job is carried out twice.

RECRATE_CHAOS_RUNS=20 makes so many disturbed runs, and RECRATE_CUTS=3 RECRATE_CUT_SECONDS=30 cuts links so often and
for so long; CI is shorter.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from testbed.hosts import Hosts

from recrate import api
from recrate.binding.file import load_binding_file
from recrate.core.stored_outputs import read_outputs
from recrate.provenance.database import Database
from recrate.provenance.queries import get_run
from recrate.provenance.rows import AttemptRow, EventRow, JobRow, RunRow, TransferRow
from recrate.provenance.states import AttemptState, JobState, RunState, TransferState
from recrate.provenance.store import open_store

from .places import FILE, NUMBER, contents, slurm, ssh, tool, written

RUNS = int(os.environ.get("RECRATE_CHAOS_RUNS", "1"))
CUTS = int(os.environ.get("RECRATE_CUTS", "1"))
CUT_SECONDS = float(os.environ.get("RECRATE_CUT_SECONDS", "4"))
EFFECT = 'echo "{name} $1" >>/scratch/effects; '
"""What a job leaves outside of its directory, where it runs."""
ITEMS = 6


def effect(name: str) -> str:
    return EFFECT.replace("{name}", name)


def document(seconds: float) -> dict[str, Any]:
    """Return a workflow on two places whose jobs take some time, and leave a line each where they run."""
    make = tool(effect("make") + f'sleep {seconds}; cat "$2"; echo "item $1"', {"n": NUMBER, "s": FILE}, "a b.txt")
    both = {"n": NUMBER, "f": FILE}
    shout = tool(effect("shout") + f'sleep {seconds}; tr a-z A-Z <"$2"', both, "it's loud.txt")
    merge = tool('cat "$@" | sort | uniq -c', {"f": {"type": "File[]", "inputBinding": {}}}, "merged.txt")
    scattered = {"n": "n", "f": "make/o"}
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {"ScatterFeatureRequirement": {}},
        "inputs": {"n": "int[]", "seed": "File"},
        "outputs": {"merged": {"type": "File", "outputSource": "merge/o"}},
        "steps": {
            "make": {"run": make, "scatter": "n", "in": {"n": "n", "s": "seed"}, "out": ["o"]},
            "shout": {
                "run": shout,
                "scatter": ["n", "f"],
                "scatterMethod": "dotproduct",
                "in": scattered,
                "out": ["o"],
            },
            "merge": {"run": merge, "in": {"f": "shout/o"}, "out": ["o"]},
        },
    }


STEPS = {"/make": {"deployment": "batch"}, "/shout": {"deployment": "cloud"}, "/merge": {"deployment": "local"}}
EXPECTED = "".join(f"      1 ITEM {number}\n" for number in range(ITEMS)) + f"      {ITEMS} SEED\n"


class Bed:
    """A workflow and its binding file in a folder, and the hosts that it names."""

    def __init__(self, hosts: Hosts, folder: Path, seconds: float = 1.0) -> None:
        self.hosts, self.folder = hosts, folder
        hosts.start("cloud", "hpca")
        for host in ("cloud", "hpca"):
            hosts.inside(host, "rm", "-f", "/scratch/effects")
        (folder / "seed.txt").write_text("seed\n")
        inputs = {"n": list(range(ITEMS)), "seed": {"class": "File", "path": "seed.txt"}}
        deployments = {"cloud": ssh(hosts, "cloud"), "login": ssh(hosts, "hpca"), "batch": slurm("login")}
        self.path = written(folder, document(seconds), inputs, STEPS, deployments)
        self.store = str(folder / "store.db")

    def run(self, name: str = "out", **changes: Any) -> api.RunResult:
        """Run the workflow in this process."""
        binding = load_binding_file(self.path).workflows["main"].binding
        options = api.RunOptions(
            store=self.store, work=self.folder / "work", outdir=self.folder / name, binding=binding, cache=False
        )
        return api.run(str(self.folder / "main.cwl"), str(self.folder / "inputs.json"), options=options, **changes)

    def completed(self, result: api.RunResult) -> dict[str, bytes]:
        """Return the contents of the outputs of a run that went well."""
        with open_store(self.store) as store:
            assert result.state is RunState.COMPLETED, get_run(store.database, result.id).error
        return contents(result)

    def begun(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a command of Recrate in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "recrate", *words, "--store", self.store, "--quiet"], cwd=self.folder
        )

    def effects(self) -> Counter[str]:
        """How often each job was carried out, as it says itself."""
        printed = b"".join(self.hosts.inside(host, "cat", "/scratch/effects") for host in ("cloud", "hpca"))
        return Counter(printed.decode().splitlines())

    def once_each(self) -> None:
        """Each job was carried out, and none twice."""
        assert self.effects() == {f"{name} {number}": 1 for name in ("make", "shout") for number in range(ITEMS)}


def nothing_is_open(database: Database, run_id: str) -> None:
    """All that began has an end on record."""
    over = (JobState.COMPLETED, JobState.SKIPPED, JobState.CACHED)
    jobs = database.rows(JobRow, "WHERE run_id = ?", (run_id,))
    assert all(job.state in over and job.ended is not None for job in jobs)
    going_on = (AttemptState.INTENDED, AttemptState.RUNNING)
    for job in jobs:
        attempts = database.rows(AttemptRow, "WHERE job_id = ?", (job.id,))
        assert all(row.state not in going_on and row.ended is not None for row in attempts)
    moved = database.rows(TransferRow, "WHERE run_id = ?", (run_id,))
    assert {row.state for row in moved} <= {TransferState.COMPLETED, TransferState.FAILED}


def test_damaged_transfers_killed_jobs_and_lost_connections_change_nothing(hosts: Hosts, tmp_path: Path) -> None:
    bed, total = Bed(hosts, tmp_path, seconds=0.5), Counter[str]()
    for seed in range(RUNS):
        (tmp_path / "seed.txt").write_text(f"seed\n{seed}\n")  # new contents, so that they must be sent
        chaos = f"corrupt=5%,kill=5%,drop=1%,seed={seed + 5}"
        result = bed.run(f"out{seed}", chaos=chaos, retry=["8,delay=0.01"])
        lines = sorted(line.strip() for line in bed.completed(result)["merged"].decode().splitlines())
        assert lines == sorted([*(line.strip() for line in EXPECTED.splitlines()), f"{ITEMS} {seed}"])
        with open_store(bed.store) as store:
            nothing_is_open(store.database, result.id)
            rows = store.database.rows(EventRow, "WHERE run_id = ? AND kind = 'ChaosStruck'", (result.id,))
            struck = Counter(json.loads(row.body)["act"] for row in rows)
            moved = store.database.rows(TransferRow, "WHERE run_id = ?", (result.id,))
            failed = [row for row in moved if row.state is TransferState.FAILED]
            assert all(row.error for row in failed)
            assert not struck["corrupt"] or failed
            total += struck
    assert total["kill"] + total["corrupt"] + total["drop"], "a seed that does nothing tells nothing"


def test_no_job_is_carried_out_twice_when_nobody_hears_that_it_was_started(hosts: Hosts, tmp_path: Path) -> None:
    bed = Bed(hosts, tmp_path, seconds=0.3)
    result = bed.run(chaos="drop=6%,corrupt=10%,delay=30ms,seed=13")
    assert bed.completed(result) == {"merged": EXPECTED.encode()}
    bed.once_each()
    with open_store(bed.store) as store:
        rows = store.database.rows(EventRow, "WHERE run_id = ? AND kind = 'ChaosStruck'", (result.id,))
        assert sum(json.loads(row.body)["act"] == "drop" for row in rows) > 2


@pytest.mark.parametrize("host", ["cloud", "hpca"])
def test_a_link_that_is_cut_for_a_while_costs_nothing_but_time(hosts: Hosts, tmp_path: Path, host: str) -> None:
    bed = Bed(hosts, tmp_path)
    over = threading.Event()

    def cutting() -> None:
        for _ in range(CUTS):
            if over.wait(random.uniform(0, 4)):
                return
            with hosts.cut(host):
                time.sleep(CUT_SECONDS)

    cutter = threading.Thread(target=cutting)
    cutter.start()
    try:
        result = bed.run()
    finally:
        over.set()
        cutter.join()
    assert bed.completed(result) == {"merged": EXPECTED.encode()}
    bed.once_each()
    with open_store(bed.store) as store:
        nothing_is_open(store.database, result.id)


def test_a_controller_that_is_killed_again_and_again_costs_nothing_but_time(hosts: Hosts, tmp_path: Path) -> None:
    bed = Bed(hosts, tmp_path, seconds=2.0)
    process = bed.begun("run", bed.path, "--outdir", str(tmp_path / "out"), "--work", str(tmp_path / "work"))
    kills = 0
    while kills < 4:
        try:
            process.wait(random.uniform(1.0, 3.5))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        with open_store(bed.store) as store:
            began = bool(store.database.rows(EventRow, "", ()))
        again = ("resume", "last") if began else ("run", bed.path, "--work", str(tmp_path / "work"))
        process = bed.begun(*again)
    assert process.wait(120) == 0
    assert kills
    with open_store(bed.store) as store:
        [run] = [row for row in store.database.rows(RunRow, "", ()) if row.state is RunState.COMPLETED]
        nothing_is_open(store.database, run.id)
        outputs = read_outputs(run.outputs)
    assert Path(outputs["merged"]["path"]).read_text() == EXPECTED
    bed.once_each()
