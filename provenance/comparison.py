"""Why a job ran: what differs between it and the last time that the same step ran."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .database import Database
from .queries import attempt_detail, attempts, get_job, get_run, inputs, token_values
from .rows import JobRow
from .states import JobState

MOST_EARLIER = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: an input, the command, the image, the environment."""

    what: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job ran. `earlier` is the job that it is compared with, if there is one."""

    job: JobRow
    earlier: JobRow | None
    summary: str
    changes: Sequence[Change]


def compare_with_earlier(database: Database, job_id: str) -> Reason:
    """Return why a job ran, by comparison with the last job of the same step that completed before."""
    job = get_job(database, job_id)
    if job.state is JobState.SKIPPED:
        return Reason(job, None, job.reason or "its condition is false", ())
    earlier = _earlier(database, job)
    if earlier is None:
        return Reason(job, None, "it has never completed before in this store", ())
    changes = list(_changes(database, earlier, job))
    if not changes:
        run = get_run(database, earlier.run_id)
        return Reason(job, earlier, f"nothing changed since run {run.name}, and no result was reused", ())
    names = ", ".join(f"{change.what} {change.name}".strip() for change in changes[:3])
    return Reason(job, earlier, f"{names} changed", changes)


def _earlier(database: Database, job: JobRow) -> JobRow | None:
    """Return the last job of the same path, in another run of a workflow of the same entry point."""
    rows = database.query(
        "SELECT job.id FROM job JOIN run ON run.id = job.run_id JOIN workflow ON workflow.id = run.workflow_id "
        "WHERE job.path = ? AND job.state IN (?, ?) AND job.run_id <> ? AND job.started <= ? AND workflow.entry = "
        "(SELECT workflow.entry FROM run JOIN workflow ON workflow.id = run.workflow_id WHERE run.id = ?) "
        "ORDER BY job.started DESC LIMIT 1",
        (job.path, JobState.COMPLETED, JobState.CACHED, job.run_id, job.started or 0.0, job.run_id),
    )
    return get_job(database, rows[0][0]) if rows else None


def _changes(database: Database, before: JobRow, after: JobRow) -> Iterator[Change]:
    old, new = _values(database, before), _values(database, after)
    for name in sorted({*old, *new}):
        was, now = old.get(name, "nothing"), new.get(name, "nothing")
        if was != now:
            yield Change("input", name, was, now)
    yield from _command_changes(database, before, after)


def _values(database: Database, job: JobRow) -> dict[str, str]:
    tokens = inputs(database, job.id)
    values = token_values(database, [token.id for token in tokens.values()])
    return {port: content_text(values[token.id]) for port, token in tokens.items()}


def content_text(value: Any) -> str:
    """Return a value in a few characters, by its content: files by the beginning of their hash."""
    text = json.dumps(_by_content(value), sort_keys=True)
    return text.strip('"') if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def _by_content(value: Any) -> Any:
    if isinstance(value, list):
        return [_by_content(item) for item in value]
    if isinstance(value, Mapping):
        if value.get("class") in ("File", "Directory"):
            digest = str(value.get("sha256") or value.get("checksum") or value.get("contents") or "")
            return f"{value.get('basename')} {digest[:12]}".strip()
        return {name: _by_content(item) for name, item in value.items()}
    return value


def _command_changes(database: Database, before: JobRow, after: JobRow) -> Iterator[Change]:
    old, new = attempts(database, before.id), attempts(database, after.id)
    if not old or not new:
        return
    was, now = attempt_detail(database, old[-1]), attempt_detail(database, new[-1])
    directories = (was.row.work_directory, now.row.work_directory)
    texts = [
        (detail.row.shell if detail.row.shell is not None else json.dumps(detail.argv)).replace(directory, "")
        for detail, directory in zip((was, now), directories, strict=True)
    ]
    if texts[0] != texts[1]:
        yield Change("command", "", texts[0][:120], texts[1][:120])
    images = [detail.image.digest or detail.image.name if detail.image else "none" for detail in (was, now)]
    if images[0] != images[1]:
        yield Change("image", "", str(images[0]), str(images[1]))
    for name in sorted({*was.environment, *now.environment}):
        if was.environment.get(name) != now.environment.get(name):
            yield Change("variable", name, str(was.environment.get(name)), str(now.environment.get(name)))
