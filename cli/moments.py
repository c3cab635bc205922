"""Points in the story of a run, as people type them: an event's number, or a time."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.rows import RunRow
from .render import instant

_OFFSET = re.compile(r"\+(\d+(?:\.\d+)?)(s|m|h)")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_KNOWN = "an event's number as `recrate log` shows it, a time such as 14:30 or 2026-11-25T14:30:00Z, or +90s"
_SHOWN_TO = 0.0005
"""`recrate log` shows seconds after the start to the millisecond: what is copied from there is meant."""


def event_meant(database: Database, run: RunRow, text: str) -> int:
    """Return the number of the last event up to a point; 0 when there was none since the start of the run.

    Raises UsageError for a text that is no point, a number that no event has, and a time before the start.
    """
    text = text.strip()
    last = queries.last_event(database, run.id)
    if text.isdecimal() and text.isascii():
        if len(text) > len(str(last)) or not 1 <= int(text) <= last:
            known = f"they are 1 to {last}" if last else "it has none yet"
            raise UsageError(f"run {run.name} has no event {text}: {known}")
        return int(text)
    moment = _moment(run, text)
    if moment < run.started:
        raise UsageError(f"{text} is before run {run.name} started, at {instant(run.started)}")
    return queries.event_at(database, run.id, moment)


def _moment(run: RunRow, text: str) -> float:
    """Return the instant that a text means; a time without a fraction of a second means the whole second."""
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        return run.started + float(offset[1]) * _UNITS[offset[2]] + _SHOWN_TO
    try:
        meant = _time_of_day(run, text) if ":" in text[:3] else datetime.fromisoformat(text)
        seconds = meant.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{text!r} is no point in the story of a run", hint=f"say {_KNOWN}") from error
    return seconds if "." in text else seconds + 1 - 1e-6


def _time_of_day(run: RunRow, text: str) -> datetime:
    """Return a time on the day on which the run started, or on the next when it went on past midnight."""
    said = time.fromisoformat(f"0{text}" if text[1:2] == ":" else text)
    started = datetime.fromtimestamp(run.started, said.tzinfo)
    meant = datetime.combine(started.date(), said)
    next_day = meant + timedelta(days=1)
    over = run.ended if run.ended is not None else datetime.now().timestamp()
    if meant.timestamp() + 1 <= run.started and next_day.timestamp() <= over:
        return next_day
    return meant
