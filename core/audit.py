"""Who made a result: each job, attempt, place and image on the way to it, up to what was given, across runs."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import AttemptDetail, Lineage, Produced, TokenHead
from ..provenance.rows import (
    AttemptRow,
    CrateRow,
    FileRow,
    JobRow,
    LocationRow,
    RepositoryRow,
    RunRow,
    SoftwareRow,
    TransferRow,
)
from ..provenance.states import AttemptState, JobState
from .machine.paths import plain_path

MOST_RUNS = 100
"""So many runs are followed into one another."""
MOST_FILES = 50
"""Of a value with more files the first ones are told."""
VALUE_CHARACTERS = 61
"""So much is read of a value in which there is no file."""


@dataclass(frozen=True, slots=True)
class Making:
    """A job that made something: by which attempt, where, and with what."""

    job: JobRow
    run: RunRow
    attempt: AttemptDetail | None
    """The attempt that ended well; None for what no command made."""
    crate: CrateRow | None = None
    """The crate that the run came from."""
    software: tuple[SoftwareRow, ...] = ()
    """The packages of its tool, with their versions."""
    repositories: tuple[RepositoryRow, ...] = ()
    """The git repositories that the sources of the run lay in."""

    @property
    def host(self) -> str | None:
        """Return the name of the machine."""
        location = None if self.attempt is None else self.attempt.location
        return None if location is None else location.hostname or location.name

    @property
    def command(self) -> str | None:
        """Return the command as a shell would have it, with paths below the attempt's own directory."""
        if self.attempt is None:
            return None
        text = self.attempt.row.shell or shlex.join(self.attempt.argv or ())
        return text.replace(f"{self.attempt.row.work_directory}/", "")


@dataclass(slots=True)
class Audit:
    """What a result comes from."""

    subject: Produced
    lineage: Lineage
    makings: dict[str, Making] = field(default_factory=dict)
    """By job."""
    files: dict[str, list[FileRow]] = field(default_factory=dict)
    """By token: the first files in its value."""
    counts: dict[str, int] = field(default_factory=dict)
    """By token: how many files are in its value, where that is more than are told."""
    values: dict[str, TokenHead] = field(default_factory=dict)
    """By token in which there is no file: the beginning of its value."""
    same: dict[str, str] = field(default_factory=dict)
    """By token that was given to a run: the token of an earlier run that has the same content."""
    transfers: dict[str, list[TransferRow]] = field(default_factory=dict)
    """By token: how its files came to where they were used."""
    locations: dict[str, LocationRow] = field(default_factory=dict)
    """The ends of these transfers."""

    def sources(self, token_id: str) -> list[tuple[str, str]]:
        """Return what a token was made of, as pairs of a word (the port, or how) and the id of a token."""
        token = self.lineage.tokens.get(token_id)
        if token is None:
            return []
        if token_id in self.same:
            return [("the same content", self.same[token_id])]
        found = []
        if token.job_id is not None:
            found += [(row.port, row.token_id) for row in self.lineage.used if row.job_id == token.job_id]
        derived = [source for made, source in self.lineage.derived if made == token_id]
        return found + [("taken from" if source == token.source_id else "part", source) for source in derived]

    def maker(self, token_id: str) -> Making | None:
        """Return the job that made a token, None for one that was given, gathered or derived."""
        token = self.lineage.tokens.get(token_id)
        return None if token is None or token.job_id is None else self.makings.get(token.job_id)


def audit(database: Database, wanted: str) -> Audit:
    """Return what a result comes from: `wanted` is a sha256, an absolute path, or the id of a token.

    Where a file was given to a run and another run had made the same content before, that run is followed too.

    Raises UsageError when nothing of that kind is on record.
    """
    subject = queries.producers(database, wanted)[0]
    found = Audit(subject, queries.upstream(database, [subject.token.id]))
    looked: set[str] = set()
    for _ in range(MOST_RUNS):
        _note_files(database, found)
        further = dict(_made_before(database, found, looked))
        if not further:
            break
        found.same |= further
        _add(found.lineage, queries.upstream(database, further.values()))
    _note_makings(database, found)
    _note_transfers(database, found)
    return found


def _note_files(database: Database, found: Audit) -> None:
    """Note the files of tokens that are new; those that were gathered have none of their own."""
    gathered = {made for made, _ in found.lineage.derived}
    for token_id in found.lineage.tokens.keys() - found.files.keys():
        files = database.rows(FileRow, "WHERE token_id = ? ORDER BY pointer LIMIT ?", (token_id, MOST_FILES))
        found.files[token_id] = files
        if len(files) == MOST_FILES:
            found.counts[token_id] = queries.count_files(database, token_id)
        elif not files and token_id not in gathered:
            head = queries.token_head(database, token_id, most=VALUE_CHARACTERS)
            if head is not None:
                found.values[token_id] = head


def _made_before(database: Database, found: Audit, looked: set[str]) -> Iterator[tuple[str, str]]:
    """Yield tokens that were given to a run, with a token of another run that a job had made with their content.

    Of a list that was given only those elements are of interest that were used.
    """
    sources: dict[str, list[str]] = {}
    for made, source in found.lineage.derived:
        sources.setdefault(made, []).append(source)
    given = {
        token_id for token_id, token in found.lineage.tokens.items() if token.job_id is None and token_id not in sources
    }
    elements = {made: of[0] for made, of in sources.items() if len(of) == 1 and of[0] in given}
    for token_id in sorted({*given.difference(elements.values()), *elements} - looked):
        looked.add(token_id)
        earlier = _earlier(database, found.lineage.tokens[token_id].run_id, found.files.get(token_id, ()))
        if earlier is not None:
            yield token_id, earlier


def _earlier(database: Database, run_id: str, files: Iterable[FileRow]) -> str | None:
    for file in files:
        earlier = queries.made_before(database, file.sha256, run_id) if file.sha256 is not None and file.size else None
        if earlier is not None:
            return earlier
    return None


def _add(lineage: Lineage, more: Lineage) -> None:
    used, derived = set(lineage.used), set(lineage.derived)
    lineage.tokens |= more.tokens
    lineage.jobs |= more.jobs
    lineage.used += [row for row in more.used if row not in used]
    lineage.derived += [pair for pair in more.derived if pair not in derived]


def _note_makings(database: Database, found: Audit) -> None:
    jobs = found.lineage.jobs
    runs = _runs(database, dict.fromkeys(job.run_id for job in jobs.values()))
    crates = {run_id: queries.crate_of(database, run_id) for run_id in runs}
    software = {run_id: queries.software_of(database, run_id) for run_id in runs}
    code = {run_id: tuple(queries.repositories_of(database, run_id)) for run_id in runs}
    attempts = _attempts(database, list(jobs.values()))
    for job in jobs.values():
        of_step = tuple(row for row in software[job.run_id] if row.role == plain_path(job.path))
        run = job.run_id
        found.makings[job.id] = Making(job, runs[run], attempts.get(job.id), crates[run], of_step, code[run])


def _runs(database: Database, run_ids: Iterable[str]) -> Mapping[str, RunRow]:
    """Return runs by id, without the values given and made, which may be long."""
    found: dict[str, RunRow] = {}
    for some in queries.in_batches(run_ids):
        condition = f"WHERE id IN ({queries.places(some)})"
        found.update((row.id, row) for row in database.rows(RunRow, condition, some, without=("inputs", "outputs")))
    return found


def _attempts(database: Database, jobs: Collection[JobRow]) -> Mapping[str, AttemptDetail]:
    """Return the attempts that ended well, by job; of one that was taken from the cache that of the other run."""
    cached = {job.id: job.cached_from for job in jobs if job.state is JobState.CACHED and job.cached_from}
    well: dict[str, AttemptRow] = {}
    for job, rows in queries.attempts_of(database, (job.id for job in jobs if job.id not in cached)).items():
        well.update((job, row) for row in rows if row.state is AttemptState.COMPLETED)
    for job, attempt in cached.items():
        row = database.row(AttemptRow, attempt)
        if row is not None:
            well[job] = row
    return dict(zip(well, queries.attempt_details(database, well.values()), strict=True))


def _note_transfers(database: Database, found: Audit) -> None:
    """Note by which transfers contents came to where they were used: a transfer knows its content, not its token."""
    hashes: dict[str, dict[str, str]] = {}
    for token_id, files in found.files.items():
        of_run = hashes.setdefault(found.lineage.tokens[token_id].run_id, {})
        for file in files:
            if file.sha256 is not None:
                of_run.setdefault(file.sha256, token_id)
    for run_id, tokens in hashes.items():
        for row in queries.transfers_with(database, run_id, tokens):
            found.transfers.setdefault(tokens[str(row.sha256)], []).append(row)
    ends = [end for rows in found.transfers.values() for row in rows for end in _ends(row)]
    found.locations = queries.locations(database, ends)


def _ends(row: TransferRow) -> tuple[str, str]:
    return row.source_location_id, row.target_location_id
