"""A run in which nothing happens says what it waits for: a place that is cut off, or full, or the tries to come."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from recrate.connectors.data import Space
from recrate.provenance.rows import EventRow

from ...elsewhere.connector import Elsewhere
from ..engine.bench import Ran, shell, text
from .fields import Fields


def one(script: str) -> dict[str, Any]:
    return {"cwlVersion": "v1.2", **shell({}, {"o": "stdout"}, script, stdout="o.txt")}


def waited_for(ran: Ran) -> list[str]:
    """Return what the run said it waits for, all times together."""
    events = ran.database.rows(EventRow, "WHERE run_id = ? AND kind = 'NothingHappened'", (ran.id,))
    return [line for event in events for line in json.loads(event.body)["waiting"]]


def test_a_place_that_is_cut_off(fields: Fields) -> None:
    timers = [threading.Timer(0.5, fields.cut, ["east"]), threading.Timer(3.0, fields.mend, ["east"])]
    for timer in timers:
        timer.start()
    ran = fields.run(one("sleep 2; echo done"), {}, fields.binding({"/": "east"}, stalled=0.8))
    assert text(ran.outputs["o"]) == "done\n"
    assert "east does not answer: east cannot be reached: its link is cut" in waited_for(ran)


class Full(Elsewhere):
    """A place whose disk has no room."""

    async def space(self, location: str, path: str) -> Space:
        return Space(1 << 20, 5000)


def test_a_place_that_is_full(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(fields), "kind", Full)
    ran = fields.run(one("sleep 1.5; echo done"), {}, fields.binding({"/": "east"}, stalled=0.5))
    assert any(line.startswith("east is full: 1 MiB are left where") for line in waited_for(ran))


def test_tries_that_are_to_come(fields: Fields) -> None:
    ran = fields.run(one("false"), {}, fields.binding({"/": "east"}, stalled=0.4), retry=["1,delay=2"])
    assert any(line.startswith("/ waits ") and line.endswith("before attempt 2") for line in waited_for(ran))
