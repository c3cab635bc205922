"""`recrate log --at`: what the state of a run was at a point of its story."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator
from typing import Any

from ..core.history import Snapshot, StepView, state_after
from ..core.machine.events import RunResumed, decode
from ..core.story import sentence
from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.rows import EventRow, RunRow
from ..provenance.states import JobState
from ..runs import body_of
from .moments import event_meant
from .render import instant, parsed, plain, print_fields, print_json, print_table

MOST_JOBS = 40
COUNTS = ("waiting", "under_way", "completed", "skipped", "failed", "cancelled")


def show_past(database: Database, run_id: str, point: str, *, json: bool) -> None:
    """Print the state of a run at a point that was typed."""
    run = queries.get_run(database, run_id)
    crate = queries.crate_of(database, run_id)
    if crate is not None and not crate.is_own:
        raise UsageError(f"run {run.name} was carried out by another engine, whose states are not on record")
    seq = event_meant(database, run, point)
    _, body = body_of(database, run)
    resumptions = queries.count_events(database, run_id, RunResumed.__name__, until=seq)
    rows = queries.events(database, run_id, until=seq)
    state = state_after(body, (decode(row.kind, json_module.loads(row.body)) for row in rows), resumptions)
    event = next(queries.events(database, run_id, after=seq - 1, until=seq), None)
    if json:
        print_json(_as_json(state, run.name, run.id, event))
        return
    print_fields([("run", run.name), ("state", state.standing), *_point(database, run, event)])
    print()
    _print(state)


def _as_json(state: Snapshot, name: str, run_id: str, event: EventRow | None) -> dict[str, Any]:
    told = None if event is None else {**plain(event), "body": parsed(event.body)}
    steps = [plain(step) | {"jobs": step.jobs} for step in state.steps]
    return {"run": name, "id": run_id, "event": told, **plain(state), "steps": steps}


def _point(database: Database, run: RunRow, event: EventRow | None) -> Iterator[tuple[str, str]]:
    """Yield after which event this is the state, and when that was."""
    last = queries.last_event(database, run.id)
    if event is None:
        yield "after", f"none of {last} events"
        return
    cached = {job.path: job.reason or "" for job in queries.jobs(database, run.id, states=(JobState.CACHED,))}
    yield "after", f"event {event.seq} of {last}: {sentence(event.kind, parsed(event.body), cached)}"
    yield "at", f"{instant(event.instant)}, {event.instant - run.started:.3f} s after the start"


def _print(state: Snapshot) -> None:
    print_table(["step", "instances", "jobs", *(name.replace("_", " ") for name in COUNTS)], map(_row, state.steps))
    if state.under_way:
        print("\nunder way:")
        jobs = [
            (job.path, job.attempt, "started" if job.started else "about to start")
            for job in state.under_way[:MOST_JOBS]
        ]
        print_table(["job", "attempt", "state"], jobs)
        if len(state.under_way) > MOST_JOBS:
            print(f"... and {len(state.under_way) - MOST_JOBS} more: see --json")


def _row(step: StepView) -> list[Any]:
    instances = ", ".join(f"{count} {status.value}" for status, count in step.instances.items()) or "none yet"
    return [step.path, instances, step.jobs or "", *(getattr(step, name) or "" for name in COUNTS)]
