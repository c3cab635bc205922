"""A host behind SSH passes the tests that third parties inherit."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from testbed.hosts import Hosts
from testbed.reaching import place_on

from recrate.connectors.kit import ConnectorTests, PlaceUnderTest


class TestSsh(ConnectorTests):
    @pytest.fixture
    async def place(self, hosts: Hosts) -> AsyncIterator[PlaceUnderTest]:
        hosts.start("cloud")
        place = place_on(hosts, "cloud")
        yield place
        await place.connector.undeploy()
