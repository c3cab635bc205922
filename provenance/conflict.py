"""What happens to a row whose key is in the store already."""

from __future__ import annotations

from enum import Enum


class OnConflict(Enum):
    """What the database does when a row of the same key is there."""

    FAIL = "fail"
    """The transaction fails: storing such a row twice would be a mistake of ours."""
    KEEP = "keep"
    """The row that is there stays."""
    REPLACE = "replace"
    """The new row takes its place."""
