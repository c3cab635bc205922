"""What a new controller has to do: exactly what the old one had not finished."""

from __future__ import annotations

import pytest

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Event,
    Failure,
    JobSkipped,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepFailed,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.instructions import Fire
from recrate.core.machine.run import RunMachine

from .models import TASK, step, workflow
from .sights import say

BODY = workflow(step("a", kind="scatter"), step("b", body=workflow(step("x"))), step("c", ["a", "b"]))
STORY: list[tuple[Event, list[str]]] = [
    (RunStarted(window=2, retries=1), ["fire /"]),
    (ScopeOpened("/"), ["unfold /a", "unfold /b"]),
    (StepUnfolded("/b"), ["unfold /a", "fire /b"]),
    (StepUnfolded("/a", (2,)), ["fire /b", "fire /a[0]"]),
    (AttemptStarted("/a[0]", 1), ["fire /b", "fire /a[0]"]),
    (AttemptEnded("/a[0]", 1, Failure.LOST), ["fire /b", "fire /a[0] #2"]),
    (ScopeOpened("/b"), ["unfold /b/x", "fire /a[0] #2", "fire /a[1]"]),
    (AttemptEnded("/a[0]", 2), ["unfold /b/x", "fire /a[1]"]),
    (StepUnfolded("/b/x"), ["fire /a[1]", "fire /b/x"]),
    (JobSkipped("/a[1]"), ["gather /a", "fire /b/x"]),
    (AttemptEnded("/b/x", 0), ["gather /a", "gather /b/x"]),
    (StepGathered("/b/x"), ["gather /a", "collect /b"]),
    (StepGathered("/a"), ["collect /b"]),
    (ScopeCollected("/b"), ["gather /b"]),
    (StepGathered("/b"), ["unfold /c"]),
    (StepUnfolded("/c"), ["fire /c"]),
    (AttemptEnded("/c", 1), ["gather /c"]),
    (StepGathered("/c"), ["collect /"]),
    (ScopeCollected("/"), []),
]


@pytest.mark.parametrize("length", range(len(STORY) + 1))
def test_after_any_number_of_events_the_open_instructions_are_pending(length: int) -> None:
    machine = RunMachine.replay(BODY, [event for event, _ in STORY[:length]])
    assert sorted(map(say, machine.pending())) == sorted(STORY[length - 1][1] if length else [])


def test_asking_what_is_pending_changes_nothing() -> None:
    machine = RunMachine.replay(BODY, [event for event, _ in STORY[:7]])
    assert machine.pending() == machine.pending()
    assert list(map(say, machine.handle(STORY[7][0]))) == []


def test_an_attempt_that_is_under_way_is_pending_with_its_number() -> None:
    events: list[Event] = [RunStarted(retries=1), AttemptEnded("/", 1, Failure.LOST), AttemptStarted("/", 2)]
    assert RunMachine.replay(TASK, events).pending() == [Fire("/", "", 0, 2, TASK, (Failure.LOST,))]


def test_after_a_failure_that_stops_the_run_only_what_was_asked_for_is_pending() -> None:
    events: list[Event] = [RunStarted(), ScopeOpened("/"), StepUnfolded("/b"), StepFailed("/a")]
    assert list(map(say, RunMachine.replay(BODY, events).pending())) == ["fire /b"]


def test_a_cancelled_attempt_is_pending_until_it_ended() -> None:
    machine = RunMachine.replay(TASK, [RunStarted(), AttemptStarted("/", 1), CancelAsked()])
    assert list(map(say, machine.pending())) == ["fire /", "cancel / #1"]
    machine.handle(AttemptEnded("/", 1, Failure.CANCELLED))
    assert machine.pending() == []


def test_before_the_first_event_nothing_is_pending() -> None:
    assert RunMachine(BODY).pending() == []
