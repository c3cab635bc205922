"""When somebody wants the run to end now."""

from __future__ import annotations

import pytest

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Event,
    Failure,
    OnError,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.instructions import Cancel
from recrate.core.machine.run import RunMachine

from .models import TASK, chain, step, workflow
from .sights import play, told

START, OPEN = (RunStarted(retries=3), "fire /"), (ScopeOpened("/"), "unfold /a")
SCATTER = workflow(step("a", kind="scatter"), step("b", ["a"]))
THREE = (StepUnfolded("/a", (3,)), "fire /a[0], fire /a[1], fire /a[2]")


def test_attempts_that_run_are_cancelled_and_the_run_ends_when_all_have_ended() -> None:
    play(
        SCATTER,
        START,
        OPEN,
        THREE,
        (AttemptStarted("/a[0]", 1), ""),
        (AttemptStarted("/a[2]", 1), ""),
        (CancelAsked(), "cancel /a[0] #1, cancel /a[2] #1"),
        (AttemptEnded("/a[2]", 1, Failure.CANCELLED), ""),
        (AttemptEnded("/a[1]", 0, Failure.CANCELLED), ""),
        (AttemptEnded("/a[0]", 1, Failure.CANCELLED), "finish cancelled, 1 blocked"),
    )


def test_an_attempt_that_starts_after_all_is_cancelled_at_once() -> None:
    play(
        SCATTER,
        START,
        OPEN,
        (StepUnfolded("/a", (1,)), "fire /a[0]"),
        (CancelAsked(), ""),
        (AttemptStarted("/a[0]", 1), "cancel /a[0] #1"),
        (AttemptStarted("/a[0]", 1), ""),
        (AttemptEnded("/a[0]", 1, Failure.CANCELLED), "finish cancelled, 1 blocked"),
    )


@pytest.mark.parametrize("failure", [None, *Failure])
def test_an_attempt_that_ends_otherwise_meanwhile_is_neither_tried_again_nor_followed(failure: Failure | None) -> None:
    machine = RunMachine.replay(
        chain(2), [RunStarted(retries=3, on_error=OnError.CONTINUE), ScopeOpened("/"), StepUnfolded("/s0")]
    )
    assert told(machine, AttemptStarted("/s0", 1), CancelAsked()) == "cancel /s0 #1"
    last = AttemptEnded("/s0", 1, failure)
    if failure is None:
        assert told(machine, last) == "gather /s0"
        assert told(machine, StepGathered("/s0")) == "finish cancelled, 1 blocked"
    else:
        assert told(machine, last) == "finish cancelled, 1 blocked"


def test_asking_twice_is_asking_once() -> None:
    play(TASK, START, (AttemptStarted("/", 1), ""), (CancelAsked(), "cancel / #1"), (CancelAsked(), ""))


def test_a_run_that_was_done_with_all_its_work_completes() -> None:
    play(
        workflow(),
        START,
        (ScopeOpened("/"), "collect /"),
        (CancelAsked(), ""),
        (ScopeCollected("/"), "finish completed"),
    )


def test_cancelling_before_the_start_ends_the_run() -> None:
    play(TASK, (CancelAsked(), "finish cancelled"), (RunStarted(), ""))


def test_cancelling_after_the_end_changes_nothing() -> None:
    machine = play(TASK, START, (AttemptEnded("/", 1), "finish completed"), (CancelAsked(), ""))
    assert not machine.cancelled


def test_no_room_is_filled_after_cancelling() -> None:
    play(
        SCATTER,
        (RunStarted(window=1), "fire /"),
        OPEN,
        (StepUnfolded("/a", (3,)), "fire /a[0]"),
        (CancelAsked(), ""),
        (AttemptEnded("/a[0]", 1), "finish cancelled, 1 blocked"),
    )


def test_a_run_that_was_failing_and_is_cancelled_counts_as_cancelled() -> None:
    play(
        SCATTER,
        (RunStarted(), "fire /"),
        OPEN,
        THREE,
        (AttemptEnded("/a[0]", 1, Failure.PERMANENT), ""),
        (AttemptStarted("/a[1]", 1), ""),
        (CancelAsked(), "cancel /a[1] #1"),
        (AttemptEnded("/a[1]", 1, Failure.CANCELLED), ""),
        (AttemptEnded("/a[2]", 0, Failure.CANCELLED), "finish cancelled, 1 blocked"),
    )


def test_a_new_controller_cancels_what_still_runs() -> None:
    events: list[Event] = [RunStarted(), AttemptStarted("/", 1), CancelAsked()]
    machine = RunMachine.replay(TASK, events)
    assert Cancel("/", 1) in machine.pending()
    assert told(machine, AttemptEnded("/", 1, Failure.CANCELLED)) == "finish cancelled"


def test_an_attempt_that_is_to_be_tried_again_is_not_cancelled_before_it_starts() -> None:
    play(
        TASK,
        START,
        (AttemptStarted("/", 1), ""),
        (AttemptEnded("/", 1, Failure.LOST), "fire / #2"),
        (CancelAsked(), ""),
        (AttemptStarted("/", 2), "cancel / #2"),
        (AttemptEnded("/", 2, Failure.CANCELLED), "finish cancelled"),
    )
