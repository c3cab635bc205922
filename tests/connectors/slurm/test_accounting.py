"""A cluster with accounting: figures of what was used, and who did what."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from testbed.hosts import SEARCH, make_hosts, or_skip

from recrate.connectors.base import Ended, Ending, Handle
from recrate.connectors.slurm.connector import SlurmConnector

from .clusters import Cluster

PATIENCE_SECONDS = 60.0
STOP = """kill $(cat /run/slurmctld.pid)
for i in $(seq 300); do [ -e /run/slurmctld.pid ] || exit 0; sleep 0.1; done
tail -n 20 /var/log/slurm/slurmctld.log >&2; exit 1
"""
"""Ends Slurm's controller; when it does not end, its last words are the error."""


@pytest.fixture(scope="module")
def accounted() -> Iterator[Cluster]:
    """Cluster A with slurmdbd and MariaDB."""
    missing = [name for name in ("slurmdbd", "mariadbd") if shutil.which(name, path=SEARCH) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with or_skip(pytest.skip), make_hosts({"hpca": "ssh slurm sacct user=alice"}) as hosts:
        hosts.start("hpca")
        cluster = Cluster(hosts, "hpca")
        cluster.admin("sh", "-c", "echo AccountingStorageEnforce=associations,qos >>/etc/slurm/slurm.conf")
        restart(cluster)
        yield cluster


def restart(cluster: Cluster) -> None:
    """Start Slurm's controller anew; it has forgotten all jobs then."""
    cluster.admin("sh", "-c", STOP)
    cluster.admin("sh", "-c", "slurmctld -c >/dev/null 2>&1 </dev/null")
    cluster.await_idle("n1")


async def end_of(connector: SlurmConnector, handle: Handle) -> Ended:
    return await asyncio.wait_for(connector.wait(connector.name, handle), PATIENCE_SECONDS)


async def until_running(cluster: Cluster, directory: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not cluster.exists(f"{directory}/stdout"):
            await asyncio.sleep(0.05)


async def test_figures_come_from_the_accounts_when_a_job_was_sampled(accounted: Cluster) -> None:
    connector = accounted.connector()
    command = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); head -c 5000000 /dev/zero >big; sleep 6"
    ended = await end_of(connector, (await accounted.launched(connector, "sh", "-c", command, ram=400))[1])
    assert ended.exit_code == 0
    assert connector.manager.accounts
    assert ended.figures.bytes_written is not None
    assert ended.figures.bytes_written >= 5_000_000
    assert ended.figures.peak_rss is not None
    assert ended.figures.peak_rss >= 60_000_000
    assert ended.figures.cpu_seconds


async def test_a_short_job_is_not_kept_waiting_for_its_accounts(accounted: Cluster) -> None:
    connector = accounted.connector()
    ended = await end_of(connector, (await accounted.launched(connector, "true"))[1])
    assert ended.figures.started is not None
    assert ended.figures.cpu_seconds is not None


@pytest.mark.parametrize(("user", "number"), [("alice", 2000), (None, 0)])
async def test_who_cancelled_is_on_record(accounted: Cluster, user: str | None, number: int) -> None:
    connector = accounted.connector()
    launch, handle = await accounted.launched(connector, "sleep", "600")
    await until_running(accounted, launch.directory)
    accounted.hosts.inside("hpca", "scancel", handle.native_id, user=user)
    ended = await end_of(connector, handle)
    assert ended.ending is Ending.CANCELLED
    assert f"ended as CANCELLED by the user with id {number}" in (ended.message or "")


async def test_what_cut_a_requeued_job_off_is_on_record(accounted: Cluster) -> None:
    services = {
        "low": {"nodelist": "n1", "exclusive": True, "requeue": True},
        "high": {"partition": "urgent", "nodelist": "n1"},
    }
    connector = accounted.connector({"services": services})
    launch, handle = await accounted.launched(connector, "sleep", "600", service="low")
    await until_running(accounted, launch.directory)
    _, second = await accounted.launched(connector, "true", service="high")
    ended = await end_of(connector, handle)
    assert ended.ending is Ending.PREEMPTED
    assert (await end_of(connector, second)).exit_code == 0


async def test_an_account_that_is_not_there_is_refused(accounted: Cluster) -> None:
    connector = accounted.connector({"services": {"bad": {"account": "nope"}}})
    with pytest.raises(Exception, match=r"hpca: sbatch says: .*[Ii]nvalid account.*sacctmgr show assoc"):
        await accounted.launched(connector, "true", service="bad")


async def test_a_qos_that_is_not_there_is_refused(accounted: Cluster) -> None:
    connector = accounted.connector({"services": {"bad": {"qos": "nope"}}})
    with pytest.raises(Exception, match=r"[Ii]nvalid qos"):
        await accounted.launched(connector, "true", service="bad")


async def test_a_job_that_the_controller_has_forgotten_is_told_by_the_accounts(accounted: Cluster) -> None:
    first = accounted.connector()
    hog = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 1"
    launch, handle = await accounted.launched(first, "sh", "-c", hog, ram=50)
    await end_of(first, handle)
    await asyncio.sleep(2)
    restart(accounted)
    found = await accounted.connector().find("hpca", replace(launch, native_id=handle.native_id))
    assert isinstance(found, Ended)
    assert found.ending is Ending.OUT_OF_MEMORY
