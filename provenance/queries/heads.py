"""Tokens by the beginnings of their values, and what is next to them: bounded, however large the values are."""

from __future__ import annotations

from collections.abc import Sequence

from ...data_classes import dataclass
from ..database import Database
from ..rows import FileRow, JobRow, PartRow
from ..states import Direction, TokenOrigin
from .tokens import in_batches, places


@dataclass(frozen=True, slots=True)
class TokenHead:
    """A token with the beginning of its value.

    Attributes:
        text: the first characters of the JSON of its value, None when it is put together of parts.
        length: how many characters it has in all.
    """

    id: str
    path: str
    port: str
    origin: TokenOrigin
    job_id: str | None
    source_id: str | None
    text: str | None
    length: int


def count_rows(database: Database, rest: str, identity: str) -> int:
    """Return how many rows there are; `rest` is what follows `FROM`, with one value."""
    (count,) = database.one(f"SELECT count(*) FROM {rest}", (identity,)) or (0,)
    return int(count)


_HEAD = (
    "SELECT token.id, token.path, {port}, token.origin, token.job_id, token.source_id, "
    "substr(token.value, 1, ?), length(token.value) FROM token "
)


def ports_of_job(database: Database, job_id: str, direction: Direction, *, most: int) -> list[TokenHead]:
    """Return the tokens that are noted for one side of a job, with so many characters of their values."""
    rows = database.query(
        _HEAD.format(port="usage.port") + "JOIN usage ON usage.token_id = token.id "
        "WHERE usage.job_id = ? AND usage.direction = ? ORDER BY usage.port",
        (most, job_id, direction),
    )
    return [_head(row) for row in rows]


def made_by_job(database: Database, run_id: str, job_id: str, *, most: int) -> list[TokenHead]:
    """Return the tokens that a job made, with so many characters of their values."""
    condition = "WHERE run_id = ? AND job_id = ? ORDER BY port"
    return [_head(row) for row in database.query(_HEAD.format(port="token.port") + condition, (most, run_id, job_id))]


def token_head(database: Database, token_id: str, *, most: int) -> TokenHead | None:
    """Return a token with so many characters of its value, None when there is none."""
    row = database.one(_HEAD.format(port="token.port") + "WHERE id = ?", (most, token_id))
    return None if row is None else _head(row)


def _head(row: Sequence[object]) -> TokenHead:
    identity, path, port, origin, job, source, text, length = row
    return TokenHead(
        str(identity), str(path), str(port), TokenOrigin[str(origin)], None if job is None else str(job),
        None if source is None else str(source), None if text is None else str(text), int(str(length or 0)),
    )  # fmt: skip


def first_files(database: Database, token_id: str, *, limit: int) -> list[FileRow]:
    """Return the first files in the value of a token, those in its parts included."""
    found = database.rows(FileRow, "WHERE token_id = ? ORDER BY pointer LIMIT ?", (token_id, limit))
    for part in [] if found else first_parts(database, token_id, limit=limit):
        found += first_files(database, part, limit=limit - len(found))
        if len(found) >= limit:
            break
    return found


def first_parts(database: Database, token_id: str, *, limit: int) -> list[str]:
    """Return the first tokens that a token was put together of."""
    rows = database.rows(PartRow, "WHERE token_id = ? ORDER BY position LIMIT ?", (token_id, limit))
    return [row.part_id for row in rows]


def count_parts(database: Database, token_id: str) -> int:
    """Return of how many tokens a token was put together."""
    return count_rows(database, "part WHERE token_id = ?", token_id)


def count_files(database: Database, token_id: str) -> int:
    """Return how many files are in the value of a token itself, not in its parts."""
    return count_rows(database, "file WHERE token_id = ?", token_id)


def users_of(database: Database, token_id: str, *, limit: int) -> list[tuple[JobRow, str]]:
    """Return the first jobs that had a token on an input port, each with the port's name."""
    rows = database.query(
        "SELECT job_id, port FROM usage WHERE token_id = ? AND direction = ? ORDER BY job_id LIMIT ?",
        (token_id, Direction.INPUT, limit),
    )
    ports: dict[str, str] = dict(rows)
    found: list[JobRow] = []
    for some in in_batches(ports):
        found += database.rows(JobRow, f"WHERE id IN ({places(some)}) ORDER BY started, path", some)
    return [(row, ports[row.id]) for row in found]


def derived_from(database: Database, token_id: str, *, limit: int) -> list[str]:
    """Return the first tokens that were derived from a token, or that it is a part of."""
    rows = database.query(
        "SELECT id FROM token WHERE source_id = ? UNION SELECT token_id FROM part WHERE part_id = ? LIMIT ?",
        (token_id, token_id, limit),
    )
    return [identity for (identity,) in rows]
