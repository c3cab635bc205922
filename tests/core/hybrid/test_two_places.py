"""Steps on places that share nothing: each input is brought where it is needed, once, and all of it is on record."""

from __future__ import annotations

import os

import pytest

from recrate.provenance import queries
from recrate.provenance.states import ReplicaKind, TransferState

from ..engine.bench import shell, text, workflow
from .fields import Fields, done, ran_at, transfers

MAKE = shell({"word": {"type": "string", "inputBinding": {}}}, {"o": "stdout"}, 'printf %s "$1"', stdout="made.txt")
SHOUT = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'tr a-z A-Z <"$1"', stdout="loud.txt")
TWO = workflow(
    {"word": "string"},
    {"o": {"type": "File", "outputSource": "shout/o"}},
    {
        "make": {"run": MAKE, "in": {"word": "word"}, "out": ["o"]},
        "shout": {"run": SHOUT, "in": {"f": "make/o"}, "out": ["o"]},
    },
)


def test_two_steps_on_two_places_with_one_file_between_them(fields: Fields) -> None:
    ran = fields.run(TWO, {"word": "hello"}, fields.binding({"/make": "east", "/shout": "west"}))
    assert text(ran.outputs["o"]) == "HELLO"
    assert ran_at(ran, "/make") == ["east"] and ran_at(ran, "/shout") == ["west"]
    assert done(ran) == [("east", "west"), ("west", "local")]
    relay, home = transfers(ran)
    assert (relay.method, home.method) == ("relay", "stream")
    assert relay.state is TransferState.COMPLETED and relay.bytes == 5 and relay.number == 1
    assert relay.sha256 == home.sha256 or relay.sha256 is not None
    copies = [row for row in ran.replicas() if row.kind is ReplicaKind.COPY]
    assert {row.path for row in copies} == {relay.target_path, home.target_path}


def test_what_runs_here_needs_no_transfer(fields: Fields) -> None:
    ran = fields.run(TWO, {"word": "hello"}, fields.binding({"/make": "local", "/shout": "local"}))
    assert text(ran.outputs["o"]) == "HELLO" and done(ran) == []
    assert fields.connectors == {}


def test_a_deployment_is_made_only_when_it_is_needed_and_undone_at_the_end(fields: Fields) -> None:
    fields.run(TWO, {"word": "x"}, fields.binding({"/make": "east"}))
    assert set(fields.connectors) == {"east"}
    assert fields.connectors["east"].deployed == 0


def test_one_that_is_not_lazy_is_made_at_once(fields: Fields) -> None:
    eager = {"east": fields.deployment("east", lazy=False), "west": fields.deployment("west")}
    wrong = {**MAKE, "baseCommand": ["false"]}
    document = {**TWO, "steps": {**TWO["steps"], "make": {**TWO["steps"]["make"], "run": wrong}}}
    binding = fields.binding({"/shout": "east"}, deployments=eager)
    ran = fields.run(document, {"word": "x"}, binding)
    assert ran.states["/make"] == "failed" and set(fields.connectors) == {"east"}


def test_a_job_elsewhere_has_the_path_of_its_place(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"/of/this/machine/alone:{os.environ['PATH']}")
    ask = {"cwlVersion": "v1.2", **shell({}, {"o": "stdout"}, 'printf %s "$PATH"', stdout="o.txt")}
    here = fields.run(ask, {}, fields.binding({"/": "local"}))
    assert text(here.outputs["o"]).startswith("/of/this/machine/alone:")
    there = fields.run(ask, {}, fields.binding({"/": "east"}))
    (attempt,) = there.attempts("/")
    assert "PATH" not in queries.attempt_detail(there.database, attempt).environment
    own = {"requirements": {"EnvVarRequirement": {"envDef": {"PATH": "/own:/bin"}}}}
    assert text(fields.run({**ask, **own}, {}, fields.binding({"/": "east"})).outputs["o"]) == "/own:/bin"
