"""What the engine writes down, and in which order: the store's rows of one run, by way of its recorder."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from ..connectors.base import Ended
from ..data_classes import dataclass
from ..errors import RecrateError
from ..provenance import ids
from ..provenance.recorder import Recorder
from ..provenance.rows import AttemptRow, EventRow, JobRow, LocationRow, ReplicaRow
from ..provenance.statements import Update
from ..provenance.states import AttemptState, Direction, JobState, ReplicaKind
from ..redaction import Redactor
from . import records
from .machine.events import Event, Failure, encode
from .machine.instructions import Fire
from .metrics import Parsed
from .model import Step, Workflow
from .observer import Notice, Observer, Progress
from .places import Container
from .plan import CommandPlan
from .records import Attempt, Job
from .reuse import Taken
from .scheduling import Allocation
from .tokens import Origin, Token
from .uris import is_file_uri, is_placed_uri, split_placed_uri
from .values import Value, Values, to_json


@dataclass(slots=True)
class Ledger:
    """The books of one run. Nothing that it makes holds a secret."""

    run_id: str
    recorder: Recorder
    observer: Observer
    location: LocationRow
    """The controller's machine."""
    redactor: Redactor = field(default_factory=Redactor)
    work_directory: str = ""
    """What lies below it was made by this run."""
    next_event: int = 1
    errors: list[RecrateError] = field(default_factory=list)
    """What went wrong with jobs that came to no attempt, in order."""
    storages: dict[str, str] = field(default_factory=dict)
    """By name of a storage elsewhere: the location that is on record as where its files lie."""
    _jobs: dict[str, Job] = field(default_factory=dict)
    _environments: set[str] = field(default_factory=set)

    # -- events and tokens -------------------------------------------------------------------

    async def store(self, event: Event, *rows: Any) -> None:
        """Commit an event with its rows; return when both are on disk. Raises StoreFailed."""
        kind, body = encode(event)
        row = EventRow(run_id=self.run_id, seq=self.next_event, kind=kind, body=to_json(body), instant=time.time())
        self.next_event += 1
        await self.recorder.record(*rows, row)

    def mint(
        self, path: str, port: str, role: str, value: Value, origin: Origin, sources: Sequence[Token] = ()
    ) -> Token:
        """Make a token; it is committed with the next event at the latest."""
        token, rows = self._token(path, port, role, value, origin, sources, None)
        self.recorder.put(*rows)
        return token

    def _token(
        self,
        path: str,
        port: str,
        role: str,
        value: Value,
        origin: Origin,
        sources: Sequence[Token],
        job_id: str | None,
    ) -> tuple[Token, list[Any]]:
        parts = sources if origin is Origin.GATHERED and sources else None
        token = Token(ids.token_id(self.run_id, path, port, role), value, parts)
        shown = Token(token.id, self.redactor.value(value), parts)
        return token, records.token_rows(self.run_id, shown, path, port, origin, sources, job_id)

    # -- jobs --------------------------------------------------------------------------------

    def job(self, fire: Fire) -> Job:
        """Return the job of a Fire instruction."""
        known = self._jobs.get(fire.job)
        if known is None:
            known = Job(ids.job_id(self.run_id, fire.job), fire.job, fire.step, fire.index)
            self._jobs[fire.job] = known
        return known

    def remember(self, job: Job) -> None:
        """Take note of a job that an earlier controller has put on record."""
        self._jobs[job.path] = job

    def inputs(self, job: Job, tokens: Mapping[str, Token], values: Values) -> tuple[dict[str, Token], list[Any]]:
        """Return the tokens on the input ports of a job, and the rows that say so.

        A value that an expression or a default of the step changed gets a token of its own.
        """
        rows: list[Any] = [records.job_row(self.run_id, job, JobState.RUNNING, time.time())]
        given: dict[str, Token] = {}
        for name, value in values.items():
            token = tokens.get(name)
            if token is None or not _same(token.value, value):
                origin = Origin.DEFAULT if token is None or token.value is None else Origin.DERIVED
                source = () if token is None else (token,)
                token, made = self._token(job.path, name, "input", value, origin, source, None)
                rows += made
                rows += self._replicas(value, [one.value for one in source])
            elif token.value is not value:
                token = Token(token.id, value, token.parts)
            given[name] = token
            rows.append(records.usage_row(job.id, Direction.INPUT, name, token))
        return given, rows

    def tried_again(self, job: Job) -> Any:
        """Return the row that says that a job whose attempt failed runs again."""
        return Update(JobRow, (job.id,), {"state": JobState.RUNNING, "ended": None, "error": None})

    def outputs(
        self, job: Job, inputs: Values, values: Values, attempt: int, taken: Taken | None = None
    ) -> tuple[dict[str, Token], list[Any]]:
        """Return the tokens that a job made of its inputs, and the rows of these and of the job's end.

        `attempt` is the number of the attempt that made them, 0 when there was none; `taken` the
        earlier result that they are.
        """
        attempt_id = taken.attempt_id if taken else ids.attempt_id(job.id, attempt) if attempt else None
        rows: list[Any] = []
        made: dict[str, Token] = {}
        for name, value in values.items():
            made[name], token_rows = self._token(job.path, name, "output", value, Origin.OUTPUT, (), job.id)
            rows += token_rows
            rows += self._replicas(value, inputs, attempt_id)
        if taken is not None:
            changes = {
                "cached_from": taken.attempt_id,
                "reason": f"its result was taken from run {taken.run_name}",
                "inputs_hash": taken.key,
            }
            return made, [*rows, *self.ended_job(job, state=JobState.CACHED, changes=changes)]
        return made, [*rows, *self.ended_job(job)]

    def claims(self, values: Values) -> list[ReplicaRow]:
        """Return the rows that say that this run needs the files of another run's result."""
        return self._replicas(values, None)

    def _replicas(self, value: Value, known: Value, attempt_id: str | None = None) -> list[ReplicaRow]:
        """Return where the files of a value lie, without those of a value whose files are on record."""
        where = self.where if self.storages else self.location.id
        rows = records.replica_rows(self.run_id, where, value, ReplicaKind.WORK, attempt_id, known)
        return [row if self._is_own(row) else replace(row, kind=ReplicaKind.INPUT, attempt_id=None) for row in rows]

    def _is_own(self, row: ReplicaRow) -> bool:
        """Tell whether a file lies below a directory of this run."""
        if row.location_id == self.location.id:
            return row.path.startswith(f"{self.work_directory}/")
        return f"/{self.run_id}/" in row.path

    def where(self, location: str) -> str | None:
        """Return the location that is on record for the URI of a file; None when it is on none."""
        if is_file_uri(location):
            return self.location.id
        return self.storages.get(split_placed_uri(location)[0]) if is_placed_uri(location) else None

    def ended_job(
        self,
        job: Job,
        outputs: Mapping[str, Token] | None = None,
        *,
        state: JobState = JobState.COMPLETED,
        changes: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """Return the rows that say that a job completed, and for a workflow's with which tokens."""
        self._jobs.pop(job.path, None)
        usage = [records.usage_row(job.id, Direction.OUTPUT, name, token) for name, token in (outputs or {}).items()]
        return [*usage, Update(JobRow, (job.id,), {"state": state, "ended": time.time(), **(changes or {})})]

    def ended_scope(self, path: str, *, failed: bool) -> list[Any]:
        """Return the rows of a workflow's job that came to no outputs: what failed in it says why."""
        job = self._jobs.pop(path, None)
        if job is None:
            return []
        state = JobState.FAILED if failed else JobState.CANCELLED
        return [Update(JobRow, (job.id,), {"state": state, "ended": time.time()})]

    def skipped_job(self, job: Job) -> list[Any]:
        """Return the rows of a job whose condition was false."""
        now = time.time()
        self._jobs.pop(job.path, None)
        return [records.job_row(self.run_id, job, JobState.SKIPPED, now, ended=now, reason="its condition is false")]

    def failed_job(self, job: Job | str, error: RecrateError) -> list[Any]:
        """Return the rows of a job that failed without an attempt that did."""
        if isinstance(job, str):
            job = self._jobs.get(job) or Job(ids.job_id(self.run_id, job), job, job, 0)
        self._jobs.pop(job.path, None)
        self.errors.append(error)
        now, text = time.time(), self.redactor.text(error.render())
        return [
            records.job_row(self.run_id, job, JobState.FAILED, now),
            Update(JobRow, (job.id,), {"state": JobState.FAILED, "ended": now, "error": text}),
        ]

    def cancelled_job(self, job: Job, reason: str) -> list[Any]:
        """Return the row that says that a job was given up before it started."""
        changes = {"state": JobState.CANCELLED, "ended": time.time(), "reason": reason}
        return [Update(JobRow, (job.id,), changes)]

    def known_job(self, path: str) -> Job:
        """Return a job that has not ended."""
        return self._jobs[path]

    # -- attempts ----------------------------------------------------------------------------

    def attempt(
        self, job: Job, number: int, location_id: str, workdir: str, token: str, reason: str | None = None
    ) -> Attempt:
        """Return a new attempt of a job, at a location.

        Its directory is named after its token too: should the store have lost an attempt of this
        number (a damaged disk), what that one left is never taken for this one's.
        """
        identity = ids.attempt_id(job.id, number)
        directory = f"{workdir}/{job.id}.{number}-{token[:6]}"
        return Attempt(identity, job, number, directory, token, location_id, reason)

    def intent(
        self,
        attempt: Attempt,
        plan: CommandPlan,
        allocation: Allocation,
        container: Container | None,
        key: str | None = None,
    ) -> list[Any]:
        """Return the rows that say that an attempt is about to start; `key` identifies its work."""
        redactor = self.redactor.including(plan.secrets)
        rows: list[Any] = []
        environment = records.environment_row(redactor.value(plan.environment), plan)
        if environment.id not in self._environments:
            self._environments.add(environment.id)
            rows.append(environment)
        argv = [redactor.text(word) for word in plan.argv]
        shell = None if plan.shell is None else redactor.text(plan.shell)
        image = container.image_id if container is not None else None
        row = records.attempt_row(attempt, argv, shell, plan, allocation, environment.id, image, time.time())
        if key is not None:
            rows.append(Update(JobRow, (attempt.job.id,), {"inputs_hash": key}))
        return [*rows, row]

    def launched(self, attempt: Attempt, native_id: str) -> None:
        """Put on record how the place calls an attempt; committed with the next event at the latest."""
        changes = {"state": AttemptState.RUNNING, "native_id": native_id}
        self.recorder.put(Update(AttemptRow, (attempt.id,), changes))

    def ended(self, attempt: Attempt, ended: Ended, failure: Failure | None, error: str | None) -> list[Any]:
        """Return the rows that say how an attempt ended, and with a failure how its job did so far."""
        text = None if error is None else self.redactor.text(error)
        now = time.time()
        rows: list[Any] = [Update(AttemptRow, (attempt.id,), records.attempt_changes(ended, failure, text, now))]
        if failure is not None:
            state = JobState.CANCELLED if failure is Failure.CANCELLED else JobState.FAILED
            rows.append(Update(JobRow, (attempt.job.id,), {"state": state, "ended": now, "error": text}))
        return rows

    def recorded(self, attempt: Attempt, metrics: Parsed, secrets: Iterable[str]) -> list[Any]:
        """Return the rows of the metrics of an attempt, with what was wrong with them, which is told too."""
        redactor = self.redactor.including(secrets)
        rows: list[Any] = list(records.metric_rows(attempt, metrics.values, redactor))
        if metrics.warning is not None:
            text = redactor.text(metrics.warning)
            self.tell(Notice.WARNING, job=attempt.job.path, text=f"{attempt.name}: {text}")
            rows.append(Update(AttemptRow, (attempt.id,), {"warning": text}))
        return rows

    # -- notices -----------------------------------------------------------------------------

    def tell(
        self,
        notice: Notice,
        *,
        step: str = "",
        job: str = "",
        shape: tuple[int, ...] | None = None,
        model: Step | None = None,
        attempt: int = 0,
        location: str = "",
        text: str = "",
    ) -> None:
        """Tell the observer of something."""
        jobs = 1
        for length in shape or ():
            jobs *= length
        if model is not None and isinstance(model.body, Workflow):
            jobs = 0
        self.observer.notify(
            Progress(
                notice,
                self.run_id,
                step=step,
                job=job,
                job_id=ids.job_id(self.run_id, job) if job else "",
                jobs=jobs,
                attempt=attempt,
                location=location,
                text=self.redactor.text(text) if text else "",
            )
        )

    def tell_bytes(self, way: str, count: int) -> None:
        """Tell the observer that bytes moved from one place to another."""
        self.observer.notify(Progress(Notice.BYTES_MOVED, self.run_id, location=way, bytes=count))


def _same(one: Value, other: Value) -> bool:
    """Tell whether two values are the same, also in the type of their numbers."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(item, other[name]) for name, item in one.items())
    return bool(one == other)
