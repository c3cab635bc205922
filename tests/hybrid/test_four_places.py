"""A workflow here, on a host behind SSH and on two Slurm clusters, one of them behind a bastion and without python.

None of these shares a disk with another. What comes of it is what the local run gives.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from testbed.hosts import Hosts

from recrate.core import sites
from recrate.provenance import queries
from recrate.provenance.rows import LocationRow, TransferRow
from recrate.provenance.states import TransferState
from recrate.provenance.store import open_store

from .places import FILE, NUMBER, contents, run, slurm, ssh, tool, written

MAKE = tool('cat "$2"; echo "item $1"', {"n": NUMBER, "s": FILE}, "a b.txt")
SHOUT = tool('tr a-z A-Z <"$1"', {"f": FILE}, "it's loud.txt")
MERGE = tool('cat "$@" | sort | uniq -c', {"f": {"type": "File[]", "inputBinding": {}}}, "merged.txt")
COUNT = tool('wc -l <"$1"', {"f": FILE}, "count.txt")
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"n": "int[]", "seed": "File"},
    "outputs": {
        "merged": {"type": "File", "outputSource": "merge/o"},
        "count": {"type": "File", "outputSource": "count/o"},
    },
    "steps": {
        "make": {"run": MAKE, "scatter": "n", "in": {"n": "n", "s": "seed"}, "out": ["o"]},
        "shout": {"run": SHOUT, "scatter": "f", "in": {"f": "make/o"}, "out": ["o"]},
        "merge": {"run": MERGE, "in": {"f": "shout/o"}, "out": ["o"]},
        "count": {"run": COUNT, "in": {"f": "merge/o"}, "out": ["o"]},
    },
}


def test_it_gives_the_same_bytes_as_the_local_run(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("bastion", "cloud", "hpca", "hpcb")
    (tmp_path / "seed.txt").write_text("seed\n")
    inputs = {"n": list(range(12)), "seed": {"class": "File", "path": "seed.txt"}}
    deployments = {
        "cloud": ssh(hosts, "cloud"),
        "logina": ssh(hosts, "hpca"),
        "loginb": ssh(hosts, "hpcb"),
        "batcha": slurm("logina"),
        "batchb": slurm("loginb"),
    }
    steps = {
        "/make": {"deployment": "batcha"},
        "/shout": {"deployment": "batchb"},
        "/merge": {"deployment": "cloud"},
        "/count": {"deployment": "local"},
    }
    path = written(tmp_path, WORKFLOW, inputs, steps, deployments)
    there, here = run(tmp_path, path, "there"), run(tmp_path, None, "here")
    assert contents(there) == contents(here)
    with open_store(str(tmp_path / "store.db")) as store:
        names = {row.id: row.name for row in store.database.rows(LocationRow, "", ())}
        used = {names[row.location_id] for row in queries.all_attempts(store.database, there.id)}
        assert used == {"batcha", "batchb", "cloud", "local"}
        moved = store.database.rows(TransferRow, "WHERE run_id = ?", (there.id,))
        ways = {(names[row.source_location_id], names[row.target_location_id]) for row in moved}
        assert ways == {("local", "logina"), ("logina", "loginb"), ("loginb", "cloud"), ("cloud", "local")}
        assert all(row.state is TransferState.COMPLETED and row.sha256 for row in moved)


def test_a_host_that_dies_has_its_work_done_by_another(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "PATIENCE_SECONDS", 4.0)
    monkeypatch.setattr(sites, "PING_SECONDS", 3.0)
    hosts.start("host1", "host2")
    slow = tool('cat "$1"; sleep 6; echo slow', {"f": FILE}, "slow.txt")
    document = {
        **WORKFLOW,
        "inputs": {"n": "int", "seed": "File"},
        "outputs": {"o": {"type": "File", "outputSource": "slow/o"}},
        "steps": {
            "make": {"run": MAKE, "in": {"n": "n", "s": "seed"}, "out": ["o"]},
            "slow": {"run": slow, "in": {"f": "make/o"}, "out": ["o"]},
        },
    }
    (tmp_path / "seed.txt").write_text("seed\n")
    both = [{"deployment": "first"}, {"deployment": "second"}]
    deployments = {
        "first": ssh(hosts, "host1", patience=3, retries=0, retryDelay=1),
        "second": ssh(hosts, "host2", patience=3, retries=0, retryDelay=1),
    }
    inputs = {"n": 1, "seed": {"class": "File", "path": "seed.txt"}}
    path = written(tmp_path, document, inputs, {"/": both}, deployments)
    killing = threading.Thread(target=_kill_who_runs, args=(hosts,), daemon=True)
    killing.start()
    result = run(tmp_path, path, "out")
    killing.join()
    assert contents(result) == {"o": b"seed\nitem 1\nslow\n"}
    with open_store(str(tmp_path / "store.db")) as store:
        attempts = list(queries.all_attempts(store.database, result.id))
        names = {row.id: row.name for row in store.database.rows(LocationRow, "", ())}
        assert {names[row.location_id] for row in attempts} == {"first", "second"}


def _kill_who_runs(hosts: Hosts) -> None:
    """Cut the power of the host on which the slow job runs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for host in ("host1", "host2"):
            if b"sleep 6" in hosts.inside(host, "ps", "-eo", "args"):
                hosts.kill(host)
                return
        time.sleep(0.2)
