"""Which failed attempts are tried again, and how often."""

from __future__ import annotations

import pytest

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    Failure,
    OnError,
    RetryLimit,
    RunStarted,
    ScopeOpened,
    StepUnfolded,
)
from recrate.core.machine.run import RunMachine

from .models import TASK, step, workflow
from .sights import play, told

AGAIN = [
    Failure.PERMANENT,
    Failure.SIGNAL,
    Failure.TEMPORARY,
    Failure.TIME_LIMIT,
    Failure.OUT_OF_MEMORY,
    Failure.LOST,
]


@pytest.mark.parametrize("failure", AGAIN)
def test_an_attempt_is_tried_again_as_often_as_asked(failure: Failure) -> None:
    play(
        TASK,
        (RunStarted(retries=2), "fire /"),
        (AttemptStarted("/", 1), ""),
        (AttemptEnded("/", 1, failure), "fire / #2"),
        (AttemptEnded("/", 2, failure), "fire / #3"),
        (AttemptStarted("/", 3), ""),
        (AttemptEnded("/", 3, failure), "finish failed"),
    )


def test_a_later_attempt_may_succeed() -> None:
    play(
        TASK,
        (RunStarted(retries=5), "fire /"),
        (AttemptEnded("/", 1, Failure.LOST), "fire / #2"),
        (AttemptEnded("/", 2), "finish completed"),
    )


@pytest.mark.parametrize("failure", [Failure.INVALID, Failure.FINAL, Failure.CANCELLED])
def test_what_would_fail_again_or_was_cancelled_is_not_tried_again(failure: Failure) -> None:
    play(TASK, (RunStarted(retries=2), "fire /"), (AttemptEnded("/", 1, failure), "finish failed"))


@pytest.mark.parametrize("failure", Failure)
def test_a_job_that_never_came_to_an_attempt_is_not_tried_again(failure: Failure) -> None:
    play(TASK, (RunStarted(retries=2), "fire /"), (AttemptEnded("/", 0, failure), "finish failed"))


def test_a_second_attempt_may_end_before_it_starts() -> None:
    play(
        TASK,
        (RunStarted(retries=2), "fire /"),
        (AttemptEnded("/", 1, Failure.LOST), "fire / #2"),
        (AttemptEnded("/", 0, Failure.CANCELLED), "finish failed"),
    )


@pytest.mark.parametrize("on_error, follows", [(OnError.STOP, ""), (OnError.CONTINUE, "fire /a[1] #2")])
def test_after_another_job_failed_for_good_only_continue_tries_again(on_error: OnError, follows: str) -> None:
    play(
        workflow(step("a", kind="scatter")),
        (RunStarted(on_error=on_error, retries=1), "fire /"),
        (ScopeOpened("/"), "unfold /a"),
        (StepUnfolded("/a", (3,)), "fire /a[0], fire /a[1], fire /a[2]"),
        (AttemptEnded("/a[0]", 1, Failure.INVALID), ""),
        (AttemptEnded("/a[1]", 1, Failure.LOST), follows),
    )


def test_another_attempt_takes_the_place_of_the_failed_one_in_the_window() -> None:
    play(
        workflow(step("a", kind="scatter")),
        (RunStarted(window=1, retries=1), "fire /"),
        (ScopeOpened("/"), "unfold /a"),
        (StepUnfolded("/a", (2,)), "fire /a[0]"),
        (AttemptEnded("/a[0]", 1, Failure.LOST), "fire /a[0] #2"),
        (AttemptEnded("/a[0]", 2), "fire /a[1]"),
        (AttemptEnded("/a[1]", 1, Failure.LOST), "fire /a[1] #2"),
    )


def test_after_replay_the_attempt_number_is_the_one_that_comes_next() -> None:
    machine = RunMachine.replay(TASK, [RunStarted(retries=1), AttemptEnded("/", 1, Failure.LOST)])
    assert told(machine, AttemptEnded("/", 1, Failure.LOST)) == ""
    assert told(machine, AttemptEnded("/", 2, Failure.LOST)) == "finish failed"


def test_what_its_controller_took_along_is_tried_again_however_often() -> None:
    play(
        TASK,
        (RunStarted(), "fire /"),
        (AttemptEnded("/", 1, Failure.INTERRUPTED), "fire / #2"),
        (AttemptEnded("/", 2, Failure.INTERRUPTED), "fire / #3"),
        (AttemptEnded("/", 3, Failure.LOST), "finish failed"),
    )


def test_the_last_limit_that_fits_step_and_failure_counts() -> None:
    limits = (RetryLimit(1), RetryLimit(2, "/a"), RetryLimit(0, "/a", (Failure.PERMANENT,)))
    play(
        workflow(step("a", kind="scatter"), step("b")),
        (RunStarted(on_error=OnError.CONTINUE, limits=limits), "fire /"),
        (ScopeOpened("/"), "unfold /a, unfold /b"),
        (StepUnfolded("/a", (2,)), "fire /a[0], fire /a[1]"),
        (StepUnfolded("/b"), "fire /b"),
        (AttemptEnded("/a[0]", 1, Failure.PERMANENT), ""),
        (AttemptEnded("/a[1]", 1, Failure.LOST), "fire /a[1] #2"),
        (AttemptEnded("/a[1]", 2, Failure.TEMPORARY), "fire /a[1] #3"),
        (AttemptEnded("/a[1]", 3, Failure.LOST), ""),
        (AttemptEnded("/b", 1, Failure.PERMANENT), "fire /b #2"),
        (AttemptEnded("/b", 2, Failure.PERMANENT), "finish failed"),
    )


def test_an_attempt_that_follows_knows_how_the_earlier_ones_ended() -> None:
    machine = RunMachine(TASK)
    machine.handle(RunStarted(retries=2))
    machine.handle(AttemptEnded("/", 1, Failure.OUT_OF_MEMORY))
    (fire,) = machine.handle(AttemptEnded("/", 2, Failure.LOST))
    assert fire.failures == (Failure.OUT_OF_MEMORY, Failure.LOST)
