"""Amounts, instants and texts as pages show them."""

from __future__ import annotations

import time
import unicodedata

from ..core import amounts

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_KEPT = "\n\t"


def clean(text: str) -> str:
    """Return a text without control characters, and without those that turn the direction of text round."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char in _KEPT or unicodedata.category(char) not in _UNSAFE else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, with an ellipsis where the rest was."""
    return text if len(text) <= most else text[: most - 1] + "…"


def instant(seconds: float | None) -> str:
    """Return an instant as date and time, UTC."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def iso(seconds: float) -> str:
    """Return an instant as ISO 8601 has it, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def took(started: float | None, ended: float | None) -> str:
    """Return how long something took, nothing when it has not ended."""
    return "" if started is None or ended is None else seconds_text(max(0.0, ended - started))


def seconds_text(seconds: float) -> str:
    """Return a span of time: `25 ms`, `1.5 s`, `12 s`, `3 min 20 s`, `5 h 03 min`, `2 d 4 h`."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def bytes_text(amount: int | None) -> str:
    """Return an amount of bytes in a unit that fits, nothing when it is not known."""
    return amounts.bytes_text(amount, "bytes")


def number(count: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Return a number of things: `1 job`, `1,200 jobs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
