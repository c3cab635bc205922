"""Jobs and their attempts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ...data_classes import dataclass
from ...errors import UsageError
from ..database import Database
from ..rows import (
    AttemptRow,
    DeploymentRow,
    EnvironmentRow,
    ImageRow,
    JobRow,
    LocationRow,
    Row,
    StepRow,
    TokenRow,
)
from ..states import AttemptState, Direction, JobState
from .tokens import outputs_of_job, used_by

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDetail:
    """An attempt with what its row refers to."""

    row: AttemptRow
    argv: Sequence[str] | None
    environment: Mapping[str, str]
    image: ImageRow | None
    location: LocationRow | None
    deployment: DeploymentRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail:
    """A job with its attempts, oldest first, and its tokens by name of the port."""

    row: JobRow
    step: StepRow | None
    attempts: Sequence[AttemptDetail]
    inputs: Mapping[str, TokenRow]
    outputs: Mapping[str, TokenRow]


def get_job(database: Database, job_id: str) -> JobRow:
    """Return the row of a job. Raises UsageError when there is none."""
    row = find_job(database, job_id)
    if row is None:
        raise UsageError(f"there is no job {job_id}")
    return row


def find_job(database: Database, job_id: str) -> JobRow | None:
    """Return the row of a job, None when there is none."""
    return database.row(JobRow, job_id)


def job_detail(database: Database, job_id: str) -> JobDetail:
    """Return what is known of a job. Raises UsageError when there is none with this id."""
    row = get_job(database, job_id)
    return JobDetail(
        row=row,
        step=database.row(StepRow, row.step_id),
        attempts=[attempt_detail(database, attempt) for attempt in attempts(database, job_id)],
        inputs=inputs(database, job_id),
        outputs=outputs(database, row),
    )


def attempts(database: Database, job_id: str) -> list[AttemptRow]:
    """Return the attempts of a job, oldest first."""
    return database.rows(AttemptRow, "WHERE job_id = ? ORDER BY number", (job_id,))


def attempt_detail(database: Database, row: AttemptRow) -> AttemptDetail:
    """Return an attempt with what its row refers to."""
    return attempt_details(database, [row])[0]


def attempt_details(database: Database, rows: Iterable[AttemptRow]) -> list[AttemptDetail]:
    """Return attempts with what their rows refer to; what several share is read once."""
    known: dict[tuple[type[Row], str], Any] = {}

    def shared(table: type[R], key: str | None) -> R | None:
        if key is not None and (table, key) not in known:
            known[table, key] = database.row(table, key)
        return None if key is None else known[table, key]

    found = []
    for row in rows:
        environment = shared(EnvironmentRow, row.environment_id)
        location = shared(LocationRow, row.location_id)
        found.append(
            AttemptDetail(
                row=row,
                argv=None if row.argv is None else json.loads(row.argv),
                environment={} if environment is None else json.loads(environment.variables),
                image=shared(ImageRow, row.image_id),
                location=location,
                deployment=None if location is None else shared(DeploymentRow, location.deployment_id),
            )
        )
    return found


def inputs(database: Database, job_id: str) -> dict[str, TokenRow]:
    """Return the tokens that a job had on its input ports."""
    return used_by(database, job_id, Direction.INPUT)


def outputs(database: Database, job: JobRow) -> dict[str, TokenRow]:
    """Return the tokens on a job's output ports: see `tokens.outputs_of_job`."""
    return outputs_of_job(database, job.run_id, job.id)


def jobs(
    database: Database,
    run_id: str,
    *,
    step_id: str | None = None,
    states: Iterable[JobState] = (),
    limit: int | None = None,
    offset: int = 0,
) -> list[JobRow]:
    """Return the jobs of a run in the order in which they started, of one step and in some states when asked."""
    condition, values = ["run_id = ?"], [run_id]
    if step_id is not None:
        condition.append("step_id = ?")
        values.append(step_id)
    wanted = [state.name for state in states]
    if wanted:
        condition.append(f"state IN ({', '.join('?' * len(wanted))})")
    page = "" if limit is None else f"LIMIT {int(limit)} OFFSET {int(offset)}"
    rest = f"WHERE {' AND '.join(condition)} ORDER BY started, path {page}"
    return database.rows(JobRow, rest, (*values, *wanted))


def last_attempts(database: Database, run_id: str, states: Iterable[AttemptState]) -> list[tuple[JobRow, AttemptRow]]:
    """Return the last attempt of each job of a run whose last attempt is in one of these states, oldest first."""
    wanted = [state.name for state in states]
    latest: dict[str, tuple[JobRow, AttemptRow]] = {}
    jobs_by_id: dict[str, JobRow] = {}
    rows = database.rows(
        AttemptRow,
        f"WHERE state IN ({', '.join('?' * len(wanted))}) AND job_id IN (SELECT id FROM job WHERE run_id = ?) "
        "AND number = (SELECT max(number) FROM attempt AS other WHERE other.job_id = attempt.job_id) "
        "ORDER BY submitted, id",
        (*wanted, run_id),
    )
    for row in rows:
        job = jobs_by_id.get(row.job_id) or get_job(database, row.job_id)
        jobs_by_id[row.job_id] = job
        latest[row.job_id] = (job, row)
    return list(latest.values())


def open_attempts(database: Database, run_id: str) -> list[AttemptRow]:
    """Return the attempts of a run that are on record without an end: their places must be asked about them."""
    open_states = (AttemptState.INTENDED, AttemptState.RUNNING)
    return database.rows(
        AttemptRow,
        "WHERE state IN (?, ?) AND job_id IN (SELECT id FROM job WHERE run_id = ?) ORDER BY submitted, id",
        (*open_states, run_id),
    )


def all_attempts(database: Database, run_id: str) -> Iterator[AttemptRow]:
    """Yield all attempts of a run, in constant memory: see `Database.stream`."""
    return database.stream_rows(
        AttemptRow, "WHERE job_id IN (SELECT id FROM job WHERE run_id = ?) ORDER BY submitted, id", (run_id,)
    )
