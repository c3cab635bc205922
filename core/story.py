"""Events of a run in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..provenance import queries
from ..provenance.database import Database
from .machine.events import (
    AttemptEnded,
    AttemptStarted,
    CancelAsked,
    ChaosStruck,
    JobSkipped,
    NothingHappened,
    RecoveryStarted,
    RunResumed,
    RunStarted,
    ScopeCollected,
    ScopeOpened,
    StepFailed,
    StepGathered,
    StepUnfolded,
    UndeclaredRead,
    decode,
)
from .machine.paths import count


def sentence(kind: str, body: dict[str, Any], cached: Mapping[str, str] | None = None) -> str:
    """Return a stored event as one sentence; `cached` says by path of the jobs whose results were taken from where."""
    match decode(kind, body):
        case AttemptEnded(job=job, attempt=0, failure=None) if cached and job in cached:
            return f"job {job} is cached: {cached[job]}"
        case RunStarted(window=window, on_error=on_error):
            return f"the run started (on error: {on_error.value}, at most {window} jobs at a time under way)"
        case StepUnfolded(step=step, shape=shape):
            return f"step {step} has its inputs: {count(shape)} jobs" if shape else f"step {step} has its inputs"
        case StepFailed(step=step):
            return f"step {step} failed: its values do not fit together"
        case JobSkipped(job=job):
            return f"job {job} was skipped: its condition is false"
        case ScopeOpened(job=job):
            return f"workflow {job} started"
        case AttemptStarted(job=job, attempt=attempt):
            return f"job {job}: attempt {attempt} is about to start"
        case AttemptEnded(job=job, attempt=0, failure=None):
            return f"job {job} completed"
        case AttemptEnded(job=job, attempt=attempt, failure=None):
            return f"job {job}: attempt {attempt} completed"
        case AttemptEnded(job=job, attempt=attempt, failure=failure):
            number = f"attempt {attempt} " if attempt else ""
            return f"job {job}: {number}failed ({failure.value if failure else ''})"
        case StepGathered(step=step):
            return f"step {step} is done"
        case ScopeCollected(job=job, ok=ok):
            return f"workflow {job} {'is done' if ok else 'failed: its outputs do not fit'}"
        case CancelAsked():
            return "somebody asked for the run to end"
        case RunResumed():
            return "another controller goes on with the run; what had failed is done again"
        case RecoveryStarted(jobs=jobs):
            return f"data that are needed are gone; to have them back, these are done again: {', '.join(jobs)}"
        case NothingHappened(seconds=seconds, waiting=waiting):
            return f"nothing has happened for {seconds:.0f} s: {'; '.join(waiting)}"
        case ChaosStruck(act=act, location=location, what=what):
            return f"chaos on {location}: {_ACTS.get(act, act)} {what}"
        case UndeclaredRead(job=job, count=number, paths=paths):
            return f"job {job} read {undeclared_text(number, paths)}"
    return kind


_ACTS = {
    "corrupt": "damages the copy of",
    "cut": "breaks off the copy of",
    "kill": "killed",
    "drop": "loses the connection during",
}


def undeclared_reads(database: Database, run_id: str) -> list[UndeclaredRead]:
    """Return what commands of a run read that nobody had declared, as far as that was looked for (`--audit`)."""
    found = queries.events_of_kind(database, run_id, UndeclaredRead.__name__)
    decoded = (decode(row.kind, json.loads(row.body)) for row in found)
    return [event for event in decoded if isinstance(event, UndeclaredRead)]


def undeclared_lines(reads: Iterable[UndeclaredRead]) -> Iterator[str]:
    """Yield in words which jobs read what; jobs that read the same are told together."""
    jobs: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for one in reads:
        jobs.setdefault((one.count, one.paths), []).append(one.job)
    for (number, paths), names in jobs.items():
        who = f"job {names[0]}" if len(names) == 1 else f"{len(names)} jobs, {names[0]} the first of them,"
        yield f"{who} read {undeclared_text(number, paths)}"


def undeclared_text(count: int, paths: Sequence[str]) -> str:
    """Return in words which files a job read that nobody had declared."""
    return f"{count} {'file' if count == 1 else 'files'} that nobody declared: {', '.join(paths)}"
