"""Runs and their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...data_classes import dataclass
from ...errors import UsageError
from ..database import Database
from ..leases import is_live
from ..processes import Process, this_process
from ..rows import (
    AgentRow,
    ComparisonRow,
    CrateRow,
    DocumentRow,
    LeaseRow,
    PortRow,
    RepositoryRow,
    RunRow,
    SoftwareRow,
    StepRow,
    WorkflowRow,
)
from ..states import JobState, RunState

Counts = Mapping[JobState, int]
"""Numbers of jobs by state; a state without jobs is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line in a list of runs."""

    id: str
    name: str
    state: RunState
    """With INTERRUPTED for a run whose controller is gone."""
    workflow: str | None
    started: float
    ended: float | None
    host: str
    outdir: str | None
    parent_id: str | None
    error: str | None
    imported: bool
    """It came out of a crate."""


@dataclass(frozen=True, slots=True)
class StepSummary:
    """A step with the numbers of its jobs, and the time from the first start to the last end."""

    row: StepRow
    counts: Counts
    started: float | None
    ended: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """All that is known of a run but for its jobs and tokens. `row.state` is as stored."""

    row: RunRow
    state: RunState
    workflow: WorkflowRow | None
    agent: AgentRow | None
    lease: LeaseRow | None
    crate: CrateRow | None
    """Where it came from, when it was imported."""
    software: Sequence[SoftwareRow]
    repositories: Sequence[RepositoryRow]
    """The git repositories that its sources lay in."""
    steps: Sequence[StepSummary]

    @property
    def counts(self) -> Counts:
        """Numbers of jobs by state, of all steps that are not workflows."""
        total: dict[JobState, int] = {}
        for step in self.steps:
            if step.row.kind != "workflow":
                for state, count in step.counts.items():
                    total[state] = total.get(state, 0) + count
        return total


_SUMMARY = """
SELECT run.id, run.name, run.state, workflow.name, run.started, run.ended, run.host, run.outdir, run.parent_id,
    run.error, crate.run_id IS NOT NULL
FROM run LEFT JOIN workflow ON workflow.id = run.workflow_id LEFT JOIN crate ON crate.run_id = run.id
"""


def list_runs(database: Database, *, newest: int | None = None) -> list[RunSummary]:
    """Return all runs, or the newest ones, oldest first."""
    order = "ORDER BY run.started, run.id" if newest is None else "ORDER BY run.started DESC, run.id DESC LIMIT ?"
    rows = database.query(_SUMMARY + order, () if newest is None else (newest,))
    interrupted = _interrupted(database)
    runs = [_summary(row, interrupted) for row in rows]
    return runs if newest is None else runs[::-1]


def _summary(row: Sequence[object], interrupted: frozenset[str]) -> RunSummary:
    names = ("id", "name", "state", "workflow", "started", "ended", "host", "outdir", "parent_id", "error", "imported")
    fields: dict[str, object] = dict(zip(names, row, strict=True))
    state = RunState[str(fields["state"])]
    fields["imported"] = bool(fields["imported"])
    fields["state"] = RunState.INTERRUPTED if fields["id"] in interrupted else state
    return RunSummary(**fields)  # type: ignore[arg-type]


def _interrupted(database: Database) -> frozenset[str]:
    """Return the runs that are stored as running, but that nobody carries out."""
    running = {identity for (identity,) in database.query("SELECT id FROM run WHERE state = ?", (RunState.RUNNING,))}
    if not running:
        return frozenset()
    asking, now = this_process(), database.now()
    leases = database.rows(LeaseRow, "WHERE run_id IN (SELECT id FROM run WHERE state = ?)", (RunState.RUNNING,))
    return frozenset(running - {lease.run_id for lease in leases if is_live(lease, asking, now)})


def run_state(row: RunRow, lease: LeaseRow | None, asking: Process, now: float) -> RunState:
    """Return where a run is, as far as the process that asks can see at an instant."""
    if row.state is not RunState.RUNNING or (lease is not None and is_live(lease, asking, now)):
        return row.state
    return RunState.INTERRUPTED


def current_state(database: Database, run_id: str) -> tuple[RunRow, RunState]:
    """Return the row of a run, and where it is now. Raises UsageError when there is no such run."""
    # The lease is read first: it is given back after the end of the run is on record, so that
    # a run that ends between the two reads is never taken for one that was interrupted.
    lease = database.row(LeaseRow, run_id)
    row = get_run(database, run_id)
    return row, run_state(row, lease, this_process(), database.now())


def get_run(database: Database, run_id: str) -> RunRow:
    """Return the row of a run. Raises UsageError when there is none."""
    row = database.row(RunRow, run_id)
    if row is None:
        raise UsageError(f"there is no run {run_id}", hint="`recrate runs` lists them")
    return row


def software_of(database: Database, run_id: str) -> list[SoftwareRow]:
    """Return the programs and packages that took part in a run."""
    return database.rows(SoftwareRow, "WHERE run_id = ? ORDER BY role, name", (run_id,))


def repositories_of(database: Database, run_id: str) -> list[RepositoryRow]:
    """Return the git repositories that the sources of a run lay in."""
    return database.rows(RepositoryRow, "WHERE run_id = ? ORDER BY root", (run_id,))


def crate_of(database: Database, run_id: str) -> CrateRow | None:
    """Return the crate that an imported run came from; None for one that was made here."""
    return database.row(CrateRow, run_id)


def comparisons(database: Database, run_id: str) -> list[ComparisonRow]:
    """Return what is on record of how a run compares with others, oldest first."""
    return database.rows(ComparisonRow, "WHERE run_id = ? ORDER BY instant, id", (run_id,))


def run_detail(database: Database, run_id: str) -> RunDetail:
    """Return what is known of a run. Raises UsageError when there is none with this id."""
    lease = database.row(LeaseRow, run_id)
    row = get_run(database, run_id)
    return RunDetail(
        row=row,
        state=run_state(row, lease, this_process(), database.now()),
        workflow=None if row.workflow_id is None else database.row(WorkflowRow, row.workflow_id),
        agent=None if row.agent_id is None else database.row(AgentRow, row.agent_id),
        lease=lease,
        crate=crate_of(database, run_id),
        software=software_of(database, run_id),
        repositories=repositories_of(database, run_id),
        steps=steps(database, run_id),
    )


def steps(database: Database, run_id: str) -> list[StepSummary]:
    """Return the steps of a run, in the order in which they are shown, with the numbers of their jobs."""
    counts: dict[str, dict[JobState, int]] = {}
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    for step, state, count, first, last in database.query(
        "SELECT step_id, state, count(*), min(started), max(ended) FROM job WHERE run_id = ? GROUP BY step_id, state",
        (run_id,),
    ):
        counts.setdefault(step, {})[JobState[state]] = count
        if first is not None:
            begun[step] = min(first, begun.get(step, first))
        if last is not None:
            ended[step] = max(last, ended.get(step, last))
    rows = database.rows(StepRow, "WHERE run_id = ? ORDER BY position, path", (run_id,))
    return [StepSummary(row, counts.get(row.id, {}), begun.get(row.id), ended.get(row.id)) for row in rows]


def ports(database: Database, run_id: str) -> dict[str, list[PortRow]]:
    """Return the ports of each step of a run, by id of the step."""
    found: dict[str, list[PortRow]] = {}
    for row in database.rows(
        PortRow, "WHERE step_id IN (SELECT id FROM step WHERE run_id = ?) ORDER BY direction, name", (run_id,)
    ):
        found.setdefault(row.step_id, []).append(row)
    return found


def documents(database: Database, workflow_id: str) -> list[DocumentRow]:
    """Return the documents of a workflow, in their original text."""
    return database.rows(DocumentRow, "WHERE workflow_id = ? ORDER BY uri", (workflow_id,))
