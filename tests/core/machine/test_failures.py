"""What a failure ends, and what it leaves alone."""

from __future__ import annotations

import pytest

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    Failure,
    JobSkipped,
    OnError,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepFailed,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.run import RunMachine

from .models import TASK, chain, step, workflow
from .sights import play, told

STOP, GO_ON = (RunStarted(), "fire /"), (RunStarted(on_error=OnError.CONTINUE), "fire /")
BOTH = [STOP, GO_ON]
OPEN = ScopeOpened("/")
PAIR = workflow(step("a"), step("b"), step("after a", ["a"]), step("after b", ["b"]))
WRONG = Failure.PERMANENT


@pytest.mark.parametrize("start", BOTH)
@pytest.mark.parametrize("failure", [failure for failure in Failure if failure is not Failure.INTERRUPTED])
def test_a_task_that_fails_fails_its_run(start: tuple[Event, str], failure: Failure) -> None:
    play(TASK, start, (AttemptStarted("/", 1), ""), (AttemptEnded("/", 1, failure), "finish failed"))


@pytest.mark.parametrize("start", BOTH)
def test_a_workflow_whose_inputs_are_wrong_fails_before_it_opens(start: tuple[Event, str]) -> None:
    play(chain(2), start, (AttemptEnded("/", 0, Failure.INVALID), "finish failed"))


@pytest.mark.parametrize("start", BOTH)
def test_all_that_waits_for_a_failed_step_is_blocked(start: tuple[Event, str]) -> None:
    play(
        chain(4),
        start,
        (OPEN, "unfold /s0"),
        (StepUnfolded("/s0"), "fire /s0"),
        (AttemptEnded("/s0", 1, WRONG), "finish failed, 3 blocked"),
    )


@pytest.mark.parametrize("start", BOTH)
def test_a_step_blocked_from_two_sides_counts_once(start: tuple[Event, str]) -> None:
    play(
        workflow(step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["b", "c"])),
        start,
        (OPEN, "unfold /a"),
        (StepFailed("/a"), "finish failed, 3 blocked"),
    )


def test_with_stop_no_further_job_starts_and_those_that_run_are_let_end() -> None:
    play(
        PAIR,
        STOP,
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/a"), "fire /a"),
        (StepUnfolded("/b"), "fire /b"),
        (AttemptStarted("/b", 1), ""),
        (AttemptEnded("/a", 1, WRONG), ""),
        (AttemptEnded("/b", 1), "gather /b"),
        (StepGathered("/b"), "finish failed, 2 blocked"),
    )


def test_with_stop_a_step_that_is_unfolded_after_the_failure_fires_nothing() -> None:
    play(
        PAIR,
        STOP,
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/a"), "fire /a"),
        (AttemptEnded("/a", 1, WRONG), ""),
        (StepUnfolded("/b"), "finish failed, 3 blocked"),
    )


def test_with_stop_a_scope_that_opens_after_the_failure_unfolds_nothing() -> None:
    play(
        workflow(step("a"), step("b", body=chain(2))),
        STOP,
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/a"), "fire /a"),
        (StepUnfolded("/b"), "fire /b"),
        (AttemptEnded("/a", 1, WRONG), ""),
        (ScopeOpened("/b"), "finish failed, 2 blocked"),
    )


def test_with_stop_the_run_ends_only_when_all_that_was_asked_for_is_answered() -> None:
    play(
        workflow(step("a"), step("b", body=workflow())),
        STOP,
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/a"), "fire /a"),
        (StepUnfolded("/b"), "fire /b"),
        (ScopeOpened("/b"), "collect /b"),
        (AttemptEnded("/a", 1, WRONG), ""),
        (ScopeCollected("/b"), "gather /b"),
        (StepGathered("/b"), "finish failed"),
    )


def test_with_continue_what_does_not_depend_on_the_failure_is_done() -> None:
    play(
        PAIR,
        GO_ON,
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/a"), "fire /a"),
        (AttemptEnded("/a", 1, WRONG), ""),
        (StepUnfolded("/b"), "fire /b"),
        (AttemptEnded("/b", 1), "gather /b"),
        (StepGathered("/b"), "unfold /after b"),
        (StepUnfolded("/after b"), "fire /after b"),
        (AttemptEnded("/after b", 1), "gather /after b"),
        (StepGathered("/after b"), "finish failed, 1 blocked"),
    )


def test_with_continue_a_failed_scope_fails_its_step_and_blocks_what_follows() -> None:
    play(
        workflow(step("a", body=chain(2), kind="scatter"), step("b", ["a"])),
        GO_ON,
        (OPEN, "unfold /a"),
        (StepUnfolded("/a", (2,)), "fire /a[0], fire /a[1]"),
        (ScopeOpened("/a[0]"), "unfold /a[0]/s0"),
        (StepFailed("/a[0]/s0"), ""),
        (ScopeOpened("/a[1]"), "unfold /a[1]/s0"),
        (StepFailed("/a[1]/s0"), "finish failed, 3 blocked"),
    )


@pytest.mark.parametrize("start", BOTH)
def test_outputs_that_cannot_be_gathered_fail_the_step(start: tuple[Event, str]) -> None:
    play(
        chain(2),
        start,
        (OPEN, "unfold /s0"),
        (StepUnfolded("/s0"), "fire /s0"),
        (AttemptEnded("/s0", 1), "gather /s0"),
        (StepFailed("/s0"), "finish failed, 1 blocked"),
    )


@pytest.mark.parametrize("start", BOTH)
def test_outputs_of_the_run_that_do_not_fit_fail_it(start: tuple[Event, str]) -> None:
    play(workflow(), start, (OPEN, "collect /"), (ScopeCollected("/", ok=False), "finish failed"))


@pytest.mark.parametrize("start", BOTH)
def test_outputs_of_a_scope_that_do_not_fit_fail_its_job(start: tuple[Event, str]) -> None:
    play(
        workflow(step("a", body=workflow())),
        start,
        (OPEN, "unfold /a"),
        (StepUnfolded("/a"), "fire /a"),
        (ScopeOpened("/a"), "collect /a"),
        (ScopeCollected("/a", ok=False), "finish failed"),
    )


@pytest.mark.parametrize(
    "event",
    [
        CANCELLED := AttemptEnded("/b", 1, Failure.CANCELLED),
        AttemptEnded("/b", 0, Failure.INVALID),
        JobSkipped("/b"),
        StepUnfolded("/b"),
    ],
)
def test_nothing_comes_after_the_end(event: Event) -> None:
    machine = RunMachine.replay(PAIR, [RunStarted(), OPEN, StepUnfolded("/b"), StepFailed("/a")])
    assert told(machine, CANCELLED) == "finish failed, 2 blocked"
    assert told(machine, event, StepGathered("/b"), ScopeCollected("/"), RunStarted()) == ""
    assert machine.pending() == []


def test_with_stop_a_step_without_jobs_is_not_waited_for() -> None:
    play(
        PAIR,
        STOP,
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/b"), "fire /b"),
        (StepFailed("/a"), ""),
        (AttemptEnded("/b", 1, WRONG), "finish failed, 2 blocked"),
    )


def test_with_continue_a_step_without_jobs_makes_room_for_scopes() -> None:
    play(
        workflow(step("a"), step("b", body=chain(1))),
        (RunStarted(window=1, on_error=OnError.CONTINUE), "fire /"),
        (OPEN, "unfold /a, unfold /b"),
        (StepUnfolded("/b"), ""),
        (StepFailed("/a"), "fire /b"),
    )
