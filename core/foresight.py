"""What a run would do: the same run, in a store of its own that is thrown away, with nothing launched.

Jobs whose results can be taken are followed by those that depend on them; where a job would have
to run, what depends on it is left open.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from enum import Enum

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Change
from ..provenance.rows import JobRow
from ..provenance.states import JobState
from ..provenance.store import Store, open_store
from .session import Session
from .values import Values


class Fate(Enum):
    """What would become of a job or a step."""

    RUNS = "would run"
    TAKEN = "would be taken from an earlier run"
    SKIPPED = "would be skipped"
    FAILS = "would fail"
    OPEN = "depends on what would run"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A job, or a step that is open as a whole, with what would become of it and why."""

    path: str
    fate: Fate
    reason: str
    changes: Sequence[Change] = ()


async def foresee(session_in: Callable[[Store], Session], inputs: Values, earlier: Store, entry: str) -> list[Foreseen]:
    """Return what would become of each job.

    Args:
        session_in: makes the session of the run in a store; it must launch nothing.
        inputs: as for `Session.run`.
        earlier: the store whose results may be taken.
        entry: URI of the workflow's main document, to find earlier runs of it.
    """
    with tempfile.TemporaryDirectory(prefix="recrate-why-") as folder:
        store = open_store(os.path.join(folder, "store.db"))
        try:
            session = session_in(store)
            await session.run(inputs)
            return _told(store.database, earlier.database, session.run_id, entry)
        finally:
            store.close()


def _told(now: Database, before: Database, run_id: str, entry: str) -> list[Foreseen]:
    steps = queries.steps(now, run_id)
    leaves = {step.row.id: step.row.path for step in steps if step.row.kind != "workflow"}
    told = [_job(now, before, job, entry) for job in queries.jobs(now, run_id) if job.step_id in leaves]
    begun = {step.row.path for step in steps if step.counts}
    waiting = [path for path in leaves.values() if path not in begun]
    return told + [Foreseen(path, Fate.OPEN, "its inputs come from jobs that would run") for path in waiting]


def _job(now: Database, before: Database, job: JobRow, entry: str) -> Foreseen:
    if job.state is JobState.CACHED:
        return Foreseen(job.path, Fate.TAKEN, job.reason or "")
    if job.state is JobState.SKIPPED:
        return Foreseen(job.path, Fate.SKIPPED, job.reason or "")
    if job.state is JobState.FAILED:
        return Foreseen(job.path, Fate.FAILS, job.error or "")
    if job.state is JobState.COMPLETED:
        return Foreseen(job.path, Fate.RUNS, "it is an expression, which costs nothing")
    found = queries.latest_job(before, entry, job.path)
    if found is None:
        return Foreseen(job.path, Fate.RUNS, "it has never completed before in this store")
    changes = queries.input_changes(before, found.id, now, job.id)
    since = queries.get_run(before, found.run_id).name
    if not changes:
        return Foreseen(job.path, Fate.RUNS, f"its inputs are those of run {since}, but its command or result is not")
    return Foreseen(job.path, Fate.RUNS, f"its inputs changed since run {since}", changes)
