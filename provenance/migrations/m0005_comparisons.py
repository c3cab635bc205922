"""Whether a run gave the same result as another one: the verdict, with the tolerances that it rests on."""

from __future__ import annotations

from ..database import Database

NUMBER = 5


def upgrade(database: Database) -> None:
    """Add the table."""
    database.execute(
        """
CREATE TABLE comparison (
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    other_id TEXT NOT NULL,
    other TEXT NOT NULL,
    verdict TEXT NOT NULL,
    cause TEXT,
    tolerances TEXT NOT NULL,
    report TEXT NOT NULL,
    instant DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (run_id) REFERENCES run (id)
)
"""
    )
    database.execute("CREATE INDEX ix_comparison_run_id ON comparison (run_id)")
