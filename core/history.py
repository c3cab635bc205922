"""The state of a run at any point of its story, by replay of its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from ..data_classes import dataclass
from .machine.events import AttemptEnded, Event, Failure, JobSkipped, ScopeOpened
from .machine.instructions import Outcome
from .machine.paths import plain_path, step_path
from .machine.run import RunMachine
from .machine.state import FINAL, JobState, StepState
from .model import Body, Workflow


class Standing(Enum):
    """Where a run as a whole is."""

    GOING_ON = "going on"
    STOPPING = "stopping"
    """Something failed: no further job starts, those that run are let end."""
    CANCELLING = "being cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Status(Enum):
    """Where an instance of a step is: its phase in the run machine, or what the end of the run made of it."""

    WAITING = "waiting"
    UNFOLDING = "unfolding"
    RUNNING = "running"
    GATHERING = "gathering"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    """It never ran, because something failed or the run was cancelled."""
    STOPPED = "stopped"
    """It was under way when the run ended."""


@dataclass(frozen=True, slots=True)
class StepView:
    """A step, over all its instances. All that is known of its jobs is waiting, under way, or has ended somehow."""

    path: str
    """Without indices."""
    instances: Mapping[Status, int]
    waiting: int = 0
    """Jobs that were not asked for yet."""
    under_way: int = 0
    completed: int = 0
    skipped: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def jobs(self) -> int:
        """The number of jobs that are known of."""
        return self.waiting + self.under_way + self.completed + self.skipped + self.failed + self.cancelled


@dataclass(frozen=True, slots=True)
class JobView:
    """A job that is under way, with the number of its attempt."""

    path: str
    attempt: int
    started: bool
    """The attempt is on record; otherwise it waits for room, or to be tried again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run after some events."""

    standing: Standing
    steps: tuple[StepView, ...]
    """In the order of the workflow; of a single tool one with the path `/`."""
    under_way: tuple[JobView, ...]


def state_after(body: Body, events: Iterable[Event], resumptions: int) -> Snapshot:
    """Return the state of a run after its first events, among which are so many RunResumed."""
    history = History(body, resumptions)
    for event in events:
        history.take(event)
    return history.snapshot()


class History:
    """Follows a run event by event.

    The machine forgets the steps of a scope that was closed; here they are remembered.
    """

    def __init__(self, body: Body, resumptions: int = 0) -> None:
        self.machine = RunMachine(body, resumptions)
        self._steps: dict[str, StepState] = {}
        self._skipped: Counter[str] = Counter()
        self._cancelled: Counter[str] = Counter()

    def take(self, event: Event) -> None:
        """Take the next event into account."""
        job = self.machine.jobs.get(getattr(event, "job", ""))
        self.machine.handle(event)
        if isinstance(event, ScopeOpened) and job is not None and job.scope is not None:
            self._steps.update((step.path, step) for step in job.scope.steps.values())
        if job is None or job.path in self.machine.jobs:
            return
        if isinstance(event, JobSkipped):
            self._skipped[_step_of(job)] += 1
        elif isinstance(event, AttemptEnded) and event.failure is Failure.CANCELLED:
            self._cancelled[_step_of(job)] += 1

    def snapshot(self) -> Snapshot:
        """Return the state as it is now."""
        machine = self.machine
        by_path: dict[str, list[StepState]] = {}
        for step in self._steps.values():
            by_path.setdefault(plain_path(step.path), []).append(step)
        views = [self._view(path, by_path.get(path, [])) for path in _paths(machine.body)]
        if not isinstance(machine.body, Workflow):
            views = [self._of_the_tool()]
        jobs = [job for job in machine.jobs.values() if job.scope is None and not job.parked]
        under_way = tuple(JobView(job.path, job.attempt, job.started) for job in jobs)
        return Snapshot(_standing(machine), tuple(views), under_way)

    def _view(self, path: str, steps: list[StepState]) -> StepView:
        over = self.machine.outcome is not None
        skipped, cancelled = self._skipped[path], self._cancelled[path]
        failed = sum(step.failed for step in steps) - cancelled
        return StepView(
            path,
            Counter(_status(step, over) for step in steps),
            waiting=sum((step.fired if step.total is None else step.total) - step.fired for step in steps),
            under_way=sum(step.fired - step.ended for step in steps),
            completed=sum(step.ended for step in steps) - skipped - failed - cancelled,
            skipped=skipped,
            failed=failed,
            cancelled=cancelled,
        )

    def _of_the_tool(self) -> StepView:
        """Return what is known of the one job of a run that has no workflow."""
        outcome = self.machine.outcome
        status = {Outcome.COMPLETED: Status.DONE, Outcome.FAILED: Status.FAILED, Outcome.CANCELLED: Status.STOPPED}
        begun = outcome is not None or bool(self.machine.jobs)
        return StepView(
            "/",
            Counter([Status.RUNNING if outcome is None else status[outcome]] if begun else []),
            under_way=int(begun and outcome is None),
            completed=int(outcome is Outcome.COMPLETED),
            failed=int(outcome is Outcome.FAILED),
            cancelled=int(outcome is Outcome.CANCELLED),
        )


def _step_of(job: JobState) -> str:
    return plain_path(job.step.path) if job.step else "/"


def _standing(machine: RunMachine) -> Standing:
    if machine.outcome is not None:
        return Standing[machine.outcome.name]
    if machine.cancelled:
        return Standing.CANCELLING
    return Standing.STOPPING if machine.stopping else Standing.GOING_ON


def _status(step: StepState, over: bool) -> Status:
    """Return where a step instance is; in a run that is over nothing goes on."""
    if over and step.phase not in FINAL:
        return Status.STOPPED if step.fired else Status.BLOCKED
    return Status[step.phase.name]


def _paths(body: Body, above: str = "/") -> Iterator[str]:
    """Yield the paths of all steps, those of a workflow within after its own step."""
    if isinstance(body, Workflow):
        for name, step in body.steps.items():
            path = step_path(above, name)
            yield path
            yield from _paths(step.body, path)
