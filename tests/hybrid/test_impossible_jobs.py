"""A job that a queue can never run is an error at once, which says which place it is and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from testbed.hosts import Hosts

from recrate.cli.failures import lines
from recrate.provenance import queries
from recrate.provenance.states import RunState
from recrate.provenance.store import open_store

from .places import run, ssh, tool, written

CORES = [{"class": "ResourceRequirement", "coresMin": 5000}]


@pytest.mark.parametrize(
    ("service", "requirements", "said"),
    [
        ({"partition": "nope"}, [], "batch: sbatch says: invalid partition specified: nope"),
        ({}, CORES, "batch: withdrawn, since it can never run: Slurm job"),
    ],
)
def test_it_fails_after_one_try(
    hosts: Hosts, tmp_path: Path, service: dict[str, Any], requirements: list[Any], said: str
) -> None:
    hosts.start("hpca")
    document = {"cwlVersion": "v1.2", **tool("true", {}, "o.txt"), "requirements": requirements}
    config = {"pollingInterval": 1, "services": {"s": service}}
    deployments = {"login": ssh(hosts, "hpca"), "batch": {"type": "slurm", "wraps": "login", "config": config}}
    path = written(tmp_path, document, {}, {"/": {"deployment": "batch", "service": "s"}}, deployments)
    result = run(tmp_path, path, "out")
    assert result.state is RunState.FAILED
    with open_store(str(tmp_path / "store.db")) as store:
        [attempt] = queries.all_attempts(store.database, result.id)
    assert (attempt.error or "").startswith(said)
    assert "\n" not in (attempt.error or "")


def test_what_a_failed_job_printed_there_is_told_here(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("hpca")
    document = {"cwlVersion": "v1.2", **tool("echo that went wrong >&2; exit 3", {}, "o.txt")}
    config = {"pollingInterval": 1}
    deployments = {"login": ssh(hosts, "hpca"), "batch": {"type": "slurm", "wraps": "login", "config": config}}
    path = written(tmp_path, document, {}, {"/": {"deployment": "batch"}}, deployments)
    result = run(tmp_path, path, "out")
    with open_store(str(tmp_path / "store.db")) as store:
        told = list(lines(store.database, result.id))
    assert "    | that went wrong" in told
