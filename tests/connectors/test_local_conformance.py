"""The local connector passes the tests that third parties inherit, and other packages' are found."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.local import LocalConnector
from recrate.connectors.registry import known_kinds, make_connector
from recrate.errors import Unsupported


def plant(path: str, content: bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)


class TestLocal(ConnectorTests):
    @pytest.fixture
    def place(self, tmp_path: Path) -> PlaceUnderTest:
        directory = tmp_path / "place"
        directory.mkdir()
        return PlaceUnderTest(
            LocalConnector(), "local", str(directory), lambda path: Path(path).read_bytes(), plant, LocalConnector
        )


def test_our_own_connector_is_registered() -> None:
    assert "local" in known_kinds()
    assert isinstance(make_connector("local", "here", {}), LocalConnector)


def test_a_connector_of_another_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("lsf", "recrate.connectors.local:LocalConnector", "recrate.connectors")

    def found(**wanted: Any) -> list[importlib.metadata.EntryPoint]:
        return [point] if wanted.get("name", "lsf") == "lsf" else []

    monkeypatch.setattr(importlib.metadata, "entry_points", found)
    assert isinstance(make_connector("lsf", "queue", {}), LocalConnector)


def test_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Unsupported, match="no connector is called 'teleport'"):
        make_connector("teleport", "x", {})
