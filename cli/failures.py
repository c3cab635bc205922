"""Why a run failed, as the last thing on the screen: the root cause in full, its consequences folded."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TextIO

from ..core.logs import log_of_errors
from ..core.remedies import remedy
from ..core.tails import last_bytes
from ..provenance.database import Database
from ..provenance.queries import AttemptDetail, RunDetail, attempt_detail, attempts, jobs, last_attempts, run_detail
from ..provenance.rows import AttemptRow, JobRow
from ..provenance.states import AttemptState, JobState, RunState
from ..provenance.store import Store

STDERR_LINES = 12
TAIL_BYTES = 16_384
MOST_CAUSES = 3
BAD = (AttemptState.FAILED, AttemptState.LOST)


def explain(store: Store, run_id: str, stream: TextIO) -> None:
    """Print why a run failed, from the store alone."""
    database = store.connect(readonly=True)
    try:
        for line in lines(database, run_id):
            stream.write(line + "\n")
        stream.flush()
    finally:
        database.close()


def lines(database: Database, run_id: str) -> Iterator[str]:
    """Yield the lines that explain why a run failed or was cancelled."""
    detail = run_detail(database, run_id)
    causes = last_attempts(database, run_id, BAD)
    inner = [
        job for job in jobs(database, run_id, states=[JobState.FAILED]) if job.error and not _was_tried(database, job)
    ]
    for job, attempt in reversed(causes[:MOST_CAUSES]):
        yield ""
        yield from _attempt_lines(database, job, attempt, detail.row.work_directory)
    for job in reversed(inner[:MOST_CAUSES]):
        yield ""
        yield f"recrate: {job.path}: {job.error}"
        yield f"  job       {job.id[:8]} of run {detail.row.name}"
    if detail.state is RunState.CANCELLED:
        yield f"recrate: run {detail.row.name} was cancelled; go on with: recrate resume {detail.row.name}"
        return
    if not causes and not inner and detail.row.error:
        yield f"recrate: {detail.row.error}"
    yield from _consequences(detail, len(causes) + len(inner))


def _was_tried(database: Database, job: JobRow) -> bool:
    return any(row.state in BAD for row in attempts(database, job.id))


def _attempt_lines(database: Database, job: JobRow, row: AttemptRow, work_directory: str | None) -> Iterator[str]:
    detail = attempt_detail(database, row)
    tries = len(attempts(database, job.id))
    yield f"recrate: {job.path} failed: {row.error or 'no reason is on record'}"
    yield f"  attempt   {row.number} of {tries} on {_place(detail)}"
    if row.argv or row.shell:
        yield f"  command   {_command(detail)}"
    if detail.image is not None:
        yield f"  image     {detail.image.name} {detail.image.digest or ''}".rstrip()
    log = log_of_errors(row, detail.location, work_directory)
    tail = last_lines(log)
    if tail:
        yield f"  stderr    last {len(tail)} lines of {log}:"
        yield from (f"    | {line}" for line in tail)
    yield f"  directory {row.work_directory}"
    yield f"  re-enter  cd {shlex.quote(row.work_directory + '/out')} && sh ../script"
    advice = remedy(row)
    if advice:
        yield f"  likely    {advice}"


def _place(detail: AttemptDetail) -> str:
    if detail.location is None:
        return "an unknown place"
    host = f" (host {detail.location.hostname})" if detail.location.hostname else ""
    return f"{detail.location.name}{host}"


def _command(detail: AttemptDetail) -> str:
    text = detail.row.shell if detail.row.shell is not None else shlex.join(detail.argv or ())
    shown = text if len(text) < 400 else text[:400] + " ..."
    return "".join(char if char.isprintable() else "?" for char in shown)


def last_lines(path: str | None) -> list[str]:
    """Return the last lines of a log, fit to be printed; none when it cannot be read."""
    if path is None:
        return []
    text = last_bytes(path, TAIL_BYTES).decode("utf-8", "replace")
    kept = text.rstrip("\n").split("\n")[-STDERR_LINES:] if text.strip() else []
    return ["".join(char if char.isprintable() or char == "\t" else "?" for char in line)[:500] for line in kept]


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: `1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _consequences(detail: RunDetail, shown: int) -> Iterator[str]:
    counts = detail.counts
    failed = counts.get(JobState.FAILED, 0)
    started = {step.row.path for step in detail.steps if step.counts}
    blocked = [step.row.path for step in detail.steps if step.row.path not in started and step.row.path != "/"]
    yield ""
    if failed > shown:
        yield f"{counted(failed - shown, 'more job')} failed: recrate show {detail.row.name}"
    if blocked:
        names = ", ".join(blocked[:5]) + (", ..." if len(blocked) > 5 else "")
        yield f"{counted(len(blocked), 'step')} not started because of this: {names}"
    yield f"next: recrate show {detail.row.name}   the whole story: recrate log {detail.row.name}"
