"""Where imported runs came from, so that nobody takes what others say for what happened here."""

from __future__ import annotations

from ..database import Database

NUMBER = 3


def upgrade(database: Database) -> None:
    """Add the table."""
    database.execute(
        """
CREATE TABLE crate (
    run_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    host TEXT NOT NULL,
    directory TEXT,
    profiles TEXT NOT NULL,
    producer TEXT,
    is_own BOOLEAN NOT NULL,
    signer TEXT,
    imported DOUBLE PRECISION,
    PRIMARY KEY (run_id),
    FOREIGN KEY (run_id) REFERENCES run (id)
)
"""
    )
