"""A run that failed, was cancelled or lost its controller goes on where it was: what is done stays done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Event,
    Failure,
    OnError,
    RecoveryStarted,
    RunResumed,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepFailed,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.instructions import Finish, Outcome
from recrate.core.machine.run import RunMachine
from recrate.core.model import Workflow

from .models import TASK, chain, step, workflow, workflows
from .sights import check, say, snapshot, told
from .world import Driver, World

BEGUN: list[Event] = [RunStarted(), ScopeOpened("/")]


def pending(body: Workflow, events: list[Event]) -> list[str]:
    """Return what is to be done after these events and a resumption, in words."""
    machine = RunMachine.replay(body, [*events, RunResumed()])
    check(machine)
    return sorted(map(say, machine.pending()))


def test_a_job_that_failed_is_done_again_with_the_next_number() -> None:
    body = workflow(step("a"), step("b"))
    events = [*BEGUN, StepUnfolded("/a"), StepUnfolded("/b"), AttemptStarted("/a", 1), AttemptStarted("/b", 1)]
    events += [AttemptEnded("/a", 1, Failure.PERMANENT), AttemptEnded("/b", 1)]
    assert pending(body, events) == ["fire /a #2", "gather /b"]


def test_a_job_that_never_came_to_an_attempt_keeps_its_number() -> None:
    events = [*BEGUN, StepUnfolded("/s0"), AttemptEnded("/s0", 0, Failure.INVALID)]
    assert pending(chain(2), events) == ["fire /s0"]


@pytest.mark.parametrize(
    "events, again",
    [
        ([StepFailed("/s0")], ["unfold /s0"]),
        ([StepUnfolded("/s0"), AttemptEnded("/s0", 1), StepFailed("/s0")], ["gather /s0"]),
        (
            [StepUnfolded("/s0"), AttemptEnded("/s0", 1), StepGathered("/s0"), ScopeCollected("/", ok=False)],
            ["collect /"],
        ),
    ],
)
def test_what_did_not_fit_together_is_put_together_again(events: list[Event], again: list[str]) -> None:
    assert pending(chain(1), [*BEGUN, *events]) == again


def test_a_cancelled_run_goes_on() -> None:
    events = [*BEGUN, StepUnfolded("/s0"), AttemptStarted("/s0", 1), CancelAsked()]
    events += [AttemptEnded("/s0", 1, Failure.CANCELLED)]
    assert RunMachine.replay(chain(2), events).outcome is Outcome.CANCELLED
    assert pending(chain(2), events) == ["fire /s0 #2"]


def test_an_attempt_that_was_under_way_stays_the_one_to_wait_for() -> None:
    events = [*BEGUN, StepUnfolded("/s0"), AttemptStarted("/s0", 1)]
    assert pending(chain(1), events) == ["fire /s0"]


def test_a_run_that_completed_has_nothing_left_to_do() -> None:
    events: list[Event] = [RunStarted(), AttemptEnded("/", 1)]
    assert RunMachine.replay(TASK, [*events, RunResumed()]).pending() == []


def test_to_resume_a_run_that_goes_on_changes_nothing() -> None:
    machine = RunMachine.replay(chain(2), [*BEGUN, StepUnfolded("/s0")])
    before = snapshot(machine)
    assert told(machine, RunResumed(), RecoveryStarted(("/s0",))) == ""
    assert snapshot(machine) == before


def test_what_is_done_again_waits_for_room_in_the_window() -> None:
    body = workflow(step("a", kind="scatter"))
    events: list[Event] = [RunStarted(2, OnError.CONTINUE), ScopeOpened("/"), StepUnfolded("/a", (5,))]
    events += [AttemptEnded(f"/a[{n}]", 1, Failure.PERMANENT) for n in range(5)]
    assert pending(body, events) == ["fire /a[0]", "fire /a[1]"]
    machine = RunMachine.replay(body, [*events, RunResumed()])
    assert told(machine, AttemptEnded("/a[0]", 1)) == "fire /a[2]"


def test_it_can_be_resumed_again_and_again() -> None:
    events: list[Event] = [RunStarted()]
    for number in range(1, 5):
        events += [AttemptStarted("/", number), AttemptEnded("/", number, Failure.PERMANENT), RunResumed()]
    machine = RunMachine.replay(TASK, events)
    assert list(map(say, machine.pending())) == ["fire / #5"]
    assert told(machine, AttemptStarted("/", 5), AttemptEnded("/", 5)) == "finish completed"


def test_only_want_of_memory_or_time_is_remembered_of_earlier_failures() -> None:
    failures = (Failure.OUT_OF_MEMORY, Failure.LOST, Failure.TIME_LIMIT)
    events: list[Event] = [RunStarted(retries=2)]
    events += [AttemptEnded("/", number, failure) for number, failure in enumerate(failures, 1)]
    (fire,) = RunMachine.replay(TASK, [*events, RunResumed()]).pending()
    assert fire.failures == (Failure.OUT_OF_MEMORY, Failure.TIME_LIMIT)  # type: ignore[union-attr]


class Healed(World):
    """A world in which nothing goes wrong any more, and all else is as it was."""

    def goes_wrong(self, *about: object) -> bool:
        return False


@settings(deadline=None, max_examples=150)
@given(
    body=workflows(),
    world=st.builds(World, st.integers(0, 2**16), st.sampled_from([0, 5, 20, 50])),
    started=st.builds(RunStarted, st.sampled_from([1, 2, 4, 64]), st.sampled_from(OnError), st.integers(0, 1)),
    ends=st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=4),
)
def test_whatever_happened_before_a_resumed_run_completes_and_does_nothing_twice(
    body: Workflow, world: World, started: RunStarted, ends: list[tuple[int, bool]]
) -> None:
    driver = Driver(body, world, started)
    driver.send(started)
    for steps, cancelled in ends:
        _go_on_for(driver, steps)
        if cancelled and driver.finish is None:
            driver.cancel()
        if driver.finish is not None and driver.finish.outcome is Outcome.COMPLETED:
            break
        _resume(driver, world)
    if driver.finish is None or driver.finish.outcome is not Outcome.COMPLETED:
        _resume(driver, Healed(world.seed))
        while driver.finish is None:
            driver.answer(next(iter(driver.todo)))
            check(driver.machine, resumed=True)
    assert driver.finish is not None and driver.finish.outcome is Outcome.COMPLETED
    good = [event.job for event in driver.stored if isinstance(event, AttemptEnded) and event.failure is None]
    assert len(good) == len(set(good)), "a job was done twice"
    tries = [(event.job, event.attempt) for event in driver.stored if isinstance(event, AttemptStarted)]
    assert len(tries) == len(set(tries)), "an attempt was started twice"


def _go_on_for(driver: Driver, steps: int) -> None:
    for _ in range(steps):
        if driver.finish is not None:
            return
        driver.answer(next(iter(driver.todo)))


def _resume(driver: Driver, world: World) -> None:
    """Let a new controller come: what had failed is not known as ended any more."""
    driver.stored.append(RunResumed())
    driver.finish = None
    driver.world = replace(world) if type(world) is World else world
    driver.done = {job: how for job, how in driver.done.items() if not how.startswith("failed")}
    driver.killed()
    if driver.machine.outcome is not None:
        driver.finish = Finish(driver.machine.outcome)
    check(driver.machine, resumed=True)
