"""What a place says that it will never do is asked of it once: another place does it, or the job fails at once."""

from __future__ import annotations

import pytest

from recrate.connectors.base import Ended, Handle, Launch
from recrate.errors import PlaceFailed, PlaceRefused

from ...elsewhere.connector import Elsewhere
from ..engine.bench import shell, text
from .fields import Fields, Target, ran_at

ECHO = {"cwlVersion": "v1.2", **shell({}, {"o": "stdout"}, "echo done", stdout="o.txt")}
SAID = "queue: there is no such partition"


class Refusing(Elsewhere):
    """A place that takes no job, if it is called east; with `late` only after it seemed to."""

    late = False

    async def launch(self, location: str, launch: Launch) -> Handle:
        if self.name == "east" and not self.late:
            raise PlaceRefused(SAID, hint="choose another one")
        return await super().launch(location, launch)

    async def wait(self, location: str, handle: Handle) -> Ended:
        if self.name == "east":
            raise PlaceRefused(SAID, hint="choose another one")
        return await super().wait(location, handle)


@pytest.fixture(params=[False, True])
def refusing(fields: Fields, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Fields:
    monkeypatch.setattr(type(fields), "kind", Refusing)
    monkeypatch.setattr(Refusing, "late", request.param)
    return fields


def test_a_job_that_no_place_will_ever_take_fails_at_once_and_is_not_tried_again(refusing: Fields) -> None:
    ran = refusing.run(ECHO, {}, refusing.binding({"/": "east"}), retries=5)
    [attempt] = ran.attempts("/")
    assert attempt.error == f"{SAID} (choose another one)"
    assert ran.states["/"] == "failed"


def test_another_place_takes_it(refusing: Fields) -> None:
    ran = refusing.run(ECHO, {}, refusing.binding({"/": [Target("east"), Target("west")]}))
    assert text(ran.outputs["o"]) == "done\n"
    assert ran_at(ran, "/") == ["east", "west"]


class Stumbling(Elsewhere):
    """A place that takes a job at the second try."""

    tries = 0

    async def launch(self, location: str, launch: Launch) -> Handle:
        Stumbling.tries += 1
        if Stumbling.tries == 1:
            raise PlaceFailed("queue: its controller does not answer")
        return await super().launch(location, launch)


def test_what_may_pass_is_tried_again(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(fields), "kind", Stumbling)
    ran = fields.run(ECHO, {}, fields.binding({"/": "east"}))
    assert text(ran.outputs["o"]) == "done\n"
    assert Stumbling.tries == 2
