"""A crate of a run on one cluster is run again on another one, from the crate alone, in one command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cratebed.commands import Recrate
from hybrid.test_four_places import WORKFLOW, slurm, ssh, written
from testbed.hosts import Hosts

from recrate.core import surroundings
from recrate.provenance import queries
from recrate.provenance.rows import EnvironmentRow, LocationRow
from recrate.provenance.store import open_store

CUSTOMS = {
    "cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": ["sh", "-c", "umask; date +%z"],
    "inputs": {}, "outputs": {"o": "stdout"}, "stdout": "o.txt",
}  # fmt: skip


def crate(hosts: Hosts, recrate: Recrate, folder: Path) -> Path:
    """Return the crate of a run on cluster A of which nothing else is left."""
    source = folder / "source"
    source.mkdir()
    (source / "seed.txt").write_text("seed\n")
    inputs = {"n": [1, 2, 3], "seed": {"class": "File", "path": "seed.txt"}}
    places = {"logina": ssh(hosts, "hpca"), "batcha": slurm("logina")}
    steps = {"/": {"deployment": "batcha"}, "/count": {"deployment": "local"}}
    recrate("run", "-q", "--name", "first", written(source, WORKFLOW, inputs, steps, places))
    recrate("export", "first", "-o", "crate.zip")
    for name in ("source", "stores", "results"):
        shutil.rmtree(folder / name)
    hosts.inside("hpca", "rm", "-rf", "/scratch/recrate")
    return folder / "crate.zip"


def bind_cluster_b(hosts: Hosts, folder: Path) -> None:
    """Write a binding file, `b.yml`, that knows cluster B."""
    places = {"loginb": ssh(hosts, "hpcb"), "batchb": slurm("loginb")}
    (folder / "b.yml").write_text(json.dumps({"version": "v1.0", "workflows": {}, "deployments": places}))


def test_it_gives_the_same_on_cluster_b(hosts: Hosts, recrate: Recrate, tmp_path: Path) -> None:
    hosts.start("bastion", "hpca", "hpcb")
    path = crate(hosts, recrate, tmp_path)
    bind_cluster_b(hosts, tmp_path)
    with hosts.cut("hpca"):
        done = recrate("rerun", str(path), "--on", "b.yml", "--map", "batcha=batchb", "--json", store="two")
    found = json.loads(done.stdout)
    assert found["verdict"] == "identical" and found["intermediate"] == {"identical": 8}
    assert done.stderr == ""
    with open_store(str(next((tmp_path / "stores" / "two").rglob("*.db")))) as store:
        names = {row.id: row.name for row in store.database.rows(LocationRow, "", ())}
        used = {names[row.location_id] for row in queries.all_attempts(store.database, found["run"])}
        assert used == {"batchb", "local"}


def test_what_ran_here_has_its_umask_and_time_zone_on_cluster_b(hosts: Hosts, recrate: Recrate, tmp_path: Path) -> None:
    hosts.start("hpcb", "bastion")
    (tmp_path / "tool.cwl").write_text(json.dumps(CUSTOMS))
    with surroundings.as_before(surroundings.Surroundings("037", None)):
        recrate("run", "-q", "tool.cwl")
    recrate("export", "last", "-o", "crate.zip")
    bind_cluster_b(hosts, tmp_path)
    done = recrate("rerun", "crate.zip", "--on", "b.yml", "--map", "local=batchb", "--json", store="two")
    found = json.loads(done.stdout)
    assert found["verdict"] == "identical"
    with open_store(str(next((tmp_path / "stores" / "two").rglob("*.db")))) as store:
        [attempt] = queries.all_attempts(store.database, found["run"])
        environment = store.database.row(EnvironmentRow, attempt.environment_id or "")
    own = surroundings.Surroundings.here().time_zone
    assert environment is not None and (json.loads(environment.variables).get("TZ") == own)


@contextmanager
def customs(hosts: Hosts, host: str, umask: str, zone: str) -> Iterator[None]:
    """Give a host another umask at login and another time zone for a while."""
    login = f"/home/{hosts.user(host)}/.bashrc"
    hosts.inside(host, "sh", "-c", f"cp -P /etc/localtime {login} /tmp; echo 'umask {umask}' >{login}")
    hosts.inside(host, "ln", "-sfn", f"{surroundings.ZONES}/{zone}", "/etc/localtime")
    try:
        yield
    finally:
        hosts.inside(host, "sh", "-c", f"cp -P --remove-destination /tmp/localtime /etc; cp /tmp/.bashrc {login}")


@pytest.mark.skipif(not Path(surroundings.ZONES, "Asia/Tokyo").exists(), reason="this machine has no tz database")
def test_what_ran_on_cluster_a_has_its_umask_and_time_zone_on_cluster_b_and_here(
    hosts: Hosts, recrate: Recrate, tmp_path: Path
) -> None:
    hosts.start("hpca", "hpcb", "bastion")
    places = {"logina": ssh(hosts, "hpca"), "batcha": slurm("logina")}
    with customs(hosts, "hpca", "037", "Asia/Tokyo"):
        path = written(tmp_path, CUSTOMS, {}, {"/": {"deployment": "batcha"}}, places)
        recrate("run", "-q", path, "--outdir", "first")
    assert (tmp_path / "first" / "o.txt").read_text() == "0037\n+0900\n"
    recrate("export", "last", "-o", "crate.zip")
    bind_cluster_b(hosts, tmp_path)
    for words in (("--on", "b.yml", "--map", "batcha=batchb"), ("--map", "batcha=local")):
        done = recrate("rerun", "crate.zip", *words, "--json", store=words[-1])
        assert json.loads(done.stdout)["verdict"] == "identical"


def test_what_cluster_b_does_not_have_is_said_before_anything_runs(
    hosts: Hosts, recrate: Recrate, tmp_path: Path
) -> None:
    hosts.start("hpcb", "bastion")
    resources = {"ResourceRequirement": {"coresMin": 3000}}
    tool = {
        "cwlVersion": "v1.2", "class": "CommandLineTool", "requirements": resources, "baseCommand": ["echo"],
        "inputs": {}, "outputs": {"o": "stdout"}, "stdout": "o.txt",
    }  # fmt: skip
    (tmp_path / "tool.cwl").write_text(json.dumps(tool))
    recrate("run", "-q", "tool.cwl")
    recrate("export", "last", "-o", "crate.zip")
    bind_cluster_b(hosts, tmp_path)
    words = ("--on", "b.yml", "--map", "local=batchb", "--outdir", "again")
    said = recrate("rerun", "crate.zip", *words, code=33, store="two").stderr
    assert "step / cannot run: batchb" in said and not (tmp_path / "again").exists()
