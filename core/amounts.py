"""Amounts in words: memory and time, as errors and reasons say them."""

from __future__ import annotations

import re

from ..errors import UsageError

GIB = 1024
SMALL = 10 * GIB
"""MiB; below it memory is told in MiB."""


def memory(mib: float, like: float | None = None) -> str:
    """Return an amount of MiB in words; without its unit when it stands beside another amount, `like`."""
    in_gib = (mib if like is None else like) >= SMALL
    number = f"{mib / GIB:.1f}".removesuffix(".0") if in_gib else f"{mib:.0f}"
    return number if like is not None else f"{number} {'GiB' if in_gib else 'MiB'}"


def duration(seconds: float) -> str:
    """Return a time in words: `1.3 s`, and from a minute on `h:mm:ss`."""
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def bytes_text(amount: int | None, byte: str = "B") -> str:
    """Return an amount of bytes in a unit that fits, the smallest being called `byte`; nothing when it is not known."""
    if amount is None:
        return ""
    value, units = float(amount), [byte, "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == byte else f"{value:.1f} {units[0]}"


_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def parse_bytes(text: str) -> int:
    """Return a number of bytes from `1000`, `500M` or `1.5 GiB`. Raises UsageError."""
    found = _BYTES.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no number of bytes", hint="such as 1000, 500M or 1.5GiB")
    number, prefix, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(prefix.lower() or " "))
