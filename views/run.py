"""One run, as it is shown on a page of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import Any

from ..core.machine.paths import plain_path
from ..core.remedies import remedy
from ..data_classes import dataclass
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.queries import RunDetail
from ..provenance.states import RunState
from .about import Document, Group, documents_of, groups_of
from .files import FileView, FileViewer, Preview
from .flow import flow_of
from .jobs import Fact, JobView, job_view
from .looks import Look, look, words_of
from .measured import MetricsView, metrics_view
from .placing import Flow
from .ports import PortView, inputs_of_job, outputs_of_job
from .steps import StepView, anchor_of, listed, step_views
from .timeline import Timeline, Window, timeline_of
from .words import clean, counted, seconds_text

MOST_TRANSFERS = 400


@dataclass(frozen=True, slots=True)
class FailureView:
    """A job that failed, with what is likely to help."""

    job: JobView
    advice: str


@dataclass(frozen=True, slots=True)
class RunView:
    """All that a page shows of a run."""

    id: str
    name: str
    workflow: str
    look: Look
    error: str
    started: float
    facts: Sequence[Fact]
    figures: Sequence[tuple[str, FileView]]
    metrics: MetricsView | None
    flow: Flow | None
    timeline: Timeline
    steps: Sequence[StepView]
    more_steps: int
    failures: Sequence[FailureView]
    more_failures: int
    inputs: Sequence[PortView]
    outputs: Sequence[PortView]
    groups: Sequence[Group]
    documents: Sequence[Document]
    is_live: bool


@dataclass(frozen=True, slots=True)
class Links:
    """Where a page points: to steps by path, to jobs by id."""

    step: Callable[[str], str] = field(default=lambda path: f"#{anchor_of(path)}")
    job: Callable[[str], str] = field(default=lambda job_id: f"#job-{job_id}")


def run_view(
    database: Database, run_id: str, viewer: FileViewer, *, details: bool, links: Links | None = None
) -> RunView:
    """Return what a page shows of a run. Raises UsageError when there is none.

    Args:
        database: a connection that may only read.
        run_id: its id.
        viewer: makes views of files, and says how much is shown.
        details: some jobs of each step are shown in full.
        links: where the page points.
    """
    links = links or Links()
    detail = queries.run_detail(database, run_id)
    failures, more = _failures(database, detail, viewer)
    root = ids.job_id(run_id, "/")
    outputs = outputs_of_job(database, run_id, root, viewer)
    return RunView(
        id=run_id,
        name=clean(detail.row.name),
        workflow=clean(detail.workflow.name) if detail.workflow else "",
        look=look(detail.state),
        error=clean(detail.row.error or ""),
        started=detail.row.started,
        facts=list(_facts(database, detail)),
        figures=[(port.name, file) for port in outputs for file in port.files if file.preview is Preview.FIGURE],
        metrics=metrics_view(database, run_id),
        flow=_flow(detail, viewer.limits.drawn, links),
        timeline=_timeline(database, detail, viewer.limits.bars, links),
        steps=step_views(database, run_id, detail.steps, viewer, details=details),
        more_steps=max(0, len(listed(detail.steps)) - viewer.limits.steps),
        failures=failures,
        more_failures=more,
        inputs=inputs_of_job(database, root, viewer),
        outputs=outputs,
        groups=groups_of(database, detail),
        documents=documents_of(database, detail),
        is_live=detail.state is RunState.RUNNING,
    )


def _facts(database: Database, detail: RunDetail) -> Iterator[Fact]:
    row, jobs = detail.row, sum(detail.counts.values())
    steps = sum(step.row.kind != "workflow" for step in detail.steps)
    yield Fact("took" if row.ended is not None else "since", seconds_text((row.ended or time.time()) - row.started))
    yield Fact("steps", counted(steps, "step"))
    yield Fact("jobs", f"{counted(jobs, 'job')}{f': {words_of(detail.counts)}' if jobs else ''}")
    places = len({place.name for place in queries.locations_of_run(database, row.id)})
    yield Fact("places", counted(places, "location"))


def _flow(detail: RunDetail, most: int, links: Links) -> Flow | None:
    if detail.workflow is None or detail.workflow.structure is None or len(detail.steps) > most:
        return None
    try:
        structure: dict[str, Any] = json.loads(detail.workflow.structure)
        return flow_of(structure, detail.steps, links.step)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None  # it came with a crate, and is of no form that ours has


def _timeline(database: Database, detail: RunDetail, most: int, links: Links) -> Timeline:
    row = detail.row
    last = max((step.ended for step in detail.steps if step.ended is not None), default=row.started)
    is_live = detail.state is RunState.RUNNING
    end = row.ended if row.ended is not None else time.time() if is_live else last
    transfers = queries.transfers(database, row.id, limit=MOST_TRANSFERS)
    more = queries.count_transfers(database, row.id) - len(transfers) if len(transfers) == MOST_TRANSFERS else 0
    shown = timeline_of(
        Window(row.started, end),
        queries.timed_attempts(database, row.id),
        transfers,
        lambda names: queries.locations(database, names),
        most=most,
        href=links.job,
    )
    return replace(shown, more_transfers=more)


def _failures(database: Database, detail: RunDetail, viewer: FileViewer) -> tuple[list[FailureView], int]:
    if detail.state is RunState.COMPLETED:
        return [], 0
    rows = queries.failed_jobs(database, detail.row.id, limit=viewer.limits.failures)
    tried = queries.attempts_of(database, (row.id for row in rows))
    shown = [row for row in rows if row.id in tried or row.error]
    inner = {plain_path(row.path) for row in shown if row.id in tried}
    # A workflow that failed because something in it did says nothing that its parts do not say.
    causes = [row for row in shown if row.id in tried or not any(path.startswith(_below(row.path)) for path in inner)]
    failures = []
    for row in causes:
        attempts = tried.get(row.id, ())
        advice = (remedy(attempts[-1]) or "") if attempts else ""
        failures.append(FailureView(job_view(database, row.id, viewer), advice))
    total = sum(count for state, count in detail.counts.items() if state.name == "FAILED")
    return failures, max(0, total - len(failures))


def _below(path: str) -> str:
    return plain_path(path).rstrip("/") + "/"
