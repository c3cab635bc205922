"""Events survive being stored."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.machine import events
from recrate.core.machine.events import Event, Failure, OnError, RetryLimit, RunStarted, StepUnfolded, decode, encode

NAMES = st.text(st.characters(codec="utf-8"))
FAILURES = st.lists(st.sampled_from(Failure)).map(tuple)
FIELDS: dict[str, dict[str, st.SearchStrategy[object]]] = {
    "RunStarted": {
        "window": st.integers(1),
        "on_error": st.sampled_from(OnError),
        "retries": st.integers(0),
        "limits": st.lists(st.builds(RetryLimit, st.integers(0), NAMES, FAILURES)).map(tuple),
    },
    "StepUnfolded": {"step": NAMES, "shape": st.lists(st.integers(0)).map(tuple)},
    "StepFailed": {"step": NAMES},
    "JobSkipped": {"job": NAMES},
    "ScopeOpened": {"job": NAMES},
    "AttemptStarted": {"job": NAMES, "attempt": st.integers(1)},
    "AttemptEnded": {"job": NAMES, "attempt": st.integers(0), "failure": st.none() | st.sampled_from(Failure)},
    "StepGathered": {"step": NAMES},
    "ScopeCollected": {"job": NAMES, "ok": st.booleans()},
    "CancelAsked": {},
    "RunResumed": {},
    "RecoveryStarted": {"jobs": st.lists(NAMES).map(tuple)},
    "ChaosStruck": {"act": NAMES, "location": NAMES, "what": NAMES},
    "NothingHappened": {"seconds": st.floats(0, 1e6), "waiting": st.lists(NAMES).map(tuple)},
    "UndeclaredRead": {
        "job": NAMES,
        "attempt": st.integers(1),
        "count": st.integers(1),
        "paths": st.lists(NAMES).map(tuple),
    },
}
EVENTS = st.one_of(*(st.builds(getattr(events, kind), **fields) for kind, fields in FIELDS.items()))


@given(EVENTS)
def test_an_event_that_was_stored_as_json_is_the_same(event: Event) -> None:
    kind, body = json.loads(json.dumps(encode(event)))
    assert decode(kind, body) == event


@given(EVENTS)
def test_an_event_that_was_not_stored_as_json_is_the_same(event: Event) -> None:
    assert decode(*encode(event)) == event


def test_every_event_is_tested() -> None:
    assert {kind.__name__ for kind in get_args(Event)} == set(FIELDS)


def test_the_stored_form_is_as_it_ever_was() -> None:
    assert encode(RunStarted(2, OnError.CONTINUE, 1)) == (
        "RunStarted",
        {"window": 2, "on_error": "CONTINUE", "retries": 1, "limits": []},
    )
    assert decode("AttemptEnded", {"job": "/", "attempt": 1, "failure": "OUT_OF_MEMORY"}) == events.AttemptEnded(
        "/", 1, Failure.OUT_OF_MEMORY
    )
    assert decode("StepUnfolded", {"step": "/a", "shape": [2, 3]}) == StepUnfolded("/a", (2, 3))


def test_fields_that_an_older_program_did_not_know_take_their_defaults() -> None:
    assert decode("AttemptEnded", {"job": "/", "attempt": 1}) == events.AttemptEnded("/", 1)


@pytest.mark.parametrize(
    "kind, body", [("Surprise", {}), ("AttemptEnded", {"job": "/", "attempt": 1, "failure": "BOREDOM"})]
)
def test_what_is_not_known_is_refused(kind: str, body: dict[str, object]) -> None:
    with pytest.raises(KeyError):
        decode(kind, body)
