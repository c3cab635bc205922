"""What `--chaos` asks for: how often which fault is to happen.

    corrupt=5%,cut=2%,kill=5%,drop=1%,delay=200ms,seed=7

The words are separated by commas; each is given at most once, and in any order. `none` alone asks for nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ...data_classes import dataclass
from ...errors import UsageError

NONE = "none"
ALLOWED = (
    "a list such as corrupt=5%,cut=2%,kill=5%,drop=1%,delay=200ms,seed=7, any of these, or none; "
    "percentages from 0 to 100, delays in ms or s"
)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)(ms|s)", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
LONGEST_DELAY = 600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class ChaosSpec:
    """How often faults happen: shares from 0 to 1, of transfers, of jobs, or of calls to places elsewhere."""

    corrupt: float = 0.0
    """Of transfers: some bytes arrive changed, or the end is missing, and nobody says so."""
    cut: float = 0.0
    """Of transfers: they break off."""
    kill: float = 0.0
    """Of jobs: they are killed."""
    drop: float = 0.0
    """Of calls: the connection is lost, before or after the call was carried out."""
    delay: float = 0.0
    """Seconds that a call waits at most."""
    seed: int | None = None
    """The same seed gives the same decisions, as far as things happen in the same order; None: one is drawn."""

    def __bool__(self) -> bool:
        """Tell whether anything is asked for."""
        return any((self.corrupt, self.cut, self.kill, self.drop, self.delay))

    def __str__(self) -> str:
        """Return what `parse_chaos` makes this of."""
        words = [
            f"{item.name}={_SHOWN[item.name](value)}"
            for item in fields(self)
            if (value := getattr(self, item.name)) not in (0.0, None) or (item.name == "seed" and value == 0)
        ]
        return ",".join(words) if self else NONE


def parse_chaos(text: str) -> ChaosSpec:
    """Return what a text asks for. Raises UsageError, which says what is allowed."""
    if text.strip() == NONE:
        return ChaosSpec()
    given: dict[str, Any] = {}
    for word in text.split(","):
        name, equals, value = (part.strip() for part in word.partition("="))
        if name not in _READ or not equals:
            raise _wrong(f"{word.strip()!r} is none of its words")
        if name in given:
            raise _wrong(f"{name} is given twice")
        given[name] = _READ[name](name, value)
    spec = ChaosSpec(**given)
    if not spec:
        raise _wrong(f"{text!r} asks for nothing")
    return spec


def _wrong(problem: str) -> UsageError:
    return UsageError(f"--chaos: {problem}", hint=f"give {ALLOWED}")


def _share(name: str, value: str) -> float:
    found = _PERCENT.fullmatch(value)
    if found is None or float(found[1]) > 100:
        raise _wrong(f"{name}={value!s} is no percentage")
    return float(found[1]) / 100


def _delay(name: str, value: str) -> float:
    found = _DELAY.fullmatch(value)
    seconds = math.inf if found is None else float(found[1]) / (1000 if found[2] == "ms" else 1)
    if seconds > LONGEST_DELAY:
        raise _wrong(f"{name}={value} is no time of at most {LONGEST_DELAY:.0f} s")
    return seconds


def _seed(name: str, value: str) -> int:
    if _NUMBER.fullmatch(value) is None:
        raise _wrong(f"{name}={value} is no whole number of at most 18 digits")
    return int(value)


def _plain(number: float) -> str:
    """Return a number without an exponent."""
    return f"{number:.12f}".rstrip("0").rstrip(".")


_READ: Mapping[str, Callable[[str, str], Any]] = {
    "corrupt": _share,
    "cut": _share,
    "kill": _share,
    "drop": _share,
    "delay": _delay,
    "seed": _seed,
}
_SHOWN: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("corrupt", "cut", "kill", "drop"), lambda share: f"{_plain(share * 100)}%"),
    "delay": lambda seconds: f"{_plain(seconds)}s",
    "seed": str,
}
