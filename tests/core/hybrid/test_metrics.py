"""Metrics of jobs on other places: they come home, and a place is asked for none that are not there."""

from __future__ import annotations

import pytest

from recrate.connectors import files
from recrate.connectors.wrapper import METRICS
from recrate.provenance.rows import MetricRow

from ..engine.bench import Ran, shell
from .fields import Fields

LOUD = {"cwlVersion": "v1.2"} | shell(
    {}, {"o": "stdout"}, """echo '{"loss": 0.5}' >"$RECRATE_METRICS"; echo done""", stdout="o.txt"
)
QUIET = {"cwlVersion": "v1.2"} | shell({}, {"o": "stdout"}, "echo done", stdout="o.txt")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What trees of files were asked about."""
    asked: list[str] = []
    stat = files.LocalTree.stat

    def noted(tree: files.LocalTree, path: str) -> object:
        asked.append(path)
        return stat(tree, path)

    monkeypatch.setattr(files.LocalTree, "stat", noted)
    return asked


def values(ran: Ran) -> list[tuple[str, float | None]]:
    return [(row.name, row.value) for row in ran.database.rows(MetricRow, "", ())]


def test_they_come_home(fields: Fields) -> None:
    assert values(fields.run(LOUD, {}, fields.binding({"/": "east"}))) == [("loss", 0.5)]


def test_where_there_are_none_nobody_looks(fields: Fields, looks: list[str]) -> None:
    assert values(fields.run(QUIET, {}, fields.binding({"/": "east"}))) == []
    assert METRICS not in looks
    fields.run(LOUD, {}, fields.binding({"/": "east"}))
    assert METRICS in looks
