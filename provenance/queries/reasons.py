"""Why a job ran: what was different from the last time that the same step ran."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from ...data_classes import dataclass
from .. import ids
from ..database import Database
from ..rows import AttemptRow, EnvironmentRow, ImageRow, JobRow
from ..states import JobState
from .jobs import attempts, get_job, inputs
from .tokens import token_values

_LONG = 40


class Aspect(Enum):
    """What of a job can change its outputs."""

    INPUT = "input"
    COMMAND = "command"
    ENVIRONMENT = "environment"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two jobs. `before` and `after` are short texts, equal when the
    contents are; None is 'not there'."""

    aspect: Aspect
    name: str
    """Of the port or variable; empty for the image."""
    before: str | None
    after: str | None

    def __str__(self) -> str:
        what = f"{self.aspect.value} {self.name}".strip()
        return f"{what} changed: {self.before or 'none'} -> {self.after or 'none'}"


def earlier_job(database: Database, job_id: str) -> JobRow | None:
    """Return the job at the same path in the newest earlier run of the same document that completed
    it or took it from the cache. Raises UsageError when there is no job with this id."""
    job = get_job(database, job_id)
    runs = database.query(
        "SELECT earlier.id FROM run JOIN workflow ON workflow.id = run.workflow_id "
        "JOIN workflow AS same ON same.main_uri = workflow.main_uri "
        "JOIN run AS earlier ON earlier.workflow_id = same.id "
        "WHERE run.id = ? AND earlier.id <> run.id AND earlier.started <= run.started "
        "ORDER BY earlier.started DESC, earlier.id DESC",
        (job.run_id,),
    )
    return _first_done(database, (run_id for (run_id,) in runs), job.path)


def latest_job(database: Database, main_uri: str, path: str) -> JobRow | None:
    """Return the job at a path in the newest run of a document that completed it or took it from the cache."""
    runs = database.query(
        "SELECT run.id FROM run JOIN workflow ON workflow.id = run.workflow_id WHERE workflow.main_uri = ? "
        "ORDER BY run.started DESC, run.id DESC",
        (main_uri,),
    )
    return _first_done(database, (run_id for (run_id,) in runs), path)


def _first_done(database: Database, run_ids: Iterable[str], path: str) -> JobRow | None:
    for run_id in run_ids:
        found = database.row(JobRow, ids.job_id(run_id, path))
        if found is not None and found.state in (JobState.COMPLETED, JobState.CACHED):
            return found
    return None


def input_changes(before: Database, earlier: str, after: Database, later: str) -> list[Change]:
    """Return what is different between the inputs of two jobs, which may be in two stores."""
    return _differences(Aspect.INPUT, _inputs(before, earlier), _inputs(after, later))


def changes(database: Database, earlier: str, later: str) -> list[Change]:
    """Return what was different between two jobs: inputs by content, command, environment, image."""
    return changes_between(database, earlier, database, later)


def changes_between(before: Database, earlier: str, after: Database, later: str) -> list[Change]:
    """Return what `changes` does, of jobs that may be in two stores."""
    return [*input_changes(before, earlier, after, later), *attempt_changes(before, earlier, after, later)]


def attempt_changes(before: Database, earlier: str, after: Database, later: str) -> list[Change]:
    """Return what is different between the last attempts of two jobs: command, environment, image."""
    one, other = _last_attempt(before, earlier), _last_attempt(after, later)
    if one is None or other is None:
        return []
    found = _differences(Aspect.COMMAND, _command(one), _command(other))
    found += _differences(Aspect.ENVIRONMENT, _environment(before, one), _environment(after, other))
    return found + _differences(Aspect.IMAGE, _image(before, one), _image(after, other))


def _differences(aspect: Aspect, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    names = sorted(before.keys() | after.keys())
    return [
        Change(aspect, name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    ]


def _inputs(database: Database, job_id: str) -> dict[str, str]:
    tokens = inputs(database, job_id)
    values = token_values(database, (row.id for row in tokens.values()))
    return {port: content_shown(values[row.id]) for port, row in tokens.items()}


def content_text(value: Any) -> str:
    """Return a text that is the same for two values when their content is: files by hash, wherever they lie."""
    return json.dumps(_content(value), sort_keys=True)


def content_shown(value: Any) -> str:
    """Return a short text of a value, which is the same for values of the same content."""
    text = content_text(value)
    if isinstance(value, list | dict) or len(text) > _LONG:
        return hashlib.sha256(text.encode()).hexdigest()[:8]
    return text


def _content(value: Any) -> Any:
    if isinstance(value, list):
        return [_content(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class") not in ("File", "Directory"):
        return {name: _content(item) for name, item in value.items()}
    kept = {"class": value["class"], "basename": value.get("basename")}
    known = next((value[name] for name in ("sha256", "checksum", "contents") if value.get(name) is not None), None)
    inside = value.get("listing") or [] if known is None else []
    return {**kept, "content": known, "listing": _content(inside), "mates": _content(value.get("secondaryFiles") or [])}


def _last_attempt(database: Database, job_id: str) -> AttemptRow | None:
    found = attempts(database, job_id)
    return found[-1] if found else None


def _command(attempt: AttemptRow) -> dict[str, str]:
    """Return the command line, without the attempt's own directory, which is always another."""
    text = attempt.shell if attempt.shell is not None else shlex.join(json.loads(attempt.argv or "[]"))
    text = text.replace(attempt.work_directory, "")
    return {"": text if len(text) <= _LONG * 2 else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]}


def _environment(database: Database, attempt: AttemptRow) -> dict[str, str]:
    row = None if attempt.environment_id is None else database.row(EnvironmentRow, attempt.environment_id)
    return {} if row is None else dict(json.loads(row.variables))


def _image(database: Database, attempt: AttemptRow) -> dict[str, str]:
    row = None if attempt.image_id is None else database.row(ImageRow, attempt.image_id)
    return {} if row is None else {"": row.digest or f"{row.name}:{row.tag or 'latest'}"}
