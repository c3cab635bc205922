"""Slurm through SSH passes the kit: on a cluster without python, behind a bastion."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from testbed.hosts import Hosts
from testbed.reaching import Reached, reached

from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.slurm.connector import SlurmConnector


@pytest.fixture(scope="module")
def host(hosts: Hosts) -> Iterator[Reached]:
    hosts.start("bastion", "hpcb")
    with reached(hosts, "hpcb") as made:
        yield made


class TestSlurmOverSsh(ConnectorTests):
    @pytest.fixture
    async def place(self, host: Reached) -> AsyncIterator[PlaceUnderTest]:
        queues: list[SlurmConnector] = []

        def queue() -> SlurmConnector:
            options = {"pollingInterval": 1}
            queues.append(SlurmConnector("queue", options, inner=host.connector, inner_location="site"))
            return queues[-1]

        yield replace(host.place(), connector=queue(), location="queue", later=queue)
        for made in queues:
            await made.undeploy()
