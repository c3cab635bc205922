"""Slurm through the local connector, where the controller runs on a host of the cluster, passes the kit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.slurm_here import SlurmHere, Unavailable, slurm_here

from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.slurm.connector import SlurmConnector


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmHere]:
    try:
        with slurm_here() as slurm:
            yield slurm
    except Unavailable as reason:
        pytest.skip(str(reason))


def plant(path: str, content: bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)


class TestSlurmHere(ConnectorTests):
    @pytest.fixture
    def place(self, tmp_path: Path, cluster: SlurmHere, monkeypatch: pytest.MonkeyPatch) -> PlaceUnderTest:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        directory = tmp_path / "place"
        directory.mkdir()

        def connector() -> SlurmConnector:
            return SlurmConnector("queue")

        return PlaceUnderTest(
            connector(), "queue", str(directory), lambda path: Path(path).read_bytes(), plant, connector
        )
