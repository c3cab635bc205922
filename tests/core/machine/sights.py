"""Ways to look at the machine: instructions as text, its whole state as plain data, its invariants."""

from __future__ import annotations

from collections import Counter
from typing import Any

from recrate.core.machine.events import Event
from recrate.core.machine.instructions import Cancel, Collect, Finish, Fire, Gather, Instruction, Unfold
from recrate.core.machine.paths import count
from recrate.core.machine.run import RunMachine
from recrate.core.machine.state import FINAL, Phase, ScopeState, StepState
from recrate.core.model import Body, Workflow


def say(instruction: Instruction) -> str:
    """Return an instruction in words: `fire /a[1]`, `fire /a[1] #2` for a second attempt, `unfold /a`."""
    match instruction:
        case Unfold(step):
            return f"unfold {step}"
        case Fire(job=job, attempt=attempt):
            return f"fire {job}" + (f" #{attempt}" if attempt > 1 else "")
        case Gather(step):
            return f"gather {step}"
        case Collect(job):
            return f"collect {job}"
        case Cancel(job, attempt):
            return f"cancel {job} #{attempt}"
        case Finish(outcome, blocked):
            return f"finish {outcome.value}" + (f", {blocked} blocked" if blocked else "")


def told(machine: RunMachine, *events: Event) -> str:
    """Let the machine handle events; return what it asks for, in words."""
    return ", ".join(say(instruction) for event in events for instruction in machine.handle(event))


def play(body: Body, *story: tuple[Event, str]) -> RunMachine:
    """Return a machine after a story of (event, what the machine asks for in words).

    The invariants must hold after each event, and the events so far must rebuild the state.
    """
    machine = RunMachine(body)
    events: list[Event] = []
    for event, expected in story:
        assert told(machine, event) == expected, event
        events.append(event)
        check(machine)
        assert snapshot(RunMachine.replay(body, events)) == snapshot(machine)
    return machine


def snapshot(machine: RunMachine) -> dict[str, Any]:
    """Return the whole state of a machine as plain data that can be compared."""
    return {
        "steps": {path: _step(step) for path, step in machine.steps.items()},
        "jobs": {
            path: (job.step.path if job.step else None, job.index, job.attempt, job.started, job.collecting)
            + ((job.scope.remaining, job.scope.failed, job.scope.depth, list(job.scope.steps)) if job.scope else ())
            for path, job in machine.jobs.items()
        },
        "ready": [(depth, order, step.path) for depth, order, step in machine._ready],
        "run": (machine.settings, machine.outcome, machine.cancelled, machine.failed_jobs, machine.blocked_steps),
        "outstanding": machine._outstanding,
        "pending": [say(instruction) for instruction in machine.pending()],
    }


def _step(step: StepState) -> tuple[Any, ...]:
    return (step.phase, step.missing, step.shape, step.total, step.fired, step.ended, step.failed)


def check(machine: RunMachine, *, resumed: bool = False) -> None:
    """Raise AssertionError when something does not hold that must hold between any two events.

    In a run that was `resumed`, scopes in which something failed are open again, however many they are.
    """
    scopes = {job.path: job.scope for job in machine.jobs.values() if job.scope is not None}
    _check_window(machine, {} if resumed else scopes)
    _check_scopes(machine, scopes)
    for step in machine.steps.values():
        _check_step(machine, step)
    _check_going(machine)


def _check_window(machine: RunMachine, scopes: dict[str, ScopeState]) -> None:
    window = machine.settings.window
    assert sum(1 for job in machine.jobs.values() if job.scope is None and not job.parked) <= window
    depths = Counter(scope.depth for scope in scopes.values())
    assert all(number <= window for number in depths.values()), f"more scopes open than the window: {depths}"


def _check_scopes(machine: RunMachine, scopes: dict[str, ScopeState]) -> None:
    listed = {step.path: step for scope in scopes.values() for step in scope.steps.values()}
    assert listed == machine.steps or machine.outcome is not None
    for path, scope in scopes.items():
        job = machine.jobs[path]
        assert isinstance(job.body, Workflow)
        left = [step for step in scope.steps.values() if step.phase not in FINAL]
        assert scope.remaining == len(left)
        assert job.collecting == (not left) or machine.outcome is not None
        assert scope.failed == any(step.phase in (Phase.FAILED, Phase.BLOCKED) for step in scope.steps.values())
        for each in left:
            assert each.scope is scope


def _check_step(machine: RunMachine, step: StepState) -> None:
    upstream = [step.scope.steps[name].phase for name in step.model.upstream]
    assert step.missing == sum(phase is not Phase.DONE for phase in upstream)
    failed_before = any(phase in (Phase.FAILED, Phase.BLOCKED) for phase in upstream)
    assert (step.phase is Phase.BLOCKED) == failed_before
    if step.phase is Phase.WAITING:
        assert step.missing or machine.stopping, "a step waits for nothing"
    elif step.phase is not Phase.BLOCKED:
        assert step.missing == 0
    jobs = [job for job in machine.jobs.values() if job.step is step]
    assert step.fired - step.ended == len(jobs)
    assert 0 <= step.failed <= step.ended <= step.fired
    if step.model.loop is not None:
        assert len(jobs) <= 1, "a loop has two iterations at once"
    elif step.total is not None:
        assert step.total == count(step.shape) and step.fired <= step.total
    if jobs or step.fireable:
        assert step.phase is Phase.RUNNING
    if step.phase in (Phase.GATHERING, Phase.DONE):
        assert (step.ended, step.failed) == (step.total, 0)


def _check_going(machine: RunMachine) -> None:
    pending = machine.pending()
    if machine.outcome is not None:
        assert not pending
        return
    assert not machine.jobs or pending, "the run goes nowhere"
    if machine.stopping or len(pending) >= machine.settings.window:
        return
    assert not any(step.fireable for step in machine.steps.values()), "a job waits though there is room for it"
