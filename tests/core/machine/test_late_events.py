"""Events that come twice, too late, or about things that are not there change nothing."""

from __future__ import annotations

import pytest

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
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
from recrate.core.machine.run import RunMachine

from .models import TASK, step, workflow
from .sights import snapshot, told

BODY = workflow(step("a"), step("b", body=workflow(step("x"))), step("c", ["a"]), step("d", kind="loop"))
"""In the state below: /a is done, /b is open and /b/x runs its second attempt, /c waits to be
unfolded, /d is in its second iteration."""
PAST: list[Event] = [
    RunStarted(retries=2),
    ScopeOpened("/"),
    StepUnfolded("/a"),
    StepUnfolded("/b"),
    StepUnfolded("/d"),
    AttemptStarted("/a", 1),
    AttemptEnded("/a", 1),
    StepGathered("/a"),
    ScopeOpened("/b"),
    StepUnfolded("/b/x"),
    AttemptStarted("/b/x", 1),
    AttemptEnded("/b/x", 1, Failure.LOST),
    AttemptStarted("/b/x", 2),
    AttemptEnded("/d~0", 0),
]
STRAY: list[Event] = [
    AttemptEnded("/b/x", 1),
    AttemptEnded("/b/x", 3),
    AttemptStarted("/b/x", 3),
    AttemptEnded("/a", 1, Failure.PERMANENT),
    AttemptEnded("/a", 0, Failure.INVALID),
    AttemptEnded("/b", 1),
    AttemptEnded("/", 1, Failure.LOST),
    AttemptStarted("/b", 1),
    AttemptEnded("/c", 1),
    AttemptEnded("/d~1", 7),
    AttemptEnded("/d~2", 1),
    JobSkipped("/a"),
    JobSkipped("/b"),
    JobSkipped("/"),
    JobSkipped("/d~0"),
    JobSkipped("/nowhere"),
    ScopeOpened("/a"),
    ScopeOpened("/b/x"),
    ScopeOpened("/nowhere"),
    StepUnfolded("/b", (7,)),
    StepUnfolded("/nowhere"),
    StepFailed("/a"),
    StepFailed("/b"),
    StepFailed("/nowhere"),
    StepGathered("/b"),
    StepGathered("/c"),
    StepGathered("/nowhere"),
    ScopeCollected("/"),
    ScopeCollected("/b", ok=False),
    ScopeCollected("/a"),
    ScopeCollected("/nowhere"),
    RunStarted(window=1, retries=9),
]


@pytest.mark.parametrize("event", PAST + STRAY, ids=repr)
def test_it_changes_nothing(event: Event) -> None:
    machine = RunMachine.replay(BODY, PAST)
    before = snapshot(machine)
    assert machine.handle(event) == []
    assert snapshot(machine) == before


def test_the_state_is_the_one_described_above() -> None:
    machine = RunMachine.replay(BODY, PAST)
    phases = {path: state.phase.name for path, state in machine.steps.items()}
    assert phases == {"/a": "DONE", "/b": "RUNNING", "/c": "UNFOLDING", "/d": "RUNNING", "/b/x": "RUNNING"}
    assert {path: job.attempt for path, job in machine.jobs.items()} == {"/": 1, "/b": 1, "/d~1": 1, "/b/x": 2}


def test_news_of_a_start_may_come_after_the_end() -> None:
    machine = RunMachine.replay(TASK, [RunStarted(retries=1), AttemptEnded("/", 1, Failure.LOST)])
    before = snapshot(machine)
    assert told(machine, AttemptStarted("/", 1)) == ""
    assert snapshot(machine) == before


def test_a_loop_does_not_end_because_an_earlier_iteration_is_reported_again() -> None:
    machine = RunMachine.replay(BODY, PAST)
    assert told(machine, AttemptEnded("/d~0", 0, Failure.INVALID), AttemptEnded("/d~1", 1)) == "fire /d~2"
