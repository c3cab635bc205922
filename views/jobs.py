"""Jobs as pages show them: in one line, or with all that is known of each attempt."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import AttemptDetail
from ..provenance.rows import AttemptRow, ImageRow, JobRow, StepRow
from .files import FileViewer
from .logs import log_path, tail
from .looks import Look, look
from .ports import PortView, inputs_of_job, outputs_of_job
from .timeline import about_location
from .words import bytes_text, clean, counted, instant, seconds_text, shortened, took

MOST_ATTEMPTS = 12
LONGEST_COMMAND = 4_000
MOST_VARIABLES = 200


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is said under it; `href` when it points somewhere."""

    name: str
    text: str
    href: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job in one line."""

    id: str
    path: str
    look: Look
    took: str
    tries: int
    said: str
    started: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """The last lines of a log."""

    stream: str
    text: str
    path: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try of a job."""

    id: str
    number: int
    look: Look
    error: str
    command: str
    is_shell: bool
    environment: Sequence[tuple[str, str]]
    facts: Sequence[Fact]
    logs: Sequence[Log]


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with all that is known of it."""

    line: JobLine
    tool: str
    facts: Sequence[Fact]
    attempts: Sequence[AttemptView]
    inputs: Sequence[PortView]
    outputs: Sequence[PortView]
    left_out: int = 0
    """Attempts that are not shown, before those that are."""


def job_line(row: JobRow, attempts: Sequence[AttemptRow] = ()) -> JobLine:
    """Return a job in one line."""
    last = attempts[-1] if attempts else None
    started = last.started if last is not None and last.started is not None else row.started
    ended = last.ended if last is not None and last.ended is not None else row.ended
    said = row.error or (last.error if last is not None else None) or row.reason or ""
    return JobLine(
        row.id, clean(row.path), look(row.state), took(started, ended), len(attempts), shortened(clean(said), 300),
        instant(row.started),
    )  # fmt: skip


def job_lines(database: Database, rows: Sequence[JobRow]) -> list[JobLine]:
    """Return jobs in one line each."""
    attempts = queries.attempts_of(database, (row.id for row in rows))
    return [job_line(row, attempts.get(row.id, ())) for row in rows]


def job_view(database: Database, job_id: str, viewer: FileViewer, *, logs: bool = True) -> JobView:
    """Return a job with all that is known of it. Raises UsageError when there is none."""
    row = queries.get_job(database, job_id)
    step = database.row(StepRow, row.step_id)
    rows = queries.attempts(database, job_id)
    shown = [queries.attempt_detail(database, attempt) for attempt in rows[-MOST_ATTEMPTS:]]
    return JobView(
        line=job_line(row, rows),
        tool=clean(step.tool) if step else "",
        facts=list(_job_facts(row, step)),
        attempts=[attempt_view(detail, viewer, logs=logs) for detail in shown],
        inputs=inputs_of_job(database, job_id, viewer.without_previews()),
        outputs=outputs_of_job(database, row.run_id, job_id, viewer),
        left_out=len(rows) - len(shown),
    )


def _job_facts(row: JobRow, step: StepRow | None) -> Iterator[Fact]:
    yield from _facts(
        ("described at", step.place if step else None, True),
        ("started", f"{instant(row.started)} UTC" if row.started is not None else None, False),
        ("took", took(row.started, row.ended), False),
        ("why", row.reason, False),
        ("id", row.id, True),
    )


def _facts(*given: tuple[str, object, bool]) -> Iterator[Fact]:
    for name, value, is_code in given:
        if value not in (None, ""):
            yield Fact(name, clean(str(value)), is_code=is_code)


def attempt_view(detail: AttemptDetail, viewer: FileViewer, *, logs: bool = True) -> AttemptView:
    """Return an attempt with its command, environment, resources and the tails of its logs."""
    row = detail.row
    command = row.shell if row.shell is not None else shlex.join(detail.argv or ())
    return AttemptView(
        id=row.id,
        number=row.number,
        look=look(row.state),
        error=clean(row.error or ""),
        command=shortened(clean(command), LONGEST_COMMAND),
        is_shell=row.shell is not None,
        environment=_variables(detail.environment),
        facts=list(_attempt_facts(detail)),
        logs=list(_logs(detail, viewer)) if logs else (),
    )


def _variables(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    shown = sorted(environment.items())[:MOST_VARIABLES]
    return [(clean(name), shortened(clean(str(text)), 400)) for name, text in shown]


def _attempt_facts(detail: AttemptDetail) -> Iterator[Fact]:
    row, image = detail.row, detail.image
    cores = "" if row.cores is None else f"{row.cores:g} core{'' if row.cores == 1 else 's'}"
    asked = [cores, f"{row.ram} MiB" if row.ram is not None else "", counted(row.gpus, "GPU") if row.gpus else ""]
    asked += [f"{row.time_limit:g} s" if row.time_limit is not None else ""]
    waited = row.submitted is not None and row.started is not None
    yield from _facts(
        ("reason", row.reason, False),
        ("warning", row.warning, False),
        ("location", detail.location.name if detail.location else None, False),
        ("machine", about_location(detail.location), False),
        (
            "image",
            image_text(image) if image else "",
            True,
        ),
        ("ended by", _ending(row), False),
        ("asked for", ", ".join(text for text in asked if text), False),
        ("waited", seconds_text(max(0.0, (row.started or 0) - (row.submitted or 0))) if waited else None, False),
        ("took", took(row.started, row.ended), False),
        ("CPU time", seconds_text(row.cpu_seconds) if row.cpu_seconds is not None else None, False),
        ("peak memory", bytes_text(row.peak_rss), False),
        ("read", bytes_text(row.bytes_read), False),
        ("written", bytes_text(row.bytes_written), False),
        ("job of the queue" if is_queue(detail) else "process", row.native_id, True),
        ("directory", row.work_directory, True),
    )


def image_text(image: ImageRow) -> str:
    """Return a container image in words."""
    tag = f":{image.tag}" if image.tag else ""
    return clean(f"{image.name}{tag} {image.digest or ''}".strip())


def is_queue(detail: AttemptDetail) -> bool:
    """Tell whether an attempt was sent to a batch queue."""
    return detail.location is not None and detail.location.queue is not None


def _ending(row: AttemptRow) -> str:
    if row.signal is not None:
        return f"signal {row.signal}"
    return "" if row.exit_code is None else f"exit code {row.exit_code}"


def _logs(detail: AttemptDetail, viewer: FileViewer) -> Iterator[Log]:
    for stream in ("stderr", "stdout"):
        path = log_path(detail, stream)
        text = "" if path is None else tail(path, viewer.limits.tail, viewer.redactor)
        if path is not None and text:
            yield Log(stream, text, clean(path))
