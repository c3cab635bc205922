"""A host behind SSH passes the tests that third parties inherit: an ordinary one, and one with very little."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testbed.hosts import Hosts
from testbed.reaching import Reached, only_busybox, reached

from recrate.connectors.kit import ConnectorTests, PlaceUnderTest


@pytest.fixture(scope="module")
def cloud(hosts: Hosts) -> Iterator[Reached]:
    """A cloud machine."""
    hosts.start("cloud")
    with reached(hosts, "cloud") as host:
        yield host


@pytest.fixture(scope="module")
def far(hosts: Hosts) -> Iterator[Reached]:
    """A login host behind a bastion, with no python, and no other tools than those of busybox."""
    hosts.start("bastion", "hpcb")
    with only_busybox(hosts, "hpcb"), reached(hosts, "hpcb") as host:
        yield host


class TestSsh(ConnectorTests):
    @pytest.fixture
    def place(self, cloud: Reached) -> PlaceUnderTest:
        return cloud.place()


class TestSshFarAway(ConnectorTests):
    @pytest.fixture
    def place(self, far: Reached) -> PlaceUnderTest:
        return far.place()
