"""Runs at a glance: what pages show of them, in bounded parts or as plain streams of a few columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...data_classes import dataclass
from ..database import Database
from ..rows import AttemptRow, ImageRow, JobRow, LocationRow, ReplicaRow, StepRow, TransferRow
from ..states import AttemptState, JobState, ReplicaKind, RunState, TransferState
from .heads import count_rows
from .tokens import in_batches, places


class TimedAttempt(NamedTuple):
    """When and where an attempt was."""

    job_id: str
    path: str
    number: int
    state: AttemptState
    location_id: str
    submitted: float | None
    started: float | None
    ended: float | None


@dataclass(frozen=True, slots=True)
class StepUse:
    """What the attempts of a step's jobs took: seconds, CPU seconds, bytes."""

    attempts: int
    failed: int
    shortest: float | None
    longest: float | None
    mean: float | None
    cpu_seconds: float | None
    peak_rss: int | None


def count_transfers(database: Database, run_id: str) -> int:
    """Return how many transfers a run has."""
    return count_rows(database, "transfer WHERE run_id = ?", run_id)


def timed_attempts(database: Database, run_id: str) -> Iterator[TimedAttempt]:
    """Yield when and where each attempt of a run was, in no certain order and in constant memory."""
    rows = database.stream(
        "SELECT attempt.job_id, job.path, attempt.number, attempt.state, attempt.location_id, attempt.submitted, "
        "attempt.started, attempt.ended FROM job JOIN attempt ON attempt.job_id = job.id WHERE job.run_id = ?",
        (run_id,),
    )
    for job, path, number, state, location, submitted, started, ended in rows:
        yield TimedAttempt(job, path, number, AttemptState[state], location, submitted, started, ended)


def transfers(database: Database, run_id: str, *, limit: int) -> list[TransferRow]:
    """Return the first transfers of a run."""
    return database.rows(TransferRow, "WHERE run_id = ? ORDER BY started, id LIMIT ?", (run_id, limit))


def transfers_with(database: Database, run_id: str, hashes: Iterable[str]) -> list[TransferRow]:
    """Return how contents came to where a run used them, in the order of time: the transfers that arrived.

    A run may have many more transfers than are wanted; whether a content was copied at all, its replicas tell.
    """
    found: list[TransferRow] = []
    for some in in_batches(dict.fromkeys(hashes)):
        listed = places(some)
        copied = f"SELECT 1 FROM replica WHERE sha256 IN ({listed}) AND run_id = ? AND kind = ? LIMIT 1"
        if database.one(copied, (*some, run_id, ReplicaKind.COPY)) is not None:
            condition = f"WHERE run_id = ? AND sha256 IN ({listed})"
            found += database.rows(TransferRow, condition, (run_id, *some))
    return sorted(found, key=lambda row: (row.started or 0.0, row.id))


def open_transfers(database: Database, run_id: str) -> list[TransferRow]:
    """Return the transfers of a run that have no end on record."""
    return database.rows(TransferRow, "WHERE run_id = ? AND state = ?", (run_id, TransferState.INTENDED))


@dataclass(frozen=True, slots=True)
class TransferSum:
    """Transfers between two locations by one method."""

    source_location_id: str
    target_location_id: str
    method: str
    state: TransferState
    count: int
    bytes: int


def transfer_sums(database: Database, run_id: str) -> list[TransferSum]:
    """Return what was moved from where to where in a run."""
    found = database.query(
        "SELECT source_location_id, target_location_id, method, state, count(*), coalesce(sum(bytes), 0) "
        "FROM transfer WHERE run_id = ? GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        (run_id,),
    )
    return [
        TransferSum(source, target, how, TransferState[state], n, int(size))
        for source, target, how, state, n, size in found
    ]


def images_of_run(database: Database, run_id: str) -> list[ImageRow]:
    """Return the container images that a run's attempts ran in."""
    return database.rows(
        ImageRow,
        "WHERE id IN (SELECT attempt.image_id FROM job JOIN attempt ON attempt.job_id = job.id WHERE job.run_id = ?) "
        "ORDER BY name, tag, id",
        (run_id,),
    )


def locations_of_run(database: Database, run_id: str) -> list[LocationRow]:
    """Return the locations that a run's attempts were sent to."""
    return database.rows(
        LocationRow,
        "WHERE id IN (SELECT attempt.location_id FROM job JOIN attempt ON attempt.job_id = job.id "
        "WHERE job.run_id = ?) ORDER BY name, id",
        (run_id,),
    )


def locations(database: Database, location_ids: Iterable[str]) -> dict[str, LocationRow]:
    """Return locations by id; those that are not on record are left out."""
    found: dict[str, LocationRow] = {}
    for some in in_batches(dict.fromkeys(location_ids)):
        found.update((row.id, row) for row in database.rows(LocationRow, f"WHERE id IN ({places(some)})", some))
    return found


def job_states(database: Database, run_id: str) -> Iterator[tuple[str, JobState]]:
    """Yield step and state of each job of a run, step by step, those of one in the order in which they started."""
    rows = database.stream("SELECT step_id, state FROM job WHERE run_id = ? ORDER BY step_id, started, path", (run_id,))
    for step, state in rows:
        yield step, JobState[state]


def step_use(database: Database, run_id: str) -> dict[str, StepUse]:
    """Return what the attempts of each step took, by id of the step."""
    rows = database.query(
        "SELECT job.step_id, count(*), sum(CASE WHEN attempt.state IN (?, ?) THEN 1 ELSE 0 END), "
        "min(attempt.ended - attempt.started), max(attempt.ended - attempt.started), "
        "avg(attempt.ended - attempt.started), sum(attempt.cpu_seconds), max(attempt.peak_rss) "
        "FROM job JOIN attempt ON attempt.job_id = job.id WHERE job.run_id = ? GROUP BY job.step_id",
        (AttemptState.FAILED, AttemptState.LOST, run_id),
    )
    return {step: StepUse(count, int(failed), *rest) for step, count, failed, *rest in rows}


def steps_of_kind(database: Database, run_id: str, kind: str) -> list[StepRow]:
    """Return the steps of a run that are of a kind, such as `workflow`, without their jobs."""
    return database.rows(StepRow, "WHERE run_id = ? AND kind = ? ORDER BY position, path", (run_id, kind))


def failed_jobs(database: Database, run_id: str, *, limit: int) -> list[JobRow]:
    """Return the first jobs of a run that failed, commands before the workflows that failed because of them."""
    return database.rows(
        JobRow,
        "WHERE run_id = ? AND state = ? ORDER BY (SELECT CASE WHEN kind = 'workflow' THEN 1 ELSE 0 END FROM step "
        "WHERE step.id = job.step_id), ended, path LIMIT ?",
        (run_id, JobState.FAILED, limit),
    )


def attempts_of(database: Database, job_ids: Iterable[str]) -> dict[str, list[AttemptRow]]:
    """Return the attempts of several jobs, oldest first, by id of the job."""
    found: dict[str, list[AttemptRow]] = {}
    for some in in_batches(job_ids):
        for row in database.rows(AttemptRow, f"WHERE job_id IN ({places(some)}) ORDER BY job_id, number", some):
            found.setdefault(row.job_id, []).append(row)
    return found


def replicas_in_run(database: Database, run_id: str, hashes: Iterable[str]) -> Mapping[str, list[ReplicaRow]]:
    """Return where contents lie that a run knows to be there, by hash."""
    found: dict[str, list[ReplicaRow]] = {}
    for some in in_batches(dict.fromkeys(hashes)):
        condition = f"WHERE sha256 IN ({places(some)}) AND run_id = ? AND valid = ? ORDER BY path"
        for row in database.rows(ReplicaRow, condition, (*some, run_id, True)):
            found.setdefault(str(row.sha256), []).append(row)
    return found


def job_counts(database: Database, run_ids: Iterable[str]) -> dict[str, dict[JobState, int]]:
    """Return the numbers of jobs by state of several runs, those of workflows left out, by id of the run."""
    found: dict[str, dict[JobState, int]] = {}
    for some in in_batches(run_ids):
        rows = database.query(
            f"SELECT run_id, state, count(*) FROM job WHERE run_id IN ({places(some)}) AND step_id NOT IN "
            f"(SELECT id FROM step WHERE run_id IN ({places(some)}) AND kind = 'workflow') GROUP BY run_id, state",
            (*some, *some),
        )
        for run, state, count in rows:
            found.setdefault(run, {})[JobState[state]] = count
    return found


def pulse(database: Database, run_id: str) -> tuple[int, str]:
    """Return the number of the last event of a run and its stored state: when neither changes, little does."""
    (state,) = database.one("SELECT state FROM run WHERE id = ?", (run_id,)) or ("",)
    (last,) = database.one("SELECT max(seq) FROM event WHERE run_id = ?", (run_id,)) or (None,)
    return int(last or 0), str(state)


def pulse_of_all(database: Database) -> tuple[tuple[object, ...], ...]:
    """Return what changes when a run is begun, goes on or ends."""
    (total,) = database.one("SELECT count(*) FROM run") or (0,)
    running = database.query(
        "SELECT id, (SELECT max(seq) FROM event WHERE event.run_id = run.id) FROM run WHERE state = ? ORDER BY id",
        (RunState.RUNNING,),
    )
    return ((total,), *running)
