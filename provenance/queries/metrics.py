"""Numbers that jobs recorded of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...data_classes import dataclass
from ..database import Database
from ..ids import SHARED
from ..rows import JobRow, MetricRow
from ..states import Direction, JobState
from .tokens import in_batches, places

_NUMBERS = re.compile(r"([0-9]+)")


@dataclass(slots=True)
class MetricSummary:
    """The numbers of one name of an attempt: how many, the last one, the least and the greatest.

    Numbers that are not finite count, and are none of the two extremes; `last` is then None.
    """

    name: str
    count: int
    last: MetricRow
    least: MetricRow | None = None
    greatest: MetricRow | None = None

    def take(self, row: MetricRow) -> None:
        """Take one more number into account. Of equal ones the first is the extreme."""
        self.count += 1
        self.last = row
        if row.value is None:
            return
        if self.least is None or self.least.value is None or row.value < self.least.value:
            self.least = row
        if self.greatest is None or self.greatest.value is None or row.value > self.greatest.value:
            self.greatest = row


def metrics(database: Database, attempt_id: str) -> list[MetricRow]:
    """Return what an attempt recorded, in the order in which it did."""
    return database.rows(MetricRow, "WHERE attempt_id = ? ORDER BY position", (attempt_id,))


def metric_summaries(database: Database, attempt_ids: Iterable[str]) -> dict[str, list[MetricSummary]]:
    """Return what attempts recorded, summed up by name in the order in which these appeared, by id of the attempt.

    Attempts that recorded nothing are not in it.
    """
    found: dict[str, dict[str, MetricSummary]] = {}
    for some in in_batches(attempt_ids):
        condition = f"WHERE attempt_id IN ({places(some)}) ORDER BY attempt_id, position"
        for row in database.stream_rows(MetricRow, condition, some):
            names = found.setdefault(row.attempt_id, {})
            if row.name not in names:
                names[row.name] = MetricSummary(row.name, 0, row)
            names[row.name].take(row)
    return {attempt: list(names.values()) for attempt, names in found.items()}


def jobs_with_metrics(database: Database, run_id: str, *, most: int | None = None) -> list[tuple[JobRow, str]]:
    """Return the jobs of a run that recorded something, each with the id of the attempt that counts, by path.

    That is the last one that recorded something; for a job whose result was taken, the one whose result it is.
    `most`: no more than so many attempts and results are looked at.
    """
    limit = "" if most is None else f" LIMIT {int(most)}"
    attempts: dict[str, str] = {}
    if _may_have_metrics(database, run_id):
        rows = database.query(
            "SELECT job_id, id FROM attempt WHERE job_id IN (SELECT id FROM job WHERE run_id = ?) "
            f"AND EXISTS (SELECT 1 FROM metric WHERE attempt_id = attempt.id) ORDER BY number{limit}",
            (run_id,),
        )
        attempts = {str(job): str(attempt) for job, attempt in rows}
    taken = f"state = ? AND EXISTS (SELECT 1 FROM metric WHERE attempt_id = job.cached_from) ORDER BY path{limit}"
    found: list[tuple[JobRow, str]] = [
        (job, job.cached_from or "")
        for job in database.rows(JobRow, f"WHERE run_id = ? AND {taken}", (run_id, JobState.CACHED))
    ]
    for some in in_batches(attempts):
        found += [(job, attempts[job.id]) for job in database.rows(JobRow, f"WHERE id IN ({places(some)})", some)]
    return sorted(found, key=lambda pair: _numbers_by_size(pair[0].path))


def _may_have_metrics(database: Database, run_id: str) -> bool:
    """Tell at once of most runs without any that they have none: ids of attempts begin as that of their run does."""
    begin = run_id[:SHARED]
    between = "SELECT 1 FROM metric WHERE attempt_id >= ? AND attempt_id < ? LIMIT 1"
    return database.one(between, (begin, f"{begin}g")) is not None


def _numbers_by_size(path: str) -> list[tuple[int, str]]:
    """Return what paths are in the order of, so that `/fit[2]` comes before `/fit[10]`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(path)]


def measured_users(database: Database, sha256: str) -> list[tuple[JobRow, str]]:
    """Return the jobs that were given a content as a file of their own and recorded something, oldest first.

    Each comes with the id of the last attempt that recorded something.
    """
    rows = database.query(
        "SELECT attempt.job_id, attempt.id FROM attempt WHERE attempt.job_id IN ("
        "SELECT usage.job_id FROM file JOIN usage ON usage.token_id = file.token_id "
        "WHERE file.sha256 = ? AND file.pointer = '' AND usage.direction = ?) "
        "AND EXISTS (SELECT 1 FROM metric WHERE attempt_id = attempt.id) ORDER BY attempt.number",
        (sha256, Direction.INPUT),
    )
    attempts = {str(job): str(attempt) for job, attempt in rows}
    found: list[tuple[JobRow, str]] = []
    for some in in_batches(attempts):
        found += [(job, attempts[job.id]) for job in database.rows(JobRow, f"WHERE id IN ({places(some)})", some)]
    return sorted(found, key=lambda pair: (pair[0].started or 0.0, pair[0].path))
