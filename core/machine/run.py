"""The run machine: what a run knows, and what follows from each event.

No clock, no I/O, no randomness: the same events give the same instructions, and replaying the
stored events rebuilds the state. Events that come late or twice change nothing.

A run that failed or was cancelled can be resumed. Then what the events before `RunResumed` say of
failures is read as "not done yet": a replay knows how many resumptions are still to come, and until
the last of them it parks what fails instead of drawing its consequences. See
`docs/decisions/0007-resumed-by-replay.md`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import assert_never

from ..model import Body, Workflow
from .events import (
    RETRIED,
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    ChaosStruck,
    Event,
    Failure,
    JobSkipped,
    NothingHappened,
    OnError,
    RecoveryStarted,
    RunResumed,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepFailed,
    StepGathered,
    StepUnfolded,
    UndeclaredRead,
)
from .instructions import Cancel, Collect, Finish, Fire, Gather, Instruction, Outcome, Unfold
from .paths import count, plain_path, step_path
from .state import FINAL, JobState, Phase, ScopeState, StepState

KEPT_FOR_ESCALATION = (Failure.OUT_OF_MEMORY, Failure.TIME_LIMIT)
"""What a job is remembered for when its run is resumed: it asked for too little."""


class RunMachine:
    """The state of one run of a body, moved on by `handle`.

    `resumptions` is how many RunResumed are among the events to come.
    """

    def __init__(self, body: Body, resumptions: int = 0) -> None:
        self.body = body
        self.resumptions = resumptions
        self.settings = RunStarted()
        self.outcome: Outcome | None = None
        self.steps: dict[str, StepState] = {}
        self.jobs: dict[str, JobState] = {}
        self.cancelled = False
        self.failed_jobs = 0
        self.blocked_steps = 0
        self._dependents: dict[int, dict[str, list[str]]] = {}
        self._ready: list[tuple[int, int, StepState]] = []
        self._order = 0
        self._outstanding = 0
        """Jobs that were fired and neither ended nor opened as a scope."""
        self._settling = 0
        """Unfold, Gather and Collect that no event has answered."""
        self._again: deque[JobState] = deque()
        """Jobs that were parked and wait for room in the window."""
        self._out: list[Instruction] = []

    @classmethod
    def replay(cls, body: Body, events: Iterable[Event]) -> RunMachine:
        """Return the machine after these events."""
        known = list(events)
        machine = cls(body, sum(isinstance(event, RunResumed) for event in known))
        for event in known:
            machine.handle(event)
        return machine

    def handle(self, event: Event) -> list[Instruction]:
        """Apply one event; return what must now be done."""
        self._out = []
        if self.outcome is None:
            self._apply(event)
            if self.outcome is None:
                self._fire_ready()
                self._stop_if_idle()
        return self._out

    def pending(self) -> list[Instruction]:
        """Return the instructions that no event has answered: what a new controller must do."""
        if self.outcome is not None:
            return []
        waiting: list[Instruction] = []
        for step in self.steps.values():
            if step.parked:
                continue
            if step.phase is Phase.UNFOLDING:
                waiting.append(Unfold(step.path, step.model))
            elif step.phase is Phase.GATHERING:
                waiting.append(Gather(step.path, step.model))
        for job in self.jobs.values():
            if job.parked:
                continue
            if job.scope is None:
                waiting.append(self._fire(job))
                if self.cancelled and job.started:
                    waiting.append(Cancel(job.path, job.attempt))
            elif job.collecting:
                waiting.append(Collect(job.path, job.body))
        return waiting

    @property
    def stopping(self) -> bool:
        """True when no further job is fired."""
        return self.cancelled or (self.failed_jobs > 0 and self.settings.on_error is OnError.STOP)

    def _apply(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._start(event)
            case StepUnfolded():
                self._unfolded(event)
            case StepFailed():
                self._step_failed(event)
            case JobSkipped():
                self._skipped(event)
            case ScopeOpened():
                self._opened(event)
            case AttemptStarted():
                self._attempt_started(event)
            case AttemptEnded():
                self._attempt_ended(event)
            case StepGathered():
                self._gathered(event)
            case ScopeCollected():
                self._collected(event)
            case CancelAsked():
                self._cancel()
            case RunResumed():
                self._resumed()
            case RecoveryStarted() | NothingHappened() | UndeclaredRead() | ChaosStruck():
                pass
            case _:
                assert_never(event)

    # -- the run ---------------------------------------------------------------------------

    def _start(self, event: RunStarted) -> None:
        if self.jobs:
            return
        self.settings = event
        self._add_job(JobState("/", None, 0, self.body))

    def _cancel(self) -> None:
        if self.cancelled or self.resumptions:
            return
        self.cancelled = True
        self._out.extend(Cancel(job.path, job.attempt) for job in self.jobs.values() if job.started)

    def _stop_if_idle(self) -> None:
        """End a run that is stopping once nothing that was asked for is still outstanding."""
        if self.stopping and not self._outstanding and not self._settling:
            self._finish(Outcome.CANCELLED if self.cancelled else Outcome.FAILED)

    def _resumed(self) -> None:
        """Do again what was parked; the jobs among it as the window has room."""
        if not self.resumptions:
            return
        self.resumptions -= 1
        for step in self.steps.values():
            if step.parked:
                step.parked = False
                self._settling += 1
                ask = Unfold if step.phase is Phase.UNFOLDING else Gather
                self._out.append(ask(step.path, step.model))
        parked = [job for job in self.jobs.values() if job.parked]
        self._again = deque(job for job in parked if not job.collecting)
        for job in parked:
            if job.collecting:
                job.parked = False
                self._settling += 1
                self._out.append(Collect(job.path, job.body))

    def _finish(self, outcome: Outcome) -> None:
        self.outcome = outcome
        idle = sum(1 for step in self.steps.values() if step.phase not in FINAL and step.fired == 0)
        self._out.append(Finish(outcome, self.blocked_steps + idle))

    # -- jobs ------------------------------------------------------------------------------

    def _add_job(self, job: JobState) -> None:
        self.jobs[job.path] = job
        self._outstanding += 1
        self._out.append(self._fire(job))

    def _fire(self, job: JobState) -> Fire:
        return Fire(job.path, job.step.path if job.step else "", job.index, job.attempt, job.body, job.failures)

    def _fire_ready(self) -> None:
        """Fire jobs while the window has room: what was parked, then those deepest in the workflow."""
        while self._again and not self.stopping and self._has_room(self._again[0].body):
            self._unpark(self._again.popleft())
        while self._ready and not self.stopping and self._has_room(self._ready[0][2].model.body):
            step = self._ready[0][2]
            job = JobState(step.job(step.fired), step, step.fired, step.model.body)
            step.fired += 1
            if not step.fireable:
                heappop(self._ready)
            self._add_job(job)

    def _park(self, job: JobState) -> None:
        job.parked = True
        self._outstanding -= 1

    def _unpark(self, job: JobState) -> None:
        job.parked = False
        job.attempt += job.started
        job.started = False
        job.failures = tuple(failure for failure in job.failures if failure in KEPT_FOR_ESCALATION)
        self._outstanding += 1
        self._out.append(self._fire(job))

    def _has_room(self, body: Body) -> bool:
        """Tell whether a job of this body may be fired now.

        A scope that is opened makes room for the next job at once. So that no more scopes than
        the window are open at one depth, what they ask for counts before another is opened.
        """
        settling = self._settling if isinstance(body, Workflow) else 0
        return self._outstanding + settling < self.settings.window

    def _attempt_started(self, event: AttemptStarted) -> None:
        job = self._fired(event.job)
        if job is None or job.started or job.attempt != event.attempt:
            return
        job.started = True
        if self.cancelled:
            self._out.append(Cancel(job.path, job.attempt))

    def _attempt_ended(self, event: AttemptEnded) -> None:
        job = self._fired(event.job)
        if job is None or event.attempt not in (0, job.attempt):
            return
        failure = event.failure
        if failure is None:
            self._job_ended(job, ok=True)
        elif event.attempt and self.tries_again(job, failure):
            job.attempt += 1
            job.started = False
            self._out.append(self._fire(self._after(job, failure)))
        elif self.resumptions:
            self._park(self._after(job, failure))
        else:
            self._job_ended(job, ok=False)

    def _fired(self, path: str) -> JobState | None:
        """Return a job that was fired and has not ended, as long as it is no open scope."""
        job = self.jobs.get(path)
        return None if job is None or job.scope is not None or job.parked else job

    @staticmethod
    def _after(job: JobState, failure: Failure) -> JobState:
        if failure in RETRIED:
            job.failures = (*job.failures, failure)
        return job

    def tries_again(self, job: JobState, failure: Failure) -> bool:
        """Tell whether another attempt follows on one that failed in this way."""
        if self.stopping:
            return False
        if failure is Failure.INTERRUPTED:
            return True
        return failure in RETRIED and len(job.failures) < self._limit(job, failure)

    def _limit(self, job: JobState, failure: Failure) -> int:
        limit = self.settings.retries
        path = plain_path(job.step.path) if job.step else "/"
        for rule in self.settings.limits:
            if failure in rule.failures and rule.step in ("", path):
                limit = rule.limit
        return limit

    def _skipped(self, event: JobSkipped) -> None:
        job = self._fired(event.job)
        if job is None:
            return
        if job.step and job.step.total is None:
            job.step.total = job.step.fired
        self._job_ended(job, ok=True)

    def _job_ended(self, job: JobState, *, ok: bool) -> None:
        del self.jobs[job.path]
        if job.scope is None:
            self._outstanding -= 1
        if not ok:
            self.failed_jobs += 1
        if job.step is None:
            self._finish(self._root_outcome(ok))
            return
        self._count(job.step, ok=ok)

    def _root_outcome(self, ok: bool) -> Outcome:
        if ok:
            return Outcome.COMPLETED
        return Outcome.CANCELLED if self.cancelled else Outcome.FAILED

    # -- scopes ----------------------------------------------------------------------------

    def _opened(self, event: ScopeOpened) -> None:
        job = self._fired(event.job)
        if job is None or not isinstance(job.body, Workflow):
            return
        self._outstanding -= 1
        depth = job.step.scope.depth + 1 if job.step else 0
        job.scope = scope = ScopeState(job.path, job.body, depth)
        for name, step in job.body.steps.items():
            path = step_path(job.path, name)
            scope.steps[name] = self.steps[path] = StepState(path, step, scope, len(step.upstream))
        scope.remaining = len(scope.steps)
        for state in scope.steps.values():
            self._unfold_if_ready(state)
        self._collect_if_done(scope)

    def _unfold_if_ready(self, step: StepState) -> None:
        if step.phase is Phase.WAITING and step.missing == 0 and not self.stopping:
            step.phase = Phase.UNFOLDING
            self._settling += 1
            self._out.append(Unfold(step.path, step.model))

    def _collect_if_done(self, scope: ScopeState) -> None:
        if scope.remaining:
            return
        job = self.jobs[scope.job]
        self._forget(scope)
        if scope.failed:
            self._job_ended(job, ok=False)
        else:
            job.collecting = True
            self._settling += 1
            self._out.append(Collect(job.path, job.body))

    def _forget(self, scope: ScopeState) -> None:
        for step in scope.steps.values():
            del self.steps[step.path]
        scope.steps.clear()

    def _collected(self, event: ScopeCollected) -> None:
        job = self.jobs.get(event.job)
        if job is None or not job.collecting or job.parked:
            return
        self._settling -= 1
        if self.resumptions and not event.ok:
            job.parked = True
        else:
            self._job_ended(job, ok=event.ok)

    # -- steps -----------------------------------------------------------------------------

    def _unfolded(self, event: StepUnfolded) -> None:
        step = self.steps.get(event.step)
        if step is None or step.phase is not Phase.UNFOLDING or step.parked:
            return
        self._settling -= 1
        step.phase = Phase.RUNNING
        step.shape = event.shape
        step.total = None if step.model.loop else count(event.shape)
        if step.total == 0:
            self._gather(step)
        else:
            self._queue(step)

    def _queue(self, step: StepState) -> None:
        self._order += 1
        heappush(self._ready, (-step.scope.depth, self._order, step))

    def _step_failed(self, event: StepFailed) -> None:
        step = self.steps.get(event.step)
        if step is None or step.phase not in (Phase.UNFOLDING, Phase.GATHERING) or step.parked:
            return
        self._settling -= 1
        if self.resumptions:
            step.parked = True
        else:
            self.failed_jobs += 1
            self._end_step(step, Phase.FAILED)

    def _count(self, step: StepState, *, ok: bool) -> None:
        """Take note that one more job of a step ended; gather when it was the last."""
        step.ended += 1
        step.failed += not ok
        if step.total is None and not ok:
            step.total = step.fired
        if step.total is None:
            self._queue(step)
        elif step.ended == step.total:
            if step.failed:
                self._end_step(step, Phase.FAILED)
            else:
                self._gather(step)

    def _gather(self, step: StepState) -> None:
        step.phase = Phase.GATHERING
        self._settling += 1
        self._out.append(Gather(step.path, step.model))

    def _gathered(self, event: StepGathered) -> None:
        step = self.steps.get(event.step)
        if step is not None and step.phase is Phase.GATHERING and not step.parked:
            self._settling -= 1
            self._end_step(step, Phase.DONE)

    def _end_step(self, step: StepState, phase: Phase) -> None:
        """Bring a step to a final phase, and with a failure all that waits for it."""
        scope = step.scope
        ending = [(step, phase)]
        while ending:
            state, final = ending.pop()
            if state.phase in FINAL:
                continue
            state.phase = final
            scope.remaining -= 1
            if final is not Phase.DONE:
                scope.failed = True
                self.blocked_steps += final is Phase.BLOCKED
            for name in self._dependents_of(scope.body).get(state.model.name, ()):
                dependent = scope.steps[name]
                if final is Phase.DONE:
                    dependent.missing -= 1
                    self._unfold_if_ready(dependent)
                else:
                    ending.append((dependent, Phase.BLOCKED))
        self._collect_if_done(scope)

    def _dependents_of(self, body: Workflow) -> dict[str, list[str]]:
        """Return, by name of a step, the names of those that take values from it."""
        known = self._dependents.get(id(body))
        if known is None:
            known = self._dependents[id(body)] = {}
            for name, step in body.steps.items():
                for upstream in sorted(step.upstream):
                    known.setdefault(upstream, []).append(name)
        return known
