"""Why an attempt was made, so that one that only restored lost data can be told apart; and what somebody
asks of the controller that holds a run, so that `recrate cancel` reaches it wherever it is."""

from __future__ import annotations

from ..database import Database

NUMBER = 2


def upgrade(database: Database) -> None:
    """Add the columns."""
    database.execute("ALTER TABLE attempt ADD COLUMN reason TEXT")
    database.execute("ALTER TABLE lease ADD COLUMN asked TEXT")
