"""Results of one run that is on record, taken by another one for the steps that it does not carry out again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputInvalid
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.queries import content_text
from ..provenance.states import JobState
from .machine.state import plain_path
from .reuse import Taken, outputs_of
from .values import Value, Values

DONE = (JobState.COMPLETED, JobState.CACHED)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where results are taken from, and for which steps.

    Attributes:
        run_id: the run that has them.
        run_name: its readable name.
        carried_out: paths of the steps whose jobs are carried out all the same.
        at_home: returns a value with its files where they lie on this machine. Raises InputInvalid.
    """

    run_id: str
    run_name: str
    carried_out: frozenset[str]
    at_home: Callable[[Database, Value], Value]

    def has(self, path: str) -> bool:
        """Tell whether the result of the job at a path is to be taken."""
        return plain_path(path) not in self.carried_out

    def take(self, database: Database, path: str, inputs: Values) -> Taken:
        """Return what the job at a path came to.

        Raises InputInvalid when it did not complete then, had other inputs, or its files are not to be had.
        """
        job = queries.find_job(database, ids.job_id(self.run_id, path))
        outputs = None if job is None or job.state not in DONE else outputs_of(database, job.id)
        if job is None or outputs is None:
            raise InputInvalid(f"{path} has no result in run {self.run_name}", hint="have it carried out, too")
        known = queries.inputs(database, job.id)
        given = queries.token_values(database, [row.id for row in known.values()])
        for port, row in known.items():
            if content_text(given[row.id]) != content_text(inputs.get(port)):
                raise InputInvalid(
                    f"input {port!r} of {path} is not what run {self.run_name} had, so its result there does not count",
                    hint="have it carried out, too: --from",
                )
        attempts = queries.attempts(database, job.id)
        attempt = attempts[-1].id if attempts else job.cached_from or ""
        return Taken(self.at_home(database, outputs), attempt, job.id, self.run_name, job.inputs_hash or "")
