"""Slurm through SSH passes the kit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from testbed.hosts import Hosts
from testbed.reaching import connector, place_on

from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.slurm.connector import SlurmConnector

HOST = "hpca"


def queue(hosts: Hosts) -> SlurmConnector:
    return SlurmConnector("queue", {"pollingInterval": 1}, inner=connector(hosts, HOST), inner_location="site")


class TestSlurmOverSsh(ConnectorTests):
    @pytest.fixture
    async def place(self, hosts: Hosts) -> AsyncIterator[PlaceUnderTest]:
        hosts.start("bastion", HOST)
        made = replace(place_on(hosts, HOST), connector=queue(hosts), location="queue", later=lambda: queue(hosts))
        yield made
        assert isinstance(made.connector, SlurmConnector)
        await made.connector.undeploy()
        await made.connector.inner.undeploy()
