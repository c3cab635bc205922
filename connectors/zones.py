"""Umasks and time zones as others tell them: what cannot be one is taken as not known."""

from __future__ import annotations

import re

_MASK = re.compile(r"0*([0-7]{3})")
_ZONE = re.compile(r"[A-Za-z][\w+-]*(/[A-Za-z][\w+-]*)*", re.ASCII)


def umask_of(text: str) -> str | None:
    """Return three octal digits (shells print four), None when the text is no umask."""
    found = _MASK.fullmatch(text)
    return found[1] if found else None


def zone_of(text: str) -> str | None:
    """Return a name of the tz database, None when the text cannot be one."""
    return text if _ZONE.fullmatch(text) else None
