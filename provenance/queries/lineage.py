"""Where a value came from and what became of it, within a run and by content across runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import field

from ...data_classes import dataclass
from ...errors import UsageError
from ..database import Database
from ..rows import FileRow, JobRow, PartRow, TokenRow, UsageRow
from ..states import Direction
from .contents import replicas_at
from .tokens import get_token, get_tokens, in_batches, places

_SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_PRODUCERS = 100
"""So many tokens with one content are looked at."""


@dataclass(frozen=True, slots=True)
class Produced:
    """A token, and the job that made it; None for one that was given, gathered or derived."""

    token: TokenRow
    """Without its value, which may be long, where it was found by a content."""
    job: JobRow | None
    file: FileRow | None = None
    """The file in the token's value that was asked for."""


@dataclass(slots=True)
class Lineage:
    """Tokens and jobs that hang together, by id, and how: by (token, job) and (token, token)."""

    tokens: dict[str, TokenRow] = field(default_factory=dict)
    """Without their values, which may be long."""
    jobs: dict[str, JobRow] = field(default_factory=dict)
    used: list[UsageRow] = field(default_factory=list)
    """Tokens on input ports of jobs; a token's own job says where it was made."""
    derived: list[tuple[str, str]] = field(default_factory=list)
    """(token, the token that it was derived from or put together of)."""


def producers(database: Database, wanted: str) -> list[Produced]:
    """Return what made a content or value: `wanted` is a sha256, an absolute path, or the id of a token.

    Tokens that a job made; where there are none, those that say how the content came in. The newest
    are first, at most `MOST_PRODUCERS`. Raises UsageError when nothing of that kind is on record.
    """
    if wanted.startswith("/"):
        found = _of_path(database, wanted)
    elif _SHA256.fullmatch(wanted):
        found = _of_content(database, wanted)
    else:
        token = get_token(database, wanted)
        return [Produced(token, _job(database, token))]
    if not found:
        raise UsageError(f"nothing on record made {wanted}")
    made = [item for item in found if item.job is not None]
    return made or found


def _of_content(database: Database, sha256: str, run_id: str | None = None) -> list[Produced]:
    return _with_content(database, sha256, run_id, made=True) or _with_content(database, sha256, run_id, made=False)


def _with_content(database: Database, sha256: str, run_id: str | None, *, made: bool) -> list[Produced]:
    condition, values = ("", ()) if run_id is None else ("AND token.run_id = ? ", (run_id,))
    found = database.query(
        "SELECT file.token_id, file.pointer FROM file JOIN token ON token.id = file.token_id "
        "JOIN run ON run.id = token.run_id "
        f"WHERE file.sha256 = ? AND token.job_id IS {'NOT ' if made else ''}NULL {condition}"
        "ORDER BY run.started DESC, file.token_id, file.pointer LIMIT ?",
        (sha256, *values, MOST_PRODUCERS),
    )
    tokens = get_tokens(database, dict.fromkeys(token for token, _ in found), without=("value",))
    return [
        Produced(tokens[token], _job(database, tokens[token]), database.row(FileRow, token, pointer))
        for token, pointer in found
    ]


def made_before(database: Database, sha256: str, run_id: str) -> str | None:
    """Return the newest token that a job of another run had made with a content when a run began."""
    found = database.one(
        "SELECT token.id FROM run AS later, file JOIN token ON token.id = file.token_id "
        "JOIN job ON job.id = token.job_id "
        "WHERE later.id = ? AND file.sha256 = ? AND token.run_id <> later.id AND job.started <= later.started "
        "ORDER BY job.started DESC, token.id LIMIT 1",
        (run_id, sha256),
    )
    return None if found is None else str(found[0])


def _of_path(database: Database, path: str) -> list[Produced]:
    found: dict[str, Produced] = {}
    for placed in replicas_at(database, path, valid=None):
        if placed.replica.sha256 is not None:
            for item in _of_content(database, placed.replica.sha256, placed.replica.run_id):
                found.setdefault(item.token.id, item)
    return list(found.values())


def _job(database: Database, token: TokenRow) -> JobRow | None:
    return None if token.job_id is None else database.row(JobRow, token.job_id)


def upstream(database: Database, token_ids: Iterable[str], *, most: int = 100_000) -> Lineage:
    """Return all that tokens come from, up to what was given to the run. Raises UsageError beyond `most` tokens."""
    return _walk(database, token_ids, _before, most)


def downstream(database: Database, token_ids: Iterable[str], *, most: int = 100_000) -> Lineage:
    """Return all that was made of tokens, within their runs. Raises UsageError beyond `most` tokens."""
    return _walk(database, token_ids, _after, most)


_Step = Callable[[Database, Lineage, tuple[str, ...]], set[str]]


def _walk(database: Database, token_ids: Iterable[str], step: _Step, most: int) -> Lineage:
    lineage = Lineage()
    frontier = set(token_ids)
    while frontier:
        if len(lineage.tokens) + len(frontier) > most:
            raise UsageError(f"the lineage has more than {most} tokens", hint="ask for one of its parts")
        lineage.tokens |= get_tokens(database, sorted(frontier), without=("value",))
        following: set[str] = set()
        for some in in_batches(sorted(frontier)):
            following |= step(database, lineage, some)
        frontier = following - lineage.tokens.keys()
    return lineage


def _before(database: Database, lineage: Lineage, tokens: tuple[str, ...]) -> set[str]:
    """Note what a few tokens were made of; return the ids of these."""
    rows = [lineage.tokens[token] for token in tokens if token in lineage.tokens]
    pairs = [(row.id, row.source_id) for row in rows if row.source_id is not None]
    parts = database.rows(PartRow, f"WHERE token_id IN ({places(tokens)}) ORDER BY token_id, position", tokens)
    pairs += [(part.token_id, part.part_id) for part in parts]
    lineage.derived += pairs
    makers = {row.job_id for row in rows if row.job_id is not None} - lineage.jobs.keys()
    used = _inputs_of(database, lineage, makers)
    return {source for _, source in pairs} | used


def _inputs_of(database: Database, lineage: Lineage, jobs: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for some in in_batches(sorted(jobs)):
        lineage.jobs.update((row.id, row) for row in database.rows(JobRow, f"WHERE id IN ({places(some)})", some))
        rows = database.rows(UsageRow, f"WHERE job_id IN ({places(some)}) AND direction = ?", (*some, Direction.INPUT))
        lineage.used += rows
        found |= {row.token_id for row in rows}
    return found


def _after(database: Database, lineage: Lineage, tokens: tuple[str, ...]) -> set[str]:
    """Note what was made of a few tokens; return the ids of that."""
    listed = places(tokens)
    derived = database.query(f"SELECT id, source_id FROM token WHERE source_id IN ({listed})", tokens)
    wholes = database.query(f"SELECT token_id, part_id FROM part WHERE part_id IN ({listed})", tokens)
    pairs = [(str(made), str(source)) for made, source in (*derived, *wholes)]
    lineage.derived += pairs
    used = database.rows(UsageRow, f"WHERE token_id IN ({listed}) AND direction = ?", (*tokens, Direction.INPUT))
    lineage.used += used
    made = _outputs_of(database, lineage, {row.job_id for row in used} - lineage.jobs.keys())
    return {token for token, _ in pairs} | made


def _outputs_of(database: Database, lineage: Lineage, jobs: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for some in in_batches(sorted(jobs)):
        lineage.jobs.update((row.id, row) for row in database.rows(JobRow, f"WHERE id IN ({places(some)})", some))
        rows = database.query(
            "SELECT token.id FROM job JOIN token ON token.run_id = job.run_id AND token.job_id = job.id "
            f"WHERE job.id IN ({places(some)})",
            some,
        )
        found |= {token for (token,) in rows}
    return found


def makers(database: Database, run_id: str, location: str, sha256: str | None = None) -> list[JobRow]:
    """Return the commands of a run in whose outputs a file or directory stands that was made at a URI.

    With a hash only those in whose outputs it stands with that content.
    """
    content, values = ("", ()) if sha256 is None else ("file.sha256 = ? AND ", (sha256,))
    return database.rows(
        JobRow,
        "WHERE id IN (SELECT token.job_id FROM file JOIN token ON token.id = file.token_id "
        f"WHERE {content}file.location = ? AND token.run_id = ? AND token.job_id IS NOT NULL) "
        "AND step_id IN (SELECT id FROM step WHERE run_id = ? AND kind = 'command') ORDER BY started, id",
        (*values, location, run_id, run_id),
    )
