"""Results that jobs of other runs may take instead of making them again.

A result is what one attempt made. Who took it has the key of the cache too, so that it can still be
had when the run that made it was removed. What an imported run is said to have made is no result:
nobody here has seen it being made (decision 0015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...data_classes import dataclass
from ..database import Database
from ..rows import ReplicaRow
from ..states import AttemptState, JobState
from .tokens import in_batches, places

_MADE_HERE = "job.run_id NOT IN (SELECT run_id FROM crate)"
_HAVE_RESULTS = (JobState.COMPLETED, JobState.CACHED)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job whose result may be taken; `attempt_id` is the attempt that made it."""

    job_id: str
    attempt_id: str
    run_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedResult:
    """A result that may be taken: who made it, or has it still, and how often it was taken."""

    attempt_id: str
    job_id: str
    path: str
    tool: str
    run_id: str
    run: str
    ended: float
    hits: int
    size: int
    """Bytes of its files."""


def candidates(database: Database, inputs_hash: str, path: str, run_id: str) -> Iterator[Candidate]:
    """Yield the results for a key, each once; never those of the run `run_id` itself.

    What was made or taken last comes first. Of one run's results that of the job with the same path
    does, so that a scatter of draws of chance gets each draw back in its place.
    """
    seen: set[str] = set()
    for job, run, state, source, made in database.query(
        "SELECT job.id, run.name, job.state, job.cached_from, (SELECT attempt.id FROM attempt "
        "WHERE attempt.job_id = job.id AND attempt.state = ? ORDER BY attempt.number DESC LIMIT 1) "
        "FROM job JOIN run ON run.id = job.run_id "
        f"WHERE job.inputs_hash = ? AND job.run_id <> ? AND job.state IN (?, ?) AND {_MADE_HERE} "
        "ORDER BY max(job.ended) OVER (PARTITION BY job.run_id) DESC, job.run_id, "
        "CASE WHEN job.path = ? THEN 0 ELSE 1 END, job.ended DESC, job.id",
        (AttemptState.COMPLETED, inputs_hash, run_id, *_HAVE_RESULTS, path),
    ):
        attempt = source if JobState[state] is JobState.CACHED else made
        if attempt is not None and attempt not in seen:
            seen.add(attempt)
            yield Candidate(job, attempt, run)


def has_other_runs(database: Database, run_id: str) -> bool:
    """Tell whether the store has a run beside one."""
    return database.one("SELECT 1 FROM run WHERE id <> ? LIMIT 1", (run_id,)) is not None


def taken_by(database: Database, run_id: str) -> set[str]:
    """Return the attempts whose results a run has taken."""
    found = database.query("SELECT cached_from FROM job WHERE run_id = ? AND cached_from IS NOT NULL", (run_id,))
    return {attempt for (attempt,) in found}


def unclaimed(database: Database, rows: Sequence[ReplicaRow]) -> list[ReplicaRow]:
    """Return those of some replicas that are not on record as valid."""
    known: set[str] = set()
    for some in in_batches(row.id for row in rows):
        found = database.query(f"SELECT id FROM replica WHERE id IN ({places(some)}) AND valid = ?", (*some, True))
        known.update(identity for (identity,) in found)
    return [row for row in rows if row.id not in known]


def is_kept(database: Database, row: ReplicaRow) -> bool:
    """Tell whether another run than a replica's own has a valid replica at its path."""
    found = database.one(
        "SELECT 1 FROM replica WHERE path_key = ? AND path = ? AND valid = ? AND run_id <> ? LIMIT 1",
        (row.path_key, row.path, True, row.run_id),
    )
    return found is not None


def cached_results(database: Database, run_id: str | None = None) -> list[CachedResult]:
    """Return the results that may be taken, of one run when asked, oldest first.

    A result that several runs have stands with the one that made it, while that is on record.
    """
    condition, values = ("", ()) if run_id is None else (" AND job.run_id = ?", (run_id,))
    hits: dict[str, int] = dict(
        database.query("SELECT cached_from, count(*) FROM job WHERE cached_from IS NOT NULL GROUP BY cached_from")
    )
    rows = database.query(
        "SELECT job.id, job.path, step.tool, run.id, run.name, job.ended, job.state, job.cached_from, "
        "(SELECT attempt.id FROM attempt WHERE attempt.job_id = job.id AND attempt.state = ? "
        "ORDER BY attempt.number DESC LIMIT 1), "
        "(SELECT sum(file.size) FROM token JOIN file ON file.token_id = token.id WHERE token.run_id = job.run_id "
        "AND token.job_id = job.id) "
        "FROM job JOIN run ON run.id = job.run_id LEFT JOIN step ON step.id = job.step_id "
        f"WHERE job.inputs_hash IS NOT NULL AND job.state IN (?, ?) AND {_MADE_HERE}{condition} "
        "ORDER BY job.ended, job.id",
        (AttemptState.COMPLETED, *_HAVE_RESULTS, *values),
    )
    found: dict[str, CachedResult] = {}
    for makers in (True, False):
        for row in rows:
            if (JobState[row[6]] is JobState.COMPLETED) is makers:
                _note(found, row, hits)
    return sorted(found.values(), key=lambda result: (result.ended, result.job_id))


def _note(found: dict[str, CachedResult], row: Sequence[Any], hits: dict[str, int]) -> None:
    job, path, tool, run_id, run, ended, state, source, made, size = row
    attempt = source if JobState[state] is JobState.CACHED else made
    if attempt is not None and attempt not in found:
        found[attempt] = CachedResult(
            attempt_id=attempt, job_id=job, path=path, tool=tool or "", run_id=run_id, run=run, ended=ended or 0.0,
            hits=hits.get(attempt, 0), size=int(size or 0),
        )  # fmt: skip
