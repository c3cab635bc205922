"""A scattered step: which jobs come of it, and when they are put together."""

from __future__ import annotations

import pytest

from recrate.core.machine.events import (
    AttemptEnded,
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

from .models import step, workflow
from .sights import play, told

START, OPEN = (RunStarted(), "fire /"), (ScopeOpened("/"), "unfold /a")
GO_ON = (RunStarted(on_error=OnError.CONTINUE), "fire /")


@pytest.mark.parametrize(
    "shape, jobs",
    [
        ((), ["/a"]),
        ((1,), ["/a[0]"]),
        ((3,), ["/a[0]", "/a[1]", "/a[2]"]),
        ((2, 3), ["/a[0,0]", "/a[0,1]", "/a[0,2]", "/a[1,0]", "/a[1,1]", "/a[1,2]"]),
        ((1, 2, 1), ["/a[0,0,0]", "/a[0,1,0]"]),
    ],
)
def test_there_is_a_job_for_each_place_in_the_shape(shape: tuple[int, ...], jobs: list[str]) -> None:
    machine = RunMachine.replay(workflow(step("a", kind="grid")), [RunStarted(), ScopeOpened("/")])
    assert told(machine, StepUnfolded("/a", shape)) == ", ".join(f"fire {job}" for job in jobs)
    *first, last = jobs
    assert told(machine, *(AttemptEnded(job, 1) for job in first)) == ""
    assert told(machine, AttemptEnded(last, 1)) == "gather /a"


@pytest.mark.parametrize("shape", [(0,), (0, 0), (3, 0), (0, 3)])
def test_an_empty_scatter_is_gathered_at_once(shape: tuple[int, ...]) -> None:
    play(
        workflow(step("a", kind="grid"), step("b", ["a"])),
        START,
        OPEN,
        (StepUnfolded("/a", shape), "gather /a"),
        (StepGathered("/a"), "unfold /b"),
    )


def test_jobs_may_end_in_any_order() -> None:
    play(
        workflow(step("a", kind="scatter")),
        START,
        OPEN,
        (StepUnfolded("/a", (3,)), "fire /a[0], fire /a[1], fire /a[2]"),
        (AttemptEnded("/a[2]", 1), ""),
        (AttemptEnded("/a[0]", 1), ""),
        (AttemptEnded("/a[1]", 1), "gather /a"),
    )


def test_some_or_all_jobs_may_be_skipped() -> None:
    play(
        workflow(step("a", kind="conditional scatter")),
        START,
        OPEN,
        (StepUnfolded("/a", (2,)), "fire /a[0], fire /a[1]"),
        (JobSkipped("/a[1]"), ""),
        (JobSkipped("/a[0]"), "gather /a"),
    )


def test_each_job_of_a_scattered_workflow_is_a_scope_of_its_own() -> None:
    play(
        workflow(step("a", kind="scatter", body=workflow(step("x")))),
        START,
        OPEN,
        (StepUnfolded("/a", (2,)), "fire /a[0], fire /a[1]"),
        (ScopeOpened("/a[1]"), "unfold /a[1]/x"),
        (ScopeOpened("/a[0]"), "unfold /a[0]/x"),
        (StepUnfolded("/a[1]/x"), "fire /a[1]/x"),
        (AttemptEnded("/a[1]/x", 1), "gather /a[1]/x"),
        (StepGathered("/a[1]/x"), "collect /a[1]"),
        (ScopeCollected("/a[1]"), ""),
        (StepUnfolded("/a[0]/x"), "fire /a[0]/x"),
        (AttemptEnded("/a[0]/x", 1), "gather /a[0]/x"),
        (StepGathered("/a[0]/x"), "collect /a[0]"),
        (ScopeCollected("/a[0]"), "gather /a"),
    )


def test_scattered_steps_nest() -> None:
    play(
        workflow(step("a", kind="scatter", body=workflow(step("x", kind="grid")))),
        START,
        OPEN,
        (StepUnfolded("/a", (1,)), "fire /a[0]"),
        (ScopeOpened("/a[0]"), "unfold /a[0]/x"),
        (StepUnfolded("/a[0]/x", (1, 2)), "fire /a[0]/x[0,0], fire /a[0]/x[0,1]"),
    )


def test_with_continue_the_other_jobs_of_a_failed_scatter_are_done_but_not_gathered() -> None:
    play(
        workflow(step("a", kind="scatter"), step("b", ["a"])),
        GO_ON,
        OPEN,
        (StepUnfolded("/a", (2,)), "fire /a[0], fire /a[1]"),
        (AttemptEnded("/a[0]", 1, Failure.PERMANENT), ""),
        (AttemptEnded("/a[1]", 1), "finish failed, 1 blocked"),
    )
