"""Tokens, their values, and the files in them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ...data_classes import dataclass
from ...errors import StoreFailed, UsageError
from .. import ids
from ..database import Database
from ..rows import FileRow, PartRow, TokenRow, UsageRow
from ..states import Direction

AT_ONCE = 500
"""Ids in one query: databases limit the number of values of a statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDetail:
    """A token with its value and its files, and the jobs that it was on a port of."""

    row: TokenRow
    value: Any
    files: Sequence[FileRow]
    parts: Sequence[str]
    """Ids of the tokens that it was put together of, in order."""
    usages: Sequence[UsageRow]


def get_token(database: Database, token_id: str) -> TokenRow:
    """Return the row of a token. Raises UsageError when there is none."""
    row = database.row(TokenRow, token_id)
    if row is None:
        raise UsageError(f"there is no token {token_id}")
    return row


def token_detail(database: Database, token_id: str) -> TokenDetail:
    """Return what is known of a token. Raises UsageError when there is none with this id."""
    return TokenDetail(
        row=get_token(database, token_id),
        value=token_value(database, token_id),
        files=files_of(database, token_id),
        parts=parts_of(database, [token_id]).get(token_id, []),
        usages=database.rows(UsageRow, "WHERE token_id = ?", (token_id,)),
    )


def get_tokens(database: Database, token_ids: Iterable[str], *, without: Collection[str] = ()) -> dict[str, TokenRow]:
    """Return the rows of tokens by id; ids that are not there are left out. `without` as in `Database.rows`."""
    found: dict[str, TokenRow] = {}
    for some in in_batches(token_ids):
        rows = database.rows(TokenRow, f"WHERE id IN ({places(some)})", some, without=without)
        found.update((row.id, row) for row in rows)
    return found


def token_value(database: Database, token_id: str) -> Any:
    """Return the value of a token. Raises UsageError when there is none with this id."""
    return token_values(database, [token_id])[token_id]


def token_values(database: Database, token_ids: Iterable[str]) -> dict[str, Any]:
    """Return the values of tokens, those put together of parts included.

    Raises UsageError for an id that is not there.
    """
    wanted = list(token_ids)
    rows: dict[str, TokenRow] = {}
    parts: dict[str, list[str]] = {}
    missing = dict.fromkeys(wanted)
    while missing:
        found = get_tokens(database, missing)
        lacking = [token for token in missing if token not in found]
        if lacking:
            raise UsageError(f"there is no token {lacking[0]}")
        rows |= found
        parts |= parts_of(database, (row.id for row in found.values() if row.value is None))
        missing = dict.fromkeys(part for row in found for part in parts.get(row, ()) if part not in rows)
    known: dict[str, Any] = {}
    return {token: _assembled(token, rows, parts, known, ()) for token in wanted}


def _assembled(
    token: str,
    rows: Mapping[str, TokenRow],
    parts: Mapping[str, Sequence[str]],
    known: dict[str, Any],
    outer: tuple[str, ...],
) -> Any:
    if token in outer:
        raise StoreFailed(f"token {token} is a part of itself: the store holds rows that nothing of ours has written")
    if token not in known:
        text = rows[token].value
        known[token] = (
            json.loads(text)
            if text is not None
            else [_assembled(part, rows, parts, known, (*outer, token)) for part in parts.get(token, ())]
        )
    return known[token]


def parts_of(database: Database, token_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the ids of the tokens that tokens were put together of, in order; by id of the whole."""
    found: dict[str, list[str]] = {}
    for some in in_batches(token_ids):
        for row in database.rows(PartRow, f"WHERE token_id IN ({places(some)}) ORDER BY token_id, position", some):
            found.setdefault(row.token_id, []).append(row.part_id)
    return found


def files_of(database: Database, token_id: str) -> list[FileRow]:
    """Return the files in the value of a token, also those in its parts, in order."""
    own = database.rows(FileRow, "WHERE token_id = ? ORDER BY pointer", (token_id,))
    parts = parts_of(database, [token_id]).get(token_id, [])
    return own or [row for part in parts for row in files_of(database, part)]


def outputs_of_job(database: Database, run_id: str, job_id: str) -> dict[str, TokenRow]:
    """Return the tokens on a job's output ports: those that it made, or for a workflow those of its steps."""
    made = database.rows(TokenRow, "WHERE run_id = ? AND job_id = ?", (run_id, job_id))
    return {row.port: row for row in made} | used_by(database, job_id, Direction.OUTPUT)


def outputs_of_run(database: Database, run_id: str) -> dict[str, TokenRow]:
    """Return the tokens on the output ports of a run's workflow, by name of the port."""
    return outputs_of_job(database, run_id, ids.job_id(run_id, "/"))


def used_by(database: Database, job_id: str, direction: Direction) -> dict[str, TokenRow]:
    """Return the tokens that are noted for one side of a job, by name of the port."""
    pairs = database.query(
        "SELECT port, token_id FROM usage WHERE job_id = ? AND direction = ? ORDER BY port", (job_id, direction)
    )
    tokens = get_tokens(database, (token for _, token in pairs))
    return {port: tokens[token] for port, token in pairs if token in tokens}


def all_tokens(database: Database, run_id: str) -> Iterator[TokenRow]:
    """Yield all tokens of a run, in constant memory: see `Database.stream`."""
    return database.stream_rows(TokenRow, "WHERE run_id = ?", (run_id,))


def in_batches(items: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the items a few hundred at a time."""
    iterator = iter(items)
    while some := tuple(islice(iterator, AT_ONCE)):
        yield some


def places(values: Sequence[object]) -> str:
    """Return the places of so many values in a statement."""
    return ", ".join("?" * len(values))
