"""What handling costs: time grows with the number of events, memory with what is outstanding.

Times are of this process on the processor, so that others on the machine matter little; the
limits are about three times what is needed, and longer on a machine that is slow at the moment.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections import deque
from time import process_time

import pytest
from testbed.pace import slowness

from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Failure,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepGathered,
    StepUnfolded,
)
from recrate.core.machine.instructions import Collect, Fire, Gather, Outcome, Unfold
from recrate.core.machine.run import RunMachine
from recrate.core.model import Workflow

from .models import chain, fan, step, workflow


def run_through(body: Workflow, width: int = 0) -> tuple[RunMachine, int]:
    """Run a workflow of tasks to its end; return the machine and the most jobs that were there at once."""
    machine = RunMachine(body)
    todo = deque(machine.handle(RunStarted()))
    most = 0
    while todo:
        match todo.popleft():
            case Fire(body=Workflow(), job=job):
                todo += machine.handle(ScopeOpened(job))
            case Fire(job=job, attempt=attempt):
                todo += machine.handle(AttemptStarted(job, attempt))
                todo += machine.handle(AttemptEnded(job, attempt))
            case Unfold(path, model):
                todo += machine.handle(StepUnfolded(path, (width,) if model.scatter else ()))
            case Gather(path):
                todo += machine.handle(StepGathered(path))
            case Collect(job):
                todo += machine.handle(ScopeCollected(job))
        most = max(most, len(machine.jobs))
    assert machine.outcome is Outcome.COMPLETED
    return machine, most


def seconds(body: Workflow, width: int = 0) -> float:
    """Return the processor time of a run, the better of two."""
    return min(timed(body, width), timed(body, width))


def timed(body: Workflow, width: int) -> float:
    gc.collect()
    start = process_time()
    run_through(body, width)
    return process_time() - start


def within(limit: float, body: Workflow, width: int = 0) -> bool:
    """Tell whether one of three runs keeps a limit of seconds; a slow moment of the machine is forgiven."""
    return any(timed(body, width) < limit * slowness() for _ in range(3))


def test_a_scatter_over_100_000_items_takes_less_than_a_second_and_a_half() -> None:
    assert within(1.5, workflow(step("a", kind="scatter")), 100_000)


@pytest.mark.parametrize("shape", [chain, fan])
def test_10_000_steps_take_less_than_a_second(shape: type) -> None:
    assert within(1.0, shape(10_000))


@pytest.mark.parametrize(
    "small, large",
    [
        ((workflow(step("a", kind="scatter")), 2_000), (workflow(step("a", kind="scatter")), 16_000)),
        ((chain(1_000), 0), (chain(8_000), 0)),
        ((fan(1_000), 0), (fan(8_000), 0)),
        (
            (workflow(step("a", kind="scatter", body=chain(2))), 400),
            (workflow(step("a", kind="scatter", body=chain(2))), 3_200),
        ),
    ],
    ids=["scatter", "chain", "fan", "scattered workflow"],
)
def test_eight_times_the_work_takes_about_eight_times_as_long(
    small: tuple[Workflow, int], large: tuple[Workflow, int]
) -> None:
    assert seconds(*large) < 24 * seconds(*small)


@pytest.mark.parametrize("width", [1_000, 10_000])
def test_a_scatter_keeps_only_the_jobs_that_are_outstanding(width: int) -> None:
    machine, most = run_through(workflow(step("a", kind="scatter")), width)
    assert most <= RunStarted().window + 1
    assert (machine.steps, machine.jobs, machine._ready) == ({}, {}, [])


def test_a_scatter_of_workflows_keeps_only_the_scopes_that_are_open() -> None:
    _, most = run_through(workflow(step("a", kind="scatter", body=chain(2))), 2_000)
    assert most <= 2 * RunStarted().window + 1


def peak(width: int) -> int:
    """Return the most bytes that a scatter needed, the least of three: other threads of this process need some too."""
    return min(traced(width) for _ in range(3))


def traced(width: int) -> int:
    """Return the most bytes that were in use while a scatter was carried out."""
    gc.collect()
    tracemalloc.start()
    try:
        run_through(workflow(step("a", kind="scatter", body=workflow(step("x")))), width)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_width_of_a_scatter() -> None:
    assert peak(4_000) < 1.5 * peak(500)


@pytest.mark.parametrize("event", [CancelAsked(), AttemptEnded("/s0", 1, Failure.PERMANENT)], ids=["cancel", "failure"])
def test_a_wide_workflow_that_is_ended_early_ends_in_linear_time(event: CancelAsked | AttemptEnded) -> None:
    width = 10_000
    machine = RunMachine.replay(workflow(*(step(f"s{n}") for n in range(width))), [RunStarted(), ScopeOpened("/")])
    machine.handle(StepUnfolded("/s0"))
    machine.handle(event)
    machine.handle(AttemptEnded("/s0", 0, Failure.CANCELLED))
    start = process_time()
    for number in range(1, width):
        assert machine.outcome is None
        machine.handle(StepUnfolded(f"/s{number}"))
    assert machine.outcome in (Outcome.CANCELLED, Outcome.FAILED)
    assert process_time() - start < 0.5 * slowness()
