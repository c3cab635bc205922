"""Who made a result: each job, attempt, place and image on the way to it, up to what was given, across runs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import AttemptDetail, Lineage, Produced
from ..provenance.rows import FileRow, JobRow, RunRow, TokenRow, TransferRow
from ..provenance.states import AttemptState, JobState

MOST_RUNS = 100
"""So many runs are followed into one another."""


@dataclass(frozen=True, slots=True)
class Making:
    """A job that made something: by which attempt, where, and with what."""

    job: JobRow
    run: RunRow
    attempt: AttemptDetail | None
    """The attempt that ended well; None for what no command made."""

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
    """By token: the files in its value."""
    same: dict[str, str] = field(default_factory=dict)
    """By token that was given to a run: the token of an earlier run that has the same content."""
    transfers: dict[str, list[TransferRow]] = field(default_factory=dict)
    """By token: how its files came to where they were used."""

    def sources(self, token_id: str) -> list[tuple[str, str]]:
        """Return what a token was made of, as pairs of a word (the port, or how) and the id of a token."""
        token = self.lineage.tokens.get(token_id)
        if token is None:
            return []
        found = [("the same content", self.same[token_id])] if token_id in self.same else []
        if token.job_id is not None:
            found += [(row.port, row.token_id) for row in self.lineage.used if row.job_id == token.job_id]
        derived = [source for made, source in self.lineage.derived if made == token_id]
        return found + [("taken from" if source == token.source_id else "part", source) for source in derived]


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
    for token in found.lineage.tokens.keys() - found.files.keys():
        found.files[token] = database.rows(FileRow, "WHERE token_id = ? ORDER BY pointer", (token,))


def _made_before(database: Database, found: Audit, looked: set[str]) -> Iterator[tuple[str, str]]:
    """Yield tokens that were given to a run, with a token of another run that a job had made with their content."""
    has_source = {made for made, _ in found.lineage.derived}
    for token_id, token in list(found.lineage.tokens.items()):
        if token.job_id is not None or token_id in has_source or token_id in looked:
            continue
        looked.add(token_id)
        for file in found.files.get(token_id, ()):
            earlier = _earlier(database, token, file)
            if earlier is not None:
                yield token_id, earlier
                break


def _earlier(database: Database, token: TokenRow, file: FileRow) -> str | None:
    if file.sha256 is None or not file.size:
        return None
    begun = queries.get_run(database, token.run_id).started
    for one in queries.producers(database, file.sha256):
        is_earlier = one.job is not None and (one.job.started or 0.0) <= begun
        if is_earlier and one.token.run_id != token.run_id:
            return one.token.id
    return None


def _add(lineage: Lineage, more: Lineage) -> None:
    lineage.tokens |= more.tokens
    lineage.jobs |= more.jobs
    lineage.used += [row for row in more.used if row not in lineage.used]
    lineage.derived += [pair for pair in more.derived if pair not in lineage.derived]


def _note_makings(database: Database, found: Audit) -> None:
    runs: dict[str, RunRow] = {}
    for job in found.lineage.jobs.values():
        run = runs.get(job.run_id) or queries.get_run(database, job.run_id)
        runs[job.run_id] = run
        maker = queries.find_job(database, job.cached_from) if job.state is JobState.CACHED and job.cached_from else job
        found.makings[job.id] = Making(job, run, _attempt(database, maker or job))


def _attempt(database: Database, job: JobRow) -> AttemptDetail | None:
    rows = queries.attempts(database, job.id)
    well = [row for row in rows if row.state is AttemptState.COMPLETED]
    return queries.attempt_detail(database, well[-1]) if well else None


def _note_transfers(database: Database, found: Audit) -> None:
    for some in queries.in_batches(found.lineage.tokens):
        condition = f"WHERE token_id IN ({queries.places(some)}) ORDER BY started"
        for row in database.rows(TransferRow, condition, some):
            if row.token_id is not None:
                found.transfers.setdefault(row.token_id, []).append(row)


def described(found: Audit, token_id: str) -> str:
    """Return a token in words: its files, or its value."""
    token = found.lineage.tokens.get(token_id)
    files = found.files.get(token_id, [])
    if files:
        first = files[0]
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        return f"{first.basename}{more}" + (f"  sha256 {first.sha256[:16]}" if first.sha256 else "")
    if token is None or token.value is None:
        parts = sum(made == token_id for made, _ in found.lineage.derived)
        return f"{parts} parts"
    value = json.loads(token.value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "..."


def facts(making: Making) -> Mapping[str, str]:
    """Return what is known of a making, for people: names of facts and their texts."""
    attempt = making.attempt
    said: dict[str, str | None] = {"run": f"{making.run.name} ({making.run.id[:8]})", "step": making.job.path}
    if attempt is not None:
        image, location = attempt.image, attempt.location
        said |= {
            "attempt": str(attempt.row.number),
            "host": making.host,
            "queue": None if location is None else location.queue,
            "process or queue job": attempt.row.native_id,
            "image": None if image is None else image.digest or f"{image.name}:{image.tag or 'latest'}",
            "command": making.command,
        }
    return {name: text for name, text in said.items() if text}


def lines(found: Audit) -> Iterator[tuple[int, str, Sequence[tuple[str, str]]]]:
    """Yield the tree of a result: depth, text, and facts of the job that made it; each token is opened once."""
    stack: list[tuple[int, str, str]] = [(0, "", found.subject.token.id)]
    opened: set[str] = set()
    while stack:
        depth, word, token_id = stack.pop()
        text = f"{word}: {described(found, token_id)}" if word else described(found, token_id)
        token = found.lineage.tokens.get(token_id)
        if token_id in opened:
            yield depth, f"{text}  (see above)", ()
            continue
        opened.add(token_id)
        making = found.makings.get(token.job_id) if token is not None and token.job_id else None
        sources = found.sources(token_id)
        given = " (given to the run)" if making is None and not sources else ""
        yield depth, text + given, tuple(facts(making).items()) if making else ()
        stack += [(depth + 1, name, source) for name, source in reversed(sources)]
