"""What jobs recorded of themselves, and in which state the sources of a run were: what made a model, and how good
it is, are asked of the same store."""

from __future__ import annotations

from ..database import Database
from ..urls import Dialect

NUMBER = 4

_METRIC = """
CREATE TABLE metric (
    attempt_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    step BIGINT,
    value DOUBLE PRECISION,
    instant DOUBLE PRECISION,
    PRIMARY KEY (attempt_id, position),
    FOREIGN KEY (attempt_id) REFERENCES attempt (id)
)
"""
_REPOSITORY = """
CREATE TABLE repository (
    run_id TEXT NOT NULL,
    root TEXT NOT NULL,
    revision TEXT,
    branch TEXT,
    origin TEXT,
    changed TEXT NOT NULL,
    diff TEXT,
    PRIMARY KEY (run_id, root),
    FOREIGN KEY (run_id) REFERENCES run (id)
)
"""


def upgrade(database: Database) -> None:
    """Add the tables, and a column for what went wrong without making an attempt fail."""
    on_sqlite = database.dialect is Dialect.SQLITE
    database.execute(_METRIC + (" WITHOUT ROWID" if on_sqlite else ""))
    database.execute(_REPOSITORY)
    database.execute("ALTER TABLE attempt ADD COLUMN warning TEXT")
