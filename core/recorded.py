"""Results of one run that is on record, taken by another one for the steps that it does not carry out again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data_classes import dataclass
from ..errors import InputInvalid
from ..provenance import ids, queries
from ..provenance.checking import path_here
from ..provenance.database import Database
from ..provenance.queries import content_text
from ..provenance.states import JobState
from .machine.paths import plain_path
from .reuse import Taken, outputs_of
from .uris import to_uri
from .values import FileValue, Value, Values, map_references

DONE = (JobState.COMPLETED, JobState.CACHED)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where results are taken from, and for which steps.

    Attributes:
        run_id: the run that has them.
        run_name: its readable name.
        carried_out: paths of the steps whose jobs are carried out all the same.
    """

    run_id: str
    run_name: str
    carried_out: frozenset[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        return {"run_id": self.run_id, "run_name": self.run_name, "carried_out": sorted(self.carried_out)}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Recorded:
        """Return what `as_json` said."""
        return cls(told["run_id"], told["run_name"], frozenset(told["carried_out"]))

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
        return Taken(_at_home(database, outputs), attempt, job.id, self.run_name, job.inputs_hash or "")


def _at_home(database: Database, value: Value) -> Value:
    """Return a value with its files where they lie on this machine. Raises InputInvalid for one that is not here."""
    return map_references(value, lambda item: _here(database, item))


def _here(database: Database, item: FileValue) -> FileValue:
    here = dict(item)
    if "location" in item:
        path = path_here(database, item.get("sha256"))
        if path is None:
            raise InputInvalid(f"{item.get('basename')} is not to be had any more")
        here["location"] = to_uri(str(path))
        here = _inside(here, path)
    if "secondaryFiles" in item:
        here["secondaryFiles"] = [_here(database, other) for other in item["secondaryFiles"]]
    return here


def _inside(item: dict[str, Any], folder: Path) -> FileValue:
    """Return a directory with what is listed of it where it is, too."""
    if "listing" not in item:
        return item
    listing = [
        _inside({**other, "location": to_uri(str(folder / other["basename"]))}, folder / other["basename"])
        for other in item["listing"]
    ]
    return {**item, "listing": listing}
