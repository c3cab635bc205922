"""A model card made of the record alone: what a file is, what made it of what, how good it is, how to make it again.

Sections follow Mitchell et al., "Model Cards for Model Reporting" (2019), as far as a record can know them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..core.audit import Audit, Making, audit
from ..core.measurements import Scalar, parameters
from ..core.sources import changed_in, repository_text
from ..data_classes import dataclass
from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import AttemptDetail, MetricSummary, Produced, RunDetail
from ..provenance.rows import FileRow, JobRow, RepositoryRow, RunRow
from .charts import number_text
from .jobs import image_text
from .rendering import render
from .words import bytes_text, clean, instant, shortened, took

MOST_FILES = 200
MOST_USERS = 50
LONGEST_COMMAND = 2000
LONGEST_DIFF = 20_000
MOST_CHANGED = 20
HIDDEN = frozenset({"PATH", "HOME", "TMPDIR", "RECRATE_METRICS"})
"""Variables of the environment that say nothing about a model."""
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that went into the model: as what, and where it came from."""

    port: str
    name: str
    sha256: str
    size: str
    origin: str


@dataclass(frozen=True, slots=True)
class Score:
    """What one job recorded by one name: the last number, the least and the greatest of `count`."""

    name: str
    last: str
    least: str
    greatest: str
    count: int
    job: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was not as in the commit: names of files, and the diff as far as there is one."""

    files: Sequence[str]
    more: int
    diff: str


@dataclass(frozen=True, slots=True)
class Card:
    """All that a card says.

    Attributes:
        name: of the file.
        facts: names and values about the file and who made it.
        command: what made it.
        repositories: the code, a line each.
        changes: what had changed in each.
        parameters: what the job was told, by name.
        sources: files that the job was given, then those that these were made of, up to the first ones.
        left_out: how many more there are.
        own: what the job recorded.
        others: what jobs recorded that used the model.
        environment: names and values.
        run: name of the run.
        sha256: of the file.
    """

    name: str
    facts: Sequence[tuple[str, str]]
    command: str
    repositories: Sequence[str]
    changes: Sequence[Changes]
    parameters: Sequence[tuple[str, Scalar]]
    sources: Sequence[Source]
    left_out: int
    own: Sequence[Score]
    others: Sequence[Score]
    environment: Sequence[tuple[str, str]]
    run: str
    sha256: str


def card_text(card: Card, license: str | None = None) -> str:
    """Return a card as Markdown; `license` are the terms under which the file may be used, where they are known."""
    values = {"card": card, "license": license, "md": text, "code": code, "block": block}
    return "".join(render("model_card.md", values))


def card_of(database: Database, wanted: str) -> Card:
    """Return what the record says of a file: `wanted` is a sha256, an absolute path, or the id of a token.

    Raises UsageError when no job on record made it.
    """
    subject = _first_made(database, wanted)
    found = audit(database, subject.token.id)
    making = None if subject.job is None else found.makings.get(subject.job.id)
    if making is None:
        raise UsageError(f"no job on record made {wanted}", hint="`recrate audit` says how it came in")
    file = subject.file or next(iter(found.files.get(subject.token.id, ())), None)
    sha256 = (file.sha256 if file is not None else None) or ""
    run = queries.run_detail(database, making.run.id)
    repositories = _repositories(database, run)
    sources = list(_sources(found, making.job))
    given = parameters(database, making.run.id, [making.job.path])[making.job.path]
    return Card(
        name=clean(file.basename if file is not None else subject.token.port),
        facts=[*_of_file(file), *_of_maker(making, run)],
        command=shortened(clean(making.command or ""), LONGEST_COMMAND),
        repositories=[clean(repository_text(row)) for row in repositories],
        changes=[_changes(row) for row in repositories],
        parameters=list(given.items()),
        sources=sources[:MOST_FILES],
        left_out=max(0, len(sources) - MOST_FILES),
        own=list(_own(database, making)),
        others=list(_others(database, sha256)),
        environment=list(_environment(making.attempt, run)),
        run=making.run.name,
        sha256=sha256,
    )


def _first_made(database: Database, wanted: str) -> Produced:
    """Return the first of the tokens with a content in the newest run that made it: others may be copies."""
    newest, *others = queries.producers(database, wanted)
    same = [newest, *(one for one in others if one.token.run_id == newest.token.run_id)]
    return min(same, key=lambda one: (one.job is None, one.job.started or 0.0 if one.job is not None else 0.0))


# -- what it is --------------------------------------------------------------------------------------


def _of_file(file: FileRow | None) -> Iterator[tuple[str, str]]:
    if file is not None:
        yield "sha256", file.sha256 or ""
        yield "size", bytes_text(file.size)


def _of_maker(making: Making, run: RunDetail) -> Iterator[tuple[str, str]]:
    row, agent = making.run, run.agent
    yield "made by", f"job {making.job.path} of run {row.name} ({row.id})"
    if run.workflow is not None:
        yield "workflow", f"{run.workflow.name} ({run.workflow.language})"
    if making.attempt is not None:
        attempt = making.attempt.row
        yield "on", f"{instant(attempt.ended)} UTC, in {took(attempt.started, attempt.ended)}"
        yield "at", _place(making)
    if run.crate is not None:
        yield "known from", f"an imported crate, sha256 {run.crate.sha256}, {_signed(run.crate.signer)}"
    if agent is not None:
        yield "on behalf of", ", ".join(said for said in (agent.name, agent.orcid, agent.affiliation) if said)


def _signed(signer: str | None) -> str:
    return f"signed by {signer}" if signer else "not signed by anybody who is known"


def _place(making: Making) -> str:
    location = None if making.attempt is None else making.attempt.location
    queue = f", queue {location.queue}" if location is not None and location.queue else ""
    native = making.attempt.row.native_id if making.attempt is not None else None
    return f"{making.host or 'a host that is not on record'}{queue}{f', as {native}' if native else ''}"


def _repositories(database: Database, run: RunDetail) -> Sequence[RepositoryRow]:
    """Return where the code of a run came from; of one that was run again from a crate, what the first one says."""
    seen = set()
    while not run.repositories and run.row.parent_id is not None and run.row.parent_id not in seen:
        seen.add(run.row.parent_id)
        if database.row(RunRow, run.row.parent_id) is None:
            break
        run = queries.run_detail(database, run.row.parent_id)
    return run.repositories


def _changes(row: RepositoryRow) -> Changes:
    files = changed_in(row)
    diff = shortened(clean(row.diff or ""), LONGEST_DIFF)
    return Changes(files[:MOST_CHANGED], max(0, len(files) - MOST_CHANGED), diff)


# -- what it was made of -----------------------------------------------------------------------------


def _sources(found: Audit, job: JobRow) -> Iterator[Source]:
    """Yield the files that a job was given, then what these were made of, each content once."""
    seen = {found.subject.token.id}
    told: set[str] = set()
    pending = [(row.port, row.token_id) for row in found.lineage.used if row.job_id == job.id]
    while pending:
        following: list[tuple[str, str]] = []
        for port, token_id in pending:
            if token_id in seen:
                continue
            seen.add(token_id)
            further = found.sources(token_id)
            origin = _origin(found, token_id, has_sources=bool(further))
            for file in found.files.get(token_id, ()):
                if file.sha256 is not None and file.sha256 not in told:
                    told.add(file.sha256)
                    yield Source(port, clean(file.basename), file.sha256, bytes_text(file.size), origin)
            following += [(port if word in _SAME else word, source) for word, source in further]
        pending = following


_SAME = ("part", "taken from", "the same content")


def _origin(found: Audit, token_id: str, *, has_sources: bool) -> str:
    token = found.lineage.tokens.get(token_id)
    making = None if token is None or token.job_id is None else found.makings.get(token.job_id)
    if making is not None:
        other = "" if making.run.id == found.subject.token.run_id else f" of run {making.run.name}"
        return clean(f"made by {making.job.path}{other}")
    return "put together of what follows" if has_sources else "given to the run"


# -- how good it is ----------------------------------------------------------------------------------


def _own(database: Database, making: Making) -> Iterator[Score]:
    if making.attempt is not None:
        attempt = making.attempt.row.id
        yield from map(_score, queries.metric_summaries(database, [attempt]).get(attempt, ()))


def _others(database: Database, sha256: str) -> Iterator[Score]:
    users = queries.measured_users(database, sha256)[-MOST_USERS:]
    summaries = queries.metric_summaries(database, [attempt for _, attempt in users])
    for job, attempt in users:
        run = queries.get_run(database, job.run_id)
        for one in summaries.get(attempt, ()):
            yield _score(one, clean(f"{job.path} of run {run.name}"))


def _score(one: MetricSummary, job: str = "") -> Score:
    def said(value: float | None) -> str:
        return "not finite" if value is None else number_text(value)

    least = None if one.least is None else one.least.value
    greatest = None if one.greatest is None else one.greatest.value
    return Score(clean(one.name), said(one.last.value), said(least), said(greatest), one.count, job)


# -- where it was made -------------------------------------------------------------------------------


def _environment(attempt: AttemptDetail | None, run: RunDetail) -> Iterator[tuple[str, str]]:
    if attempt is not None:
        yield from _machine(attempt)
        if attempt.image is not None:
            yield "container image", f"{image_text(attempt.image)}, run by {attempt.image.engine}"
        for name, value in sorted(attempt.environment.items()):
            if name not in HIDDEN:
                yield name, clean(value)
    yield "engine", f"Recrate {run.row.engine_version}, Python {run.row.python_version}"
    for row in run.software:
        if row.role not in ("engine", "dependency"):
            yield clean(row.name), clean(row.version) or "any version"


def _machine(attempt: AttemptDetail) -> Iterator[tuple[str, str]]:
    location, row = attempt.location, attempt.row
    if location is not None:
        system = [location.os, f"kernel {location.kernel}" if location.kernel else None]
        yield "operating system", clean(", ".join(said for said in system if said))
        yield "processor", clean(location.cpu_model or "")
        yield "GPUs", str(location.gpus) if location.gpus else ""
    yield "cores asked for", f"{row.cores:g}" if row.cores is not None else ""
    yield "peak memory", bytes_text(row.peak_rss)


# -- Markdown ----------------------------------------------------------------------------------------


def text(value: object) -> str:
    """Return a value as a text in Markdown (CommonMark, "Backslash escapes"), on one line."""
    line = " ".join(clean(str(value)).split())
    return _SPECIAL.sub(r"\\\1", line)


def code(value: object) -> str:
    """Return a value as a code span in a cell of a table, nothing for an empty one."""
    line = " ".join(clean(str(value)).split()).replace("|", "\\|")
    if not line:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(value: str, language: str = "") -> str:
    """Return a text as a fenced block of code."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", value)), default=0))
    return f"{fence}{language}\n{clean(value).rstrip()}\n{fence}"
