"""Files in the values of tokens, found by the beginnings of their hashes or names."""

from __future__ import annotations

from typing import Any

from ...data_classes import dataclass
from ..database import Database
from ..states import TokenOrigin
from ..texts import from_stored
from ..urls import Dialect
from .tokens import token_value


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file in the value of a token, and where that was."""

    basename: str
    sha256: str | None
    size: int | None
    token_id: str
    path: str
    port: str
    job_id: str | None
    origin: TokenOrigin
    run_id: str
    run_name: str


_FOUND = (
    "SELECT file.basename, file.sha256, file.size, token.id, token.path, token.port, token.job_id, token.origin, "
    "run.id, run.name FROM file JOIN token ON token.id = file.token_id JOIN run ON run.id = token.run_id "
)


def files_of_content(database: Database, sha256: str, *, limit: int) -> list[FoundFile]:
    """Return files whose hash begins so, those that a job made first."""
    # Hashes are hex digits, so that "g" comes after whatever may follow the beginning.
    return _found(database, "file.sha256 >= ? AND file.sha256 < ?", (sha256, f"{sha256}g"), limit)


def files_called(database: Database, name: str, *, limit: int) -> list[FoundFile]:
    """Return files whose name begins so, those that a job made first."""
    collation = ' COLLATE "C"' if database.dialect is Dialect.POSTGRESQL else ""
    condition = f"file.basename{collation} >= ? AND file.basename{collation} < ?"
    return _found(database, condition, (name, f"{name}\U0010ffff"), limit)


_CONSIDERED = 20
"""So many times the files that are asked for are looked at, to find those that jobs made."""


def _found(database: Database, condition: str, values: tuple[str, ...], limit: int) -> list[FoundFile]:
    rows = database.query(f"{_FOUND} WHERE {condition} LIMIT ?", (*values, limit * _CONSIDERED))
    found = [
        FoundFile(name, sha256, size, token, path, port, job, TokenOrigin[origin], run, run_name)
        for name, sha256, size, token, path, port, job, origin, run, run_name in rows
    ]
    return sorted(found, key=lambda one: one.origin is not TokenOrigin.OUTPUT)[:limit]


def file_at(database: Database, run_id: str, location: str) -> dict[str, Any] | None:
    """Return a File or Directory of a run's values that was hashed at a location; None when there is none."""
    found = database.one(
        "SELECT file.token_id, file.pointer FROM token JOIN file ON file.token_id = token.id "
        "WHERE token.run_id = ? AND file.location = ? AND file.sha256 IS NOT NULL ORDER BY file.pointer, file.token_id "
        "LIMIT 1",
        (run_id, location),
    )
    if found is None:
        return None
    value: Any = token_value(database, found[0])
    for part in from_stored(found[1]).split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return dict(value)
