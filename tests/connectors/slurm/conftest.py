"""Fixtures of this folder."""

from __future__ import annotations

import pytest
from testbed.hosts import Hosts

from recrate.connectors.slurm.connector import SlurmConnector

from .clusters import Cluster


@pytest.fixture
def cluster(hosts: Hosts) -> Cluster:
    """Return cluster A of the testbed, which has no accounting."""
    hosts.start("hpca")
    return Cluster(hosts, "hpca")


@pytest.fixture
def connector(cluster: Cluster) -> SlurmConnector:
    """Return a connector to cluster A."""
    return cluster.connector()
