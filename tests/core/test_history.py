"""The state of a run at any point of its story is what its events say, and at the last one what its end says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recrate.api import RunOptions, RunResult, run
from recrate.core.history import History, JobView, Snapshot, Standing, Status, StepView, state_after
from recrate.core.machine.events import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Event,
    Failure,
    OnError,
    RunResumed,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepGathered,
    StepUnfolded,
    decode,
)
from recrate.core.machine.instructions import Outcome
from recrate.core.machine.paths import plain_path
from recrate.core.model import Workflow
from recrate.provenance import queries
from recrate.provenance.states import JobState, RunState
from recrate.provenance.store import open_store
from recrate.runs import body_of, resume

from .machine.models import TASK, chain, step, workflow, workflows
from .machine.world import Driver, World

ENDS = {
    Outcome.COMPLETED: Standing.COMPLETED,
    Outcome.FAILED: Standing.FAILED,
    Outcome.CANCELLED: Standing.CANCELLED,
}


def after(body: Any, *events: Event) -> Snapshot:
    return state_after(body, events, sum(isinstance(event, RunResumed) for event in events))


def leaves(body: Workflow, above: str = "") -> set[str]:
    found = set()
    for name, each in body.steps.items():
        inside = each.body
        found |= leaves(inside, f"{above}/{name}") if isinstance(inside, Workflow) else {f"{above}/{name}"}
    return found


def require_sums(state: Snapshot, opened: Counter[str], body: Workflow) -> None:
    """Each step has as many instances as scopes were opened around it; the jobs of the list are those counted."""
    for view in state.steps:
        assert sum(view.instances.values()) == opened[view.path.rpartition("/")[0] or "/"], view
        counts = (view.waiting, view.under_way, view.completed, view.skipped, view.failed, view.cancelled)
        assert min(counts) >= 0 and sum(counts) == view.jobs
    leaf = leaves(body)
    listed = Counter(plain_path(job.path) for job in state.under_way)
    assert {view.path: view.under_way for view in state.steps if view.path in leaf and view.under_way} == {
        path: count for path, count in listed.items() if path in leaf
    }


@settings(deadline=None, max_examples=150)
@given(
    body=workflows(),
    world=st.builds(World, st.integers(0, 2**16), st.sampled_from([0, 5, 20, 50])),
    started=st.builds(RunStarted, st.sampled_from([1, 2, 64]), st.sampled_from(OnError), st.integers(0, 1)),
    cancelled=st.one_of(st.none(), st.integers(0, 30)),
)
def test_the_sums_hold_at_each_event_and_the_last_state_is_the_end(
    body: Workflow, world: World, started: RunStarted, cancelled: int | None
) -> None:
    driver = Driver(body, world, started)
    driver.send(started)
    steps = 0
    while driver.finish is None:
        if steps == cancelled:
            driver.cancel()
        else:
            driver.answer(next(iter(driver.todo)))
        steps += 1
    history, opened = History(body), Counter[str]()
    for event in driver.stored:
        history.take(event)
        if isinstance(event, ScopeOpened):
            opened[plain_path(event.job)] += 1
        require_sums(history.snapshot(), opened, body)
    state = history.snapshot()
    assert state == after(body, *driver.stored)
    assert (state.standing, state.under_way) == (ENDS[driver.finish.outcome], ())
    assert sum(view.instances.get(Status.BLOCKED, 0) for view in state.steps) == driver.finish.blocked
    ended = Counter((plain_path(job), how.split()[0]) for job, how in driver.done.items())
    for view in state.steps:
        if view.path in leaves(body):
            assert view.completed == ended[view.path, "done"]
            assert view.skipped == ended[view.path, "skipped"]
            assert view.failed + view.cancelled == ended[view.path, "failed"]


# -- stories told by hand ----------------------------------------------------------------------


BEGUN: list[Event] = [RunStarted(), ScopeOpened("/")]


def test_before_the_first_event_there_is_nothing() -> None:
    assert after(chain(1)) == Snapshot(Standing.GOING_ON, (StepView("/s0", {}),), ())


def test_a_single_tool_is_one_step() -> None:
    events: list[Event] = [RunStarted(), AttemptStarted("/", 1)]
    state = after(TASK, *events)
    assert state.steps == (StepView("/", {Status.RUNNING: 1}, under_way=1),)
    assert state.under_way == (JobView("/", 1, True),)
    assert after(TASK, *events, AttemptEnded("/", 1)).steps == (StepView("/", {Status.DONE: 1}, completed=1),)


def test_a_job_that_is_tried_again_is_under_way_with_its_next_attempt() -> None:
    events = [RunStarted(retries=1), ScopeOpened("/"), StepUnfolded("/s0"), AttemptStarted("/s0", 1)]
    state = after(chain(1), *events, AttemptEnded("/s0", 1, Failure.PERMANENT))
    assert state.under_way == (JobView("/s0", 2, False),)
    assert state.standing is Standing.GOING_ON


def test_steps_of_a_workflow_within_show_as_done_when_it_is_over() -> None:
    body = workflow(step("outer", body=chain(1), kind="scatter"))
    events: list[Event] = [*BEGUN, StepUnfolded("/outer", (2,)), ScopeOpened("/outer[0]"), ScopeOpened("/outer[1]")]
    events += [StepUnfolded("/outer[0]/s0"), AttemptEnded("/outer[0]/s0", 1), StepGathered("/outer[0]/s0")]
    events += [ScopeCollected("/outer[0]")]
    outer, inner = after(body, *events).steps
    assert (outer.path, outer.completed, outer.under_way) == ("/outer", 1, 1)
    assert (inner.path, inner.instances) == ("/outer/s0", {Status.DONE: 1, Status.UNFOLDING: 1})


def test_a_run_stops_and_is_cancelled_before_it_is_over() -> None:
    body = workflow(step("a"), step("b"), step("c", ["a"]))
    events = [*BEGUN, StepUnfolded("/a"), StepUnfolded("/b"), AttemptStarted("/a", 1), AttemptStarted("/b", 1)]
    failed = [*events, AttemptEnded("/a", 1, Failure.PERMANENT)]
    assert after(body, *failed).standing is Standing.STOPPING
    over = after(body, *failed, AttemptEnded("/b", 1), StepGathered("/b"))
    assert over.standing is Standing.FAILED
    assert [dict(view.instances) for view in over.steps] == [
        {Status.FAILED: 1},
        {Status.DONE: 1},
        {Status.BLOCKED: 1},
    ]
    cancelled = [*events, CancelAsked()]
    assert after(body, *cancelled).standing is Standing.CANCELLING
    ends = [AttemptEnded(f"/{name}", 1, Failure.CANCELLED) for name in "ab"]
    assert [view.cancelled for view in after(body, *cancelled, *ends).steps] == [1, 1, 0]


def test_what_had_failed_is_not_failed_after_the_resumption() -> None:
    failed = [*BEGUN, StepUnfolded("/s0"), AttemptStarted("/s0", 1), AttemptEnded("/s0", 1, Failure.PERMANENT)]
    before = after(chain(2), *failed)
    assert (before.standing, before.steps[0].failed) == (Standing.FAILED, 1)
    again = after(chain(2), *failed, RunResumed())
    assert (again.standing, again.steps[0].failed) == (Standing.GOING_ON, 0)
    assert again.under_way == (JobView("/s0", 2, False),)


# -- real runs ---------------------------------------------------------------------------------

TOOL = {
    "class": "CommandLineTool",
    "baseCommand": ["sh", "-c", 'test "$1" != bad || test -e "$2"', "sh"],
    "inputs": {
        "x": {"type": "string", "inputBinding": {"position": 1}},
        "cure": {"type": "string", "inputBinding": {"position": 2}},
    },
    "outputs": {"o": "stdout"},
}
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"xs": "string[]", "cure": "string"},
    "outputs": {"o": {"type": "File[]", "outputSource": "s/o"}},
    "steps": {"s": {"run": TOOL, "scatter": "x", "in": {"x": "xs", "cure": "cure"}, "out": ["o"]}},
}


def ran(folder: Path, words: list[str]) -> RunResult:
    (folder / "w.cwl").write_text(json.dumps(WORKFLOW))
    options = RunOptions(store=str(folder / "store.db"), work=folder / "work", on_error=OnError.CONTINUE)
    return run(folder / "w.cwl", {"xs": words, "cure": str(folder / "cure")}, options=options)


def states(folder: Path, run_id: str) -> tuple[list[Event], list[Snapshot], Counter[JobState]]:
    """Return the events of a run, its state after each, and what the store says of its jobs."""
    with open_store(str(folder / "store.db")) as store:
        _, body = body_of(store.database, queries.get_run(store.database, run_id))
        events = [decode(row.kind, json.loads(row.body)) for row in queries.events(store.database, run_id)]
        jobs = Counter(job.state for job in queries.jobs(store.database, run_id) if job.path != "/")
    return events, [after(body, *events[:count]) for count in range(1, len(events) + 1)], jobs


@pytest.mark.parametrize("words", [["a", "b", "c"], ["a", "bad", "c"], []])
def test_the_last_state_of_a_run_is_what_its_rows_say(tmp_path: Path, words: list[str]) -> None:
    result = ran(tmp_path, words)
    _, told, jobs = states(tmp_path, result.id)
    (view,) = told[-1].steps
    assert told[-1].standing.value == result.state.value
    assert (view.completed, view.failed) == (jobs[JobState.COMPLETED], jobs[JobState.FAILED])
    assert [state.standing for state in told[:2]] == [Standing.GOING_ON] * 2


def test_a_run_that_was_resumed_has_failed_and_then_completed(tmp_path: Path) -> None:
    result = ran(tmp_path, ["a", "bad"])
    (tmp_path / "cure").touch()
    assert resume(result.id, store=str(tmp_path / "store.db")).state is RunState.COMPLETED
    events, told, _ = states(tmp_path, result.id)
    place = events.index(RunResumed())
    assert (told[place - 1].standing, told[place - 1].steps[0].failed) == (Standing.FAILED, 1)
    assert (told[place].standing, told[place].steps[0].failed) == (Standing.GOING_ON, 0)
    assert told[place].under_way == (JobView("/s[1]", 2, False),)
    assert (told[-1].standing, told[-1].steps[0].completed) == (Standing.COMPLETED, 2)
