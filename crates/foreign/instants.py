"""Dates and times as crates write them."""

from __future__ import annotations

from datetime import UTC, datetime

from ..graph import Entity


def instant(text: str | None) -> float | None:
    """Return an ISO 8601 time as seconds since 1970; one without an offset is taken for UTC, no time for None."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def span(action: Entity) -> tuple[float | None, float | None]:
    """Return when an action started and ended, as far as it says."""
    return instant(action.text("startTime")), instant(action.text("endTime"))
