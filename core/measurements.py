"""What the jobs of runs recorded of themselves, beside the parameters that they were given: the table of a sweep."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from ..data_classes import dataclass
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.queries import MetricSummary
from ..provenance.rows import JobRow, RunRow
from ..provenance.states import Direction
from .values import Value, is_reference

LONGEST = 200
"""Characters of a text that counts as a parameter."""
MOST_CHARACTERS = 10_000
"""In a longer value, such as a long list, no parameters are looked for."""
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """A job that recorded something.

    Attributes:
        run: the run that the job is of.
        job: the job.
        attempt_id: the attempt that recorded it, of another run when the job's result was taken from there.
        parameters: numbers and short texts among the inputs of the job and of the jobs that it lies in, by name.
        metrics: what it recorded, in the order in which the names appeared.
    """

    run: RunRow
    job: JobRow
    attempt_id: str
    parameters: Mapping[str, Scalar]
    metrics: Sequence[MetricSummary]

    def metric(self, name: str) -> MetricSummary | None:
        """Return the numbers of one name, None when there are none."""
        return next((one for one in self.metrics if one.name == name), None)


def measurements(database: Database, run_ids: Iterable[str], *, most: int | None = None) -> list[Measurement]:
    """Return the jobs of some runs that recorded something, run by run and by path. Raises UsageError.

    `most`: about so many jobs of each run are enough.
    """
    found = []
    for run_id in run_ids:
        run = queries.get_run(database, run_id)
        jobs = queries.jobs_with_metrics(database, run_id, most=most)
        summaries = queries.metric_summaries(database, dict.fromkeys(attempt for _, attempt in jobs))
        given = parameters(database, run_id, [job.path for job, _ in jobs])
        found += [
            Measurement(run, job, attempt, given[job.path], summaries[attempt])
            for job, attempt in jobs
            if attempt in summaries
        ]
    return found


def parameters(database: Database, run_id: str, paths: Sequence[str]) -> dict[str, dict[str, Scalar]]:
    """Return the parameters of jobs by their paths; of one name the innermost counts."""
    lines = {path: [*_around(path), path] for path in paths}
    wanted = {ids.job_id(run_id, one): one for line in lines.values() for one in line}
    given: dict[str, dict[str, Scalar]] = {}
    for some in queries.in_batches(wanted):
        for job, port, value in database.query(
            "SELECT usage.job_id, usage.port, token.value FROM usage JOIN token ON token.id = usage.token_id "
            f"WHERE usage.job_id IN ({queries.places(some)}) AND usage.direction = ? AND length(token.value) < ? "
            "ORDER BY 1, 2",
            (*some, Direction.INPUT, MOST_CHARACTERS),
        ):
            given.setdefault(wanted[job], {}).update(_scalars(str(port), json.loads(value)))
    return {path: {name: value for one in line for name, value in given.get(one, {}).items()}
            for path, line in lines.items()}  # fmt: skip


def varying(found: Iterable[Mapping[str, Scalar]]) -> list[str]:
    """Return the names of the parameters that are not the same in all of some jobs, in the order of the first."""
    every = list(found)
    names = dict.fromkeys(name for one in every for name in one)
    return [name for name in names if len({repr(one.get(name)) for one in every}) > 1]


def _around(path: str) -> list[str]:
    """Return the paths of the jobs that a job lies in, outermost first, without that of the run itself."""
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[:length]) for length in range(1, len(parts))]


def _scalars(name: str, value: Value) -> dict[str, Scalar]:
    """Return what of an input is a parameter: itself, or the fields of a record."""
    if isinstance(value, dict) and not is_reference(value):
        return {f"{name}.{key}": item for key, item in value.items() if _is_scalar(item)}
    return {name: value} if _is_scalar(value) else {}


def _is_scalar(value: Value) -> bool:
    return isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= LONGEST)
