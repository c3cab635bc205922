"""How much two numbers may differ, and still count as the same."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import field

from ...data_classes import dataclass
from ...errors import UsageError

DEFAULT_RELATIVE = 1e-6
DEFAULT_ABSOLUTE = 1e-9


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How much numbers may differ: `|a - b| <= absolute + relative * max(|a|, |b|)`.

    `named` has absolute tolerances for numbers that have a name: a key of a JSON object, a column of a
    table, an array in a file of several. They count instead of the general ones.
    """

    relative: float = DEFAULT_RELATIVE
    absolute: float = DEFAULT_ABSOLUTE
    named: Mapping[str, float] = field(default_factory=dict)

    def are_close(self, first: float, second: float, name: str = "") -> bool:
        """Tell whether two numbers count as the same; two NaN do, and infinities of the same sign."""
        if first == second or (math.isnan(first) and math.isnan(second)):
            return True
        if math.isinf(first) or math.isinf(second):
            return False
        if name in self.named:
            return abs(first - second) <= self.named[name]
        return abs(first - second) <= self.absolute + self.relative * max(abs(first), abs(second))

    def bounds(self, name: str = "") -> tuple[float, float]:
        """Return the relative and the absolute tolerance for what has a name."""
        return (0.0, self.named[name]) if name in self.named else (self.relative, self.absolute)

    def in_words(self) -> str:
        """Return the tolerances as a report says them."""
        named = "".join(f", {name} {value:g}" for name, value in sorted(self.named.items()))
        return f"relative {self.relative:g}, absolute {self.absolute:g}{named}"


def tolerances(
    relative: float = DEFAULT_RELATIVE, absolute: float = DEFAULT_ABSOLUTE, rules: Iterable[str] = ()
) -> Tolerances:
    """Return tolerances from options; `rules` are `NAME=NUMBER`. Raises UsageError for what is none."""
    named: dict[str, float] = {}
    for rule in rules:
        name, _, number = rule.rpartition("=")
        if not name or not re.fullmatch(r"\d*\.?\d+(?:[eE][-+]?\d+)?", number):
            raise UsageError(f"{rule!r} is no tolerance", hint="write NAME=NUMBER, such as accuracy=0.01")
        named[name] = float(number)
    for value in (relative, absolute):
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"a tolerance of {value:g} makes no sense", hint="give a number from 0 on")
    return Tolerances(relative, absolute, named)
