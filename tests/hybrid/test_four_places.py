"""A workflow here, on a host behind SSH and on two Slurm clusters, one of them behind a bastion and without python.

None of these shares a disk with another. What comes of it is what the local run gives.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed.containers import image_archive
from testbed.hosts import Hosts, make_hosts, or_skip
from testbed.newer_debian import newer_debian

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
WORKFLOW: dict[str, Any] = {
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


STEPS = {
    "/make": {"deployment": "batcha"},
    "/shout": {"deployment": "batchb"},
    "/merge": {"deployment": "cloud"},
    "/count": {"deployment": "local"},
}


def inputs_in(folder: Path) -> dict[str, Any]:
    """Return the inputs of the workflow, whose file is made."""
    (folder / "seed.txt").write_text("seed\n")
    return {"n": list(range(12)), "seed": {"class": "File", "path": "seed.txt"}}


def four_places(hosts: Hosts) -> dict[str, Any]:
    """Return the deployments of the four places, which are started."""
    hosts.start("bastion", "cloud", "hpca", "hpcb")
    return {
        "cloud": ssh(hosts, "cloud"),
        "logina": ssh(hosts, "hpca"),
        "loginb": ssh(hosts, "hpcb"),
        "batcha": slurm("logina"),
        "batchb": slurm("loginb"),
    }


def test_it_gives_the_same_bytes_as_the_local_run(hosts: Hosts, tmp_path: Path) -> None:
    path = written(tmp_path, WORKFLOW, inputs_in(tmp_path), STEPS, four_places(hosts))
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


@pytest.fixture(scope="module")
def two_releases() -> Iterator[Hosts]:
    """Hosts of which cluster A has Debian's next release: Slurm 26.05 and apptainer."""
    with or_skip(pytest.skip), make_hosts(bases={"hpca": str(newer_debian())}) as made:
        yield made


def test_it_crosses_two_releases_of_slurm_with_containers_in_the_jobs_of_one(
    two_releases: Hosts, tmp_path: Path
) -> None:
    places = four_places(two_releases)
    found = [two_releases.inside(host, "sinfo", "--version").decode().split()[1] for host in ("hpca", "hpcb")]
    assert found[0].split(".")[0] != found[1].split(".")[0]
    image = {"dockerImageId": "lab/bash", "dockerImport": image_archive("bash").as_uri()}
    inside = MAKE["baseCommand"][2] + "; test -d /.singularity.d"
    make = {
        **MAKE,
        "baseCommand": ["sh", "-c", inside, "script"],
        "requirements": {"DockerRequirement": image},
    }
    document = {**WORKFLOW, "steps": {**WORKFLOW["steps"], "make": {**WORKFLOW["steps"]["make"], "run": make}}}
    inputs = inputs_in(tmp_path)
    there = run(tmp_path, written(tmp_path, document, inputs, STEPS, places), "there")
    written(tmp_path, WORKFLOW, inputs, STEPS, places)
    assert contents(there) == contents(run(tmp_path, None, "here"))


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
