"""A place that gives no answer when it is first needed is asked again; one that can never be used fails at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

import pytest

from recrate.core import sites
from recrate.errors import PlaceFailed, PlaceSilent

from ...elsewhere.connector import Elsewhere
from ..engine.bench import shell, text
from .fields import Fields, Target, ran_at

ECHO = {"cwlVersion": "v1.2", **shell({}, {"o": "stdout"}, "echo done", stdout="o.txt")}


class Hesitant(Elsewhere):
    """A place that cannot be made for a while."""

    failures: ClassVar[list[PlaceFailed]] = []

    async def deploy(self) -> None:
        if self.name == "east" and self.failures:
            raise self.failures.pop()
        await super().deploy()


@pytest.fixture
def hesitant(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> Fields:
    monkeypatch.setattr(sites, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(type(fields), "kind", Hesitant)
    monkeypatch.setattr(Hesitant, "failures", [PlaceSilent(f"east gives no answer ({n})") for n in range(3)])
    return fields


def test_it_is_asked_again_until_it_answers(hesitant: Fields) -> None:
    ran = hesitant.run(ECHO, {}, hesitant.binding({"/": "east"}))
    assert text(ran.outputs["o"]) == "done\n"
    assert Hesitant.failures == []


def test_patience_has_an_end(hesitant: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "PATIENCE_SECONDS", 0.06)
    ran = hesitant.run(ECHO, {}, hesitant.binding({"/": "east"}))
    assert "east gives no answer" in (ran.jobs["/"].error or "")


def test_nobody_waits_for_it_who_can_go_elsewhere(hesitant: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "FIRST_WAIT", 60.0)
    ran = hesitant.run(ECHO, {}, hesitant.binding({"/": [Target("east"), Target("west")]}))
    assert ran_at(ran, "/") == ["west"]


def test_a_place_that_can_never_be_used_is_an_error_at_once(hesitant: Fields, tmp_path: Path) -> None:
    Hesitant.failures[:] = [PlaceFailed("east does not let you log in", hint="try ssh")]
    begun = time.monotonic()
    ran = hesitant.run(ECHO, {}, hesitant.binding({"/": "east"}))
    assert ran.jobs["/"].error == "east does not let you log in (try ssh)"
    assert time.monotonic() - begun < 20
