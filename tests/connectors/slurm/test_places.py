"""What is said before anything runs: forecasts, and places where nothing can run."""

from __future__ import annotations

import time

import pytest
from testbed.hosts import Hosts

from recrate.connectors.base import Explaining, Forecasting
from recrate.connectors.registry import known_kinds, make_connector
from recrate.connectors.slurm.connector import SlurmConnector
from recrate.errors import DocumentInvalid, PlaceFailed

from .clusters import Cluster, OnHost, in_queue


async def test_slurm_says_when_a_job_would_start(cluster: Cluster, connector: SlurmConnector) -> None:
    launch = await cluster.staged("true", cores=2)
    forecast = await connector.forecast("hpca", launch)
    assert forecast.refusal is None
    assert forecast.start is not None
    assert forecast.start > time.time() - 3600
    assert not await in_queue(connector)


@pytest.mark.parametrize(
    ("keys", "needs", "words"),
    [
        ({"partition": "nope"}, {}, "Invalid partition"),
        ({}, {"ram": 900_000}, "node configuration is not available"),
        ({}, {"cores": 500}, "node configuration is not available"),
        ({"nodes": "50"}, {}, "node configuration is not available"),
    ],
)
async def test_slurm_says_why_a_job_can_never_start(
    cluster: Cluster, keys: dict[str, object], needs: dict[str, object], words: str
) -> None:
    connector = cluster.connector({"services": {"s": keys}})
    forecast = await connector.forecast("hpca/s", await cluster.staged("true", **needs))
    assert forecast.start is None
    assert words in (forecast.refusal or "")


async def test_what_a_connector_can_do_beside_is_told_by_its_type(connector: SlurmConnector) -> None:
    assert isinstance(connector, Explaining)
    assert isinstance(connector, Forecasting)


async def test_each_service_is_a_location_on_the_storage_of_its_host(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"gpu": {"gres": "gpu:1"}}, "maxConcurrentJobs": 7})
    inner = (await cluster.inner.locations())[0]
    locations = await connector.locations()
    assert [(each.name, each.service, each.slots) for each in locations] == [
        ("hpca", None, 7),
        ("hpca/gpu", "gpu", 7),
    ]
    assert {each.storage for each in locations} == {inner.storage}
    with pytest.raises(PlaceFailed, match="no service for the location 'hpca/cpu'"):
        await connector.launch("hpca/cpu", await cluster.staged("true"))


async def test_a_host_without_slurm_says_so(hosts: Hosts) -> None:
    hosts.start("host7")
    inner = OnHost(hosts, "host7")
    with pytest.raises(PlaceFailed, match=r"host7: scontrol says: .*is no host of a Slurm cluster"):
        await SlurmConnector("host7", {}, inner=inner, inner_location="host7").deploy()
    hosts.inside("host7", "rm", "-f", "/usr/bin/scontrol")
    with pytest.raises(PlaceFailed) as raised:
        await SlurmConnector("host7", {}, inner=inner, inner_location="host7").deploy()
    assert raised.value.render() == (
        "host7: scontrol was not found (is it a host of the cluster, and is Slurm in its PATH?)"
    )


async def test_a_full_disk_is_noticed_before_anything_is_submitted(cluster: Cluster, connector: SlurmConnector) -> None:
    cluster.hosts.inside("hpca", "chmod", "777", "/small")
    folder = "/small/job"
    launch = await cluster.staged("true", directory=folder)
    cluster.hosts.inside("hpca", "chown", "-R", "alice", folder)
    with cluster.hosts.filled("hpca"), pytest.raises(PlaceFailed) as raised:
        await connector.launch("hpca", launch)
    assert raised.value.render().startswith("hpca: cannot write into '/small/job': ")
    assert "is its disk full" in raised.value.render()
    cluster.hosts.inside("hpca", "rm", "-r", folder)
    assert not await in_queue(connector)


def test_slurm_is_a_kind_of_place() -> None:
    assert "slurm" in known_kinds()
    made = make_connector("slurm", "queue", {"services": {"a": {"partition": "main"}}}, workdir="/scratch")
    assert isinstance(made, SlurmConnector)


@pytest.mark.parametrize(
    "options",
    [
        {"maxConcurrentJobs": 0},
        {"pollingInterval": "often"},
        {"via": "pigeon"},
        {"services": {"a": {"partitoin": "x"}}},
        {"group": -1},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(DocumentInvalid):
        SlurmConnector("queue", options)


def test_a_template_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PlaceFailed, match=r"'/nowhere/job\.jinja2' cannot be read"):
        SlurmConnector("queue", {"services": {"a": {"file": "/nowhere/job.jinja2"}}})
