"""A step that loops: one iteration after the other, until its condition is false."""

from __future__ import annotations

from recrate.core.machine.events import (
    AttemptEnded,
    Event,
    Failure,
    JobSkipped,
    OnError,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.run import RunMachine

from .models import TASK, step, workflow
from .sights import play
from .world import Driver, World

LOOP = workflow(step("a", kind="loop"), step("b", ["a"]))
START, OPEN = (RunStarted(), "fire /"), (ScopeOpened("/"), "unfold /a")
UNFOLDED = (StepUnfolded("/a"), "fire /a~0")


def test_an_iteration_starts_when_the_one_before_ended() -> None:
    play(
        LOOP,
        START,
        OPEN,
        UNFOLDED,
        (AttemptEnded("/a~0", 1), "fire /a~1"),
        (AttemptEnded("/a~1", 1), "fire /a~2"),
        (JobSkipped("/a~2"), "gather /a"),
        (StepGathered("/a"), "unfold /b"),
    )


def test_a_loop_may_have_no_iteration() -> None:
    play(LOOP, START, OPEN, UNFOLDED, (JobSkipped("/a~0"), "gather /a"))


def test_a_failed_iteration_is_the_last_one() -> None:
    play(
        LOOP,
        (RunStarted(on_error=OnError.CONTINUE), "fire /"),
        OPEN,
        UNFOLDED,
        (AttemptEnded("/a~0", 1), "fire /a~1"),
        (AttemptEnded("/a~1", 1, Failure.PERMANENT), "finish failed, 1 blocked"),
    )


def test_an_iteration_is_tried_again_before_the_next_one() -> None:
    play(
        LOOP,
        (RunStarted(retries=1), "fire /"),
        OPEN,
        UNFOLDED,
        (AttemptEnded("/a~0", 1, Failure.LOST), "fire /a~0 #2"),
        (AttemptEnded("/a~0", 2), "fire /a~1"),
    )


def test_a_workflow_may_be_what_is_repeated() -> None:
    play(
        workflow(step("a", kind="loop", body=workflow(step("x")))),
        START,
        OPEN,
        UNFOLDED,
        (ScopeOpened("/a~0"), "unfold /a~0/x"),
        (StepUnfolded("/a~0/x"), "fire /a~0/x"),
        (AttemptEnded("/a~0/x", 1), "gather /a~0/x"),
        (StepGathered("/a~0/x"), "collect /a~0"),
        (ScopeCollected("/a~0"), "fire /a~1"),
        (JobSkipped("/a~1"), "gather /a"),
    )


def test_loops_nest() -> None:
    play(
        workflow(step("a", kind="loop", body=workflow(step("x", kind="loop", body=TASK)))),
        START,
        OPEN,
        UNFOLDED,
        (ScopeOpened("/a~0"), "unfold /a~0/x"),
        (StepUnfolded("/a~0/x"), "fire /a~0/x~0"),
        (AttemptEnded("/a~0/x~0", 1), "fire /a~0/x~1"),
        (JobSkipped("/a~0/x~1"), "gather /a~0/x"),
        (StepGathered("/a~0/x"), "collect /a~0"),
        (ScopeCollected("/a~0"), "fire /a~1"),
    )


def test_a_loop_whose_jobs_wait_for_room_goes_on_when_there_is_some() -> None:
    play(
        workflow(step("a", kind="loop"), step("c", kind="scatter")),
        (RunStarted(window=1), "fire /"),
        (ScopeOpened("/"), "unfold /a, unfold /c"),
        (StepUnfolded("/c", (2,)), "fire /c[0]"),
        (StepUnfolded("/a"), ""),
        (AttemptEnded("/c[0]", 1), "fire /c[1]"),
        (AttemptEnded("/c[1]", 1), "gather /c, fire /a~0"),
        (AttemptEnded("/a~0", 1), "fire /a~1"),
    )


def test_a_long_loop_leaves_nothing_behind() -> None:
    driver = Driver(workflow(step("a", kind="loop")), World(), RunStarted(window=1))
    for event in (RunStarted(window=1), ScopeOpened("/"), StepUnfolded("/a")):
        driver.send(event)
    sizes = set()
    for index in range(200):
        assert driver.send(AttemptEnded(f"/a~{index}", 1)) == [f"fire /a~{index + 1}"]
        sizes.add(len(driver.machine.jobs) + len(driver.machine._ready))
    assert len(sizes) == 1


def test_a_replayed_loop_goes_on_with_the_next_iteration() -> None:
    events: list[Event] = [
        RunStarted(),
        ScopeOpened("/"),
        StepUnfolded("/a"),
        AttemptEnded("/a~0", 1),
        AttemptEnded("/a~1", 1),
    ]
    machine = RunMachine.replay(LOOP, events)
    assert list(machine.jobs) == ["/", "/a~2"]
