"""Which umask and time zone jobs on other machines have, so that they can be had again on another one."""

from __future__ import annotations

from ..database import Database

NUMBER = 6


def upgrade(database: Database) -> None:
    """Add the columns."""
    database.execute("ALTER TABLE location ADD COLUMN umask TEXT")
    database.execute("ALTER TABLE location ADD COLUMN time_zone TEXT")
