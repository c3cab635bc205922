"""How many jobs are outstanding at once, and which ones come first."""

from __future__ import annotations

from collections import Counter

import pytest

from recrate.core.machine.events import (
    AttemptEnded,
    Event,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.run import RunMachine

from .models import step, workflow
from .sights import check, play, told
from .world import Driver, World


def fired(machine: RunMachine) -> list[str]:
    """Return the jobs that were fired and neither ended nor opened."""
    return [job.path for job in machine.jobs.values() if job.scope is None]


@pytest.mark.parametrize("window", [0, -1])
def test_a_window_that_lets_nothing_through_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match="window"):
        RunStarted(window=window)


@pytest.mark.parametrize("window", [1, 2, 7])
def test_a_scatter_fires_as_many_jobs_as_the_window_and_one_more_for_each_that_ends(window: int) -> None:
    start: list[Event] = [RunStarted(window=window), ScopeOpened("/"), StepUnfolded("/a", (20,))]
    machine = RunMachine.replay(workflow(step("a", kind="scatter")), start)
    for index in range(20):
        assert fired(machine) == [f"/a[{each}]" for each in range(index, min(index + window, 20))]
        machine.handle(AttemptEnded(f"/a[{index}]", 1))
    assert fired(machine) == []


def test_the_window_is_shared_by_all_steps() -> None:
    play(
        workflow(step("a", kind="scatter"), step("b", kind="scatter")),
        (RunStarted(window=3), "fire /"),
        (ScopeOpened("/"), "unfold /a, unfold /b"),
        (StepUnfolded("/a", (2,)), "fire /a[0], fire /a[1]"),
        (StepUnfolded("/b", (2,)), "fire /b[0]"),
        (AttemptEnded("/b[0]", 1), "fire /b[1]"),
    )


def test_of_steps_at_one_depth_the_one_unfolded_first_comes_first() -> None:
    play(
        workflow(step("a"), step("b"), step("c")),
        (RunStarted(window=1), "fire /"),
        (ScopeOpened("/"), "unfold /a, unfold /b, unfold /c"),
        (StepUnfolded("/c"), "fire /c"),
        (StepUnfolded("/b"), ""),
        (StepUnfolded("/a"), ""),
        (AttemptEnded("/c", 1), "gather /c, fire /b"),
        (AttemptEnded("/b", 1), "gather /b, fire /a"),
    )


def test_a_scope_that_is_open_is_finished_before_another_one_opens() -> None:
    play(
        workflow(step("a", kind="scatter", body=workflow(step("x", kind="scatter")))),
        (RunStarted(window=1), "fire /"),
        (ScopeOpened("/"), "unfold /a"),
        (StepUnfolded("/a", (2,)), "fire /a[0]"),
        (ScopeOpened("/a[0]"), "unfold /a[0]/x"),
        (StepUnfolded("/a[0]/x", (2,)), "fire /a[0]/x[0]"),
        (AttemptEnded("/a[0]/x[0]", 1), "fire /a[0]/x[1]"),
        (AttemptEnded("/a[0]/x[1]", 1), "gather /a[0]/x"),
        (StepGathered("/a[0]/x"), "collect /a[0]"),
        (ScopeCollected("/a[0]"), "fire /a[1]"),
    )


def test_a_job_deeper_in_the_workflow_overtakes_those_above_it() -> None:
    play(
        workflow(step("a", kind="scatter"), step("b", body=workflow(step("x")))),
        (RunStarted(window=2), "fire /"),
        (ScopeOpened("/"), "unfold /a, unfold /b"),
        (StepUnfolded("/b"), "fire /b"),
        (StepUnfolded("/a", (9,)), "fire /a[0]"),
        (ScopeOpened("/b"), "unfold /b/x, fire /a[1]"),
        (StepUnfolded("/b/x"), ""),
        (AttemptEnded("/a[0]", 1), "fire /b/x"),
        (AttemptEnded("/a[1]", 1), "fire /a[2]"),
    )


@pytest.mark.parametrize("last", ["unfold", "gather", "collect"])
def test_open_scopes_are_bounded_even_when_one_kind_of_answer_always_comes_last(last: str) -> None:
    body = workflow(step("a", kind="scatter", body=workflow(step("x"), step("y", ["x"]))))
    driver = Driver(body, World(), RunStarted(window=3))
    for event in (driver.settings, ScopeOpened("/"), StepUnfolded("/a", (50,))):
        driver.send(event)
    driver.todo = {name: each for name, each in driver.todo.items() if name.startswith("fire /a")}
    widest = 0
    while driver.finish is None:
        driver.answer(min(driver.todo, key=lambda name: name.startswith(last)))
        widest = max(widest, sum(job.scope is not None for job in driver.machine.jobs.values()))
        check(driver.machine)
    assert widest <= 1 + driver.settings.window
    assert Counter(path.count("/") for path in driver.done) == {1: 51, 2: 100}


def test_steps_of_one_scope_unfold_without_regard_to_the_window() -> None:
    machine = RunMachine(workflow(*(step(f"s{n}") for n in range(5))))
    told(machine, RunStarted(window=1))
    assert told(machine, ScopeOpened("/")).count("unfold") == 5
