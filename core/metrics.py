"""Metrics: numbers that a job records of itself, as lines of JSON in the file that RECRATE_METRICS names.

A line is an object: `{"name": "loss", "value": 0.31, "step": 4, "time": 1767225600.0}`, or several
numbers at once, `{"loss": 0.31, "accuracy": 0.88, "step": 4}`. `step` (a whole number) and `time`
(seconds since 1970) may be missing. A number that is not finite is `NaN`, `Infinity` or `null`.

What cannot be read is left out with a warning: a job never fails because of its metrics.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..data_classes import dataclass
from .layout import Layout, metrics_path
from .plan import CommandPlan

VARIABLE = "RECRATE_METRICS"
MOST_BYTES = 8 << 20
"""Of one file so much is read."""
MOST_VALUES = 100_000
"""So many numbers of one attempt are kept: the first."""
LONGEST_NAME = 200
_WHOLE = range(-(1 << 63), 1 << 63)


class _Odd(Exception):
    """Why a line is left out."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One number; `value` is None when it is not finite."""

    name: str
    value: float | None
    step: int | None = None
    instant: float | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file of metrics says, and in one line what of it could not be read."""

    values: Sequence[Measured]
    warning: str | None = None


def told_metrics(plan: CommandPlan, layout: Layout) -> CommandPlan:
    """Return a plan whose command is told where to write metrics, unless its tool defines that variable itself."""
    if VARIABLE in plan.environment:
        return plan
    return replace(plan, environment={**plan.environment, VARIABLE: metrics_path(layout.tmpdir)})


def parse(content: bytes) -> Parsed:
    """Return what a file says; any bytes will do."""
    values: list[Measured] = []
    odd: list[str] = []
    for number, line in enumerate(content[:MOST_BYTES].split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            values += _measured(line)
        except _Odd as why:
            odd.append(f"line {number}: {why}")
        if len(values) >= MOST_VALUES:
            break
    is_cut = len(content) > MOST_BYTES or len(values) > MOST_VALUES
    return Parsed(values[:MOST_VALUES], _warning(odd, is_cut=is_cut))


def _warning(odd: Sequence[str], *, is_cut: bool) -> str | None:
    said = []
    if odd:
        count = f"{len(odd)} lines" if len(odd) > 1 else "a line"
        said.append(f"{count} of its metrics cannot be read: {odd[0]}")
    if is_cut:
        said.append(
            f"its metrics are more than {MOST_BYTES >> 20} MiB or {MOST_VALUES:,} numbers; the rest is left out"
        )
    return "; ".join(said) or None


def _measured(line: bytes) -> list[Measured]:
    """Return what one line says. Raises _Odd."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise _Odd("it is no JSON") from None
    if not isinstance(said, dict):
        raise _Odd("it is no object")
    step, instant = _step(said.pop("step", None)), _instant(said.pop("time", None))
    if isinstance(said.get("name"), str):
        if said.keys() != {"name", "value"}:
            raise _Odd("beside `name` it has no `value`, or more than that")
        said = {said["name"]: said["value"]}
    if not said:
        raise _Odd("there is no number in it")
    return [Measured(_name(name), _value(name, value), step, instant) for name, value in said.items()]


def _name(name: str) -> str:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise _Odd(f"a name must have 1 to {LONGEST_NAME} characters that can be printed")
    return name


def _value(name: str, value: Any) -> float | None:
    if value is None:
        return None
    found = _real(value)
    if found is None:
        raise _Odd(f"{name[:LONGEST_NAME]!r} is no number")
    return found if math.isfinite(found) else None


def _step(value: Any) -> int | None:
    if value is None:
        return None
    found = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(found, bool) or not isinstance(found, int) or found not in _WHOLE:
        raise _Odd("`step` is no whole number")
    return found


def _instant(value: Any) -> float | None:
    found = _real(value)
    if value is None or (found is not None and math.isfinite(found)):
        return found
    raise _Odd("`time` is no number of seconds")


def _real(value: Any) -> float | None:
    """Return a JSON number, None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
