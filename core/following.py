"""A run that another process carries out, followed by what it writes into the store."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace

from ..data_classes import dataclass
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.queries import current_state
from ..provenance.rows import EventRow, RunRow
from ..provenance.states import JobState, RunState
from ..provenance.store import Store
from .machine.events import (
    RETRIED,
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    Event,
    Failure,
    JobSkipped,
    OnError,
    RunResumed,
    RunStarted,
    ScopeCollected,
    StepFailed,
    StepGathered,
    StepUnfolded,
    decode,
)
from .machine.paths import count, plain_path
from .observer import Notice, Observer, Progress

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 1.0
EVENTS_AT_ONCE = 1000

_LAST_INDICES = re.compile(r"(\[[\d,]*\]|~\d+)$")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rows of an event's step, job and attempt say beside it.

    Attributes:
        is_workflow: the body of the step is a workflow, whose own steps are counted instead.
        is_cached: the result of the job was taken from an earlier one.
        error: why it failed.
    """

    is_workflow: bool = False
    is_cached: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """How a run has gone so far, as far as it decides whether a failed attempt is tried again.

    `failures` are the numbers of attempts that were tried again because they failed, by path of the job.
    """

    settings: RunStarted = field(default_factory=RunStarted)
    is_failed: bool = False
    is_cancelled: bool = False
    failures: Mapping[str, int] = field(default_factory=dict)

    def after(self, event: Event) -> Course:
        """Return the course after one more event."""
        match event:
            case RunStarted():
                return replace(self, settings=event)
            case RunResumed():
                return Course(self.settings)
            case CancelAsked():
                return replace(self, is_cancelled=True)
            case AttemptEnded(job=job, failure=failure) if failure is not None:
                if not self.tries_again(event):
                    return replace(self, is_failed=True)
                if failure in RETRIED:
                    return replace(self, failures={**self.failures, job: self.failures.get(job, 0) + 1})
            case StepFailed() | ScopeCollected(ok=False):
                return replace(self, is_failed=True)
        return self

    def tries_again(self, ended: AttemptEnded) -> bool:
        """Tell whether the job of an attempt that failed is tried again: as the run machine decides."""
        if self.is_cancelled or (self.is_failed and self.settings.on_error is OnError.STOP) or not ended.attempt:
            return False
        if ended.failure is Failure.INTERRUPTED:
            return True
        return ended.failure in RETRIED and self.failures.get(ended.job, 0) < self._limit(ended)

    def _limit(self, ended: AttemptEnded) -> int:
        limit, path = self.settings.retries, plain_path(ended.job)
        for rule in self.settings.limits:
            if ended.failure in rule.failures and rule.step in ("", path):
                limit = rule.limit
        return limit


def retold(event: Event, course: Course, facts: Facts) -> list[Progress]:
    """Return what the controller told its observer of an event; `course` is that before the event.

    Which run, and when, is for the caller to fill in.
    """
    match event:
        case StepUnfolded(step=step, shape=shape):
            return [Progress(Notice.STEP_UNFOLDED, "", step=step, jobs=0 if facts.is_workflow else count(shape))]
        case StepFailed(step=step):
            return [Progress(Notice.JOB_FAILED, "", step=step, job=step, text=facts.error)]
        case StepGathered(step=step):
            return [Progress(Notice.STEP_ENDED, "", step=step)]
        case ScopeCollected(job=job, ok=False):
            return [Progress(Notice.JOB_FAILED, "", job=job, text=facts.error)]
        case JobSkipped(job=job):
            return [_of_job(Notice.JOB_SKIPPED, job)]
        case AttemptStarted(job=job, attempt=attempt):
            return [_of_job(Notice.JOB_STARTED, job, attempt)]
        case AttemptEnded(job=job, attempt=attempt, failure=None):
            return [_of_job(Notice.JOB_CACHED if facts.is_cached else Notice.JOB_COMPLETED, job, attempt)]
        case AttemptEnded(job=job, attempt=attempt):
            failed = [_of_job(Notice.ATTEMPT_FAILED, job, attempt, facts.error)]
            return (
                failed
                if course.tries_again(event)
                else [*failed, Progress(Notice.JOB_FAILED, "", job=job, attempt=attempt)]
            )
    return []


def _of_job(notice: Notice, job: str, attempt: int = 0, text: str = "") -> Progress:
    step = "" if job == "/" else _LAST_INDICES.sub("", job)
    return Progress(notice, "", step=step, job=job, attempt=attempt, text=text)


def follow(
    store: Store, run_id: str, observer: Observer, pause: Callable[[float], None] = time.sleep
) -> tuple[RunRow, RunState]:
    """Tell an observer of a run until nobody carries it out any more; return its row and state then.

    Of a run that is over already nothing is told. Raises UsageError when there is no such run.
    """
    database = store.connect(readonly=True)
    try:
        row, state = current_state(database, run_id)
        if state is RunState.RUNNING:
            row, state = _told(database, row, observer, pause)
        return row, state
    finally:
        database.close()


def _told(
    database: Database, row: RunRow, observer: Observer, pause: Callable[[float], None]
) -> tuple[RunRow, RunState]:
    last = ""
    observer.notify(Progress(Notice.RUN_STARTED, row.id, text=f"run {row.name} ({row.id})", instant=row.started))
    try:
        story, seconds = Story(database, row.id), FIRST_PAUSE_SECONDS
        while True:
            # The state is read before the events: those of a run that is over are all on record.
            row, state = current_state(database, row.id)
            told = 0
            for progress in story.news():
                observer.notify(progress)
                told += 1
            if state is not RunState.RUNNING:
                break
            seconds = FIRST_PAUSE_SECONDS if told else min(LONGEST_PAUSE_SECONDS, seconds * 1.5)
            pause(seconds)
        if row.ended is not None:
            last = f"run {row.name} {state.value} after {row.ended - row.started:.1f} s"
        return row, state
    finally:
        # Also when the follower is interrupted: a display has to put the terminal in order.
        observer.notify(Progress(Notice.RUN_ENDED, row.id, text=last))


class Story:
    """The events of a run, each told once."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run_id = run_id
        self._last = 0
        self._course = Course()
        self._resumed = queries.last_event(database, run_id, RunResumed.__name__)
        """Number of the event with which the present controller took the run over, 0 for the first one."""

    def news(self) -> Iterator[Progress]:
        """Yield notices of the events since the last time."""
        while rows := queries.next_events(self._database, self._run_id, self._last, EVENTS_AT_ONCE):
            for row in rows:
                yield from self._of(row)
            self._last = rows[-1].seq

    def _of(self, row: EventRow) -> Iterator[Progress]:
        event = decode(row.kind, json.loads(row.body))
        for progress in retold(event, self._course, facts_of(self._database, self._run_id, event)):
            identity = ids.job_id(self._run_id, progress.job) if progress.job else ""
            if row.seq < self._resumed and progress.notice is Notice.JOB_FAILED:
                continue  # it is done again
            yield replace(progress, run=self._run_id, job_id=identity, instant=row.instant)
        self._course = self._course.after(event)


def facts_of(database: Database, run_id: str, event: Event) -> Facts:
    """Read from the store what an event does not say itself."""
    match event:
        case StepUnfolded(step=step):
            identity = ids.step_id(run_id, plain_path(step))
            return Facts(is_workflow=database.one("SELECT kind FROM step WHERE id = ?", (identity,)) == ("workflow",))
        case AttemptEnded(job=job, attempt=0, failure=None):
            found = database.one("SELECT state FROM job WHERE id = ?", (ids.job_id(run_id, job),))
            return Facts(is_cached=found == (JobState.CACHED.name,))
        case AttemptEnded(job=job, attempt=attempt, failure=failure) if failure is not None and attempt:
            identity = ids.attempt_id(ids.job_id(run_id, job), attempt)
            return _error(database.one("SELECT error FROM attempt WHERE id = ?", (identity,)))
        case AttemptEnded(job=path, failure=failure) if failure is not None:
            return _error_of_job(database, run_id, path)
        case StepFailed(step=path) | ScopeCollected(job=path, ok=False):
            return _error_of_job(database, run_id, path)
    return Facts()


def _error_of_job(database: Database, run_id: str, path: str) -> Facts:
    return _error(database.one("SELECT coalesce(error, reason) FROM job WHERE id = ?", (ids.job_id(run_id, path),)))


def _error(found: tuple[str | None, ...] | None) -> Facts:
    return Facts(error=(found and found[0]) or "")
